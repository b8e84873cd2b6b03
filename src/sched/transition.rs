//! The one table of legal moves of a task instance and of a run.
//!
//! ```text
//! no status ─► scheduled ─► queued ─► running ─► success | failed | skipped
//!     │            ▲           │         │  └─► deferred ─► success | failed | skipped
//!     │            └──── up_for_retry ◄──┴─────────┘
//!     └─► success (an `empty` task) | skipped | upstream_failed | failed (mapped over too much)
//! whatever has a status ─► no status (cleared);  what has not ended ─► removed
//! whatever is not removed ─► success | failed | skipped (marked by a person)
//! ```

use crate::types::{DagRunState, TaskInstanceState};

/// A move that the table does not have: a bug of the scheduler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{from}` does not move to `{to}`")]
pub struct IllegalMove {
    pub from: &'static str,
    pub to: &'static str,
}

/// Says whether a task instance may move so; `None` is Airflow's "no status".
pub fn check_task(
    from: Option<TaskInstanceState>,
    to: Option<TaskInstanceState>,
) -> Result<(), IllegalMove> {
    use TaskInstanceState as S;
    let legal = match from {
        None => matches!(
            to,
            Some(
                S::Scheduled | S::Success | S::Failed | S::Skipped | S::UpstreamFailed | S::Removed
            )
        ),
        Some(S::Scheduled) => matches!(to, None | Some(S::Queued | S::Skipped | S::Removed)),
        Some(S::Queued) => matches!(
            to,
            None | Some(
                S::Running
                    | S::Deferred
                    | S::Success
                    | S::Failed
                    | S::Skipped
                    | S::UpForRetry
                    | S::Removed
            )
        ),
        Some(S::Running) => matches!(
            to,
            None | Some(
                S::Deferred | S::Success | S::Failed | S::Skipped | S::UpForRetry | S::Removed
            )
        ),
        // Its trigger ends it; it does not come back to an executor.
        Some(S::Deferred) => matches!(
            to,
            None | Some(S::Success | S::Failed | S::Skipped | S::UpForRetry | S::Removed)
        ),
        Some(S::UpForRetry) => matches!(to, None | Some(S::Scheduled | S::Skipped | S::Removed)),
        // Nothing moves into these yet.
        Some(S::Restarting | S::UpForReschedule) => {
            matches!(to, None | Some(S::Removed))
        }
        // A removed one comes back where what a task is mapped over has grown again.
        Some(S::Success | S::Failed | S::UpstreamFailed | S::Skipped | S::Removed) => to.is_none(),
    };
    let text = |state: Option<S>| state.map_or("no status", S::as_str);
    if legal { Ok(()) } else { Err(IllegalMove { from: text(from), to: text(to) }) }
}

/// Says whether a run may move so.
pub fn check_run(from: DagRunState, to: DagRunState) -> Result<(), IllegalMove> {
    use DagRunState as S;
    let legal = match from {
        S::Queued => matches!(to, S::Running | S::Failed),
        S::Running => matches!(to, S::Success | S::Failed),
        // Cleared: it waits for its turn again.
        S::Success | S::Failed => to == S::Queued,
    };
    if legal { Ok(()) } else { Err(IllegalMove { from: from.as_str(), to: to.as_str() }) }
}

/// Says whether a person may set a task instance so, whatever the scheduler made of it.
pub fn check_mark(
    from: Option<TaskInstanceState>,
    to: Option<TaskInstanceState>,
) -> Result<(), IllegalMove> {
    use TaskInstanceState as S;
    let legal = from != Some(S::Removed)
        && from != to
        && matches!(to, Some(S::Success | S::Failed | S::Skipped));
    let text = |state: Option<S>| state.map_or("no status", S::as_str);
    if legal { Ok(()) } else { Err(IllegalMove { from: text(from), to: text(to) }) }
}

/// Says whether a person may set a run so.
pub fn check_run_mark(from: DagRunState, to: DagRunState) -> Result<(), IllegalMove> {
    let legal = from != to && to.is_finished();
    if legal { Ok(()) } else { Err(IllegalMove { from: from.as_str(), to: to.as_str() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows: from; columns: to; both in the order of `states()`. `x`: legal.
    const TASKS: &str = "
                       no sch que run res def ret rsc suc fai upf ski rem
        no_status       .  x   .   .   .   .   .   .   x   x   x   x   x
        scheduled       x  .   x   .   .   .   .   .   .   .   .   x   x
        queued          x  .   .   x   .   x   x   .   x   x   .   x   x
        running         x  .   .   .   .   x   x   .   x   x   .   x   x
        restarting      x  .   .   .   .   .   .   .   .   .   .   .   x
        deferred        x  .   .   .   .   .   x   .   x   x   .   x   x
        up_for_retry    x  x   .   .   .   .   .   .   .   .   .   x   x
        up_for_resched  x  .   .   .   .   .   .   .   .   .   .   .   x
        success         x  .   .   .   .   .   .   .   .   .   .   .   .
        failed          x  .   .   .   .   .   .   .   .   .   .   .   .
        upstream_failed x  .   .   .   .   .   .   .   .   .   .   .   .
        skipped         x  .   .   .   .   .   .   .   .   .   .   .   .
        removed         x  .   .   .   .   .   .   .   .   .   .   .   .";

    fn states() -> Vec<Option<TaskInstanceState>> {
        std::iter::once(None).chain(TaskInstanceState::ALL.iter().copied().map(Some)).collect()
    }

    #[test]
    fn every_move_of_a_task_instance_is_as_the_table_says() {
        let rows: Vec<Vec<&str>> =
            TASKS.lines().skip(2).map(|line| line.split_whitespace().skip(1).collect()).collect();
        assert_eq!(rows.len(), states().len());
        for (from, row) in states().into_iter().zip(rows) {
            assert_eq!(row.len(), states().len());
            for (to, cell) in states().into_iter().zip(row) {
                assert_eq!(check_task(from, to).is_ok(), cell == "x", "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn every_move_of_a_run_is_as_the_table_says() {
        use DagRunState as S;
        let legal = [
            (S::Queued, S::Running),
            (S::Queued, S::Failed),
            (S::Running, S::Success),
            (S::Running, S::Failed),
            (S::Success, S::Queued),
            (S::Failed, S::Queued),
        ];
        for from in S::ALL {
            for to in S::ALL {
                let found = check_run(*from, *to).is_ok();
                assert_eq!(found, legal.contains(&(*from, *to)), "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_person_may_set_any_task_but_a_removed_one_to_three_states() {
        use TaskInstanceState as S;
        for from in states() {
            for to in states() {
                let may = matches!(to, Some(S::Success | S::Failed | S::Skipped))
                    && from != Some(S::Removed)
                    && from != to;
                assert_eq!(check_mark(from, to).is_ok(), may, "{from:?} to {to:?}");
            }
        }
        assert!(check_mark(Some(S::Success), Some(S::Failed)).is_ok());
        assert!(check_task(Some(S::Success), Some(S::Failed)).is_err());
    }

    #[test]
    fn a_person_may_end_a_run_either_way() {
        use DagRunState as S;
        for from in S::ALL {
            for to in S::ALL {
                let may = from != to && matches!(to, S::Success | S::Failed);
                assert_eq!(check_run_mark(*from, *to).is_ok(), may, "{from} to {to}");
            }
        }
    }

    #[test]
    fn an_illegal_move_names_both_ends() {
        let illegal = check_task(Some(TaskInstanceState::Success), Some(TaskInstanceState::Queued));
        assert_eq!(illegal.unwrap_err().to_string(), "`success` does not move to `queued`");
    }
}
