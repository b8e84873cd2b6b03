//! What was fetched, by what it answers. An entry keeps its last good answer while it is fetched
//! again, so that a screen never goes blank.

use std::collections::HashMap;

use crate::types::Fault;
use crate::types::ask::Answer;
use crate::types::event::Event;
use crate::types::run::DagRunKey;
use crate::types::view::RunDetailView;

mod read;
mod slot;

pub(crate) use slot::Slot;

/// A list of more DAGs than this is not asked for with every event.
const MANY_DAGS: usize = 200;

/// So many trials, or runs of an experiment, are not asked for with every event either: a search
/// may end ten trials in a second.
const MANY_TRIALS: usize = 200;
const MANY_TRACKED: u64 = 1_000;

/// Entries kept beyond those that are shown.
const KEPT_ENTRIES: usize = 256;

/// One fetched thing.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// The number of the question under way.
    pub(crate) asked: Option<u64>,
    /// It changed since it was last asked for.
    pub(crate) is_old: bool,
    /// So it did, but it costs much: it is asked for with the next tick.
    is_old_in_a_while: bool,
    pub(crate) answer: Option<Answer>,
    pub(crate) fault: Option<Fault>,
    used: u64,
    /// Which question it answers: another answer has another stamp.
    stamp: u64,
}

impl Entry {
    /// Says whether it costs the daemon or the line too much to be asked for with every event.
    fn is_heavy(&self, slot: &Slot) -> bool {
        match (slot, &self.answer) {
            (_, None) => false,
            (Slot::Attention | Slot::Pulse, Some(_)) => true,
            (Slot::Dags, Some(Answer::Dags(dags))) => dags.len() > MANY_DAGS,
            (Slot::FoundRuns(..), Some(_)) => true,
            (Slot::Trials(_), Some(Answer::Trials(view))) => view.trials.len() > MANY_TRIALS,
            (Slot::TrackingRuns(_), Some(Answer::TrackingRuns { total, .. })) => {
                *total > MANY_TRACKED
            }
            (Slot::Backfill(_, pages), Some(_)) => *pages > 1,
            _ => false,
        }
    }
}

/// Everything fetched.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: HashMap<Slot, Entry>,
    uses: u64,
    /// How often an answer was taken.
    changes: u64,
}

impl Cache {
    /// Says whether it must be asked for: never fetched, or old, and not under way.
    pub(crate) fn wants(&self, slot: &Slot) -> bool {
        self.entries.get(slot).is_none_or(|entry| {
            entry.asked.is_none()
                && (entry.is_old || (entry.answer.is_none() && entry.fault.is_none()))
        })
    }

    /// Says whether there is nothing of it to show yet.
    pub(crate) fn is_new(&self, slot: &Slot) -> bool {
        self.entries.get(slot).is_none_or(|entry| entry.answer.is_none())
    }

    /// Notes that it is being asked for.
    pub(crate) fn ask(&mut self, slot: Slot, generation: u64) {
        self.uses += 1;
        let entry = self.entries.entry(slot).or_default();
        entry.asked = Some(generation);
        entry.is_old = false;
        entry.used = self.uses;
    }

    /// Takes an answer; says `false` where it comes late and is dropped.
    pub(crate) fn put(
        &mut self,
        slot: &Slot,
        generation: u64,
        result: Result<Answer, Fault>,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(slot) else { return false };
        if entry.asked != Some(generation) {
            return false;
        }
        entry.asked = None;
        self.changes += 1;
        match result {
            Ok(answer) => {
                entry.answer = Some(answer);
                entry.fault = None;
                entry.stamp = generation;
            }
            Err(fault) => entry.fault = Some(fault),
        }
        self.evict();
        true
    }

    /// Marks as old what `event` touches; says whether anything was.
    pub(crate) fn touch(&mut self, event: &Event) -> bool {
        let mut any = false;
        for (slot, entry) in &mut self.entries {
            if !slot.is_touched_by(event) {
                continue;
            }
            if entry.is_heavy(slot) {
                entry.is_old_in_a_while = true;
            } else {
                entry.is_old = true;
                any = true;
            }
        }
        any
    }

    /// Marks as old what costs much and was touched since this was called last.
    pub(crate) fn ripen(&mut self) {
        for entry in self.entries.values_mut() {
            entry.is_old |= std::mem::take(&mut entry.is_old_in_a_while);
        }
    }

    /// Marks as old what `which` picks; says whether anything was.
    pub(crate) fn mark_old(&mut self, which: impl Fn(&Slot) -> bool) -> bool {
        let mut any = false;
        for (slot, entry) in &mut self.entries {
            if which(slot) {
                entry.is_old = true;
                any = true;
            }
        }
        any
    }

    /// Forgets which questions are under way: after a lost line their answers never come.
    pub(crate) fn reset_asked(&mut self) {
        for entry in self.entries.values_mut() {
            entry.asked = None;
            entry.is_old = true;
        }
    }

    /// Says whether what is there is not known to be old.
    pub(crate) fn is_settled(&self, slot: &Slot) -> bool {
        self.entries
            .get(slot)
            .is_some_and(|entry| entry.answer.is_some() && !entry.is_old && entry.asked.is_none())
    }

    /// Returns how often an answer was taken: while this stays so do the rows of all lists.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns which answer there is; another one has another stamp.
    pub(crate) fn stamp(&self, slot: &Slot) -> Option<u64> {
        self.entries.get(slot).filter(|entry| entry.answer.is_some()).map(|entry| entry.stamp)
    }

    /// Returns a run to be changed by what an event says of it.
    pub(crate) fn run_mut(&mut self, key: &DagRunKey) -> Option<&mut RunDetailView> {
        match self.entries.get_mut(&Slot::Run(key.clone()))?.answer.as_mut()? {
            Answer::RunDetail(view) => Some(view),
            _ => None,
        }
    }

    /// Returns why it could not be fetched, where nothing older can be shown instead.
    pub(crate) fn fault(&self, slot: &Slot) -> Option<&Fault> {
        self.entries.get(slot).and_then(|entry| entry.fault.as_ref())
    }

    fn evict(&mut self) {
        if self.entries.len() <= KEPT_ENTRIES {
            return;
        }
        let oldest = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.asked.is_none())
            .min_by_key(|(_, entry)| entry.used)
            .map(|(slot, _)| slot.clone());
        if let Some(slot) = oldest {
            self.entries.remove(&slot);
        }
    }

    fn answer(&self, slot: &Slot) -> Option<&Answer> {
        self.entries.get(slot)?.answer.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_an_older_question_is_dropped() {
        let mut cache = Cache::default();
        cache.ask(Slot::Dags, 1);
        cache.ask(Slot::Dags, 2);
        assert!(!cache.put(&Slot::Dags, 1, Ok(Answer::Dags(vec![]))));
        assert!(cache.dags().is_none());
        assert!(cache.put(&Slot::Dags, 2, Ok(Answer::Dags(vec![]))));
        assert!(cache.dags().is_some());
    }

    #[test]
    fn a_change_during_a_fetch_makes_it_fetched_again() {
        let mut cache = Cache::default();
        cache.ask(Slot::Dags, 1);
        cache.touch(&Event::Resync);
        assert!(!cache.wants(&Slot::Dags), "it is under way");
        cache.put(&Slot::Dags, 1, Ok(Answer::Dags(vec![])));
        assert!(cache.wants(&Slot::Dags));
    }

    #[test]
    fn a_failed_fetch_keeps_the_last_answer_and_is_not_repeated_by_itself() {
        let mut cache = Cache::default();
        cache.ask(Slot::Dags, 1);
        cache.put(&Slot::Dags, 1, Ok(Answer::Dags(vec![])));
        cache.ask(Slot::Dags, 2);
        cache.put(&Slot::Dags, 2, Err(Fault::unavailable("the daemon has gone")));
        assert!(cache.dags().is_some());
        assert!(cache.fault(&Slot::Dags).is_some());
        assert!(!cache.wants(&Slot::Dags));
    }

    #[test]
    fn what_costs_much_waits_for_the_tick() {
        let mut cache = Cache::default();
        cache.ask(Slot::Attention, 1);
        cache.put(&Slot::Attention, 1, Ok(Answer::Attention(vec![])));
        assert!(!cache.touch(&Event::Resync));
        assert!(!cache.wants(&Slot::Attention));
        cache.ripen();
        assert!(cache.wants(&Slot::Attention));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut cache = Cache::default();
        for n in 0..600 {
            let slot = Slot::Model(n.to_string());
            cache.ask(slot.clone(), n);
            cache.put(&slot, n, Err(Fault::not_found("no such model")));
        }
        assert!(cache.entries.len() <= KEPT_ENTRIES);
    }
}
