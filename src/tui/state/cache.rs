//! What was fetched, by what it answers. An entry keeps its last good answer while it is fetched
//! again, so that a screen never goes blank.

use std::collections::HashMap;

use crate::state::backfill::DATES;
use crate::state::feed::{GLANCE, PAGE};
use crate::state::lab::{PAGE_LEN, TrackingQuery};
use crate::state::runs::RunsQuery;
use crate::types::approval::HitlDetail;
use crate::types::ask::{Answer, LineageReach, Request, RunsOnly};
use crate::types::attention::{AttentionItem, PulseView, RunBrief};
use crate::types::backfill::{BackfillDetailView, BackfillId, BackfillView};
use crate::types::callback::CallbackRequest;
use crate::types::event::{Event, EventLog};
use crate::types::freshness::{AssetEventView, AssetWhy};
use crate::types::grid::GridView;
use crate::types::ids::TaskInstanceKey;
use crate::types::operation::{OperationDetailView, OperationLine};
use crate::types::run::{DagRun, DagRunKey};
use crate::types::serving::ServingStatus;
use crate::types::settings::{ConnectionView, SlotPoolView, VariableView};
use crate::types::view::{
    ArtifactView, AssetView, DagDetailView, DagDiffView, DagVersionView, DagView, DefinitionsView,
    ExperimentView, LineageView, MetricHistoryView, ModelDetailView, ModelView, RunDetailView,
    StatusView, TaskDetailView, TrackingRunView,
};
use crate::types::why::{WhySubject, WhyView};
use crate::types::{AssetName, DagId, DagRunId, Fault, TaskInstanceState, TrackingRunId};

/// Rows that a list asks for; older ones are found by the CLI.
const LIST_LIMIT: u32 = 300;

/// Runs side by side: more than the widest grid shows, so that a few steps need no new question.
const GRID_RUNS: u32 = 30;

/// A list of more DAGs than this is not asked for with every event.
const MANY_DAGS: usize = 200;

/// Entries kept beyond those that are shown.
const KEPT_ENTRIES: usize = 256;

/// Points of a metric: more than the widest chart has dots.
const METRIC_POINTS: u32 = 600;

/// Bytes of an artifact that are read to be shown.
const ARTIFACT_BYTES: u32 = 256 * 1024;

/// Something that can be fetched and shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    Status,
    Definitions,
    Attention,
    Pulse,
    Dags,
    Dag(DagId),
    Runs(Option<DagId>),
    /// A page of those that fit.
    FoundRuns(RunsQuery, u32),
    /// A run in short.
    Brief(DagRunKey),
    Run(DagRunKey),
    /// The last runs of a DAG side by side, or those around an older one.
    Grid(DagId, Option<DagRunId>),
    Callbacks(DagRunKey),
    Task(TaskInstanceKey),
    Assets,
    Lineage(String, LineageReach),
    AssetWhy(AssetName),
    AssetEvents(Option<AssetName>),
    Experiments,
    TrackingRuns(TrackingQuery),
    TrackingRun(TrackingRunId),
    /// A metric of a run.
    Metric((TrackingRunId, String)),
    /// A file of a run.
    Artifact((TrackingRunId, String)),
    Models,
    Model(String),
    Serving,
    Events,
    /// The last few events, while the feed is not shown.
    Glance,
    Why(WhySubject),
    Versions(DagId),
    Diff(DagId, u32, u32),
    Backfills(DagId),
    /// With so many pages of its dates.
    Backfill(BackfillId, u32),
    /// What waits for an answer.
    Approvals,
    Operations,
    /// With what it did.
    Operation(i64),
    /// Questions, with those that were answered.
    AllApprovals,
    Pools,
    Variables,
    Connections,
}

impl Slot {
    /// Returns the question that fetches it.
    pub(crate) fn request(&self) -> Request {
        match self.clone() {
            Self::Status => Request::Status,
            Self::Definitions => Request::Definitions,
            Self::Attention => Request::ListAttention,
            Self::Pulse => Request::Pulse,
            Self::Dags => Request::ListDags,
            Self::Dag(dag_id) => Request::ShowDag { dag_id },
            Self::FoundRuns(query, page) => query.request(page),
            Self::Brief(DagRunKey { dag_id, dag_run_id }) => {
                Request::BriefRun { dag_id, dag_run_id }
            }
            Self::Runs(dag_id) => {
                let only = RunsOnly::default();
                Request::ListRuns { dag_id, state: None, only, limit: LIST_LIMIT, offset: 0 }
            }
            Self::Run(DagRunKey { dag_id, dag_run_id }) => {
                Request::ShowRun { dag_id, dag_run_id, packed: true }
            }
            Self::Grid(dag_id, around) => Request::ShowGrid { dag_id, limit: GRID_RUNS, around },
            Self::Callbacks(DagRunKey { dag_id, dag_run_id }) => {
                Request::ListCallbacks { dag_id, dag_run_id }
            }
            Self::Task(key) => Request::ShowTask { key },
            Self::Assets => Request::ListAssets,
            Self::Lineage(node, reach) => {
                Request::ShowLineage { asset: None, node: Some(node), reach }
            }
            Self::AssetWhy(name) => Request::ExplainAsset { name },
            Self::AssetEvents(asset) => Request::ListAssetEvents { asset, limit: 100 },
            Self::Experiments => Request::ListExperiments,
            Self::TrackingRuns(TrackingQuery { experiment, filter, order_by, offset }) => {
                Request::ListTrackingRuns { experiment, filter, order_by, limit: PAGE_LEN, offset }
            }
            Self::TrackingRun(run_id) => Request::ShowTrackingRun { run_id },
            Self::Metric((run_id, key)) => {
                Request::GetMetricHistory { run_id, key, max_points: METRIC_POINTS }
            }
            Self::Artifact((run_id, path)) => {
                Request::ReadArtifact { run_id, path, max_bytes: ARTIFACT_BYTES }
            }
            Self::Models => Request::ListModels,
            Self::Model(name) => Request::ShowModel { name },
            Self::Serving => Request::ServingStatus,
            Self::Events => Request::ListEvents { limit: PAGE, before_id: None },
            Self::Glance => Request::ListEvents { limit: GLANCE, before_id: None },
            Self::Why(subject) => Request::Explain(subject),
            Self::Versions(dag_id) => Request::ListDagVersions { dag_id, limit: LIST_LIMIT },
            Self::Diff(dag_id, from, to) => {
                Request::DiffDagVersions { dag_id, from: Some(from), to: Some(to) }
            }
            Self::Backfills(dag_id) => {
                Request::ListBackfills { dag_id: Some(dag_id), limit: LIST_LIMIT, offset: 0 }
            }
            Self::Backfill(backfill_id, pages) => {
                let limit = DATES.saturating_mul(pages);
                Request::ShowBackfill { backfill_id, limit, offset: 0 }
            }
            Self::Approvals => {
                Request::ListApprovals { dag_id: None, only_pending: true, limit: LIST_LIMIT }
            }
            Self::Operations => Request::ListOperations { limit: LIST_LIMIT, before_id: None },
            Self::Operation(id) => Request::ShowOperation { id },
            Self::AllApprovals => {
                Request::ListApprovals { dag_id: None, only_pending: false, limit: LIST_LIMIT }
            }
            Self::Pools => Request::ListPools,
            Self::Variables => Request::ListVariables,
            Self::Connections => Request::ListConnections,
        }
    }

    /// Says whether `event` makes what was fetched old.
    pub(crate) fn is_touched_by(&self, event: &Event) -> bool {
        match event {
            Event::Resync => true,
            Event::DagRunChanged { dag_id, dag_run_id, state } => match self {
                Self::Status | Self::Dags | Self::Events | Self::Glance | Self::Runs(None) => true,
                Self::Lineage(..) | Self::AssetWhy(_) | Self::Assets | Self::Attention => true,
                // Only an end is counted.
                Self::Pulse => state.is_finished(),
                Self::Approvals | Self::Backfill(..) => true,
                Self::Operations | Self::Operation(_) | Self::AllApprovals => true,
                Self::Backfills(id) => id == dag_id,
                Self::Why(subject) => subject.dag_id == *dag_id,
                Self::Dag(id) | Self::Runs(Some(id)) => id == dag_id,
                Self::FoundRuns(query, _) => query.dag_id.as_ref().is_none_or(|id| id == dag_id),
                Self::Brief(key) => key.dag_id == *dag_id && key.dag_run_id == *dag_run_id,
                Self::Run(key) | Self::Callbacks(key) => {
                    key.dag_id == *dag_id && key.dag_run_id == *dag_run_id
                }
                Self::Grid(id, _) => id == dag_id,
                _ => false,
            },
            Event::TaskInstanceChanged { key: changed, state } => match self {
                // A question; all else that needs attention ends a run or comes with time.
                Self::Attention => *state == Some(TaskInstanceState::Deferred),
                Self::Brief(key) => {
                    key.dag_id == changed.dag_id && key.dag_run_id == changed.dag_run_id
                }
                Self::Status | Self::Events | Self::Glance | Self::Approvals | Self::Pools => true,
                Self::Why(subject) => subject.dag_id == changed.dag_id,
                Self::Run(key) | Self::Callbacks(key) => {
                    key.dag_id == changed.dag_id && key.dag_run_id == changed.dag_run_id
                }
                Self::Task(key) => key == changed,
                _ => false,
            },
            Event::DagChanged { dag_id } => match self {
                Self::Dags | Self::Events | Self::Glance | Self::Status | Self::Attention => true,
                Self::Dag(id) | Self::Versions(id) | Self::Backfills(id) => id == dag_id,
                Self::Why(subject) => subject.dag_id == *dag_id,
                Self::Backfill(..) => true,
                _ => false,
            },
            Event::AssetChanged { .. } => matches!(
                self,
                Self::Assets
                    | Self::Lineage(..)
                    | Self::AssetWhy(_)
                    | Self::AssetEvents(_)
                    | Self::Events
                    | Self::Glance
                    | Self::Dags
                    // What is made of it is stale from now on.
                    | Self::Attention
            ),
            Event::DefinitionsChanged { .. } => matches!(
                self,
                Self::Definitions
                    | Self::Attention
                    | Self::Dags
                    | Self::Dag(_)
                    | Self::Assets
                    | Self::Lineage(..)
                    | Self::AssetWhy(_)
                    | Self::Status
                    | Self::Events
                    | Self::Glance
                    | Self::Why(_)
                    | Self::Versions(_)
                    | Self::Pools
                    | Self::Variables
                    | Self::Connections
            ),
            Event::TrackingChanged => matches!(
                self,
                Self::Experiments
                    | Self::TrackingRuns(_)
                    | Self::TrackingRun(_)
                    | Self::Metric(_)
                    | Self::Models
                    | Self::Model(_)
                    | Self::Lineage(..)
                    | Self::Events
                    | Self::Glance
            ),
            Event::ServingChanged => {
                matches!(
                    self,
                    Self::Serving
                        | Self::Status
                        | Self::Attention
                        | Self::Lineage(..)
                        | Self::Events
                        | Self::Glance
                )
            }
        }
    }
}

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

    pub(crate) fn lineage(&self, slot: &Slot) -> Option<&LineageView> {
        match self.answer(slot)? {
            Answer::Lineage(view) => Some(view),
            _ => None,
        }
    }

    pub(crate) fn dag_diff(&self, dag_id: &DagId, from: u32, to: u32) -> Option<&DagDiffView> {
        match self.answer(&Slot::Diff(dag_id.clone(), from, to))? {
            Answer::DagDiff(diff) => Some(diff),
            _ => None,
        }
    }

    /// Returns the runs of a page.
    pub(crate) fn runs_of(&self, slot: &Slot) -> Option<&[DagRun]> {
        match self.answer(slot)? {
            Answer::Runs { runs, .. } => Some(runs),
            _ => None,
        }
    }

    /// Returns how many runs fit in all, of which a page was fetched.
    pub(crate) fn runs_total(&self, slot: &Slot) -> Option<u64> {
        match self.answer(slot)? {
            Answer::Runs { total, .. } => Some(*total),
            _ => None,
        }
    }

    fn answer(&self, slot: &Slot) -> Option<&Answer> {
        self.entries.get(slot)?.answer.as_ref()
    }
}

macro_rules! readers {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty = $slot:expr, $pattern:pat => $value:expr;)*) => {
        impl Cache {$(
            pub(crate) fn $name(&self $(, $arg: $type)*) -> Option<&$out> {
                match self.answer(&$slot)? {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        )*}
    };
}

readers! {
    status() -> StatusView = Slot::Status, Answer::Status(view) => view;
    definitions() -> DefinitionsView = Slot::Definitions, Answer::Definitions(view) => view;
    attention() -> [AttentionItem] = Slot::Attention, Answer::Attention(list) => list.as_slice();
    pulse() -> PulseView = Slot::Pulse, Answer::Pulse(view) => view;
    dags() -> [DagView] = Slot::Dags, Answer::Dags(list) => list.as_slice();
    dag(id: &DagId) -> DagDetailView = Slot::Dag(id.clone()), Answer::Dag(view) => view;
    runs(id: Option<&DagId>) -> [DagRun] = Slot::Runs(id.cloned()), Answer::Runs { runs, .. } => runs.as_slice();
    run_brief(key: &DagRunKey) -> RunBrief = Slot::Brief(key.clone()), Answer::RunBrief(brief) => brief;
    run(key: &DagRunKey) -> RunDetailView = Slot::Run(key.clone()), Answer::RunDetail(view) => view;
    grid(id: &DagId, around: Option<&DagRunId>) -> GridView = Slot::Grid(id.clone(), around.cloned()), Answer::Grid(view) => view;
    callbacks(key: &DagRunKey) -> [CallbackRequest] = Slot::Callbacks(key.clone()), Answer::Callbacks(list) => list.as_slice();
    task(key: &TaskInstanceKey) -> TaskDetailView = Slot::Task(key.clone()), Answer::Task(view) => view;
    assets() -> [AssetView] = Slot::Assets, Answer::Assets(list) => list.as_slice();
    asset_why(asset: &AssetName) -> AssetWhy = Slot::AssetWhy(asset.clone()), Answer::AssetWhy(view) => view;
    asset_events(asset: Option<&AssetName>) -> [AssetEventView] = Slot::AssetEvents(asset.cloned()), Answer::AssetEvents(list) => list.as_slice();
    experiments() -> [ExperimentView] = Slot::Experiments, Answer::Experiments(list) => list.as_slice();
    tracking_runs(query: &TrackingQuery) -> [TrackingRunView] = Slot::TrackingRuns(query.clone()), Answer::TrackingRuns { runs, .. } => runs.as_slice();
    tracking_total(query: &TrackingQuery) -> u64 = Slot::TrackingRuns(query.clone()), Answer::TrackingRuns { total, .. } => total;
    metric(key: &(TrackingRunId, String)) -> MetricHistoryView = Slot::Metric(key.clone()), Answer::MetricHistory(view) => view;
    artifact(key: &(TrackingRunId, String)) -> ArtifactView = Slot::Artifact(key.clone()), Answer::Artifact(view) => view;
    tracking_run(id: &TrackingRunId) -> TrackingRunView = Slot::TrackingRun(id.clone()), Answer::TrackingRun(view) => view;
    models() -> [ModelView] = Slot::Models, Answer::Models(list) => list.as_slice();
    model(name: &str) -> ModelDetailView = Slot::Model(name.to_owned()), Answer::Model(view) => view;
    serving() -> ServingStatus = Slot::Serving, Answer::Serving(view) => view;
    why(subject: &WhySubject) -> [WhyView] = Slot::Why(subject.clone()), Answer::Why(list) => list.as_slice();
    dag_versions(id: &DagId) -> [DagVersionView] = Slot::Versions(id.clone()), Answer::DagVersions(list) => list.as_slice();
    backfills(id: &DagId) -> [BackfillView] = Slot::Backfills(id.clone()), Answer::Backfills { backfills, .. } => backfills.as_slice();
    backfill(id: BackfillId, pages: u32) -> BackfillDetailView = Slot::Backfill(id, pages), Answer::Backfill(view) => view;
    approvals() -> [HitlDetail] = Slot::Approvals, Answer::Approvals(list) => list.as_slice();
    operation(id: i64) -> OperationDetailView = Slot::Operation(id), Answer::Operation(view) => view;
    operations() -> [OperationLine] = Slot::Operations, Answer::Operations(list) => list.as_slice();
    all_approvals() -> [HitlDetail] = Slot::AllApprovals, Answer::Approvals(list) => list.as_slice();
    pools() -> [SlotPoolView] = Slot::Pools, Answer::Pools(list) => list.as_slice();
    variables() -> [VariableView] = Slot::Variables, Answer::Variables(list) => list.as_slice();
    connections() -> [ConnectionView] = Slot::Connections, Answer::Connections(list) => list.as_slice();
    events() -> [EventLog] = Slot::Events, Answer::Events(list) => list.as_slice();
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
