//! `python`: a plain function of a file; what it returns is the result.
//!
//! The interpreter runs a small program (`python_runner.py`) that is handed its order on
//! standard input, imports the file by path, calls the function with `args` as keywords and
//! leaves the answer in `result.json` in the attempt's folder, so that the function may print as
//! it likes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::args::Args;
use super::child;
use super::error::OperatorError;
use super::output;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

const RUNNER: &str = include_str!("python_runner.py");

/// The environment variable that names the interpreter of a whole project.
const INTERPRETER_VARIABLE: &str = "DAGDECK_PYTHON";

struct PythonArgs {
    file: PathBuf,
    function: String,
    kwargs: Map<String, Value>,
    interpreter: String,
}

impl PythonArgs {
    fn read(order: &Order, private: &Private) -> Result<Self, OperatorError> {
        let args = Args(&order.args);
        let callable = args.text("callable")?;
        let wrong = || {
            OperatorError::fatal(format!("`callable` is `{callable}`; expected `file.py:function`"))
        };
        let (file, function) = callable.rsplit_once(':').ok_or_else(wrong)?;
        if file.is_empty() || function.is_empty() {
            return Err(wrong());
        }
        let written = args
            .text_or_none("python")?
            .or_else(|| private.env.get(INTERPRETER_VARIABLE).cloned())
            .or_else(|| order.env.get(INTERPRETER_VARIABLE).cloned())
            .unwrap_or_else(|| "python3".to_owned());
        // A path is relative to the project; a bare name is looked up in PATH.
        let interpreter = if written.contains('/') {
            order.project.join(&written).to_string_lossy().into_owned()
        } else {
            written
        };
        let file = order.project.join(file);
        if !file.is_file() {
            return Err(OperatorError::fatal(format!(
                "`callable`: there is no file `{}`",
                file.display()
            )));
        }
        Ok(Self { file, function: function.to_owned(), kwargs: args.table("args")?, interpreter })
    }
}

/// What the runner leaves behind.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Output { output: Value },
    Error { error: String, kind: ErrorKind },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ErrorKind {
    Failed,
    Fatal,
    Skipped,
}

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &Arc<TaskLog>,
) -> Result<Outcome, OperatorError> {
    let args = PythonArgs::read(order, private)?;
    let result = order.folder.join("result.json");
    remove(&result)?;
    let mut child = child::prepare(&args.interpreter, None, order, private)
        .args(["-u", "-c", RUNNER])
        .stdin(Stdio::piped())
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .spawn()
        .map_err(|error| {
            OperatorError::io(&format!("start the interpreter `{}`", args.interpreter), &error)
        })?;
    let wish = json!({
        "file": args.file, "function": args.function, "kwargs": args.kwargs,
        "result": result, "project": order.project,
    });
    if let Some(mut stdin) = child.stdin.take() {
        // The order may be longer than the pipe: another thread writes it. An interpreter that
        // ends without reading says why on its own.
        std::thread::spawn(move || stdin.write_all(wish.to_string().as_bytes()));
    }
    let finished = output::follow(&mut child, log)
        .map_err(|error| OperatorError::io("wait for the interpreter", &error))?;
    answer(&result, finished.status)
}

fn remove(result: &Path) -> Result<(), OperatorError> {
    match std::fs::remove_file(result) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(OperatorError::io(&format!("remove `{}`", result.display()), &error))
        }
        _ => Ok(()),
    }
}

fn answer(result: &Path, status: ExitStatus) -> Result<Outcome, OperatorError> {
    let Ok(bytes) = std::fs::read(result) else {
        return Ok(match status.code() {
            Some(0) => Outcome::failed("the function ended the interpreter without a result"),
            _ => child::failed(status),
        });
    };
    let answer = serde_json::from_slice(&bytes)
        .map_err(|error| OperatorError::fatal(format!("read the function's result: {error}")))?;
    Ok(match answer {
        // A crash after the result (an atexit hook, a native library) is a failure all the same.
        Answer::Output { .. } if !status.success() => child::failed(status),
        Answer::Output { output } => Outcome::output(output),
        Answer::Error { error, kind: ErrorKind::Skipped } => Outcome::Skipped { reason: error },
        Answer::Error { error, kind } => Outcome::Failed {
            error,
            exit_code: status.code(),
            retryable: matches!(kind, ErrorKind::Failed),
        },
    })
}

#[cfg(test)]
mod tests;
