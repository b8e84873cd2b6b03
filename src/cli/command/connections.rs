//! `connections list|get|set|delete|test|export|import`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cli::args::ConnectionsCommand;
use crate::cli::command::{ask, exchange, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, fields, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::settings::{Connection, ConnectionView, Origin};

/// A connection in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// Carries out a command about connections.
pub async fn dispatch(
    layout: &Layout,
    command: ConnectionsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        ConnectionsCommand::List => output.answer(&all(layout).await?, |found| list(found)),
        ConnectionsCommand::Get { conn_id } => {
            let found = all(layout).await?;
            let one = found.iter().find(|one| one.conn_id == conn_id).ok_or_else(|| {
                let names = found.iter().map(|one| one.conn_id.as_str());
                exchange::missing("connection", &conn_id, names)
            })?;
            output.answer(one, show);
        }
        ConnectionsCommand::Set { conn_id, url, options, description } => {
            let options = options.into_iter().collect();
            let connection = Connection { conn_id: conn_id.clone(), url, options, description };
            ask(layout, Request::SetConnections { connections: vec![connection] }).await?;
            said(output, &conn_id, "set");
        }
        ConnectionsCommand::Delete { conn_id } => {
            ask(layout, Request::DeleteConnection { conn_id: conn_id.clone() }).await?;
            said(output, &conn_id, "deleted");
        }
        ConnectionsCommand::Test { conn_id } => {
            let answer = ask(layout, Request::TestConnection { conn_id }).await?;
            let test =
                expect_answer!(answer, Answer::ConnectionTest(test) => test, "connections test");
            output.answer(&test, |test| {
                let word = if test.ok { "works" } else { "does not work" };
                format!("{} {word}: {}", test.conn_id, test.message)
            });
            return Ok(u8::from(!test.ok));
        }
        ConnectionsCommand::Export { file } => {
            let found = all(layout).await?;
            let set = found.into_iter().filter(|one| one.origin == Origin::RunTime);
            let written = |one: ConnectionView| {
                let ConnectionView { conn_id, url, options, description, .. } = one;
                (conn_id, Written { url, options, description })
            };
            let body: BTreeMap<String, Written> = set.map(written).collect();
            exchange::export(&file, body.len(), &body, output)?;
        }
        ConnectionsCommand::Import { file } => import(layout, &file, output).await?,
    }
    Ok(0)
}

async fn import(
    layout: &Layout,
    file: &std::path::Path,
    output: &mut Output,
) -> Result<(), CliError> {
    let shape = "an object such as {\"lake\": {\"url\": \"file:data/lake\"}}";
    let body: BTreeMap<String, Written> = exchange::import(file, shape)?;
    let connection = |(conn_id, written)| {
        let Written { url, options, description } = written;
        Connection { conn_id, url, options, description }
    };
    let connections: Vec<Connection> = body.into_iter().map(connection).collect();
    let count = connections.len();
    ask(layout, Request::SetConnections { connections }).await?;
    let body = serde_json::json!({ "imported": count });
    output.answer(&body, |_| format!("{count} connections are set"));
    Ok(())
}

async fn all(layout: &Layout) -> Result<Vec<ConnectionView>, CliError> {
    let answer = ask(layout, Request::ListConnections).await?;
    Ok(expect_answer!(answer, Answer::Connections(found) => found, "connections list"))
}

fn said(output: &mut Output, conn_id: &str, word: &str) {
    let body = serde_json::json!({ "conn_id": conn_id });
    output.answer(&body, |_| format!("connection {conn_id} is {word}"));
}

fn list(found: &[ConnectionView]) -> String {
    let row = |one: &ConnectionView| {
        vec![
            one.conn_id.clone(),
            one.conn_type.clone(),
            one.url.clone(),
            one.origin.as_str().to_owned(),
            one.problem.clone().or_else(|| one.description.clone()).unwrap_or_default(),
        ]
    };
    let empty = "no connections: `dagdeck connections set NAME URL`, or [connection.NAME] in \
                 dags.toml";
    table(&["CONNECTION", "TYPE", "URL", "FROM", ""], found.iter().map(row), empty)
}

fn show(one: &ConnectionView) -> String {
    let mut pairs = vec![
        ("connection", one.conn_id.clone()),
        ("type", one.conn_type.clone()),
        ("url", one.url.clone()),
    ];
    pairs.extend(one.options.iter().map(|(key, value)| (key.as_str(), value.clone())));
    pairs.push(("from", one.origin.as_str().to_owned()));
    pairs.push(("description", or_dash(one.description.clone())));
    pairs.push(("problem", or_dash(one.problem.clone())));
    fields(&pairs)
}
