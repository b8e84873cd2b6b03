//! Why a backfill is refused.

use crate::input::Rejected;
use crate::types::backfill::BackfillId;
use crate::types::{DagId, Fault, FaultKind, Timestamp};

/// A refusal; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackfillRefusal {
    #[error("DAG `{dag_id}` has no schedule with dates to make up for")]
    NotPeriodic { dag_id: DagId },
    #[error("the range ends before it starts: {from_date} to {to_date}")]
    Reversed { from_date: Timestamp, to_date: Timestamp },
    #[error("the range starts in the future: {from_date}")]
    InTheFuture { from_date: Timestamp },
    #[error("DAG `{dag_id}` has no date that has passed between {from_date} and {to_date}")]
    NoDates { dag_id: DagId, from_date: Timestamp, to_date: Timestamp },
    #[error("DAG `{dag_id}` has tasks that depend on past runs: it cannot be run backwards")]
    Backwards { dag_id: DagId },
    #[error("DAG `{dag_id}` has tasks that depend on past runs: say which runs to reprocess")]
    NoReprocess { dag_id: DagId },
    #[error("backfill {backfill_id} of DAG `{dag_id}` is under way")]
    UnderWay { dag_id: DagId, backfill_id: BackfillId },
    #[error("there is no backfill {backfill_id} under way")]
    NotUnderWay { backfill_id: BackfillId },
}

impl From<BackfillRefusal> for Rejected {
    fn from(refusal: BackfillRefusal) -> Self {
        Self::Backfill(refusal)
    }
}

impl From<BackfillRefusal> for Fault {
    fn from(refusal: BackfillRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            BackfillRefusal::NotPeriodic { .. } => Self::invalid(text)
                .hint("a backfill needs a cron expression or an interval in `schedule`"),
            BackfillRefusal::Reversed { .. } | BackfillRefusal::InTheFuture { .. } => {
                Self::invalid(text)
            }
            BackfillRefusal::NoDates { .. } => Self::invalid(text).hint(
                "both dates are logical dates; an interval must have ended to be made up for",
            ),
            BackfillRefusal::Backwards { .. } => {
                Self::invalid(text).hint("leave `--run-backwards` out")
            }
            BackfillRefusal::NoReprocess { .. } => {
                Self::invalid(text).hint("`--reprocess failed` or `--reprocess completed`")
            }
            BackfillRefusal::UnderWay { backfill_id, .. } => Self::new(FaultKind::Conflict, text)
                .hint(format!("`dagdeck backfill cancel {backfill_id}` ends it")),
            BackfillRefusal::NotUnderWay { .. } => Self::conflict(text),
        }
    }
}
