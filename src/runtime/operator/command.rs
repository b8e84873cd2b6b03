//! `command`: a shell line, or a list of arguments without a shell.
//!
//! The last line of standard output is the result: as JSON where it parses as such, else as text.
//! Further outputs are printed (`::output name=value`) or written to the file `$DAGDECK_OUTPUT`.

use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use super::args::Args;
use super::child;
use super::error::OperatorError;
use super::handed;
use super::output::{self, Finished};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::executor::limits;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

/// Airflow's: a command that ends with it has skipped itself.
const SKIP_ON_EXIT_CODE: i64 = 99;

struct CommandArgs {
    argv: Vec<String>,
    cwd: Option<String>,
    skip_on_exit_code: i64,
}

impl CommandArgs {
    fn read(args: Args<'_>) -> Result<Self, OperatorError> {
        let argv = match (args.text_or_none("command")?, args.texts_or_none("argv")?) {
            (Some(line), None) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
            (None, Some(argv)) if !argv.is_empty() => argv,
            (None, Some(_)) => return Err(OperatorError::fatal("`argv` is empty")),
            (Some(_), Some(_)) => {
                return Err(OperatorError::fatal("give `command` or `argv`, not both"));
            }
            (None, None) => {
                return Err(OperatorError::fatal("`command` or `argv` is missing"));
            }
        };
        Ok(Self {
            argv,
            cwd: args.text_or_none("cwd")?,
            skip_on_exit_code: args
                .integer_or_none("skip_on_exit_code")?
                .unwrap_or(SKIP_ON_EXIT_CODE),
        })
    }
}

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &Arc<TaskLog>,
) -> Result<Outcome, OperatorError> {
    let mut child = prepare(order, private, None)?.spawn().map_err(|e| cannot_start(order, &e))?;
    let finished = output::follow(&mut child, &order.folder, log)
        .map_err(|error| OperatorError::io("wait for the command", &error))?;
    outcome(order, finished, log)
}

/// Makes it ready to be started; `base` is what its environment begins with, where that is not
/// this process's own.
pub(super) fn prepare(
    order: &Order,
    private: &Private,
    base: Option<&[(OsString, OsString)]>,
) -> Result<Command, OperatorError> {
    let args = CommandArgs::read(Args(&order.args))?;
    let cwd = child::folder(args.cwd.as_deref(), order);
    if !cwd.is_dir() {
        return Err(OperatorError::fatal(format!("`cwd`: there is no folder `{}`", cwd.display())));
    }
    let argv = match base {
        Some(_) => limits::prefixed(order.limits, args.argv),
        None => args.argv,
    };
    let mut command = child::prepare(&argv[0], args.cwd.as_deref(), order, private, base);
    command.args(&argv[1..]);
    handed::clear(&order.folder)?;
    Ok(command)
}

/// Says why it could not be started.
pub(super) fn cannot_start(order: &Order, error: &std::io::Error) -> OperatorError {
    let program = CommandArgs::read(Args(&order.args)).map(|args| args.argv[0].clone());
    OperatorError::io(&format!("start `{}`", program.unwrap_or_default()), error)
}

/// Says what it came to.
pub(super) fn outcome(
    order: &Order,
    finished: Finished,
    log: &Arc<TaskLog>,
) -> Result<Outcome, OperatorError> {
    let args = CommandArgs::read(Args(&order.args))?;
    let status = finished.status;
    if status.success() {
        let outcome = Outcome::output(result(finished.last_line, log));
        return handed::added(outcome, finished.words, order);
    }
    if status.code().is_some_and(|code| i64::from(code) == args.skip_on_exit_code) {
        let reason = format!("exit code {}: the command skipped itself", args.skip_on_exit_code);
        return Ok(Outcome::Skipped { reason });
    }
    Ok(child::failed(status))
}

fn result(last_line: Option<String>, log: &TaskLog) -> Value {
    let Some(line) = last_line else {
        log.say("the last line of standard output is too long to be kept as the result");
        return Value::Null;
    };
    let line = log.masked(&line);
    if line.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&line).unwrap_or(Value::String(line))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::runtime::operator::tests::Bench;
    use crate::sched::Outcome;

    #[test]
    fn the_last_line_is_the_result_as_json_where_it_parses() {
        let bench = Bench::new("command");
        let outcome = bench.run(json!({ "command": "echo first; echo '{\"total\": 3}'" }));
        assert_eq!(outcome, Outcome::output(json!({ "total": 3 })));
        assert!(bench.log().contains("out  first\n"), "{}", bench.log());
    }

    #[test]
    fn a_line_that_is_not_json_is_text_and_silence_is_null() {
        let bench = Bench::new("command");
        let outcome = bench.run(json!({ "command": "echo total: 3" }));
        assert_eq!(outcome, Outcome::output(json!("total: 3")));
        assert_eq!(bench.run(json!({ "command": "true" })), Outcome::output(json!(null)));
    }

    #[test]
    fn an_argv_runs_without_a_shell() {
        let bench = Bench::new("command");
        let outcome = bench.run(json!({ "argv": ["printf", "%s", "$HOME; ls"] }));
        assert_eq!(outcome, Outcome::output(json!("$HOME; ls")));
    }

    #[test]
    fn the_environment_and_the_folder_are_the_tasks() {
        let mut bench = Bench::new("command");
        bench.order.env.insert("PUBLIC".into(), "a".into());
        bench.private.env.insert("PRIVATE".into(), "b".into());
        std::fs::create_dir(bench.project().join("sub")).unwrap();
        let line = "echo $PUBLIC$PRIVATE-$(basename $DAGDECK_RUN_FOLDER)-$(basename $PWD)";
        let outcome = bench.run(json!({ "command": line, "cwd": "sub" }));
        assert_eq!(outcome, Outcome::output(json!("ab-r-sub")));
    }

    #[test]
    fn a_failing_command_tells_its_exit_code() {
        let bench = Bench::new("command");
        let outcome = bench.run(json!({ "command": "echo oh no >&2; exit 3" }));
        let error = "exit code 3".to_owned();
        assert_eq!(outcome, Outcome::Failed { error, exit_code: Some(3), retryable: true });
        assert!(bench.log().contains("err  oh no"));
    }

    #[test]
    fn exit_code_99_or_the_one_given_skips() {
        let bench = Bench::new("command");
        let skipped = |args| matches!(bench.run(args), Outcome::Skipped { .. });
        assert!(skipped(json!({ "command": "exit 99" })));
        assert!(skipped(json!({ "command": "exit 7", "skip_on_exit_code": 7 })));
        assert!(!skipped(json!({ "command": "exit 99", "skip_on_exit_code": 7 })));
    }

    #[test]
    fn a_killed_command_names_the_signal() {
        let bench = Bench::new("command");
        let Outcome::Failed { error, exit_code, .. } =
            bench.run(json!({ "command": "kill -9 $$" }))
        else {
            panic!("it cannot succeed");
        };
        assert!(error.starts_with("killed by signal 9 (SIGKILL"), "{error}");
        assert_eq!(exit_code, None);
    }

    #[test]
    fn secrets_are_masked_in_the_log_and_in_the_result() {
        let mut bench = Bench::new("command");
        bench.private.mask.push("hunter2".into());
        let outcome = bench.run(json!({ "command": "echo pw=hunter2" }));
        assert_eq!(outcome, Outcome::output(json!("pw=***")));
        assert!(!bench.log().contains("hunter2"));
    }

    #[test]
    fn further_outputs_are_printed_or_written() {
        let bench = Bench::new("command");
        let line = "echo ::output rows=3; echo ::output place=a.csv; echo ::progress 50%; \
                    echo '{\"rows\": 4, \"more\": [1]}' > $DAGDECK_OUTPUT; echo last; echo ::output x=y";
        let outcome = bench.run(json!({ "command": line }));
        let Outcome::Success { output, outputs, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(output, json!("last"));
        let found = serde_json::to_value(outputs).unwrap();
        let expected = json!({
            "more": {"value": [1]}, "place": {"value": "a.csv"}, "rows": {"value": 4},
            "x": {"value": "y"},
        });
        assert_eq!(found, expected);
        let log = bench.log();
        assert!(
            log.contains("deck output `rows` = 3") && log.contains("deck progress 50%"),
            "{log}"
        );
        // The next launch begins anew.
        assert_eq!(bench.run(json!({ "command": "true" })), Outcome::output(json!(null)));
    }

    #[test]
    fn what_makes_no_sense_is_fatal_and_named() {
        let bench = Bench::new("command");
        bench.is_fatal(json!({}), "`command` or `argv` is missing");
        bench.is_fatal(json!({ "command": "a", "argv": ["b"] }), "not both");
        bench.is_fatal(json!({ "argv": ["no-such-program-here"] }), "start `no-such-program-here`");
        bench.is_fatal(json!({ "command": "true", "cwd": "nowhere" }), "there is no folder");
        let list = "echo '[1]' > $DAGDECK_OUTPUT";
        bench.is_fatal(json!({ "command": list }), "`$DAGDECK_OUTPUT` is no table of JSON");
        let nameless = "echo '{\"\": 1}' > $DAGDECK_OUTPUT";
        bench.is_fatal(json!({ "command": nameless }), "is no name for an output");
    }

    #[test]
    fn a_background_process_that_holds_the_output_is_not_waited_for() {
        let bench = Bench::new("command");
        let outcome = bench.run(json!({ "command": "sleep 60 & echo $!" }));
        let said = bench.log();
        assert!(said.contains("a background process still holds the output"), "{said}");
        assert_eq!(outcome, Outcome::output(json!(null)));
        let pid = said.lines().find_map(|line| line.split(" out  ").nth(1)).unwrap().to_owned();
        std::process::Command::new("kill").arg(pid).status().unwrap();
    }
}
