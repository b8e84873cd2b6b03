//! `variables list|get|set|delete|export|import`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::args::VariablesCommand;
use crate::cli::command::{ask, exchange, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, fields, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::settings::{Origin, Variable, VariableView};

/// Carries out a command about variables.
pub async fn dispatch(
    layout: &Layout,
    command: VariablesCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        VariablesCommand::List => output.answer(&all(layout).await?, |found| list(found)),
        VariablesCommand::Get { key } => {
            let found = all(layout).await?;
            let one = found.iter().find(|one| one.key == key).ok_or_else(|| {
                exchange::missing("variable", &key, found.iter().map(|one| one.key.as_str()))
            })?;
            output.answer(one, show);
        }
        VariablesCommand::Set { key, value, description } => {
            let variable = Variable { key: key.clone(), value, description };
            ask(layout, Request::SetVariables { variables: vec![variable] }).await?;
            let body = serde_json::json!({ "key": key });
            output.answer(&body, |_| format!("variable {key} is set"));
        }
        VariablesCommand::Delete { key } => {
            ask(layout, Request::DeleteVariable { key: key.clone() }).await?;
            let body = serde_json::json!({ "key": key });
            output.answer(&body, |_| format!("variable {key} is deleted"));
        }
        VariablesCommand::Export { file } => {
            let found = all(layout).await?;
            let set = found.iter().filter(|one| one.origin == Origin::RunTime);
            let body: BTreeMap<&str, &str> =
                set.map(|one| (one.key.as_str(), one.value.as_str())).collect();
            exchange::export(&file, body.len(), &body, output)?;
        }
        VariablesCommand::Import { file } => {
            let shape = "an object such as {\"region\": \"north\"}";
            let body: BTreeMap<String, Value> = exchange::import(&file, shape)?;
            let text = |value: Value| match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let variables: Vec<Variable> = body
                .into_iter()
                .map(|(key, value)| Variable { key, value: text(value), description: None })
                .collect();
            let count = variables.len();
            ask(layout, Request::SetVariables { variables }).await?;
            let body = serde_json::json!({ "imported": count });
            output.answer(&body, |_| format!("{count} variables are set"));
        }
    }
    Ok(0)
}

async fn all(layout: &Layout) -> Result<Vec<VariableView>, CliError> {
    let answer = ask(layout, Request::ListVariables).await?;
    Ok(expect_answer!(answer, Answer::Variables(found) => found, "variables list"))
}

fn list(found: &[VariableView]) -> String {
    let row = |one: &VariableView| {
        vec![
            one.key.clone(),
            one.value.clone(),
            one.origin.as_str().to_owned(),
            one.problem.clone().or_else(|| one.description.clone()).unwrap_or_default(),
        ]
    };
    let empty = "no variables: `dagdeck variables set KEY VALUE`, or [variable] in dags.toml";
    table(&["VARIABLE", "VALUE", "FROM", ""], found.iter().map(row), empty)
}

fn show(one: &VariableView) -> String {
    fields(&[
        ("variable", one.key.clone()),
        ("value", one.value.clone()),
        ("from", one.origin.as_str().to_owned()),
        ("description", or_dash(one.description.clone())),
        ("problem", or_dash(one.problem.clone())),
    ])
}
