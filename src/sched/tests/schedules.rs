//! Runs that time brings about.

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::dag::Dag;
use crate::dag::operator::Operator;
use crate::sched::Input;
use crate::types::state::DagRunType;
use crate::types::{DagRunState, Timestamp};

fn daily(tasks: Vec<super::decks::TaskBuilder>) -> Dag {
    dag("d", tasks).cron("0 0 * * *").start("2026-01-01T00:00:00Z")
}

fn empties() -> Vec<super::decks::TaskBuilder> {
    vec![task("e").operator(Operator::Empty)]
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ids(world: &World) -> Vec<&str> {
    world.runs_of("d").iter().map(|run| run.dag_run_id.as_str()).collect()
}

#[test]
fn without_catchup_only_the_last_interval_is_run_when_the_dag_is_first_seen() {
    let world = World::new(deck(vec![daily(empties())]));
    let runs = world.runs_of("d");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].dag_run_id.as_str(), "scheduled__2026-03-10T00:00:00+00:00");
    assert_eq!(runs[0].run_type, DagRunType::Scheduled);
    assert_eq!(runs[0].logical_date, Some(at("2026-03-09T00:00:00Z")));
    assert_eq!(runs[0].data_interval_start, Some(at("2026-03-09T00:00:00Z")));
    assert_eq!(runs[0].data_interval_end, Some(at("2026-03-10T00:00:00Z")));
    let dag_state = &world.state.dag_states["d"];
    assert_eq!(dag_state.scheduled_until, Some(at("2026-03-10T00:00:00Z")));
    assert_eq!(dag_state.next_run_after, Some(at("2026-03-11T00:00:00Z")));
    assert_eq!(world.state.next_wakeup(world.now), Some(at("2026-03-11T00:00:00Z")));
}

#[test]
fn a_run_is_made_when_its_interval_has_ended_and_not_before() {
    let mut world = World::new(deck(vec![daily(empties())]));
    world.tick_at("2026-03-10T23:59:59Z");
    assert_eq!(world.runs_of("d").len(), 1);
    world.tick_at("2026-03-11T00:00:00Z");
    assert_eq!(ids(&world)[1], "scheduled__2026-03-11T00:00:00+00:00");
    world.tick_at("2026-03-11T00:00:01Z");
    assert_eq!(world.runs_of("d").len(), 2);
}

#[test]
fn without_catchup_what_was_missed_while_down_is_run_once() {
    let daily = || deck(vec![daily(empties())]);
    let mut world = World::new(daily());
    world.restart(daily());
    world.tick_at("2026-03-20T08:00:00Z");
    assert_eq!(
        ids(&world),
        ["scheduled__2026-03-10T00:00:00+00:00", "scheduled__2026-03-20T00:00:00+00:00"]
    );
}

#[test]
fn with_catchup_every_missed_interval_is_run() {
    let daily = daily(empties()).start("2026-03-06T00:00:00Z").with(|dag| dag.catchup = true);
    let world = World::new(deck(vec![daily]));
    let starts: Vec<_> =
        world.runs_of("d").iter().map(|run| run.logical_date.unwrap().to_string()).collect();
    assert_eq!(starts, ["06", "07", "08", "09"].map(|day| format!("2026-03-{day}T00:00:00Z")),);
}

#[test]
fn with_catchup_no_more_runs_are_made_at_once_than_may_be_active() {
    let daily = daily(vec![task("a")]).start("2026-03-01T00:00:00Z").with(|dag| {
        dag.catchup = true;
        dag.max_active_runs = 2;
    });
    let mut world = World::new(deck(vec![daily]));
    assert_eq!(world.runs_of("d").len(), 2);
    assert_eq!(world.launched(), ["a", "a"]);
    // It waits for a run, not for the clock.
    assert_eq!(world.state.next_wakeup(world.now), None);
    let first = world.runs_of("d")[0].key();
    world.run = Some(first);
    world.succeed("a");
    assert_eq!(world.runs_of("d").len(), 3);
    assert_eq!(world.launched(), ["a"]);
}

#[test]
fn with_catchup_but_no_start_date_it_begins_when_the_dag_is_first_seen() {
    let daily = dag("d", empties()).cron("0 0 * * *").with(|dag| dag.catchup = true);
    let mut world = World::new(deck(vec![daily]));
    assert!(world.runs_of("d").is_empty());
    world.tick_at("2026-03-12T01:00:00Z");
    assert_eq!(world.runs_of("d").len(), 2);
}

#[test]
fn nothing_is_run_before_the_start_date_nor_after_the_end_date() {
    let daily = daily(empties()).start("2026-03-11T06:00:00Z").with(|dag| {
        dag.end_date = Some(at("2026-03-13T00:00:00Z"));
        dag.catchup = true;
    });
    let mut world = World::new(deck(vec![daily]));
    assert!(world.runs_of("d").is_empty());
    assert_eq!(world.state.dag_states["d"].next_run_after, Some(at("2026-03-13T00:00:00Z")));
    world.tick_at("2026-04-01T00:00:00Z");
    let starts: Vec<_> = world.runs_of("d").iter().map(|run| run.logical_date.unwrap()).collect();
    assert_eq!(starts, [at("2026-03-12T00:00:00Z"), at("2026-03-13T00:00:00Z")]);
    assert_eq!(world.state.dag_states["d"].next_run_after, None);
    assert_eq!(world.state.next_wakeup(world.now), None);
}

#[test]
fn a_paused_dag_is_not_scheduled_and_runs_once_when_it_is_unpaused() {
    let daily = daily(empties()).with(|dag| dag.is_paused_upon_creation = true);
    let mut world = World::new(deck(vec![daily]));
    world.tick_at("2026-03-15T01:00:00Z");
    assert!(world.runs_of("d").is_empty());
    assert_eq!(world.state.dag_states["d"].next_run_after, None);
    world.pause("d", false);
    assert_eq!(ids(&world), ["scheduled__2026-03-15T00:00:00+00:00"]);
    world.pause("d", true);
    world.tick_at("2026-03-20T00:00:00Z");
    assert_eq!(world.runs_of("d").len(), 1);
}

#[test]
fn a_run_by_hand_covers_the_last_interval_also_of_a_paused_dag() {
    let daily = daily(empties()).with(|dag| dag.is_paused_upon_creation = true);
    let mut world = World::new(deck(vec![daily]));
    let run = world.trigger("d");
    assert_eq!(run.state, DagRunState::Success);
    assert_eq!(run.data_interval_start, Some(at("2026-03-09T00:00:00Z")));
    assert_eq!(run.data_interval_end, Some(at("2026-03-10T00:00:00Z")));
    assert_eq!(run.logical_date, Some(world.now));
}

#[test]
fn a_changed_schedule_moves_the_next_run() {
    let mut world = World::new(deck(vec![daily(empties())]));
    let hourly = daily(empties()).cron("0 * * * *");
    world.step(Input::DefinitionsLoaded(deck(vec![hourly]).into())).unwrap();
    assert_eq!(ids(&world).last(), Some(&"scheduled__2026-03-10T12:00:00+00:00"));
    assert_eq!(world.state.next_wakeup(world.now), Some(at("2026-03-10T13:00:00Z")));
    let by_hand =
        daily(empties()).with(|dag| dag.schedule = crate::dag::schedule::Schedule::Manual);
    world.step(Input::DefinitionsLoaded(deck(vec![by_hand]).into())).unwrap();
    assert_eq!(world.state.dag_states["d"].next_run_after, None);
    assert_eq!(world.state.next_wakeup(world.now), None);
}

#[test]
fn params_without_a_fit_default_keep_the_schedule_from_making_runs_and_are_told_once() {
    let daily = daily(empties()).required("region").with(|dag| dag.catchup = true);
    let mut world = World::new(deck(vec![daily]));
    assert!(world.runs_of("d").is_empty());
    assert_eq!(world.feed(), ["dag.not_scheduled"]);
    assert!(world.feed_has("`region`"));
    assert_eq!(world.state.next_wakeup(world.now), Some(at("2026-03-11T00:00:00Z")));
    world.tick_at("2026-03-11T00:00:00Z");
    assert_eq!(world.feed().len(), 2);
}

#[test]
fn a_year_of_days_is_scheduled_without_a_gap() {
    let daily = daily(empties()).with(|dag| dag.catchup = true);
    let mut world = World::at("2026-01-01T00:00:00Z", deck(vec![daily]));
    while world.now < at("2027-01-01T00:00:00Z") {
        world.now = world.state.next_wakeup(world.now).unwrap();
        world.tick();
    }
    let runs = world.runs_of("d");
    assert_eq!(runs.len(), 365);
    assert!(runs.windows(2).all(|two| two[0].data_interval_end == two[1].data_interval_start));
}
