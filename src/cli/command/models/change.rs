//! `models describe|tag|untag|stage|unalias|rename|delete`, and what they leave.

use crate::cli::args::ModelsCommand;
use crate::cli::error::CliError;
use crate::cli::output::{Output, or_dash, table};
use crate::client::Client;
use crate::types::Fault;
use crate::types::ask::{ModelChange, Request};
use crate::types::view::ModelDetailView;

/// Changes a model, or one of its versions.
pub(super) async fn change(
    client: &Client,
    command: ModelsCommand,
    output: &mut Output,
) -> Result<(), CliError> {
    let (name, version, change) = meant(command)?;
    let what = match version {
        Some(version) => format!("version {version} of model `{name}`"),
        None => format!("model `{name}`"),
    };
    let told = match &change {
        ModelChange::Delete => format!("{what} is deleted"),
        ModelChange::Rename { new_name } => format!("{what} is `{new_name}` now"),
        ModelChange::SetStage { stage, .. } => format!("{what} is in stage {stage}"),
        ModelChange::DeleteAlias { alias } => format!("no version of {what} bears `{alias}` now"),
        ModelChange::Describe { .. }
        | ModelChange::SetTag { .. }
        | ModelChange::DeleteTag { .. } => {
            format!("{what} is changed")
        }
    };
    client.ask(Request::ChangeModel { name, version, change: change.clone() }).await?;
    output.answer(&change, |_| told);
    Ok(())
}

fn meant(command: ModelsCommand) -> Result<(String, Option<u32>, ModelChange), CliError> {
    Ok(match command {
        ModelsCommand::Describe { name, text, version } => {
            (name, version, ModelChange::Describe { description: text })
        }
        ModelsCommand::Tag { name, key, value, version } => {
            (name, version, ModelChange::SetTag { key, value })
        }
        ModelsCommand::Untag { name, key, version } => {
            (name, version, ModelChange::DeleteTag { key })
        }
        ModelsCommand::Stage { name, version, stage, archive } => {
            (name, Some(version), ModelChange::SetStage { stage, archive_existing: archive })
        }
        ModelsCommand::Unalias { name, alias } => (name, None, ModelChange::DeleteAlias { alias }),
        ModelsCommand::Rename { name, new_name } => (name, None, ModelChange::Rename { new_name }),
        ModelsCommand::Delete { yes: false, .. } => {
            let fault = Fault::invalid("what is deleted does not come back");
            return Err(fault.hint("say --yes to delete it all the same").into());
        }
        ModelsCommand::Delete { name, version, yes: true } => (name, version, ModelChange::Delete),
        ModelsCommand::List
        | ModelsCommand::Show { .. }
        | ModelsCommand::Register { .. }
        | ModelsCommand::Promote { .. }
        | ModelsCommand::Compare { .. }
        | ModelsCommand::Rollback { .. }
        | ModelsCommand::Logged { .. }
        | ModelsCommand::LoggedModel(_) => {
            return Err(Fault::invalid("that changes nothing of a model").into());
        }
    })
}

/// Tells what people said of the versions, where they said something.
pub(super) fn said(detail: &ModelDetailView) -> Option<String> {
    let said = detail.versions.iter().filter(|version| {
        version.description.is_some() || version.stage != "None" || !version.version_tags.is_empty()
    });
    let rows: Vec<Vec<String>> = said
        .map(|version| {
            vec![
                version.version.to_string(),
                version.stage.clone(),
                or_dash(version.description.clone().filter(|text| !text.is_empty())),
                pairs(&version.version_tags),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| table(&["VERSION", "STAGE", "DESCRIPTION", "TAGS"], rows, ""))
}

/// Writes tags in one cell: `owner=ada, team=garden`.
pub(super) fn pairs(tags: &[(String, String)]) -> String {
    let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "-".to_owned() } else { pairs.join(", ") }
}
