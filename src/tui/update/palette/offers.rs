//! What the palette offers: its entries are made once, at its first opening, and made anew where
//! what they are made from has changed; a key stroke only ranks them. The letters that fit and the words about a task
//! are for who draws: they are worked out for the rows that are seen.

use crate::fuzzy::{Fit, Sought};
use crate::state::popup::Scope;
use crate::state::{Popup, Slot, State};
use crate::text;
use crate::theme;
use crate::update::palette::Command;
use crate::update::palette::entries::{self, Entry, GROUPS};

/// What a typed letter must be worth on average: letters strewn over a long name fit nothing.
const LETTER_LEAST: i32 = 5;

/// Names are not looked at beyond this for how wide their column is.
const WIDEST: usize = 40;

/// What has a name, but for tasks.
const NAMED: [Slot; 6] =
    [Slot::Dags, Slot::Runs(None), Slot::Assets, Slot::Models, Slot::Experiments, Slot::Variables];

/// The entries of a palette.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    /// Commands and what the keys do here: a hundred, made with every message.
    commands: Vec<Entry>,
    /// Everything that has a name: thousands.
    named: Vec<Entry>,
    /// The tasks of the run that is shown: ten thousands.
    tasks: Vec<Entry>,
    /// Whether only the keys of a pane are offered, and nothing that has a name.
    is_here: bool,
    /// Which answers `named` was made from.
    source: Option<[Option<u64>; NAMED.len()]>,
    /// Which shape of a run `tasks` was made from; the states of a run's tasks change, not their
    /// names.
    shape: Option<u64>,
    /// What `found` fits.
    typed: Option<String>,
    /// A command with what is typed after it; before all others.
    argued: Option<Entry>,
    /// What fits, best first, by the numbers in `commands` and on in `named` and in `tasks`.
    found: Vec<usize>,
    /// Cells that the longest name of those found has, where that is not too many.
    widest: usize,
}

impl Offers {
    /// Ranks anew at the next look: what was used last may have changed.
    pub(super) fn reopen(&mut self) {
        self.typed = None;
    }

    /// Returns how many fit.
    pub(crate) fn len(&self) -> usize {
        self.found.len() + usize::from(self.argued.is_some())
    }

    /// Returns the entry at a place among those that fit.
    pub(crate) fn get(&self, at: usize) -> Option<&Entry> {
        match (&self.argued, at) {
            (Some(entry), 0) => Some(entry),
            (argued, at) => {
                let at = *self.found.get(at - usize::from(argued.is_some()))?;
                self.entry(at)
            }
        }
    }

    /// Returns the cells that the longest of the names found has, where they are not too many.
    pub(crate) const fn widest(&self) -> usize {
        self.widest
    }

    /// Returns everything there is, in its first order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Entry> {
        let named = self.named.iter().chain(&self.tasks);
        self.commands.iter().chain(named.take(if self.is_here { 0 } else { usize::MAX }))
    }

    fn entry(&self, at: usize) -> Option<&Entry> {
        let (commands, named) = (self.commands.len(), self.named.len());
        match at {
            _ if at < commands => self.commands.get(at),
            _ if at < commands + named => self.named.get(at - commands),
            _ => self.tasks.get(at - commands - named),
        }
    }

    /// Makes anew what has a name where something came. Says whether it did.
    fn keep_names(&mut self, state: &State) -> bool {
        let source = Some(NAMED.map(|slot| state.cache.stamp(&slot)));
        let shape = state.shown_run().and(state.run.as_ref()).map(|index| index.shape);
        let is_new = (self.source != source, self.shape != shape);
        if is_new.0 {
            self.named = entries::named(state);
            self.source = source;
        }
        if is_new.1 {
            self.tasks = entries::tasks(state);
            self.shape = shape;
        }
        assert!(
            !cfg!(test)
                || (self.named == entries::named(state) && self.tasks == entries::tasks(state)),
            "a palette is stale"
        );
        is_new.0 || is_new.1
    }

    /// Finds what fits the typed text, best first; without text what was used last, or, for the
    /// keys of a pane, all of them by what they are for.
    fn rank(&mut self, recent: &[String], scope: Scope, typed: &str) {
        self.argued = None;
        if typed.is_empty() {
            let mut found: Vec<(usize, usize)> = self
                .all()
                .map(|entry| match scope {
                    Scope::All => recent.iter().position(|name| *name == entry.name),
                    Scope::Here => GROUPS.iter().position(|group| *group == entry.group),
                })
                .map(|rank| rank.unwrap_or(usize::MAX))
                .zip(0..)
                .collect();
            found.sort_unstable();
            self.found = found.into_iter().map(|(_, at)| at).collect();
        } else {
            let mut sought = Sought::new(typed);
            let mut score = |entry| score(entry, &mut sought, recent, scope, typed);
            let ranked = self.all().zip(0..);
            let ranked =
                ranked.filter_map(|(entry, at)| Some((std::cmp::Reverse(score(entry)?), at)));
            let mut ranked: Vec<_> = ranked.collect();
            ranked.sort_unstable();
            self.found = ranked.into_iter().map(|(_, at)| at).collect();
            if scope == Scope::All {
                let is_known = |name: &str| {
                    self.found
                        .iter()
                        .any(|at| self.entry(*at).is_some_and(|entry| entry.name == name))
                };
                self.argued = entries::with_arguments(typed).filter(|entry| !is_known(&entry.name));
            }
        }
        self.widest = 0;
        for at in 0..self.len() {
            self.widest = self.widest.max(self.get(at).map_or(0, |entry| text::width(&entry.name)));
            if self.widest >= WIDEST {
                break;
            }
        }
    }
}

/// Says how well an entry fits: its name counts, in the keys of a pane also its line of help and
/// its key.
fn score(
    entry: &Entry,
    sought: &mut Sought,
    recent: &[String],
    scope: Scope,
    typed: &str,
) -> Option<i32> {
    let by_help = || entry.help.to_lowercase().contains(&typed.to_lowercase());
    let score = match sought.score(&entry.name).filter(|score| *score >= least(typed)) {
        Some(score) => score,
        None if scope == Scope::Here && by_help() => 0,
        None => return None,
    };
    let is_recent = recent.contains(&entry.name);
    let is_key = entry.key == typed && scope == Scope::Here;
    Some(score + i32::from(is_recent) * 4 + i32::from(is_key) * 200)
}

/// Returns what a name must be worth to fit.
fn least(typed: &str) -> i32 {
    let letters = typed.chars().filter(|c| !c.is_whitespace()).count();
    i32::try_from(letters).unwrap_or(i32::MAX).saturating_mul(LETTER_LEAST)
}

/// Returns which of the name's characters are those typed.
pub(crate) fn letters(entry: &Entry, typed: &str) -> Vec<usize> {
    let typed = typed.trim();
    let fits = |fit: &Fit| fit.score >= least(typed);
    Sought::new(typed).fit(&entry.name).filter(fits).map(|fit| fit.letters).unwrap_or_default()
}

/// Returns what is told of an entry: of a task how it stands now.
pub(crate) fn help<'a>(state: &State, entry: &'a Entry) -> &'a str {
    match &entry.command {
        Command::Task(at) => {
            let task = state.shown_run().and_then(|run| run.tasks.get(*at));
            task.map_or("", |task| theme::task_mark(task.state).word)
        }
        _ => &entry.help,
    }
}

/// Brings what the open palette offers in line with what is typed and what there is.
pub(crate) fn keep(state: &mut State) {
    let Some(Popup::Palette(palette)) = &state.popup else { return };
    let mut offers = std::mem::take(&mut state.commands.offers);
    let (scope, typed) = (palette.scope, palette.input.value().trim().to_owned());
    let mut is_new = offers.typed.as_ref() != Some(&typed);
    let commands = entries::commands(state, scope);
    if commands != offers.commands {
        offers.commands = commands;
        is_new = true;
    }
    offers.is_here = scope == Scope::Here;
    if !offers.is_here {
        is_new |= offers.keep_names(state);
    }
    if is_new {
        offers.rank(&state.commands.recent, scope, &typed);
        offers.typed = Some(typed);
    }
    state.commands.offers = offers;
}
