//! Tasks that ask people.

use std::time::Duration;

use serde_json::{Value, json};

use super::decks::TaskBuilder;
use super::world::{World, dag, deck, task};
use crate::types::approval::{APPROVE, ApprovalSpec, HitlDetail, Question, REJECT, Response};
use crate::types::deferral::{AtTimeout, Deferral, OnError, TriggerSpec};
use crate::types::{DagRunState, FaultKind};
use crate::{Command, Input, Rejected, Reply, Report};

fn plain() -> ApprovalSpec {
    ApprovalSpec {
        question: Question {
            subject: "Deploy?".into(),
            body: None,
            options: vec![APPROVE.into(), REJECT.into()],
            defaults: None,
            multiple: false,
            params: serde_json::Map::new(),
            assignees: Vec::new(),
        },
        then: None,
        fail_on_reject: false,
        ignore_downstream_trigger_rules: false,
    }
}

/// `ask` asks so, for a minute; the tasks come after it.
fn asking(approval: ApprovalSpec, tasks: Vec<TaskBuilder>) -> World {
    let mut all = vec![task("ask").retries(1)];
    all.extend(tasks);
    let mut world = World::new(deck(vec![dag("d", all)]));
    world.trigger("d");
    world.start("ask");
    ask(&mut world, approval);
    world
}

fn ask(world: &mut World, approval: ApprovalSpec) {
    let (key, token) = world.in_force("ask");
    let at_timeout = match approval.question.defaults {
        Some(_) => AtTimeout::Default,
        None => AtTimeout::Fail,
    };
    let spec = TriggerSpec {
        operator: "approval".into(),
        args: serde_json::Map::new(),
        at_timeout,
        on_error: OnError::Fail,
        poke_interval: 0.0,
        max_wait: None,
        approval: Some(approval),
    };
    let deferral = Deferral {
        trigger: spec.to_text(),
        timeout_at: Some(world.now + Duration::from_secs(60)),
        note: "waits for an answer".into(),
    };
    world.step(Input::Report(Report::Deferred { key, token, deferral })).unwrap();
}

fn answer_as(
    world: &mut World,
    user: &str,
    chosen: &[&str],
    form: Value,
) -> Result<Reply, Rejected> {
    let Value::Object(params_input) = form else { panic!("a form is a table") };
    let response = Response {
        key: world.key("ask"),
        chosen_options: chosen.iter().map(|option| (*option).to_owned()).collect(),
        params_input,
        user: Some(user.into()),
    };
    world.step(Input::Command(Command::Answer(response)))
}

fn answer(world: &mut World, chosen: &[&str]) -> Result<Reply, Rejected> {
    answer_as(world, "ana", chosen, json!({}))
}

fn detail(world: &World) -> &HitlDetail {
    &world.rows.hitl_details[&world.ti("ask").attempt()]
}

fn refusal(answered: Result<Reply, Rejected>) -> String {
    answered.unwrap_err().to_string()
}

#[test]
fn a_question_waits_for_its_answer_and_the_answer_is_the_output() {
    let mut world = asking(plain(), vec![task("b").after(&["ask"])]);
    assert_eq!((world.is("ask"), detail(&world).response.clone()), ("deferred", None));
    let asked_at = world.now;
    world.tick_after(5);
    answer(&mut world, &["Approve"]).unwrap();
    assert_eq!(world.is("ask"), "success");
    assert_eq!(world.launched(), ["b"]);
    let output = &world.rows.xcoms[&world.key("ask")];
    let expected = json!({
        "chosen_options": ["Approve"], "params_input": {}, "responded_by": "ana",
        "responded_at": "2026-03-10T12:00:05Z", "timed_out": false,
    });
    assert_eq!(*output, expected);
    assert_eq!(detail(&world).created_at, asked_at);
    assert!(world.feed_has("ana answered `ask`: Approve"));
    let line = world.rows.log.iter().find(|line| line.event == "task_instance.answered").unwrap();
    assert_eq!(line.owner.as_deref(), Some("ana"));
}

#[test]
fn a_rejection_skips_what_is_directly_downstream() {
    let tasks = vec![
        task("b").after(&["ask"]),
        task("always").rule(crate::dag::trigger_rule::TriggerRule::AllDone).after(&["b"]),
    ];
    let mut world = asking(plain(), tasks);
    answer(&mut world, &["Reject"]).unwrap();
    assert_eq!((world.is("ask"), world.is("b")), ("success", "skipped"));
    assert_eq!(world.launched(), ["always"]);
}

#[test]
fn a_rejection_may_skip_all_that_is_downstream() {
    let tasks = vec![
        task("b").after(&["ask"]),
        task("always").rule(crate::dag::trigger_rule::TriggerRule::AllDone).after(&["b"]),
    ];
    let approval = ApprovalSpec { ignore_downstream_trigger_rules: true, ..plain() };
    let mut world = asking(approval, tasks);
    answer(&mut world, &["Reject"]).unwrap();
    assert_eq!((world.is("b"), world.is("always")), ("skipped", "skipped"));
}

#[test]
fn a_rejection_may_fail_the_task() {
    let approval = ApprovalSpec { fail_on_reject: true, ..plain() };
    let mut world = asking(approval, vec![task("b").after(&["ask"])]);
    answer(&mut world, &["Reject"]).unwrap();
    assert_eq!(world.is("ask"), "up_for_retry");
    assert_eq!(world.ti("ask").note.as_deref(), Some("rejected by ana"));
    assert!(detail(&world).response.is_some());
}

#[test]
fn a_choice_of_one_s_own_that_is_called_reject_skips_nothing() {
    let mut approval = plain();
    approval.question.options = vec!["Later".into(), REJECT.into()];
    let mut world = asking(approval, vec![task("b").after(&["ask"])]);
    answer(&mut world, &["Reject"]).unwrap();
    assert_eq!(world.launched(), ["b"]);
}

#[test]
fn a_choice_may_be_a_branch() {
    let mut approval = plain();
    approval.question.options = vec!["Deploy".into(), "Stop".into(), "Both".into()];
    approval.question.multiple = true;
    let then = json!({"Deploy": "deploy", "Stop": ["stop"], "Both": ["deploy", "stop"]});
    approval.then = then.as_object().cloned();
    let tasks = || vec![task("deploy").after(&["ask"]), task("stop").after(&["ask"])];
    let mut world = asking(approval.clone(), tasks());
    answer(&mut world, &["Deploy"]).unwrap();
    assert_eq!((world.launched(), world.is("stop")), (vec!["deploy".to_owned()], "skipped"));
    let mut world = asking(approval, tasks());
    answer(&mut world, &["Deploy", "Both"]).unwrap();
    assert_eq!(world.launched(), ["deploy", "stop"]);
}

#[test]
fn an_answer_is_given_once() {
    let mut world = asking(plain(), vec![task("b").after(&["ask"])]);
    answer(&mut world, &["Approve"]).unwrap();
    let again = answer_as(&mut world, "bob", &["Reject"], json!({}));
    assert!(matches!(again, Err(Rejected::NotAsked { .. })));
    assert_eq!(world.is("ask"), "success");
    assert_eq!(detail(&world).response.clone().unwrap().responded_by.as_deref(), Some("ana"));
}

#[test]
fn an_answer_must_be_a_choice() {
    let mut world = asking(plain(), vec![]);
    let error = refusal(answer(&mut world, &["Aprove"]));
    assert!(error.contains("`Aprove` is no choice; choices: `Approve`, `Reject`"), "{error}");
    assert!(refusal(answer(&mut world, &[])).contains("nothing was chosen"));
    assert!(refusal(answer(&mut world, &["Approve", "Reject"])).contains("only one"));
    assert_eq!(world.is("ask"), "deferred");
    let mut several = plain();
    several.question.multiple = true;
    let mut world = asking(several, vec![]);
    assert!(refusal(answer(&mut world, &["Approve", "Approve"])).contains("chosen twice"));
}

#[test]
fn a_form_is_checked_by_its_schemas_and_filled_with_its_defaults() {
    let mut approval = plain();
    let form = json!({
        "reason": {"type": "string", "minLength": 3},
        "share": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
    });
    approval.question.params = form.as_object().cloned().unwrap();
    let mut world = asking(approval, vec![]);
    let mut refused = |form: Value| refusal(answer_as(&mut world, "ana", &["Approve"], form));
    assert!(refused(json!({})).contains("field `reason` is not filled in"));
    assert!(refused(json!({"reason": 3})).contains("field `reason` is `3`; expected string"));
    let wrong = refused(json!({"reason": "because", "share": 0}));
    assert!(wrong.contains("field `share` is `0`; at least 1 is allowed"), "{wrong}");
    assert!(refused(json!({"reason": "because", "x": 1})).contains("`x` is no field of the form"));
    answer_as(&mut world, "ana", &["Approve"], json!({"reason": "because"})).unwrap();
    let output = &world.rows.xcoms[&world.key("ask")];
    assert_eq!(output["params_input"], json!({"reason": "because", "share": 10}));
}

#[test]
fn only_assignees_may_answer() {
    let mut approval = plain();
    approval.question.assignees = vec!["ana".into(), "eve".into()];
    let mut world = asking(approval, vec![]);
    let refused = answer_as(&mut world, "bob", &["Approve"], json!({})).unwrap_err();
    assert_eq!(refused.to_string(), "`bob` may not answer `ask`: it is for ana, eve");
    assert_eq!(crate::types::Fault::from(refused).kind, FaultKind::Denied);
    answer(&mut world, &["Approve"]).unwrap();
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_question_that_nobody_answers_takes_its_default() {
    let mut approval = plain();
    approval.question.defaults = Some(vec![REJECT.into()]);
    let mut world = asking(approval, vec![task("b").after(&["ask"])]);
    world.tick_after(60);
    assert_eq!((world.is("ask"), world.is("b")), ("success", "skipped"));
    let response = detail(&world).response.clone().unwrap();
    assert_eq!((response.timed_out, response.responded_by), (true, None));
    assert!(world.feed_has("nobody answered `ask` in time: Reject"));
}

#[test]
fn a_question_without_a_default_fails_when_nobody_answers() {
    let mut world = asking(plain(), vec![]);
    world.tick_after(60);
    assert_eq!(world.is("ask"), "up_for_retry");
    assert!(matches!(answer(&mut world, &["Approve"]), Err(Rejected::NotAsked { .. })));
}

#[test]
fn a_default_that_leaves_the_form_open_fails() {
    let mut approval = plain();
    approval.question.defaults = Some(vec![APPROVE.into()]);
    let form = json!({"reason": {"type": "string"}});
    approval.question.params = form.as_object().cloned().unwrap();
    let mut world = asking(approval, vec![]);
    world.tick_after(60);
    assert_eq!(world.is("ask"), "up_for_retry");
}

#[test]
fn a_cleared_question_is_asked_again() {
    let mut world = asking(plain(), vec![task("b").after(&["ask"])]);
    answer(&mut world, &["Approve"]).unwrap();
    world.clear(&["ask"], false, false).unwrap();
    assert!(matches!(answer(&mut world, &["Reject"]), Err(Rejected::NotAsked { .. })));
    ask(&mut world, plain());
    assert_eq!(detail(&world).response, None);
    assert_eq!(world.rows.hitl_details.len(), 2, "each try has a question of its own");
    answer(&mut world, &["Approve"]).unwrap();
    assert_eq!(world.is("ask"), "success");
}

#[test]
fn a_task_that_does_not_ask_cannot_be_answered() {
    let mut world = asking(plain(), vec![task("b")]);
    world.defer("b", None, AtTimeout::Fail);
    for name in ["b", "nothing"] {
        let response = Response {
            key: world.key(name),
            chosen_options: vec!["Approve".into()],
            params_input: serde_json::Map::new(),
            user: None,
        };
        let refused = world.step(Input::Command(Command::Answer(response)));
        assert!(matches!(refused, Err(Rejected::NotAsked { .. })), "{name}");
    }
}
