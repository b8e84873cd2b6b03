//! `xcom list|get`: what tasks handed on.

use crate::cli::args::XcomCommand;
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, table};
use crate::runtime::Layout;
use crate::types::TaskInstanceKey;
use crate::types::ask::{Answer, Request};
use crate::types::ids::UNMAPPED;
use crate::types::xcom::XcomView;

/// Characters of a value in the list.
const SHOWN_LEN_MAX: usize = 60;

/// Carries out a command about outputs.
pub async fn dispatch(
    layout: &Layout,
    command: XcomCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        XcomCommand::List { dag_id, dag_run_id, task_id } => {
            let request = Request::ListXcoms {
                dag_id: dag_id.into(),
                dag_run_id: dag_run_id.into(),
                task_id: task_id.map(Into::into),
            };
            let answer = ask(layout, request).await?;
            let xcoms = expect_answer!(answer, Answer::Xcoms(xcoms) => xcoms, "xcom list");
            let body = serde_json::json!({ "xcom_entries": xcoms, "total_entries": xcoms.len() });
            output.answer(&body, |_| list(&xcoms));
        }
        XcomCommand::Get { dag_id, dag_run_id, task_id, key, map_index } => {
            let task = TaskInstanceKey {
                dag_id: dag_id.into(),
                dag_run_id: dag_run_id.into(),
                task_id: task_id.into(),
                map_index,
            };
            let answer = ask(layout, Request::GetXcom { task, key }).await?;
            let xcom = expect_answer!(answer, Answer::Xcom(xcom) => xcom, "xcom get");
            output.answer(&xcom, |xcom| match &xcom.value {
                Some(serde_json::Value::String(text)) => text.clone(),
                value => serde_json::to_string_pretty(value).unwrap_or_default(),
            });
        }
    }
    Ok(0)
}

fn list(xcoms: &[XcomView]) -> String {
    let row = |xcom: &XcomView| {
        let task = match xcom.task.map_index {
            UNMAPPED => xcom.task.task_id.to_string(),
            index => format!("{}[{index}]", xcom.task.task_id),
        };
        let value = match (&xcom.path, &xcom.value) {
            (Some(path), _) => format!("in .dagdeck/{path}"),
            (None, value) => shortened(&value.clone().unwrap_or_default().to_string()),
        };
        vec![task, xcom.key.clone(), xcom.size.to_string(), value]
    };
    let empty = "no outputs: a task leaves them when it succeeds";
    table(&["TASK", "KEY", "BYTES", "VALUE"], xcoms.iter().map(row), empty)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_LEN_MAX) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
