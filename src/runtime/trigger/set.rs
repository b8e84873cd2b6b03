//! What is waited for, and when each is looked at next. Pure: time is handed in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::dag::operator::Operator;
use crate::sched::Arm;
use crate::types::deferral::TriggerSpec;
use crate::types::{AttemptKey, DagId, LaunchToken, TaskId, Timestamp};

/// The shortest time between two looks, whatever the interval says, in seconds.
const INTERVAL_MIN: f64 = 0.05;

/// The longest time between two looks, in seconds: a year. Durations beyond it mean nothing.
const INTERVAL_MAX: f64 = 31_536_000.0;

/// All that is looked after.
#[derive(Debug, Default)]
pub(super) struct Set {
    entries: HashMap<LaunchToken, Entry>,
    due: BTreeSet<(Timestamp, LaunchToken)>,
    /// Those that wait for events of a DAG.
    watching: BTreeMap<DagId, BTreeSet<LaunchToken>>,
}

#[derive(Debug)]
struct Entry {
    key: AttemptKey,
    trigger: Arc<str>,
    /// Of what was seen last; a text would cost more than all the rest.
    seen: u64,
    looks: u32,
    next: Next,
    watches: Option<Box<Watch>>,
    is_blocking: bool,
}

/// When it is looked at next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    At(Timestamp),
    /// When an event comes.
    Event,
    /// It is being looked at; `again`: an event came meanwhile.
    Looking {
        again: bool,
    },
}

/// What events wake it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Watch {
    dag_id: DagId,
    /// Empty: the run itself.
    task_ids: Vec<TaskId>,
}

/// One that is to be looked at.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) key: AttemptKey,
    pub(super) token: LaunchToken,
    pub(super) trigger: Arc<str>,
    /// Its look is a few calls to the file system: many of them share a thread.
    pub(super) is_blocking: bool,
}

impl Set {
    /// Takes one in. The first look after several that came at once is spread over their
    /// interval, so that they do not come at once for ever.
    pub(super) fn arm(&mut self, now: Timestamp, arm: Arm) {
        if self.entries.contains_key(&arm.token) {
            return;
        }
        // One that cannot be read is looked at once, to say so.
        let spec = TriggerSpec::parse(&arm.trigger).ok();
        let operator = spec.as_ref().and_then(|spec| {
            Operator::ALL.iter().copied().find(|known| known.name() == spec.operator)
        });
        if operator == Some(Operator::Approval) {
            // The engine itself takes the answer.
            return;
        }
        let interval = spec.as_ref().map_or(0.0, |spec| spec.poke_interval);
        let first = if interval > 0.0 { interval * share(&arm.token) } else { 0.0 };
        let watches = spec.as_ref().and_then(|spec| watch(operator?, spec));
        if let Some(watch) = &watches {
            let of_dag = self.watching.entry(watch.dag_id.clone()).or_default();
            of_dag.insert(arm.token.clone());
        }
        let at = after(now, first);
        self.due.insert((at, arm.token.clone()));
        let entry = Entry {
            key: arm.key,
            trigger: arm.trigger,
            seen: arm.seen.as_deref().map_or(0, hash),
            looks: 0,
            next: Next::At(at),
            watches: watches.map(Box::new),
            is_blocking: matches!(operator, Some(Operator::SensorFile | Operator::SensorObject)),
        };
        self.entries.insert(arm.token, entry);
    }

    /// Forgets one. `false`: it is not there.
    pub(super) fn take(&mut self, token: &LaunchToken) -> bool {
        let Some(entry) = self.entries.remove(token) else { return false };
        if let Next::At(at) = entry.next {
            self.due.remove(&(at, token.clone()));
        }
        if let Some(watch) = entry.watches
            && let Some(of_dag) = self.watching.get_mut(&watch.dag_id)
        {
            of_dag.remove(token);
            if of_dag.is_empty() {
                self.watching.remove(&watch.dag_id);
            }
        }
        true
    }

    /// Forgets all but these.
    pub(super) fn retain(&mut self, wanted: &BTreeSet<&LaunchToken>) {
        let gone: Vec<LaunchToken> =
            self.entries.keys().filter(|token| !wanted.contains(token)).cloned().collect();
        for token in gone {
            self.take(&token);
        }
    }

    /// Returns one that is due, the longest due first; it is being looked at from now on.
    pub(super) fn next_due(&mut self, now: Timestamp) -> Option<Due> {
        let (at, _) = self.due.first()?;
        if *at > now {
            return None;
        }
        let (_, token) = self.due.pop_first()?;
        let entry = self.entries.get_mut(&token)?;
        entry.next = Next::Looking { again: false };
        entry.looks = entry.looks.saturating_add(1);
        Some(Due {
            key: entry.key.clone(),
            trigger: Arc::clone(&entry.trigger),
            is_blocking: entry.is_blocking,
            token,
        })
    }

    /// Returns when the next one is due.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// It has not come yet. Says whether what was seen is not what was seen last.
    pub(super) fn wait(
        &mut self,
        now: Timestamp,
        token: &LaunchToken,
        seen: &str,
        until: Option<Timestamp>,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(token) else { return false };
        let next = match (entry.next, until) {
            (Next::Looking { again: true }, _) => Next::At(now),
            (_, Some(until)) => Next::At(until),
            (_, None) => match interval(&entry.trigger, entry.looks) {
                Some(secs) => Next::At(after(now, secs)),
                None => Next::Event,
            },
        };
        entry.next = next;
        if let Next::At(at) = next {
            self.due.insert((at, token.clone()));
        }
        let hash = hash(seen);
        std::mem::replace(&mut entry.seen, hash) != hash
    }

    /// A task instance has changed, or a run where `task` is `None`: who waits for it looks.
    pub(super) fn changed(&mut self, now: Timestamp, dag_id: &DagId, task: Option<&TaskId>) {
        let Some(tokens) = self.watching.get(dag_id) else { return };
        let concerns = |token: &&LaunchToken| {
            let watch = self.entries.get(*token).and_then(|entry| entry.watches.as_ref());
            watch.is_some_and(|watch| match task {
                // A run that was made has tasks at once.
                None => true,
                Some(task) => watch.task_ids.contains(task),
            })
        };
        let woken: Vec<LaunchToken> = tokens.iter().filter(concerns).cloned().collect();
        woken.iter().for_each(|token| self.wake(now, token));
    }

    /// Events were missed: whoever waits for one looks.
    pub(super) fn all_changed(&mut self, now: Timestamp) {
        let woken: Vec<LaunchToken> = self.watching.values().flatten().cloned().collect();
        woken.iter().for_each(|token| self.wake(now, token));
    }

    fn wake(&mut self, now: Timestamp, token: &LaunchToken) {
        let Some(entry) = self.entries.get_mut(token) else { return };
        match entry.next {
            Next::Looking { .. } => entry.next = Next::Looking { again: true },
            Next::At(at) if at <= now => {}
            Next::At(at) => {
                self.due.remove(&(at, token.clone()));
                entry.next = Next::At(now);
                self.due.insert((now, token.clone()));
            }
            Next::Event => {
                entry.next = Next::At(now);
                self.due.insert((now, token.clone()));
            }
        }
    }
}

fn watch(operator: Operator, spec: &TriggerSpec) -> Option<Watch> {
    if !matches!(operator, Operator::SensorTask | Operator::TriggerDagRun) {
        return None;
    }
    let dag_id = DagId::from(spec.args.get("dag_id")?.as_str()?);
    let tasks = spec.args.get("task_ids").and_then(Value::as_array);
    let tasks = tasks.into_iter().flatten().filter_map(Value::as_str);
    Some(Watch { dag_id, task_ids: tasks.map(TaskId::from).collect() })
}

/// Returns the seconds until the next look; `None`: nothing is polled.
fn interval(trigger: &str, looks: u32) -> Option<f64> {
    let spec = TriggerSpec::parse(trigger).ok()?;
    if spec.poke_interval <= 0.0 {
        return None;
    }
    let Some(max) = spec.max_wait else { return Some(spec.poke_interval.max(INTERVAL_MIN)) };
    let doubled = spec.poke_interval * 2_f64.powi(i32::try_from(looks.min(60)).unwrap_or(60));
    Some(doubled.min(max).max(INTERVAL_MIN))
}

fn after(now: Timestamp, secs: f64) -> Timestamp {
    let wait = Duration::try_from_secs_f64(secs.clamp(0.0, INTERVAL_MAX)).unwrap_or_default();
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// A share of 1 that a token always gets.
fn share(token: &LaunchToken) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a thousand steps are fine enough")]
    let share = (hash(token.as_str()) % 1000) as f64 / 1000.0;
    share
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::sample::{at, key};
    use crate::types::deferral::{AtTimeout, OnError};

    fn arm(token: &str, operator: &str, args: Value, poke_interval: f64) -> Arm {
        let spec = TriggerSpec {
            operator: operator.into(),
            args: crate::store::sample::object(args),
            at_timeout: AtTimeout::Fail,
            on_error: OnError::Fail,
            poke_interval,
            max_wait: None,
            approval: None,
        };
        Arm {
            key: AttemptKey { task: key("d", "r", token), try_number: 1 },
            token: token.into(),
            trigger: spec.to_text(),
            seen: Some("nothing yet".into()),
        }
    }

    fn file(token: &str) -> Arm {
        arm(token, "sensor.file", json!({"path": "x"}), 60.0)
    }

    fn task(token: &str, tasks: &Value) -> Arm {
        arm(token, "sensor.task", json!({"dag_id": "other", "task_ids": tasks}), 0.0)
    }

    fn due(set: &mut Set, secs: i64) -> Vec<String> {
        std::iter::from_fn(|| set.next_due(at(secs))).map(|due| due.token.to_string()).collect()
    }

    fn waits(set: &mut Set, secs: i64, token: &str) -> bool {
        set.wait(at(secs), &token.into(), "nothing yet", None)
    }

    #[test]
    fn many_that_come_at_once_are_spread_over_their_interval() {
        let mut set = Set::default();
        for i in 0..600 {
            set.arm(at(0), file(&format!("t{i}")));
        }
        for secs in 1..=6 {
            let part = due(&mut set, secs * 10).len();
            assert!((70..130).contains(&part), "{part} in ten seconds");
        }
    }

    #[test]
    fn one_is_looked_at_once_an_interval() {
        let mut set = Set::default();
        set.arm(at(0), file("a"));
        assert_eq!(due(&mut set, 60), ["a"]);
        assert_eq!(due(&mut set, 600), [""; 0], "while it is looked at it is not due");
        assert!(!waits(&mut set, 61, "a"), "what is seen is what was seen before");
        assert_eq!(set.next_at(), Some(at(121)));
        assert!(set.wait(at(61), &"a".into(), "a part of it", None));
    }

    #[test]
    fn an_interval_that_doubles_has_a_bound() {
        let mut spec = TriggerSpec::parse(&file("a").trigger).unwrap();
        spec.max_wait = Some(200.0);
        let trigger = spec.to_text();
        let waits = [0, 1, 2, 3].map(|looks| interval(&trigger, looks).unwrap());
        assert_eq!(waits, [60.0, 120.0, 200.0, 200.0]);
        assert_eq!(interval(&trigger, u32::MAX), Some(200.0));
    }

    #[test]
    fn arming_again_changes_nothing() {
        let mut set = Set::default();
        set.arm(at(0), file("a"));
        let before = set.next_at();
        set.arm(at(30), file("a"));
        assert_eq!((set.next_at(), set.entries.len()), (before, 1));
    }

    #[test]
    fn what_was_disarmed_is_not_looked_at_and_what_it_saw_is_dropped() {
        let mut set = Set::default();
        set.arm(at(0), file("a"));
        set.arm(at(0), task("b", &json!([])));
        assert!(set.take(&"a".into()));
        assert!(!set.take(&"a".into()));
        assert_eq!(due(&mut set, 100), ["b"]);
        assert!(set.take(&"b".into()));
        assert!(!waits(&mut set, 100, "b"));
        assert_eq!((set.next_at(), set.watching.len()), (None, 0));
    }

    #[test]
    fn all_but_those_that_are_wanted_are_forgotten() {
        let mut set = Set::default();
        ["a", "b", "c"].iter().for_each(|token| set.arm(at(0), file(token)));
        set.retain(&[&"b".into()].into());
        assert_eq!(due(&mut set, 100), ["b"]);
    }

    #[test]
    fn who_waits_for_a_task_looks_once_and_then_when_that_task_changes() {
        let mut set = Set::default();
        set.arm(at(0), task("a", &json!(["load"])));
        assert_eq!(due(&mut set, 0), ["a"], "it may have come before it was armed");
        waits(&mut set, 0, "a");
        assert_eq!(set.next_at(), None);
        set.changed(at(1), &"other".into(), Some(&"extract".into()));
        set.changed(at(1), &"elsewhere".into(), Some(&"load".into()));
        assert_eq!(due(&mut set, 1), [""; 0]);
        set.changed(at(1), &"other".into(), Some(&"load".into()));
        assert_eq!(due(&mut set, 1), ["a"]);
        // One more that comes while it is looked at has it looked at again.
        set.changed(at(2), &"other".into(), Some(&"load".into()));
        waits(&mut set, 3, "a");
        assert_eq!(due(&mut set, 3), ["a"]);
    }

    #[test]
    fn who_waits_for_a_run_is_not_woken_by_each_of_its_tasks() {
        let mut set = Set::default();
        set.arm(at(0), task("a", &json!([])));
        due(&mut set, 0);
        waits(&mut set, 0, "a");
        set.changed(at(1), &"other".into(), Some(&"load".into()));
        assert_eq!(due(&mut set, 1), [""; 0]);
        set.changed(at(1), &"other".into(), None);
        assert_eq!(due(&mut set, 1), ["a"]);
        waits(&mut set, 1, "a");
        set.all_changed(at(2));
        assert_eq!(due(&mut set, 2), ["a"]);
    }

    #[test]
    fn a_time_is_waited_for_by_the_clock() {
        let mut set = Set::default();
        set.arm(at(0), arm("a", "sensor.time", json!({}), 0.0));
        assert_eq!(due(&mut set, 0), ["a"]);
        set.wait(at(0), &"a".into(), "", Some(at(77)));
        assert_eq!(set.next_at(), Some(at(77)));
    }

    #[test]
    fn one_that_cannot_be_read_is_looked_at_to_say_so() {
        let mut set = Set::default();
        set.arm(at(0), Arm { trigger: "{".into(), ..file("a") });
        assert_eq!(due(&mut set, 0), ["a"]);
    }

    #[test]
    fn people_are_not_polled() {
        let mut set = Set::default();
        set.arm(at(0), arm("a", "approval", json!({}), 0.0));
        assert_eq!((due(&mut set, 1_000_000), set.take(&"a".into())), (vec![], false));
    }
}
