//! Reads `dags.toml` again when it changes; a broken edit leaves the last good version in force.
//!
//! ```text
//! file events ─┐
//! every 5 s  ──┴─► do the files differ? ─► dag::load ─┬─ good ─► engine, then `definitions`
//!                                                     └─ broken ─► `definitions`
//! ```
//! Folders are watched, not files: editors write a new file and rename it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::dag::{self, Deck, Diagnostics};
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::sched::Input;
use crate::types::event::Event;
use crate::types::time;
use crate::types::view::{DefinitionsView, DiagnosticView};

mod footprint;

use footprint::Footprint;

/// Resolves `${env:NAME}`.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// An editor writes several times in a row; this long after the last of it the files are read.
const SETTLE: Duration = Duration::from_millis(100);
/// Makes good for events that a network file system or a full queue of events swallows.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Watches the project's definitions until it is dropped.
#[derive(Debug)]
pub struct Project {
    /// What is wrong with the files as they are now.
    pub definitions: watch::Receiver<DefinitionsView>,
    task: AbortHandle,
}

impl Drop for Project {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts to watch. `first` is what was found when the daemon loaded the definitions.
pub fn start(
    layout: Layout,
    lookup: Lookup,
    first: DefinitionsView,
    handle: Handle,
    publisher: Publisher,
) -> Project {
    let (sender, definitions) = watch::channel(first);
    let watching = Watching {
        sources: vec![layout.project().join("dags.toml")],
        layout,
        lookup,
        definitions: sender,
        handle,
        publisher,
        last: None,
    };
    let task = tokio::spawn(watching.run()).abort_handle();
    Project { definitions, task }
}

/// What the watching task owns.
struct Watching {
    layout: Layout,
    lookup: Lookup,
    definitions: watch::Sender<DefinitionsView>,
    handle: Handle,
    publisher: Publisher,
    /// The files that the version in force was read from.
    sources: Vec<PathBuf>,
    /// The files as they were when they were last read.
    last: Option<Footprint>,
}

impl Watching {
    async fn run(mut self) {
        let seen = Arc::new(Notify::new());
        let mut watcher = watcher(&seen);
        loop {
            let folders = footprint::folders(self.layout.project(), &self.sources);
            watcher.follow(&folders);
            // The first look makes good for edits between the daemon's load and this watch.
            self.look(&folders).await;
            tokio::select! {
                () = seen.notified() => tokio::time::sleep(SETTLE).await,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Reads the definitions where the files differ from those read last.
    async fn look(&mut self, folders: &[PathBuf]) {
        let (sources, folders) = (self.sources.clone(), folders.to_vec());
        let taken = tokio::task::spawn_blocking(move || Footprint::take(&sources, &folders)).await;
        let Ok(taken) = taken else { return };
        if self.last.as_ref() == Some(&taken) {
            return;
        }
        match self.load().await {
            Some(Ok(deck)) => {
                if !self.put_in_force(deck).await {
                    return;
                }
            }
            Some(Err(diagnostics)) => self.show(&diagnostics),
            None => return,
        }
        self.last = Some(taken);
    }

    /// `None`: the load panicked, which its own log line tells.
    async fn load(&self) -> Option<Result<Deck, Diagnostics>> {
        let (project, lookup) = (self.layout.project().to_owned(), self.lookup.clone());
        tokio::task::spawn_blocking(move || dag::load(&project, &*lookup)).await.ok()
    }

    /// `false`: the engine could not take it now; it is tried again.
    async fn put_in_force(&mut self, deck: Deck) -> bool {
        let sources = deck.sources.clone();
        if let Err(fault) = self.handle.ask(Input::DefinitionsLoaded(Arc::new(deck))).await {
            tracing::warn!(%fault, "could not put the definitions in force");
            return false;
        }
        self.sources = sources;
        let view = DefinitionsView { diagnostics: Vec::new(), loaded_at: Some(time::now()) };
        self.definitions.send_replace(view);
        self.publisher.publish(Event::DefinitionsChanged { broken: false });
        true
    }

    fn show(&self, diagnostics: &Diagnostics) {
        let diagnostics: Vec<_> = diagnostics.0.iter().map(DiagnosticView::from).collect();
        tracing::warn!(errors = diagnostics.len(), "the definitions are broken");
        self.definitions.send_modify(|view| view.diagnostics = diagnostics);
        self.publisher.publish(Event::DefinitionsChanged { broken: true });
    }
}

/// Folders that are watched; without a watcher (no handles left) the look every few seconds has
/// to do.
struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
}

fn watcher(seen: &Arc<Notify>) -> Folders {
    let seen = seen.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.as_ref().map_or(true, concerns_definitions) {
            seen.notify_one();
        }
    });
    if let Err(error) = &watcher {
        tracing::warn!(%error, "cannot watch the definitions; they are looked at every 5 s");
    }
    Folders { watcher: watcher.ok(), watched: Vec::new() }
}

/// Reading is an event as well; what is not TOML may be a folder that came or went.
fn concerns_definitions(event: &notify::Event) -> bool {
    let is_toml = |path: &PathBuf| path.extension().is_none_or(|extension| extension == "toml");
    !event.kind.is_access() && (event.paths.is_empty() || event.paths.iter().any(is_toml))
}

impl Folders {
    fn follow(&mut self, folders: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.watched.iter().filter(|folder| !folders.contains(folder)) {
            // An error says that the folder itself is gone.
            let _ = watcher.unwatch(gone);
        }
        self.watched.retain(|folder| folders.contains(folder));
        for folder in folders {
            if self.watched.contains(folder) {
                continue;
            }
            match watcher.watch(Path::new(folder), RecursiveMode::NonRecursive) {
                Ok(()) => self.watched.push(folder.clone()),
                Err(error) => tracing::debug!(folder = %folder.display(), %error, "not watched"),
            }
        }
    }
}
