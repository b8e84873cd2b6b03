//! Whether an instance of a task may run: what it is mapped over, its setups further up, and its
//! trigger rule over the instances upstream. As Airflow, a mapped upstream counts with each of
//! its instances, but within a mapped group index i looks at index i only.

use crate::dag::trigger_rule::TriggerRule;
use crate::ready::{Setups, Tally, Verdict, verdict};
use crate::state::ActiveRun;
use crate::types::ids::UNMAPPED;
use crate::types::run::TaskInstance;
use crate::types::{MapIndex, TaskId, TaskInstanceState};

/// What becomes of an instance without status, as far as its own run tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    Wait,
    Run,
    /// It will not run; why, for people.
    Pass(TaskInstanceState, String),
}

/// Judges one instance.
pub(super) fn judge(active: &ActiveRun, task: &TaskId, index: MapIndex) -> Judgement {
    let mut waits = false;
    let mut skip = None;
    let asked: [&dyn Fn() -> Judgement; 3] =
        [&|| by_sources(active, task, index), &|| by_setups(active, task, index), &|| {
            by_rule(active, task, index)
        }];
    for ask in asked {
        match ask() {
            Judgement::Run => {}
            Judgement::Wait => waits = true,
            Judgement::Pass(TaskInstanceState::Skipped, why) => {
                skip.get_or_insert(why);
            }
            // What cannot be mended speaks before all else.
            failed @ Judgement::Pass(..) => return failed,
        }
    }
    match skip {
        Some(why) => Judgement::Pass(TaskInstanceState::Skipped, why),
        None if waits => Judgement::Wait,
        None => Judgement::Run,
    }
}

/// A task that is still to be mapped needs what it is mapped over, whatever its rule.
fn by_sources(active: &ActiveRun, task: &TaskId, index: MapIndex) -> Judgement {
    use TaskInstanceState as S;
    let Some(expand) = active.dag.mapping(task).filter(|_| index == UNMAPPED) else {
        return Judgement::Run;
    };
    let mut judged = Judgement::Run;
    for source in expand.tasks() {
        let Some(ti) = active.tasks.get(&(source.clone(), UNMAPPED)) else { continue };
        match ti.state {
            Some(S::Failed | S::UpstreamFailed | S::Removed) => {
                let why = format!("`{source}`, which it is mapped over, did not succeed");
                return Judgement::Pass(S::UpstreamFailed, why);
            }
            Some(S::Skipped) => {
                let why = format!("`{source}`, which it is mapped over, was skipped");
                judged = Judgement::Pass(S::Skipped, why);
            }
            _ => {}
        }
    }
    judged
}

/// Setups further up must have succeeded; those directly upstream are the rule's.
fn by_setups(active: &ActiveRun, task: &TaskId, index: MapIndex) -> Judgement {
    use TaskInstanceState as S;
    let mut judged = Judgement::Run;
    for setup in active.dag.plan.indirect_setups(task) {
        let (total, tally) = ended(relevant(active, setup, task, index));
        if tally.failed + tally.upstream_failed > 0 {
            let why = format!("its setup `{setup}` did not succeed");
            return Judgement::Pass(S::UpstreamFailed, why);
        } else if tally.skipped > 0 {
            judged = Judgement::Pass(S::Skipped, format!("its setup `{setup}` was skipped"));
        } else if tally.success + tally.removed < total && judged == Judgement::Run {
            judged = Judgement::Wait;
        }
    }
    judged
}

fn by_rule(active: &ActiveRun, task: &TaskId, index: MapIndex) -> Judgement {
    let Some(spec) = active.dag.tasks.get(task) else { return Judgement::Wait };
    let rule = spec.trigger_rule;
    let (total, tally) = upstream_of(active, task, index);
    let setups = match rule {
        TriggerRule::AllDoneSetupSuccess => setups_before(active, task, index),
        _ => Setups::default(),
    };
    let why = || format!("`{}` was not met: {}", rule.as_str(), tally.for_people());
    match verdict(rule, total, tally, setups) {
        Verdict::Wait => Judgement::Wait,
        Verdict::Run => Judgement::Run,
        Verdict::Skip => Judgement::Pass(TaskInstanceState::Skipped, why()),
        Verdict::UpstreamFailed => Judgement::Pass(TaskInstanceState::UpstreamFailed, why()),
    }
}

/// Counts the instances directly upstream of one instance, and how they have ended.
pub(super) fn upstream_of(active: &ActiveRun, task: &TaskId, index: MapIndex) -> (usize, Tally) {
    let dag = &active.dag;
    let upstream = dag.graph.upstream(task);
    let mut tally = active.index.tallies.get(task).copied().unwrap_or_default();
    let mut total = active.index.upstream_rows(dag, task);
    if dag.plan.mapped_group(task).is_some() {
        for before in upstream.iter().filter(|before| dag.is_parallel(before, task)) {
            let (rows, of_one) = ended(relevant(active, before, task, index));
            total += rows;
            tally += of_one;
        }
    }
    (total, tally)
}

fn setups_before(active: &ActiveRun, task: &TaskId, index: MapIndex) -> Setups {
    let is_setup = |task: &&TaskId| active.dag.tasks.get(*task).is_some_and(|t| t.flow.is_setup);
    let mut setups = Setups::default();
    for setup in active.dag.graph.upstream(task).iter().filter(is_setup) {
        let (total, tally) = ended(relevant(active, setup, task, index));
        setups.total += total;
        setups.success += tally.success;
        setups.skipped += tally.skipped;
    }
    setups
}

fn ended<'a>(rows: impl Iterator<Item = &'a TaskInstance>) -> (usize, Tally) {
    let mut tally = Tally::default();
    let mut total = 0;
    for row in rows {
        total += 1;
        if let Some(state) = row.state {
            tally.add(state);
        }
    }
    (total, tally)
}

/// Returns the instances of `upstream` that one instance of `task` looks at: in a mapped group
/// that with its own index, or the one that was never mapped; else all.
fn relevant<'a>(
    active: &'a ActiveRun,
    upstream: &'a TaskId,
    task: &TaskId,
    index: MapIndex,
) -> Box<dyn Iterator<Item = &'a TaskInstance> + 'a> {
    if index != UNMAPPED && active.dag.is_parallel(upstream, task) {
        let of = |index| active.tasks.get(&(upstream.clone(), index));
        return Box::new(of(index).or_else(|| of(UNMAPPED)).into_iter());
    }
    Box::new(active.rows(upstream))
}
