//! Orders and contexts, made from real definitions.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::context::History;
use super::order::{compose, cut};
use crate::dag::{self, Deck};
use crate::runtime::attempt::Order;
use crate::runtime::executor::Handover;
use crate::runtime::layout::Layout;
use crate::sched::Outcome;
use crate::sched::effect::Launch;
use crate::store::{self, Store};
use crate::types::ids::UNMAPPED;
use crate::types::run::DagRun;
use crate::types::xcom::{RETURN_VALUE, XcomFile, XcomValue};
use crate::types::{AttemptKey, TaskInstanceKey};

/// An order for tests of the attempt's files.
pub(crate) fn order(folder: &Path) -> Order {
    serde_json::from_value(json!({
        "key": {"dag_id": "d", "dag_run_id": "r", "task_id": "t", "map_index": -1,
                "try_number": 1},
        "token": "one", "operator": "command", "args": {}, "env": {},
        "project": "/", "folder": folder, "run_folder": folder,
        "execution_timeout_secs": null, "inlets": [], "outlets": [], "dataset": null,
        "connections": [], "triggering_asset_events": [], "user": "ada",
    }))
    .unwrap()
}

const COMMON: &str = r#"
[deck]
name = "test"
[variable]
region = "north"
token = "Bearer ${env:TOKEN}"
[connection.lake]
url = "file:data/lake"
[connection.db]
url = "sqlite:${env:DB}"
[dataset.iris]
uri = "file:data/iris.csv"
task = "classification"
target = "species"
[dag.d]
owner = "ops"
[dag.d.param.dataset]
type = "string"
default = "iris"
[dag.d.task.before]
operator = "command"
command = "true"
[dag.d.task.t]
"#;

struct Project {
    dir: tempfile::TempDir,
    deck: Deck,
}

/// Loads definitions whose task `t` reads so.
fn project(task: &str) -> Project {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ok.py"), "").unwrap();
    std::fs::write(dir.path().join("dags.toml"), format!("{COMMON}{task}")).unwrap();
    let lookup = |name: &str| match name {
        "TOKEN" => Some("hunter2".to_owned()),
        "DB" => Some("secret.db".to_owned()),
        _ => None,
    };
    let deck =
        dag::load(dir.path(), &lookup, &Default::default()).unwrap_or_else(|d| panic!("{d}"));
    Project { dir, deck }
}

fn run(params: &Value, logical_date: &Value) -> DagRun {
    serde_json::from_value(json!({
        "dag_id": "d", "dag_run_id": "manual__1", "run_type": "manual", "state": "running",
        "triggered_by": "cli", "triggering_user_name": null,
        "logical_date": logical_date, "data_interval_start": logical_date,
        "data_interval_end": null, "run_after": "2026-01-02T03:04:05Z",
        "queued_at": "2026-01-02T03:04:05Z", "start_date": "2026-01-02T03:04:06Z",
        "end_date": null, "conf": {"x": [1, 2]}, "params": params, "dag_version": "v",
        "note": "by hand",
    }))
    .unwrap()
}

impl Project {
    fn launch(&self, run: DagRun) -> Launch {
        let key = |task_id: &str| TaskInstanceKey {
            dag_id: "d".into(),
            dag_run_id: "manual__1".into(),
            task_id: task_id.into(),
            map_index: UNMAPPED,
        };
        Launch {
            key: AttemptKey { task: key("t"), try_number: 2 },
            token: "tok".into(),
            dag: Arc::clone(&self.deck.dags["d"]),
            task_id: "t".into(),
            run,
            triggering_asset_events: Vec::new(),
        }
    }

    fn compose(&self, run: DagRun, outputs: &[(&str, i32, Value)]) -> Result<Made, Outcome> {
        self.compose_at(UNMAPPED, run, outputs)
    }

    /// Composes one instance of a mapped task.
    fn compose_at(
        &self,
        index: i32,
        run: DagRun,
        outputs: &[(&str, i32, Value)],
    ) -> Result<Made, Outcome> {
        let mut launch = self.launch(run);
        launch.key.task.map_index = index;
        let outputs = outputs.iter().map(|(task_id, map_index, value)| {
            let task_id = (*task_id).into();
            let task =
                TaskInstanceKey { task_id, map_index: *map_index, ..launch.key.task.clone() };
            (task, RETURN_VALUE, XcomValue::Value(value.clone()))
        });
        let store = self.store(vec![launch.run.clone()], outputs.collect());
        self.compose_with(&launch, &store)
    }

    /// A store that holds these runs and outputs.
    fn store(
        &self,
        runs: Vec<DagRun>,
        outputs: Vec<(TaskInstanceKey, &'static str, XcomValue)>,
    ) -> Store {
        let layout = Layout::new(self.dir.path());
        std::fs::create_dir_all(layout.state_dir()).unwrap();
        let store = Store::open(&layout.database()).unwrap();
        let put = move |tx: &rusqlite::Transaction<'_>| {
            runs.iter().try_for_each(|run| store::dag_run::put(tx, run))?;
            outputs.iter().try_for_each(|(task, key, value)| store::xcom::put(tx, task, key, value))
        };
        store.write_blocking(put).unwrap();
        store
    }

    fn compose_with(&self, launch: &Launch, store: &Store) -> Result<Made, Outcome> {
        let layout = Layout::new(self.dir.path());
        let history = Arc::new(History::new(store.clone(), layout, launch.run.clone()));
        let task = &launch.dag.tasks["t"];
        let now = "2026-01-02T03:04:07Z".parse().unwrap();
        let (order, handover) = compose(&self.deck, task, launch, &history, now)?;
        Ok(Made { order, handover })
    }
}

#[derive(Debug)]
struct Made {
    order: Order,
    handover: Handover,
}

fn compose_one(task: &str, outputs: &[(&str, i32, Value)]) -> Result<Made, Outcome> {
    let run = run(&json!({"dataset": "iris"}), &json!("2026-01-01T00:00:00Z"));
    project(task).compose(run, outputs)
}

fn command(template: &str, outputs: &[(&str, i32, Value)]) -> Result<Value, Outcome> {
    let task = format!("operator = \"command\"\ncommand = '''{template}'''\n");
    compose_one(&task, outputs).map(|made| made.order.args["command"].clone())
}

fn error(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { error, retryable: false, .. } => error,
        other => panic!("not fatal: {other:?}"),
    }
}

#[test]
fn airflows_names_are_there() {
    let text = |template| command(template, &[]).unwrap();
    assert_eq!(text("{{ ds }} {{ ds_nodash }}"), "2026-01-01 20260101");
    assert_eq!(text("{{ ts }} {{ ts_nodash }}"), "2026-01-01T00:00:00+00:00 20260101T000000");
    assert_eq!(text("{{ logical_date }}"), "2026-01-01 00:00:00+00:00");
    assert_eq!(text("{{ run_id }} {{ dag_run.run_type }}"), "manual__1 manual");
    assert_eq!(text("{{ dag_run.conf.x[1] }} {{ dag_run.note }}"), "2 by hand");
    assert_eq!(text("{{ ti.task_id }} {{ ti.try_number }} {{ ti.map_index }}"), "t 2 -1");
    assert_eq!(text("{{ params.dataset }} {{ var.value.region }}"), "iris north");
}

#[test]
fn the_check_knows_all_that_a_run_has() {
    let names = command("{{ dag_run | list | join(' ') }}", &[]).unwrap();
    let names = names.as_str().unwrap().to_owned();
    assert!(names.contains("partition_key"), "{names}");
    for name in names.split(' ') {
        command(&format!("x {{{{ dag_run.{name} }}}}"), &[]).unwrap();
    }
}

#[test]
fn outputs_are_there_null_without_one_and_a_list_where_mapped() {
    let plain = [("before", UNMAPPED, json!({"rows": 3}))];
    assert_eq!(command("{{ output.before.rows }}", &plain).unwrap(), json!(3));
    assert_eq!(command("{{ output.before is none }}", &[]).unwrap(), json!(true));
    let mapped = [("before", 1, json!("b")), ("before", 0, json!("a"))];
    assert_eq!(command("{{ output.before }}", &mapped).unwrap(), json!(["a", "b"]));
}

/// A project whose task `t` is a command with this text.
fn project_of(template: &str) -> Project {
    project(&format!("operator = \"command\"\ncommand = \"\"\"{template}\"\"\"\n"))
}

#[test]
fn what_a_run_has_not_is_an_error_and_never_an_empty_text() {
    let project = project("operator = \"command\"\ncommand = \"echo {{ ds }}\"\n");
    let outcome = project.compose(run(&json!({}), &Value::Null), &[]).unwrap_err();
    let expected = "render `echo {{ ds }}`: `ds` is undefined: run `manual__1` (manual) has no \
                    logical date";
    assert_eq!(error(&outcome), expected);
    let project = project_of("{{ data_interval_end }}");
    let outcome = project.compose(run(&json!({}), &Value::Null), &[]).unwrap_err();
    assert!(error(&outcome).ends_with("has no data interval"), "{outcome:?}");
}

#[test]
fn a_secret_variable_is_a_placeholder_on_disk_and_its_value_for_the_operator() {
    let task = "operator = \"command\"\ncommand = \"curl -H '{{ var.value.token }}'\"\n\
                env = { AUTH = \"{{ var.value.token }}\" }\n";
    let Made { mut order, handover } = compose_one(task, &[]).unwrap();
    let written = serde_json::to_string(&order).unwrap();
    assert!(!written.contains("hunter2"), "{written}");
    assert_eq!(order.args["command"], "curl -H '${var:token}'");
    assert!(handover.private.mask.contains(&"hunter2".to_owned()));
    handover.fill(&mut order);
    assert_eq!(order.args["command"], "curl -H 'Bearer hunter2'");
    assert_eq!(order.env["AUTH"], "Bearer hunter2");
}

#[test]
fn connections_that_arguments_name_are_handed_over_and_no_others() {
    let task = "operator = \"object.move\"\nsource = \"lake:in/a.csv\"\ntarget = \"file:x\"\n";
    let made = compose_one(task, &[]).unwrap();
    assert_eq!(made.order.connections, ["lake"]);
    assert_eq!(made.handover.private.connections["lake"].url, "file:data/lake");

    let task = "operator = \"sql.load\"\ninput = \"t\"\nconnection = \"db\"\ntable = \"x\"\n";
    let made = compose_one(task, &[]).unwrap();
    assert_eq!(made.order.connections, ["db"]);
    assert_eq!(made.handover.private.connections["db"].url, "sqlite:secret.db");
    assert!(made.handover.private.mask.contains(&"secret.db".to_owned()));
    assert!(!serde_json::to_string(&made.order).unwrap().contains("secret.db"));
}

#[test]
fn a_data_set_is_resolved() {
    let task = "operator = \"dataset.validate\"\ndataset = \"{{ params.dataset }}\"\n";
    let project = project(task);
    let made = project.compose(run(&json!({"dataset": "iris"}), &Value::Null), &[]).unwrap();
    let dataset = made.order.dataset.unwrap();
    assert_eq!(dataset.path, project.dir.path().join("data/iris.csv"));
    assert_eq!((dataset.name.as_str(), dataset.table.target.as_str()), ("iris", "species"));
}

#[test]
fn an_unknown_data_set_is_fatal_and_says_what_was_meant() {
    let task = "operator = \"dataset.validate\"\ndataset = \"{{ params.dataset }}\"\n";
    let outcome =
        project(task).compose(run(&json!({"dataset": "irsi"}), &Value::Null), &[]).unwrap_err();
    let expected = "there is no data set `irsi`; did you mean `iris`? (there is: iris)";
    assert_eq!(error(&outcome), expected);
}

#[test]
fn an_unknown_connection_is_fatal() {
    let task = "operator = \"sql.load\"\ninput = \"t\"\ntable = \"x\"\n\
                connection = \"{{ params.dataset }}\"\n";
    let outcome = compose_one(task, &[]).unwrap_err();
    assert_eq!(error(&outcome), "there is no connection `iris` (there is: lake, db)");
}

#[test]
fn tasks_find_themselves_by_their_environment() {
    let task = "operator = \"command\"\ncommand = \"true\"\nenv = { MINE = \"{{ ds }}\" }\n";
    let env = compose_one(task, &[]).unwrap().order.env;
    assert_eq!(env["DAGDECK_DAG_ID"], "d");
    assert_eq!(env["DAGDECK_TASK_ID"], "t");
    assert_eq!(env["DAGDECK_RUN_ID"], "manual__1");
    assert_eq!(env["DAGDECK_TRY_NUMBER"], "2");
    assert_eq!(env["DAGDECK_LOGICAL_DATE"], "2026-01-01T00:00:00+00:00");
    assert_eq!(env["AIRFLOW_CTX_DAG_RUN_ID"], "manual__1");
    assert_eq!(env.get("DAGDECK_DATA_INTERVAL_END"), None);
    assert_eq!(env["MINE"], "2026-01-01");
}

#[test]
fn the_user_is_who_asked_or_the_owner() {
    let project = project("operator = \"command\"\ncommand = \"true\"\n");
    let mut asked = run(&json!({}), &Value::Null);
    assert_eq!(project.compose(asked.clone(), &[]).unwrap().order.user, "ops");
    asked.triggering_user_name = Some("ada".into());
    assert_eq!(project.compose(asked, &[]).unwrap().order.user, "ada");
}

/// Composes instance `index` of a task `t` that reads so.
fn instance(task: &str, index: i32, outputs: &[(&str, i32, Value)]) -> Result<Made, Outcome> {
    project(task).compose_at(index, run(&json!({}), &json!("2026-01-01T00:00:00Z")), outputs)
}

#[test]
fn a_mapped_instance_is_given_its_element() {
    let task = r#"operator = "command"
expand = { command = ["echo {{ ds }} {{ map_index }}", "ls"], n = "{{ output.before.rows }}", "env.A" = [1] }
cwd = "{{ expand.n }}"
"#;
    let outputs = [("before", -1, json!({"rows": ["{{ a }}", "b"]}))];
    let made = instance(task, 0, &outputs).unwrap();
    // What is written is rendered; what another task gave is taken as it is.
    assert_eq!(made.order.args["command"], json!("echo 2026-01-01 0"));
    assert_eq!(made.order.args["cwd"], json!("{{ a }}"));
    assert_eq!(made.order.env["A"], "1");
    assert_eq!(made.order.env["DAGDECK_MAP_INDEX"], "0");
    let made = instance(task, 3, &outputs).unwrap();
    assert_eq!((&made.order.args["command"], &made.order.args["cwd"]), (&json!("ls"), &json!("b")));
}

#[test]
fn a_mapped_python_task_is_given_arguments() {
    let task = r#"operator = "python"
callable = "ok.py:f"
args = { fixed = 1, x = 0 }
expand = [{ x = [1, 2], "args.y" = "{{ ds }}" }]
"#;
    let made = instance(task, 0, &[]).unwrap();
    let args = json!({"fixed": 1, "x": [1, 2], "y": "2026-01-01"});
    assert_eq!(made.order.args["args"], args);
}

#[test]
fn an_element_that_is_gone_or_no_table_fails_its_instance_for_good() {
    let task = "operator = \"command\"\nexpand = \"{{ output.before }}\"\n";
    let error = |outputs: &[(&str, i32, Value)]| match instance(task, 0, outputs) {
        Err(Outcome::Failed { error, retryable: false, .. }) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&[("before", -1, json!([1]))]), "`expand`: element 0 is `1`, not a table");
    assert_eq!(error(&[]), "`expand`: there is no element 0 any more");
}

#[test]
fn a_task_in_a_mapped_group_sees_the_outputs_of_its_own_index() {
    let task = r#"operator = "command"
group = "g"
command = "{{ expand.x }} {{ output.inner }} {{ output.before }}"
[dag.d.group.g]
expand = { x = ["a", "b"] }
[dag.d.task.inner]
operator = "empty"
group = "g"
"#;
    let outputs =
        [("before", -1, json!(7)), ("inner", 0, json!("zero")), ("inner", 1, json!("one"))];
    let made = instance(task, 1, &outputs).unwrap();
    assert_eq!(made.order.args["command"], json!("b one 7"));
}

#[test]
fn a_mapped_task_without_outputs_gives_an_empty_list() {
    let task = r#"operator = "command"
command = "{{ output.inner | length }}"
[dag.d.task.inner]
operator = "empty"
expand = { x = ["a", "b"] }
"#;
    let made = instance(task, -1, &[]).unwrap();
    assert_eq!(made.order.args["command"], json!(0));
}

#[test]
fn a_condition_that_does_not_hold_skips_the_task_before_all_else() {
    let task = |condition: &str| {
        format!("operator = \"command\"\ncommand = \"{{{{ ds }}}}\"\nrun_if = \"{condition}\"\n")
    };
    let run = || run(&json!({"dataset": "iris"}), &Value::Null);
    let outcome =
        project(&task("{{ params.dataset == 'titanic' }}")).compose(run(), &[]).unwrap_err();
    let reason = "`run_if` does not hold: {{ params.dataset == 'titanic' }}".to_owned();
    assert_eq!(outcome, Outcome::Skipped { reason });
    // Where it holds, the rest is rendered; here there is no `ds`.
    let outcome = project(&task("{{ params.dataset == 'iris' }}")).compose(run(), &[]).unwrap_err();
    assert!(matches!(outcome, Outcome::Failed { .. }));
}

#[test]
fn earlier_runs_are_found_by_their_logical_date() {
    let at = |id: &str, date: &str, state: &str| {
        let mut run = run(&json!({}), &json!(date));
        run.dag_run_id = id.into();
        run.state = serde_json::from_value(json!(state)).unwrap();
        run.data_interval_end = run.logical_date;
        run
    };
    let now = at("manual__1", "2026-01-05T00:00:00Z", "running");
    let runs = vec![
        at("a", "2026-01-01T00:00:00Z", "success"),
        at("b", "2026-01-03T00:00:00Z", "success"),
        at("c", "2026-01-04T00:00:00Z", "failed"),
        at("d", "2026-01-07T00:00:00Z", "success"),
        now.clone(),
    ];
    let template = "{{ prev_data_interval_start_success | ds }} \
                    {{ prev_data_interval_end_success | ds }} {{ prev_start_date_success | ts }} \
                    {{ prev_end_date_success }} {{ data_interval_start - macros.timedelta(days=1) }}";
    let project = project_of(template);
    let store = project.store(runs, Vec::new());
    let made = project.compose_with(&project.launch(now), &store).unwrap();
    let expected = "2026-01-03 2026-01-03 2026-01-02T03:04:06+00:00 None 2026-01-04 00:00:00+00:00";
    assert_eq!(made.order.args["command"], expected);

    let first = at("manual__1", "2026-01-01T00:00:00Z", "running");
    let project = project_of("{{ prev_data_interval_start_success }}");
    let made = project.compose(first, &[]).unwrap();
    assert_eq!(made.order.args["command"], Value::Null);
}

fn task(task_id: &str, map_index: i32) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: "d".into(),
        dag_run_id: "manual__1".into(),
        task_id: task_id.into(),
        map_index,
    }
}

#[test]
fn xcoms_are_pulled_as_in_airflow() {
    let plain = |value: Value| XcomValue::Value(value);
    let mut earlier = task("before", UNMAPPED);
    earlier.dag_run_id = "earlier".into();
    let outputs = vec![
        (task("before", UNMAPPED), RETURN_VALUE, plain(json!({"rows": 3}))),
        (task("before", UNMAPPED), "place", plain(json!("x.csv"))),
        (task("t", 0), RETURN_VALUE, plain(json!("a"))),
        (task("t", 1), RETURN_VALUE, plain(json!("b"))),
        (earlier, "old", plain(json!("long ago"))),
    ];
    let now = run(&json!({}), &json!("2026-01-02T00:00:00Z"));
    let mut before = run(&json!({}), &json!("2026-01-01T00:00:00Z"));
    before.dag_run_id = "earlier".into();
    for (call, value) in [
        ("task_ids='before'", json!({"rows": 3})),
        ("'before', key='place'", json!("x.csv")),
        ("task_ids='before', key='nope'", Value::Null),
        ("task_ids='before', key='nope', default=7", json!(7)),
        ("task_ids=['before', 't'], default=0", json!([{"rows": 3}, "a", "b"])),
        ("task_ids=['before']", json!([{"rows": 3}])),
        ("task_ids='t'", json!(["a", "b"])),
        ("task_ids='t', map_indexes=1", json!("b")),
        ("task_ids='t', map_indexes=[1, 0, 5]", json!(["b", "a", null])),
        ("task_ids='before', map_indexes=none", json!({"rows": 3})),
        ("", json!(["a", "b"])),
        ("task_ids='before', key='old'", Value::Null),
        ("task_ids='before', key='old', include_prior_dates=true", json!("long ago")),
        ("task_ids='before', key='old', run_id='earlier'", json!("long ago")),
        ("task_ids='before', dag_id='other', run_id='r'", Value::Null),
    ] {
        let project = project_of(&format!("{{{{ ti.xcom_pull({call}) }}}}"));
        let store = project.store(vec![now.clone(), before.clone()], outputs.clone());
        let made = project.compose_with(&project.launch(now.clone()), &store).unwrap();
        assert_eq!(made.order.args["command"], value, "{call}");
    }
    let outcome = command("{{ ti.xcom_pull(task_ids='befor') }}", &[]).unwrap_err();
    assert!(error(&outcome).contains("there is no task `befor`; did you mean `before`?"));
    let outcome = command("{{ ti.xcom_pull(task_id='before') }}", &[]).unwrap_err();
    assert!(
        error(&outcome).contains("takes no `task_id`; did you mean `task_ids`?"),
        "{outcome:?}"
    );
}

#[test]
fn a_long_output_is_read_from_its_file_and_from_nowhere_else() {
    let project = project_of("{{ output.before.rows }}");
    let launch = project.launch(run(&json!({}), &Value::Null));
    let mut order = order(&project.dir.path().join("x"));
    order.project = project.dir.path().to_owned();
    order.run_folder = Layout::new(project.dir.path()).run_dir(&launch.key);
    order.xcom.inline_bytes = 4;
    let Outcome::Success { output: Value::Null, outputs, .. } =
        crate::runtime::xcom::spill(Outcome::output(json!({"rows": 3})), &order)
    else {
        panic!("it spills");
    };
    let XcomValue::File(file) = outputs[RETURN_VALUE].clone() else { panic!("it is a file") };
    assert_eq!((file.size, file.length), (10, Some(1)));
    let rendered = |file: XcomFile| {
        let _ = std::fs::remove_file(Layout::new(project.dir.path()).database());
        let outputs = vec![(task("before", UNMAPPED), RETURN_VALUE, XcomValue::File(file))];
        let store = project.store(vec![launch.run.clone()], outputs);
        project.compose_with(&launch, &store).map(|made| made.order.args["command"].clone())
    };
    assert_eq!(rendered(file.clone()), Ok(json!(3)));
    for (path, words) in [
        ("../dags.toml", "outside of the project's state"),
        ("/etc/passwd", "outside of the project's state"),
        ("dagdeck.db", "outside of the project's state"),
        ("runs/d/gone.json", "read the output's file"),
    ] {
        let outcome = rendered(XcomFile { path: path.into(), ..file.clone() }).unwrap_err();
        assert!(error(&outcome).contains(words), "{outcome:?}");
    }
    let outcome = rendered(XcomFile { sha256: "00".into(), ..file.clone() }).unwrap_err();
    assert!(error(&outcome).contains("is not what was written"), "{outcome:?}");
    let link = project.dir.path().join(".dagdeck/runs/link.json");
    std::os::unix::fs::symlink(project.dir.path().join("dags.toml"), link).unwrap();
    let outcome = rendered(XcomFile { path: "runs/link.json".into(), ..file }).unwrap_err();
    assert!(error(&outcome).contains("outside"), "{outcome:?}");
}

#[test]
fn variables_connections_and_assets_show_what_is_no_secret() {
    let text = |template| command(template, &[]).unwrap();
    assert_eq!(text("{{ conn.lake.conn_type }}:{{ conn.lake.host }}"), "file:data/lake");
    assert_eq!(text("{{ conn.lake.login }} {{ conn.lake.port }}"), "None None");
    assert_eq!(
        text("{{ var.value.get('region', 'x') }} {{ var.value.get('no', 'x') }}"),
        "north x"
    );
    assert_eq!(text("{{ task_instance_key_str }} {{ task.operator }}"), "d__t__20260101 command");
    assert_eq!(text("{{ dag.task_ids | join(',') }} {{ inlets }}"), "before,t []");
    assert_eq!(text("{{ macros.datetime.now() }}"), "2026-01-02 03:04:07");
    let fails = |template, words: &str| {
        let outcome = command(template, &[]).unwrap_err();
        assert!(error(&outcome).contains(words), "{outcome:?}");
    };
    fails("{{ conn.db.password }}", "`password` of a connection is secret");
    fails("{{ var.json.token.a }}", "is secret and cannot be taken apart");
    fails("{{ var.json.region }}", "variable `region` is no JSON");
    fails("{{ ti.xcom_push(key='a', value=1) }}", "a template cannot push");
}

#[test]
fn a_part_of_a_connection_from_the_environment_is_a_placeholder_on_disk() {
    let task = "operator = \"command\"\ncommand = \"ls {{ conn.db.host }}\"\n";
    let Made { mut order, handover } = compose_one(task, &[]).unwrap();
    assert_eq!(order.args["command"], "ls ${conn:db.host}");
    assert_eq!(handover.private.mask.iter().filter(|mask| *mask == "secret.db").count(), 1);
    handover.fill(&mut order);
    assert_eq!(order.args["command"], "ls secret.db");
    let plain = compose_one("operator = \"command\"\ncommand = \"ls\"\n", &[]).unwrap();
    assert!(!plain.handover.private.mask.contains(&"secret.db".to_owned()));
}

#[test]
fn what_is_kept_of_a_long_text_says_that_it_was_cut() {
    let mut value = json!({"a": ["x".repeat(5_000), "short"]});
    cut(&mut value);
    let text = value["a"][0].as_str().unwrap();
    assert!(text.ends_with("x … (cut: 5000 characters in all)"), "{text}");
    assert_eq!(value["a"][1], "short");
}
