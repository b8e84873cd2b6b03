//! Whether an asset is old, and what made it so: a pure look at what is made of what, at the
//! last events and at the last runs.
//!
//! ```text
//! asset ◄─ task ◄─ what it reads: inlets of it and of the tasks before it, the schedule's assets
//! old: the run that was to make it failed · an input changed since · an input is old itself
//! ```

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::dag::{Dag, Deck};
use crate::runtime::control::assets::{self, Summary};
use crate::runtime::engine::Live;
use crate::sched::change::DagState;
use crate::types::asset::{AssetEvent, AssetEventSource};
use crate::types::freshness::{Freshness, Producer, StaleCause};
use crate::types::view::RecentRun;
use crate::types::{AssetName, DagId, DagRunState, TaskId, Timestamp};

/// Runs of a DAG that are looked at: the last one that ended is among them, as a rule.
pub(super) const RUNS: u32 = 5;

/// The last runs of DAGs, newest last.
pub(super) type Runs = BTreeMap<DagId, Vec<RecentRun>>;

/// What is known of the world.
pub(super) struct Known<'a> {
    pub(super) deck: &'a Deck,
    pub(super) dag_states: &'a [DagState],
    /// Every asset with its URI.
    pub(super) assets: &'a [(AssetName, String)],
    pub(super) summary: &'a Summary,
    pub(super) runs: &'a Runs,
    pub(super) now: Timestamp,
}

impl<'a> Known<'a> {
    /// Takes definitions and states as they are now.
    pub(super) fn of(
        live: &'a Live,
        assets: &'a [(AssetName, String)],
        (summary, runs): (&'a Summary, &'a Runs),
        now: Timestamp,
    ) -> Self {
        Self { deck: &live.deck, dag_states: &live.dag_states, assets, summary, runs, now }
    }
}

/// A DAG that makes an asset, and of what.
struct Making {
    dag_id: DagId,
    inputs: BTreeSet<AssetName>,
}

/// What makes an asset old by itself, whatever is before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Own {
    pub(super) cause: StaleCause,
    /// Who makes it; `None`: nobody here.
    pub(super) dag_id: Option<DagId>,
    /// The run that failed.
    pub(super) run: Option<RecentRun>,
    /// The input that changed.
    pub(super) input: Option<AssetName>,
    /// A run of the producer is under way, or waits for its turn.
    pub(super) is_running: bool,
    /// How old it may get, and until when that was kept.
    pub(super) limit: Option<(Duration, Timestamp)>,
}

/// The way from a root cause to an asset.
#[derive(Debug, Clone)]
struct Trace {
    path: Vec<AssetName>,
    root: StaleCause,
}

/// Tells of each asset whether it is old, and why.
pub(super) struct Judge<'a> {
    known: Known<'a>,
    makings: BTreeMap<AssetName, Vec<Making>>,
    traces: BTreeMap<AssetName, Option<Trace>>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(known: Known<'a>) -> Self {
        let mut makings: BTreeMap<AssetName, Vec<Making>> = BTreeMap::new();
        for dag in known.deck.dags.values() {
            // Few DAGs make assets: of the others nothing is looked at twice.
            let waited = LazyCell::new(|| waited_for(dag, known.assets));
            for task in dag.tasks.values().filter(|task| !task.outlets.is_empty()) {
                let mut inputs: BTreeSet<AssetName> = waited.clone();
                for before in with_upstream(dag, &task.task_id) {
                    inputs
                        .extend(dag.tasks.get(&before).into_iter().flat_map(|t| t.inlets.clone()));
                }
                for outlet in &task.outlets {
                    let inputs = inputs.iter().filter(|input| *input != outlet).cloned().collect();
                    let making = Making { dag_id: dag.dag_id.clone(), inputs };
                    makings.entry(outlet.clone()).or_default().push(making);
                }
            }
        }
        Self { known, makings, traces: BTreeMap::new() }
    }

    /// Says how an asset stands.
    pub(super) fn freshness(&mut self, name: &AssetName) -> Freshness {
        match (self.last(name).is_some(), self.path(name).is_empty()) {
            (false, _) => Freshness::Never,
            (true, true) => Freshness::Fresh,
            (true, false) => Freshness::Stale,
        }
    }

    /// Returns the way from the root cause to the asset; nothing where it is not old.
    pub(super) fn path(&mut self, name: &AssetName) -> Vec<AssetName> {
        self.trace(name, &mut BTreeSet::new()).map(|trace| trace.path).unwrap_or_default()
    }

    /// Says whether a DAG makes it here.
    pub(super) fn is_made(&self, name: &AssetName) -> bool {
        self.makings.contains_key(name)
    }

    /// Returns the DAGs that make it.
    pub(super) fn producers(&self, name: &AssetName) -> Vec<Producer> {
        let mut producers: Vec<Producer> = Vec::new();
        for making in self.makings.get(name).into_iter().flatten() {
            if !producers.iter().any(|one| one.dag_id == making.dag_id) {
                producers.push(Producer {
                    dag_id: making.dag_id.clone(),
                    is_paused: self.is_paused(&making.dag_id),
                    last_run: self.runs(&making.dag_id).last().cloned(),
                });
            }
        }
        producers
    }

    pub(super) fn last(&self, name: &AssetName) -> Option<&'a AssetEvent> {
        self.known.summary.get(name).map(|(event, _)| event)
    }

    /// Returns what makes it old by itself, the worst where there are several.
    pub(super) fn own(&self, name: &AssetName) -> Option<Own> {
        let makings = self.makings.get(name).into_iter().flatten();
        let made = makings.filter_map(|making| self.judged(name, making));
        made.max_by_key(|own| own.cause).or_else(|| self.too_old(name))
    }

    /// Says whether it is older than it may get, whoever makes it.
    fn too_old(&self, name: &AssetName) -> Option<Own> {
        let limit = self.known.deck.assets.get(name)?.freshness?;
        let until = self.last(name)?.timestamp.checked_add(limit).ok()?;
        let dag_id = self.makings.get(name).and_then(|makings| makings.first());
        let dag_id = dag_id.map(|making| making.dag_id.clone());
        let runs = dag_id.as_ref().map_or(&[][..], |dag_id| self.runs(dag_id));
        (until < self.known.now).then(|| Own {
            cause: StaleCause::TooOld,
            run: None,
            input: None,
            is_running: runs.iter().any(|run| !run.state.is_finished()),
            limit: Some((limit, until)),
            dag_id,
        })
    }

    fn judged(&self, name: &AssetName, making: &Making) -> Option<Own> {
        let last = self.last(name);
        let runs = self.runs(&making.dag_id);
        let ended = runs.iter().rev().find(|run| run.state.is_finished());
        let own = |cause| Own {
            cause,
            dag_id: Some(making.dag_id.clone()),
            run: None,
            input: None,
            is_running: runs.iter().any(|run| !run.state.is_finished()),
            limit: None,
        };
        if let Some(run) = ended.filter(|run| run.state == DagRunState::Failed)
            && last.is_none_or(|last| !is_made_since(last, run))
        {
            return Some(Own { run: Some(run.clone()), ..own(StaleCause::RunFailed) });
        }
        let Some(last) = last else {
            return ended.is_none().then(|| own(StaleCause::NeverRun));
        };
        let newer = |input: &&AssetName| {
            self.last(input).is_some_and(|changed| changed.timestamp > last.timestamp)
        };
        let input = making
            .inputs
            .iter()
            .filter(newer)
            .max_by_key(|input| self.last(input).map(|changed| changed.timestamp))?;
        let cause = match self.is_paused(&making.dag_id) {
            true => StaleCause::Paused,
            false => StaleCause::InputChanged,
        };
        Some(Own { input: Some(input.clone()), ..own(cause) })
    }

    /// Walks upstream to the root: a failure of its own run first, else the worst before it, else
    /// what is its own.
    fn trace(&mut self, name: &AssetName, above: &mut BTreeSet<AssetName>) -> Option<Trace> {
        if let Some(known) = self.traces.get(name) {
            return known.clone();
        }
        if !above.insert(name.clone()) {
            // It is made of itself: whoever began there looks at it.
            return None;
        }
        let own = self.own(name).map(|own| own.cause);
        let here = |root| Trace { path: vec![name.clone()], root };
        let trace = if own == Some(StaleCause::RunFailed) {
            own.map(here)
        } else {
            self.worst_before(name, above).or(own.map(here))
        };
        above.remove(name);
        self.traces.insert(name.clone(), trace.clone());
        trace
    }

    fn worst_before(&mut self, name: &AssetName, above: &mut BTreeSet<AssetName>) -> Option<Trace> {
        let inputs: BTreeSet<AssetName> = self
            .makings
            .get(name)?
            .iter()
            .flat_map(|making| making.inputs.iter().cloned())
            .collect();
        let mut worst: Option<Trace> = None;
        for input in inputs {
            let Some(trace) = self.trace(&input, above) else { continue };
            // What was never made did not keep this one from being made.
            if trace.root == StaleCause::NeverRun && self.last(name).is_some() {
                continue;
            }
            let rank = |trace: &Trace| (trace.root, std::cmp::Reverse(trace.path.len()));
            if worst.as_ref().is_none_or(|worst| rank(&trace) > rank(worst)) {
                worst = Some(trace);
            }
        }
        worst.map(|mut trace| {
            trace.path.push(name.clone());
            trace
        })
    }

    fn runs(&self, dag_id: &DagId) -> &'a [RecentRun] {
        self.known.runs.get(dag_id).map_or(&[], Vec::as_slice)
    }

    fn is_paused(&self, dag_id: &DagId) -> bool {
        let of = self.known.dag_states.iter().find(|state| state.dag_id == *dag_id);
        of.is_some_and(|state| state.is_paused)
    }
}

/// Says whether the event came of that run or after it began: then the failure kept nothing back.
fn is_made_since(last: &AssetEvent, run: &RecentRun) -> bool {
    let is_of_it = match &last.source {
        AssetEventSource::Task(key) => key.dag_run_id == run.dag_run_id,
        _ => false,
    };
    is_of_it || last.timestamp > run.start_date.unwrap_or(run.run_after)
}

/// Returns the assets that a schedule waits for.
fn waited_for(dag: &Dag, assets: &[(AssetName, String)]) -> BTreeSet<AssetName> {
    let Some(expression) = assets::expression(dag) else { return BTreeSet::new() };
    let leaves = expression.leaves();
    let is_waited =
        |(name, uri): &&(AssetName, String)| leaves.iter().any(|leaf| leaf.matches(name, uri));
    assets.iter().filter(is_waited).map(|(name, _)| name.clone()).collect()
}

/// Returns a task and all before it.
fn with_upstream(dag: &Dag, task: &TaskId) -> BTreeSet<TaskId> {
    let mut found = BTreeSet::from([task.clone()]);
    let mut open = vec![task.clone()];
    while let Some(at) = open.pop() {
        for before in dag.graph.upstream(&at) {
            if found.insert(before.clone()) {
                open.push(before.clone());
            }
        }
    }
    found
}

#[cfg(test)]
pub(crate) mod tests;
