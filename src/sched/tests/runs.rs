//! A run from its making to its end.

use serde_json::json;

use super::decks::Shape;
use super::world::{World, dag, deck, task, trigger};
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;
use crate::types::event::{ADOPTED, Event, LOST};
use crate::types::executor::{ExecutorKind, TryPlace};
use crate::types::{DagRunState, LaunchToken, TaskInstanceState};
use crate::{Effect, Input, Outcome, Rejected, Report};

fn chain() -> World {
    World::new(deck(vec![dag("d", vec![task("a"), task("b").after(&["a"])])]))
}

#[test]
fn a_chain_runs_one_task_after_the_other() {
    let mut world = chain();
    world.trigger("d");
    assert_eq!(world.launched(), ["a"]);
    assert_eq!((world.is("a"), world.is("b")), ("queued", "none"));
    world.start("a");
    assert_eq!(world.is("a"), "running");
    world.succeed("a");
    assert_eq!(world.launched(), ["b"]);
    world.start("b");
    world.succeed("b");
    assert_eq!(world.run_is(), DagRunState::Success);
    assert_eq!(world.rows.xcoms[&world.key("a")], json!({"from": "a"}));
    assert!(world.state.runs.is_empty());
    assert_eq!(world.feed(), ["dag_run.queued", "dag_run.success"]);
}

#[test]
fn a_run_is_written_with_all_its_task_instances_and_its_interval() {
    let mut world = chain();
    let run = world.trigger("d");
    assert_eq!(run.dag_run_id.as_str(), "manual__2026-03-10T12:00:00+00:00");
    assert_eq!(run.state, DagRunState::Running);
    assert_eq!(run.logical_date, Some(world.now));
    assert_eq!(run.data_interval_end, Some(world.now));
    assert_eq!(run.triggering_user_name.as_deref(), Some("ana"));
    assert_eq!(world.rows.tasks.len(), 2);
    assert_eq!(world.ti("b").max_tries, 1);
}

#[test]
fn two_runs_of_one_instant_have_two_ids_also_when_the_first_has_ended() {
    let empty = task("e").operator(Operator::Empty);
    let mut world = World::new(deck(vec![dag("d", vec![empty])]));
    let first = world.trigger("d").dag_run_id;
    assert_eq!(world.run_is(), DagRunState::Success);
    let second = world.trigger("d").dag_run_id;
    assert_eq!(second.to_string(), format!("{first}_2"));
}

#[test]
fn the_launch_tells_all_that_an_executor_needs() {
    let mut world = chain();
    let run = world.trigger("d");
    let decided = world.last.clone().unwrap();
    let Effect::Launch(launch) = &decided.effects[0] else { panic!() };
    assert_eq!(launch.run, run);
    assert_eq!(launch.token, LaunchToken::new("t-1"));
    assert_eq!(launch.key.try_number, 1);
    assert_eq!(launch.dag.dag_id, run.dag_id);
}

#[test]
fn every_try_is_kept_from_its_start_to_its_end() {
    let mut world = chain();
    world.trigger("d");
    let key = world.ti("a").attempt();
    assert_eq!(world.rows.tries[&key].state, TaskInstanceState::Queued);
    world.start("a");
    assert_eq!(world.rows.tries[&key].start_date, Some(world.now));
    world.tick_after(5);
    let outcome =
        Outcome::Failed { error: "exit status 3".into(), exit_code: Some(3), retryable: true };
    world.finish("a", outcome);
    let kept = &world.rows.tries[&key];
    assert_eq!(kept.state, TaskInstanceState::Failed);
    assert_eq!((kept.exit_code, kept.error.as_deref()), (Some(3), Some("exit status 3")));
    assert_eq!(kept.end_date, Some(world.now));
}

#[test]
fn a_failed_task_fails_what_is_downstream_and_the_run() {
    let mut world = chain();
    world.trigger("d");
    world.fail("a");
    assert_eq!((world.is("a"), world.is("b")), ("failed", "upstream_failed"));
    assert_eq!(world.run_is(), DagRunState::Failed);
    assert!(world.feed_has("`a` failed: boom"));
    assert!(world.feed_has("failed: `a` failed"));
}

#[test]
fn a_failure_that_the_last_task_gets_over_does_not_fail_the_run() {
    let tidy = task("tidy").after(&["a"]).rule(TriggerRule::AllDone);
    let mut world = World::new(deck(vec![dag("d", vec![task("a"), tidy])]));
    world.trigger("d");
    world.fail("a");
    assert_eq!(world.launched(), ["tidy"]);
    world.succeed("tidy");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_run_goes_on_while_another_branch_of_it_can_move() {
    let mut world = World::new(deck(vec![dag("d", vec![task("a"), task("b")])]));
    world.trigger("d");
    world.fail("a");
    assert_eq!(world.run_is(), DagRunState::Running);
    world.succeed("b");
    assert_eq!(world.run_is(), DagRunState::Failed);
}

#[test]
fn a_task_that_skips_itself_skips_what_is_downstream_and_the_run_is_well() {
    let mut world = chain();
    world.trigger("d");
    world.finish("a", Outcome::Skipped { reason: "exit status 99".into() });
    assert_eq!((world.is("a"), world.is("b")), ("skipped", "skipped"));
    assert_eq!(world.ti("a").note.as_deref(), Some("exit status 99"));
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn a_long_chain_of_empty_tasks_ends_in_one_step() {
    let mut tasks = vec![task("t0").operator(Operator::Empty)];
    for i in 1..10_000 {
        let before = format!("t{}", i - 1);
        tasks.push(task(&format!("t{i}")).operator(Operator::Empty).after(&[&before]));
    }
    // Without the world's checks, which read everything again.
    let deck = std::sync::Arc::new(deck(vec![dag("d", tasks)]));
    let (mut state, _) = crate::State::recover(deck, Default::default(), "t".into());
    let now = "2026-03-10T12:00:00Z".parse().unwrap();
    let input = Input::Command(crate::Command::Trigger(trigger("d")));
    let decided = crate::step(&mut state, now, input).unwrap();
    assert!(state.runs.is_empty());
    assert!(decided.effects.is_empty());
}

#[test]
fn a_dag_without_tasks_ends_at_once() {
    let mut world = World::new(deck(vec![dag("d", Vec::new())]));
    world.trigger("d");
    assert_eq!(world.run_is(), DagRunState::Success);
}

#[test]
fn reports_with_another_token_or_of_an_ended_try_are_dropped() {
    let mut world = chain();
    world.trigger("d");
    let (key, token) = world.in_force("a");
    let other = Report::Started {
        key: key.clone(),
        token: LaunchToken::new("x-1"),
        pid: None,
        place: TryPlace::default(),
    };
    let dropped = world.step(Input::Report(other)).unwrap_err();
    assert_eq!(dropped, Rejected::Straggler { key: key.clone() });

    world.succeed("a");
    let again = Report::Finished { key: key.clone(), token, outcome: Outcome::failed("late") };
    assert_eq!(world.step(Input::Report(again)), Err(Rejected::Straggler { key }));
    assert_eq!(world.is("a"), "success");
}

#[test]
fn a_start_that_is_told_twice_counts_once() {
    let mut world = chain();
    world.trigger("d");
    world.start("a");
    let since = world.ti("a").start_date;
    world.tick_after(5);
    let (key, token) = world.in_force("a");
    world
        .step(Input::Report(Report::Started {
            key,
            token,
            pid: Some(77),
            place: TryPlace::default(),
        }))
        .unwrap();
    assert_eq!(world.ti("a").start_date, since);
    assert_eq!(world.ti("a").pid, Some(77));
}

#[test]
fn an_attempt_that_is_adopted_is_told_once_for_each_reason_and_its_place_is_kept_with_the_try() {
    let mut world = chain();
    world.trigger("d");
    world.start("a");
    let (key, token) = world.in_force("a");
    let mut adopt = |why: &str| {
        let place = TryPlace {
            hostname: Some("n7".into()),
            adopted: Some(why.into()),
            ..TryPlace::default()
        };
        let (key, token) = (key.clone(), token.clone());
        world.step(Input::Report(Report::Started { key, token, pid: Some(77), place })).unwrap();
        world.rows.log.iter().filter(|line| line.event == ADOPTED).count()
    };
    assert_eq!(adopt("after a restart of the daemon"), 1);
    assert_eq!(adopt("after a restart of the daemon"), 1, "said again");
    assert_eq!(adopt("after the death of worker 5"), 2);
    let line = world.rows.log.iter().rfind(|line| line.event == ADOPTED).unwrap();
    let text = "try 1 of `a` goes on, process 77: adopted after the death of worker 5";
    assert_eq!((line.message.as_str(), line.task_id.as_ref()), (text, Some(&"a".into())));
    let reason = "its process is gone".to_owned();
    world.step(Input::Report(Report::Lost { key: key.clone(), token, reason })).unwrap();
    let line = world.rows.log.iter().find(|line| line.event == LOST).unwrap();
    assert_eq!(line.message, "try 1 of `a` was lost: its process is gone");
    let kept = &world.rows.tries[&key];
    assert_eq!((kept.pid, kept.place.executor), (Some(77), Some(ExecutorKind::Local)));
    assert_eq!(kept.place.hostname.as_deref(), Some("n7"));
    assert_eq!(kept.place.adopted.as_deref(), Some("after the death of worker 5"));
}

#[test]
fn where_an_attempt_stands_is_noted_until_it_ends() {
    let mut world = chain();
    world.trigger("d");
    let (key, token) = world.in_force("a");
    let noted = |note: &str| {
        let (key, token) = (key.clone(), token.clone());
        Input::Report(Report::Noted { key, token, note: note.into() })
    };
    world.step(noted("job 7 is pending")).unwrap();
    assert_eq!(world.ti("a").note.as_deref(), Some("job 7 is pending"));
    assert_eq!(world.is("a"), "queued");
    world.start("a");
    world.step(noted("job 7 on n2")).unwrap();
    assert_eq!((world.is("a"), world.ti("a").note.as_deref()), ("running", Some("job 7 on n2")));
    world.succeed("a");
    assert_eq!(world.ti("a").note, None);
    assert_eq!(world.step(noted("late")), Err(Rejected::Straggler { key }));
}

#[test]
fn an_end_without_a_start_counts_from_the_launch() {
    let mut world = chain();
    world.trigger("d");
    let launched = world.now;
    world.tick_after(5);
    world.succeed("a");
    assert_eq!(world.ti("a").start_date, Some(launched));
}

#[test]
fn watchers_are_told_of_each_thing_once() {
    let mut world = chain();
    let run = world.trigger("d");
    let events = world.last.clone().unwrap().events;
    assert_eq!(
        events,
        [
            Event::DagRunChanged {
                dag_id: run.dag_id,
                dag_run_id: run.dag_run_id,
                state: DagRunState::Running
            },
            Event::TaskInstanceChanged {
                key: world.key("a"),
                state: Some(TaskInstanceState::Queued)
            },
            Event::TaskInstanceChanged { key: world.key("b"), state: None },
        ]
    );
}

#[test]
fn a_run_that_takes_too_long_fails_and_what_is_left_is_skipped() {
    let slow = dag("d", vec![task("a"), task("b").after(&["a"]), task("c")])
        .with(|dag| dag.dagrun_timeout = Some(std::time::Duration::from_secs(60)));
    let mut world = World::new(deck(vec![slow]));
    world.trigger("d");
    world.start("a");
    world.succeed("c");
    assert_eq!(world.state.next_wakeup(world.now), Some("2026-03-10T12:01:00Z".parse().unwrap()));
    world.tick_after(59);
    assert_eq!(world.run_is(), DagRunState::Running);
    world.tick_after(1);
    assert_eq!(world.run_is(), DagRunState::Failed);
    assert_eq!((world.is("a"), world.is("b"), world.is("c")), ("skipped", "skipped", "success"));
    assert_eq!(world.killed(), ["a"]);
    assert!(world.feed_has("the run timed out after 1m"));
    assert_eq!(world.state.next_wakeup(world.now), None);
}
