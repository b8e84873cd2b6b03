//! Runs for dates of the past, made because somebody asked.

use std::collections::VecDeque;

use serde_json::{Map, json};

use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::backfill::{BackfillRead, BackfillRefusal};
use crate::dag::Dag;
use crate::dag::operator::Operator;
use crate::dag::schedule::{Cron, Schedule, Timetable};
use crate::types::backfill::{Backfill, BackfillSpec};
use crate::types::run::DagRun;
use crate::types::state::{DagRunType, ReprocessBehavior, TriggeredBy};
use crate::types::{DagRunState, Timestamp};
use crate::{Command, Effect, Input, Rejected, Reply};

mod random;

/// At each midnight; the world begins on 10 March at noon.
fn daily() -> Dag {
    dag("d", vec![task("a")]).cron("0 0 * * *").start("2026-03-10T00:00:00Z")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn spec(from: &str, to: &str) -> BackfillSpec {
    BackfillSpec {
        dag_id: "d".into(),
        from_date: at(&format!("2026-03-{from}T00:00:00Z")),
        to_date: at(&format!("2026-03-{to}T00:00:00Z")),
        reprocess_behavior: ReprocessBehavior::None,
        run_backwards: false,
        max_active_runs: 2,
        dag_run_conf: None,
        user: Some("ana".into()),
    }
}

/// Begins with the run of today done, so that only a backfill makes runs.
fn world(dag: Dag) -> World {
    let mut world = World::new(deck(vec![dag]));
    world.run = world.runs_of("d").first().map(|run| run.key());
    if world.run.is_some() {
        world.succeed("a");
    }
    world
}

fn create(world: &mut World, spec: BackfillSpec) -> Result<Backfill, Rejected> {
    match world.step(Input::Command(Command::CreateBackfill(spec)))? {
        Reply::Backfill(backfill) => {
            let last = world.last.clone().unwrap();
            answer_all(world, last.effects);
            Ok(*backfill)
        }
        other => panic!("{other:?}"),
    }
}

/// Answers what the scheduler asks of the store, until it asks no more.
fn answer_all(world: &mut World, effects: Vec<Effect>) {
    let mut open: VecDeque<Effect> = effects.into();
    while let Some(effect) = open.pop_front() {
        let Effect::ReadBackfill { dag_id, token, logical_dates, .. } = effect else { continue };
        let read = world.rows.read_dates(&dag_id, &logical_dates);
        world.step(Input::BackfillRead { dag_id, token, read }).unwrap();
        open.extend(world.last.clone().unwrap().effects);
    }
}

fn order(world: &mut World, command: Command) -> Result<Backfill, Rejected> {
    match world.step(Input::Command(command))? {
        Reply::Backfill(backfill) => {
            answer_all(world, world.last.clone().unwrap().effects);
            Ok(*backfill)
        }
        other => panic!("{other:?}"),
    }
}

fn pause(world: &mut World, is_paused: bool) {
    let user = Some("ana".to_owned());
    order(world, Command::SetBackfillPaused { backfill_id: 1, is_paused, user }).unwrap();
}

fn cancel(world: &mut World) -> Result<Backfill, Rejected> {
    order(world, Command::CancelBackfill { backfill_id: 1, user: Some("ana".into()) })
}

/// Ends the task of the run of a day, and lets the backfill go on.
fn end(world: &mut World, day: &str, succeeds: bool) {
    let date = at(&format!("2026-03-{day}T00:00:00Z"));
    let of_date = |run: &&DagRun| run.logical_date == Some(date) && !run.state.is_finished();
    let run = world.rows.runs.values().find(of_date).unwrap_or_else(|| panic!("no run of {day}"));
    world.run = Some(run.key());
    if succeeds {
        world.succeed("a");
    } else {
        world.fail("a");
    }
    let effects = world.last.clone().unwrap().effects;
    answer_all(world, effects);
}

/// Day and state of the backfill's runs, in the order in which they were made.
fn made(world: &World) -> Vec<String> {
    let lines = world.rows.backfill_dag_runs.values();
    let line = |line: &crate::types::backfill::BackfillDagRun| {
        let day = line.logical_date.strftime("%d").to_string();
        let run = line.dag_run_id.as_ref().map(|id| {
            world.rows.runs.values().find(|run| run.dag_run_id == *id).unwrap().state.to_string()
        });
        let reason = line.exception_reason.map(|reason| reason.to_string());
        format!("{day} {}", run.or(reason).unwrap())
    };
    lines.map(line).collect()
}

fn completed(world: &World) -> bool {
    world.rows.backfills[&1].completed_at.is_some()
}

#[test]
fn a_backfill_makes_a_run_for_each_date_of_its_range() {
    let mut world = world(daily());
    let backfill = create(&mut world, spec("02", "05")).unwrap();
    assert_eq!((backfill.id, backfill.created_at), (1, world.now));
    assert_eq!(made(&world), ["02 running", "03 running"]);
    let run = &world.rows.runs[&world.rows.runs.keys().next().unwrap().clone()];
    assert_eq!(run.dag_run_id.as_str(), "backfill__2026-03-02T00:00:00+00:00");
    assert_eq!((run.run_type, run.triggered_by), (DagRunType::Backfill, TriggeredBy::Backfill));
    assert_eq!(run.backfill_id, Some(1));
    assert_eq!(run.triggering_user_name.as_deref(), Some("ana"));
    assert_eq!(run.data_interval_start, run.logical_date);
    assert_eq!(Some(run.run_after), run.data_interval_end);
    end(&mut world, "02", true);
    assert_eq!(made(&world), ["02 success", "03 running", "04 running"]);
    end(&mut world, "04", false);
    end(&mut world, "05", true);
    assert!(!completed(&world));
    end(&mut world, "03", true);
    assert_eq!(made(&world), ["02 success", "03 success", "04 failed", "05 success"]);
    assert!(completed(&world));
    assert!(world.state.backfills.is_empty());
    assert!(world.feed().contains(&"backfill.created"));
    assert!(world.feed().contains(&"backfill.completed"));
}

#[test]
fn with_data_intervals_those_that_have_ended_are_run() {
    let mut world = world(daily().intervals("0 0 * * *"));
    let wide = BackfillSpec { max_active_runs: 9, ..spec("07", "20") };
    create(&mut world, wide).unwrap();
    // That of 10 March has not ended at noon.
    assert_eq!(made(&world), ["07 running", "08 running", "09 running"]);
    let run = world.runs_of("d")[0];
    assert_eq!(run.dag_run_id.as_str(), "backfill__2026-03-08T00:00:00+00:00");
    assert_eq!(run.data_interval_end, Some(at("2026-03-08T00:00:00Z")));
}

#[test]
fn backwards_the_newest_date_comes_first() {
    let mut world = world(daily());
    create(&mut world, BackfillSpec { run_backwards: true, ..spec("02", "05") }).unwrap();
    assert_eq!(made(&world), ["05 running", "04 running"]);
    end(&mut world, "04", true);
    end(&mut world, "03", true);
    assert_eq!(made(&world), ["05 running", "04 success", "03 success", "02 running"]);
}

#[test]
fn its_limit_and_that_of_the_dag_are_apart() {
    let mut world = World::new(deck(vec![daily().with(|dag| dag.max_active_runs = 1)]));
    assert_eq!(world.launched(), ["a"]);
    create(&mut world, spec("02", "05")).unwrap();
    assert_eq!(made(&world), ["02 running", "03 running"]);
    // The run of the schedule is the one that the DAG may have.
    world.trigger("d");
    assert_eq!(world.run_is(), DagRunState::Queued);
    end(&mut world, "10", true);
    assert_eq!(made(&world), ["02 running", "03 running"]);
}

/// A good run of 3 March and a failed one of 4 March.
fn with_history() -> World {
    let mut world = world(daily());
    create(&mut world, spec("03", "04")).unwrap();
    end(&mut world, "03", true);
    end(&mut world, "04", false);
    world.rows.backfill_dag_runs.clear();
    world.tick_after(60);
    world
}

fn reprocess(world: &mut World, reprocess_behavior: ReprocessBehavior) -> Vec<String> {
    let wide = BackfillSpec { reprocess_behavior, max_active_runs: 9, ..spec("02", "05") };
    create(world, wide).unwrap();
    made(world)
}

#[test]
fn a_date_that_has_a_run_is_passed_over_with_the_reason() {
    let mut world = with_history();
    let made = reprocess(&mut world, ReprocessBehavior::None);
    assert_eq!(made, ["02 running", "03 already exists", "04 already exists", "05 running"]);
}

#[test]
fn failed_runs_are_cleared_where_that_was_asked_for() {
    let mut world = with_history();
    let made = reprocess(&mut world, ReprocessBehavior::Failed);
    assert_eq!(made, ["02 running", "03 already exists", "04 running", "05 running"]);
    let again = world.runs_of("d")[2];
    assert_eq!(again.dag_run_id.as_str(), "backfill__2026-03-04T00:00:00+00:00");
    assert_eq!(again.backfill_id, Some(2));
    world.run = Some(again.key());
    assert_eq!((world.ti("a").try_number, world.is("a")), (2, "queued"));
}

#[test]
fn all_ended_runs_are_cleared_where_that_was_asked_for() {
    let mut world = with_history();
    let conf: Map<_, _> = [("n".to_owned(), json!(2))].into_iter().collect();
    let by_conf = daily().param("n", "x");
    world.step(Input::DefinitionsLoaded(deck(vec![by_conf]).into())).unwrap();
    let text: Map<_, _> = [("n".to_owned(), json!("two"))].into_iter().collect();
    let completed = BackfillSpec {
        reprocess_behavior: ReprocessBehavior::Completed,
        max_active_runs: 9,
        dag_run_conf: Some(conf),
        ..spec("02", "05")
    };
    let refused = create(&mut world, completed.clone()).unwrap_err();
    assert!(matches!(refused, Rejected::Params { .. }), "{refused}");
    create(&mut world, BackfillSpec { dag_run_conf: Some(text.clone()), ..completed }).unwrap();
    assert_eq!(made(&world), ["02 running", "03 running", "04 running", "05 running"]);
    let again = world.runs_of("d")[1];
    assert_eq!((&again.conf, &again.params), (&text, &text));
}

#[test]
fn a_run_of_the_schedule_that_is_cleared_belongs_to_the_backfill() {
    let mut world = world(daily());
    let today =
        BackfillSpec { reprocess_behavior: ReprocessBehavior::Completed, ..spec("10", "10") };
    create(&mut world, today).unwrap();
    let run = world.runs_of("d")[0];
    assert_eq!(run.dag_run_id.as_str(), "scheduled__2026-03-10T00:00:00+00:00");
    assert_eq!((run.run_type, run.backfill_id), (DagRunType::Backfill, Some(1)));
    assert_eq!(run.state, DagRunState::Running);
}

#[test]
fn a_date_whose_run_is_under_way_is_passed_over() {
    let mut world = World::new(deck(vec![daily()]));
    let completed = ReprocessBehavior::Completed;
    let mut wish = spec("09", "10");
    wish.reprocess_behavior = completed;
    create(&mut world, wish).unwrap();
    assert_eq!(made(&world), ["09 running", "10 in flight"]);
}

#[test]
fn an_answer_that_has_been_overtaken_is_dropped() {
    let mut world = world(daily());
    world.step(Input::Command(Command::CreateBackfill(spec("02", "03")))).unwrap();
    let asked = world.last.clone().unwrap().effects;
    let [Effect::ReadBackfill { dag_id, token, .. }] = asked.as_slice() else { panic!() };
    // A run of one of the dates comes and goes before the answer.
    let mut trigger = super::world::trigger("d");
    trigger.logical_date = Some(at("2026-03-03T00:00:00Z"));
    world.run = Some(world.ask(trigger).unwrap().key());
    world.succeed("a");
    let again = world.last.clone().unwrap().effects;
    assert!(matches!(again.as_slice(), [Effect::ReadBackfill { .. }]), "{again:?}");
    let (dag_id, token) = (dag_id.clone(), token.clone());
    let read = BackfillRead::default();
    world.step(Input::BackfillRead { dag_id, token, read }).unwrap();
    assert!(made(&world).is_empty());
    answer_all(&mut world, again);
    assert_eq!(made(&world), ["02 running", "03 already exists"]);
}

#[test]
fn a_paused_backfill_makes_no_runs_and_those_that_run_go_on() {
    let mut world = world(daily());
    create(&mut world, spec("02", "05")).unwrap();
    pause(&mut world, true);
    end(&mut world, "02", true);
    assert_eq!(made(&world), ["02 success", "03 running"]);
    pause(&mut world, false);
    assert_eq!(made(&world), ["02 success", "03 running", "04 running"]);
    assert!(world.feed().contains(&"backfill.paused"));
    assert!(world.feed().contains(&"backfill.unpaused"));
}

#[test]
fn a_paused_dag_holds_its_backfill() {
    let mut world = world(daily());
    world.pause("d", true);
    create(&mut world, spec("02", "05")).unwrap();
    assert!(made(&world).is_empty());
    world.pause("d", false);
    let effects = world.last.clone().unwrap().effects;
    answer_all(&mut world, effects);
    assert_eq!(made(&world), ["02 running", "03 running"]);
}

#[test]
fn a_cancelled_backfill_fails_what_waits_and_lets_go_on_what_runs() {
    let mut world = world(daily());
    create(&mut world, spec("02", "05")).unwrap();
    end(&mut world, "02", true);
    // A run of it that is cleared while it is paused waits.
    pause(&mut world, true);
    let first = world.runs_of("d")[0].key();
    world.run = Some(first);
    world.clear(&[], false, false).unwrap();
    assert_eq!(made(&world), ["02 queued", "03 running", "04 running"]);
    let cancelled = cancel(&mut world).unwrap();
    assert_eq!((cancelled.is_paused, cancelled.completed_at), (true, Some(world.now)));
    assert_eq!(made(&world), ["02 failed", "03 running", "04 running"]);
    assert!(completed(&world));
    end(&mut world, "03", true);
    assert_eq!(made(&world), ["02 failed", "03 success", "04 running"]);
    let refused = cancel(&mut world).unwrap_err();
    assert_eq!(refused, BackfillRefusal::NotUnderWay { backfill_id: 1 }.into());
    assert!(world.feed().contains(&"backfill.cancelled"));
    // The next one may begin.
    assert_eq!(create(&mut world, spec("02", "05")).unwrap().id, 2);
}

#[test]
fn a_restart_in_the_middle_goes_on_where_it_was() {
    let decks = || deck(vec![daily()]);
    let mut world = world(daily());
    create(&mut world, spec("02", "06")).unwrap();
    end(&mut world, "02", true);
    world.restart(decks());
    world.tick();
    assert_eq!(made(&world), ["02 success", "03 running", "04 running"]);
    end(&mut world, "03", true);
    end(&mut world, "04", true);
    // Also where the store has been asked and the answer is lost.
    world.restart(decks());
    world.tick();
    world.restart(decks());
    world.tick();
    let effects = world.last.clone().unwrap().effects;
    answer_all(&mut world, effects);
    assert_eq!(made(&world)[3..], ["05 running", "06 running"]);
    end(&mut world, "05", true);
    end(&mut world, "06", true);
    assert!(completed(&world));
}

#[test]
fn a_long_range_is_made_as_it_runs() {
    let every_minute = dag("d", vec![task("e").operator(Operator::Empty)]).cron("* * * * *");
    let mut world = World::new(deck(vec![every_minute]));
    world.pause("d", true);
    let year = BackfillSpec {
        from_date: at("2025-01-01T00:00:00Z"),
        to_date: at("2025-12-31T23:59:00Z"),
        max_active_runs: 10,
        ..spec("01", "01")
    };
    world.step(Input::Command(Command::CreateBackfill(year))).unwrap();
    world.pause("d", false);
    let asked = world.last.clone().unwrap().effects;
    let [Effect::ReadBackfill { logical_dates, .. }] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(logical_dates.len(), 100);
    answer_some(&mut world, asked);
    let made = world.rows.backfills[&1].position;
    assert!((10..=400).contains(&made), "{made}");
    assert!(world.state.runs.len() <= 11);
    // It asks on by itself.
    let effects = world.last.clone().unwrap().effects;
    answer_some(&mut world, effects);
    world.tick_after(1);
    assert!(world.rows.backfills[&1].position > made);
}

/// Answers once.
fn answer_some(world: &mut World, effects: Vec<Effect>) {
    for effect in effects {
        let Effect::ReadBackfill { dag_id, token, logical_dates, .. } = effect else { continue };
        let read = world.rows.read_dates(&dag_id, &logical_dates);
        world.step(Input::BackfillRead { dag_id, token, read }).unwrap();
    }
}

#[test]
fn the_schedule_makes_no_second_run_of_a_date() {
    let catching_up = || {
        let dag = daily().start("2026-03-08T00:00:00Z").with(|dag| {
            dag.catchup = true;
            dag.max_active_runs = 1;
        });
        deck(vec![dag])
    };
    let mut world = World::new(catching_up());
    create(&mut world, spec("09", "09")).unwrap();
    assert_eq!(made(&world), ["09 running"]);
    end(&mut world, "09", true);
    world.restart(catching_up());
    world.tick();
    end(&mut world, "08", true);
    let ids: Vec<&str> = world.runs_of("d").iter().map(|run| run.dag_run_id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "scheduled__2026-03-08T00:00:00+00:00",
            "backfill__2026-03-09T00:00:00+00:00",
            "scheduled__2026-03-10T00:00:00+00:00",
        ]
    );
    assert!(world.state.made_ahead.is_empty());
}

#[test]
fn an_id_of_an_older_schedule_is_not_taken_again() {
    let mut world = world(daily().intervals("0 0 * * *"));
    create(&mut world, spec("02", "02")).unwrap();
    end(&mut world, "02", true);
    // The same instant, but another logical date.
    let by_instants = deck(vec![daily()]);
    world.step(Input::DefinitionsLoaded(by_instants.into())).unwrap();
    create(&mut world, spec("03", "03")).unwrap();
    let ids: Vec<&str> = world.rows.runs.keys().map(|key| key.dag_run_id.as_str()).collect();
    assert!(ids.contains(&"backfill__2026-03-03T00:00:00+00:00"), "{ids:?}");
    assert!(ids.contains(&"backfill__2026-03-03T00:00:00+00:00_2"), "{ids:?}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = world(daily());
    let refusal = |world: &mut World, spec: BackfillSpec| match create(world, spec) {
        Err(Rejected::Backfill(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let is = |refusal: BackfillRefusal, text: &str| {
        assert!(refusal.to_string().contains(text), "{refusal}");
        assert!(!crate::types::Fault::from(Rejected::from(refusal)).message.is_empty());
    };
    is(refusal(&mut world, spec("05", "04")), "ends before it starts");
    is(refusal(&mut world, spec("11", "12")), "in the future");
    let between = BackfillSpec {
        from_date: at("2026-03-05T01:00:00Z"),
        to_date: at("2026-03-05T02:00:00Z"),
        ..spec("05", "05")
    };
    is(refusal(&mut world, between), "no date that has passed between");
    create(&mut world, spec("02", "03")).unwrap();
    is(refusal(&mut world, spec("04", "05")), "backfill 1 of DAG `d` is under way");
    let unknown = BackfillSpec { dag_id: "x".into(), ..spec("02", "03") };
    assert!(matches!(create(&mut world, unknown), Err(Rejected::NoDag { .. })));
    let looks_back = daily().with(|dag| dag.tasks["a"].flow.depends_on_past = true);
    let mut looking_back = World::new(deck(vec![looks_back]));
    let backwards = BackfillSpec {
        run_backwards: true,
        reprocess_behavior: ReprocessBehavior::Failed,
        ..spec("02", "03")
    };
    is(refusal(&mut looking_back, backwards), "cannot be run backwards");
    is(refusal(&mut looking_back, spec("02", "03")), "say which runs to reprocess");
    for schedule in
        [Schedule::Manual, Schedule::Time(Timetable::Once), Schedule::Time(Timetable::Continuous)]
    {
        let dag = dag("d", vec![task("a")]).with(|dag| {
            dag.schedule = schedule;
            dag.max_active_runs = 1;
        });
        let mut world = World::new(deck(vec![dag]));
        is(refusal(&mut world, spec("02", "03")), "no schedule with dates");
    }
}

#[test]
fn params_that_no_longer_fit_are_told_and_the_date_passed_over() {
    let mut world = world(daily());
    create(&mut world, BackfillSpec { max_active_runs: 1, ..spec("02", "03") }).unwrap();
    let required = deck(vec![daily().required("region")]);
    world.step(Input::DefinitionsLoaded(required.into())).unwrap();
    end(&mut world, "02", true);
    assert_eq!(made(&world), ["02 success", "03 unknown"]);
    assert!(world.feed_has("no run of `d` was made for 2026-03-03T00:00:00+00:00"));
    assert!(completed(&world));
}
