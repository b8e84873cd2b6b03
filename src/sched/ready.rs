//! When a task may run: Airflow's thirteen trigger rules over counts of how the tasks directly
//! upstream ended. As in Airflow a rule speaks as soon as it can, which may be before all
//! upstream tasks have ended.

use crate::dag::trigger_rule::TriggerRule;
use crate::types::TaskInstanceState;

/// How the tasks directly upstream have ended so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) success: usize,
    pub(super) failed: usize,
    pub(super) upstream_failed: usize,
    pub(super) skipped: usize,
    pub(super) removed: usize,
}

/// How the setups among the tasks directly upstream have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Setups {
    pub(super) total: usize,
    pub(super) success: usize,
    pub(super) skipped: usize,
}

/// What a trigger rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    Run,
    Skip,
    UpstreamFailed,
}

impl Tally {
    /// Counts a task that ended so.
    pub(super) fn add(&mut self, state: TaskInstanceState) {
        if let Some(count) = self.count(state) {
            *count += 1;
        }
    }

    /// Takes back a task that had ended so and was cleared.
    pub(super) fn remove(&mut self, state: TaskInstanceState) {
        if let Some(count) = self.count(state) {
            *count = count.saturating_sub(1);
        }
    }

    /// For people: how the tasks upstream ended.
    pub(super) fn for_people(self) -> String {
        let parts = [
            (self.success, "success"),
            (self.failed, "failed"),
            (self.upstream_failed, "upstream_failed"),
            (self.skipped, "skipped"),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, state)| format!("{n} {state}")).collect();
        format!("upstream {}", parts.join(", "))
    }

    fn count(&mut self, state: TaskInstanceState) -> Option<&mut usize> {
        use TaskInstanceState as S;
        match state {
            S::Success => Some(&mut self.success),
            S::Failed => Some(&mut self.failed),
            S::UpstreamFailed => Some(&mut self.upstream_failed),
            S::Skipped => Some(&mut self.skipped),
            S::Removed => Some(&mut self.removed),
            S::Scheduled
            | S::Queued
            | S::Running
            | S::Restarting
            | S::Deferred
            | S::UpForRetry
            | S::UpForReschedule => None,
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.success += more.success;
        self.failed += more.failed;
        self.upstream_failed += more.upstream_failed;
        self.skipped += more.skipped;
        self.removed += more.removed;
    }
}

/// Says what `rule` makes of `tally`, of `upstream` instances in all. Never `Wait` once all of them
/// have ended. A removed one counts as if it were not there.
pub(super) fn verdict(rule: TriggerRule, upstream: usize, tally: Tally, setups: Setups) -> Verdict {
    use TriggerRule as R;
    use Verdict::{Run, Skip, UpstreamFailed, Wait};

    let upstream = upstream.saturating_sub(tally.removed);
    if upstream == 0 || rule == R::Always {
        return Run;
    }
    let Tally { success, failed: own_failed, upstream_failed, skipped, .. } = tally;
    let failed = own_failed + upstream_failed;
    let is_done = success + failed + skipped >= upstream;
    let when_done = if is_done { Run } else { Wait };
    match rule {
        R::Always => Run,
        R::AllSuccess if failed > 0 => UpstreamFailed,
        R::AllSuccess if skipped > 0 => Skip,
        R::AllFailed if success + skipped > 0 => Skip,
        R::NoneFailed | R::NoneFailedMinOneSuccess if failed > 0 => UpstreamFailed,
        R::NoneFailedMinOneSuccess if skipped == upstream => Skip,
        R::NoneSkipped | R::AllDoneMinOneSuccess if skipped > 0 => Skip,
        R::AllDoneMinOneSuccess if is_done && success == 0 => UpstreamFailed,
        R::AllSkipped if success + failed > 0 => Skip,
        R::OneSuccess if success > 0 => Run,
        R::OneSuccess if is_done && skipped == upstream => Skip,
        R::OneSuccess if is_done => UpstreamFailed,
        R::OneFailed if failed > 0 => Run,
        R::OneFailed if is_done => Skip,
        // A task that never ran because of those before it is not "done" to this rule.
        R::OneDone if success + own_failed > 0 => Run,
        R::OneDone if is_done => Skip,
        R::AllDoneSetupSuccess if is_done && setups.total > 0 => match setups {
            Setups { total, skipped, .. } if skipped >= total => Skip,
            Setups { success: 0, .. } => UpstreamFailed,
            // One of several is enough: it has something to tear down.
            _ => Run,
        },
        R::AllSuccess
        | R::AllFailed
        | R::AllDone
        | R::AllDoneMinOneSuccess
        | R::AllDoneSetupSuccess
        | R::NoneFailed
        | R::NoneFailedMinOneSuccess
        | R::NoneSkipped
        | R::AllSkipped => when_done,
        R::OneSuccess | R::OneFailed | R::OneDone => Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `s` success, `f` failed, `u` upstream_failed, `k` skipped, `r` removed, `.` not ended.
    fn tally(states: &str) -> (usize, Tally) {
        use TaskInstanceState as S;
        let mut tally = Tally::default();
        for state in states.chars() {
            match state {
                's' => tally.add(S::Success),
                'f' => tally.add(S::Failed),
                'u' => tally.add(S::UpstreamFailed),
                'k' => tally.add(S::Skipped),
                'r' => tally.add(S::Removed),
                _ => tally.add(S::Running),
            }
        }
        (states.len(), tally)
    }

    fn says(rule: TriggerRule, states: &str) -> Verdict {
        let (upstream, tally) = tally(states);
        verdict(rule, upstream, tally, Setups::default())
    }

    /// R run, S skip, U upstream_failed, - wait; worked out by hand from Airflow's
    /// `trigger_rule_dep.py`.
    const TABLE: &str = "
        rule                        s. f. u. k. ss sf su sk ff fk uu uk kk
        all_success                 -  U  U  S  R  U  U  S  U  U  U  U  S
        all_failed                  S  -  -  S  S  S  S  S  R  S  R  S  S
        all_done                    -  -  -  -  R  R  R  R  R  R  R  R  R
        all_done_min_one_success    -  -  -  S  R  R  R  S  U  S  U  S  S
        all_done_setup_success      -  -  -  -  R  R  R  R  R  R  R  R  R
        one_success                 R  -  -  -  R  R  R  R  U  U  U  U  S
        one_failed                  -  R  R  -  S  R  R  S  R  R  R  R  S
        one_done                    R  R  -  -  R  R  R  R  R  R  S  S  S
        none_failed                 -  U  U  -  R  U  U  R  U  U  U  U  R
        none_failed_min_one_success -  U  U  -  R  U  U  R  U  U  U  U  S
        none_skipped                -  -  -  S  R  R  R  S  R  S  R  S  S
        all_skipped                 S  S  S  -  S  S  S  S  S  S  S  S  R
        always                      R  R  R  R  R  R  R  R  R  R  R  R  R";

    #[test]
    fn every_rule_speaks_as_airflow_does() {
        let mut lines = TABLE.lines().skip(1).map(|l| l.split_whitespace().collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let mut rules = 0;
        for line in lines {
            let rule = TriggerRule::parse(line[0]).unwrap();
            rules += 1;
            for (states, expected) in head.iter().zip(&line).skip(1) {
                let letter = match says(rule, states) {
                    Verdict::Wait => "-",
                    Verdict::Run => "R",
                    Verdict::Skip => "S",
                    Verdict::UpstreamFailed => "U",
                };
                assert_eq!(letter, *expected, "{} of {states}", line[0]);
            }
        }
        assert_eq!(rules, TriggerRule::ALL.len());
    }

    #[test]
    fn every_rule_has_made_up_its_mind_once_all_upstream_tasks_have_ended() {
        let letters = ['s', 'f', 'u', 'k', 'r'];
        for (rule, name) in TriggerRule::ALL {
            for i in 0..125 {
                let states: String =
                    [i / 25, i / 5 % 5, i % 5].iter().map(|n| letters[*n]).collect();
                assert_ne!(says(*rule, &states), Verdict::Wait, "{name} of {states}");
            }
        }
    }

    #[test]
    fn a_task_without_upstream_runs_whatever_its_rule() {
        for (rule, name) in TriggerRule::ALL {
            assert_eq!(says(*rule, ""), Verdict::Run, "{name}");
        }
    }

    #[test]
    fn a_removed_upstream_counts_as_if_it_were_not_there() {
        assert_eq!(says(TriggerRule::AllSuccess, "sr"), Verdict::Run);
        assert_eq!(says(TriggerRule::OneSuccess, "r"), Verdict::Run);
    }

    #[test]
    fn a_cleared_upstream_is_waited_for_again() {
        let (upstream, mut tally) = tally("s");
        tally.remove(TaskInstanceState::Success);
        assert_eq!(
            verdict(TriggerRule::AllSuccess, upstream, tally, Setups::default()),
            Verdict::Wait
        );
    }
}
