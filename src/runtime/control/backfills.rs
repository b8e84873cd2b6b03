//! Backfills: what one would do, beginning, pausing and cancelling one, and what came of it.

use std::sync::Arc;

use crate::dag::Dag;
use crate::runtime::control::{ControlParts, find, user};
use crate::runtime::promotion::off_thread;
use crate::sched::backfill::{BackfillRefusal, Dates, refuse, what_stands_in_the_way};
use crate::sched::{Command, Input, Rejected, Reply};
use crate::store::backfill;
use crate::types::ask::Answer;
use crate::types::backfill::{
    BackfillDetailView, BackfillId, BackfillPlan, BackfillSpec, BackfillView, PlannedDagRun,
};
use crate::types::{DagId, Fault};

/// More dates than that are not counted: it would take seconds.
const COUNT_MAX: usize = 100_000;

/// Says what a backfill would do, date by date.
pub(super) async fn plan(parts: &ControlParts, spec: BackfillSpec) -> Result<Answer, Fault> {
    let live = parts.live();
    let dag = find::dag(&live, &spec.dag_id)?.clone();
    let now = parts.clock.now();
    refuse(&dag, &spec, now)?;
    let behavior = spec.reprocess_behavior;
    let (next, total_dates) = {
        let (dag, spec) = (dag.clone(), spec.clone());
        off_thread(move || {
            let Some(timetable) = dag.schedule.timetable() else { return Ok((Vec::new(), None)) };
            let dates = Dates::of_spec(timetable, &spec, now);
            let page = dates.take(find::PAGE_LEN_MAX as usize).collect();
            let forwards = BackfillSpec { run_backwards: false, ..spec.clone() };
            Ok((page, count(Dates::of_spec(timetable, &forwards, now))))
        })
        .await?
    };
    let read = {
        let dates: Vec<_> = next.iter().map(|interval| interval.start).collect();
        let dag_id = dag.dag_id.clone();
        parts.read(move |conn| backfill::read_dates(conn, &dag_id, &dates, &[], false)).await?
    };
    let dag_runs = next.into_iter().map(|interval| {
        let run = read.runs.iter().find(|found| found.run.logical_date == Some(interval.start));
        PlannedDagRun {
            logical_date: interval.start,
            data_interval_start: interval.start,
            data_interval_end: interval.end,
            run_after: interval.end,
            dag_run_id: run.map(|found| found.run.dag_run_id.clone()),
            exception_reason: run
                .and_then(|found| what_stands_in_the_way(behavior, found.run.state)),
        }
    });
    let dag_runs = dag_runs.collect();
    Ok(Answer::BackfillPlan(BackfillPlan { dag_id: spec.dag_id, dag_runs, total_dates }))
}

/// Begins one.
pub(super) async fn create(parts: &ControlParts, mut spec: BackfillSpec) -> Result<Answer, Fault> {
    find::dag(&parts.live(), &spec.dag_id)?;
    spec.user.get_or_insert_with(user::name);
    order(parts, Command::CreateBackfill(spec)).await
}

/// Pauses one, or has it go on.
pub(super) async fn set_paused(
    parts: &ControlParts,
    backfill_id: BackfillId,
    is_paused: bool,
) -> Result<Answer, Fault> {
    under_way(parts, backfill_id).await?;
    let user = Some(user::name());
    order(parts, Command::SetBackfillPaused { backfill_id, is_paused, user }).await
}

/// Ends one.
pub(super) async fn cancel(parts: &ControlParts, backfill_id: BackfillId) -> Result<Answer, Fault> {
    under_way(parts, backfill_id).await?;
    order(parts, Command::CancelBackfill { backfill_id, user: Some(user::name()) }).await
}

/// Returns a page, newest first.
pub(super) async fn list(
    parts: &ControlParts,
    dag_id: Option<DagId>,
    limit: u32,
    offset: u32,
) -> Result<Answer, Fault> {
    if let Some(dag_id) = &dag_id {
        find::known_dag(&parts.live(), dag_id)?;
    }
    let limit = limit.min(find::PAGE_LEN_MAX);
    let read =
        move |conn: &rusqlite::Connection| backfill::list(conn, dag_id.as_ref(), limit, offset);
    let (backfills, total) = parts.read(read).await?;
    Ok(Answer::Backfills { backfills, total })
}

/// Returns one with a page of its dates, the last one first.
pub(super) async fn show(
    parts: &ControlParts,
    backfill_id: BackfillId,
    limit: u32,
    offset: u32,
) -> Result<Answer, Fault> {
    let limit = limit.min(find::PAGE_LEN_MAX);
    let read = move |conn: &rusqlite::Connection| {
        let Some(view) = backfill::get(conn, backfill_id)? else { return Ok(None) };
        let dag_runs = backfill::dag_runs(conn, &view.backfill, limit, offset)?;
        Ok(Some((view, dag_runs)))
    };
    let (view, dag_runs) = parts.read(read).await?.ok_or_else(|| no_backfill(backfill_id))?;
    let live = parts.live();
    let dag_state = find::dag_state(&live, &view.backfill.dag_id);
    let is_dag_paused = dag_state.is_some_and(|state| state.is_paused);
    let dag = live.deck.dags.get(&view.backfill.dag_id).cloned();
    let total_dates = match dag {
        Some(dag) => total(dag, view.clone()).await?,
        None => None,
    };
    let detail = BackfillDetailView { backfill: view, total_dates, is_dag_paused, dag_runs };
    Ok(Answer::Backfill(Box::new(detail)))
}

async fn total(dag: Arc<Dag>, view: BackfillView) -> Result<Option<u64>, Fault> {
    off_thread(move || {
        let timetable = dag.schedule.timetable();
        Ok(timetable.and_then(|timetable| {
            count(Dates::of_backfill(timetable, &view.backfill).all_in_order())
        }))
    })
    .await
}

fn count(dates: Dates<'_>) -> Option<u64> {
    let count = dates.take(COUNT_MAX + 1).count();
    (count <= COUNT_MAX).then(|| u64::try_from(count).unwrap_or(u64::MAX))
}

/// Hands an order in and returns the backfill as it stands then.
async fn order(parts: &ControlParts, command: Command) -> Result<Answer, Fault> {
    match parts.handle.ask(Input::Command(command)).await? {
        Reply::Backfill(backfill) => show(parts, backfill.id, find::PAGE_LEN_MAX, 0).await,
        _ => Ok(Answer::Done),
    }
}

/// Refuses a backfill that there is not, or that has ended.
async fn under_way(parts: &ControlParts, backfill_id: BackfillId) -> Result<(), Fault> {
    let view = parts.read(move |conn| backfill::get(conn, backfill_id)).await?;
    let view = view.ok_or_else(|| no_backfill(backfill_id))?;
    match view.backfill.completed_at {
        None => Ok(()),
        Some(_) => Err(Rejected::from(BackfillRefusal::NotUnderWay { backfill_id }).into()),
    }
}

fn no_backfill(backfill_id: BackfillId) -> Fault {
    let text = format!("there is no backfill {backfill_id}");
    Fault::not_found(text).hint("`dagdeck backfill list` shows what there is")
}
