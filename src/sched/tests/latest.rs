//! `latest_only`: an old run leaves out what comes directly after.

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;

fn daily() -> World {
    let tasks = vec![
        task("latest").operator(Operator::LatestOnly),
        task("mail").after(&["latest"]),
        task("tidy").after(&["mail"]).rule(TriggerRule::AllDone),
        task("work"),
    ];
    let dag = dag("d", tasks).intervals("@daily").start("2026-03-08T00:00:00Z");
    World::new(deck(vec![dag.with(|dag| dag.catchup = true)]))
}

#[test]
fn only_the_latest_of_several_runs_goes_on() {
    let mut world = daily();
    let runs: Vec<_> = world.runs_of("d").iter().map(|run| run.key()).collect();
    assert_eq!(runs.len(), 2);
    world.run = Some(runs[0].clone());
    assert_eq!((world.is("latest"), world.is("mail")), ("success", "skipped"));
    let note = world.ti("latest").note.clone().unwrap();
    assert_eq!(note, "not the latest run: what comes directly after is skipped");
    assert_eq!((world.is("tidy"), world.is("work")), ("queued", "queued"));
    world.run = Some(runs[1].clone());
    assert_eq!((world.is("latest"), world.is("mail")), ("success", "queued"));
}

#[test]
fn a_run_by_hand_always_goes_on() {
    let mut world = daily();
    let mut wish = super::world::trigger("d");
    wish.logical_date = Some("2020-01-01T00:00:00Z".parse().unwrap());
    world.run = Some(world.ask(wish).unwrap().key());
    assert_eq!(world.is("mail"), "queued");
}

#[test]
fn with_run_if_it_is_asked_in_its_attempt_first() {
    let tasks = vec![
        task("latest").operator(Operator::LatestOnly).flow(|f| f.run_if = Some("true".into())),
        task("mail").after(&["latest"]),
    ];
    let dag = dag("d", tasks).intervals("@daily").start("2026-03-08T00:00:00Z");
    let mut world = World::new(deck(vec![dag.with(|dag| dag.catchup = true)]));
    world.run = Some(world.runs_of("d")[0].key());
    assert_eq!(world.is("latest"), "queued");
    world.give("latest", serde_json::Value::Null);
    assert_eq!((world.is("latest"), world.is("mail")), ("success", "skipped"));
}

#[test]
fn a_run_without_an_interval_is_the_latest_until_the_next_firing() {
    let tasks =
        vec![task("latest").operator(Operator::LatestOnly), task("mail").after(&["latest"])];
    let dag = dag("d", tasks).cron("@daily").start("2026-03-09T00:00:00Z");
    let mut world = World::new(deck(vec![dag.with(|dag| dag.catchup = true)]));
    let runs: Vec<_> = world.runs_of("d").iter().map(|run| run.key()).collect();
    world.run = Some(runs[0].clone());
    assert_eq!(world.is("mail"), "skipped");
    world.run = Some(runs[1].clone());
    assert_eq!(world.is("mail"), "queued");
}
