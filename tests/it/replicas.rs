//! Replicas behind a real nginx: what is promised when versions change, replicas die, hang and
//! are replaced, and when the daemon itself is killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Project, http, peer, until};
use crate::swap::Kept;

const FLOWER: &str = "[[5.1,3.5,1.4,0.2]]";

/// Clients with a connection each that they keep.
const CLIENTS: usize = 4;

pub(crate) fn project(nginx: &Path, replicas: u32) -> Project {
    let project = Project::sample();
    let text = fs::read_to_string(project.path("dags.toml")).unwrap();
    let replicas = format!("[serving]\nreplicas = {replicas}\nnginx = \"{}\"\n", nginx.display());
    assert!(text.contains("[serving]\n"));
    project.write("dags.toml", text.replace("[serving]\n", &replicas));
    project
}

pub(crate) fn deploy(project: &Project, count: usize, model: &str) {
    project.run(&["run", "mlops_pipeline", "-p", &format!("model={model}")]).ok();
    let runs = project.wait_for_runs("model_serving_pipeline", count);
    assert!(runs.iter().all(|run| run["state"] == "success"), "{runs:?}");
}

pub(crate) fn status(project: &Project) -> Value {
    project.json(&["serving", "status"])
}

/// Waits until so many replicas are ready, and returns their process ids.
pub(crate) fn ready(project: &Project, count: usize) -> BTreeSet<i32> {
    let pids = || {
        let status = status(project);
        let replicas = status["replicas"].as_array().unwrap().clone();
        let ready = replicas.iter().filter(|replica| replica["state"] == "ready");
        let pids: BTreeSet<i32> =
            ready.map(|replica| i32::try_from(replica["pid"].as_i64().unwrap()).unwrap()).collect();
        (pids.len() == count).then_some(pids)
    };
    until(pids).unwrap_or_else(|| panic!("{}", status(project)))
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Whether a connection that is kept may be closed between two requests: nginx does that when it
/// takes over a new configuration, and clients know it of HTTP.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Idle {
    IsKept,
    MayBeClosed,
}

/// Loads an address with requests while something is done; every one must be answered.
pub(crate) fn under_load(address: &str, idle: Idle, work: impl FnOnce()) -> u64 {
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let client = || {
            let mut kept = Kept::open(address);
            while !stop.load(Ordering::SeqCst) {
                let (_, body) = match idle {
                    Idle::IsKept => kept.predict(),
                    Idle::MayBeClosed => kept.try_predict().unwrap_or_else(|_| {
                        kept = Kept::open(address);
                        kept.try_predict().unwrap()
                    }),
                };
                if kept.is_closing {
                    kept = Kept::open(address);
                }
                assert!(body.contains("\"label\":\"setosa\""), "{body}");
                answered.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        stop.store(true, Ordering::SeqCst);
        for client in clients {
            client.join().unwrap();
        }
        done.unwrap();
    });
    answered.into_inner()
}

#[test]
fn no_request_is_lost_when_versions_change_and_replicas_die() {
    let test = "no_request_is_lost_when_versions_change_and_replicas_die";
    let Some(nginx) = peer("DAGDECK_TEST_NGINX", test) else { return };
    let mut project = project(&nginx, 3);
    project.keep_if_it_fails();
    project.up();
    deploy(&project, 1, "xgboost");
    deploy(&project, 2, "logistic_regression");
    let address = project.serving();
    let before = ready(&project, 3);
    let answered = under_load(&address, Idle::IsKept, || {
        project.run(&["models", "rollback", "iris"]).ok();
        project.wait_for_runs("model_serving_pipeline", 3);
        // One after the other, then all at once: the daemon answers meanwhile.
        for pid in &before {
            signal(*pid, Signal::KILL);
            std::thread::sleep(Duration::from_millis(300));
        }
        let second = ready(&project, 3);
        assert!(second.is_disjoint(&before), "{second:?} {before:?}");
        second.iter().for_each(|pid| signal(*pid, Signal::KILL));
        project.run(&["models", "promote", "iris", "2"]).ok();
        project.wait_for_runs("model_serving_pipeline", 4);
        ready(&project, 3);
    });
    assert!(answered > 500, "{answered}");
    // Every replica answers by what is in force now.
    let mut kept = Kept::open(&address);
    let versions: BTreeSet<String> = (0..30).map(|_| kept.predict().0).collect();
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), ["2"]);
    let status = status(&project);
    let served = status["versions"].as_array().unwrap();
    let asked: u64 = served.iter().map(|version| version["requests_total"].as_u64().unwrap()).sum();
    assert!(asked >= 30, "{status}");
    let deaths: u64 =
        status["replicas"].as_array().unwrap().iter().map(|r| r["deaths"].as_u64().unwrap()).sum();
    assert_eq!(deaths, 6, "{status}");
    let figures = http(&address, "GET", "/metrics", None).body;
    for replica in ["1", "2", "3", "daemon"] {
        let wanted = format!("dagdeck_serving_traffic_percent{{replica=\"{replica}\",");
        assert!(figures.contains(&wanted), "{wanted}: {figures}");
    }
    project.down();
    assert!(std::net::TcpStream::connect(&address).is_err(), "nginx has ended");
}

#[test]
fn a_replica_that_hangs_is_replaced() {
    let Some(nginx) = peer("DAGDECK_TEST_NGINX", "a_replica_that_hangs_is_replaced") else {
        return;
    };
    let mut project = project(&nginx, 2);
    project.up();
    deploy(&project, 1, "logistic_regression");
    let before = ready(&project, 2);
    let hangs = *before.first().unwrap();
    signal(hangs, Signal::STOP);
    let replaced = || (!ready(&project, 2).contains(&hangs)).then_some(());
    until(replaced).expect("it is killed and replaced");
    assert_eq!(http(&project.serving(), "POST", "/predict", Some(FLOWER)).status, 200);
    project.down();
}

#[test]
fn the_daemon_may_die_and_come_back_without_a_lost_request() {
    let test = "the_daemon_may_die_and_come_back_without_a_lost_request";
    let Some(nginx) = peer("DAGDECK_TEST_NGINX", test) else { return };
    let mut project = project(&nginx, 2);
    project.keep_if_it_fails();
    project.up();
    deploy(&project, 1, "logistic_regression");
    let address = project.serving();
    let before = ready(&project, 2);
    let mut answered = under_load(&address, Idle::IsKept, || {
        project.kill_daemon();
        std::thread::sleep(Duration::from_millis(500));
        project.up();
        assert_eq!(project.serving(), address);
        assert_eq!(ready(&project, 2), before, "they were taken over");
    });
    answered += under_load(&address, Idle::MayBeClosed, || {
        // Other settings: each is replaced by one that keeps to them.
        project.kill_daemon();
        let text = fs::read_to_string(project.path("dags.toml")).unwrap();
        project.write("dags.toml", text.replace("replicas = 2", "replicas = 3\nmax_rows = 7"));
        project.up();
        let after = || ready(&project, 3).is_disjoint(&before).then_some(());
        until(after).expect("all are new");
    });
    assert!(answered > 300, "{answered}");
    let rows = format!(
        "[{}]",
        [FLOWER.trim_matches(['[', ']']); 8].map(|row| format!("[{row}]")).join(",")
    );
    assert_eq!(http(&address, "POST", "/predict", Some(&rows)).status, 413);
    // Without replicas the daemon listens itself, and ends what is left.
    project.kill_daemon();
    let text = fs::read_to_string(project.path("dags.toml")).unwrap();
    let lines = text.lines().filter(|l| !l.starts_with("replicas =") && !l.starts_with("nginx ="));
    project.write("dags.toml", lines.collect::<Vec<_>>().join("\n"));
    project.up();
    assert_eq!(http(&project.serving(), "POST", "/predict", Some(FLOWER)).status, 200);
    assert_eq!(status(&project)["replicas"], Value::Array(Vec::new()));
    assert!(std::net::TcpStream::connect(&address).is_err(), "nginx has ended");
    project.down();
}

#[test]
fn what_changes_what_is_served_goes_to_the_daemon() {
    let test = "what_changes_what_is_served_goes_to_the_daemon";
    let Some(nginx) = peer("DAGDECK_TEST_NGINX", test) else { return };
    let mut project = project(&nginx, 2);
    project.up();
    deploy(&project, 1, "logistic_regression");
    let address = project.serving();
    ready(&project, 2);
    let unload = "/v2/repository/models/iris/unload";
    assert_eq!(http(&address, "POST", unload, Some("{}")).status, 401);
    // A body that is too large is refused before any replica sees it.
    let large = "1".repeat(17 << 20);
    let refused = http(&address, "POST", "/predict", Some(&large));
    assert_eq!((refused.status, refused.json()["error"].is_string()), (413, true));
    let by_alias = "/models/iris@production/predict";
    for _ in 0..4 {
        assert_eq!(http(&address, "POST", by_alias, Some(FLOWER)).status, 200);
    }
    // What each replica has counted for drift comes together.
    let rows = format!("[{}]", ["[5.1,3.5,1.4,0.2]"; 100].join(","));
    for _ in 0..4 {
        assert_eq!(http(&address, "POST", "/predict", Some(&rows)).status, 200);
    }
    let counted = || {
        let report = project.json(&["serving", "drift", "iris"]);
        (report[0]["rows"].as_u64()? >= 400).then_some(())
    };
    until(counted).expect("the rows of all replicas are counted");
    let outcomes = r#"{"outcomes": [{"id": "x", "truth": "setosa"}]}"#;
    let told = http(&address, "POST", "/outcomes", Some(outcomes));
    assert_eq!(told.status, 401, "it is the daemon's matter: {}", told.body);
    let copies = project.run(&["serving", "shadow", "iris", "1"]);
    assert_eq!(copies.code, 1, "{}", copies.stdout);
    assert!(
        copies.stderr.contains("no copies are made where replicas answer"),
        "{}",
        copies.stderr
    );
    // nginx itself may die.
    let pid = fs::read_to_string(project.path(".dagdeck/serving/nginx.pid")).unwrap();
    signal(pid.trim().parse().unwrap(), Signal::KILL);
    let answers = || {
        let stream = std::net::TcpStream::connect(&address).ok()?;
        drop(stream);
        let again = fs::read_to_string(project.path(".dagdeck/serving/nginx.pid")).unwrap();
        (again != pid).then_some(())
    };
    until(answers).expect("it is started again");
    assert_eq!(http(&address, "POST", "/predict", Some(FLOWER)).status, 200);
    project.down();
}

#[test]
fn without_nginx_the_daemon_says_what_to_do() {
    let mut project = project(Path::new("no-such-nginx"), 2);
    project.up();
    let status = status(&project);
    let problem = status["problem"].as_str().unwrap();
    assert!(problem.contains("`no-such-nginx` does not run"), "{problem}");
    project.down();
}
