//! Functions that return, raise, skip, and cannot be called.

mod context;
mod requirements;

use serde_json::{Value, json};

use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;

const FILE: &str = r#"
import datetime, os, sys

def greet(name, times=1):
    print("hello", name)
    return {"text": " ".join([name] * times)}

def fail():
    raise ValueError("no rows\nat all")

def odd():
    return {1, object()}

def nan():
    return float("nan")

def day():
    return datetime.date(2026, 1, 2)

def leave(code):
    sys.exit(code)

def vanish():
    os._exit(0)

async def later():
    return 7

class AirflowSkipException(Exception):
    pass

def skip():
    raise AirflowSkipException("nothing to do")

def big(rows):
    return len(rows)

def read_stdin():
    return sys.stdin.read()
"#;

pub(super) fn bench() -> Bench {
    let bench = Bench::new("python");
    bench.write("dags/basic.py", FILE);
    bench
}

#[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
pub(super) fn call(bench: &Bench, function: &str, args: Value) -> Outcome {
    bench.run(json!({ "callable": format!("dags/basic.py:{function}"), "args": args }))
}

pub(super) fn failure(outcome: Outcome) -> (String, bool) {
    match outcome {
        Outcome::Failed { error, retryable, .. } => (error, retryable),
        other => panic!("it cannot be {other:?}"),
    }
}

#[test]
fn what_the_function_returns_is_the_result_and_what_it_prints_is_logged() {
    let bench = bench();
    let outcome = call(&bench, "greet", json!({ "name": "ada", "times": 2 }));
    assert_eq!(outcome, Outcome::output(json!({ "text": "ada ada" })));
    assert!(bench.log().contains("out  hello ada"));
}

#[test]
fn an_exception_is_one_line_of_error_and_its_traceback_is_logged() {
    let bench = bench();
    assert_eq!(failure(call(&bench, "fail", json!({}))).0, "ValueError: no rows");
    let log = bench.log();
    assert!(log.contains("in fail"), "{log}");
    assert!(!log.contains("<string>"), "only the user's frames: {log}");
}

#[test]
fn a_result_that_json_cannot_hold_is_told() {
    let bench = bench();
    for function in ["odd", "nan"] {
        let (error, retryable) = failure(call(&bench, function, json!({})));
        assert!(error.contains("returned what JSON cannot hold"), "{error}");
        assert!(!retryable);
    }
}

#[test]
fn dates_and_coroutines_become_plain_values() {
    let bench = bench();
    assert_eq!(call(&bench, "day", json!({})), Outcome::output(json!("2026-01-02")));
    assert_eq!(call(&bench, "later", json!({})), Outcome::output(json!(7)));
}

#[test]
fn a_missing_file_function_or_argument_is_fatal_and_named() {
    let bench = bench();
    bench.is_fatal(json!({ "callable": "dags/none.py:f" }), "there is no file");
    bench.is_fatal(json!({ "callable": "dags/basic.py" }), "expected `file.py:function`");
    let (error, retryable) = failure(call(&bench, "great", json!({})));
    assert_eq!(error, "`basic.py` has no function `great` (did you mean `greet`?)");
    assert!(!retryable);
    let (error, retryable) = failure(call(&bench, "greet", json!({ "nme": 1 })));
    assert!(error.starts_with("`greet`: ") && !retryable, "{error}");
}

#[test]
fn a_syntax_error_is_fatal() {
    let bench = bench();
    bench.write("dags/basic.py", "def f(:\n");
    let (error, retryable) = failure(call(&bench, "f", json!({})));
    assert!(error.starts_with("SyntaxError"), "{error}");
    assert!(!retryable);
}

#[test]
fn a_function_may_skip_itself_or_exit() {
    let bench = bench();
    let skipped = Outcome::Skipped { reason: "nothing to do".into() };
    assert_eq!(call(&bench, "skip", json!({})), skipped);
    assert!(matches!(call(&bench, "leave", json!({ "code": 99 })), Outcome::Skipped { .. }));
    assert!(failure(call(&bench, "leave", json!({ "code": 2 }))).0.contains("sys.exit(2)"));
    assert!(failure(call(&bench, "vanish", json!({}))).0.contains("without a result"));
}

#[test]
fn an_order_longer_than_a_pipe_arrives() {
    let bench = bench();
    let rows: Vec<_> = (0..100_000).collect();
    assert_eq!(call(&bench, "big", json!({ "rows": rows })), Outcome::output(json!(100_000)));
}

#[test]
fn the_function_finds_its_standard_input_at_its_end() {
    let bench = bench();
    assert_eq!(call(&bench, "read_stdin", json!({})), Outcome::output(json!("")));
}

#[test]
fn an_interpreter_that_is_not_there_is_named() {
    let mut bench = bench();
    let callable = "dags/basic.py:day";
    let own = json!({ "callable": callable, "python": "venv/bin/python" });
    bench.is_fatal(own, "start the interpreter `");
    bench.private.env.insert("DAGDECK_PYTHON".into(), "no-python-here".into());
    bench.is_fatal(json!({ "callable": callable }), "`$DAGDECK_PYTHON`, else `python3`");
}

#[test]
fn the_environment_names_the_interpreter() {
    let mut bench = bench();
    bench.write("python", "#!/bin/sh\necho mine; exec python3 \"$@\"\n");
    let path = bench.project().join("python");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&path, mode).unwrap();
    bench.order.env.insert("DAGDECK_PYTHON".into(), path.to_string_lossy().into_owned());
    assert_eq!(call(&bench, "day", json!({})), Outcome::output(json!("2026-01-02")));
    assert!(bench.log().contains("out  mine"));
}
