//! Deciding: what the scheduler takes for each task, from the trigger of a run to its end.

use std::collections::VecDeque;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dagdeck::dag::{self, Deck};
use dagdeck::sched::state::Recovered;
use dagdeck::sched::{Command, Effect, Input, Outcome, Report, State, step};
use dagdeck::types::ask::Trigger;
use dagdeck::types::executor::TryPlace;
use dagdeck::types::state::TriggeredBy;
use serde_json::{Map, Value};

use crate::{Sheet, time};

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];

/// So many tasks at least are decided for one figure.
const TASKS_MIN: usize = 20_000;

/// How many tasks stand beside each other in a layered graph.
const LAYER_WIDTH: usize = 10;

pub(crate) fn measure(sheet: &mut Sheet) {
    for shape in ["chain", "fan", "layered"] {
        let mut flat = Vec::new();
        for size in SIZES {
            let (deck, loaded) = time(|| deck(shape, size));
            let each = decide(&deck, size);
            flat.push(each);
            let text = format!("{each:>8.2} µs a task   (loaded in {loaded:.1?})");
            sheet.figure(&format!("{shape} of {size}"), &text);
        }
        let ratio = flat[flat.len() - 1] / flat[1];
        sheet.figure(&format!("{shape}: 100,000 against 100"), &format!("{ratio:.2} x"));
    }
}

fn deck(shape: &str, size: usize) -> Arc<Deck> {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from(
        "[deck]\nmax_active_tasks = 100000\n[pool.default_pool]\nslots = 100000\n\
         [dag.d]\nmax_active_tasks = 100000\n",
    );
    for task in 0..size {
        let before: Vec<usize> = match shape {
            "chain" => task.checked_sub(1).into_iter().collect(),
            "fan" if task == 0 => Vec::new(),
            "fan" => vec![0],
            _ => {
                let layer = task / LAYER_WIDTH * LAYER_WIDTH;
                (layer.saturating_sub(LAYER_WIDTH)..layer).collect()
            }
        };
        let before: Vec<String> = before.iter().map(|one| format!("\"t{one}\"")).collect();
        writeln!(
            text,
            "[dag.d.task.t{task}]\noperator = \"command\"\ncommand = \"true\"\ndepends_on = [{}]",
            before.join(", ")
        )
        .unwrap();
    }
    std::fs::write(folder.path().join("dags.toml"), text).unwrap();
    Arc::new(load(folder.path()))
}

pub(crate) fn load(project: &Path) -> Deck {
    dag::load(project, &|_| None, &Default::default()).unwrap_or_else(|found| panic!("{found}"))
}

/// Returns microseconds a task.
fn decide(deck: &Arc<Deck>, size: usize) -> f64 {
    let rounds = TASKS_MIN.div_ceil(size);
    let (mut state, _) = State::recover(Arc::clone(deck), Recovered::default(), "t".into());
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let _ = step(&mut state, now, Input::DefinitionsLoaded(Arc::clone(deck))).unwrap();
    let mut decided = 0;
    let ((), took) = time(|| {
        for round in 0..rounds {
            decided += run(&mut state, now, round);
        }
    });
    assert_eq!(decided, rounds * size, "each task was launched once");
    assert!(state.runs.is_empty(), "every run has ended");
    micros(took) / decided as f64
}

/// Runs the DAG once and returns how many tasks were launched.
fn run(state: &mut State, now: dagdeck::types::Timestamp, round: usize) -> usize {
    let trigger = Input::Command(Command::Trigger(Trigger {
        dag_id: "d".into(),
        conf: Map::new(),
        dag_run_id: Some(format!("r{round}").into()),
        logical_date: None,
        note: None,
        triggered_by: TriggeredBy::Test,
        user: None,
        partition_key: None,
    }));
    let mut inputs = VecDeque::from([trigger]);
    let mut launched = 0;
    while let Some(input) = inputs.pop_front() {
        for effect in step(state, now, input).unwrap().effects {
            let Effect::Launch(launch) = effect else { continue };
            launched += 1;
            let (key, token) = (launch.key, launch.token);
            let started = Report::Started {
                key: key.clone(),
                token: token.clone(),
                pid: None,
                place: TryPlace::default(),
            };
            let outcome = Outcome::output(Value::Null);
            inputs.push_back(Input::Report(started));
            inputs.push_back(Input::Report(Report::Finished { key, token, outcome }));
        }
    }
    launched
}

fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6
}
