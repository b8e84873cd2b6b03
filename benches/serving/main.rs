//! How fast the model server answers one row, beside what the machine gives:
//! `cargo bench --bench serving`, or with `-- BINARY` that of another build.
//!
//! The peer is a bare hyper server that always says the same, of about the same length; both are
//! processes of their own and are asked in turns by the same load, so the ratio of the best rounds
//! counts. With `-- peers` MLflow's scoring server answers for the same model, and BentoML's with a
//! constant (`cargo xtask test` makes their environments below `target/test-setup`).
#![allow(clippy::print_stdout, reason = "figures are for people")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and its arguments")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

mod constant;
mod load;
mod server;
#[path = "../pace/sheet.rs"]
mod sheet;

use load::{Load, Seen};
use server::Server;
use sheet::Sheet;

/// Starts of which the middle one counts.
const STARTS: usize = 9;
/// How often each load is run; the best counts.
const ROUNDS: usize = 3;
const LASTING: Duration = Duration::from_secs(3);
/// What follows after a `--` when this program is the constant server.
const CONSTANT: &str = "constant-server";

/// Of the requests per second of the constant server.
const SHARE_MIN: f64 = 0.70;
/// Times the requests per second of MLflow's and BentoML's servers, at 16 connections.
const PEERS_MIN: f64 = 100.0;
const P99_MAX: Duration = Duration::from_millis(2);
const FIRST_ANSWER_MAX: Duration = Duration::from_millis(50);
const MEMORY_MAX: u64 = 60_000_000;

fn main() -> ExitCode {
    // Cargo itself passes `--bench`.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if arguments.iter().any(|argument| argument == CONSTANT) {
        constant::serve();
    }
    let with_peers = arguments.iter().any(|argument| argument == "peers");
    let binary = arguments.iter().find(|argument| *argument != "peers");
    let binary = binary.map_or_else(|| env!("CARGO_BIN_EXE_dagdeck").into(), PathBuf::from);
    let mut sheet = Sheet::default();
    let trained = server::Project::with_a_model(&binary);
    let bundled = trained.bundle();
    starts(&mut sheet, "daemon", || Server::dagdeck(&trained));
    starts(&mut sheet, "server of a bundle", || Server::bundled(&trained, &bundled));
    let (own, constant) = (Server::dagdeck(&trained), Server::constant());
    let mut at_16 = 0.0;
    for connections in [1, 16, 64] {
        let [own, bare] = in_turns([&own, &constant], connections);
        at_16 = if connections == 16 { own.per_second } else { at_16 };
        let share = own.per_second / bare.per_second;
        sheet.line(
            &format!("one row, {connections} connections"),
            &format!("{:.0}/s", own.per_second),
            &format!("constant {:.0}/s: {:.0} % of it", bare.per_second, share * 100.0),
            &format!("{:.0} %", SHARE_MIN * 100.0),
            share >= SHARE_MIN,
        );
        sheet.line(
            &format!("… p50 {}, p99", sheet::ms(own.p50)),
            &sheet::ms(own.p99),
            &format!("constant p99 {}", sheet::ms(bare.p99)),
            &sheet::ms(P99_MAX),
            own.p99 <= P99_MAX,
        );
    }
    let bytes = own.memory();
    let mb = format!("{:.1} MB", bytes as f64 / 1e6);
    sheet.line("daemon: memory after the load", &mb, "", "60 MB", bytes <= MEMORY_MAX);
    if with_peers {
        for peer in [Server::mlflow(&trained), Server::bentoml()] {
            let seen = Load { server: &peer, connections: 16, lasting: LASTING }.run();
            let times = at_16 / seen.per_second;
            let beside = format!("{} {:.0}/s: {times:.0} x", peer.name, seen.per_second);
            let is_met = times >= PEERS_MIN;
            sheet.line(
                "one row, 16 connections",
                &format!("{at_16:.0}/s"),
                &beside,
                "100 x",
                is_met,
            );
        }
    }
    sheet.print()
}

/// Says how soon a server answers after its start, and what memory it takes then.
fn starts(sheet: &mut Sheet, what: &str, server: impl Fn() -> Server) {
    let mut started: Vec<(Duration, u64)> = (0..STARTS)
        .map(|_| server())
        .map(|server| (server.first_answer, server.memory()))
        .collect();
    started.sort_unstable();
    let (first, bytes) = started[STARTS / 2];
    let beside = format!("{:.1} MB then", bytes as f64 / 1e6);
    let what = format!("{what}: start to first answer");
    let limit = sheet::ms(FIRST_ANSWER_MAX);
    sheet.line(&what, &sheet::ms(first), &beside, &limit, first <= FIRST_ANSWER_MAX);
}

/// Puts the same load on both, in turns; the first round warms up.
fn in_turns(servers: [&Server; 2], connections: usize) -> [Seen; 2] {
    let mut best = [Seen::default(); 2];
    for round in 0..=ROUNDS {
        for (server, best) in servers.iter().zip(&mut best) {
            let seen = Load { server, connections, lasting: LASTING }.run();
            if round > 0 && seen.per_second > best.per_second {
                *best = seen;
            }
        }
    }
    best
}
