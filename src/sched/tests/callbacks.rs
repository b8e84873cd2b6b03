//! Callbacks: written with what brings them about, once for each.

use std::time::Duration;

use super::decks::{Shape, TaskBuilder};
use super::world::{World, dag, deck, task};
use crate::dag::operator::Operator;
use crate::dag::spec::Callbacks;
use crate::types::callback::{CallbackAction, CallbackEvent, CallbackSpec, CallbackState};
use crate::{Effect, Outcome};

/// A callback that is told from the others by its line.
pub(crate) fn says(line: &str) -> CallbackSpec {
    CallbackSpec {
        action: CallbackAction::Command(line.to_owned()),
        timeout: Duration::from_secs(1),
        retries: 0,
        retry_delay: Duration::ZERO,
    }
}

/// One of each kind.
fn all() -> Callbacks {
    let of = |(event, name): &(CallbackEvent, &str)| (*event, vec![says(name)]);
    Callbacks(CallbackEvent::ALL.iter().map(of).collect())
}

fn told(t: TaskBuilder) -> TaskBuilder {
    t.with(|spec| spec.callbacks = all())
}

/// What was told so far: event, state, try, reason.
fn lines(world: &World) -> Vec<String> {
    let line = |one: &crate::types::callback::CallbackRequest| {
        let of = one.task_id.as_ref().map_or("run", |id| id.as_str());
        let (event, state) = (one.event.as_str(), &one.task_or_run_state);
        let reason = one.reason.as_deref().unwrap_or("-");
        format!("{of} {event} {state} {} {reason}", one.try_number)
    };
    world.rows.callbacks.iter().map(line).collect()
}

/// What the last step has the runtime tell.
fn effects(world: &World) -> usize {
    let effects = world.last.iter().flat_map(|decided| &decided.effects);
    effects.filter(|effect| matches!(effect, Effect::CallBack(_))).count()
}

#[test]
fn a_task_tells_when_it_runs_is_tried_again_and_fails() {
    let mut world = World::new(deck(vec![dag("d", vec![told(task("a").retries(1))])]));
    world.trigger("d");
    assert!(lines(&world).is_empty());
    world.start("a");
    assert_eq!(lines(&world), ["a on_execute running 1 -"]);
    world.fail("a");
    assert_eq!(effects(&world), 1);
    world.tick_after(10);
    world.start("a");
    world.fail("a");
    assert_eq!(
        lines(&world),
        [
            "a on_execute running 1 -",
            "a on_retry up_for_retry 1 boom",
            "a on_execute running 2 -",
            "a on_failure failed 2 boom",
        ]
    );
    let ids: std::collections::BTreeSet<_> =
        world.rows.callbacks.iter().map(|one| one.id.clone()).collect();
    assert_eq!(ids.len(), 4, "each has an id of its own");
    assert!(world.rows.callbacks.iter().all(|one| one.state == CallbackState::Pending));
}

#[test]
fn success_and_a_skip_of_its_own_are_told_and_what_is_passed_over_is_not() {
    let tasks = vec![
        told(task("a")),
        told(task("b")).after(&["a"]),
        told(task("c")).after(&["b"]),
        told(task("e").operator(Operator::Empty)),
    ];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    assert_eq!(lines(&world), ["e on_success success 1 -"]);
    world.succeed("a");
    world.finish("b", Outcome::Skipped { reason: "exit code 99".into() });
    assert_eq!(world.is("c"), "skipped");
    assert_eq!(
        lines(&world)[1..],
        ["a on_success success 1 -", "b on_skipped skipped 1 exit code 99"]
    );
}

#[test]
fn what_failed_upstream_is_not_told_of_those_after_it() {
    let tasks = vec![task("a"), told(task("b")).after(&["a"])];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.fail("a");
    assert_eq!(world.is("b"), "upstream_failed");
    assert!(lines(&world).is_empty());
}

#[test]
fn a_run_tells_how_it_ended_and_why() {
    let one = || dag("d", vec![task("a")]).with(|dag| dag.callbacks = all());
    let mut world = World::new(deck(vec![one()]));
    world.trigger("d");
    world.succeed("a");
    world.trigger("d");
    world.fail("a");
    assert_eq!(lines(&world), ["run on_success success 0 -", "run on_failure failed 0 `a` failed"]);
}

#[test]
fn a_run_that_timed_out_tells_so_and_one_ended_by_hand_tells_nothing() {
    let one = dag("d", vec![told(task("a"))]).with(|dag| {
        dag.callbacks = all();
        dag.dagrun_timeout = Some(Duration::from_secs(60));
    });
    let mut world = World::new(deck(vec![one]));
    world.trigger("d");
    world.tick_after(60);
    assert_eq!(lines(&world), ["run on_failure failed 0 the run timed out after 1m"]);
    world.trigger("d");
    world.cancel();
    assert_eq!(lines(&world).len(), 1);
}

#[test]
fn several_callbacks_of_one_event_each_have_a_row() {
    let several = Callbacks(vec![(CallbackEvent::OnFailure, vec![says("x"), says("y")])]);
    let one = dag("d", vec![task("a").with(|spec| spec.callbacks = several)]);
    let mut world = World::new(deck(vec![one]));
    world.trigger("d");
    world.fail("a");
    let actions: Vec<_> = world.rows.callbacks.iter().map(|one| &one.spec).collect();
    assert_eq!(actions, [&says("x"), &says("y")]);
    assert_eq!(effects(&world), 2);
}
