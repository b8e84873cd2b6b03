//! What it costs to log and to look up, beside `mlflow server`: `cargo bench --bench tracking`.
//!
//! Both are real servers on loopback, each with a store of its own on the same disk, and are asked
//! the same in turns over kept connections; ratios count. `DAGDECK_TEST_MLFLOW` names a Python with
//! MLflow (`cargo xtask test` makes one: `target/test-setup/mlflow/bin/python`).
#![allow(clippy::print_stdout, reason = "figures are for people")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and its environment")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

mod client;
mod server;
#[path = "../pace/sheet.rs"]
mod sheet;

use client::Client;
use server::Server;
use sheet::Sheet;

/// Requests of one client for a figure; of MLflow fewer, for it takes long.
const CALLS: [usize; 2] = [1_000, 100];
const CLIENTS: usize = 16;
const BATCH_LEN: usize = 1_000;
const BATCHES: usize = 10;
const RUNS: usize = 10_000;
const HISTORY_LEN: usize = 15_000;
const SEARCHES: usize = 5;

fn main() -> ExitCode {
    let python = std::env::var_os("DAGDECK_TEST_MLFLOW").map(PathBuf::from);
    let python = python.unwrap_or_else(|| {
        let made = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-setup/mlflow/bin/python");
        PathBuf::from(made)
    });
    let (ours, theirs) = (Server::dagdeck(), Server::mlflow(&python));
    settle();
    let memory = [ours.memory(), theirs.memory()];
    let mut sheet = Sheet::default();
    let both = [&ours, &theirs];
    let one = both.map(|server| log_metric(server, 1));
    line(&mut sheet, "log_metric, one client", one, 10.0);
    let many = both.map(|server| log_metric(server, CLIENTS));
    line(&mut sheet, &format!("log_metric, {CLIENTS} clients"), many, 20.0);
    line(&mut sheet, "log_batch of 1,000 metrics", both.map(log_batch), 10.0);
    line(&mut sheet, "history of 15,000 points", both.map(history), 20.0);
    let what = format!("first 100 of {RUNS} runs, ordered by a metric");
    line(&mut sheet, &what, both.map(search), 100.0);
    let share = memory[1] as f64 / memory[0] as f64;
    let mb = |bytes: u64| format!("{:.0} MB", bytes as f64 / 1e6);
    let beside = format!("{}: {share:.0} x", mb(memory[1]));
    sheet.line("memory of all processes, idle", &mb(memory[0]), &beside, "30 x", share >= 30.0);
    sheet.print()
}

fn line(sheet: &mut Sheet, what: &str, [own, other]: [Duration; 2], least: f64) {
    let share = other.as_secs_f64() / own.as_secs_f64();
    let beside = format!("mlflow server {}: {share:.1} x", sheet::ms(other));
    sheet.line(what, &sheet::ms(own), &beside, &format!("{least:.0} x"), share >= least);
}

/// Waits until nothing works on the machine any more: MLflow's server goes on starting long after
/// it first answers.
fn settle() {
    let idle = || -> (u64, u64) {
        let stat = std::fs::read_to_string("/proc/stat").unwrap();
        let ticks: Vec<u64> = stat
            .lines()
            .next()
            .unwrap()
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        (ticks[3], ticks.iter().sum())
    };
    for _ in 0..60 {
        let before = idle();
        thread::sleep(Duration::from_secs(1));
        let after = idle();
        if (after.0 - before.0) * 10 >= (after.1 - before.1) * 9 {
            return;
        }
    }
}

fn new_run(client: &mut Client) -> String {
    let asked = json!({"experiment_id": "0", "start_time": 1});
    let made = client.post("/runs/create", &asked);
    made["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

fn metric(step: usize) -> Value {
    json!({"key": "loss", "value": step as f64 / 7.0, "timestamp": 1_000 + step, "step": step})
}

/// The time of one call, with so many clients at once.
fn log_metric(server: &Server, clients: usize) -> Duration {
    let calls = server.pick(CALLS) / clients;
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut client = server.client();
                let run_id = new_run(&mut client);
                for step in 0..calls {
                    let mut asked = metric(step);
                    asked["run_id"] = run_id.as_str().into();
                    client.post("/runs/log-metric", &asked);
                }
            });
        }
    });
    begin.elapsed() / u32::try_from(calls * clients).unwrap()
}

fn log_batch(server: &Server) -> Duration {
    let mut client = server.client();
    let run_id = new_run(&mut client);
    client.spent = Duration::ZERO;
    for batch in 0..BATCHES {
        let steps = batch * BATCH_LEN..(batch + 1) * BATCH_LEN;
        let metrics: Vec<Value> = steps.map(metric).collect();
        client.post("/runs/log-batch", &json!({"run_id": run_id, "metrics": metrics}));
    }
    client.spent / u32::try_from(BATCHES).unwrap()
}

fn history(server: &Server) -> Duration {
    let mut client = server.client();
    let run_id = new_run(&mut client);
    for batch in 0..HISTORY_LEN / BATCH_LEN {
        let steps = batch * BATCH_LEN..(batch + 1) * BATCH_LEN;
        let metrics: Vec<Value> = steps.map(metric).collect();
        client.post("/runs/log-batch", &json!({"run_id": run_id, "metrics": metrics}));
    }
    let path = format!("/metrics/get-history?run_id={run_id}&metric_key=loss");
    client.spent = Duration::ZERO;
    let found = client.get(&path);
    assert_eq!(found["metrics"].as_array().unwrap().len(), HISTORY_LEN);
    client.spent
}

fn search(server: &Server) -> Duration {
    let mut client = server.client();
    for number in 0..RUNS {
        let run_id = new_run(&mut client);
        let metrics =
            [json!({"key": "auc", "value": (number * 37 % 1_009) as f64, "timestamp": 1})];
        client.post("/runs/log-batch", &json!({"run_id": run_id, "metrics": metrics}));
    }
    let asked = json!({
        "experiment_ids": ["0"],
        "order_by": ["metrics.auc DESC"],
        "max_results": 100,
    });
    client.spent = Duration::ZERO;
    for _ in 0..SEARCHES {
        let found = client.post("/runs/search", &asked);
        assert_eq!(found["runs"].as_array().unwrap().len(), 100);
    }
    client.spent / u32::try_from(SEARCHES).unwrap()
}
