//! Admission: the limits of the deck, DAGs and pools, and who goes first.

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::types::DagRunState;

#[test]
fn the_deck_limits_what_is_in_flight() {
    let tasks = (0..5).map(|i| task(&format!("t{i}"))).collect();
    let mut small = deck(vec![dag("d", tasks)]);
    small.max_active_tasks = 2;
    let mut world = World::new(small);
    world.trigger("d");
    assert_eq!(world.launched(), ["t0", "t1"]);
    assert_eq!(world.is("t2"), "scheduled");
    world.succeed("t1");
    assert_eq!(world.launched(), ["t2"]);
    world.fail("t0");
    assert_eq!(world.launched(), ["t3"]);
}

#[test]
fn a_dag_limits_the_tasks_of_each_of_its_runs_as_in_airflow_3() {
    let one = dag("one", vec![task("a"), task("b")]).with(|dag| dag.max_active_tasks = 1);
    let mut world = World::new(deck(vec![one, dag("two", vec![task("c")])]));
    let first = world.trigger("one").key();
    assert_eq!(world.launched(), ["a"]);
    world.trigger("one");
    assert_eq!(world.launched(), ["a"], "the other run has room of its own");
    world.trigger("two");
    assert_eq!(world.launched(), ["c"]);
    world.run = Some(first);
    world.succeed("a");
    assert_eq!(world.launched(), ["b"]);
    assert_eq!(world.run_is(), DagRunState::Running);
}

#[test]
fn a_pool_limits_its_slots_and_a_narrower_task_passes_by() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![
            task("a").pool("narrow", 1).weight(3),
            task("wide").pool("narrow", 2).weight(2),
            task("b").pool("narrow", 1),
            task("free"),
        ],
    )]));
    world.trigger("d");
    assert_eq!(world.launched(), ["a", "b", "free"]);
    world.succeed("a");
    assert!(world.launched().is_empty());
    world.succeed("b");
    assert_eq!(world.launched(), ["wide"]);
}

#[test]
fn a_task_wider_than_its_pool_runs_alone_in_it() {
    let mut world = World::new(deck(vec![dag(
        "d",
        vec![task("huge").pool("narrow", 9).weight(2), task("b").pool("narrow", 1)],
    )]));
    world.trigger("d");
    assert_eq!(world.launched(), ["huge"]);
    world.succeed("huge");
    assert_eq!(world.launched(), ["b"]);
}

#[test]
fn a_pool_without_slots_holds_its_tasks_back_and_a_vanished_one_does_not() {
    let mut closed = deck(vec![dag("d", vec![task("a").pool("narrow", 1)])]);
    closed.pools.insert("narrow".into(), 0);
    let mut gone = closed.clone();
    gone.pools.shift_remove("narrow");
    let mut world = World::new(closed);
    world.trigger("d");
    assert_eq!(world.is("a"), "scheduled");
    world.step(crate::Input::DefinitionsLoaded(gone.into())).unwrap();
    assert_eq!(world.launched(), ["a"]);
}

#[test]
fn weight_goes_first_then_the_older_run_then_the_order_of_the_graph() {
    let tasks = || vec![task("z"), task("heavy").weight(5), task("a")];
    let mut one_by_one = deck(vec![dag("d", tasks()), dag("blocker", vec![task("x")])]);
    one_by_one.max_active_tasks = 1;
    let mut world = World::new(one_by_one);
    world.trigger("blocker");
    let blocker = world.run.clone();
    world.tick_after(1);
    let old = world.trigger("d").key();
    world.tick_after(1);
    let new = world.trigger("d").key();
    world.run = blocker;
    world.succeed("x");
    let mut order = Vec::new();
    loop {
        let launched = world.launched();
        let [task] = launched.as_slice() else { break };
        let is_old = world.state.runs.get(&old).is_some_and(|active| {
            active.tasks.values().any(|ti| ti.state.is_some_and(|s| s.is_in_flight()))
        });
        world.run = Some(if is_old { old.clone() } else { new.clone() });
        order.push(format!("{}{task}", if is_old { "old " } else { "new " }));
        world.succeed(task);
    }
    assert_eq!(order, ["old heavy", "new heavy", "old z", "old a", "new z", "new a"]);
}

#[test]
fn runs_beyond_max_active_runs_wait_and_begin_in_order() {
    let one = dag("d", vec![task("a")]).with(|dag| dag.max_active_runs = 1);
    let mut world = World::new(deck(vec![one]));
    let first = world.trigger("d").key();
    world.tick_after(1);
    let second = world.trigger("d").key();
    assert_eq!(world.run_is(), DagRunState::Queued);
    assert_eq!(world.is("a"), "none");
    world.tick_after(1);
    let third = world.trigger("d").key();
    world.run = Some(first);
    world.succeed("a");
    assert_eq!(world.launched(), ["a"]);
    world.run = Some(second);
    assert_eq!(world.run_is(), DagRunState::Running);
    world.fail("a");
    world.run = Some(third);
    assert_eq!(world.run_is(), DagRunState::Running);
}

#[test]
fn limits_that_grow_let_more_in_at_once() {
    let of = |runs: u32, tasks: u32| {
        let mut deck =
            deck(vec![dag("d", vec![task("a"), task("b")]).with(|dag| dag.max_active_runs = runs)]);
        deck.max_active_tasks = tasks;
        deck
    };
    let mut world = World::new(of(1, 1));
    world.trigger("d");
    world.trigger("d");
    world.step(crate::Input::DefinitionsLoaded(of(2, 16).into())).unwrap();
    assert_eq!(world.launched(), ["a", "b", "b"]);
}
