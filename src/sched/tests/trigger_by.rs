//! Runs that attempts bring about.

use super::world::{World, dag, deck, task, trigger};
use crate::types::{AttemptKey, DagRunState, LaunchToken};
use crate::{Command, Input, Rejected, Reply, TriggerBy};

fn world() -> World {
    let mut world =
        World::new(deck(vec![dag("d", vec![task("a")]), dag("other", vec![task("x")])]));
    world.trigger("d");
    world
}

fn wish(
    world: &World,
    (by, token): (AttemptKey, LaunchToken),
    id: Option<&str>,
    resets: bool,
) -> TriggerBy {
    let mut trigger = trigger("other");
    trigger.dag_run_id = id.map(Into::into);
    let key =
        id.map(|id| crate::types::run::DagRunKey { dag_id: "other".into(), dag_run_id: id.into() });
    let ended =
        key.filter(|key| world.rows.runs.get(key).is_some_and(|run| run.state.is_finished()));
    let ended = ended.map(|key| Box::new(world.rows.run_with_tasks(&key)));
    TriggerBy { trigger, by, token, resets, ended }
}

fn ask(world: &mut World, wish: TriggerBy) -> Result<Reply, Rejected> {
    world.step(Input::Command(Command::TriggerBy(Box::new(wish))))
}

#[test]
fn what_an_attempt_brings_about_is_remembered_by_its_token() {
    let mut world = world();
    let own = world.in_force("a");
    let wish = wish(&world, own.clone(), None, false);
    ask(&mut world, wish).unwrap();
    let run = world.runs_of("other")[0].key();
    assert_eq!(world.rows.triggered_runs, [(own.1, run)].into());
}

#[test]
fn an_attempt_that_was_ended_brings_nothing_about() {
    let mut world = world();
    let own = world.in_force("a");
    world.clear(&["a"], false, false).unwrap();
    let wish = wish(&world, own, None, false);
    assert!(matches!(ask(&mut world, wish), Err(Rejected::Straggler { .. })));
    assert!(world.runs_of("other").is_empty());
}

#[test]
fn a_run_of_that_id_is_refused_unless_it_is_to_be_reset() {
    let mut world = world();
    let own = world.in_force("a");
    let mut given = trigger("other");
    given.dag_run_id = Some("r".into());
    world.ask(given).unwrap();
    let plain = wish(&world, own.clone(), Some("r"), false);
    assert!(matches!(ask(&mut world, plain), Err(Rejected::RunExists { .. })));
    let reset = wish(&world, own, Some("r"), true);
    ask(&mut world, reset).unwrap();
    assert_eq!(world.runs_of("other").len(), 1);
    assert_eq!(world.killed(), ["x"]);
    assert_eq!(world.launched(), ["x"]);
}

#[test]
fn a_run_that_has_ended_is_reset_too() {
    let mut world = world();
    let own = world.in_force("a");
    let mut given = trigger("other");
    given.dag_run_id = Some("r".into());
    let other = world.ask(given).unwrap();
    let first = world.run.replace(other.key());
    world.succeed("x");
    assert_eq!(world.run_is(), DagRunState::Success);
    let reset = wish(&world, own, Some("r"), true);
    ask(&mut world, reset).unwrap();
    assert_eq!(world.run_is(), DagRunState::Running);
    assert_eq!(world.launched(), ["x"]);
    world.run = first;
    assert_eq!(world.rows.triggered_runs.len(), 1);
}

#[test]
fn a_reset_of_a_run_that_is_not_there_makes_it() {
    let mut world = world();
    let own = world.in_force("a");
    let reset = wish(&world, own, Some("r"), true);
    ask(&mut world, reset).unwrap();
    assert_eq!(world.runs_of("other")[0].dag_run_id.as_str(), "r");
}
