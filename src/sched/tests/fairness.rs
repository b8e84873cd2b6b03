//! Fairness: who goes first where more wait than may run.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::decks::Shape;
use super::world::{World, dag, deck, task, trigger};
use crate::dag::{Dag, Deck};
use crate::types::{AttemptKey, DagId, LaunchToken};
use crate::{Effect, Input, Outcome, Report};

fn wide(dag_id: &str, tasks: usize) -> Dag {
    let tasks = (0..tasks).map(|n| task(&format!("t{n:05}"))).collect();
    dag(dag_id, tasks).with(|dag| dag.max_active_tasks = 100_000)
}

fn slots(mut deck: Deck, slots: u32) -> Deck {
    deck.max_active_tasks = slots;
    deck
}

/// Whom the last step launched, DAG by DAG.
fn launched(world: &World) -> Vec<(AttemptKey, LaunchToken)> {
    let effects = world.last.iter().flat_map(|decided| &decided.effects);
    effects
        .filter_map(|effect| match effect {
            Effect::Launch(launch) => Some((launch.key.clone(), launch.token.clone())),
            _ => None,
        })
        .collect()
}

fn succeed(world: &mut World, (key, token): (AttemptKey, LaunchToken)) {
    let outcome = Outcome::output(1.into());
    world.step(Input::Report(Report::Finished { key, token, outcome })).unwrap();
}

#[test]
fn a_dag_of_many_tasks_does_not_starve_one_of_three() {
    let mut world = World::new(slots(deck(vec![wide("large", 300), wide("small", 3)]), 4));
    world.trigger("large");
    let mut open = launched(&world);
    assert_eq!(open.len(), 4);
    world.tick_after(60);
    world.trigger("small");
    assert!(launched(&world).is_empty());
    for expected in ["small", "small", "large"] {
        let first = open.remove(0);
        succeed(&mut world, first);
        let now = launched(&world);
        assert_eq!(now.len(), 1);
        assert_eq!(now[0].0.task.dag_id.as_str(), expected, "they share the slots");
    }
}

#[test]
fn a_heavier_task_goes_first_all_the_same() {
    let heavy = dag("large", (0..9).map(|n| task(&format!("t{n}")).weight(2)).collect());
    let mut world = World::new(slots(deck(vec![heavy, wide("small", 3)]), 1));
    world.trigger("large");
    let mut open = launched(&world);
    world.trigger("small");
    let first = open.remove(0);
    succeed(&mut world, first);
    assert_eq!(launched(&world)[0].0.task.dag_id.as_str(), "large");
}

#[test]
fn dags_that_have_nothing_in_flight_take_turns() {
    let names = ["a", "b", "c", "e"];
    let mut world = World::new(slots(deck(names.iter().map(|name| wide(name, 9)).collect()), 1));
    for name in names {
        world.trigger(name);
    }
    let mut order = Vec::new();
    let held = world.state.runs.values().flat_map(|active| active.tasks.values());
    let mut open: Vec<_> = held.filter_map(|ti| Some((ti.attempt(), ti.token.clone()?))).collect();
    for _ in 0..12 {
        let one = open.pop().unwrap();
        order.push(one.0.task.dag_id.to_string());
        succeed(&mut world, one);
        open = launched(&world);
    }
    assert_eq!(order.concat(), "abceabceabce");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A DAG that has nothing in flight and a task that could be launched is passed over by each
    /// other DAG at most once. The oracle says meanwhile that limits hold and no slot is idle.
    #[test]
    fn nobody_with_nothing_in_flight_waits_longer_than_one_turn_of_each_other(
        sizes in prop::collection::vec(1_usize..30, 2..9),
        slots_of_deck in 1_u32..5,
        narrow in prop::collection::vec(any::<bool>(), 9),
        dice in prop::collection::vec(any::<u16>(), 60),
    ) {
        let dags = sizes.iter().enumerate().map(|(n, size)| {
            let pool = if narrow[n] { "narrow" } else { "default_pool" };
            let tasks = (0..*size).map(|t| task(&format!("t{t}")).pool(pool, 1)).collect();
            dag(&format!("d{n}"), tasks).with(|dag| dag.max_active_tasks = 2)
        });
        let mut world = World::new(slots(deck(dags.collect()), slots_of_deck));
        let count = sizes.len();
        let mut open: Vec<(AttemptKey, LaunchToken)> = Vec::new();
        // Of each DAG that waits with nothing in flight: who was launched meanwhile.
        let mut passed: BTreeMap<DagId, Vec<DagId>> = BTreeMap::new();
        for dice in dice {
            let dice = usize::from(dice);
            if open.is_empty() || dice.is_multiple_of(3) {
                let name = format!("d{}", dice / 3 % count);
                world.ask(trigger(&name)).unwrap();
            } else {
                let one = open.remove(dice / 3 % open.len());
                succeed(&mut world, one);
            }
            let now = launched(&world);
            let pool_of = |dag_id: &DagId| {
                world.state.deck.dags[dag_id].tasks["t0"].pool.clone()
            };
            for (key, _) in &now {
                let dag_id = &key.task.dag_id;
                passed.remove(dag_id);
                for (waiting, by) in &mut passed {
                    // A pool that is full is a limit that is not open.
                    if pool_of(waiting) == pool_of(dag_id) || pool_of(waiting) == "default_pool" {
                        let again = by.contains(dag_id);
                        prop_assert!(!again, "{dag_id} went twice before {waiting}");
                        by.push(dag_id.clone());
                    }
                }
            }
            open.extend(now);
            for (dag_id, dag) in &world.state.deck.dags {
                let waits = world.state.runs.values().any(|active| {
                    active.run.dag_id == *dag_id
                        && active.tasks.values().any(|ti| {
                            ti.state == Some(crate::types::TaskInstanceState::Scheduled)
                        })
                });
                let in_flight = open.iter().any(|(key, _)| key.task.dag_id == *dag_id);
                if waits && !in_flight {
                    passed.entry(dag.dag_id.clone()).or_default();
                } else {
                    passed.remove(dag_id);
                }
            }
        }
    }
}
