//! The one desk at which definitions are put in force: what the files say, with what operators
//! set at run time laid over it. One at a time, so that neither is lost to the other.
//!
//! ```text
//! dags.toml changed ─► reload ──► dag::load(files, settings) ──┐
//! an operator sets  ─► change ──► store, deck.with_settings ───┴─► engine: DefinitionsLoaded
//! ```
//! A change of the settings needs no file: it is laid over the deck in force, and so it counts
//! also while `dags.toml` is broken.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Transaction;
use tokio::sync::{Mutex, Notify};

use crate::dag::{self, Deck, Diagnostics};
use crate::runtime::handle::Handle;
use crate::runtime::project::Lookup;
use crate::runtime::promotion::off_thread;
use crate::sched::Input;
use crate::store::{Store, StoreError, settings};
use crate::types::settings::Settings;
use crate::types::{Fault, FaultKind};

/// Puts definitions in force; clones share the turn.
#[derive(Clone)]
pub struct Desk {
    project: PathBuf,
    store: Store,
    handle: Handle,
    lookup: Lookup,
    turn: Arc<Mutex<()>>,
    /// The settings have changed: files that were broken may be right now.
    pub(crate) changed: Arc<Notify>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("project", &self.project).finish_non_exhaustive()
    }
}

impl Desk {
    pub fn new(project: PathBuf, store: Store, handle: Handle, lookup: Lookup) -> Self {
        let turn = Arc::new(Mutex::new(()));
        Self { project, store, handle, lookup, turn, changed: Arc::new(Notify::new()) }
    }

    /// Resolves `${env:NAME}`.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// Reads the files and puts them in force; returns the deck, or what is wrong with it.
    pub async fn reload(&self) -> Result<Result<Arc<Deck>, Diagnostics>, Fault> {
        let _turn = self.turn.lock().await;
        let settings = self.settings().await?;
        let deck = match self.load(settings).await? {
            Ok(deck) => Arc::new(deck),
            Err(diagnostics) => return Ok(Err(diagnostics)),
        };
        self.handle.ask(Input::DefinitionsLoaded(Arc::clone(&deck))).await?;
        Ok(Ok(deck))
    }

    /// Changes the settings and puts them in force. `deck` gives the one that is, `check` refuses
    /// against it; `breaks` says that definitions may come to lack what they name, which is
    /// refused too; `write` does it, in one transaction.
    pub async fn change(
        &self,
        deck: impl Fn() -> Arc<Deck> + Send,
        change: Change,
    ) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        let before = self.settings().await?;
        let deck = deck();
        (change.check)(&deck, &before)?;
        let mut after = before.clone();
        (change.edit)(&mut after);
        if change.may_break {
            self.refuse_what_breaks(before, after.clone()).await?;
        }
        self.store.write(change.write).await?;
        let deck = {
            let lookup = Arc::clone(&self.lookup);
            // Files may be read for what stands in `${file:…}`.
            off_thread(move || Ok(deck.with_settings(after, &*lookup))).await?
        };
        let in_force = self.handle.ask(Input::DefinitionsLoaded(Arc::new(deck))).await;
        self.changed.notify_one();
        in_force.map(drop)
    }

    async fn settings(&self) -> Result<Settings, Fault> {
        Ok(self.store.read(settings::load).await?)
    }

    async fn load(&self, settings: Settings) -> Result<Result<Deck, Diagnostics>, Fault> {
        let (project, lookup) = (self.project.clone(), Arc::clone(&self.lookup));
        off_thread(move || Ok(dag::load(&project, &*lookup, &settings))).await
    }

    /// Lets the check itself say who needs what is to be changed.
    async fn refuse_what_breaks(&self, before: Settings, after: Settings) -> Result<(), Fault> {
        let Err(found) = self.load(after).await? else { return Ok(()) };
        let known = match self.load(before).await? {
            Ok(_) => Vec::new(),
            Err(diagnostics) => diagnostics.0,
        };
        let new: Vec<_> = found.0.iter().filter(|one| !known.contains(one)).collect();
        let Some(first) = new.first() else { return Ok(()) };
        let more = match new.len() {
            1 => String::new(),
            count => format!(" ({count} errors in all)"),
        };
        let place = format!("{}:{}:{}", first.file, first.line, first.column);
        let text = format!("`dags.toml` would be broken: {} at {place}{more}", first.message);
        Err(Fault::new(FaultKind::Conflict, text).hint("take it out there first"))
    }
}

type Check = dyn Fn(&Deck, &Settings) -> Result<(), Fault> + Send + Sync;
type Edit = dyn Fn(&mut Settings) + Send + Sync;
type Write = dyn FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send;

/// A change of the settings.
pub struct Change {
    /// Refuses it.
    pub check: Box<Check>,
    /// Does it to the settings in memory.
    pub edit: Box<Edit>,
    /// Does it in the store, with a line for the feed.
    pub write: Box<Write>,
    /// Whether a definition may need what it takes away.
    pub may_break: bool,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change").field("may_break", &self.may_break).finish_non_exhaustive()
    }
}
