//! `logs`: what a task printed, once or as it grows.

use crate::cli::args::LogsArgs;
use crate::cli::command::{connect, expect_answer, operate};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::ids::UNMAPPED;
use crate::types::{Fault, TaskInstanceKey};

/// Bytes asked for at once.
const CHUNK_BYTES: u32 = 256 * 1024;
/// How long the daemon waits for more, in milliseconds, when following.
const WAIT_MS: u32 = 20_000;

/// Prints a log.
pub async fn logs(layout: &Layout, args: LogsArgs, output: &mut Output) -> Result<u8, CliError> {
    let client = connect(layout).await?;
    let task = operate::choice(&args.task_id)?;
    let written = task.map_indexes.first().copied();
    if written.is_some() && args.map_index.is_some() && written != args.map_index {
        let fault = Fault::invalid(format!("`{}` and --map-index differ", args.task_id));
        return Err(fault.hint("give one of them").into());
    }
    let key = TaskInstanceKey {
        dag_id: args.dag_id.into(),
        dag_run_id: args.dag_run_id.into(),
        task_id: task.task_id,
        map_index: written.or(args.map_index).unwrap_or(UNMAPPED),
    };
    let mut offset = 0;
    loop {
        let request = Request::ReadLog {
            key: key.clone(),
            try_number: args.try_number,
            offset,
            max_bytes: CHUNK_BYTES,
            wait_ms: if args.follow { WAIT_MS } else { 0 },
            backwards: false,
        };
        let answer = client.ask(request).await?;
        let chunk = expect_answer!(answer, Answer::Log(chunk) => chunk, "logs");
        if output.is_json() {
            for line in chunk.text.lines() {
                output.line(&serde_json::json!({ "event": line }).to_string());
            }
        } else if !chunk.text.is_empty() {
            output.line(&chunk.text);
        }
        let stuck = chunk.next_offset == offset && !args.follow;
        if chunk.is_end || stuck {
            return Ok(0);
        }
        offset = chunk.next_offset;
    }
}
