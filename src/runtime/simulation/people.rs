//! What comes from outside: people who trigger, clear, mark and pause, edits of the definitions,
//! changes of assets, and trouble: a full disk, a store that fails, a clock that jumps, processes
//! that are killed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;

use super::relay::short;
use super::world::World;
use crate::runtime::handle::Handle;
use crate::sched::input::Operate;
use crate::sched::{Command, Input, Reply};
use crate::store::{dag_run, recover};
use crate::types::ask::Trigger;
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::operation::{ClearTasks, MarkTasks, Operation, Reach, TaskChoice};
use crate::types::run::DagRunKey;
use crate::types::state::TriggeredBy;
use crate::types::{DagRunState, Fault, TaskInstanceState};

const DAGS: [&str; 3] = ["one", "two", "after"];

/// So many runs are triggered at most.
const TRIGGERS_MAX: u64 = 5;

/// Once there is no trouble any more every run ends in this time, and mostly in minutes.
const PATIENCE: Duration = Duration::from_hours(12);

/// Acts on and on; when all is calm, waits until every run has ended.
pub(super) async fn act(world: &Arc<World>, handle: &Handle) {
    if world.lock().is_calm {
        return wait_for_the_end(world, handle).await;
    }
    loop {
        let (pause, what) = {
            let mut inner = world.lock();
            let pause = if inner.dice.chance(40) {
                inner.dice.millis(0, 300)
            } else {
                inner.dice.millis(300, 9_000)
            };
            (pause, inner.dice.below(20))
        };
        tokio::time::sleep(pause).await;
        match what {
            0..6 => trigger(world, handle),
            6..9 => operate(world, handle),
            9 => pause_dag(world, handle),
            10 => edit(world, handle),
            11 | 12 => change_asset(world, handle),
            13 | 14 => repeat(world, handle).await,
            15 => kill_one(world),
            n => trouble(world, n),
        }
    }
}

async fn wait_for_the_end(world: &Arc<World>, handle: &Handle) {
    for dag in DAGS {
        set_paused(world, handle, dag, false);
    }
    let began = world.elapsed();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let open = dag_run::active(&world.conn()).unwrap();
        let running = world.pids();
        if open.is_empty() && running.is_empty() {
            return;
        }
        if world.elapsed() - began > PATIENCE {
            let open: Vec<DagRunKey> = open.iter().map(|run| run.key()).collect();
            return world.violated(format!(
                "after {PATIENCE:?} without trouble {open:?} have not ended; processes: {running:?}"
            ));
        }
    }
}

/// Asks, and takes note of the answer.
fn ask(
    world: &Arc<World>,
    handle: &Handle,
    what: String,
    input: Input,
    note: impl FnOnce(&World, Result<Reply, Fault>) + Send + 'static,
) {
    world.lock().say(|| format!("{what}?"));
    let (world, handle) = (world.clone(), handle.clone());
    tokio::spawn(async move {
        let answer = handle.ask(input).await;
        let said = match &answer {
            Ok(_) => "OK".to_owned(),
            Err(fault) => fault.to_string(),
        };
        world.lock().say(|| format!("{what}: {said}"));
        note(&world, answer);
    });
}

fn trigger(world: &Arc<World>, handle: &Handle) {
    let (dag, number) = {
        let mut inner = world.lock();
        if inner.triggers == TRIGGERS_MAX {
            return;
        }
        inner.triggers += 1;
        (DAGS[usize::from(inner.dice.chance(50))], inner.triggers)
    };
    let trigger = Trigger {
        dag_id: dag.into(),
        conf: Map::new(),
        dag_run_id: Some(format!("run{number}").into()),
        logical_date: None,
        note: None,
        triggered_by: TriggeredBy::Test,
        user: None,
        partition_key: None,
    };
    let input = Input::Command(Command::Trigger(trigger));
    ask(world, handle, format!("trigger {dag} run{number}"), input, |world, answer| {
        if let Ok(Reply::Run(run)) = answer {
            world.lock().ledger.promised.insert(run.dag_run_id);
        }
    });
}

fn operate(world: &Arc<World>, handle: &Handle) {
    let conn = world.conn();
    let mut inner = world.lock();
    let (runs, _) = dag_run::list(&conn, &dag_run::RunFilter::of(None, None), 20, 0).unwrap();
    let Some(run) = inner.dice.pick(&runs).cloned() else { return };
    let tasks = vec![TaskChoice {
        task_id: format!("t{}", inner.dice.below(3)).as_str().into(),
        map_indexes: Vec::new(),
    }];
    let reach = Reach { include_downstream: inner.dice.chance(50), ..Reach::default() };
    let states =
        [TaskInstanceState::Success, TaskInstanceState::Failed, TaskInstanceState::Skipped];
    let operation = match inner.dice.below(5) {
        0 => Operation::MarkRuns { state: DagRunState::Failed },
        1 => Operation::MarkRuns { state: DagRunState::Success },
        2 => Operation::ClearTasks(ClearTasks { tasks, reach, ..ClearTasks::default() }),
        3 => Operation::ClearTasks(ClearTasks { only_failed: true, ..ClearTasks::default() }),
        _ => {
            let state = *inner.dice.pick(&states).unwrap();
            Operation::MarkTasks(MarkTasks { tasks, state, reach })
        }
    };
    drop(inner);
    let what = format!("{operation:?} of {}", run.dag_run_id);
    let key = run.key();
    let ended = match run.state.is_finished() {
        true => vec![recover::run(&conn, run).unwrap()],
        false => Vec::new(),
    };
    drop(conn);
    let wish = Operate { operation, runs: vec![key], ended, user: None, dry_run: false };
    ask(world, handle, what, Input::Command(Command::Operate(wish)), |_, _| {});
}

fn pause_dag(world: &Arc<World>, handle: &Handle) {
    let (dag, is_paused) = {
        let mut inner = world.lock();
        (*inner.dice.pick(&DAGS).unwrap(), inner.dice.chance(30))
    };
    set_paused(world, handle, dag, is_paused);
}

fn set_paused(world: &Arc<World>, handle: &Handle, dag: &str, is_paused: bool) {
    let command = Command::SetPaused { dag_id: dag.into(), is_paused, user: None };
    let what = format!("paused = {is_paused} of {dag}");
    ask(world, handle, what, Input::Command(command), |_, _| {});
}

fn edit(world: &Arc<World>, handle: &Handle) {
    world.lock().deck += 1;
    let input = Input::DefinitionsLoaded(world.deck());
    ask(world, handle, "other definitions".to_owned(), input, |_, _| {});
}

fn change_asset(world: &Arc<World>, handle: &Handle) {
    let key = format!("change{}", world.lock().dice.below(6));
    let spec = AssetEventSpec {
        name: Some("out".into()),
        dedupe_key: Some(key.clone()),
        ..AssetEventSpec::new("file:out", AssetEventSource::Watcher)
    };
    let what = format!("asset {key}");
    ask(world, handle, what, Input::AssetChanged(spec), |world, answer| {
        if let Ok(Reply::AssetEvent(event)) = answer {
            let is_new = event.is_some();
            *world.lock().ledger.told.entry(key).or_default() += u32::from(is_new);
        }
    });
}

/// Tells the engine once more what it was told some time ago.
async fn repeat(world: &Arc<World>, handle: &Handle) {
    let input = {
        let mut inner = world.lock();
        let reports = std::mem::take(&mut inner.reports);
        let picked = inner.dice.pick(&reports).cloned();
        inner.reports = reports;
        picked
    };
    if let Some(Input::Report(report)) = input {
        world.lock().say(|| format!("  report again: {}", short(&report)));
        // An error says that the engine has stopped.
        let _ = handle.tell(Input::Report(report)).await;
    }
}

fn kill_one(world: &Arc<World>) {
    let pids = world.pids();
    let picked = world.lock().dice.pick(&pids).copied();
    if let Some(pid) = picked {
        world.end_process(pid);
    }
}

fn trouble(world: &Arc<World>, what: u64) {
    let mut inner = world.lock();
    match what {
        16 => {
            let until = inner.elapsed() + inner.dice.millis(50, 12_000);
            inner.store_broken_until = until;
            inner.say(|| format!("the store fails until {until:?}"));
        }
        17 => {
            let is_full = inner.dice.chance(50);
            inner.say(|| format!("the disk is full: {is_full}"));
            drop(inner);
            world.disk.fill(is_full);
        }
        18 => {
            let jump = i64::try_from(inner.dice.below(5_400)).unwrap() - 3_600;
            inner.clock_off += jump;
            inner.say(|| format!("the clock jumps by {jump} s"));
        }
        _ => {}
    }
}
