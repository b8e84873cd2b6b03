//! `python`: a plain function of a file; what it returns is the result.
//!
//! ```text
//! requirements ─► interpreter: a venv, made once ─┬─ cold: interpreter -c runner
//!                                                 └─ warm: a fork of one that has imported
//! ```
//! The runner (`python/runner.py`) is handed its order, imports the file by path, calls the
//! function with `args` as keywords and what its parameters name of the context, and leaves the
//! answer in `result.json` in the attempt's folder, so that the function may print as it likes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::interpreter::Interpreter;
use super::args::{Args, unfit};
use super::error::OperatorError;
use super::output::{self, Finished};
use super::{child, handed, said};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::xcom::XcomValue;

mod interpreter;
mod script;
mod warm;

const RUNNER: &str = include_str!("python/runner.py");
/// What a task imports as `dagdeck`.
const MODULE: &str = include_str!("python/dagdeck.py");
const CONTEXT: &str = include_str!("python/context.py");

/// What a shell ends with where it finds no such program, or one that cannot be run.
const NOT_RUN: [i32; 2] = [127, 126];

struct PythonArgs {
    file: PathBuf,
    function: String,
    op_args: Vec<Value>,
    kwargs: Map<String, Value>,
    multiple_outputs: bool,
    requirements: Vec<String>,
    /// What a warm interpreter has imported; `None`: a cold start.
    warm: Option<Vec<String>>,
    interpreter: Interpreter,
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
        let file = order.project.join(file);
        if !file.is_file() {
            return Err(OperatorError::fatal(format!(
                "`callable`: there is no file `{}`",
                file.display()
            )));
        }
        let mut kwargs = args.table("args")?;
        kwargs.extend(args.table("op_kwargs")?);
        let op_args = match args.get("op_args") {
            None => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(other) => return Err(unfit("op_args", other, "a list")),
        };
        let warm = match args.get("warm") {
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(Vec::new()),
            Some(_) => args.texts_or_none("warm")?,
        };
        Ok(Self {
            file,
            function: function.to_owned(),
            op_args,
            kwargs,
            multiple_outputs: args.flag("multiple_outputs", false)?,
            requirements: args.texts_or_none("requirements")?.unwrap_or_default(),
            warm,
            interpreter: Interpreter::named(args.text_or_none("python")?, &order.project),
        })
    }
}

/// What the runner leaves behind.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Output {
        output: Value,
        #[serde(default)]
        outputs: BTreeMap<String, Value>,
    },
    Error {
        error: String,
        kind: ErrorKind,
    },
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
    let interpreter = match interpreter::environment(&args, order, private, log)? {
        Ok(interpreter) => interpreter,
        Err(failed) => return Ok(failed),
    };
    let result = order.folder.join("result.json");
    remove(&result)?;
    handed::clear(&order.folder)?;
    let wish = json!({
        "file": args.file, "function": args.function, "op_args": args.op_args,
        "kwargs": args.kwargs, "multiple_outputs": args.multiple_outputs,
        "context": context(order), "result": result, "project": order.project,
        "modules": { "dagdeck": MODULE, "_dagdeck_context": CONTEXT },
    });
    let finished = match &args.warm {
        None => cold(&interpreter, order, private, &wish, log)?,
        Some(modules) => match warm::run(&interpreter, modules, order, private, &wish, log)? {
            Ok(finished) => finished,
            Err(reason) => {
                log.say(&format!("a cold start: {reason}"));
                cold(&interpreter, order, private, &wish, log)?
            }
        },
    };
    let outcome = answer(&result, finished.status)?;
    handed::added(outcome, finished.words, order)
}

/// The context that the deck made; a bare one where it made none.
fn context(order: &Order) -> Value {
    order.context.clone().map_or_else(
        || {
            json!({
                "dates": {}, "dag_run": {}, "dag": {}, "task": {}, "var": {},
                "ti": { "dag_id": order.key.task.dag_id, "run_id": order.key.task.dag_run_id,
                    "task_id": order.key.task.task_id, "map_index": order.key.task.map_index,
                    "try_number": order.key.try_number },
            })
        },
        Value::Object,
    )
}

fn cold(
    interpreter: &Interpreter,
    order: &Order,
    private: &Private,
    wish: &Value,
    log: &Arc<TaskLog>,
) -> Result<Finished, OperatorError> {
    let mut child = interpreter
        .command(order, private)
        .args(["-u", "-c", RUNNER])
        .stdin(Stdio::piped())
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .spawn()
        .map_err(|error| interpreter.cannot_start(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // The order may be longer than the pipe: another thread writes it. An interpreter that
        // ends without reading says why on its own.
        let text = wish.to_string();
        std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    }
    output::follow(&mut child, &order.folder, log)
        .map_err(|error| OperatorError::io("wait for the interpreter", &error))
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
        Answer::Output { output, outputs } => succeeded(output, outputs)?,
        Answer::Error { error, kind: ErrorKind::Skipped } => Outcome::Skipped { reason: error },
        Answer::Error { error, kind } => Outcome::Failed {
            error,
            exit_code: status.code(),
            retryable: matches!(kind, ErrorKind::Failed),
        },
    })
}

fn succeeded(returned: Value, named: BTreeMap<String, Value>) -> Result<Outcome, OperatorError> {
    if let Some(name) = named.keys().find(|name| !said::is_name(name)) {
        return Err(OperatorError::fatal(format!("`{name}` is no name for an output")));
    }
    let mut outcome = Outcome::output(returned);
    if let Outcome::Success { outputs, .. } = &mut outcome {
        outputs.extend(named.into_iter().map(|(name, value)| (name, XcomValue::Value(value))));
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests;
