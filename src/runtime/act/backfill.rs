//! Reads for the scheduler what runs there are of the dates that a backfill comes to next.

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::act::Shared;
use crate::sched::Input;
use crate::store::backfill;
use crate::types::{DagId, DagRunId, LaunchToken, Timestamp};

/// Between two tries where the store cannot be read.
const RETRY: Duration = Duration::from_secs(1);

/// What the scheduler asks.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) dag_id: DagId,
    pub(super) token: LaunchToken,
    pub(super) logical_dates: Vec<Timestamp>,
    pub(super) dag_run_ids: Vec<DagRunId>,
    pub(super) with_tasks: bool,
}

/// Reads and answers. The backfill waits for it, so it is tried until it succeeds; an engine that
/// starts anew asks again.
pub(super) async fn answer(shared: Arc<Shared>, question: Question) {
    let Question { dag_id, token, .. } = question.clone();
    let read = loop {
        let Question { dag_id, logical_dates, dag_run_ids, with_tasks, .. } = question.clone();
        let read = shared.store.read(move |conn| {
            backfill::read_dates(conn, &dag_id, &logical_dates, &dag_run_ids, with_tasks)
        });
        match read.await {
            Ok(read) => break read,
            Err(error) => tracing::warn!(%error, "could not read the runs of a backfill"),
        }
        if shared.handle.inputs.is_closed() {
            return;
        }
        tokio::time::sleep(RETRY).await;
    };
    tracing::trace!(step = "read", dag = %dag_id);
    // An error says that the engine has stopped.
    let _ = shared.handle.tell(Input::BackfillRead { dag_id, token, read }).await;
}
