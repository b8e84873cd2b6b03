//! Sees objects come into buckets: what lies where an asset's pattern reaches is listed every
//! `every`, and compared with what was told.
//!
//! ```text
//! every `every` ─► list ─► compare: URI and ETag ─► Handle::emit_asset ─► remembered with the event
//!                    └─ fails: the problem is shown, the next look comes later and later
//! ```
//! One task for each asset: a server that does not answer holds up its own assets only. All is
//! listed each time: what was overwritten or deleted lies anywhere among the keys.

mod bucketed;
mod compare;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::bucketed::{Bucketed, bucketed};
use self::compare::compare;
use super::target::{is_temporary, matches};
use crate::connection::object::{Lake, LakeError, Object, Reach};
use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::store::{Store, StoreError, asset};
use crate::types::asset::AssetEventSpec;
use crate::types::{AssetName, Fault, FaultKind};

/// So many changes go to the engine together: it commits many at once.
const TOLD_LEN_MAX: usize = 256;

/// However often it failed, a bucket is listed as often as this.
const BACKOFF_MAX: Duration = Duration::from_mins(10);

/// All assets of a deck that lie in buckets.
#[derive(Debug, Clone)]
pub(super) struct Listings {
    pub(super) layout: Layout,
    pub(super) store: Store,
    pub(super) handle: Handle,
    /// Hears why an asset is not seen, and that it is again.
    pub(super) tell: mpsc::Sender<(AssetName, Option<String>)>,
}

/// The task of an asset; it ends soon after `_stop` is dropped.
struct Running {
    one: Bucketed,
    _stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Open(String),
    #[error("read what was told of it: {0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Lake(#[from] LakeError),
    #[error("tell what came: {0}")]
    Engine(#[from] Fault),
}

impl Listings {
    /// Follows the deck until the engine stops.
    pub(super) async fn run(self, mut live: watch::Receiver<Arc<Live>>) {
        let mut running: Vec<Running> = Vec::new();
        loop {
            let deck = Arc::clone(&live.borrow_and_update().deck);
            let wanted = bucketed(&deck);
            let (kept_on, ended): (Vec<_>, Vec<_>) =
                running.into_iter().partition(|running| wanted.contains(&running.one));
            running = kept_on;
            let mut ended: BTreeMap<AssetName, JoinHandle<()>> =
                ended.into_iter().map(|ended| (ended.one.asset, ended.task)).collect();
            for one in wanted {
                if running.iter().all(|known| known.one != one) {
                    let before = ended.remove(&one.asset);
                    running.push(self.start(one, before));
                }
            }
            if live.changed().await.is_err() {
                return;
            }
        }
    }

    /// Starts to watch when the task that watched the same asset has told all that it tells, so
    /// that the store knows of it.
    fn start(&self, one: Bucketed, before: Option<JoinHandle<()>>) -> Running {
        let (stop, stopped) = oneshot::channel();
        let (listings, watched) = (self.clone(), one.clone());
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                // An error only says that it ended otherwise.
                let _ = before.await;
            }
            listings.follow(&watched, stopped).await;
        });
        Running { one, _stop: stop, task }
    }

    async fn say(&self, one: &Bucketed, problem: Option<String>) {
        // An error only says that the watching ends.
        let _ = self.tell.send((one.asset.clone(), problem)).await;
    }

    /// Looks again and again. It is not stopped between what it tells and the answer to it.
    async fn follow(&self, one: &Bucketed, mut stopped: oneshot::Receiver<()>) {
        let mut watcher = None;
        let mut failures = 0_u32;
        loop {
            let looked = tokio::select! {
                looked = self.look(one, &mut watcher) => looked,
                _ = &mut stopped => break,
            };
            let done = match (looked, &mut watcher) {
                (Ok(changes), Some(watcher)) => watcher.tell(&self.handle, changes).await,
                (looked, _) => looked.map(drop),
            };
            let wait = match done {
                Ok(()) => {
                    if failures > 0 {
                        self.say(one, None).await;
                    }
                    failures = 0;
                    one.every
                }
                // The engine has stopped.
                Err(Failure::Engine(fault)) if fault.kind == FaultKind::Unavailable => return,
                Err(failure) => {
                    failures = failures.saturating_add(1);
                    let wait = backoff(one.every, failures);
                    let secs = wait.as_secs().max(1);
                    self.say(one, Some(format!("{failure}; it is tried again in {secs} s"))).await;
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = &mut stopped => break,
            }
        }
        self.say(one, None).await;
    }

    /// Returns what is to be told. What it needs is opened where it is not open yet.
    async fn look(
        &self,
        one: &Bucketed,
        watcher: &mut Option<Watcher>,
    ) -> Result<Vec<AssetEventSpec>, Failure> {
        let watcher = match watcher {
            Some(watcher) => watcher,
            None => watcher.insert(self.open(one).await?),
        };
        Ok(watcher.look().await?)
    }

    async fn open(&self, one: &Bucketed) -> Result<Watcher, Failure> {
        let (lake, pattern) = one.open(self.layout.project()).map_err(Failure::Open)?;
        let mut known = self.store.read(asset::objects).await?;
        let known = known.remove(&one.asset).unwrap_or_default();
        let mut watcher = Watcher {
            asset: one.asset.clone(),
            lake,
            pattern,
            known: BTreeMap::new(),
            unsure: HashMap::new(),
        };
        // What the asset does not mean any more is not gone.
        let begins = watcher.lake.uri("");
        let fits = |uri: &str| uri.strip_prefix(&begins).is_some_and(|key| watcher.fits(key));
        watcher.known = known.into_iter().filter(|(uri, _)| fits(uri)).collect();
        Ok(watcher)
    }
}

/// Doubles with each failure.
fn backoff(every: Duration, failures: u32) -> Duration {
    let longer = every.saturating_mul(1 << failures.saturating_sub(1).min(16));
    longer.min(BACKOFF_MAX.max(every))
}

/// One asset, and what is known of it.
struct Watcher {
    asset: AssetName,
    lake: Lake,
    pattern: Vec<String>,
    /// What was told to be there: URI, version.
    known: BTreeMap<String, String>,
    /// By URI the versions whose reports may or may not have come through, with their keys: told
    /// again, they count once.
    unsure: HashMap<String, (Option<String>, String)>,
}

impl Watcher {
    async fn look(&self) -> Result<Vec<AssetEventSpec>, LakeError> {
        let mut listing = self.lake.list(&Reach::of(&self.pattern), None);
        let mut found = Vec::new();
        while let Some(page) = listing.next().await? {
            let meant = page.into_iter().filter(|object| self.fits(&object.key));
            found.extend(meant.map(|object| (self.lake.uri(&object.key), object)));
        }
        let changes = compare(&self.asset, &self.known, &found);
        let marks = self.marks(&found).await?;
        Ok(changes.into_iter().filter(|spec| !marks.contains(&spec.uri)).collect())
    }

    /// Returns what only marks a folder, among what was not told.
    async fn marks(&self, found: &[(String, Object)]) -> Result<HashSet<String>, LakeError> {
        let mut marks = HashSet::new();
        for (uri, object) in found {
            if !self.known.contains_key(uri) && self.lake.is_mark(object).await? {
                marks.insert(uri.clone());
            }
        }
        Ok(marks)
    }

    fn fits(&self, key: &str) -> bool {
        let parts: Vec<&str> = key.split('/').collect();
        let is_meant = parts.last().is_some_and(|name| !is_temporary(name));
        is_meant && matches(&self.pattern, &parts)
    }

    /// Tells the engine, and remembers what it has taken note of. What it has not is found by the
    /// next look.
    async fn tell(&mut self, handle: &Handle, changes: Vec<AssetEventSpec>) -> Result<(), Failure> {
        let mut rest = changes.into_iter();
        loop {
            let batch: Vec<AssetEventSpec> = rest.by_ref().take(TOLD_LEN_MAX).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let batch: Vec<_> = batch.into_iter().map(|spec| self.with_key(spec)).collect();
            let told = join_all(batch.iter().map(|spec| handle.emit_asset(spec.clone()))).await;
            let mut failed = None;
            for (spec, told) in batch.into_iter().zip(told) {
                match told {
                    Ok(_) => self.remember(spec),
                    Err(fault) => failed = failed.or(Some(fault)),
                }
            }
            if let Some(fault) = failed {
                return Err(fault.into());
            }
        }
    }

    /// An object may come to look as it did before, and that is a change: a key is of one report.
    fn with_key(&mut self, mut spec: AssetEventSpec) -> AssetEventSpec {
        let version = spec.object.as_ref().and_then(|object| object.version.clone());
        let key = match self.unsure.get(&spec.uri) {
            Some((unsure, key)) if *unsure == version => key.clone(),
            _ => {
                let key = format!("object:{}:{}", self.asset, uuid::Uuid::new_v4().simple());
                self.unsure.insert(spec.uri.clone(), (version, key.clone()));
                key
            }
        };
        spec.dedupe_key = Some(key);
        spec
    }

    fn remember(&mut self, spec: AssetEventSpec) {
        self.unsure.remove(&spec.uri);
        match spec.object.and_then(|object| object.version) {
            Some(version) => self.known.insert(spec.uri, version),
            None => self.known.remove(&spec.uri),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_that_fails_is_asked_less_and_less_often() {
        let secs = |every, failures| backoff(Duration::from_secs(every), failures).as_secs();
        assert_eq!([1, 2, 3, 4, 5].map(|failures| secs(30, failures)), [30, 60, 120, 240, 480]);
        assert_eq!([6, 1000].map(|failures| secs(30, failures)), [600, 600]);
        assert_eq!(secs(3600, 9), 3600, "never more often than it is listed");
    }
}
