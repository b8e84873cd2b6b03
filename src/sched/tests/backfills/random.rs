//! Random pauses, restarts, runs by hand and ends: each date is dealt with once, in order, and
//! never more runs than the backfill's own limit are under way.

use proptest::prelude::*;

use super::*;
use crate::dag::Deck;

fn every_half_hour() -> Deck {
    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let cron = Cron::parse("*/30 * * * *", &berlin).unwrap();
    let of_backfill = dag("d", vec![task("a")]).on_time(Timetable::CronTrigger(vec![cron]));
    deck(vec![of_backfill.with(|dag| {
        dag.max_active_runs = 1;
        dag.max_active_tasks = 100;
    })])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// The world asks the oracle after each step: never more running than its own limit.
    #[test]
    fn whatever_happens_each_date_is_dealt_with_once_and_the_limit_holds(
        dice in prop::collection::vec(any::<u16>(), 1..80),
        max_active_runs in 1..5_u32,
        run_backwards in any::<bool>(),
        reprocess in 0..3_usize,
    ) {
        let mut world = World::at("2026-10-25T08:00:00Z", every_half_hour());
        let wish = BackfillSpec {
            from_date: at("2026-10-24T22:00:00Z"),
            to_date: at("2026-10-25T05:00:00Z"),
            reprocess_behavior: ReprocessBehavior::ALL[reprocess],
            run_backwards,
            max_active_runs,
            ..spec("01", "01")
        };
        world.step(Input::Command(Command::CreateBackfill(wish))).unwrap();
        let mut asked: Vec<Effect> = world.last.clone().unwrap().effects;
        for dice in dice.into_iter().chain(std::iter::repeat_n(2, 400)) {
            play(&mut world, &mut asked, dice);
        }
        pause_all(&mut world, &mut asked);
        for _ in 0..400 {
            play(&mut world, &mut asked, 2);
        }
        prop_assert!(completed(&world), "{:?}", world.state.backfills);
        let lines = world.rows.backfill_dag_runs.values();
        let mut dates: Vec<Timestamp> = lines.map(|line| line.logical_date).collect();
        if run_backwards {
            dates.reverse();
        }
        let expected: Vec<Timestamp> = (0..15)
            .map(|n| at("2026-10-24T22:00:00Z") + jiff::SignedDuration::from_mins(30 * n))
            .collect();
        prop_assert_eq!(dates, expected);
    }
}

/// Lets everything go on again.
fn pause_all(world: &mut World, asked: &mut Vec<Effect>) {
    world.pause("d", false);
    asked.extend(world.last.clone().unwrap().effects);
    let command = Command::SetBackfillPaused { backfill_id: 1, is_paused: false, user: None };
    if world.step(Input::Command(command)).is_ok() {
        asked.extend(world.last.clone().unwrap().effects);
    }
}

/// Does one thing that `dice` names; where it cannot be done nothing happens.
fn play(world: &mut World, asked: &mut Vec<Effect>, dice: u16) {
    let rest = dice / 8;
    match dice % 8 {
        0 => {
            world.restart(every_half_hour());
            asked.clear();
            world.tick();
        }
        1 => {
            let is_paused = rest.is_multiple_of(2);
            let command = Command::SetBackfillPaused { backfill_id: 1, is_paused, user: None };
            if world.step(Input::Command(command)).is_err() {
                return;
            }
        }
        3 => world.pause("d", rest.is_multiple_of(3)),
        4 => {
            let mut trigger = super::super::world::trigger("d");
            let minutes = i64::from(rest % 20) * 30;
            let date = at("2026-10-24T22:00:00Z") + jiff::SignedDuration::from_mins(minutes);
            trigger.logical_date = Some(date);
            world.ask(trigger).unwrap();
        }
        _ => {
            if let Some(effect @ Effect::ReadBackfill { .. }) = asked.pop() {
                let Effect::ReadBackfill { dag_id, token, logical_dates, .. } = effect else {
                    return;
                };
                let read = world.rows.read_dates(&dag_id, &logical_dates);
                world.step(Input::BackfillRead { dag_id, token, read }).unwrap();
                asked.extend(world.last.clone().unwrap().effects);
            }
            let open = world.state.runs.values().flat_map(|active| active.tasks.values());
            let open: Vec<_> =
                open.filter(|ti| ti.token.is_some()).map(|ti| ti.key.clone()).collect();
            let Some(key) = open.get(usize::from(rest) % open.len().max(1)) else { return };
            world.run = Some(crate::decision::run_key(key));
            if rest % 5 == 1 {
                world.fail("a");
            } else {
                world.succeed("a");
            }
        }
    }
    asked.extend(world.last.clone().unwrap().effects);
}
