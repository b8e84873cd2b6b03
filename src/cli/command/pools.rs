//! `pools list|get|set|delete|export|import`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cli::args::PoolsCommand;
use crate::cli::command::{ask, exchange, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, fields, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::settings::{Origin, Pool, SlotPoolView};

/// A pool in a file, as Airflow exports it.
#[derive(Serialize, Deserialize)]
struct Written {
    slots: u32,
    #[serde(default)]
    description: Option<String>,
}

/// Carries out a command about pools.
pub async fn dispatch(
    layout: &Layout,
    command: PoolsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        PoolsCommand::List => output.answer(&all(layout).await?, |found| list(found)),
        PoolsCommand::Get { pool } => {
            let found = all(layout).await?;
            let one = found.iter().find(|one| one.pool == pool).ok_or_else(|| {
                exchange::missing("pool", &pool, found.iter().map(|one| one.pool.as_str()))
            })?;
            output.answer(one, show);
        }
        PoolsCommand::Set { pool, slots, description } => {
            let pools = vec![Pool { pool: pool.clone(), slots, description }];
            ask(layout, Request::SetPools { pools }).await?;
            let body = serde_json::json!({ "pool": pool, "slots": slots });
            output.answer(&body, |_| format!("pool {pool} has {slots} slots"));
        }
        PoolsCommand::Delete { pool } => {
            ask(layout, Request::DeletePool { pool: pool.clone() }).await?;
            let body = serde_json::json!({ "pool": pool });
            output.answer(&body, |_| format!("pool {pool} is as dags.toml has it"));
        }
        PoolsCommand::Export { file } => {
            let found = all(layout).await?;
            let set = found.into_iter().filter(|one| one.origin == Origin::RunTime);
            let body: BTreeMap<String, Written> = set
                .map(|one| (one.pool, Written { slots: one.slots, description: one.description }))
                .collect();
            exchange::export(&file, body.len(), &body, output)?;
        }
        PoolsCommand::Import { file } => {
            let shape = "an object such as {\"training\": {\"slots\": 2}}";
            let body: BTreeMap<String, Written> = exchange::import(&file, shape)?;
            let pools: Vec<Pool> = body
                .into_iter()
                .map(|(pool, Written { slots, description })| Pool { pool, slots, description })
                .collect();
            let count = pools.len();
            ask(layout, Request::SetPools { pools }).await?;
            let body = serde_json::json!({ "imported": count });
            output.answer(&body, |_| format!("{count} pools are set"));
        }
    }
    Ok(0)
}

async fn all(layout: &Layout) -> Result<Vec<SlotPoolView>, CliError> {
    let answer = ask(layout, Request::ListPools).await?;
    Ok(expect_answer!(answer, Answer::Pools(found) => found, "pools list"))
}

fn from(one: &SlotPoolView) -> String {
    match one.declared_slots {
        Some(slots) => format!("{} (dags.toml says {slots})", one.origin.as_str()),
        None => one.origin.as_str().to_owned(),
    }
}

fn list(found: &[SlotPoolView]) -> String {
    let row = |one: &SlotPoolView| {
        vec![
            one.pool.clone(),
            one.slots.to_string(),
            one.running_slots.to_string(),
            one.queued_slots.to_string(),
            one.open_slots.to_string(),
            from(one),
            one.description.clone().unwrap_or_default(),
        ]
    };
    let header = ["POOL", "SLOTS", "RUNNING", "QUEUED", "OPEN", "FROM", ""];
    table(&header, found.iter().map(row), "no pools")
}

fn show(one: &SlotPoolView) -> String {
    fields(&[
        ("pool", one.pool.clone()),
        ("slots", one.slots.to_string()),
        ("running", one.running_slots.to_string()),
        ("queued", one.queued_slots.to_string()),
        ("open", one.open_slots.to_string()),
        ("from", from(one)),
        ("description", or_dash(one.description.clone())),
    ])
}
