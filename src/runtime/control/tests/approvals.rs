//! Questions and answers.

use serde_json::{Map, json};

use super::world::World;
use crate::sched::{Change, Command, Input, Rejected};
use crate::store::sample::{at, key, run, task};
use crate::types::approval::{HitlDetail, HitlResponse, Question, Response};
use crate::types::ask::{Answer, Request};
use crate::types::{AttemptKey, DagRunState, FaultKind, TaskInstanceState};

fn detail(response: Option<HitlResponse>) -> HitlDetail {
    HitlDetail {
        key: AttemptKey { task: key("etl", "r1", "load"), try_number: 1 },
        question: Question {
            subject: "Load?".into(),
            body: None,
            options: vec!["Approve".into(), "Reject".into()],
            defaults: None,
            multiple: false,
            params: Map::new(),
            assignees: Vec::new(),
        },
        created_at: at(5),
        timeout_at: None,
        response,
    }
}

fn given() -> HitlResponse {
    HitlResponse {
        chosen_options: vec!["Approve".into()],
        params_input: Map::new(),
        responded_by: Some("ana".into()),
        responded_at: at(9),
        timed_out: false,
    }
}

fn wish() -> Request {
    Request::AnswerApproval(Response {
        key: key("etl", "r1", "load"),
        chosen_options: vec!["Approve".into()],
        params_input: json!({"x": 1}).as_object().cloned().unwrap(),
        user: None,
    })
}

async fn asking(world: &World, detail: HitlDetail) {
    let ti = task(key("etl", "r1", "load"), Some(TaskInstanceState::Deferred));
    let other = task(key("etl", "r1", "check"), Some(TaskInstanceState::Success));
    let run = run("etl", "r1", 0, DagRunState::Running);
    world
        .commit(vec![
            Change::PutDagRun(run),
            Change::PutTaskInstance(ti),
            Change::PutTaskInstance(other),
            Change::PutHitlDetail(detail),
        ])
        .await;
}

/// An engine for which nothing waits any more.
fn too_late() -> World {
    let script = |_: &Input| Err(Rejected::NotAsked { key: key("etl", "r1", "load") }.into());
    World::with(super::world::deck(), Box::new(script))
}

#[tokio::test]
async fn what_is_asked_is_listed_and_shown() {
    let world = World::new();
    let list = |all: bool| Request::ListApprovals { dag_id: None, only_pending: !all, limit: 5 };
    assert_eq!(world.ask(list(true)).await, Answer::Approvals(vec![]));
    asking(&world, detail(None)).await;
    assert_eq!(world.ask(list(false)).await, Answer::Approvals(vec![detail(None)]));
    let show = Request::ShowApproval { key: key("etl", "r1", "load") };
    assert_eq!(world.ask(show).await, Answer::Approval(Box::new(detail(None))));
}

#[tokio::test]
async fn an_answer_goes_to_the_engine_with_who_gave_it() {
    let world = World::new();
    asking(&world, detail(None)).await;
    world.ask(wish()).await;
    let Input::Command(Command::Answer(response)) = world.last_input() else {
        panic!("{:?}", world.last_input())
    };
    assert_eq!(response.chosen_options, ["Approve"]);
    assert!(response.user.is_some_and(|user| !user.is_empty()));
}

#[tokio::test]
async fn a_second_answer_is_told_who_was_faster() {
    let world = too_late();
    asking(&world, detail(Some(given()))).await;
    let fault = world.refusal(wish()).await;
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("was answered by `ana` at "), "{fault}");
    assert!(fault.message.ends_with(": Approve"), "{fault}");
}

#[tokio::test]
async fn an_answer_after_the_time_was_up_is_told_what_was_taken() {
    let world = too_late();
    let response = HitlResponse { responded_by: None, timed_out: true, ..given() };
    asking(&world, detail(Some(response))).await;
    let fault = world.refusal(wish()).await;
    assert!(fault.message.starts_with("nobody answered"), "{fault}");
}

#[tokio::test]
async fn a_question_that_is_asked_no_more_is_told_so() {
    let world = too_late();
    asking(&world, detail(None)).await;
    let fault = world.refusal(wish()).await;
    assert!(fault.message.contains("waits for no answer"), "{fault}");
}

#[tokio::test]
async fn what_asks_nothing_is_named() {
    let world = too_late();
    asking(&world, detail(None)).await;
    let show =
        |dag: &str, run: &str, task: &str| Request::ShowApproval { key: key(dag, run, task) };
    let fault = world.refusal(show("etl", "r1", "check")).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.contains("asks nothing"), "{fault}");
    let fault = world.refusal(show("etl", "r1", "chek")).await;
    assert!(fault.message.contains("there is no task"), "{fault}");
    let fault = world.refusal(show("etl", "r9", "load")).await;
    assert!(fault.message.contains("there is no run `r9`"), "{fault}");
    let list = Request::ListApprovals { dag_id: Some("nope".into()), only_pending: true, limit: 5 };
    assert_eq!(world.refusal(list).await.kind, FaultKind::NotFound);
}
