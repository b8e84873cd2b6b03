//! The loop that watches all folders of a deck.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::event::{
    AccessKind, AccessMode, CreateKind, EventKind, Flag, ModifyKind, RemoveKind, RenameMode,
};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};

use super::digest::{Content, Digested, Digests};
use super::report::{Known, Reporter, Telling};
use super::scan::{Found, Seen, scan, see};
use super::settle::{Settled, Settling, Sign};
use super::target::Target;
use crate::dag::Deck;
use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::types::{AssetName, Fault, FaultKind, time};

/// Signs wait here while the engine commits: a few thousand files that come at once. Where it
/// is full signs are dropped, and a scan makes them good.
const SIGNS_LEN_MAX: usize = 4096;

/// How many signs are taken at once: what they bring about is told together.
const TAKEN_LEN_MAX: usize = 256;

/// Files that were taken away and may turn up under another name: the other half of a rename
/// comes right after.
const LEAVING_LEN_MAX: usize = 64;

/// How long after the engine has refused a report it is asked again.
const RETRY: Duration = Duration::from_secs(5);

/// What the file system tells.
#[derive(Debug)]
enum Told {
    File(PathBuf, Sign),
    /// It was renamed; the number is that of both halves.
    Left(PathBuf, Option<usize>),
    Arrived(PathBuf, Option<usize>),
    /// A folder came: look at everything.
    LookAgain,
    /// Something was missed: look at everything, and do not wait for what may have been told.
    Missed,
}

/// All folders that are watched.
pub(super) struct Folders {
    layout: Layout,
    reporter: Reporter,
    problems: watch::Sender<Vec<String>>,
    deck: Option<Arc<Deck>>,
    targets: Vec<Target>,
    /// When each target is scanned next.
    scans: Vec<Instant>,
    /// What the deck asks for and cannot be done.
    refused: Vec<String>,
    /// What the last scan of each target ran into.
    failures: Vec<Option<String>>,
    settling: Settling,
    /// Files of assets that want to know their content.
    digests: Digests,
    /// Files that were renamed away a moment ago.
    leaving: VecDeque<(usize, PathBuf)>,
    /// On which file system the folder of each target was.
    devices: Vec<Option<u64>>,
    watcher: Option<RecommendedWatcher>,
    told: mpsc::Receiver<Told>,
    tell: mpsc::Sender<Told>,
    /// Why message channels and buckets are not followed; whoever follows them says so here.
    channels: mpsc::Receiver<(AssetName, Option<String>)>,
    silent: BTreeMap<AssetName, String>,
    missed: watch::Receiver<bool>,
    miss: watch::Sender<bool>,
}

impl Folders {
    pub(super) fn new(
        layout: Layout,
        handle: Handle,
        known: Known,
        problems: watch::Sender<Vec<String>>,
        channels: mpsc::Receiver<(AssetName, Option<String>)>,
    ) -> Self {
        let (tell, told) = mpsc::channel(SIGNS_LEN_MAX);
        let (miss, missed) = watch::channel(false);
        Self {
            layout,
            reporter: Reporter::new(handle, known),
            problems,
            deck: None,
            targets: Vec::new(),
            scans: Vec::new(),
            refused: Vec::new(),
            failures: Vec::new(),
            settling: Settling::default(),
            digests: Digests::default(),
            leaving: VecDeque::new(),
            devices: Vec::new(),
            watcher: None,
            told,
            tell,
            channels,
            silent: BTreeMap::new(),
            missed,
            miss,
        }
    }

    /// Watches until the engine stops.
    pub(super) async fn run(mut self, mut live: watch::Receiver<Arc<Live>>) {
        let deck = Arc::clone(&live.borrow_and_update().deck);
        self.follow(deck);
        let mut taken = Vec::with_capacity(TAKEN_LEN_MAX);
        loop {
            let due = self.next_due();
            let done = tokio::select! {
                changed = live.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let deck = Arc::clone(&live.borrow_and_update().deck);
                    self.follow(deck);
                    Ok(())
                }
                _ = self.told.recv_many(&mut taken, TAKEN_LEN_MAX) => {
                    let taken = std::mem::take(&mut taken);
                    self.hear(taken).await
                }
                Some((asset, problem)) = self.channels.recv() => {
                    match problem {
                        Some(problem) => self.silent.insert(asset, problem),
                        None => self.silent.remove(&asset),
                    };
                    self.tell_problems();
                    Ok(())
                }
                read = self.digests.next() => self.report_read(read).await,
                Ok(()) = self.missed.changed() => self.hear(vec![Told::Missed]).await,
                () = until(due) => self.catch_up().await,
            };
            if let Err(fault) = done {
                if fault.kind == FaultKind::Unavailable {
                    // The engine has stopped.
                    return;
                }
                tracing::warn!(%fault, "a file that came could not be reported");
                self.scans = vec![time::instant() + RETRY; self.targets.len()];
            }
        }
    }

    /// Watches what the deck says now.
    fn follow(&mut self, deck: Arc<Deck>) {
        if self.deck.as_ref().is_some_and(|known| Arc::ptr_eq(known, &deck)) {
            return;
        }
        let (targets, refused) = Target::all(&deck);
        self.deck = Some(deck);
        self.refused = refused;
        if targets != self.targets || self.watcher.is_none() {
            self.failures = vec![None; targets.len()];
            self.devices = vec![None; targets.len()];
            self.targets = targets;
            self.watch_folders();
            self.look_again();
        }
        self.tell_problems();
    }

    /// Makes a new watcher of all folders; the old one ends.
    fn watch_folders(&mut self) {
        self.watcher = None;
        if self.targets.is_empty() {
            return;
        }
        let (tell, miss) = (self.tell.clone(), self.miss.clone());
        let heard = move |event: notify::Result<notify::Event>| {
            for told in translate(event) {
                if tell.try_send(told).is_err() {
                    miss.send_replace(true);
                }
            }
        };
        match notify::recommended_watcher(heard) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => {
                let text = format!("files are seen only by scans: {error}");
                self.refused.push(text);
            }
        }
        for at in 0..self.targets.len() {
            self.failures[at] = self.watch_folder(at).err();
        }
    }

    fn watch_folder(&mut self, at: usize) -> Result<(), String> {
        let target = &self.targets[at];
        let told = |error: &dyn std::fmt::Display| {
            format!("asset `{}`: watch `{}`: {error}", target.asset, target.folder.display())
        };
        std::fs::create_dir_all(&target.folder).map_err(|error| told(&error))?;
        let mode = if self
            .targets
            .iter()
            .any(|other| other.folder == target.folder && other.is_recursive())
        {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        match &mut self.watcher {
            Some(watcher) => watcher.watch(&target.folder, mode).map_err(|error| told(&error)),
            None => Ok(()),
        }
    }

    /// Scans everything as soon as possible.
    fn look_again(&mut self) {
        self.scans = vec![time::instant(); self.targets.len()];
    }

    /// Takes signs in their order, and reports what they say at once.
    async fn hear(&mut self, all: Vec<Told>) -> Result<(), Fault> {
        let now = time::instant();
        let mut tellings = Vec::new();
        for told in all {
            match told {
                Told::LookAgain => self.look_again(),
                Told::Missed => {
                    self.settling.doubt(now);
                    self.look_again();
                }
                Told::File(path, sign) => {
                    tellings.extend(self.take(path, sign, None));
                }
                Told::Left(path, cookie) => {
                    if let Some(cookie) = cookie {
                        self.leaving.push_back((cookie, path.clone()));
                    }
                    if self.leaving.len() > LEAVING_LEN_MAX {
                        self.leaving.pop_front();
                    }
                    tellings.extend(self.take(path, Sign::Gone, None));
                }
                Told::Arrived(path, cookie) => {
                    let at = self.leaving.iter().position(|(left, _)| Some(*left) == cookie);
                    let from = at.and_then(|at| self.leaving.remove(at)).map(|(_, path)| path);
                    tellings.extend(self.take(path, Sign::Complete, from));
                }
            }
        }
        self.report(tellings).await
    }

    /// Reports, and has the content read where that is wanted; what was read is told later.
    async fn report(&mut self, tellings: Vec<Telling>) -> Result<(), Fault> {
        if self.targets.iter().any(|target| target.hash) {
            for telling in &tellings {
                if let Telling::There { path, moved_from, content: Content::NotRead } = telling
                    && self.targets.iter().any(|one| one.hash && one.uri_of(path).is_some())
                {
                    self.digests.add(path.clone(), moved_from.clone());
                }
            }
        }
        self.reporter.report(&self.targets, tellings).await
    }

    async fn report_read(&mut self, read: Digested) -> Result<(), Fault> {
        let Digested { path, moved_from, content } = read;
        match content {
            Some(content) => self.report(vec![Telling::There { path, moved_from, content }]).await,
            // It was written to meanwhile.
            None => {
                if matches!(see(&path), Seen::File(_)) {
                    self.settling.note(time::instant(), &path, Sign::There);
                }
                Ok(())
            }
        }
    }

    fn take(&mut self, path: PathBuf, sign: Sign, from: Option<PathBuf>) -> Option<Telling> {
        if sign == Sign::Complete && path.is_dir() {
            // A folder was moved into place, with whatever is in it.
            self.look_again();
            return None;
        }
        let is_meant =
            |path: &Path| self.targets.iter().any(|target| target.uri_of(path).is_some());
        if !is_meant(&path) {
            return None;
        }
        let moved_from = from.filter(|from| is_meant(from));
        if !self.settling.note(time::instant(), &path, sign) {
            return None;
        }
        if let Some(from) = &moved_from {
            self.settling.forget(from);
        }
        Some(Telling::There { path, moved_from, content: Content::NotRead })
    }

    fn next_due(&self) -> Option<Instant> {
        self.scans.iter().copied().chain(self.settling.next_due()).min()
    }

    /// Does the scans that are due, and reports what has been quiet.
    async fn catch_up(&mut self) -> Result<(), Fault> {
        for at in 0..self.targets.len() {
            let now = time::instant();
            if self.scans[at] <= now {
                self.scans[at] = now + self.targets[at].every;
                self.scan(at).await;
            }
        }
        let settled = self.settling.due(time::instant(), see).into_iter();
        let tellings = settled.map(|settled| match settled {
            Settled::Complete(path) => {
                Telling::There { path, moved_from: None, content: Content::NotRead }
            }
            Settled::Gone(path) => Telling::Gone(path),
        });
        self.report(tellings.collect()).await
    }

    async fn scan(&mut self, at: usize) {
        let target = self.targets[at].clone();
        if !target.folder.is_dir() {
            // It was taken away, and its watch with it.
            self.failures[at] = self.watch_folder(at).err();
        }
        let (asset, folder) = (target.asset.clone(), target.folder.clone());
        match tokio::task::spawn_blocking(move || scan(&target)).await {
            Ok(Ok(found)) => self.compare(at, &found),
            Ok(Err(error)) => {
                let text = format!("asset `{asset}`: scan `{}`: {error}", folder.display());
                self.failures[at] = Some(text);
            }
            Err(error) => tracing::error!(%error, "a scan ended in a way it should not"),
        }
        self.tell_problems();
    }

    /// Takes note of what lies there otherwise than it was told, and of what is not there. Where
    /// the folder is on another file system than it was (a disk that is not mounted), what is
    /// missing is not gone.
    fn compare(&mut self, at: usize, found: &Found) {
        let (target, now) = (&self.targets[at], time::instant());
        for (look, path) in &found.files {
            if !self.reporter.knows(target, path, *look) {
                self.settling.found(now, path, *look, look.age(time::now()));
            }
        }
        if *self.devices[at].get_or_insert(found.device) != found.device {
            let text = format!(
                "asset `{}`: `{}` is on another file system than before: what is missing in it \
                 is not told as deleted",
                target.asset,
                target.folder.display()
            );
            self.failures[at] = Some(text);
        } else if found.is_whole {
            let there: HashSet<&Path> = found.files.iter().map(|(_, path)| &**path).collect();
            let missing: Vec<PathBuf> =
                self.reporter.paths(target).filter(|path| !there.contains(&**path)).collect();
            for path in missing {
                self.settling.note(now, &path, Sign::Gone);
            }
        }
    }

    fn tell_problems(&self) {
        let silent = self.silent.iter();
        let silent = silent.map(|(asset, why)| format!("asset `{asset}` is not followed: {why}"));
        let told = self.refused.iter().chain(self.failures.iter().flatten()).cloned();
        let all: Vec<_> = told.chain(silent).collect();
        self.problems.send_if_modified(|told| {
            if *told == all {
                return false;
            }
            for problem in &all {
                tracing::warn!(project = %self.layout.project().display(), "{problem}");
            }
            told.clone_from(&all);
            true
        });
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn translate(event: notify::Result<notify::Event>) -> Vec<Told> {
    let Ok(event) = event else { return vec![Told::Missed] };
    if event.attrs.flag() == Some(Flag::Rescan) {
        return vec![Told::Missed];
    }
    let sign = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Sign::Complete,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            let cookie = event.attrs.tracker();
            return event.paths.into_iter().map(|path| Told::Left(path, cookie)).collect();
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
            let cookie = event.attrs.tracker();
            return event.paths.into_iter().map(|path| Told::Arrived(path, cookie)).collect();
        }
        EventKind::Create(CreateKind::Folder) => return vec![Told::LookAgain],
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Any)) => Sign::There,
        EventKind::Access(AccessKind::Open(_)) => Sign::Opened,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => Sign::Written,
        EventKind::Remove(RemoveKind::Folder) => return vec![Told::LookAgain],
        EventKind::Remove(_) => Sign::Gone,
        _ => return Vec::new(),
    };
    event.paths.into_iter().map(|path| Told::File(path, sign)).collect()
}
