//! Experiments: their runs, the histories of metrics, and what lies beside a run.

use rusqlite::Connection;

use crate::runtime::control::{ControlParts, find};
use crate::runtime::promotion::off_thread;
use crate::store::{Store, StoreError};
use crate::tracking::run::trials;
use crate::tracking::search::{self, Search};
use crate::tracking::{artifact, experiment, run, thin};
use crate::types::ask::{Answer, Request};
use crate::types::view::{ArtifactView, MetricHistoryView, MetricPointView};
use crate::types::{Fault, TrackingRunId};

/// Points of one answer, at most.
const POINTS_MAX: u32 = 10_000;

/// Trials of one answer, at most.
const TRIALS_MAX: u32 = 5_000;

/// Bytes of an artifact in one answer, at most.
const ARTIFACT_BYTES_MAX: u32 = 1 << 20;

/// Answers what concerns experiments.
pub(super) async fn answer(parts: &ControlParts, request: Request) -> Result<Answer, Fault> {
    match request {
        Request::ListExperiments => tracked(parts, experiment::list).await.map(Answer::Experiments),
        Request::ListTrackingRuns { experiment, filter, order_by, nesting, limit, offset } => {
            let limit = limit.min(find::PAGE_LEN_MAX);
            let search = Search { experiment, filter, order_by, nesting, limit, offset };
            let find = move |store: &Store| search::runs(store, &search);
            let (runs, total) = tracked(parts, find).await?;
            Ok(Answer::TrackingRuns { runs, total })
        }
        Request::ShowTrackingRun { run_id } => {
            let run = tracked(parts, move |store| run::get(store, &run_id)).await?;
            Ok(Answer::TrackingRun(Box::new(run)))
        }
        Request::ListTrials { run_id, limit } => {
            let limit = limit.min(TRIALS_MAX);
            let find = move |conn: &Connection| trials::trials(conn, &run_id, limit);
            let trials = tracked(parts, |store| store.read_blocking(find)).await?;
            Ok(Answer::Trials(Box::new(trials)))
        }
        Request::GetMetricHistory { run_id, key, max_points } => {
            history(parts, run_id, key, max_points.min(POINTS_MAX)).await
        }
        Request::ReadArtifact { run_id, path, max_bytes } => {
            read_artifact(parts, run_id, path, max_bytes.min(ARTIFACT_BYTES_MAX)).await
        }
        other => Err(Fault::invalid(format!("`{other:?}` is not answered here"))),
    }
}

async fn history(
    parts: &ControlParts,
    run_id: TrackingRunId,
    key: String,
    max_points: u32,
) -> Result<Answer, Fault> {
    let history = tracked(parts, move |store| {
        let points = run::metric_history(store, &run_id, &key)?;
        let total = points.len() as u64;
        let points = thin::thin(points, max_points as usize);
        let points = points.into_iter().map(|point| MetricPointView {
            step: point.step,
            timestamp: point.timestamp,
            value: point.value,
        });
        Ok(MetricHistoryView { run_id, key, points: points.collect(), total })
    });
    history.await.map(Answer::MetricHistory)
}

async fn read_artifact(
    parts: &ControlParts,
    run_id: TrackingRunId,
    path: String,
    max_bytes: u32,
) -> Result<Answer, Fault> {
    let artifacts = parts.layout.artifacts_dir();
    let found = tracked(parts, move |store| {
        let run = run::get(store, &run_id)?;
        let Some((path, size)) = run.artifacts.into_iter().find(|(name, _)| *name == path) else {
            return Err(Fault::not_found(format!("run `{run_id}` has no artifact `{path}`")).into());
        };
        let folder = artifact::place(&artifacts, &run.artifact_uri)
            .ok_or_else(|| Fault::unavailable("the artifacts of this run lie elsewhere"))?;
        let bytes = artifact::read(&folder, &path, max_bytes.into())
            .map_err(|error| Fault::unavailable(format!("read artifact `{path}`: {error}")))?;
        Ok(ArtifactView { path, size, text: artifact::text(bytes) })
    });
    found.await.map(Answer::Artifact)
}

/// Asks the tracker, which blocks, off the async threads.
pub(super) async fn tracked<R: Send + 'static>(
    parts: &ControlParts,
    f: impl FnOnce(&Store) -> Result<R, StoreError> + Send + 'static,
) -> Result<R, Fault> {
    let store = parts.store.clone();
    off_thread(move || f(&store).map_err(Fault::from)).await
}
