//! `ml.gate`: a branch that follows `then` where a run meets every requirement.
//!
//! A requirement is a metric of the run, or one of the names that are measured here and now: see
//! [`measure`].

mod judge;
mod measure;

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use self::judge::{Champion, Judged, Requirement, Subject};
use self::measure::Rival;
use super::DaemonContext;
use super::args::Args;
use super::branch::follow;
use super::condition::Condition;
use super::error::OperatorError;
use super::model::ALIAS;
use super::registered::ask;
use crate::runtime::promotion::off_thread;
use crate::sched::Outcome;
use crate::tracking::{artifact, model_folder, registry, run};
use crate::types::{TaskId, TrackingRunId};

pub(super) async fn run(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let requirements = read_requirements(&args.table("require")?)?;
    let then = TaskId::from(args.text("then")?);
    let otherwise = args.text_or_none("otherwise")?.map(TaskId::from);
    let run_id = TrackingRunId::from(args.text("run")?);
    let tracked = ask(&context.store, move |store| run::get(store, &run_id)).await?;
    let subject = Subject::new(&tracked);
    let champion = if requirements.iter().any(Requirement::needs_champion) {
        champion(context, args, &tracked).await?
    } else {
        None
    };
    let asked: Vec<String> = requirements.iter().map(|one| one.metric.clone()).collect();
    let own =
        artifact::folder(&context.layout.state_dir(), &tracked.experiment_id, &tracked.run_id);
    let measured = off_thread({
        let (store, artifacts) = (context.store.clone(), context.layout.artifacts_dir());
        let champion = champion.clone();
        move || {
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            let rival = champion.as_ref().map(|champion| {
                let load = || {
                    let (name, version) = (&champion.name, champion.version);
                    model_folder::of_version(&store, &artifacts, name, version)
                        .map_err(|fault| fault.to_string())
                };
                (champion.folder.as_deref(), load)
            });
            let rival = rival.as_ref().map(|(folder, load)| Rival { folder: *folder, model: load });
            Ok(measure::measure(&own, rival.as_ref(), &asked))
        }
    })
    .await?;
    let judged = judge::judge(&subject, &requirements, champion.as_ref(), &measured)?;
    tell(context, &judged);
    let output = json!({
        "passed": judged.passed, "reason": judged.reason, "figures": judged.figures,
        "comparison": measured.comparison.and_then(Result::ok),
    });
    let chosen = if judged.passed { Some(then) } else { otherwise };
    Ok(follow(output, chosen.into_iter().collect()))
}

fn read_requirements(require: &Map<String, Value>) -> Result<Vec<Requirement>, OperatorError> {
    if require.is_empty() {
        return Err(OperatorError::fatal("`require` is empty: there is nothing to judge by"));
    }
    require
        .iter()
        .map(|(metric, value)| {
            let condition = Condition::parse(value).ok_or_else(|| {
                OperatorError::Fatal(format!(
                    "`require`: `{metric}` is {value}; expected a comparison such as \">= 0.8\""
                ))
            })?;
            Ok(Requirement { metric: metric.clone(), condition })
        })
        .collect()
}

/// Returns the version that bears the alias now, if any.
async fn champion(
    context: &DaemonContext,
    args: Args<'_>,
    tracked: &crate::types::view::TrackingRunView,
) -> Result<Option<Champion>, OperatorError> {
    let tag = tracked.tags.iter().find(|(key, _)| key == "dagdeck.dataset");
    let named = args.text_or_none("name")?.or_else(|| tag.map(|(_, value)| value.clone()));
    let Some(name) = named else {
        return Err(OperatorError::fatal(
            "`name` is missing: the run does not tell its data set, so there is no champion to \
             compare it with",
        ));
    };
    let alias = args.text_or_none("alias")?.unwrap_or_else(|| ALIAS.to_owned());
    let found = {
        let (name, alias) = (name.clone(), alias.clone());
        ask(&context.store, move |store| registry::by_alias(store, &name, &alias)).await?
    };
    let Some(version) = found else { return Ok(None) };
    Ok(Some(Champion {
        title: format!("{name}@{alias} v{}", version.version),
        name,
        version: version.version,
        folder: folder_of(context, version.run_id).await?,
        metrics: version.metrics,
    }))
}

/// Returns where the run of a version keeps its files, if the version comes from a run.
async fn folder_of(
    context: &DaemonContext,
    run_id: Option<TrackingRunId>,
) -> Result<Option<PathBuf>, OperatorError> {
    let Some(run_id) = run_id else { return Ok(None) };
    let state_dir = context.layout.state_dir();
    let run = ask(&context.store, move |store| run::get(store, &run_id)).await?;
    Ok(Some(artifact::folder(&state_dir, &run.experiment_id, &run.run_id)))
}

fn tell(context: &DaemonContext, judged: &Judged) {
    for figure in &judged.figures {
        let verdict = match figure.passed {
            Some(true) => "ok    ",
            Some(false) => "FAILED",
            None => "n/a   ",
        };
        let value = figure.value.map_or("–".to_owned(), super::condition::number);
        context
            .log
            .say(&format!("{verdict} {} {value}, required {}", figure.metric, figure.required));
    }
    context.log.say(&judged.reason);
}
