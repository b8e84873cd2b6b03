//! Answers the control protocol: the one place behind every door.
//!
//! ```text
//! Request ─┬─ what changes something ─► engine, registry (on a task of its own: runs to its end)
//!          └─ what asks ─► store (lists, history) · live snapshot · model server
//! ```

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{Notify, broadcast, watch};

use crate::runtime::desk::Desk;
use crate::runtime::engine::Live;
use crate::runtime::executor::Workers;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::logs::Stretch;
use crate::runtime::logs::find::Search;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingHandle;
use crate::store::{Store, StoreError};
use crate::types::ask::{Answer, Request};
use crate::types::event::NumberedEvent;
use crate::types::executor::SlurmHeard;
use crate::types::log::LogName;
use crate::types::packed::PackedRun;
use crate::types::run::DagRunKey;
use crate::types::view::{DefinitionsView, MirrorView, OpenLineageView};
use crate::types::{Clock, Fault, FaultKind, Timestamp};

mod approvals;
mod assets;
mod attention;
mod backfills;
mod checks;
mod daemon_log;
mod dags;
mod executors;
mod experiments;
mod find;
mod freshness;
mod gates;
mod grid;
mod lineage;
mod log;
mod logged_models;
mod mirror;
mod model_changes;
mod model_files;
mod models;
mod openlineage;
mod operate;
mod prune;
mod registrar;
mod runs;
mod settings;
pub(in crate::runtime) mod stale;
mod status;
mod tracker;
mod trigger;
mod user;
mod versions;
mod why;
mod xcom;

pub use tracker::Tracker;

/// What the control is made of.
#[derive(Clone)]
pub struct ControlParts {
    pub layout: Layout,
    pub store: Store,
    pub handle: Handle,
    pub desk: Desk,
    pub live: watch::Receiver<Arc<Live>>,
    /// What was last heard of Slurm.
    pub slurm: watch::Receiver<SlurmHeard>,
    pub workers: Workers,
    pub definitions: watch::Receiver<DefinitionsView>,
    /// Of the watchers.
    pub watch_problems: watch::Receiver<Vec<String>>,
    /// How far those are who are told as OpenLineage.
    pub openlineage: watch::Receiver<Option<OpenLineageView>>,
    /// How far the MLflow server is that gets what pipelines track; `None`: there is none.
    pub mirror: watch::Receiver<Option<MirrorView>>,
    pub publisher: Publisher,
    pub serving: ServingHandle,
    pub clock: Arc<dyn Clock>,
    pub started_at: Timestamp,
    pub api_listen: Option<String>,
    /// Of the listeners, a line each.
    pub listen_problems: Vec<String>,
    /// Held by who does something to runs.
    pub operating: Arc<tokio::sync::Mutex<()>>,
    /// Notified by `Request::Shutdown`.
    pub shutdown: Arc<Notify>,
}

/// Answers requests; clones share everything.
#[derive(Clone)]
pub struct Control {
    parts: Arc<ControlParts>,
    /// Whether watchers will be told that something was tracked.
    is_telling: Arc<AtomicBool>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("layout", &self.parts.layout).finish_non_exhaustive()
    }
}

impl Control {
    /// Takes the parts.
    pub fn new(parts: ControlParts) -> Self {
        Self { parts: Arc::new(parts), is_telling: Arc::default() }
    }

    /// Answers one request. Does not stop half-way when the caller goes away.
    pub async fn ask(&self, request: Request) -> Result<Answer, Fault> {
        if !request.changes_state() {
            return answer(&self.parts, request).await;
        }
        let parts = self.parts.clone();
        match tokio::spawn(async move { answer(&parts, request).await }).await {
            Ok(answer) => answer,
            Err(error) => {
                Err(Fault::new(FaultKind::Internal, "answer the request").caused_by(Some(&error)))
            }
        }
    }

    /// Returns the tracker, for doors that speak MLflow's own words.
    pub fn tracker(&self) -> Tracker {
        Tracker { parts: self.parts.clone(), is_telling: self.is_telling.clone() }
    }

    /// Begins to watch events, from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<NumberedEvent> {
        self.parts.publisher.subscribe()
    }
}

impl ControlParts {
    fn live(&self) -> Arc<Live> {
        self.live.borrow().clone()
    }

    /// Reads from the store, off the async threads.
    async fn read<R: Send + 'static>(
        &self,
        f: impl FnOnce(&rusqlite::Connection) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Fault> {
        Ok(self.store.read(f).await?)
    }
}

async fn answer(parts: &ControlParts, request: Request) -> Result<Answer, Fault> {
    match request {
        Request::Status => status::status(parts).await,
        Request::Definitions => Ok(Answer::Definitions(parts.definitions.borrow().clone())),
        Request::Shutdown => {
            parts.shutdown.notify_one();
            Ok(Answer::Done)
        }
        Request::ListAttention => attention::list(parts).await,
        Request::ListExecutors => executors::list(parts).await,
        Request::ReplaceWorker => executors::replace_worker(parts).await,
        Request::Pulse => attention::pulse(parts).await,
        Request::ListDags => dags::list(parts).await,
        Request::ShowDag { dag_id } => dags::show(parts, dag_id).await,
        Request::ListDagVersions { dag_id, limit } => versions::list(parts, dag_id, limit).await,
        Request::DiffDagVersions { dag_id, from, to } => {
            versions::diff(parts, dag_id, from, to).await
        }
        Request::SetPaused { dag_id, is_paused } => {
            trigger::set_paused(parts, dag_id, is_paused).await
        }
        Request::PlanTrigger { dag_id, conf } => trigger::plan(parts, dag_id, conf).await,
        Request::Trigger(wish) => trigger::trigger(parts, *wish).await,
        Request::ListRuns { dag_id, state, only, limit, offset } => {
            runs::list(parts, (dag_id, state, only), limit, offset).await
        }
        Request::BriefRun { dag_id, dag_run_id } => {
            attention::brief(parts, dag_id, dag_run_id).await
        }
        Request::ShowRun { dag_id, dag_run_id, packed } => {
            let detail = runs::show(parts, dag_id, dag_run_id).await?;
            Ok(match packed {
                true => Answer::PackedRun(Box::new(PackedRun::pack(detail))),
                false => Answer::RunDetail(Box::new(detail)),
            })
        }
        Request::ShowGrid { dag_id, limit, around } => {
            grid::show(parts, dag_id, limit, around).await
        }
        Request::CancelRun { dag_id, dag_run_id } => {
            operate::cancel(parts, dag_id, dag_run_id).await
        }
        Request::ListCallbacks { dag_id, dag_run_id } => {
            runs::callbacks(parts, dag_id, dag_run_id).await
        }
        Request::ClearTasks { dag_id, dag_run_id, task_ids, only_failed, include_downstream } => {
            let run = DagRunKey { dag_id, dag_run_id };
            operate::clear(parts, run, task_ids, (only_failed, include_downstream)).await
        }
        Request::Operate { operation, runs, dry_run } => {
            let view = operate::operate(parts, operation, runs, dry_run).await?;
            Ok(Answer::Operated(Box::new(view)))
        }
        Request::Undo { id } => {
            operate::undo(parts, id).await.map(|view| Answer::Operated(Box::new(view)))
        }
        Request::Explain(subject) => why::explain(parts, subject).await,
        Request::ShowOperation { id } => operate::show(parts, id).await,
        Request::ListOperations { limit, before_id } => {
            operate::list(parts, limit, before_id).await
        }
        Request::ShowTask { key } => runs::show_task(parts, key).await,
        Request::ReadLog { key, try_number, offset, max_bytes, wait_ms, backwards } => {
            let stretch = Stretch { offset, max_bytes, wait: log::wait(wait_ms), backwards };
            log::read(parts, key, try_number, stretch).await
        }
        Request::ReadDaemonLog { day, offset, max_bytes, wait_ms, backwards } => {
            let stretch = Stretch { offset, max_bytes, wait: log::wait(wait_ms), backwards };
            daemon_log::read(parts, day, stretch).await
        }
        Request::SearchLog { log: name, query, offset, backwards } => {
            let search = Search { query, offset, backwards };
            match name {
                LogName::Task { key, try_number } => {
                    log::search(parts, &key, try_number, search).await
                }
                LogName::Daemon { day } => daemon_log::search(parts, day, search).await,
            }
        }
        Request::ListApprovals { dag_id, only_pending, limit } => {
            approvals::list(parts, dag_id, only_pending, limit).await
        }
        Request::ShowApproval { key } => approvals::show(parts, key).await,
        Request::AnswerApproval(response) => approvals::answer(parts, response).await,
        Request::PlanBackfill(spec) => backfills::plan(parts, spec).await,
        Request::CreateBackfill(spec) => backfills::create(parts, spec).await,
        Request::ListBackfills { dag_id, limit, offset } => {
            backfills::list(parts, dag_id, limit, offset).await
        }
        Request::ShowBackfill { backfill_id, limit, offset } => {
            backfills::show(parts, backfill_id, limit, offset).await
        }
        Request::SetBackfillPaused { backfill_id, is_paused } => {
            backfills::set_paused(parts, backfill_id, is_paused).await
        }
        Request::CancelBackfill { backfill_id } => backfills::cancel(parts, backfill_id).await,
        Request::ListXcoms { dag_id, dag_run_id, task_id } => {
            xcom::list(parts, dag_id, dag_run_id, task_id).await
        }
        Request::GetXcom { task, key } => xcom::get(parts, task, key).await,
        Request::ListAssets => assets::list(parts).await,
        Request::ShowLineage { of, reach } => lineage::show(parts, of, reach).await,
        Request::ListColumns { of, column } => lineage::list_columns(parts, of, column).await,
        Request::TraceLineage { of } => lineage::trace_from(parts, of).await,
        Request::ExplainAsset { name } => assets::explain(parts, name).await,
        Request::ListAssetEvents { asset, limit } => assets::events(parts, asset, limit).await,
        Request::ListAssetChecks { asset, limit } => checks::list(parts, asset, limit).await,
        Request::ListPartitions { asset, limit } => assets::partitions(parts, asset, limit).await,
        Request::EmitAsset { name, uri, extra, partition_key, from_api } => {
            let told = assets::Emitted { name, uri, extra, partition_key, from_api };
            assets::emit(parts, told).await
        }
        Request::ReceiveLineage { event } => openlineage::receive(parts, event).await,
        Request::ListEvents { limit, before_id } => status::events(parts, limit, before_id).await,
        Request::ServingStatus => {
            parts.serving.status().await.map(|found| Answer::Serving(Box::new(found)))
        }
        Request::Predict(wish) => parts.serving.ask(wish).await.map(Answer::Predicted),
        request @ (Request::ListExperiments
        | Request::ListTrackingRuns { .. }
        | Request::ShowTrackingRun { .. }
        | Request::ListTrials { .. }
        | Request::GetMetricHistory { .. }
        | Request::ReadArtifact { .. }) => experiments::answer(parts, request).await,
        request @ (Request::ListModels
        | Request::ShowModel { .. }
        | Request::PlanPromote { .. }
        | Request::Promote { .. }
        | Request::PlanRollback { .. }
        | Request::Rollback { .. }) => models::answer(parts, request).await,
        Request::ChangeModel { name, version, change } => {
            model_changes::change(parts, name, version, change).await
        }
        Request::RegisterModel { name, path, description } => {
            model_files::register(parts, name, path, description).await
        }
        request @ (Request::ListLoggedModels { .. }
        | Request::ShowLoggedModel { .. }
        | Request::ChangeLoggedModel { .. }
        | Request::RegisterLoggedModel { .. }) => logged_models::answer(parts, request).await,
        Request::ListTaskInstances(query) => runs::list_tasks(parts, query).await,
        Request::Prune(wish) => prune::prune(parts, wish).await,
        request @ (Request::ListVariables
        | Request::SetVariables { .. }
        | Request::DeleteVariable { .. }
        | Request::ListConnections
        | Request::SetConnections { .. }
        | Request::DeleteConnection { .. }
        | Request::TestConnection { .. }
        | Request::ListPools
        | Request::SetPools { .. }
        | Request::DeletePool { .. }) => settings::answer(parts, request).await,
    }
}

#[cfg(test)]
pub(crate) mod tests;
