//! Which Python runs a task, and the environments that requirements need: each set of them is a
//! venv below `.dagdeck/venvs`, made once, under a lock.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::error::OperatorError;
use super::super::{child, output};
use super::{PythonArgs, script};
use crate::runtime::attempt::{AttemptFolder, Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

/// Runs the interpreter that the environment names for a whole project, else Python 3.
const BY_ENVIRONMENT: &str = r#"exec "${DAGDECK_PYTHON:-python3}" "$@""#;

/// Says whether this Python is one that a file asks for; `pip` brings the words for it along.
const CHECK_VERSION: &str = "import platform, sys
from pip._vendor.packaging.specifiers import SpecifierSet
found = platform.python_version()
sys.exit(0 if found in SpecifierSet(sys.argv[1]) else 'this is Python ' + found + ', not ' + sys.argv[1])";

/// Lies in a venv that is whole.
const READY: &str = "dagdeck-ready";

/// A Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// `None`: `$DAGDECK_PYTHON`, else `python3`.
    pub(super) program: Option<String>,
}

impl Interpreter {
    /// Takes what a task names: a program of `PATH`, a path below the project, or a venv.
    pub(super) fn named(written: Option<String>, project: &Path) -> Self {
        let program = written.map(|written| {
            let path = project.join(&written);
            if path.is_dir() {
                path.join("bin/python").to_string_lossy().into_owned()
            } else if written.contains('/') {
                path.to_string_lossy().into_owned()
            } else {
                written
            }
        });
        Self { program }
    }

    pub(super) fn command(&self, order: &Order, private: &Private) -> Command {
        if let Some(program) = &self.program {
            return child::prepare(program, None, order, private, None);
        }
        let mut shell = child::prepare("/bin/sh", None, order, private, None);
        shell.args(["-c", BY_ENVIRONMENT, "python"]);
        shell
    }

    pub(super) fn cannot_start(&self, error: &io::Error) -> OperatorError {
        let named = self.program.as_deref().unwrap_or("/bin/sh");
        OperatorError::io(&format!("start the interpreter `{named}`"), error)
    }
}

/// Returns the interpreter that has what the task and its file require; the inner error is how
/// the attempt ends where it cannot be made.
pub(super) fn environment(
    args: &PythonArgs,
    order: &Order,
    private: &Private,
    log: &Arc<TaskLog>,
) -> Result<Result<Interpreter, Outcome>, OperatorError> {
    let file = args.file.display();
    let text = fs::read(&args.file)
        .map_err(|error| OperatorError::io(&format!("read `{file}`"), &error))?;
    let script = script::read(&String::from_utf8_lossy(&text))
        .map_err(|reason| OperatorError::fatal(format!("`{file}`: {reason}")))?;
    let mut requirements = args.requirements.clone();
    requirements.extend(script.dependencies);
    requirements.sort();
    requirements.dedup();
    if requirements.is_empty() && script.requires_python.is_none() {
        return Ok(Ok(args.interpreter.clone()));
    }
    let venv = Venv { base: &args.interpreter, requirements, requires: script.requires_python };
    let folder = order.project.join(".dagdeck/venvs").join(venv.key());
    let python = folder.join("bin/python");
    let made = Interpreter { program: Some(python.to_string_lossy().into_owned()) };
    let is_whole = || folder.join(READY).is_file() && python.is_file();
    if is_whole() {
        return Ok(Ok(made));
    }
    let locked = lock(&folder).map_err(|error| OperatorError::io("lock the venv", &error))?;
    if !is_whole() {
        log.say(&format!("makes a venv for {}", venv.requirements.join(", ")));
        // What an earlier try left half made.
        let _ = fs::remove_dir_all(&folder);
        if let Err(failed) = venv.make(&folder, order, private, log)? {
            return Ok(Err(failed));
        }
        File::create(folder.join(READY))
            .map_err(|error| OperatorError::io("finish the venv", &error))?;
    }
    drop(locked);
    Ok(Ok(made))
}

fn lock(folder: &Path) -> io::Result<File> {
    let all = folder.parent().unwrap_or(folder);
    AttemptFolder::new(all).make()?;
    let lock = File::create(folder.with_extension("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// What makes one venv different from another.
struct Venv<'a> {
    base: &'a Interpreter,
    requirements: Vec<String>,
    requires: Option<String>,
}

impl Venv<'_> {
    fn key(&self) -> String {
        let told = json!([self.base.program, self.requirements, self.requires]).to_string();
        Sha256::digest(told.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// With `uv` where there is one, else with `venv` and `pip`.
    fn make(
        &self,
        folder: &Path,
        order: &Order,
        private: &Private,
        log: &Arc<TaskLog>,
    ) -> Result<Result<(), Outcome>, OperatorError> {
        let python = folder.join("bin/python");
        let mut steps: Vec<(&str, Command)> = Vec::new();
        if Command::new("uv").arg("--version").output().is_ok_and(|found| found.status.success()) {
            let mut make = child::prepare("uv", None, order, private, None);
            make.args(["venv", "--quiet"]).arg(folder);
            if let Some(wanted) = self.base.program.as_deref().or(self.requires.as_deref()) {
                make.args(["--python", wanted]);
            }
            steps.push(("make a venv", make));
            if !self.requirements.is_empty() {
                let mut install = child::prepare("uv", None, order, private, None);
                install.args(["pip", "install", "--python"]).arg(&python);
                install.arg("--").args(&self.requirements);
                steps.push(("install the requirements", install));
            }
        } else {
            let mut make = self.base.command(order, private);
            make.args(["-m", "venv"]).arg(folder);
            steps.push(("make a venv", make));
            if let Some(wanted) = &self.requires {
                let mut check = venv_python(&python, order, private);
                check.args(["-c", CHECK_VERSION, wanted]);
                steps.push(("find the Python that the file requires", check));
            }
            if !self.requirements.is_empty() {
                let mut install = venv_python(&python, order, private);
                install.args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet"]);
                install.arg("--").args(&self.requirements);
                steps.push(("install the requirements", install));
            }
        }
        for (what, mut command) in steps {
            let mut child = command
                .spawn()
                .map_err(|error| OperatorError::io(&format!("{what}: start"), &error))?;
            let finished = output::follow(&mut child, &order.folder, log)
                .map_err(|error| OperatorError::io(what, &error))?;
            if !finished.status.success() {
                let how = match child::failed(finished.status) {
                    Outcome::Failed { error, .. } => error,
                    _ => String::new(),
                };
                return Ok(Err(Outcome::failed(format!("{what}: {how}; the log says why"))));
            }
        }
        Ok(Ok(()))
    }
}

fn venv_python(python: &Path, order: &Order, private: &Private) -> Command {
    child::prepare(&python.to_string_lossy(), None, order, private, None)
}
