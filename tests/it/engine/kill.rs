//! Kill -9 at every step: nothing is lost, nothing is done twice.
//!
//! The runtime says each of its steps (decided, committed, prepared, handed over …) as a trace event
//! with a field `step`. Here the engine runs in a process of its own, a second copy of this test
//! binary, which listens to those events and kills itself with SIGKILL at the n-th of one kind. A
//! third copy finishes the work. This is done for each kind and n = 1, 2, 3 … until a run gets
//! through before its n-th: steps of several attempts come in any order, those of a kind all come.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dagdeck::runtime::Layout;
use dagdeck::runtime::engine::{self, Engine, EngineParts};
use dagdeck::runtime::openlineage::{self, Teller, TellerParts};
use dagdeck::runtime::publish::Publisher;
use dagdeck::runtime::serving;
use dagdeck::sched::{Command, Input};
use dagdeck::store::Store;
use dagdeck::store::callback;
use dagdeck::store::dag_run::{self, RunFilter};
use dagdeck::store::openlineage::outbox;
use dagdeck::store::task_instance;
use dagdeck::tracking::{artifact, registry, run};
use dagdeck::types::approval::Response;
use dagdeck::types::time::{self, SystemClock};
use dagdeck::types::{DagRunState, TaskInstanceState};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::bench;

/// The project that the copy works in.
pub(crate) const DIR: &str = "DAGDECK_TEST_KILL_DIR";
/// At which step it kills itself: `KIND#N`, or `#N` for the n-th of any kind.
const STEP: &str = "DAGDECK_TEST_KILL_STEP";

/// How many kills are tried side by side.
const LANES: usize = 3;

/// How often one run is killed at most.
const KILLS_MAX: usize = 40;

const DECK: &str = r#"
[deck]
name = "t"
xcom_max_bytes = 20

[deck.default_args]
retries = 0

[openlineage]
file = "lineage.jsonl"

[connection.ops]
url = "log:"

[asset.out]
uri = "file:out.txt"

[dag.d]
on_success = { command = "echo run $DAGDECK_CALLBACK_ID >> told" }

[dag.d.task.a]
operator = "command"
command = "echo a >> ran; echo '{\"n\": 7, \"long\": \"0123456789\"}'"
outlets = ["out"]

[dag.d.task.t]
operator = "command"
command = "echo t$DAGDECK_TRY_NUMBER {{ output.a.n }} >> ran; test $DAGDECK_TRY_NUMBER = 2"
retries = 1
retry_delay = "10ms"
depends_on = ["a"]
on_retry = { command = "echo again $DAGDECK_CALLBACK_ID >> told" }
on_success = { notify = "ops", message = "t is done" }

[dag.d.task.choose]
operator = "branch"
choose = "tell"
depends_on = ["t"]

[dag.d.task.tell]
operator = "notify"
connection = "ops"
message = "told"
depends_on = ["choose"]

[dag.d.task.promote]
operator = "model.promote"
name = "m"
version = 1
depends_on = ["tell"]

[dag.d.task.bring]
operator = "trigger_dag_run"
dag_id = "waits"
wait = true
depends_on = ["tell"]

[dag.waits.task.look]
operator = "sensor.file"
path = "arrived"
poke_interval = "10ms"

[dag.waits.task.ask]
operator = "approval"
question = "Go on?"
depends_on = ["look"]

[dag.waits.task.t]
operator = "command"
command = "echo waits >> ran_waits"
depends_on = ["ask"]

[dag.after.task.t]
operator = "command"
command = "echo after >> ran_after"
[dag.after]
schedule = { assets = "out" }

[dag.promoted.task.t]
operator = "command"
command = "echo promoted >> ran_promoted"
[dag.promoted]
schedule = { assets = "models:/m@production" }
"#;

/// Each DAG with what its tasks write when each runs once.
const DAGS: [(&str, &str, &str); 4] = [
    ("d", "ran", "a\nt1 7\nt2 7\n"),
    ("waits", "ran_waits", "waits\n"),
    ("after", "ran_after", "after\n"),
    ("promoted", "ran_promoted", "promoted\n"),
];

/// Each kind of step; a run comes to each of them.
const STEPS: [&str; 16] = [
    "decided",
    "committed",
    "carried out",
    "answered",
    "prepared",
    "handed over",
    "started",
    "worked",
    "ended",
    "alias moved",
    "run triggered",
    "armed",
    "fired",
    "called back",
    "callback noted",
    "lineage sent",
];

#[test]
fn a_kill_at_any_step_loses_nothing_and_doubles_nothing() {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(kind) = STEPS.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let kills = (1..).take_while(|n| kill_and_finish(&format!("{kind}#{n}")));
                    assert!(kills.count() > 0, "no run comes to `{kind}`");
                }
            });
        }
    });
}

/// Kills one run at a step and finishes it. `false`: it got through before that step.
fn kill_and_finish(step: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let status = copy(dir.path(), Some(step));
    if status.success() {
        check(dir.path(), &format!("without a kill before {step}"));
        return false;
    }
    assert_eq!(status.signal(), Some(9), "{step}: {}", said(dir.path()));
    let at = std::fs::read_to_string(dir.path().join("killed")).unwrap();
    let what = format!("killed at {step}: {at}");
    let status = copy(dir.path(), None);
    assert!(status.success(), "{what}: {}", said(dir.path()));
    check(dir.path(), &what);
    true
}

/// As above, but what comes after the kill is killed, too: recovery and adoption at each start.
#[test]
fn one_kill_after_the_other_loses_nothing_and_doubles_nothing() {
    std::thread::scope(|scope| {
        for step in [5, 8, 13] {
            scope.spawn(move || {
                let dir = tempfile::tempdir().unwrap();
                make(dir.path());
                let mut kills = 0;
                while kills < KILLS_MAX && !copy(dir.path(), Some(&format!("#{step}"))).success() {
                    kills += 1;
                }
                assert!(kills > 3, "{}", said(dir.path()));
                assert!(copy(dir.path(), None).success(), "{}", said(dir.path()));
                check(dir.path(), &format!("killed {kills} times, each at step {step}"));
            });
        }
    });
}

/// Makes a project with one version of a model that no alias points at yet.
fn make(dir: &Path) {
    std::fs::write(dir.join("dags.toml"), DECK).unwrap();
    let store = open(dir);
    let new = run::NewRun {
        experiment_id: "0".into(),
        run_name: "r".into(),
        user_id: "ada".into(),
        start_time: time::now(),
        tags: Vec::new(),
        attempt_token: None,
    };
    let made = run::create(&store, new).unwrap().run_id;
    artifact::record(&store, &made, "model/model.json", b"{}").unwrap();
    registry::register(&store, "m", &made, time::now()).unwrap();
}

fn open(dir: &Path) -> Store {
    let layout = Layout::new(dir);
    std::fs::create_dir_all(layout.state_dir()).unwrap();
    Store::open(&layout.database()).unwrap()
}

fn copy(dir: &Path, step: Option<&str>) -> ExitStatus {
    run_copy("engine::kill::an_engine_of_its_own", dir, step)
}

/// Runs an engine in a process of its own until all is done, or until the n-th step: what the test
/// of that name does where its variable is set. What it says lies in `said`.
pub(crate) fn run_copy(test: &str, dir: &Path, step: Option<&str>) -> ExitStatus {
    let said = std::fs::File::create(dir.join("said")).unwrap();
    let mut command = Process::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(DIR, dir)
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said);
    if let Some(step) = step {
        command.env(STEP, step);
    }
    command.status().unwrap()
}

fn said(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("said")).unwrap_or_default()
}

/// Looks at what is left when all is done.
fn check(dir: &Path, what: &str) {
    for (_, file, expected) in DAGS {
        let ran = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        assert_eq!(ran, expected, "{what}: {file}");
    }
    let conn = rusqlite::Connection::open(Layout::new(dir).database()).unwrap();
    let count = |sql: &str| -> i64 { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    for (sql, expected) in [
        ("SELECT count(*) FROM dag_run", 4),
        ("SELECT count(*) FROM dag_run WHERE state = 'success'", 4),
        ("SELECT count(*) FROM task_instance WHERE state = 'success'", 11),
        ("SELECT count(*) FROM task_instance WHERE trigger IS NOT NULL", 0),
        ("SELECT count(*) FROM triggered_dag_run", 1),
        ("SELECT count(*) FROM hitl_detail WHERE response IS NOT NULL", 1),
        ("SELECT count(*) FROM hitl_detail", 1),
        ("SELECT count(*) FROM log WHERE event = 'task_instance.answered'", 1),
        ("SELECT count(*) FROM task_instance WHERE try_number = 2", 1),
        ("SELECT count(*) FROM asset_event", 2),
        ("SELECT count(*) FROM dagrun_asset_event", 2),
        ("SELECT count(*) FROM asset_dag_run_queue", 0),
        ("SELECT count(*) FROM xcom WHERE task_id = 'a' AND path IS NOT NULL", 1),
        ("SELECT count(*) FROM log WHERE event = 'notify' AND message = 'told'", 1),
        ("SELECT count(*) FROM log WHERE event = 'notify' AND message = 't is done'", 1),
        ("SELECT count(*) FROM callback_request", 3),
        ("SELECT count(*) FROM callback_request WHERE state = 'done'", 3),
        ("SELECT count(*) FROM log WHERE event = 'dag_run.success'", 4),
    ] {
        assert_eq!(count(sql), expected, "{what}: {sql}");
    }
    let path = "SELECT path FROM xcom WHERE task_id = 'a'";
    let path: String = conn.query_row(path, [], |row| row.get(0)).unwrap();
    let kept = std::fs::read_to_string(Layout::new(dir).state_dir().join(path));
    assert_eq!(kept.unwrap(), r#"{"n":7,"long":"0123456789"}"#, "{what}");
    // Told once at least, by ids of rows: a kill may come between the telling and the note.
    let told = std::fs::read_to_string(dir.join("told")).unwrap_or_default();
    for (word, event) in [("again", "on_retry"), ("run", "on_success")] {
        let sql = "SELECT id FROM callback_request WHERE event = ?1
            AND (task_id IS NULL) = (?1 = 'on_success') AND spec LIKE '%command%'";
        let id: String = conn.query_row(sql, [event], |row| row.get(0)).unwrap();
        let lines: Vec<&str> = told.lines().filter(|line| line.starts_with(word)).collect();
        assert!(!lines.is_empty(), "{what}: nobody was told: {told}");
        assert!(lines.iter().all(|line| *line == format!("{word} {id}")), "{what}: {told}");
    }
    check_lineage(dir, what);
    let moves = registry::moves_after(&open(dir), 0).unwrap();
    assert_eq!(moves.len(), 1, "{what}");
}

/// Every run and every try began and ended, once each, however often that was sent.
fn check_lineage(dir: &Path, what: &str) {
    let text = std::fs::read_to_string(dir.join("lineage.jsonl")).unwrap_or_default();
    let mut told = std::collections::BTreeSet::new();
    for line in text.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        told.insert((word(&event["run"]["runId"]), word(&event["eventType"])));
    }
    let count = |kind: &str| told.iter().filter(|(_, event_type)| event_type == kind).count();
    // Four runs, eleven tasks, one of them tried twice.
    let counts = [count("START"), count("COMPLETE"), count("FAIL"), count("ABORT")];
    assert_eq!(counts, [16, 15, 1, 0], "{what}: {text}");
}

/// Not a test by itself: the copy that is killed. Without its variable it does nothing.
#[test]
fn an_engine_of_its_own() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    die_at_step(&dir);
    // One thread, so that the steps come in the same order each time.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(&dir));
}

async fn work(dir: &Path) {
    let store = open(dir);
    let deck = Arc::new(bench::load(dir));
    openlineage::follow(&store, &deck).await.unwrap();
    let (publisher, is_followed) = (Publisher::default(), openlineage::is_told(&deck));
    let parts = EngineParts {
        layout: Layout::new(dir),
        store: store.clone(),
        deck,
        clock: Arc::new(SystemClock),
        executable: PathBuf::from(env!("CARGO_BIN_EXE_dagdeck")),
        environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
        serving: serving::channel().0,
        publisher: publisher.clone(),
        tracking: None,
    };
    let engine = engine::start(parts).await.unwrap();
    let _teller = Teller::start(TellerParts {
        project: dir.to_owned(),
        store: store.clone(),
        live: engine.live.clone(),
        publisher,
        is_followed,
        again: openlineage::AGAIN,
    });
    // Whoever triggers asks again when the answer was lost, unless the run is there.
    if states(&store, bench::DAG).is_empty() {
        engine.handle.ask(Input::Command(bench::trigger())).await.unwrap();
    }
    let patience = std::time::Duration::from_secs(30);
    let done = tokio::time::timeout(patience, async {
        while !DAGS.iter().all(|(dag_id, ..)| has_ended(&store, dag_id)) || is_untold(&store) {
            bring_what_is_waited_for(dir, &store, &engine).await;
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    assert!(done.await.is_ok(), "it hangs");
    engine.stop().await;
}

/// Nothing comes before it is waited for, so that each wait is one.
async fn bring_what_is_waited_for(dir: &Path, store: &Store, engine: &Engine) {
    let filter = RunFilter::of(Some("waits".into()), None);
    let waits = store.read_blocking(|conn| {
        let (runs, _) = dag_run::list(conn, &filter, 1, 0)?;
        let Some(run) = runs.first() else { return Ok(Vec::new()) };
        task_instance::for_run(conn, &run.key())
    });
    let mut waits = waits.unwrap();
    waits.retain(|task| task.state == Some(TaskInstanceState::Deferred));
    for task in waits {
        match task.key.task_id.as_str() {
            "look" => std::fs::write(dir.join("arrived"), "").unwrap(),
            _ => {
                let response = Response {
                    key: task.key,
                    chosen_options: vec!["Approve".into()],
                    params_input: serde_json::Map::new(),
                    user: Some("ada".into()),
                };
                // Refused where it was answered since.
                let _ = engine.handle.ask(Input::Command(Command::Answer(response))).await;
            }
        }
    }
}

fn has_ended(store: &Store, dag_id: &str) -> bool {
    let states = states(store, dag_id);
    !states.is_empty() && states.iter().all(|state| state.is_finished())
}

fn is_untold(store: &Store) -> bool {
    store.read_blocking(outbox::waiting).unwrap() > 0
        || !store.read_blocking(callback::pending).unwrap().is_empty()
}

fn states(store: &Store, dag_id: &str) -> Vec<DagRunState> {
    let filter = RunFilter::of(Some(dag_id.into()), None);
    let (runs, _) = store.read_blocking(|conn| dag_run::list(conn, &filter, 10, 0)).unwrap();
    runs.into_iter().map(|run| run.state).collect()
}

/// Has this process die at the step that its environment names, if any.
pub(crate) fn die_at_step(dir: &Path) {
    let Ok(step) = std::env::var(STEP) else { return };
    let (kind, nth) = step.split_once('#').unwrap();
    let steps = Steps {
        kind: kind.to_owned(),
        kill_at: nth.parse().unwrap(),
        count: AtomicUsize::new(0),
        dir: dir.to_owned(),
    };
    tracing::subscriber::set_global_default(steps).unwrap();
}

/// Counts the steps of the runtime, and kills this process at one.
struct Steps {
    /// Empty: any.
    kind: String,
    kill_at: usize,
    count: AtomicUsize,
    dir: PathBuf,
}

impl Subscriber for Steps {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("dagdeck::") && metadata.fields().field("step").is_some()
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let counts = text.0.starts_with(&self.kind);
        if !counts || self.count.fetch_add(1, Ordering::SeqCst) + 1 != self.kill_at {
            return;
        }
        std::fs::write(self.dir.join("killed"), text.0).unwrap();
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The fields of an event, the step first.
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        self.0 += &format!("{gap}{value:?}");
    }
}
