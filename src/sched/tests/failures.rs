//! A DAG whose runs fail one after the other is paused.

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::dag::Deck;

fn limited(limit: u32) -> Deck {
    let dag = dag("d", vec![task("a")]);
    deck(vec![dag.with(|dag| dag.max_consecutive_failed_dag_runs = limit)])
}

fn run_that(world: &mut World, succeeds: bool) {
    world.tick_after(60);
    world.trigger("d");
    if succeeds {
        world.succeed("a");
    } else {
        world.fail("a");
    }
}

fn is_paused(world: &World) -> bool {
    world.rows.dag_states["d"].is_paused
}

#[test]
fn after_so_many_failed_runs_in_a_row_the_dag_is_paused() {
    let mut world = World::new(limited(3));
    for succeeds in [false, false, true, false, false] {
        run_that(&mut world, succeeds);
        assert!(!is_paused(&world));
    }
    run_that(&mut world, false);
    assert!(is_paused(&world));
    assert_eq!(world.feed().last(), Some(&"dag.paused"));
    assert!(world.feed_has("`d` was paused: its last 3 runs failed"));
}

#[test]
fn the_row_outlasts_a_restart_and_an_unpause() {
    let mut world = World::new(limited(2));
    run_that(&mut world, false);
    world.restart(limited(2));
    run_that(&mut world, false);
    assert!(is_paused(&world));
    world.pause("d", false);
    // As in Airflow, where the last runs are looked at: one more is enough.
    run_that(&mut world, false);
    assert!(is_paused(&world));
    world.pause("d", false);
    run_that(&mut world, true);
    run_that(&mut world, false);
    assert!(!is_paused(&world));
}

#[test]
fn a_newer_run_that_is_under_way_or_was_good_ends_the_row() {
    let mut world = World::new(limited(2));
    let mut runs = Vec::new();
    for _ in 0..4 {
        world.tick_after(60);
        runs.push(world.trigger("d").key());
    }
    let end = |world: &mut World, index: usize, succeeds: bool| {
        world.run = Some(runs[index].clone());
        if succeeds {
            world.succeed("a");
        } else {
            world.fail("a");
        }
    };
    end(&mut world, 0, false);
    end(&mut world, 1, false);
    assert!(!is_paused(&world), "newer ones are under way");
    end(&mut world, 3, true);
    end(&mut world, 2, false);
    assert!(!is_paused(&world), "the newest one was good");
}

#[test]
fn no_limit_is_no_limit_and_a_cancelled_run_pauses_nothing() {
    let mut world = World::new(limited(0));
    for _ in 0..5 {
        run_that(&mut world, false);
    }
    assert!(!is_paused(&world));
    let mut world = World::new(limited(1));
    world.trigger("d");
    world.cancel();
    assert!(!is_paused(&world));
    run_that(&mut world, false);
    assert!(is_paused(&world));
}
