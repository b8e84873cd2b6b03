//! A project with its engine, as a test drives it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dagdeck::dag::{self, Deck};
use dagdeck::runtime::Layout;
use dagdeck::runtime::engine::{self, Engine, EngineParts};
use dagdeck::runtime::publish::Publisher;
use dagdeck::runtime::serving::{self, ServingOrder};
use dagdeck::sched::input::Operate;
use dagdeck::sched::{Command, Input, Reply};
use dagdeck::store::{self, Store};
use dagdeck::types::ask::Trigger;
use dagdeck::types::event::NumberedEvent;
use dagdeck::types::ids::UNMAPPED;
use dagdeck::types::operation::Operation;
use dagdeck::types::run::{DagRun, DagRunKey, TaskInstance};
use dagdeck::types::state::TriggeredBy;
use dagdeck::types::time::{self, Clock};
use dagdeck::types::{
    AttemptKey, DagRunState, Fault, TaskInstanceKey, TaskInstanceState, Timestamp,
};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::sync::{broadcast, mpsc};

/// No test takes as long as this unless it hangs.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// The machine's clock, set forward or back by so many seconds.
#[derive(Default)]
pub(crate) struct Shifted(AtomicI64);

impl Shifted {
    pub(crate) fn set(&self, secs: i64) {
        self.0.store(secs, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        time::now() + jiff::SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Bench {
    dir: TempDir,
    pub(crate) store: Store,
    pub(crate) publisher: Publisher,
    pub(crate) engine: Option<Engine>,
    pub(crate) clock: Arc<Shifted>,
    /// Of the model server, which never answers; without it there is none.
    pub(crate) orders: Option<mpsc::Receiver<ServingOrder>>,
}

/// The one run of these tests.
pub(crate) const RUN: &str = "r1";
pub(crate) const DAG: &str = "d";

impl Bench {
    fn of(dir: TempDir, store: Store) -> Self {
        let (publisher, clock) = (Publisher::default(), Arc::default());
        Self { dir, store, publisher, engine: None, clock, orders: None }
    }

    /// Starts an engine on a DAG `d` with these tables of tasks.
    pub(crate) async fn start(tasks: &str) -> Self {
        Self::start_with("", tasks).await
    }

    /// The same, with these keys of the deck.
    pub(crate) async fn start_with(deck: &str, tasks: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let definitions = format!("[deck]\nname = \"test\"\n{deck}\n[dag.d]\n{tasks}");
        std::fs::write(dir.path().join("dags.toml"), definitions).unwrap();
        std::fs::write(dir.path().join("secret"), "hunter2\n").unwrap();
        let layout = Layout::new(dir.path());
        std::fs::create_dir(layout.state_dir()).unwrap();
        let store = Store::open(&layout.database()).unwrap();
        let mut bench = Self::of(dir, store);
        bench.start_again().await.unwrap();
        bench
    }

    /// Starts an engine on a backup of another project, in a folder of its own.
    pub(crate) async fn restored(backup: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        dagdeck::runtime::backup::restore(backup, dir.path()).unwrap();
        let store = Store::open(&Layout::new(dir.path()).database()).unwrap();
        let mut bench = Self::of(dir, store);
        bench.start_again().await.unwrap();
        bench
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.path())
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn deck(&self) -> Deck {
        load(self.path())
    }

    pub(crate) async fn start_again(&mut self) -> Result<(), Fault> {
        let (serving, orders) = serving::channel();
        self.orders = Some(orders);
        let parts = EngineParts {
            layout: self.layout(),
            store: self.store.clone(),
            deck: Arc::new(self.deck()),
            clock: self.clock.clone(),
            executable: PathBuf::from(env!("CARGO_BIN_EXE_dagdeck")),
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            serving,
            publisher: self.publisher.clone(),
            tracking: None,
        };
        self.engine = Some(engine::start(parts).await?);
        Ok(())
    }

    pub(crate) async fn stop(&mut self) {
        self.engine.take().unwrap().stop().await;
    }

    pub(crate) async fn ask(&self, input: Input) -> Result<Reply, Fault> {
        tokio::time::timeout(PATIENCE, self.engine().handle.ask(input)).await.unwrap()
    }

    pub(crate) async fn trigger(&self) -> Result<Reply, Fault> {
        self.ask(Input::Command(trigger())).await
    }

    pub(crate) async fn cancel(&self) -> Result<Reply, Fault> {
        self.cancel_of(DAG).await
    }

    /// Cancels the run of another DAG.
    pub(crate) async fn cancel_of(&self, dag_id: &str) -> Result<Reply, Fault> {
        let operation = Operation::MarkRuns { state: DagRunState::Failed };
        let runs = vec![DagRunKey { dag_id: dag_id.into(), dag_run_id: RUN.into() }];
        let wish = Operate { operation, runs, ended: Vec::new(), user: None, dry_run: false };
        self.ask(Input::Command(Command::Operate(wish))).await
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<NumberedEvent> {
        self.publisher.subscribe()
    }

    pub(crate) fn run(&self) -> Option<DagRun> {
        let read = |conn: &_| store::dag_run::get(conn, &DAG.into(), &RUN.into());
        self.store.read_blocking(read).unwrap()
    }

    pub(crate) fn task(&self, task_id: &str) -> TaskInstance {
        let key = key(task_id);
        let read = |conn: &_| store::task_instance::get(conn, &key);
        self.store.read_blocking(read).unwrap().unwrap()
    }

    pub(crate) fn output(&self, task_id: &str) -> Option<Value> {
        let key = key(task_id);
        let found = self.store.read_blocking(|conn: &_| store::xcom::return_value(conn, &key));
        found.unwrap().map(|value| match value {
            dagdeck::types::xcom::XcomValue::Value(value) => value,
            file => panic!("{file:?} lies in a file"),
        })
    }

    pub(crate) fn attempt_dir(&self, task_id: &str, try_number: u32) -> PathBuf {
        self.layout().attempt_dir(&AttemptKey { task: key(task_id), try_number })
    }

    /// Waits until the run has ended.
    pub(crate) async fn ended(&self, state: DagRunState) {
        self.until("the run ends", |bench| bench.run().is_some_and(|run| run.state.is_finished()))
            .await;
        let (run, task) = (self.run().unwrap(), self.task("t"));
        assert_eq!(run.state, state, "{:?}: {:?}", task.state, task.note);
    }

    /// Waits until the task stands so.
    pub(crate) async fn task_is(&self, task_id: &str, state: TaskInstanceState) {
        let what = format!("`{task_id}` is {state}");
        self.until(&what, |bench| bench.task(task_id).state == Some(state)).await;
    }

    /// Waits for a file that a task writes: a line, whole.
    pub(crate) async fn file(&self, name: &str) -> String {
        let path = self.path().join(name);
        let read = || std::fs::read_to_string(&path).unwrap_or_default();
        self.until(name, |_| read().ends_with('\n')).await;
        read().trim().to_owned()
    }

    /// Lets tasks that wait for `go` go on.
    pub(crate) fn go(&self) {
        std::fs::write(self.path().join("go"), "").unwrap();
    }

    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let mut events = self.events();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is_so(self) {
                let step = std::time::Duration::from_millis(20);
                // Files change without an event.
                let _ = tokio::time::timeout(step, events.recv()).await;
            }
        });
        if waited.await.is_err() {
            panic!("waited in vain until {what}; the run: {:?}", self.run());
        }
    }
}

/// Reads the definitions of a project.
pub(crate) fn load(project: &Path) -> Deck {
    dag::load(project, &|_| None, &Default::default())
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// The wish for the one run.
pub(crate) fn trigger() -> Command {
    Command::Trigger(Trigger {
        dag_id: DAG.into(),
        conf: Map::new(),
        dag_run_id: Some(RUN.into()),
        logical_date: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        note: None,
        triggered_by: TriggeredBy::Test,
        user: None,
        partition_key: None,
    })
}

pub(crate) fn key(task_id: &str) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: DAG.into(),
        dag_run_id: RUN.into(),
        task_id: task_id.into(),
        map_index: UNMAPPED,
    }
}

/// A shell line that counts itself in `ran`, says its process, and waits for the file `go`.
pub(crate) fn waiting(then: &str) -> String {
    format!(
        "operator = \"command\"\ncommand = \"echo x >> ran; echo $$ > pid; \
         while [ ! -e go ]; do sleep 0.02; done; {then}\"\n"
    )
}

/// Whether a process of that id is there and not merely its remains.
pub(crate) fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
