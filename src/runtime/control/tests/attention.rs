//! What somebody should look at.

use super::world::World;
use super::*;
use crate::sched::Change;
use crate::store::sample::{at, key, run, task};
use crate::types::ask::RunsOnly;
use crate::types::attention::{AttentionKind, AttentionTarget};
use crate::types::event::Severity;
use crate::types::run::DagRun;
use crate::types::state::DagRunType;
use crate::types::{DagRunState, TaskInstanceState};

#[tokio::test]
async fn it_is_listed_by_urgency_with_why_and_what_to_do() {
    let world = World::new();
    let mut failed = task(key("etl", "r1", "load"), Some(TaskInstanceState::Failed));
    failed.note = Some("exit code 137".into());
    world
        .commit(vec![
            Change::PutDagRun(run("etl", "r1", 0, DagRunState::Failed)),
            Change::PutTaskInstance(failed),
            Change::PutDagRun(run("train", "q1", 0, DagRunState::Queued)),
        ])
        .await;
    let Answer::Attention(items) = world.ask(Request::ListAttention).await else { panic!() };
    assert!(items.is_sorted_by_key(|item| std::cmp::Reverse(item.severity)), "{items:#?}");
    let of = |kind| items.iter().find(|item| item.kind == kind);
    let failed = of(AttentionKind::FailedRun).unwrap();
    assert_eq!((failed.severity, failed.subject.as_str()), (Severity::Error, "etl"));
    assert_eq!(failed.text, "task load: exit code 137, try 1/2");
    assert_eq!(
        (failed.since, failed.remedy.as_str()),
        (Some(at(10)), "dagdeck runs clear etl 'r1'")
    );
    assert!(matches!(&failed.target, AttentionTarget::Run(key) if key.dag_run_id.as_str() == "r1"));
    assert_eq!(of(AttentionKind::WaitingRuns).unwrap().subject, "train");
    assert_eq!(of(AttentionKind::Problem).unwrap().text, "port taken");
}

#[tokio::test]
async fn the_last_day_is_counted_and_a_run_is_told_in_short() {
    let world = World::new();
    world
        .commit(vec![
            Change::PutDagRun(run("etl", "r1", 0, DagRunState::Success)),
            Change::PutTaskInstance(task(key("etl", "r1", "load"), None)),
        ])
        .await;
    let Answer::Pulse(pulse) = world.ask(Request::Pulse).await else { panic!() };
    assert_eq!((pulse.hours.len(), pulse.hours.last().unwrap().runs), (24, 1));
    let brief = |id: &str| Request::BriefRun { dag_id: "etl".into(), dag_run_id: id.into() };
    let Answer::RunBrief(found) = world.ask(brief("r1")).await else { panic!() };
    assert_eq!(found.progress(), (0, 1));
    assert_eq!(world.refusal(brief("r9")).await.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn runs_are_found_by_what_is_said_of_them() {
    let world = World::new();
    let noted =
        DagRun { note: Some("Bad DISK".into()), ..run("etl", "r1", 0, DagRunState::Failed) };
    let backfill =
        DagRun { run_type: DagRunType::Backfill, ..run("train", "r2", 60, DagRunState::Success) };
    world
        .commit(vec![
            Change::PutDagRun(noted),
            Change::PutDagRun(backfill),
            Change::PutDagRun(run("basic", "r3", 120, DagRunState::Success)),
        ])
        .await;
    let found = async |only| {
        let request = Request::ListRuns { dag_id: None, state: None, only, limit: 9, offset: 0 };
        let Answer::Runs { runs, total } = world.ask(request).await else { panic!() };
        assert_eq!(runs.len() as u64, total);
        runs.into_iter().map(|run| run.dag_run_id.to_string()).collect::<Vec<_>>()
    };
    let only = RunsOnly::default;
    assert_eq!(found(only()).await, ["r3", "r2", "r1"]);
    assert_eq!(found(RunsOnly { words: vec!["disk".into()], ..only() }).await, ["r1"]);
    assert_eq!(found(RunsOnly { words: vec!["%".into()], ..only() }).await, Vec::<String>::new());
    let of_type = RunsOnly { run_type: Some(DagRunType::Backfill), ..only() };
    assert_eq!(found(of_type).await, ["r2"]);
    assert_eq!(found(RunsOnly { within_secs: Some(940), ..only() }).await, ["r3", "r2"]);
    assert_eq!(found(RunsOnly { dag: Some("a".into()), ..only() }).await, ["r3", "r2"]);
    assert_eq!(found(RunsOnly { dag: Some("etl".into()), ..only() }).await, ["r1"]);
}
