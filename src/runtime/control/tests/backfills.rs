//! Backfills through the control.

use super::world::{World, dag, deck, ordinary};
use super::*;
use crate::dag::schedule::{Cron, Schedule, Timetable};
use crate::sched::{Change, Command, Input, Reply};
use crate::store::sample::{self, at};
use crate::types::backfill::{Backfill, BackfillSpec};
use crate::types::state::{BackfillDagRunExceptionReason, ReprocessBehavior};
use crate::types::{DagRunId, DagRunState};

/// A deck with a DAG `hourly`.
fn world() -> World {
    let mut deck = deck();
    let mut hourly = dag("hourly", &[("t", &[])]);
    let cron = Cron::parse("@hourly", &jiff::tz::TimeZone::UTC).unwrap();
    hourly.schedule = Schedule::Time(Timetable::CronTrigger(vec![cron]));
    deck.dags.insert("hourly".into(), Arc::new(hourly));
    World::with(
        deck,
        Box::new(|input| match input {
            Input::Command(
                Command::CreateBackfill(_)
                | Command::SetBackfillPaused { .. }
                | Command::CancelBackfill { .. },
            ) => Ok(Reply::Backfill(Box::new(sample::backfill(1, "hourly")))),
            other => ordinary(other),
        }),
    )
}

/// Of the three hours before the one that has just begun.
fn spec() -> BackfillSpec {
    BackfillSpec {
        dag_id: "hourly".into(),
        from_date: at(-7200),
        to_date: at(3600),
        reprocess_behavior: ReprocessBehavior::Failed,
        run_backwards: false,
        max_active_runs: 3,
        dag_run_conf: None,
        user: None,
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_done_with_each_date() {
    let world = world();
    let of_date =
        |id: &str, secs: i64, state| Change::PutDagRun(sample::run("hourly", id, secs, state));
    world
        .commit(vec![
            of_date("good", -7200, DagRunState::Success),
            of_date("bad", -3600, DagRunState::Failed),
        ])
        .await;
    let Answer::BackfillPlan(plan) = world.ask(Request::PlanBackfill(spec())).await else {
        panic!("a plan")
    };
    assert_eq!(plan.total_dates, Some(3));
    let lines: Vec<_> = plan
        .dag_runs
        .iter()
        .map(|line| {
            (
                line.logical_date,
                line.dag_run_id.as_ref().map(DagRunId::as_str),
                line.exception_reason,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (at(-7200), Some("good"), Some(BackfillDagRunExceptionReason::AlreadyExists)),
            (at(-3600), Some("bad"), None),
            (at(0), None, None),
        ]
    );
    assert!(world.inputs.lock().unwrap().is_empty(), "nothing is done");
    let backwards = BackfillSpec { run_backwards: true, ..spec() };
    let Answer::BackfillPlan(plan) = world.ask(Request::PlanBackfill(backwards)).await else {
        panic!("a plan")
    };
    assert_eq!(plan.dag_runs[0].logical_date, at(0));
}

#[tokio::test]
async fn a_range_too_long_to_count_is_listed_by_its_first_page() {
    let world = world();
    let long = BackfillSpec { from_date: at(-3600 * 200_000), ..spec() };
    let Answer::BackfillPlan(plan) = world.ask(Request::PlanBackfill(long)).await else {
        panic!("a plan")
    };
    assert_eq!((plan.dag_runs.len(), plan.total_dates), (1000, None));
}

#[tokio::test]
async fn orders_go_to_the_engine_with_who_asks_and_are_answered_with_the_backfill() {
    let world = world();
    world.commit(vec![Change::PutBackfill(sample::backfill(1, "hourly"))]).await;
    let Answer::Backfill(detail) = world.ask(Request::CreateBackfill(spec())).await else {
        panic!("a backfill")
    };
    assert_eq!(detail.backfill.backfill, sample::backfill(1, "hourly"));
    assert_eq!(detail.total_dates, Some(241));
    let Input::Command(Command::CreateBackfill(asked)) = world.last_input() else { panic!() };
    assert!(asked.user.is_some());
    world.ask(Request::SetBackfillPaused { backfill_id: 1, is_paused: true }).await;
    let Input::Command(Command::SetBackfillPaused { is_paused: true, user: Some(_), .. }) =
        world.last_input()
    else {
        panic!("{:?}", world.last_input())
    };
    world.ask(Request::CancelBackfill { backfill_id: 1 }).await;
    let Input::Command(Command::CancelBackfill { backfill_id: 1, .. }) = world.last_input() else {
        panic!("{:?}", world.last_input())
    };
}

#[tokio::test]
async fn what_is_not_there_or_has_ended_is_refused() {
    let world = world();
    let show = Request::ShowBackfill { backfill_id: 7, limit: 9, offset: 0 };
    assert_eq!(world.refusal(show).await.kind, FaultKind::NotFound);
    let cancel = Request::CancelBackfill { backfill_id: 7 };
    assert_eq!(world.refusal(cancel).await.kind, FaultKind::NotFound);
    let ended = Backfill { completed_at: Some(at(1)), ..sample::backfill(7, "hourly") };
    world.commit(vec![Change::PutBackfill(ended)]).await;
    let pause = Request::SetBackfillPaused { backfill_id: 7, is_paused: true };
    assert_eq!(world.refusal(pause).await.kind, FaultKind::Conflict);
    let by_hand = BackfillSpec { dag_id: "etl".into(), ..spec() };
    let refused = world.refusal(Request::PlanBackfill(by_hand)).await;
    assert_eq!(refused.kind, FaultKind::Invalid);
    assert!(refused.message.contains("`etl`"), "{refused}");
    let unknown = BackfillSpec { dag_id: "hurly".into(), ..spec() };
    let refused = world.refusal(Request::CreateBackfill(unknown)).await;
    assert_eq!(refused.hint.as_deref(), Some("did you mean `hourly`?"));
    let list = Request::ListBackfills { dag_id: Some("hourly".into()), limit: 9, offset: 0 };
    let Answer::Backfills { backfills, total } = world.ask(list).await else { panic!("a list") };
    assert_eq!((backfills.len(), total), (1, 1));
}
