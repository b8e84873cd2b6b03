//! Watching: from a file's close to the start of its run, in a daemon of this process. The same
//! event told by hand is the measure: what lies between the two is the watching.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dagdeck::client::{Client, Events};
use dagdeck::daemon::{Daemon, DaemonOptions};
use dagdeck::types::DagRunState;
use dagdeck::types::ask::{Answer, Request, RunsOnly};
use dagdeck::types::event::Event;

use crate::Sheet;

const FILES: usize = 200;
const BURST: usize = 2_000;
const LIMIT: Duration = Duration::from_millis(20);

const DAGS: &str = r#"
[asset.incoming]
uri = "file:in/*.csv"
watch = true
[dag.load]
schedule = { assets = "incoming" }
max_active_runs = 10000
[dag.load.task.t]
operator = "empty"
"#;

pub(crate) fn measure(sheet: &mut Sheet) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(watch(sheet));
}

async fn watch(sheet: &mut Sheet) {
    let project = tempfile::tempdir().unwrap();
    std::fs::write(project.path().join("dags.toml"), DAGS).unwrap();
    let daemon = Daemon::start(options(project.path())).await.unwrap();
    let client = daemon.client();
    let mut runs = Runs { events: client.events().await.unwrap(), seen: BTreeSet::new() };
    // The folder and its watch are there when the first file has been told of.
    std::fs::create_dir_all(project.path().join("in")).unwrap();
    drop(write(project.path(), "first"));
    runs.next().await;
    let mut by_file = Vec::new();
    for n in 0..FILES {
        let file = write(project.path(), &n.to_string());
        let start = Instant::now();
        drop(file);
        runs.next().await;
        by_file.push(start.elapsed());
    }
    let mut by_hand = Vec::new();
    for _ in 0..FILES {
        let start = Instant::now();
        emit(&client).await;
        runs.next().await;
        by_hand.push(start.elapsed());
    }
    by_file.sort();
    by_hand.sort();
    sheet.limited("file closed to run started, median", by_file[FILES / 2], LIMIT);
    sheet.limited("file closed to run started, 95 of 100", by_file[FILES * 95 / 100], LIMIT);
    sheet.took("event by hand to run started, median", by_hand[FILES / 2]);
    let ratio = by_file[FILES / 2].as_secs_f64() / by_hand[FILES / 2].as_secs_f64();
    sheet.figure("a file against an event by hand", &format!("{ratio:.2} times"));
    let start = Instant::now();
    for n in 0..BURST {
        drop(write(project.path(), &format!("burst{n}")));
    }
    while count(&client).await < (2 * FILES + BURST + 1) as u64 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rate = BURST as f64 / start.elapsed().as_secs_f64();
    sheet.figure("files at once to runs started", &format!("{rate:.0} a second"));
    daemon.run_until(async {}).await.unwrap();
}

async fn emit(client: &Client) {
    let request = Request::EmitAsset {
        name: "incoming".into(),
        uri: None,
        extra: serde_json::Map::new(),
        partition_key: None,
        from_api: false,
    };
    client.ask(request).await.unwrap();
}

/// Counts the runs that there are. (Events may be missed where so many come at once.)
async fn count(client: &Client) -> u64 {
    let request = Request::ListRuns {
        dag_id: Some("load".into()),
        state: None,
        only: RunsOnly::default(),
        limit: 1,
        offset: 0,
    };
    match client.ask(request).await.unwrap() {
        Answer::Runs { total, .. } => total,
        other => panic!("{other:?}"),
    }
}

fn write(project: &Path, name: &str) -> std::fs::File {
    let mut file = std::fs::File::create(project.join(format!("in/{name}.csv"))).unwrap();
    file.write_all(b"id\n1\n").unwrap();
    file
}

fn options(project: &Path) -> DaemonOptions {
    DaemonOptions {
        project: project.to_owned(),
        api: None,
        serving: Some("127.0.0.1:0".to_owned()),
        lookup: Arc::new(|_| None),
        executable: std::env::current_exe().unwrap(),
        environment: Vec::new(),
    }
}

/// The runs that start, each once.
struct Runs {
    events: Events,
    seen: BTreeSet<String>,
}

impl Runs {
    async fn next(&mut self) {
        loop {
            let Event::DagRunChanged { dag_run_id, state, .. } =
                self.events.next().await.unwrap().event
            else {
                continue;
            };
            if state != DagRunState::Queued && self.seen.insert(dag_run_id.to_string()) {
                return;
            }
        }
    }
}
