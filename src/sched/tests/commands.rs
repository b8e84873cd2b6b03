//! What may be asked, what is refused, and cancelling.

use serde_json::json;

use super::decks::Shape;
use super::world::{World, dag, deck, task, trigger};
use crate::types::ask::Trigger;
use crate::types::operation::Operation;
use crate::types::{DagRunState, Fault, FaultKind, TaskInstanceState};
use crate::{Command, Input, Rejected, Reply};

fn world() -> World {
    World::new(deck(vec![
        dag("etl", vec![task("a"), task("b").after(&["a"]), task("c").retries(1)])
            .param("region", "eu"),
    ]))
}

#[test]
fn params_are_the_defaults_with_the_conf_over_them() {
    let mut world = world();
    let conf = json!({"region": "us"}).as_object().unwrap().clone();
    let run = world.ask(Trigger { conf, ..trigger("etl") }).unwrap();
    assert_eq!(json!(run.params), json!({"region": "us"}));
    assert_eq!(json!(run.conf), json!({"region": "us"}));
    let run = world.trigger("etl");
    assert_eq!(json!(run.params), json!({"region": "eu"}));
    assert!(run.conf.is_empty());
}

#[test]
fn params_that_do_not_fit_are_refused() {
    let mut world = world();
    let conf = json!({"regoin": "us"}).as_object().unwrap().clone();
    let rejected = world.ask(Trigger { conf, ..trigger("etl") }).unwrap_err();
    let Rejected::Params { problems } = &rejected else { panic!("{rejected}") };
    assert_eq!(problems[0].param, "regoin");
    assert_eq!(Fault::from(rejected).kind, FaultKind::Invalid);
}

#[test]
fn an_unknown_dag_is_refused_with_the_one_that_was_probably_meant() {
    let mut world = world();
    let rejected = world.ask(trigger("elt")).unwrap_err();
    assert_eq!(rejected, Rejected::NoDag { dag_id: "elt".into(), meant: Some("etl".into()) });
    let rejected = world.ask(trigger("something_else")).unwrap_err();
    assert_eq!(rejected, Rejected::NoDag { dag_id: "something_else".into(), meant: None });
}

#[test]
fn a_run_id_may_be_given_but_not_twice() {
    let mut world = world();
    let wanted = || Trigger { dag_run_id: Some("nightly-7".into()), ..trigger("etl") };
    assert_eq!(world.ask(wanted()).unwrap().dag_run_id.as_str(), "nightly-7");
    let rejected = world.ask(wanted()).unwrap_err();
    assert_eq!(
        rejected,
        Rejected::RunExists { dag_id: "etl".into(), dag_run_id: "nightly-7".into() }
    );
}

#[test]
fn a_run_id_that_could_be_a_path_is_refused() {
    let mut world = world();
    for bad in ["", "..", "../up", "a/b", "a b", "ä", &"x".repeat(251)] {
        let wanted = Trigger { dag_run_id: Some(bad.into()), ..trigger("etl") };
        let rejected = world.ask(wanted).unwrap_err();
        assert_eq!(rejected, Rejected::UnfitRunId { dag_run_id: bad.into() });
        assert_eq!(Fault::from(rejected).kind, FaultKind::Invalid);
    }
}

#[test]
fn pausing_an_unknown_dag_is_refused_and_pausing_twice_says_nothing_new() {
    let mut world = world();
    let pause = |dag_id: &str| {
        Input::Command(Command::SetPaused {
            dag_id: dag_id.into(),
            is_paused: true,
            user: Some("ana".into()),
        })
    };
    assert!(matches!(world.step(pause("nothing")), Err(Rejected::NoDag { .. })));
    assert_eq!(world.step(pause("etl")), Ok(Reply::Done));
    assert!(world.feed_has("ana paused `etl`"));
    world.step(pause("etl")).unwrap();
    assert!(world.last.as_ref().unwrap().changes.is_empty());
}

fn cancel(world: &mut World) -> Result<(), Rejected> {
    world.operate(Operation::MarkRuns { state: DagRunState::Failed }).map(drop)
}

#[test]
fn a_cancelled_run_has_failed_with_what_ran_killed_and_what_waited_skipped() {
    let mut world = world();
    world.trigger("etl");
    world.start("a");
    let key = world.ti("a").attempt();
    cancel(&mut world).unwrap();
    let run = world.rows.runs[world.run.as_ref().unwrap()].clone();
    assert_eq!(run.state, DagRunState::Failed);
    assert_eq!(run.note.as_deref(), Some("cancelled by ana"));
    assert_eq!(run.end_date, Some(world.now));
    assert_eq!((world.is("a"), world.is("b"), world.is("c")), ("failed", "skipped", "skipped"));
    assert_eq!(world.killed(), ["a", "c"]);
    assert!(world.launched().is_empty());
    assert_eq!(world.rows.tries[&key].state, TaskInstanceState::Failed);
    assert_eq!(world.rows.log.last().unwrap().owner.as_deref(), Some("ana"));
}

#[test]
fn a_run_that_waits_for_a_retry_can_be_cancelled() {
    let mut world = world();
    world.trigger("etl");
    world.fail("c");
    assert_eq!(world.is("c"), "up_for_retry");
    cancel(&mut world).unwrap();
    assert_eq!(world.is("c"), "skipped");
    assert_eq!(world.state.next_wakeup(world.now), None);
}

#[test]
fn a_queued_run_can_be_cancelled_and_the_next_takes_its_place() {
    let one = dag("d", vec![task("a")]).with(|dag| dag.max_active_runs = 1);
    let mut world = World::new(deck(vec![one]));
    let first = world.trigger("d").key();
    world.trigger("d");
    let third = world.trigger("d").key();
    world.run = Some(world.runs_of("d")[1].key());
    cancel(&mut world).unwrap();
    assert_eq!(world.run_is(), DagRunState::Failed);
    world.run = Some(first);
    cancel(&mut world).unwrap();
    assert_eq!(world.launched(), ["a"]);
    world.run = Some(third);
    assert_eq!(world.run_is(), DagRunState::Running);
}

#[test]
fn a_run_that_has_ended_cannot_be_cancelled() {
    let mut world = world();
    world.trigger("etl");
    cancel(&mut world).unwrap();
    let rejected = cancel(&mut world).unwrap_err();
    assert!(matches!(rejected, Rejected::NothingToMark { .. }));
    assert_eq!(Fault::from(rejected).kind, FaultKind::Conflict);
}
