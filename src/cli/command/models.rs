//! `models list|show|register|compare|promote|rollback|describe|tag|untag|stage|unalias|rename|delete|logged|logged-model`.

mod change;
mod compare;
mod logged;

use crate::cli::args::ModelsCommand;
use crate::cli::command::{connect, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, fields, or_dash, table};
use crate::client::Client;
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::view::{AliasPlan, ModelDetailView, ModelVersionView, ModelView, RunInput};

/// Characters of a digest that people compare.
const DIGEST_LEN: usize = 12;

/// Carries out a command about models.
pub async fn dispatch(
    layout: &Layout,
    command: ModelsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    let client = connect(layout).await?;
    match command {
        ModelsCommand::List => {
            let answer = client.ask(Request::ListModels).await?;
            let models = expect_answer!(answer, Answer::Models(models) => models, "models list");
            output.answer(&models, |models| list(models));
        }
        ModelsCommand::Show { name } => {
            let answer = client.ask(Request::ShowModel { name }).await?;
            let model = expect_answer!(answer, Answer::Model(model) => model, "models show");
            output.answer(&model, |model| show(model));
        }
        ModelsCommand::Compare { name, from, to, only_different } => {
            let answer = client.ask(Request::ShowModel { name }).await?;
            let model = expect_answer!(answer, Answer::Model(model) => model, "models compare");
            let versions = compare::pick(&model, from, to)?;
            output.answer(&versions, |versions| compare::draw(versions, only_different));
        }
        ModelsCommand::Promote { name, version, alias, reason, dry_run } => {
            let request =
                Request::PlanPromote { name: name.clone(), version, alias: alias.clone() };
            let plan = plan(&client, request).await?;
            if dry_run {
                output.answer(&plan, draw_plan);
                return Ok(0);
            }
            let expected_current = plan.from.as_ref().map(|from| from.version);
            let request = Request::Promote { name, version, alias, expected_current, reason };
            moved(&client, request, &plan, output).await?;
        }
        ModelsCommand::Register { name, path, description } => {
            let path = std::path::absolute(path);
            let path = path.map_err(|error| CliError::io("name the model's path", &error))?;
            let path = path.to_string_lossy().into_owned();
            let answer = client.ask(Request::RegisterModel { name, path, description }).await?;
            let version =
                expect_answer!(answer, Answer::ModelVersion(version) => version, "models register");
            output.answer(&version, |version| {
                format!("registered `{}` version {}", version.name, version.version)
            });
        }
        ModelsCommand::Logged { experiment, run } => {
            let experiment = experiment.unwrap_or_default();
            let request = Request::ListLoggedModels { experiment, run_id: run };
            let answer = client.ask(request).await?;
            let models =
                expect_answer!(answer, Answer::LoggedModels(models) => models, "models logged");
            output.answer(&models, |models| logged::list(models));
        }
        ModelsCommand::LoggedModel(command) => logged::one(&client, command, output).await?,
        command @ (ModelsCommand::Describe { .. }
        | ModelsCommand::Tag { .. }
        | ModelsCommand::Untag { .. }
        | ModelsCommand::Stage { .. }
        | ModelsCommand::Unalias { .. }
        | ModelsCommand::Rename { .. }
        | ModelsCommand::Delete { .. }) => change::change(&client, command, output).await?,
        ModelsCommand::Rollback { name, alias, reason, dry_run } => {
            let request = Request::PlanRollback { name: name.clone(), alias: alias.clone() };
            let plan = plan(&client, request).await?;
            if dry_run {
                output.answer(&plan, draw_plan);
                return Ok(0);
            }
            let expected_current = plan.from.as_ref().map(|from| from.version);
            let request = Request::Rollback { name, alias, expected_current, reason };
            moved(&client, request, &plan, output).await?;
        }
    }
    Ok(0)
}

async fn plan(client: &Client, request: Request) -> Result<AliasPlan, CliError> {
    let answer = client.ask(request).await?;
    Ok(*expect_answer!(answer, Answer::AliasPlan(plan) => plan, "models plan"))
}

async fn moved(
    client: &Client,
    request: Request,
    plan: &AliasPlan,
    output: &mut Output,
) -> Result<(), CliError> {
    let answer = client.ask(request).await?;
    let version: Box<ModelVersionView> =
        expect_answer!(answer, Answer::ModelVersion(version) => version, "models promote");
    output.answer(&version, |version| {
        let before = or_dash(plan.from.as_ref().map(|from| format!("version {}", from.version)));
        format!("{}@{}: {before} → version {}", version.name, plan.alias, version.version)
    });
    Ok(())
}

fn list(models: &[ModelView]) -> String {
    let row = |model: &ModelView| {
        vec![
            model.name.clone(),
            or_dash(model.latest_version),
            aliases(&model.aliases),
            ago(Some(model.last_updated_timestamp)),
        ]
    };
    let empty = "no models: `dagdeck trigger mlops_pipeline` trains and registers one";
    table(&["MODEL", "LATEST", "ALIASES", "UPDATED"], models.iter().map(row), empty)
}

fn aliases(aliases: &[(String, u32)]) -> String {
    let one = |(alias, version): &(String, u32)| format!("{alias}={version}");
    aliases.iter().map(one).collect::<Vec<_>>().join(",")
}

fn show(detail: &ModelDetailView) -> String {
    let model = &detail.model;
    let mut facts = vec![("model", model.name.clone()), ("aliases", aliases(&model.aliases))];
    facts.extend(model.description.clone().map(|text| ("description", text)));
    if !model.tags.is_empty() {
        facts.push(("tags", change::pairs(&model.tags)));
    }
    let mut text = fields(&facts);
    let versions = detail.versions.iter().map(|version| {
        let figures: Vec<String> = version
            .metrics
            .iter()
            .filter(|(key, _)| ["accuracy", "f1_macro", "r2", "rmse"].contains(&key.as_str()))
            .map(|(key, value)| format!("{key} {value:.4}"))
            .collect();
        vec![
            version.version.to_string(),
            version.aliases.join(","),
            ago(Some(version.creation_timestamp)),
            figures.join("  "),
            gates(version),
            or_dash(version.serves.map(|share| format!("{share} %"))),
            or_dash(version.run_id.clone()),
        ]
    });
    text.push_str("\n\n");
    text.push_str(&table(
        &["VERSION", "ALIASES", "MADE", "METRICS", "GATES", "SERVES", "RUN"],
        versions,
        "no versions",
    ));
    if let Some(said) = change::said(detail) {
        text.push_str("\n\n");
        text.push_str(&said);
    }
    if let Some(learnt) = learnt(detail) {
        text.push_str("\n\n");
        text.push_str(&learnt);
    }
    let moves = detail.history.iter().map(|moved| {
        vec![
            ago(Some(moved.when)),
            moved.action.clone(),
            moved.alias.clone(),
            format!("{} → {}", or_dash(moved.from_version), or_dash(moved.to_version)),
            moved.user.clone(),
            or_dash(moved.reason.clone()),
        ]
    });
    text.push_str("\n\n");
    let header = ["WHEN", "ACTION", "ALIAS", "VERSION", "BY", "WHY"];
    text.push_str(&table(&header, moves, "never promoted"));
    text
}

/// Tells what the versions learnt from, where that was kept.
fn learnt(detail: &ModelDetailView) -> Option<String> {
    let inputs = detail
        .versions
        .iter()
        .flat_map(|version| version.inputs.iter().map(move |input| (version, input)));
    let row = |(version, input): (&ModelVersionView, &RunInput)| {
        let events = input.asset_events.iter();
        let events: Vec<String> =
            events.map(|event| format!("{} {}", event.name, ago(Some(event.timestamp)))).collect();
        vec![
            version.version.to_string(),
            input.name.clone(),
            input.digest.chars().take(DIGEST_LEN).collect(),
            input.rows.to_string(),
            input.columns.len().to_string(),
            input.source.clone(),
            or_dash((!events.is_empty()).then(|| events.join(", "))),
        ]
    };
    let rows: Vec<Vec<String>> = inputs.map(row).collect();
    let header = ["VERSION", "LEARNT FROM", "DIGEST", "ROWS", "COLUMNS", "FILE", "CHANGED BY"];
    (!rows.is_empty()).then(|| table(&header, rows, ""))
}

/// Tells the gates of a version: `decide passed`.
fn gates(version: &ModelVersionView) -> String {
    let word = |passed| if passed { "passed" } else { "FAILED" };
    let gates: Vec<String> = version
        .gates
        .iter()
        .map(|gate| format!("{} {}", gate.task_id, word(gate.passed)))
        .collect();
    if gates.is_empty() { "-".to_owned() } else { gates.join(", ") }
}

fn draw_plan(plan: &AliasPlan) -> String {
    let before = or_dash(plan.from.as_ref().map(|from| from.version));
    let starts: Vec<&str> = plan.starts_dags.iter().map(AsRef::as_ref).collect();
    let mut text = fields(&[
        ("alias", format!("{}@{}", plan.name, plan.alias)),
        ("version", format!("{before} → {}", plan.to.version)),
        ("starts", if starts.is_empty() { "-".to_owned() } else { starts.join(", ") }),
        ("gates", gates(&plan.to)),
        ("traffic", plan.traffic.join("; ")),
    ]);
    let number = |value: &Option<f64>| or_dash(value.map(|value| format!("{value:.4}")));
    let metrics = plan.metrics.iter().map(|(name, before, after)| {
        let change = match (before, after) {
            (Some(before), Some(after)) => format!("{:+.4}", after - before),
            _ => "-".to_owned(),
        };
        vec![name.clone(), number(before), number(after), change]
    });
    let params = plan.params.iter().map(|(name, before, after)| {
        vec![name.clone(), or_dash(before.clone()), or_dash(after.clone()), "differs".to_owned()]
    });
    let rows: Vec<Vec<String>> = metrics.chain(params).collect();
    text.push_str("\n\n");
    text.push_str(&table(&["", "NOW", "THEN", "CHANGE"], rows, "no figures to compare"));
    text
}
