//! What functions are given of the context, and what they leave beside their return value.

use serde_json::{Value, json};

use super::{call, failure};
use crate::runtime::layout::Layout;
use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;
use crate::store::{self, Store};
use crate::types::DagRunState;
use crate::types::xcom::XcomValue;

const FILE: &str = r#"
import dagdeck

def dates(ds, logical_date, data_interval_end, prev_end_date_success):
    return [ds, logical_date.isoformat(), (data_interval_end - logical_date).days,
            prev_end_date_success is None]

def everything(**context):
    return sorted(name for name in context if name.startswith(("t", "p", "r")))

def some(n, params, run_id="none", *, dag_run=None, var=None):
    return [n, params["a"], run_id, dag_run.conf["x"], dag_run.run_id, var["value"].region,
            var["json"]["grid"]["a"]]

def nothing(ds=None):
    return ds

def push(ti):
    ti.xcom_push("rows", 3)
    dagdeck.xcom_push("place", "a.csv")
    return ti.xcom_pull(key="rows")

def parts():
    return {"a": 1, "b": [2]}

def wrong_parts():
    return [1]

def number_parts():
    return {1: 2}

def pull(ti):
    return [
        ti.xcom_pull("extract"), ti.xcom_pull(task_ids=["extract", "gone"], default=0),
        ti.xcom_pull(task_ids="each"), ti.xcom_pull(task_ids="each", map_indexes=1),
        ti.xcom_pull(task_ids="each", map_indexes=[1, 7]), ti.xcom_pull(task_ids="extract", key="old"),
        ti.xcom_pull(task_ids="extract", key="old", include_prior_dates=True),
        dagdeck.xcom_pull("extract", key="long")["rows"],
    ]

def going():
    dagdeck.progress(0.25, "first\nhalf")
    dagdeck.progress((3, 4))
    dagdeck.progress(None, "the end")

def stop():
    raise dagdeck.AirflowFailException("never")

def pass_by():
    raise dagdeck.AirflowSkipException("not today")

def deep():
    return dagdeck.get_current_context()["ti"].task_id
"#;

fn bench() -> Bench {
    let mut bench = Bench::new("python");
    bench.write("dags/basic.py", FILE);
    let context = json!({
        "params": {"a": 1}, "run_id": "r", "ds": "2026-01-01", "ts": "2026-01-01T00:00:00+00:00",
        "dag_run": {"run_id": "r", "conf": {"x": [1]}, "logical_date": "2026-01-01T00:00:00Z"},
        "dag": {"dag_id": "d"}, "task": {"task_id": "work"},
        "ti": {"dag_id": "d", "run_id": "r", "task_id": "work", "map_index": -1, "try_number": 1},
        "var": {"region": "north", "grid": "{\"a\": 5}"},
        "dates": {"logical_date": "2026-01-01T00:00:00Z", "prev_end_date_success": null,
                  "data_interval_end": "2026-01-03T00:00:00Z"},
    });
    bench.order.context = Some(context.as_object().unwrap().clone());
    bench
}

fn output(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Success { output, .. } => output,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_function_gets_what_its_parameters_name() {
    let bench = bench();
    let dates = output(call(&bench, "dates", json!({})));
    assert_eq!(dates, json!(["2026-01-01", "2026-01-01T00:00:00+00:00", 2, true]));
    let names = output(call(&bench, "everything", json!({})));
    let expected =
        ["params", "prev_end_date_success", "run_id", "task", "task_instance", "ti", "ts"];
    assert_eq!(names, json!(expected));
    let some = output(call(&bench, "some", json!({ "n": 7 })));
    assert_eq!(some, json!([7, 1, "r", [1], "r", "north", 5]));
    // What is given by hand stays.
    assert_eq!(output(call(&bench, "nothing", json!({ "ds": "mine" }))), json!("mine"));
    assert_eq!(output(call(&bench, "deep", json!({}))), json!("work"));
}

#[test]
fn arguments_may_come_by_place() {
    let bench = bench();
    let args =
        json!({ "callable": "dags/basic.py:some", "op_args": [7], "op_kwargs": {"run_id": "x"} });
    assert_eq!(output(bench.run(args)), json!([7, 1, "x", [1], "r", "north", 5]));
    let args = json!({ "callable": "dags/basic.py:some", "op_args": 7 });
    bench.is_fatal(args, "`op_args` is 7; expected a list");
}

#[test]
fn a_function_leaves_further_outputs() {
    let bench = bench();
    let Outcome::Success { output, outputs, .. } = call(&bench, "push", json!({})) else {
        panic!("it succeeds");
    };
    assert_eq!(output, json!(3));
    let expected = json!({"place": {"value": "a.csv"}, "rows": {"value": 3}});
    assert_eq!(serde_json::to_value(outputs).unwrap(), expected);
    let run = |function: &str| {
        let callable = format!("dags/basic.py:{function}");
        bench.run(json!({ "callable": callable, "multiple_outputs": true }))
    };
    let Outcome::Success { output, outputs, .. } = run("parts") else { panic!("it succeeds") };
    assert_eq!(output, json!({"a": 1, "b": [2]}));
    assert_eq!(outputs["b"], XcomValue::Value(json!([2])));
    let (error, retryable) = failure(run("wrong_parts"));
    assert!(error.contains("returned list; with `multiple_outputs` it must be a dict"), "{error}");
    assert!(!retryable);
    assert!(failure(run("number_parts")).0.contains("is no text"));
}

#[test]
fn a_function_pulls_what_others_left() {
    let bench = bench();
    let layout = Layout::new(bench.project());
    let store = Store::open(&layout.database()).unwrap();
    let mut order = bench.order.clone();
    order.xcom.inline_bytes = 3;
    let long = crate::runtime::xcom::spill(Outcome::output(json!({"rows": 9})), &order);
    let Outcome::Success { outputs, .. } = long else { panic!("{long:?}") };
    let long = outputs["return_value"].clone();
    use store::sample::key;
    let mapped =
        |index: i32| crate::types::TaskInstanceKey { map_index: index, ..key("d", "r", "each") };
    let plain = |value: Value| XcomValue::Value(value);
    store
        .write_blocking(move |tx| {
            for (run, at) in [("earlier", 0), ("r", 100)] {
                let run = store::sample::run("d", run, at, DagRunState::Running);
                store::dag_run::put(tx, &run)?;
            }
            store::xcom::put(tx, &key("d", "r", "extract"), "return_value", &plain(json!([1])))?;
            store::xcom::put(tx, &key("d", "r", "extract"), "long", &long)?;
            store::xcom::put(tx, &key("d", "earlier", "extract"), "old", &plain(json!("then")))?;
            store::xcom::put(tx, &mapped(0), "return_value", &plain(json!("a")))?;
            store::xcom::put(tx, &mapped(1), "return_value", &plain(json!("b")))
        })
        .unwrap();
    let expected = json!([[1], [[1], 0], ["a", "b"], "b", ["b", null], null, "then", 9]);
    assert_eq!(output(call(&bench, "pull", json!({}))), expected);
}

#[test]
fn a_function_says_how_far_it_is() {
    let bench = bench();
    assert_eq!(output(call(&bench, "going", json!({}))), json!(null));
    let folder = crate::runtime::attempt::AttemptFolder::new(&bench.order.folder);
    let last = folder.progress().unwrap();
    assert_eq!((last.fraction, last.text.as_str()), (None, "the end"));
    assert!(bench.log().contains("deck progress 25% first half"), "{}", bench.log());
}

#[test]
fn the_module_brings_airflows_exceptions_along() {
    let bench = bench();
    let (error, retryable) = failure(call(&bench, "stop", json!({})));
    assert!(error.ends_with("AirflowFailException: never") && !retryable, "{error}");
    let skipped = Outcome::Skipped { reason: "not today".into() };
    assert_eq!(call(&bench, "pass_by", json!({})), skipped);
}
