//! Runs that time brings about.

use std::time::Duration;

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::dag::Dag;
use crate::dag::operator::Operator;
use crate::dag::schedule::{AssetExpression, AssetRef, Cron, Schedule, Timetable};
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::state::DagRunType;
use crate::types::{DagRunState, Timestamp};
use crate::{Input, Reply};

/// At each midnight since the first of January; the world begins on 10 March at noon.
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

/// The logical dates of all runs, shortened.
fn dates(world: &World) -> Vec<String> {
    let runs = world.runs_of("d");
    runs.iter().map(|run| run.logical_date.unwrap().strftime("%m-%d %H:%M").to_string()).collect()
}

/// The intervals of all runs, shortened.
fn intervals(world: &World) -> Vec<String> {
    let shown = |at: Option<Timestamp>| at.unwrap().strftime("%m-%d %H:%M").to_string();
    let runs = world.runs_of("d");
    let interval = |run: &&crate::types::run::DagRun| {
        assert_eq!(
            (run.logical_date, Some(run.run_after)),
            (run.data_interval_start, run.data_interval_end)
        );
        format!("{} to {}", shown(run.data_interval_start), shown(run.data_interval_end))
    };
    runs.iter().map(interval).collect()
}

/// Ticks whenever something is due.
fn go_on_until(world: &mut World, end: &str) {
    while let Some(next) = world.state.next_wakeup(world.now).filter(|next| *next <= at(end)) {
        world.now = next;
        world.tick();
    }
    world.tick_at(end);
}

#[test]
fn a_cron_run_stands_for_the_instant_of_its_firing() {
    let world = World::new(deck(vec![daily(empties())]));
    let runs = world.runs_of("d");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].dag_run_id.as_str(), "scheduled__2026-03-10T00:00:00+00:00");
    assert_eq!(runs[0].run_type, DagRunType::Scheduled);
    let firing = Some(at("2026-03-10T00:00:00Z"));
    assert_eq!((runs[0].logical_date, Some(runs[0].run_after)), (firing, firing));
    assert_eq!((runs[0].data_interval_start, runs[0].data_interval_end), (firing, firing));
    let dag_state = &world.state.dag_states["d"];
    assert_eq!((dag_state.last_logical_date, dag_state.scheduled_until), (firing, firing));
    assert_eq!(dag_state.next_run_after, Some(at("2026-03-11T00:00:00Z")));
    assert_eq!(world.state.next_wakeup(world.now), Some(at("2026-03-11T00:00:00Z")));
}

#[test]
fn with_data_intervals_a_run_covers_the_time_since_the_last_firing() {
    let daily = || deck(vec![daily(empties()).intervals("0 0 * * *")]);
    let mut world = World::new(daily());
    assert_eq!(intervals(&world), ["03-09 00:00 to 03-10 00:00"]);
    assert_eq!(ids(&world), ["scheduled__2026-03-10T00:00:00+00:00"]);
    world.tick_at("2026-03-10T23:59:59Z");
    assert_eq!(world.runs_of("d").len(), 1);
    world.restart(daily());
    world.tick_at("2026-03-12T08:00:00Z");
    assert_eq!(intervals(&world)[1..], ["03-11 00:00 to 03-12 00:00"]);
}

#[test]
fn a_run_is_made_when_it_is_due_and_not_before() {
    let mut world = World::new(deck(vec![daily(empties())]));
    world.tick_at("2026-03-10T23:59:59Z");
    assert_eq!(world.runs_of("d").len(), 1);
    world.tick_at("2026-03-11T00:00:00Z");
    assert_eq!(ids(&world)[1], "scheduled__2026-03-11T00:00:00+00:00");
    world.tick_at("2026-03-11T00:00:01Z");
    assert_eq!(world.runs_of("d").len(), 2);
}

#[test]
fn without_a_start_date_it_begins_with_the_next_firing_or_one_that_has_just_been() {
    let daily = || deck(vec![dag("d", empties()).cron("0 0 * * *")]);
    let mut world = World::at("2026-03-10T02:25:00Z", daily());
    assert!(ids(&world).is_empty());
    go_on_until(&mut world, "2026-03-11T01:00:00Z");
    assert_eq!(dates(&world), ["03-11 00:00"]);
    // A tenth of the time between two firings is "just".
    let world = World::at("2026-03-10T02:20:00Z", daily());
    assert_eq!(dates(&world), ["03-10 00:00"]);
}

#[test]
fn without_catchup_what_was_missed_while_down_is_run_once() {
    let daily = || deck(vec![daily(empties())]);
    let mut world = World::new(daily());
    world.restart(daily());
    world.tick_at("2026-03-20T08:00:00Z");
    assert_eq!(dates(&world), ["03-10 00:00", "03-20 00:00"]);
}

#[test]
fn with_catchup_every_missed_firing_is_run() {
    let daily = daily(empties()).start("2026-03-06T06:00:00Z").with(|dag| dag.catchup = true);
    let world = World::new(deck(vec![daily]));
    assert_eq!(dates(&world), ["03-07 00:00", "03-08 00:00", "03-09 00:00", "03-10 00:00"]);
}

#[test]
fn with_catchup_every_missed_interval_is_run() {
    let daily = daily(empties()).intervals("0 0 * * *").start("2026-03-07T06:00:00Z");
    let world = World::new(deck(vec![daily.with(|dag| dag.catchup = true)]));
    assert_eq!(intervals(&world), ["03-08 00:00 to 03-09 00:00", "03-09 00:00 to 03-10 00:00"]);
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
fn nothing_is_run_before_the_start_date_nor_after_the_end_date() {
    let daily = daily(empties()).start("2026-03-11T06:00:00Z").with(|dag| {
        dag.end_date = Some(at("2026-03-13T00:00:00Z"));
        dag.catchup = true;
    });
    let mut world = World::new(deck(vec![daily]));
    assert!(world.runs_of("d").is_empty());
    assert_eq!(world.state.dag_states["d"].next_run_after, Some(at("2026-03-12T00:00:00Z")));
    world.tick_at("2026-04-01T00:00:00Z");
    // The end date is the last logical date.
    assert_eq!(dates(&world), ["03-12 00:00", "03-13 00:00"]);
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
fn a_run_by_hand_stands_for_its_instant_also_of_a_paused_dag() {
    let daily = daily(empties()).with(|dag| dag.is_paused_upon_creation = true);
    let mut world = World::new(deck(vec![daily]));
    let run = world.trigger("d");
    assert_eq!(run.state, DagRunState::Success);
    assert_eq!(run.logical_date, Some(world.now));
    assert_eq!(
        (run.data_interval_start, run.data_interval_end),
        (Some(world.now), Some(world.now))
    );
}

#[test]
fn with_data_intervals_a_run_by_hand_covers_the_last_one() {
    let paused = |dag: Dag| dag.with(|dag| dag.is_paused_upon_creation = true);
    let daily = daily(empties()).intervals("0 0 * * *");
    let mut world = World::new(deck(vec![paused(daily)]));
    let run = world.trigger("d");
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
    let by_hand = daily(empties()).with(|dag| dag.schedule = Schedule::Manual);
    world.step(Input::DefinitionsLoaded(deck(vec![by_hand]).into())).unwrap();
    assert_eq!(world.state.dag_states["d"].next_run_after, None);
    assert_eq!(world.state.next_wakeup(world.now), None);
}

#[test]
fn from_instants_to_intervals_no_logical_date_comes_twice() {
    let mut world = World::new(deck(vec![daily(empties())]));
    let with_intervals = daily(empties()).intervals("0 0 * * *");
    world.step(Input::DefinitionsLoaded(deck(vec![with_intervals]).into())).unwrap();
    go_on_until(&mut world, "2026-03-12T12:00:00Z");
    // The interval from 10 to 11 March would have the logical date of the run before.
    assert_eq!(dates(&world), ["03-10 00:00", "03-11 00:00"]);
    assert_eq!(ids(&world)[1], "scheduled__2026-03-12T00:00:00+00:00");
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
    let daily = daily(empties()).intervals("0 0 * * *").with(|dag| dag.catchup = true);
    let mut world = World::at("2026-01-01T00:00:00Z", deck(vec![daily]));
    go_on_until(&mut world, "2027-01-01T00:00:00Z");
    let runs = world.runs_of("d");
    assert_eq!(runs.len(), 365);
    assert!(runs.windows(2).all(|two| two[0].data_interval_end == two[1].data_interval_start));
}

#[test]
fn half_past_two_in_berlin_is_run_once_on_the_days_when_the_clock_changes() {
    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let nightly = || {
        let cron = Cron::parse("30 2 * * *", &berlin).unwrap();
        deck(vec![dag("d", empties()).on_time(Timetable::CronTrigger(vec![cron]))])
    };
    let mut world = World::at("2026-03-28T12:00:00Z", nightly());
    go_on_until(&mut world, "2026-03-30T12:00:00Z");
    assert_eq!(dates(&world), ["03-29 01:30", "03-30 00:30"]);
    let mut world = World::at("2026-10-24T12:00:00Z", nightly());
    go_on_until(&mut world, "2026-10-26T12:00:00Z");
    assert_eq!(dates(&world), ["10-25 01:30", "10-26 01:30"]);
}

#[test]
fn of_several_crons_each_fires_and_two_at_once_make_one_run() {
    let crons = daily(empties()).crons(&["0 6 * * *", "0 18 * * 5", "0 6 * * 5"]);
    let mut world = World::at("2026-03-12T12:00:00Z", deck(vec![crons]));
    go_on_until(&mut world, "2026-03-15T12:00:00Z");
    assert_eq!(
        dates(&world),
        ["03-12 06:00", "03-13 06:00", "03-13 18:00", "03-14 06:00", "03-15 06:00"]
    );
}

#[test]
fn an_interval_is_counted_from_the_run_before() {
    let half_hourly = |catchup: bool| {
        let every = Timetable::DeltaTrigger(Duration::from_secs(1800));
        let dag = dag("d", empties()).start("2026-03-10T10:45:00Z").on_time(every);
        deck(vec![dag.with(|dag| dag.catchup = catchup)])
    };
    let mut world = World::new(half_hourly(true));
    assert_eq!(dates(&world), ["03-10 10:45", "03-10 11:15", "03-10 11:45"]);
    assert_eq!(world.state.next_wakeup(world.now), Some(at("2026-03-10T12:15:00Z")));
    // Without, it begins when it is first seen.
    world = World::new(half_hourly(false));
    assert_eq!(dates(&world), ["03-10 12:00"]);
    // A moment late shifts nothing.
    world.tick_at("2026-03-10T12:30:02Z");
    world.tick_at("2026-03-10T13:00:01Z");
    assert_eq!(dates(&world), ["03-10 12:00", "03-10 12:30", "03-10 13:00"]);
    // After a gap it begins anew.
    world.restart(half_hourly(false));
    world.tick_at("2026-03-11T07:10:00Z");
    assert_eq!(dates(&world)[3..], ["03-11 07:10"]);
}

#[test]
fn an_interval_may_have_data_intervals() {
    let every = Timetable::DeltaDataInterval(Duration::from_secs(1800));
    let dag = dag("d", empties()).start("2026-03-10T11:00:00Z").on_time(every);
    let mut world = World::new(deck(vec![dag.with(|dag| dag.catchup = true)]));
    assert_eq!(intervals(&world), ["03-10 11:00 to 03-10 11:30", "03-10 11:30 to 03-10 12:00"]);
    world.tick_at("2026-03-10T12:30:00Z");
    assert_eq!(intervals(&world)[2..], ["03-10 12:00 to 03-10 12:30"]);
}

#[test]
fn once_is_once_also_after_a_restart() {
    let once = || deck(vec![dag("d", empties()).on_time(Timetable::Once)]);
    let mut world = World::new(once());
    assert_eq!(dates(&world), ["03-10 12:00"]);
    world.restart(once());
    world.tick_at("2026-03-20T12:00:00Z");
    assert_eq!(world.runs_of("d").len(), 1);
    assert_eq!(world.state.next_wakeup(world.now), None);
}

#[test]
fn once_waits_for_the_start_date() {
    let once = dag("d", empties()).on_time(Timetable::Once).start("2026-03-11T08:00:00Z");
    let mut world = World::new(deck(vec![once]));
    assert!(world.runs_of("d").is_empty());
    go_on_until(&mut world, "2026-03-12T00:00:00Z");
    assert_eq!(dates(&world), ["03-11 08:00"]);
}

#[test]
fn a_continuous_run_begins_when_the_one_before_has_ended() {
    let continuous = dag("d", vec![task("a")]).on_time(Timetable::Continuous);
    let mut world = World::new(deck(vec![continuous.with(|dag| dag.max_active_runs = 1)]));
    assert_eq!(intervals(&world), ["03-10 12:00 to 03-10 12:00"]);
    assert_eq!(world.state.next_wakeup(world.now), None);
    world.now = at("2026-03-10T12:40:00Z");
    world.run = Some(world.runs_of("d")[0].key());
    world.fail("a");
    assert_eq!(intervals(&world)[1..], ["03-10 12:00 to 03-10 12:40"]);
    assert_eq!(world.launched(), ["a"]);
}

#[test]
fn continuous_runs_that_end_at_once_leave_time_for_others() {
    let continuous = dag("d", empties()).on_time(Timetable::Continuous);
    let mut world = World::new(deck(vec![continuous.with(|dag| dag.max_active_runs = 1)]));
    assert_eq!(world.runs_of("d").len(), 1);
    go_on_until(&mut world, "2026-03-10T12:01:00Z");
    assert_eq!(world.runs_of("d").len(), 61);
}

#[test]
fn time_and_assets_bring_runs_about_each_for_itself() {
    let expression = AssetExpression::Asset(AssetRef::Name("a".into()));
    let nightly = daily(empties()).with(|dag| {
        let Schedule::Time(timetable) = dag.schedule.clone() else { panic!("by time") };
        dag.schedule = Schedule::TimeOrAssets(timetable, expression);
    });
    let mut world = World::new(deck(vec![nightly]));
    let changed = AssetEventSpec {
        name: Some("a".into()),
        ..AssetEventSpec::new("lake:a.csv", AssetEventSource::Watcher)
    };
    let reply = world.step(Input::AssetChanged(changed)).unwrap();
    assert!(matches!(reply, Reply::AssetEvent(Some(_))));
    go_on_until(&mut world, "2026-03-11T00:00:00Z");
    let runs: Vec<_> =
        world.runs_of("d").iter().map(|run| (run.run_type, run.logical_date)).collect();
    assert_eq!(
        runs,
        [
            (DagRunType::Scheduled, Some(at("2026-03-10T00:00:00Z"))),
            (DagRunType::AssetTriggered, None),
            (DagRunType::Scheduled, Some(at("2026-03-11T00:00:00Z"))),
        ]
    );
    // A run by hand is one of the timetable.
    assert_eq!(world.trigger("d").data_interval_end, Some(world.now));
}
