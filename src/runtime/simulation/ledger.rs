//! The books: what was launched, what ran, what was reported and what the engine counted. An entry
//! is made when it is decided and counts when it is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::sched::{Decided, Effect, Input, Outcome, Report};
use crate::types::{AttemptKey, DagRunId, LaunchToken};

/// The books of one seed.
#[derive(Default)]
pub(super) struct Ledger {
    attempts: BTreeMap<LaunchToken, Attempt>,
    /// Decided, and not yet written.
    pending: Vec<Entry>,
    /// How often each token ran.
    ran: BTreeMap<LaunchToken, u32>,
    /// What attempts wrote into their reports.
    pub(super) reported: BTreeMap<LaunchToken, Outcome>,
    /// Runs whose trigger was answered with "OK".
    pub(super) promised: BTreeSet<DagRunId>,
    /// Changes of an asset that were told, by key: how often they were said to be new.
    pub(super) told: BTreeMap<String, u32>,
}

struct Attempt {
    key: AttemptKey,
    stand: Stand,
}

#[derive(Debug, Clone, PartialEq)]
enum Stand {
    InForce,
    Killed,
    Counted(Counted),
}

/// As what a report was counted.
#[derive(Debug, Clone, PartialEq)]
enum Counted {
    Finished(Outcome),
    Lost,
    Deferred,
}

enum Entry {
    Launched(LaunchToken, AttemptKey),
    Killed(LaunchToken),
    Counted(LaunchToken, Counted),
}

impl Ledger {
    /// Takes note of what the scheduler accepted.
    pub(super) fn decided(&mut self, input: &Input, decided: &Decided) {
        if let Input::Report(report) = input {
            let counted = match report {
                Report::Started { .. } | Report::Noted { .. } => None,
                Report::Finished { token, outcome, .. } => {
                    Some((token, Counted::Finished(outcome.clone())))
                }
                Report::Lost { token, .. } => Some((token, Counted::Lost)),
                Report::Deferred { token, .. } => Some((token, Counted::Deferred)),
            };
            let counted = counted.map(|(token, how)| Entry::Counted(token.clone(), how));
            self.pending.extend(counted);
        }
        for effect in &decided.effects {
            match effect {
                Effect::Launch(launch) => {
                    let entry = Entry::Launched(launch.token.clone(), launch.key.clone());
                    self.pending.push(entry);
                }
                Effect::Kill { token, .. } => self.pending.push(Entry::Killed(token.clone())),
                _ => {}
            }
        }
    }

    /// What was decided is forgotten: the state comes from the store again.
    pub(super) fn forget_pending(&mut self) {
        self.pending.clear();
    }

    /// What was decided is written.
    pub(super) fn committed(&mut self) -> Result<(), String> {
        std::mem::take(&mut self.pending).into_iter().try_for_each(|entry| self.enter(entry))
    }

    fn enter(&mut self, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::Launched(token, key) => {
                let attempt = Attempt { key, stand: Stand::InForce };
                match self.attempts.insert(token.clone(), attempt) {
                    Some(first) => Err(format!("token {token} was given out twice: {}", first.key)),
                    None => Ok(()),
                }
            }
            Entry::Killed(token) => {
                if let Some(attempt) = self.attempts.get_mut(&token) {
                    attempt.stand = Stand::Killed;
                }
                Ok(())
            }
            Entry::Counted(token, how) => {
                let Some(attempt) = self.attempts.get_mut(&token) else {
                    return Err(format!("a report of {token} was counted, which nobody launched"));
                };
                if attempt.stand != Stand::InForce {
                    return Err(format!(
                        "a report of {token} ({}) was counted, which was {:?} already",
                        attempt.key, attempt.stand
                    ));
                }
                attempt.stand = Stand::Counted(how);
                Ok(())
            }
        }
    }

    /// A process is about to be started for a token.
    pub(super) fn spawns(&self, token: &LaunchToken) -> Result<(), String> {
        match self.attempts.get(token).map(|attempt| &attempt.stand) {
            None => Err(format!("{token} is acted on before its commit")),
            Some(Stand::Counted(how)) => {
                Err(format!("{token} is launched, but its task has ended: {how:?}"))
            }
            // It may be cancelled while it is prepared; then it is ended at once.
            Some(Stand::InForce | Stand::Killed) => Ok(()),
        }
    }

    /// A process has claimed a token and does its work.
    pub(super) fn runs(&mut self, token: &LaunchToken) -> Result<(), String> {
        let count = self.ran.entry(token.clone()).or_default();
        *count += 1;
        if *count == 1 { Ok(()) } else { Err(format!("{token} ran {count} times")) }
    }

    /// Every report that was written counts, once, as what it says.
    pub(super) fn check_reports(&self) -> Result<(), String> {
        for (token, outcome) in &self.reported {
            let Some(attempt) = self.attempts.get(token) else {
                return Err(format!("{token} reported, and nobody launched it"));
            };
            match &attempt.stand {
                Stand::Killed => {}
                Stand::Counted(Counted::Finished(counted)) if counted == outcome => {}
                other => {
                    return Err(format!(
                        "{token} ({}) reported {outcome:?}, and counts as {other:?}",
                        attempt.key
                    ));
                }
            }
        }
        let open = self.attempts.iter().find(|(_, attempt)| attempt.stand == Stand::InForce);
        open.map_or(Ok(()), |(token, attempt)| {
            Err(format!("{token} ({}) was launched, and never ended", attempt.key))
        })
    }
}
