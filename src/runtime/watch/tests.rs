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
    ASSET_GROUP, AssetSpec, AssetUri, Callbacks, ConnectionKind, ConnectionSpec, WatchSpec,
};
use crate::runtime::handle::Asked;
use crate::sched::{Change, Input, Reply};
use crate::types::AssetName;
use crate::types::asset::{AssetEventKind, AssetEventSpec};

/// Long enough for a slow machine; nothing waits for it where all is well.
const SOON: Duration = Duration::from_secs(20);

/// A deck with a lake, a warehouse, and watched assets; those that are called `hashed` ask for the
/// content of their files.
pub(in crate::runtime) fn deck(project: &Path, assets: &[(&str, &str)]) -> Deck {
    let connection = |name: &str, url: &str, kind| {
        let url = Secret::plain(url);
        (name.to_owned(), ConnectionSpec { name: name.into(), url, kind, options: IndexMap::new() })
    };
    let asset = |(name, uri): &(&str, &str)| {
        let hash = name.starts_with("hashed");
        let watch = Some(WatchSpec { every: Duration::from_secs(3600), hash });
        let (name, uri) = (AssetName::from(*name), asset_uri(uri));
        let group = ASSET_GROUP.to_owned();
        let (freshness, callbacks) = (None, Callbacks::default());
        (name.clone(), AssetSpec { name, uri, watch, group, freshness, callbacks })
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
        asset_aliases: IndexMap::new(),
        connections: IndexMap::from([
            connection("lake", "file:data/lake", ConnectionKind::Folder),
            connection("warehouse", "sqlite:w.db", ConnectionKind::Sqlite),
        ]),
        variables: IndexMap::new(),
        pools: IndexMap::new(),
        api_listen: None,
        pools_with_deferred: std::collections::BTreeSet::new(),
        serving: Default::default(),
        xcom: crate::dag::spec::XcomLimits::default(),
        retention: Default::default(),
        overlay: Default::default(),
        sources: Vec::new(),
        slurm: Default::default(),
        openlineage: Default::default(),
        tracking: Default::default(),
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
    store: Store,
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
        let layout = Layout::new(project.path());
        std::fs::create_dir_all(layout.state_dir()).unwrap();
        let store = Store::open(&layout.database()).unwrap();
        let (inputs, mut asked) = mpsc::channel::<Asked>(16);
        let (seen, events) = mpsc::unbounded_channel();
        let kept = store.clone();
        tokio::spawn(async move {
            // As the engine: what was told is kept before it is answered.
            let mut all = Vec::new();
            while asked.recv_many(&mut all, 256).await > 0 {
                let specs: Vec<AssetEventSpec> = all
                    .iter()
                    .filter_map(|one: &Asked| match &one.input {
                        Input::AssetChanged(spec) => Some(spec.clone()),
                        _ => None,
                    })
                    .collect();
                let changes = specs.iter().map(|spec| Change::PutAssetObject {
                    asset: spec.name.clone().unwrap(),
                    uri: spec.uri.clone(),
                    object: spec.object.clone().unwrap(),
                });
                kept.commit(changes.collect()).await.unwrap();
                for spec in specs {
                    let _ = seen.send(spec);
                }
                for one in all.drain(..) {
                    let _ = one.reply.unwrap().send(Ok(Reply::AssetEvent(None)));
                }
            }
        });
        let (live, receiver) = watch::channel(live(deck(project.path(), assets)));
        let watchers = start(layout, store.clone(), Handle { inputs }, receiver);
        Self { watchers, store, live, events, project }
    }

    /// Ends the watching, and begins it again when `meanwhile` is done.
    fn again(self, assets: &[(&str, &str)], meanwhile: impl FnOnce(&Path)) -> Self {
        let Self { watchers, store, project, .. } = self;
        drop((watchers, store));
        meanwhile(project.path());
        Self::start(project, assets)
    }

    async fn next(&mut self) -> AssetEventSpec {
        tokio::time::timeout(SOON, self.events.recv()).await.unwrap().unwrap()
    }

    /// Waits until all that lies there has been looked at: what comes now is told after it.
    async fn scanned(&mut self) {
        write(self.project.path(), "data/lake/incoming/last.csv", "1");
        assert!(self.next().await.uri.ends_with("/last.csv"));
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

const INCOMING: &[(&str, &str)] = &[("incoming", "lake:incoming/*.csv")];

/// Says what became of which file.
fn told(spec: &AssetEventSpec) -> (AssetEventKind, &str) {
    (spec.kind, spec.uri.rsplit('/').next().unwrap())
}

#[tokio::test]
async fn what_becomes_of_a_file_is_told() {
    let mut stage = Stage::start(tempfile::tempdir().unwrap(), INCOMING);
    stage.watching("data/lake/incoming").await;
    let folder = stage.project.path().join("data/lake/incoming");
    std::fs::rename(folder.join("first.csv"), folder.join("second.csv")).unwrap();
    let moved = stage.next().await;
    assert_eq!(told(&moved), (AssetEventKind::Moved, "second.csv"));
    assert_eq!(moved.extra["moved_from"], "lake:incoming/first.csv");
    write(stage.project.path(), "data/lake/incoming/third.csv", "3");
    assert_eq!(told(&stage.next().await), (AssetEventKind::Created, "third.csv"));
    // Written beside it and renamed over it, as programs save.
    write(stage.project.path(), "data/lake/incoming/.second.swp", "other");
    std::fs::rename(folder.join(".second.swp"), folder.join("second.csv")).unwrap();
    assert_eq!(told(&stage.next().await), (AssetEventKind::Changed, "second.csv"));
    std::fs::remove_file(folder.join("second.csv")).unwrap();
    let gone = stage.next().await;
    assert_eq!(told(&gone), (AssetEventKind::Deleted, "second.csv"));
    assert_eq!(gone.extra.get("size"), None);
    // Moved out of the folder is gone, too.
    std::fs::rename(folder.join("third.csv"), stage.project.path().join("third.csv")).unwrap();
    assert_eq!(told(&stage.next().await), (AssetEventKind::Deleted, "third.csv"));
    assert!(stage.events.is_empty());
}

/// Returns the next `count` events: of which asset, what happened, and what the file holds.
async fn heard(stage: &mut Stage, count: usize) -> Vec<(String, AssetEventKind, Option<String>)> {
    let mut heard = Vec::new();
    for _ in 0..count {
        let spec = stage.next().await;
        let content = spec.extra.get("sha256").map(|digest| digest.as_str().unwrap()[..4].into());
        heard.push((spec.name.unwrap().to_string(), spec.kind, content));
    }
    heard.sort();
    heard
}

#[tokio::test]
async fn who_asks_what_files_hold_is_told_so_and_not_of_the_same_content_twice() {
    use AssetEventKind::{Changed, Created};
    const BOTH: &[(&str, &str)] =
        &[("hashed", "lake:incoming/*.csv"), ("plain", "lake:incoming/*.csv")];
    let put = |project: &Path, text| write(project, "data/lake/incoming/a.csv", text);
    let of = |name: &str, kind, content: Option<&str>| {
        (name.to_owned(), kind, content.map(str::to_owned))
    };
    let mut stage = Stage::start(tempfile::tempdir().unwrap(), BOTH);
    let project = stage.project.path().to_path_buf();
    put(&project, "1");
    let (hashed, plain) = (of("hashed", Created, Some("6b86")), of("plain", Created, None));
    assert_eq!(heard(&mut stage, 2).await, [hashed, plain]);
    put(&project, "1");
    assert_eq!(heard(&mut stage, 1).await, [of("plain", Changed, None)]);
    put(&project, "2");
    let (hashed, plain) = (of("hashed", Changed, Some("d473")), of("plain", Changed, None));
    assert_eq!(heard(&mut stage, 2).await, [hashed, plain]);
    let mut stage = stage.again(BOTH, |project| put(project, "2"));
    assert_eq!(heard(&mut stage, 1).await, [of("plain", Changed, None)]);
    put(&project, "1");
    let (hashed, plain) = (of("hashed", Changed, Some("6b86")), of("plain", Changed, None));
    assert_eq!(heard(&mut stage, 2).await, [hashed, plain]);
    // A link to nowhere and a file that nobody may read hold up nothing.
    std::fs::remove_file(project.join("data/lake/incoming/a.csv")).unwrap();
    let gone = heard(&mut stage, 2).await;
    assert!(gone.iter().all(|(_, kind, _)| *kind == AssetEventKind::Deleted), "{gone:?}");
}

#[tokio::test]
async fn a_file_that_comes_to_look_as_it_did_before_has_changed() {
    let mut stage = Stage::start(tempfile::tempdir().unwrap(), INCOMING);
    stage.watching("data/lake/incoming").await;
    let folder = stage.project.path().join("data/lake/incoming");
    let (file, aside) = (folder.join("first.csv"), stage.project.path().join("aside.csv"));
    std::fs::rename(&file, &aside).unwrap();
    assert_eq!(told(&stage.next().await), (AssetEventKind::Deleted, "first.csv"));
    std::fs::rename(&aside, &file).unwrap();
    let back = stage.next().await;
    assert_eq!(told(&back), (AssetEventKind::Created, "first.csv"));
    // With its old time, but for another content in between.
    std::fs::rename(&file, &aside).unwrap();
    write(stage.project.path(), "data/lake/incoming/first.csv", "other");
    let other = stage.next().await;
    assert_eq!(told(&other), (AssetEventKind::Changed, "first.csv"));
    std::fs::rename(&aside, &file).unwrap();
    let again = stage.next().await;
    assert_eq!(told(&again), (AssetEventKind::Changed, "first.csv"));
    assert_eq!(again.object, back.object);
    assert_ne!(again.dedupe_key, back.dedupe_key);
}

#[tokio::test]
async fn what_became_of_files_while_nobody_watched_is_found_at_start() {
    let project = tempfile::tempdir().unwrap();
    for name in ["kept", "changed", "gone", "touched"] {
        write(project.path(), &format!("data/lake/incoming/{name}.csv"), name);
    }
    let mut stage = Stage::start(project, INCOMING);
    for _ in 0..4 {
        stage.next().await;
    }
    let mut stage = stage.again(INCOMING, |project| {
        write(project, "data/lake/incoming/changed.csv", "more than before");
        write(project, "data/lake/incoming/new.csv", "new");
        std::fs::remove_file(project.join("data/lake/incoming/gone.csv")).unwrap();
    });
    let specs = [stage.next().await, stage.next().await, stage.next().await];
    let mut found: Vec<_> = specs.iter().map(told).collect();
    found.sort();
    let expected = [
        (AssetEventKind::Created, "new.csv"),
        (AssetEventKind::Changed, "changed.csv"),
        (AssetEventKind::Deleted, "gone.csv"),
    ];
    assert_eq!(found, expected);
    // And once more nothing: the mark that comes last shows that all was looked at.
    let mut stage = stage.again(INCOMING, |project| {
        write(project, "data/lake/incoming/mark.csv", "mark");
    });
    assert_eq!(told(&stage.next().await), (AssetEventKind::Created, "mark.csv"));
    stage.scanned().await;
    assert!(stage.events.is_empty());
}

#[tokio::test]
async fn a_file_that_is_written_to_without_end_is_told_of_once_in_a_while() {
    let mut stage = Stage::start(tempfile::tempdir().unwrap(), INCOMING);
    stage.watching("data/lake/incoming").await;
    let log = stage.project.path().join("data/lake/incoming/log.csv");
    for n in 0..200 {
        std::fs::write(&log, "x".repeat(n + 1)).unwrap();
    }
    let mut seen = 1;
    while stage.next().await.extra["size"] != 200 {
        seen += 1;
    }
    assert!(seen < 20, "{seen} events of 200 closes");
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
