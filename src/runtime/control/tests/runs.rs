//! DAGs, runs, tasks and logs.

use serde_json::json;

use super::world::{World, deck};
use super::*;
use crate::sched::{Change, Command, Input, Rejected, Reply};
use crate::store::sample::{self, at, key, object, run, task, task_try};
use crate::types::ask::{RunsOnly, Trigger};
use crate::types::callback::{
    CallbackAction, CallbackEvent, CallbackRequest, CallbackSpec, CallbackState, CallbackSubject,
};
use crate::types::deadline::Deadline;
use crate::types::event::Event;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::state::TriggeredBy;
use crate::types::view::{DagView, LogChunk, RunDetailView};
use crate::types::{AttemptKey, DagId, DagRunState, TaskInstanceState};

fn show_run(dag_id: &str, run_id: &str) -> Request {
    Request::ShowRun { dag_id: dag_id.into(), dag_run_id: run_id.into(), packed: false }
}

fn trigger(dag_id: &str, run_id: Option<&str>) -> Request {
    Request::Trigger(Box::new(Trigger {
        dag_id: dag_id.into(),
        conf: object(json!({"n": 2})),
        dag_run_id: run_id.map(Into::into),
        logical_date: None,
        note: None,
        triggered_by: TriggeredBy::Cli,
        user: None,
        partition_key: None,
    }))
}

/// A world in which `etl` has the ended run `r1` and the running `r2`.
async fn with_runs() -> World {
    let world = World::new();
    world.commit(rows()).await;
    world
}

fn rows() -> Vec<Change> {
    let mut changes = vec![
        Change::PutDagRun(run("etl", "r1", 0, DagRunState::Success)),
        Change::PutDagRun(run("etl", "r2", 60, DagRunState::Running)),
    ];
    for run_id in ["r1", "r2"] {
        for id in ["load", "extract", "gone", "check"] {
            changes.push(Change::PutTaskInstance(task(key("etl", run_id, id), None)));
        }
    }
    changes
}

async fn detail(world: &World, dag_id: &str, run_id: &str) -> RunDetailView {
    match world.ask(show_run(dag_id, run_id)).await {
        Answer::RunDetail(detail) => *detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn dags_are_listed_as_written_with_their_runs_and_the_stale_ones_last() {
    let world = with_runs().await;
    let Answer::Dags(dags) = world.ask(Request::ListDags).await else { panic!() };
    let ids: Vec<&str> = dags.iter().map(|dag| dag.dag_id.as_str()).collect();
    assert_eq!(ids, ["etl", "train", "basic", "serving", "paused_serving", "removed"]);
    let DagView { recent_runs, median_duration, next_run_after, task_count, param_count, .. } =
        &dags[0];
    let recent: Vec<&str> = recent_runs.iter().map(|run| run.dag_run_id.as_str()).collect();
    assert_eq!(recent, ["r1", "r2"]);
    assert_eq!((*median_duration, *next_run_after), (Some(10.0), Some(at(3600))));
    assert_eq!((*task_count, *param_count), (3, 1));
    assert!(dags[4].is_paused && dags[5].is_stale);
    assert!(dags[3].timetable_summary.contains("models:/*@production"));
}

#[tokio::test]
async fn a_dag_is_shown_with_its_tasks_in_topological_order() {
    let world = World::new();
    let Answer::Dag(dag) = world.ask(Request::ShowDag { dag_id: "etl".into() }).await else {
        panic!()
    };
    let tasks: Vec<&str> = dag.tasks.iter().map(|task| task.task_id.as_str()).collect();
    assert_eq!(tasks, ["extract", "check", "load"]);
    assert_eq!(dag.tasks[1].downstream_task_ids, ["load".into()]);
    assert_eq!(dag.tasks[2].outlets, ["employees"]);
    assert_eq!((dag.line, dag.timezone.as_str(), dag.params["n"].clone()), (7, "UTC", json!(1)));
    assert_eq!(dag.asset_expression, None);
}

#[tokio::test]
async fn an_unknown_dag_is_refused_with_the_one_meant() {
    let world = World::new();
    let dag_id = || DagId::from("elt");
    for request in [
        Request::ShowDag { dag_id: dag_id() },
        Request::SetPaused { dag_id: dag_id(), is_paused: true },
        Request::PlanTrigger { dag_id: dag_id(), conf: object(json!({})) },
        trigger("elt", None),
        list_runs(Some("elt"), None, 5),
        show_run("elt", "r1"),
    ] {
        let fault = world.refusal(request).await;
        assert_eq!(fault.kind, FaultKind::NotFound, "{fault}");
        assert_eq!(fault.hint.as_deref(), Some("did you mean `etl`?"), "{fault}");
    }
    let fault = world.refusal(trigger("removed", None)).await;
    assert!(fault.message.contains("no longer defined"), "{fault}");
    assert!(world.inputs.lock().unwrap().is_empty(), "the engine was not bothered");
}

#[tokio::test]
async fn a_plan_checks_the_conf_and_counts_the_runs_under_way() {
    let world = with_runs().await;
    let plan = |conf| Request::PlanTrigger { dag_id: "etl".into(), conf: object(conf) };
    let Answer::Plan(Ok(found)) = world.ask(plan(json!({"n": 5}))).await else { panic!() };
    assert_eq!(found.params["n"], json!(5));
    assert_eq!((found.active_runs, found.task_count, found.median_duration), (1, 3, Some(10.0)));
    let Answer::Plan(Err(problems)) = world.ask(plan(json!({"n": "x"}))).await else { panic!() };
    assert_eq!(problems[0].param, "n");
}

#[tokio::test]
async fn a_trigger_is_handed_to_the_engine_with_the_name_of_the_user() {
    let made = run("etl", "manual", 5, DagRunState::Queued);
    let reply = made.clone();
    let script = move |_: &Input| Ok(Reply::Run(Box::new(reply.clone())));
    let world = World::with(deck(), Box::new(script));
    assert_eq!(world.ask(trigger("etl", None)).await, Answer::Run(Box::new(made)));
    let Input::Command(Command::Trigger(wish)) = world.last_input() else { panic!() };
    assert!(wish.user.is_some_and(|user| !user.is_empty()));
    assert_eq!(wish.conf["n"], json!(2));
}

#[tokio::test]
async fn an_explicit_run_id_must_be_new() {
    let world = with_runs().await;
    for id in ["r1", "r2"] {
        let fault = world.refusal(trigger("etl", Some(id))).await;
        assert_eq!(fault.kind, FaultKind::Exists);
        assert!(fault.hint.is_some());
    }
    let fault = world.refusal(trigger("etl", Some(" "))).await;
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert_eq!(world.ask(trigger("etl", Some("r3"))).await, Answer::Done);
}

#[tokio::test]
async fn what_the_engine_rejects_reaches_the_caller() {
    let reject = |_: &Input| Err(Rejected::Params { problems: vec![] }.into());
    let world = World::with(deck(), Box::new(reject));
    assert_eq!(world.refusal(trigger("etl", None)).await.kind, FaultKind::Invalid);
}

#[tokio::test]
async fn a_mutation_runs_to_its_end_though_the_caller_goes_away() {
    let world = World::new();
    let pause = Request::SetPaused { dag_id: "etl".into(), is_paused: true };
    // The caller gets as far as asking, and no further.
    tokio::select! {
        biased;
        answer = world.control.ask(pause) => panic!("{answer:?}"),
        () = std::future::ready(()) => {}
    }
    assert!(world.inputs.lock().unwrap().is_empty());
    while world.inputs.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(world.last_input(), Input::Command(Command::SetPaused { .. })));
}

fn list_runs(dag_id: Option<&str>, state: Option<DagRunState>, limit: u32) -> Request {
    let dag_id = dag_id.map(Into::into);
    Request::ListRuns { dag_id, state, only: RunsOnly::default(), limit, offset: 0 }
}

#[tokio::test]
async fn runs_are_listed_by_the_page() {
    let world = with_runs().await;
    let list = list_runs;
    let Answer::Runs { runs, total } = world.ask(list(None, None, 1)).await else { panic!() };
    assert_eq!((runs[0].dag_run_id.as_str(), runs.len(), total), ("r2", 1, 2));
    let success = Some(DagRunState::Success);
    let Answer::Runs { runs, total } = world.ask(list(Some("etl"), success, 9)).await else {
        panic!()
    };
    assert_eq!((runs[0].dag_run_id.as_str(), total), ("r1", 1));
    let stale = world.ask(list(Some("removed"), None, 9)).await;
    assert_eq!(stale, Answer::Runs { runs: vec![], total: 0 });
}

#[tokio::test]
async fn a_run_is_shown_in_the_order_of_its_graph() {
    let world = with_runs().await;
    let found = detail(&world, "etl", "r1").await;
    let tasks: Vec<&str> = found.tasks.iter().map(|task| task.key.task_id.as_str()).collect();
    assert_eq!(tasks, ["extract", "check", "load", "gone"]);
    let edges = [("check".into(), "load".into()), ("extract".into(), "check".into())];
    assert_eq!(found.edges, edges);
    assert_eq!(found.median_duration, Some(10.0));
    let fault = world.refusal(show_run("etl", "nope")).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("`nope`"), "{fault}");
}

#[tokio::test]
async fn a_task_is_shown_with_its_tries_fields_and_output() {
    let world = with_runs().await;
    let extract = key("etl", "r1", "extract");
    let tried = task_try(extract.clone(), 1, TaskInstanceState::Success);
    world
        .commit(vec![
            Change::PutTaskTry(tried.clone()),
            Change::PutXcom {
                task: extract.clone(),
                key: "return_value".into(),
                value: crate::types::xcom::XcomValue::Value(json!(3)),
            },
        ])
        .await;
    let fields = object(json!({"command": "echo 1"}));
    let (attempt, put) = (tried.key.clone(), fields.clone());
    let write =
        move |tx: &rusqlite::Transaction<'_>| crate::store::rendered::put(tx, &attempt, &put);
    world.parts.store.write(write).await.unwrap();
    let Answer::Task(found) = world.ask(Request::ShowTask { key: extract }).await else { panic!() };
    assert_eq!(found.tries, [tried]);
    assert_eq!((found.rendered, found.output), (Some(fields), Some(json!(3))));
    let fault = world.refusal(Request::ShowTask { key: key("etl", "r1", "extrakt") }).await;
    assert_eq!(fault.hint.as_deref(), Some("did you mean `extract`?"));
    let fault = world.refusal(Request::ShowTask { key: key("etl", "r9", "extract") }).await;
    assert!(fault.message.contains("no run `r9`"), "{fault}");
}

fn read_log(task_id: &str, try_number: Option<u32>, wait_ms: u32) -> Request {
    Request::ReadLog {
        key: key("etl", "r2", task_id),
        try_number,
        offset: 0,
        max_bytes: 1 << 16,
        wait_ms,
        backwards: false,
    }
}

fn write_log(world: &World, text: &str) {
    let attempt = AttemptKey { task: key("etl", "r2", "extract"), try_number: 1 };
    let folder = world.parts.layout.attempt_dir(&attempt);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("task.log"), text).unwrap();
}

fn in_state(try_number: u32, state: Option<TaskInstanceState>) -> TaskInstance {
    TaskInstance { try_number, ..task(key("etl", "r2", "extract"), state) }
}

async fn log(world: &World, request: Request) -> LogChunk {
    match world.ask(request).await {
        Answer::Log(chunk) => chunk,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_log_ends_when_its_attempt_does() {
    let world = with_runs().await;
    let running = in_state(1, Some(TaskInstanceState::Running));
    world.commit(vec![Change::PutTaskInstance(running)]).await;
    write_log(&world, "one\n");
    let chunk = log(&world, read_log("extract", None, 0)).await;
    assert_eq!((chunk.text.as_str(), chunk.is_end, chunk.try_number), ("one\n", false, 1));
    let retrying = in_state(1, Some(TaskInstanceState::UpForRetry));
    world.commit(vec![Change::PutTaskInstance(retrying)]).await;
    assert!(log(&world, read_log("extract", None, 0)).await.is_end);
    let again = in_state(2, Some(TaskInstanceState::Running));
    world.commit(vec![Change::PutTaskInstance(again)]).await;
    assert!(log(&world, read_log("extract", Some(1), 0)).await.is_end);
    let second = log(&world, read_log("extract", None, 0)).await;
    assert_eq!((second.text.as_str(), second.is_end, second.try_number), ("", false, 2));
}

#[tokio::test]
async fn whoever_waits_for_a_log_is_told_that_the_attempt_is_over() {
    let world = with_runs().await;
    let running = in_state(1, Some(TaskInstanceState::Running));
    world.commit(vec![Change::PutTaskInstance(running)]).await;
    let control = world.control.clone();
    let waiting = tokio::spawn(async move { control.ask(read_log("extract", None, 30_000)).await });
    tokio::task::yield_now().await;
    let ended = in_state(1, Some(TaskInstanceState::Success));
    world.commit(vec![Change::PutTaskInstance(ended.clone())]).await;
    world
        .parts
        .publisher
        .publish(Event::TaskInstanceChanged { key: ended.key, state: ended.state });
    let Answer::Log(chunk) = waiting.await.unwrap().unwrap() else { panic!() };
    assert!(chunk.is_end);
}

#[tokio::test]
async fn a_task_that_was_never_tried_has_an_empty_log() {
    let world = with_runs().await;
    world.commit(vec![Change::PutTaskInstance(in_state(0, None))]).await;
    let chunk = log(&world, read_log("extract", None, 0)).await;
    assert_eq!((chunk.text.as_str(), chunk.is_end, chunk.try_number), ("", false, 0));
    let skipped = in_state(0, Some(TaskInstanceState::Skipped));
    world.commit(vec![Change::PutTaskInstance(skipped)]).await;
    assert!(log(&world, read_log("extract", None, 30_000)).await.is_end);
    let fault = world.refusal(read_log("extract", Some(3), 0)).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.hint.unwrap().contains("not been tried"));
    assert_eq!(world.refusal(read_log("nope", None, 0)).await.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn the_status_says_what_runs_and_what_is_wrong() {
    let world = World::new();
    world.watch_problems.send_replace(vec!["no such folder".into()]);
    let Answer::Status(status) = world.ask(Request::Status).await else { panic!() };
    assert_eq!(status.problems, ["port taken", "no such folder"]);
    assert_eq!((status.deck_name.as_str(), status.dag_count), ("practice", 5));
    assert_eq!((status.slots_used, status.slots_total, status.runs_running), (1, 16, 1));
    assert_eq!(status.serving_listen.as_deref(), Some("127.0.0.1:3000"));
    assert!(status.store_bytes > 0);
    assert_eq!((status.started_at, status.now), (at(0), at(1000)));
    assert!(matches!(world.ask(Request::Definitions).await, Answer::Definitions(_)));
    assert!(matches!(world.ask(Request::ServingStatus).await, Answer::Serving(_)));
}

#[tokio::test]
async fn who_is_not_told_as_openlineage_is_a_problem_and_needs_attention() {
    let world = World::new();
    let view = crate::types::view::OpenLineageView {
        target: "http://h/api/v1/lineage".into(),
        sent: 3,
        waiting: 1,
        lost: 2,
        problem: Some("it answered 503".into()),
    };
    world.openlineage.send_replace(Some(view.clone()));
    let Answer::Status(status) = world.ask(Request::Status).await else { panic!() };
    assert_eq!(status.openlineage, Some(view));
    let expected = [
        "OpenLineage is not told (http://h/api/v1/lineage): it answered 503; 1 event waits",
        "OpenLineage (http://h/api/v1/lineage) was not told of 2 events; the log says why",
    ];
    assert_eq!(status.problems[1..], expected);
    let Answer::Attention(items) = world.ask(Request::ListAttention).await else { panic!() };
    assert!(items.iter().any(|item| item.text == expected[0]), "{items:#?}");
}

#[tokio::test]
async fn an_mlflow_server_that_is_not_told_is_a_problem_and_needs_attention() {
    let world = World::new();
    let store = &world.parts.store;
    store.write(|tx| crate::tracking::mirror::follow(tx, Some("http://h"))).await.unwrap();
    let new = crate::tracking::run::NewRun {
        experiment_id: "0".into(),
        run_name: "r".into(),
        user_id: String::new(),
        start_time: at(0),
        tags: Vec::new(),
        attempt_token: Some("t".into()),
    };
    store.write(move |tx| crate::tracking::run::record::create(tx, &new)).await.unwrap();
    let view = crate::types::view::MirrorView {
        target: "http://h".into(),
        sent: 3,
        waiting: 0,
        refused: 0,
        problem: Some("connect to `h:80`: refused".into()),
    };
    world.mirror.send_replace(Some(view));
    let Answer::Status(status) = world.ask(Request::Status).await else { panic!() };
    assert_eq!(status.mirror.unwrap().waiting, 1, "as the store has it");
    let expected = "the MLflow server http://h is not told: connect to `h:80`: refused; 1 run or \
                    model waits";
    assert_eq!(status.problems[1], expected);
    let Answer::Attention(items) = world.ask(Request::ListAttention).await else { panic!() };
    assert!(items.iter().any(|item| item.text.contains("is not told")), "{items:#?}");
}

#[tokio::test]
async fn a_shutdown_is_noted_and_the_feed_is_read_by_the_page() {
    let world = World::new();
    assert_eq!(world.ask(Request::Shutdown).await, Answer::Done);
    world.parts.shutdown.notified().await;
    let lines = ["a", "b", "c"].map(|event| Change::InsertEventLog(sample::line(event))).to_vec();
    world.commit(lines).await;
    let list = Request::ListEvents { limit: 1, before_id: Some(3) };
    let Answer::Events(lines) = world.ask(list).await else { panic!() };
    assert_eq!((lines.len(), lines[0].event.as_str()), (1, "b"));
}

#[tokio::test]
async fn a_run_shows_its_deadlines_and_what_was_told_of_it() {
    let world = with_runs().await;
    let (dag_id, dag_run_id) = (DagId::from("etl"), crate::types::DagRunId::from("r2"));
    let deadline = Deadline {
        dag_id: dag_id.clone(),
        dag_run_id: dag_run_id.clone(),
        number: 0,
        reference: "dagrun_queued_at".into(),
        deadline_time: at(70),
        missed: true,
        met_at: None,
    };
    let callback = CallbackRequest {
        id: "callback-1".into(),
        subject: CallbackSubject::Run(DagRunKey {
            dag_id: dag_id.clone(),
            dag_run_id: dag_run_id.clone(),
        }),
        task_id: None,
        map_index: -1,
        try_number: 0,
        event: CallbackEvent::Deadline,
        spec: CallbackSpec {
            action: CallbackAction::Argv(vec!["true".into()]),
            timeout: std::time::Duration::from_secs(1),
            retries: 0,
            retry_delay: std::time::Duration::ZERO,
        },
        task_or_run_state: "running".into(),
        details: None,
        reason: None,
        deadline: Some(at(70)),
        state: CallbackState::Pending,
        tries: 0,
        created_at: at(71),
        ended_at: None,
        output: None,
        error: None,
    };
    world
        .commit(vec![
            Change::PutDeadline(deadline.clone()),
            Change::InsertCallback(Box::new(callback.clone())),
        ])
        .await;
    assert_eq!(detail(&world, "etl", "r2").await.deadlines, [deadline]);
    let ask = Request::ListCallbacks { dag_id: dag_id.clone(), dag_run_id };
    assert_eq!(world.ask(ask).await, Answer::Callbacks(vec![callback]));
    let none = Request::ListCallbacks { dag_id, dag_run_id: "r9".into() };
    let fault = world.control.ask(none).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn task_instances_are_listed_across_runs() {
    use crate::types::ask::TaskInstanceQuery;
    let world = World::new();
    let any = TaskInstanceQuery { limit: 5, ..TaskInstanceQuery::default() };
    let asked = world.ask(Request::ListTaskInstances(any.clone())).await;
    assert_eq!(asked, Answer::TaskInstances { task_instances: vec![], next: None });
    let of_none = TaskInstanceQuery { dag_id: Some("none".into()), ..any.clone() };
    let fault = world.refusal(Request::ListTaskInstances(of_none)).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    let of_task = TaskInstanceQuery { task_id: Some("t".into()), ..any };
    let fault = world.refusal(Request::ListTaskInstances(of_task)).await;
    assert_eq!(fault.kind, FaultKind::Invalid);
}
