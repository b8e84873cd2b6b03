//! The engine in a deterministic simulation: one seed, one course of events.
//!
//! ```text
//!  real       the loop, `step`, commit, act, supervise, recover; SQL in memory; attempt folders
//!  simulated  the machine and its processes, the disk, the clock, who talks to the engine
//!
//!  lives:  daemon ─ killed at its n-th step ─► daemon ─ stopped ─► … ─► daemon, all calm ─► the end
//! ```
//! Reports are dropped, delayed, repeated and put out of order (`relay`); writes fail, also such
//! that were written (`world`); people and trouble come at any time (`people`); the daemon dies at
//! any step that the runtime says (`life`). The books (`ledger`) say at once what was counted,
//! launched or run and should not have been, the oracle what caches should hold, and at the end
//! every run has ended and every report counts once.
//!
//! `cargo xtask simulate --seeds N --from S` tries as many seeds as one likes. A seed that fails
//! is played again, with its history.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::runtime::executor::process::panic_text;
use crate::sched::{Decided, Input, Rejected, State, oracle};
use crate::store::{inline, recover};
use crate::types::Timestamp;

mod decks;
mod dice;
pub(crate) mod disk;
mod executors;
mod ledger;
mod life;
mod machine;
mod people;
mod relay;
mod world;

use life::Until;
use world::World;

/// How many seeds and from where on, in the environment.
const SEEDS: &str = "DAGDECK_SIMULATE_SEEDS";
const FROM: &str = "DAGDECK_SIMULATE_FROM";

/// Without a wish: all of them where the compiler made it fast.
const SEEDS_DEFAULT: u64 = if cfg!(debug_assertions) { 300 } else { 10_000 };

/// Every so many commits the oracle is asked, and the store whether it gives the state back.
const ORACLE_EVERY: u64 = 3;
const RECOVER_EVERY: u64 = 13;

thread_local! {
    static WORLD: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

fn world() -> Option<Arc<World>> {
    WORLD.with_borrow(Clone::clone)
}

/// Says whether this thread simulates.
pub(crate) fn is_on() -> bool {
    WORLD.with_borrow(Option::is_some)
}

/// Lets some time pass, as long as the dice say; for ever where the daemon is dead.
pub(crate) async fn a_while() {
    let Some(world) = world() else { return };
    let time = world.lock().dice.millis(0, 3);
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
    if inline::Fates::is_dead(&*world) {
        std::future::pending::<()>().await;
    }
}

/// Begins the tokens of one recovered state.
pub(crate) fn token_prefix() -> Option<String> {
    world().map(|world| world.token_prefix())
}

/// The scheduler has decided, or panicked.
pub(crate) fn decided(
    asked: Option<&Input>,
    decided: &std::thread::Result<Result<Decided, Rejected>>,
) {
    let (Some(world), Some(input)) = (world(), asked) else { return };
    match decided {
        Ok(Ok(decided)) => world.lock().ledger.decided(input, decided),
        Ok(Err(rejected)) => world.lock().say(|| format!("refused: {rejected}")),
        Err(panic) => world.violated(format!("the scheduler panicked: {}", panic_text(&**panic))),
    }
}

/// A batch is decided and written.
pub(crate) fn settled(state: &State, now: Timestamp) {
    let Some(world) = world() else { return };
    let commits = {
        let mut inner = world.lock();
        inner.commits += 1;
        inner.commits
    };
    // Nothing was decided since it was recovered: it is not settled yet.
    if state.next_wakeup(now) == Some(now) {
        return;
    }
    let checked = catch_unwind(AssertUnwindSafe(|| {
        if commits.is_multiple_of(ORACLE_EVERY) {
            oracle::check(state);
        }
        if commits.is_multiple_of(RECOVER_EVERY) {
            let recovered = recover::recover(&world.conn()).unwrap();
            oracle::check_recovered(state, recovered);
        }
    }));
    if let Err(panic) = checked {
        world.violated(format!("the state is not what it should be: {}", panic_text(&*panic)));
    }
}

/// Plays one seed; tells its history where something is wrong.
fn play(seed: u64, db: &Arc<Mutex<Connection>>, with_history: bool) -> Result<String, Failure> {
    empty(&db.lock().unwrap_or_else(PoisonError::into_inner));
    let world = World::new(seed, db.clone(), with_history);
    WORLD.set(Some(world.clone()));
    let played = catch_unwind(AssertUnwindSafe(|| course(&world)));
    WORLD.set(None);
    if let Err(panic) = played {
        world.violated(format!("a panic: {}", panic_text(&*panic)));
    }
    let violation = world.lock().violation.clone();
    match violation {
        Some(what) => Err(Failure { what, history: world.history() }),
        None => Ok(world.history()),
    }
}

struct Failure {
    what: String,
    history: String,
}

/// Some lives with trouble, then one without.
fn course(world: &Arc<World>) {
    let lives = 1 + world.lock().dice.below(4);
    for _ in 0..lives {
        let (until, down, reboots) = {
            let mut inner = world.lock();
            let dice = &mut inner.dice;
            let until = Until {
                step: dice.chance(75).then(|| 1 + dice.below(160)),
                time: dice.millis(500, 40_000),
                in_order: dice.chance(50),
            };
            (until, dice.millis(1, 20_000), dice.chance(10))
        };
        life::live(world, until);
        if reboots {
            world.reboot();
        }
        world.pass(down);
        world.advance();
        if world.lock().violation.is_some() {
            return;
        }
    }
    world.lock().is_calm = true;
    world.disk.fill(false);
    life::live(world, Until { step: None, time: Duration::MAX / 4, in_order: true });
    if world.lock().violation.is_none() {
        world.demand(account(world));
    }
}

/// What must hold at the end.
fn account(world: &World) -> Result<(), String> {
    let inner = world.lock();
    inner.ledger.check_reports()?;
    let conn = world.conn();
    let count = |sql: &str| -> i64 { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    for (what, sql) in [
        (
            "tasks that have not ended",
            "SELECT count(*) FROM task_instance WHERE state IS NULL OR state NOT IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed')",
        ),
        ("tasks that hold a token", "SELECT count(*) FROM task_instance WHERE token IS NOT NULL"),
        ("runs that have not ended", "SELECT count(*) FROM dag_run WHERE end_date IS NULL"),
        (
            "tries that have not ended",
            "SELECT count(*) FROM task_instance_history WHERE end_date IS NULL",
        ),
        ("rows that refer to none", "SELECT count(*) FROM pragma_foreign_key_check"),
        ("asset events that started nothing", "SELECT count(*) FROM asset_dag_run_queue"),
    ] {
        let found = count(sql);
        if found > 0 {
            return Err(format!("{found} {what}"));
        }
    }
    for run in &inner.ledger.promised {
        let sql = "SELECT count(*) FROM dag_run WHERE dag_run_id = ?1";
        let found: i64 = conn.query_row(sql, [run.as_str()], |row| row.get(0)).unwrap();
        if found != 1 {
            return Err(format!(
                "the trigger of {run} was answered with OK, and {found} are there"
            ));
        }
    }
    for (key, told) in &inner.ledger.told {
        let sql = "SELECT count(*) FROM asset_event WHERE dedupe_key = ?1";
        let found: i64 = conn.query_row(sql, [key.as_str()], |row| row.get(0)).unwrap();
        if found != 1 || *told > 1 {
            return Err(format!("{key}: {found} events, said to be new {told} times"));
        }
    }
    Ok(())
}

/// Takes everything out of the database that the seed before left.
fn empty(conn: &Connection) {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut query = conn.prepare_cached(tables).unwrap();
    let names = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let sql: String = names.map(|name| format!("DELETE FROM \"{}\";", name.unwrap())).collect();
    let sql = format!(
        "PRAGMA foreign_keys = off; BEGIN; {sql} DELETE FROM sqlite_sequence; COMMIT; PRAGMA foreign_keys = on;"
    );
    conn.execute_batch(&sql).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "how much is to be tried is up to whoever asks")]
fn wish(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn every_seed_keeps_the_promises() {
    let (from, seeds) = (wish(FROM, 0), wish(SEEDS, SEEDS_DEFAULT));
    if seeds == 1 {
        match play(from, &inline::database(), true) {
            Ok(history) => println!("{history}"),
            Err(failure) => panic!("{}\n\nseed {from}: {}", failure.history, failure.what),
        }
        return;
    }
    let next = AtomicU64::new(from);
    let failed: Mutex<Option<u64>> = Mutex::new(None);
    let lanes = std::thread::available_parallelism().map_or(1, |lanes| lanes.get().min(8));
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                let db = inline::database();
                while failed.lock().unwrap().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    if play(seed, &db, false).is_err() {
                        let mut failed = failed.lock().unwrap();
                        *failed = Some(failed.map_or(seed, |other| other.min(seed)));
                    }
                }
            });
        }
    });
    let failed = *failed.lock().unwrap();
    if let Some(seed) = failed {
        match play(seed, &inline::database(), true) {
            Err(Failure { what, history }) => {
                panic!(
                    "seed {seed}:\n{history}\n\nseed {seed}: {what}\nagain: cargo xtask simulate --from {seed} --seeds 1"
                )
            }
            Ok(_) => panic!("seed {seed} failed, and did not when it was played again"),
        }
    }
}

#[test]
fn a_seed_comes_out_the_same_each_time() {
    let db = inline::database();
    for seed in 1_000_000..1_000_010 {
        let histories = [(); 2].map(|()| match play(seed, &db, true) {
            Ok(history) => history,
            Err(failure) => panic!("seed {seed}: {}", failure.what),
        });
        assert!(histories[0].lines().count() > 20, "{}", histories[0]);
        assert_eq!(histories[0], histories[1], "seed {seed}");
    }
}
