//! What it costs to bring a million rows of ten columns out of a file (CSV, JSON, Parquet) and into
//! PostgreSQL, beside `psql \copy` of the same rows in the same minute.
//!
//! `DAGDECK_TEST_POSTGRES=/usr/lib/postgresql/15/bin/initdb cargo bench --bench tables`; with rows
//! in thousands as its argument. The limit is the project's promise: 1.5 times what `psql` takes.
#![allow(clippy::print_stdout, reason = "figures are for people")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and its arguments")]

mod files;
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dagdeck::connection::OpenConnection;
use dagdeck::runtime::attempt::{Order, Private};
use dagdeck::runtime::operator::run_in_process;
use dagdeck::runtime::task_log::TaskLog;
use dagdeck::sched::Outcome;
use serde_json::{Value, json};

use crate::postgres::Postgres;

const LIMIT: f64 = 1.5;

fn main() -> ExitCode {
    let thousands = std::env::args().filter_map(|arg| arg.parse::<u64>().ok()).next();
    let rows = thousands.unwrap_or(1_000) * 1_000;
    let Some(initdb) = std::env::var_os("DAGDECK_TEST_POSTGRES").map(PathBuf::from) else {
        println!("DAGDECK_TEST_POSTGRES is not set: it is the path of PostgreSQL's `initdb`");
        return ExitCode::FAILURE;
    };
    let scratch = tempfile::tempdir().unwrap();
    let project = scratch.path();
    files::write_csv(&project.join("t.csv"), rows);
    files::write_json(&project.join("t.json"), rows);
    files::write_parquet(&project.join("t.parquet"), rows);
    for format in ["parquet", "json", "csv"] {
        let source = format!("t.{format}");
        let bytes = std::fs::metadata(project.join(&source)).unwrap().len();
        println!("{format}: {rows} rows of ten columns, {:.1} MB", bytes as f64 / 1e6);
        let operator = format!("{format}.extract");
        let found = if format == "parquet" { "of the file" } else { "inferred" };
        for (what, schema) in [(found, Value::Null), ("declared", declared())] {
            let args = json!({ "source": format!("file:{source}"), "schema": schema });
            let took = run(project, &Private::default(), &operator, "extract", &args);
            rate(&format!("{operator}, schema {what}"), rows, took);
        }
        println!("{:<44} {} MB", "peak of the resident memory until here", peak_mb());
    }
    let server = Postgres::start(&initdb, "");
    let url = server.database();
    let mut ratios = Vec::new();
    for round in 0..3 {
        let bare = psql_copy(&server, &url, &project.join("t.csv"));
        let args = json!({
            "input": "extract", "connection": "warehouse", "table": "t", "mode": "append",
        });
        let load = run(project, &private(&url), "sql.load", "load", &args);
        let (bare, load) = (bare.as_secs_f64(), load.as_secs_f64());
        println!(
            "round {round}: psql \\copy {bare:.2} s, sql.load {load:.2} s: {:.2}",
            load / bare
        );
        ratios.push(load / bare);
        server.rows(&url, "drop table t");
    }
    ratios.sort_by(f64::total_cmp);
    let args = json!({
        "input": "extract", "connection": "warehouse", "table": "t", "mode": "merge", "key": ["id"],
    });
    for what in ["merge into nothing", "merge of the same"] {
        let took = run(project, &private(&url), "sql.load", "load", &args);
        rate(&format!("sql.load, {what}"), rows, took);
    }
    let args = json!({ "connection": "warehouse", "sql": "select * from t" });
    let took = run(project, &private(&url), "sql.extract", "again", &args);
    rate("sql.extract", rows, took);
    println!("{:<44} {} MB", "peak of the resident memory", peak_mb());
    println!("median ratio to psql \\copy: {:.2} (limit {LIMIT})", ratios[1]);
    if ratios[1] <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn rate(what: &str, rows: u64, took: Duration) {
    let secs = took.as_secs_f64();
    println!("{what:<44} {secs:.2} s, {:.0} rows/s", rows as f64 / secs);
}

fn declared() -> Value {
    json!({
        "id": "int", "name": "text", "a": "int", "b": "int", "c": "int", "day": "date",
        "flag": "bool", "x": "float", "y": "text", "z": "text",
    })
}

fn private(url: &str) -> Private {
    let connection =
        OpenConnection { name: "warehouse".into(), url: url.into(), options: BTreeMap::new() };
    Private {
        connections: BTreeMap::from([("warehouse".to_owned(), connection)]),
        ..Private::default()
    }
}

fn run(project: &Path, private: &Private, operator: &str, task: &str, args: &Value) -> Duration {
    let run_folder = project.join("run");
    let folder = run_folder.join(task);
    std::fs::create_dir_all(&folder).unwrap();
    let order: Order = serde_json::from_value(json!({
        "key": {
            "dag_id": "d", "dag_run_id": "r", "task_id": task, "map_index": -1, "try_number": 1,
        },
        "token": "t", "operator": operator, "args": args, "env": {}, "project": project,
        "folder": folder, "run_folder": run_folder, "execution_timeout_secs": null,
        "inlets": [], "outlets": [], "dataset": null, "connections": [],
        "triggering_asset_events": [], "user": "bench",
    }))
    .unwrap();
    let log = Arc::new(TaskLog::open(&folder, Vec::new()).unwrap());
    let start = Instant::now();
    let outcome = run_in_process(&order, private, &log);
    let took = start.elapsed();
    assert!(matches!(outcome, Outcome::Success { .. }), "{operator}: {outcome:?}");
    took
}

fn psql_copy(server: &Postgres, url: &str, csv: &Path) -> Duration {
    server.rows(
        url,
        "create table bare (id bigint, name text, a bigint, b bigint, c bigint, day date,
                            flag boolean, x float8, y text, z text)",
    );
    let start = Instant::now();
    server.rows(url, &format!("\\copy bare from '{}' with (format csv, header)", csv.display()));
    let took = start.elapsed();
    server.rows(url, "drop table bare");
    took
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
