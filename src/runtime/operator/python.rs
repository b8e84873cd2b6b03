//! `python`: a plain function of a file; what it returns is the result.
//!
//! The interpreter runs a small program (`python_runner.py`) that is handed its order on
//! standard input, imports the file by path, calls the function with `args` as keywords and
//! leaves the answer in `result.json` in the attempt's folder, so that the function may print as
//! it likes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
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

/// Runs the interpreter that the environment names for a whole project, else Python 3.
const BY_ENVIRONMENT: &str = r#"exec "${DAGDECK_PYTHON:-python3}" "$@""#;

/// What a shell ends with where it finds no such program, or one that cannot be run.
const NOT_RUN: [i32; 2] = [127, 126];

struct PythonArgs {
    file: PathBuf,
    function: String,
    kwargs: Map<String, Value>,
    /// `None`: `$DAGDECK_PYTHON`, else `python3`.
    interpreter: Option<String>,
}

impl PythonArgs {
    fn read(order: &Order) -> Result<Self, OperatorError> {
        let args = Args(&order.args);
        let callable = args.text("callable")?;
        let wrong = || {
            OperatorError::fatal(format!("`callable` is `{callable}`; expected `file.py:function`"))
        };
        let (file, function) = callable.rsplit_once(':').ok_or_else(wrong)?;
        if file.is_empty() || function.is_empty() {
            return Err(wrong());
        }
        // A path is relative to the project; a bare name is looked up in PATH.
        let interpreter = args.text_or_none("python")?.map(|written| {
            let path = order.project.join(&written);
            if written.contains('/') { path.to_string_lossy().into_owned() } else { written }
        });
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
    let args = PythonArgs::read(order)?;
    let result = order.folder.join("result.json");
    remove(&result)?;
    let mut child = interpreter(args.interpreter.as_deref(), order, private)
        .args(["-u", "-c", RUNNER])
        .stdin(Stdio::piped())
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .spawn()
        .map_err(|error| {
            let named = args.interpreter.as_deref().unwrap_or("/bin/sh");
            OperatorError::io(&format!("start the interpreter `{named}`"), &error)
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

fn interpreter(named: Option<&str>, order: &Order, private: &Private) -> Command {
    if let Some(named) = named {
        return child::prepare(named, None, order, private);
    }
    let mut shell = child::prepare("/bin/sh", None, order, private);
    shell.args(["-c", BY_ENVIRONMENT, "python"]);
    shell
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
            Some(code) if NOT_RUN.contains(&code) => Outcome::fatal(
                "start the interpreter: `$DAGDECK_PYTHON`, else `python3`, is not there",
            ),
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
