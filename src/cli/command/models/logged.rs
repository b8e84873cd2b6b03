//! `models logged`, `models logged-model show|register|tag|untag|delete`.

use serde_json::Value;

use crate::cli::args::LoggedModelCommand;
use crate::cli::command::expect_answer;
use crate::cli::command::models::change::pairs;
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, bytes, fields, instant, or_dash, table};
use crate::client::Client;
use crate::types::Fault;
use crate::types::ask::{Answer, ModelChange, Request};
use crate::types::view::LoggedModelView;

/// Carries out a command about one logged model.
pub(super) async fn one(
    client: &Client,
    command: LoggedModelCommand,
    output: &mut Output,
) -> Result<(), CliError> {
    let (model_id, change) = match command {
        LoggedModelCommand::Show { model_id } => {
            let answer = client.ask(Request::ShowLoggedModel { model_id }).await?;
            let model =
                expect_answer!(answer, Answer::LoggedModel(model) => model, "models logged-model");
            output.answer(&model, |model| show(model));
            return Ok(());
        }
        LoggedModelCommand::Register { model_id, name, description } => {
            let request = Request::RegisterLoggedModel { name, model_id, description };
            let version = expect_answer!(
                client.ask(request).await?,
                Answer::ModelVersion(version) => version,
                "models logged-model register"
            );
            output.answer(&version, |version| {
                format!("registered `{}` version {}", version.name, version.version)
            });
            return Ok(());
        }
        LoggedModelCommand::Tag { model_id, key, value } => {
            (model_id, ModelChange::SetTag { key, value })
        }
        LoggedModelCommand::Untag { model_id, key } => (model_id, ModelChange::DeleteTag { key }),
        LoggedModelCommand::Delete { yes: false, .. } => {
            let fault = Fault::invalid("what is deleted does not come back");
            return Err(fault.hint("say --yes to delete it all the same").into());
        }
        LoggedModelCommand::Delete { model_id, yes: true } => (model_id, ModelChange::Delete),
    };
    let word = if change == ModelChange::Delete { "deleted" } else { "changed" };
    let told = format!("logged model `{model_id}` is {word}");
    client.ask(Request::ChangeLoggedModel { model_id, change: change.clone() }).await?;
    output.answer(&change, |_| told);
    Ok(())
}

fn registered(model: &LoggedModelView) -> String {
    let registered = model.registrations.iter();
    let registered: Vec<String> =
        registered.map(|(name, version)| format!("{name} v{version}")).collect();
    or_dash((!registered.is_empty()).then(|| registered.join(", ")))
}

fn show(model: &LoggedModelView) -> String {
    let mut facts = vec![
        ("model", model.model_id.clone()),
        ("name", model.name.clone()),
        ("status", model.status.clone()),
        ("type", or_dash(model.model_type.clone())),
        ("flavors", or_dash((!model.flavors.is_empty()).then(|| model.flavors.join(", ")))),
        ("made", instant(Some(model.creation_timestamp))),
        ("run", or_dash(model.source_run_id.clone())),
        ("registered", registered(model)),
        ("artifacts", model.artifact_uri.clone()),
    ];
    if !model.tags.is_empty() {
        facts.push(("tags", pairs(&model.tags)));
    }
    facts.extend(model.metrics.iter().map(|(key, value)| (key.as_str(), format!("{value:.6}"))));
    facts.extend(model.params.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let mut text = fields(&facts);
    if let Some(signature) = &model.signature {
        text.push_str("\n\n");
        text.push_str(&columns(signature));
    }
    let files: Vec<String> =
        model.files.iter().map(|(path, size)| format!("{path} ({})", bytes(*size))).collect();
    text.push_str("\n\n");
    text.push_str(&files.join("\n"));
    text
}

/// Draws a signature: each column that goes in or comes out.
fn columns(signature: &Value) -> String {
    let mut rows = Vec::new();
    for (key, way) in [("inputs", "in"), ("outputs", "out")] {
        for column in signature.get(key).and_then(Value::as_array).into_iter().flatten() {
            let said = |key: &str| column.get(key).and_then(Value::as_str).map(str::to_owned);
            let shape = column.get("tensor-spec").and_then(|spec| spec.get("shape"));
            let kind = said("type").map(|kind| match shape {
                Some(shape) => format!("{kind} {shape}"),
                None => kind,
            });
            let is_optional = column.get("required").and_then(Value::as_bool) == Some(false);
            let optional = if is_optional { "optional" } else { "" };
            rows.push(vec![way.to_owned(), or_dash(said("name")), or_dash(kind), optional.into()]);
        }
    }
    table(&["", "COLUMN", "TYPE", ""], rows, "the signature names no columns")
}

/// Draws logged models.
pub(super) fn list(models: &[LoggedModelView]) -> String {
    let rows = models.iter().map(|model| {
        let metrics = model.metrics.iter();
        let metrics: Vec<String> =
            metrics.map(|(key, value)| format!("{key} {value:.4}")).collect();
        vec![
            model.model_id.clone(),
            model.name.clone(),
            model.status.clone(),
            or_dash(model.model_type.clone()),
            ago(Some(model.creation_timestamp)),
            metrics.join("  "),
            registered(model),
        ]
    });
    let header = ["MODEL", "NAME", "STATUS", "TYPE", "MADE", "METRICS", "REGISTERED AS"];
    table(&header, rows, "no logged models: `mlflow.sklearn.log_model` logs one")
}
