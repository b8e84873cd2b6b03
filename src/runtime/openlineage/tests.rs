//! A deck tells a real server: what is committed arrives, in order, whatever the server does.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use super::{Teller, TellerParts, follow};
use crate::dag::Deck;
use crate::runtime::engine::Live;
use crate::runtime::publish::Publisher;
use crate::sched::Change;
use crate::sched::change::DagVersion;
use crate::store::sample::{at, key, run, task_try};
use crate::store::{Store, observed};
use crate::types::event::Event;
use crate::types::io::{CheckResult, ColumnOrigin, ColumnRef, DatasetRef, Observed, OnFail};
use crate::types::run::DagRun;
use crate::types::view::OpenLineageView;
use crate::types::{AttemptKey, DagRunState, TaskInstanceState};

/// Takes events and keeps them; answers with what it is told to, else with 201.
#[derive(Clone, Default)]
struct Receiver {
    events: Arc<Mutex<Vec<Value>>>,
    keys: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    news: Arc<Notify>,
}

impl Receiver {
    async fn serve(&self) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = receiver.clone();
                tokio::spawn(async move { receiver.talk(stream).await });
            }
        });
        address
    }

    async fn talk(&self, stream: tokio::net::TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
                let line = line.trim();
                let (name, value) = line.split_once(": ").unwrap_or((line, ""));
                match name.to_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "authorization" => self.keys.lock().unwrap().push(value.to_owned()),
                    "" => break,
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.ok()?;
            let status = self.answers.lock().unwrap().pop_front().unwrap_or(201);
            if status == 201 {
                self.events.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            }
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.ok()?;
            self.news.notify_one();
        }
    }

    async fn first(&self, count: usize) -> Vec<Value> {
        loop {
            let news = self.news.notified();
            let events = self.events.lock().unwrap().clone();
            if events.len() >= count {
                return events;
            }
            news.await;
        }
    }
}

struct Stage {
    dir: tempfile::TempDir,
    store: Store,
    deck: Arc<Deck>,
    live: watch::Sender<Arc<Live>>,
    publisher: Publisher,
}

fn load(dir: &Path, openlineage: &str) -> Arc<Deck> {
    let text = format!(
        r#"
[openlineage]
{openlineage}
[variable]
word = "${{env:WORD}}"
[connection.db]
url = "sqlite:w.db"
[asset.raw]
uri = "file:raw.csv"
[asset.people]
uri = "db:people"
[dag.etl]
owner = "ada"
doc_md = "Loads *people*."
[dag.etl.task.extract]
operator = "command"
command = "true"
doc_md = "Takes them."
inlets = ["raw"]
outlets = ["people"]
"#
    );
    std::fs::write(dir.join("dags.toml"), text).unwrap();
    let lookup = |name: &str| (name == "WORD").then(|| "tiger".to_owned());
    Arc::new(crate::dag::load(dir, &lookup, &Default::default()).unwrap())
}

fn live(deck: Arc<Deck>) -> Arc<Live> {
    Arc::new(Live {
        deck,
        dag_states: Arc::default(),
        slots_used: 0,
        slots_total: 1,
        pools: Vec::new(),
        runs_running: 0,
        runs_queued: 0,
        trouble: None,
    })
}

impl Stage {
    async fn new(openlineage: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("dagdeck.db")).unwrap();
        let deck = load(dir.path(), openlineage);
        follow(&store, &deck).await.unwrap();
        let live = watch::Sender::new(live(Arc::clone(&deck)));
        Self { dir, store, deck, live, publisher: Publisher::default() }
    }

    fn start(&self) -> Teller {
        Teller::start(TellerParts {
            project: self.dir.path().to_owned(),
            store: self.store.clone(),
            live: self.live.subscribe(),
            publisher: self.publisher.clone(),
            is_followed: super::is_told(&self.deck),
            again: Duration::from_millis(1),
        })
    }

    async fn commit(&self, changes: Vec<Change>) {
        self.store.commit(changes).await.unwrap();
        self.publisher.publish(Event::Resync);
    }

    fn run(&self, state: DagRunState) -> DagRun {
        let dag = &self.deck.dags["etl"];
        DagRun {
            dag_version: dag.version.clone(),
            data_interval_start: Some(at(-60)),
            data_interval_end: Some(at(0)),
            ..run("etl", "r1", 0, state)
        }
    }

    /// A run with one try that reads and writes, and fails.
    async fn work(&self) {
        let dag = Arc::clone(&self.deck.dags["etl"]);
        let version = DagVersion { version_number: 1, created_at: at(0), dag };
        self.commit(vec![Change::InsertDagVersion(version)]).await;
        self.commit(vec![Change::PutDagRun(self.run(DagRunState::Running))]).await;
        let task = key("etl", "r1", "extract");
        let mut attempt = task_try(task.clone(), 1, TaskInstanceState::Running);
        attempt.end_date = None;
        self.commit(vec![Change::PutTaskTry(attempt)]).await;
        let known = observed_by(&task);
        let put = AttemptKey { task: task.clone(), try_number: 1 };
        self.store.write(move |tx| observed::put(tx, &put, &known, at(4))).await.unwrap();
        let mut ended = task_try(task.clone(), 1, TaskInstanceState::Failed);
        ended.error = Some("the tiger is loose".into());
        let mut instance = crate::store::sample::task(task, Some(TaskInstanceState::Failed));
        instance.note = None;
        self.commit(vec![Change::PutTaskTry(ended), Change::PutTaskInstance(instance)]).await;
        self.commit(vec![Change::PutDagRun(self.run(DagRunState::Failed))]).await;
    }

    async fn waiting(&self) -> u64 {
        self.store.read(crate::store::openlineage::outbox::waiting).await.unwrap()
    }
}

fn observed_by(task: &crate::types::TaskInstanceKey) -> Observed {
    let namespace = "postgres://h:5432".to_owned();
    let origin = ColumnOrigin {
        namespace: namespace.clone(),
        name: "shop.public.raw".into(),
        column: "who".into(),
        computed: false,
    };
    let column =
        ColumnRef { name: "name".into(), column_type: "text".into(), origins: vec![origin] };
    let output = DatasetRef {
        namespace,
        name: "shop.public.people".into(),
        rows: Some(3),
        bytes: Some(30),
        digest: None,
        columns: vec![column],
    };
    let check = CheckResult {
        table: "people".into(),
        expect: "count(*) > 5".into(),
        passed: false,
        value: json!(3),
        figures: Some("3 > 5".into()),
        on_fail: OnFail::Warn,
    };
    assert_eq!(task.dag_id, "etl".into());
    Observed { inputs: Vec::new(), outputs: vec![output], checks: vec![check] }
}

async fn until(teller: &mut Teller, holds: impl Fn(&OpenLineageView) -> bool) -> OpenLineageView {
    let found = teller.view.wait_for(|view| view.as_ref().is_some_and(&holds)).await.unwrap();
    found.clone().unwrap()
}

fn kinds(events: &[Value]) -> Vec<(&str, &str)> {
    events.iter().map(|event| (word(&event["eventType"]), word(&event["job"]["name"]))).collect()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_run_is_told_with_all_that_is_known_of_it() {
    let receiver = Receiver::default();
    let url = receiver.serve().await;
    let stage = Stage::new(&format!(
        "url = \"http://{url}\"\napi_key = \"${{env:WORD}}\"\nnamespace = \"prod\""
    ))
    .await;
    let mut teller = stage.start();
    stage.work().await;
    let events = receiver.first(4).await;
    let expected =
        [("START", "etl"), ("START", "etl.extract"), ("FAIL", "etl.extract"), ("FAIL", "etl")];
    assert_eq!(kinds(&events), expected);
    assert_eq!(receiver.keys.lock().unwrap()[0], "Bearer tiger");

    let (begun, ended) = (&events[1], &events[2]);
    assert_eq!(begun["run"]["runId"], ended["run"]["runId"]);
    assert_eq!(begun["job"]["namespace"], "prod");
    let parent = &ended["run"]["facets"]["parent"];
    assert_eq!(parent["run"]["runId"], events[0]["run"]["runId"]);
    assert_eq!(parent["root"]["job"]["name"], "etl");
    let nominal = &ended["run"]["facets"]["nominalTime"];
    assert_eq!(nominal["nominalStartTime"], "2025-12-31T23:59:00.000000Z");
    assert_eq!(ended["run"]["facets"]["errorMessage"]["message"], "the *** is loose");
    assert_eq!(events[3]["run"]["facets"]["errorMessage"]["message"], "failed: extract");
    assert_eq!(begun["job"]["facets"]["documentation"]["description"], "Takes them.");
    assert_eq!(events[0]["job"]["facets"]["ownership"]["owners"], json!([{"name": "ada"}]));
    let names = |list: &Value| {
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let raw = stage.dir.path().join("raw.csv").display().to_string();
    assert_eq!(names(&begun["inputs"]), [raw.as_str()]);
    assert_eq!(names(&begun["outputs"]), ["people"]);
    assert_eq!(names(&ended["inputs"]), ["etl.people", raw.as_str()]);
    let assertion = &ended["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"][0];
    assert_eq!((&assertion["success"], &assertion["severity"]), (&json!(false), &json!("warn")));
    let written = &ended["outputs"][0];
    assert_eq!(written["name"], "shop.public.people");
    assert_eq!(written["outputFacets"]["outputStatistics"]["rowCount"], 3);
    let fields = &written["facets"]["columnLineage"]["fields"];
    assert_eq!(fields["name"]["inputFields"][0]["field"], "who");
    assert_eq!(written["facets"]["schema"]["fields"][0]["type"], "text");
    let view = until(&mut teller, |view| view.sent == 4 && view.waiting == 0).await;
    assert_eq!((view.lost, view.problem), (0, None));
    assert_eq!(view.target, format!("http://{url}/api/v1/lineage"));
}

#[tokio::test]
async fn what_waited_while_nobody_told_is_told_by_the_next_daemon_with_the_same_ids() {
    let receiver = Receiver::default();
    let url = receiver.serve().await;
    let stage = Stage::new(&format!("url = \"http://{url}\"")).await;
    stage.work().await;
    assert_eq!(stage.waiting().await, 4);
    let teller = stage.start();
    let first = receiver.first(4).await;
    drop(teller);
    // As if it had died between the answer and the note that it was taken.
    let again = Stage::new(&format!("url = \"http://{url}\"")).await;
    again.work().await;
    let _teller = again.start();
    let both = receiver.first(8).await;
    for (one, other) in first.iter().zip(&both[4..]) {
        assert_eq!(one["run"]["runId"], other["run"]["runId"]);
        assert_eq!(one["eventTime"], other["eventTime"]);
    }
}

#[tokio::test]
async fn a_server_that_fails_is_asked_again_until_it_takes_what_waits() {
    let receiver = Receiver::default();
    receiver.answers.lock().unwrap().extend([500, 503, 401, 422, 429]);
    let url = receiver.serve().await;
    let stage = Stage::new(&format!("url = \"http://{url}\"\ntimeout = \"30s\"")).await;
    stage.work().await;
    let mut teller = stage.start();
    let view = until(&mut teller, |view| view.waiting == 0 && view.lost == 1).await;
    assert_eq!((view.sent, view.problem), (3, None));
    let events = receiver.first(3).await;
    assert_eq!(kinds(&events)[0], ("START", "etl.extract"), "the first was refused for good");
}

#[tokio::test]
async fn nobody_there_is_said_and_nothing_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let stage = Stage::new(&format!("url = \"http://{address}\"")).await;
    let mut teller = stage.start();
    stage.work().await;
    let view = until(&mut teller, |view| view.waiting == 4 && view.problem.is_some()).await;
    assert!(view.problem.unwrap().contains(&address.to_string()));
    // Another place in the file, and they go there at once.
    let deck = load(stage.dir.path(), "file = \"lineage.jsonl\"");
    stage.live.send_replace(live(deck));
    until(&mut teller, |view| view.target == "lineage.jsonl" && view.waiting == 0).await;
    let text = std::fs::read_to_string(stage.dir.path().join("lineage.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 4);
}

#[tokio::test]
async fn whom_nobody_tells_keeps_nothing() {
    let stage = Stage::new("disabled = true\nurl = \"http://127.0.0.1:1\"").await;
    let teller = stage.start();
    stage.work().await;
    assert_eq!(stage.waiting().await, 0);
    assert!(teller.view.borrow().is_none());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_alone_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stage = Stage::new(&format!("url = \"http://{address}\"\ntimeout = 0.05")).await;
    let mut teller = stage.start();
    stage.work().await;
    let view = until(&mut teller, |view| view.problem.is_some()).await;
    assert!(view.problem.unwrap().contains("no answer within 0.05 s"));
    drop(listener);
    assert_eq!(stage.waiting().await, 4);
}
