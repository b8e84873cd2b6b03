//! Files that come, half-written ones, and edits of the deck, in real folders.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use tokio::sync::mpsc;

use super::*;
use crate::dag::Deck;
use crate::dag::secret::Secret;
use crate::dag::spec::{
    AssetSpec, AssetUri, ConnectionKind, ConnectionSpec, ServingSpec, WatchSpec,
};
use crate::runtime::handle::Asked;
use crate::sched::{Input, Reply};
use crate::types::asset::AssetEventSpec;

/// Long enough for a slow machine; nothing waits for it where all is well.
const SOON: Duration = Duration::from_secs(20);

/// A deck with a lake, a warehouse, and watched assets.
pub(in crate::runtime) fn deck(project: &Path, assets: &[(&str, &str)]) -> Deck {
    let connection = |name: &str, url: &str, kind| {
        let url = Secret::plain(url);
        (name.to_owned(), ConnectionSpec { name: name.into(), url, kind, options: IndexMap::new() })
    };
    let asset = |(name, uri): &(&str, &str)| {
        let watch = Some(WatchSpec { every: Duration::from_secs(3600) });
        ((*name).into(), AssetSpec { name: (*name).into(), uri: asset_uri(uri), watch })
    };
    Deck {
        project: project.to_path_buf(),
        name: "test".into(),
        timezone: jiff::tz::TimeZone::UTC,
        max_active_tasks: 1,
        max_map_length: 1024,
        dags: IndexMap::new(),
        assets: assets.iter().map(asset).collect(),
        datasets: IndexMap::new(),
        connections: IndexMap::from([
            connection("lake", "file:data/lake", ConnectionKind::Folder),
            connection("warehouse", "sqlite:w.db", ConnectionKind::Sqlite),
        ]),
        variables: IndexMap::new(),
        pools: IndexMap::new(),
        pools_with_deferred: std::collections::BTreeSet::new(),
        serving: ServingSpec { listen: String::new(), max_body_bytes: 0, default_model: None },
        xcom: crate::dag::spec::XcomLimits::default(),
        retention: Default::default(),
        overlay: Default::default(),
        sources: Vec::new(),
        slurm: Default::default(),
        warnings: Vec::new(),
    }
}

fn asset_uri(uri: &str) -> AssetUri {
    match uri.split_once(':').unwrap() {
        ("file", path) => AssetUri::File(path.into()),
        ("models", rest) => {
            let (name, alias) = rest[1..].split_once('@').unwrap();
            AssetUri::Model { name: name.into(), alias: alias.into() }
        }
        (connection, path) => {
            AssetUri::Connection { connection: connection.into(), path: path.into() }
        }
    }
}

struct Stage {
    watchers: Watchers,
    live: watch::Sender<Arc<Live>>,
    events: mpsc::UnboundedReceiver<AssetEventSpec>,
    project: tempfile::TempDir,
}

fn live(deck: Deck) -> Arc<Live> {
    Arc::new(Live {
        deck: Arc::new(deck),
        dag_states: Arc::default(),
        slots_used: 0,
        slots_total: 0,
        pools: Vec::new(),
        runs_running: 0,
        runs_queued: 0,
        trouble: None,
    })
}

impl Stage {
    fn start(project: tempfile::TempDir, assets: &[(&str, &str)]) -> Self {
        let (inputs, mut asked) = mpsc::channel::<Asked>(16);
        let (seen, events) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Asked { input, reply, .. }) = asked.recv().await {
                if let Input::AssetChanged(spec) = input {
                    let _ = seen.send(spec);
                }
                let _ = reply.unwrap().send(Ok(Reply::AssetEvent { is_new: true }));
            }
        });
        let (live, receiver) = watch::channel(live(deck(project.path(), assets)));
        let watchers = begin(Layout::new(project.path()), Handle { inputs }, receiver);
        Self { watchers, live, events, project }
    }

    async fn next(&mut self) -> AssetEventSpec {
        tokio::time::timeout(SOON, self.events.recv()).await.unwrap().unwrap()
    }

    /// Waits until the folder of the watch is there, and with it the watch.
    async fn watching(&mut self, folder: &str) {
        write(self.project.path(), &format!("{folder}/first.csv"), "1");
        assert!(self.next().await.uri.ends_with("/first.csv"));
    }
}

fn write(project: &Path, path: &str, text: &str) {
    let path = project.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn files_that_lie_there_are_reported_with_what_is_known_of_them() {
    let project = tempfile::tempdir().unwrap();
    write(project.path(), "data/lake/incoming/a.csv", "x\n1\n");
    write(project.path(), "data/lake/incoming/.hidden.csv", "x");
    write(project.path(), "data/employees.csv", "id\n");
    let assets =
        [("incoming", "lake:incoming/*.csv"), ("csv_data_asset", "file:data/employees.csv")];
    let mut stage = Stage::start(project, &assets);
    let mut found = [stage.next().await, stage.next().await];
    found.sort_by(|a, b| a.uri.cmp(&b.uri));
    let [employees, incoming] = found;
    assert_eq!(employees.name, Some("csv_data_asset".into()));
    assert_eq!(incoming.name, Some("incoming".into()));
    assert_eq!(incoming.uri, "lake:incoming/a.csv");
    assert_eq!(incoming.extra["uri"], "lake:incoming/a.csv");
    assert_eq!(incoming.extra["size"], 4);
    assert!(incoming.extra["path"].as_str().unwrap().ends_with("/data/lake/incoming/a.csv"));
    assert!(incoming.extra["mtime"].as_str().unwrap().ends_with('Z'));
    assert!(incoming.dedupe_key.unwrap().starts_with("file:incoming:lake:incoming/a.csv:4:"));
    assert!(stage.watchers.problems.borrow().is_empty());
}

#[tokio::test]
async fn a_file_that_is_dropped_is_seen_when_its_writer_closes_it() {
    let mut stage =
        Stage::start(tempfile::tempdir().unwrap(), &[("incoming", "lake:incoming/*.csv")]);
    stage.watching("data/lake/incoming").await;
    let path = stage.project.path().join("data/lake/incoming/slow.csv");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"first").unwrap();
    write(stage.project.path(), "data/lake/incoming/quick.csv", "all at once");
    assert_eq!(stage.next().await.uri, "lake:incoming/quick.csv", "the slow one is still open");
    file.write_all(b"second").unwrap();
    drop(file);
    let slow = stage.next().await;
    assert_eq!((slow.uri.as_str(), &slow.extra["size"]), ("lake:incoming/slow.csv", &11.into()));
}

#[tokio::test]
async fn a_file_that_is_renamed_or_linked_into_place_is_seen_once() {
    let mut stage =
        Stage::start(tempfile::tempdir().unwrap(), &[("incoming", "lake:incoming/*.csv")]);
    stage.watching("data/lake/incoming").await;
    let folder = stage.project.path().join("data/lake/incoming");
    std::fs::write(folder.join("b.csv.part"), "b").unwrap();
    std::fs::rename(folder.join("b.csv.part"), folder.join("b.csv")).unwrap();
    assert_eq!(stage.next().await.uri, "lake:incoming/b.csv");
    std::fs::hard_link(folder.join("b.csv"), folder.join("c.csv")).unwrap();
    assert_eq!(stage.next().await.uri, "lake:incoming/c.csv");
    assert!(stage.events.is_empty());
}

#[tokio::test]
async fn a_file_that_changes_is_reported_again_with_another_key() {
    let mut stage = Stage::start(tempfile::tempdir().unwrap(), &[("a", "file:data/a.csv")]);
    write(stage.project.path(), "data/a.csv", "one");
    let first = stage.next().await;
    write(stage.project.path(), "data/a.csv", "another");
    let mut second = stage.next().await;
    while second.extra["size"] != 7 {
        second = stage.next().await;
    }
    assert_ne!(first.dedupe_key, second.dedupe_key);
}

#[tokio::test]
async fn folders_below_are_watched_where_the_pattern_has_them() {
    let mut stage = Stage::start(tempfile::tempdir().unwrap(), &[("deep", "lake:in/**/*.csv")]);
    stage.watching("data/lake/in").await;
    write(stage.project.path(), "data/lake/in/x/y/a.csv", "1");
    assert_eq!(stage.next().await.uri, "lake:in/x/y/a.csv");
}

#[tokio::test]
async fn a_new_deck_is_followed() {
    let mut stage = Stage::start(tempfile::tempdir().unwrap(), &[]);
    write(stage.project.path(), "data/lake/late/a.csv", "1");
    let assets = [("late", "lake:late/*.csv"), ("odd", "warehouse:t")];
    stage.live.send_replace(live(deck(stage.project.path(), &assets)));
    assert_eq!(stage.next().await.uri, "lake:late/a.csv");
    let problems = stage.watchers.problems.borrow().clone();
    assert_eq!(problems, ["asset `odd` is not watched: connection `warehouse` is no folder"]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_a_problem() {
    let project = tempfile::tempdir().unwrap();
    write(project.path(), "data/lake", "a file where the folder should be");
    let mut stage = Stage::start(project, &[("incoming", "lake:incoming/*.csv")]);
    let problems = &mut stage.watchers.problems;
    let told = tokio::time::timeout(SOON, problems.wait_for(|told| !told.is_empty())).await;
    assert!(told.unwrap().unwrap()[0].starts_with("asset `incoming`: "));
}

/// Each file is made, opened, written and closed: four events, more than the system's queue and
/// our own hold. Those that overflow are made good by scans.
#[tokio::test]
async fn of_100_000_events_at_once_no_file_is_lost() {
    const FILES: usize = 25_000;
    let mut stage =
        Stage::start(tempfile::tempdir().unwrap(), &[("incoming", "lake:incoming/*.csv")]);
    stage.watching("data/lake/incoming").await;
    let folder = stage.project.path().join("data/lake/incoming");
    let burst = std::thread::spawn(move || {
        for n in 0..FILES {
            std::fs::write(folder.join(format!("{n}.csv")), "1").unwrap();
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < FILES {
        seen.insert(stage.next().await.uri);
    }
    burst.join().unwrap();
}
