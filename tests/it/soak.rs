//! A soak: full load while versions change, replicas are killed and definitions are edited. Nothing is
//! lost, and memory stays as it is. Some seconds in the suite; `DAGDECK_SOAK_SECONDS=300` for
//! minutes.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is told by its environment how long to go on"
)]

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::replicas::{Idle, deploy, project, ready, signal, status, under_load};
use crate::support::{Project, peer};

/// Seconds, where nothing is said.
const SHORT: u64 = 8;

/// What allocators and caches may keep beyond what was there after the warm-up.
const GROWTH_MAX: u64 = 48 << 20;

/// Bytes of the replicas and the daemon that are their own.
fn memory(project: &Project) -> u64 {
    let status = status(project);
    let replicas = status["replicas"].as_array().unwrap();
    let replicas: u64 = replicas.iter().filter_map(|found| found["memory_bytes"].as_u64()).sum();
    let daemon = project.json(&["status"]);
    replicas + daemon["memory_bytes"].as_u64().unwrap_or_default()
}

/// Forth, back, a replica killed, the definitions edited.
fn round(project: &Project, number: usize, deploys: &mut usize) {
    let version = if number.is_multiple_of(2) { "1" } else { "2" };
    project.run(&["models", "promote", "iris", version]).ok();
    *deploys += 1;
    project.wait_for_runs("model_serving_pipeline", *deploys);
    let pids = ready(project, 2);
    signal(*pids.iter().nth(number % 2).unwrap(), Signal::KILL);
    let text = fs::read_to_string(project.path("dags.toml")).unwrap();
    project.write("dags.toml", format!("{text}\n# edit {number}\n"));
    ready(project, 2);
}

#[test]
fn nothing_is_lost_and_memory_is_flat_under_full_load() {
    let test = "nothing_is_lost_and_memory_is_flat_under_full_load";
    let Some(nginx) = peer("DAGDECK_TEST_NGINX", test) else { return };
    let seconds = std::env::var("DAGDECK_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let seconds = Duration::from_secs(seconds.unwrap_or(SHORT));
    let mut project = project(&nginx, 2);
    project.keep_if_it_fails();
    project.up();
    deploy(&project, 1, "xgboost");
    deploy(&project, 2, "logistic_regression");
    let address = project.serving();
    ready(&project, 2);
    let (mut deploys, mut rounds, mut warm) = (2, 0, 0);
    let answered = under_load(&address, Idle::IsKept, || {
        let begin = Instant::now();
        while begin.elapsed() < seconds || rounds < 3 {
            round(&project, rounds, &mut deploys);
            rounds += 1;
            if rounds == 2 {
                warm = memory(&project);
            }
        }
    });
    let after = memory(&project);
    println!("{answered} answered in {rounds} rounds; memory {warm} -> {after} bytes");
    assert!(after < warm + GROWTH_MAX, "memory grew from {warm} to {after} bytes");
    assert_eq!(status(&project)["versions"][0]["failed_total"], 0);
    project.down();
}
