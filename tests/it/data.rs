//! Data between tasks, through the real binary: context, outputs, params, progress.

use crate::support::{Project, until};

const DAGS: &str = r#"
[deck]
name = "t"
xcom_max_bytes = 200

[dag.d.param.grid]
type = "object"
default = { a = 1, b = 2 }
additionalProperties = { type = "integer" }

[dag.d.task.extract]
operator = "python"
callable = "flow.py:extract"
multiple_outputs = true

[dag.d.task.load]
operator = "python"
callable = "flow.py:load"
args = { rows = "{{ output.extract.rows }}" }
depends_on = ["extract"]
warm = true

[dag.d.task.tell]
operator = "command"
command = "echo {{ ti.xcom_pull('load') }} {{ params.grid.a + params.grid.b }} {{ dag_run.conf['grid.a'] }}"
depends_on = ["load"]

[dag.slow.task.t]
operator = "python"
callable = "flow.py:slow"

[dag.open.task.t]
operator = "command"
command = "echo {{ dag_run.conf.get('x', 'none') }}"
"#;

const FLOW: &str = r#"
import time

import dagdeck

def extract(ds, dag_run):
    return {"rows": 3, "table": ["x" * 50] * 10, "day": ds, "conf": dag_run.conf}

def load(rows, ti, params):
    table = ti.xcom_pull("extract", key="table")
    return [rows, len(table), params["grid"]["b"], ti.xcom_pull("extract")["day"]]

def slow():
    dagdeck.progress((3, 10), "third file")
    time.sleep(600)
"#;

#[test]
fn outputs_context_and_params_reach_python_and_back() {
    let mut project = Project::with(DAGS);
    project.write("flow.py", FLOW);
    project.up();
    let trigger = ["trigger", "d", "--logical-date", "2026-01-02T00:00:00Z", "--run-id", "r"];
    let conf =
        ["--conf", "{\"grid\": {\"a\": 5, \"b\": 7}}", "-p", "grid.a=40", "--note", "by hand"];
    project.run(&[&trigger[..], &conf[..]].concat()).ok();
    let runs = project.wait_for_runs("d", 1);
    let log = project.run(&["logs", "d", "r", "load"]).stdout;
    assert_eq!(runs[0]["state"], "success", "{log}");
    assert_eq!(runs[0]["note"], "by hand");

    assert_eq!(
        project.run(&["xcom", "get", "d", "r", "tell"]).ok().stdout.trim(),
        "[3, 10, 7, 2026-01-02] 47 40"
    );
    let listed = project.json(&["xcom", "list", "d", "r", "extract"]);
    let keys: Vec<&str> = listed["xcom_entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["conf", "day", "return_value", "rows", "table"]);
    let table = project.json(&["xcom", "get", "d", "r", "extract", "table"]);
    assert!(table["path"].as_str().unwrap().starts_with("runs/d/r/.xcom/"), "{table}");
    assert_eq!(table["value"].as_array().unwrap().len(), 10);
    assert!(project.run(&["xcom", "list", "d", "r"]).ok().stdout.contains("in .dagdeck/runs/d/r/"));

    let missing = project.run(&["xcom", "get", "d", "r", "extract", "tabel"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("did you mean `table`?"), "{}", missing.stderr);
    assert_eq!(project.run(&["xcom", "list", "d", "none"]).code, 2);
    assert_eq!(project.run(&["xcom", "get", "d", "r", "none"]).code, 2);
    // What lies in the file is checked when it is read.
    let path = table["path"].as_str().unwrap();
    project.write(&format!(".dagdeck/{path}"), "[]");
    let changed = project.run(&["xcom", "get", "d", "r", "extract", "table"]);
    assert_eq!(changed.code, 1);
    assert!(changed.stderr.contains("is not what was written"), "{}", changed.stderr);
}

#[test]
fn params_that_do_not_fit_are_refused_and_a_dag_without_params_takes_any() {
    let mut project = Project::with(DAGS);
    project.write("flow.py", FLOW);
    project.write("conf.json", "{\"x\": 1}");
    project.up();
    for (args, words) in [
        (&["-p", "gird.a=3"][..], "gird.a: is not a param of this DAG"),
        (&["-p", "grid.a=x"], "`a` is `x`; expected integer"),
        (&["--conf", "[1]"], "`[1]`"),
        (&["--conf", "{\"grid\""], "as a table of JSON"),
        (&["--conf", "no-such-file.json"], "read `no-such-file.json`"),
    ] {
        let ran = project.run(&[&["trigger", "d"], args].concat());
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{args:?}: {}", ran.stderr);
    }
    let file = project.path("conf.json");
    let trigger = ["trigger", "open", "--run-id", "r", "--conf", file.to_str().unwrap()];
    project.run(&trigger).ok();
    project.wait_for_runs("open", 1);
    assert_eq!(project.run(&["xcom", "get", "open", "r", "t"]).ok().stdout.trim(), "1");
}

#[test]
fn a_running_task_shows_how_far_it_is_and_no_longer_when_it_has_ended() {
    let mut project = Project::with(DAGS);
    project.write("flow.py", FLOW);
    project.up();
    project.run(&["trigger", "slow", "--run-id", "r"]).ok();
    let shown = until(|| {
        let detail = project.json(&["runs", "show", "slow", "r"]);
        let progress = detail["progress"].as_array().unwrap().clone();
        (!progress.is_empty()).then_some(progress)
    });
    let shown = shown.expect("the progress is shown");
    assert_eq!(shown[0][0]["task_id"], "t");
    assert_eq!(shown[0][1]["fraction"], 0.3);
    assert_eq!(shown[0][1]["text"], "third file");
    assert!(project.run(&["tasks", "slow", "r"]).ok().stdout.contains("30% third file"));
    project.run(&["runs", "cancel", "slow", "r"]).ok();
    assert_eq!(project.json(&["runs", "show", "slow", "r"])["progress"], serde_json::json!([]));
}
