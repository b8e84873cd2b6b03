//! Reads `dags.toml` again when it changes; a broken edit leaves the last good version in force.
//!
//! ```text
//! file events ─┐
//! every 5 s  ──┴─► do the files differ? ─► the desk ─┬─ good ─► engine, then `definitions`
//!                                                     └─ broken ─► `definitions`
//! ```
//! Folders are watched, not files: editors write a new file and rename it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::dag::{Deck, Diagnostics};
use crate::runtime::desk::Desk;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
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
pub fn start(layout: Layout, desk: Desk, first: DefinitionsView, publisher: Publisher) -> Project {
    let (sender, definitions) = watch::channel(first);
    let watching = Watching {
        sources: vec![layout.project().join("dags.toml")],
        layout,
        desk,
        definitions: sender,
        publisher,
        last: None,
    };
    let task = tokio::spawn(watching.run()).abort_handle();
    Project { definitions, task }
}

/// What the watching task owns.
struct Watching {
    layout: Layout,
    desk: Desk,
    definitions: watch::Sender<DefinitionsView>,
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
                () = self.desk.changed.notified() => {
                    // What was broken may have lacked only what was set now.
                    if !self.definitions.borrow().diagnostics.is_empty() {
                        self.last = None;
                    }
                }
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
        match self.desk.reload().await {
            Ok(Ok(deck)) => self.in_force(&deck),
            Ok(Err(diagnostics)) => self.show(&diagnostics),
            Err(fault) => {
                tracing::warn!(%fault, "could not put the definitions in force");
                return;
            }
        }
        self.last = Some(taken);
    }

    fn in_force(&mut self, deck: &Deck) {
        self.sources.clone_from(&deck.sources);
        let view = DefinitionsView { diagnostics: Vec::new(), loaded_at: Some(time::now()) };
        self.definitions.send_replace(view);
        self.publisher.publish(Event::DefinitionsChanged { broken: false });
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
