//! Kills: of the daemon at each step between a decision and its job, of the controller, of a
//! node, of a step.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use dagdeck::runtime::Layout;
use dagdeck::runtime::engine::{self, EngineParts};
use dagdeck::runtime::publish::Publisher;
use dagdeck::runtime::serving;
use dagdeck::sched::Input;
use dagdeck::store::Store;
use dagdeck::store::dag_run::{self, RunFilter};
use dagdeck::types::time::SystemClock;
use rustix::process::{Pid, Signal, kill_process};

use super::cluster::Cluster;
use super::{field, project, trigger, wait_for};
use crate::engine::bench;
use crate::engine::kill::{DIR, die_at_step, run_copy};
use crate::support::{Project, until};

/// A deck of three mapped jobs, and one after them that is long enough to be seen running.
fn definitions(cluster: &Cluster) -> String {
    format!(
        r#"
[deck]
name = "t"
[deck.default_args]
executor = "slurm"
retries = 0
[slurm]
conf = "{}"
[dag.d.task.m]
operator = "command"
command = "echo m >> ran"
expand = {{ item = [1, 2, 3] }}
[dag.d.task.last]
operator = "command"
command = "sleep 3; echo last >> ran"
depends_on = ["m"]
"#,
        cluster.conf().display()
    )
}

#[test]
fn a_daemon_killed_between_submitting_and_recording_finds_its_jobs_again() {
    let test = "a_daemon_killed_between_submitting_and_recording_finds_its_jobs_again";
    let Some(cluster) = Cluster::start(test, 2, "") else { return };
    for step in [
        "committed#2",
        "prepared#2",
        "enrolled#1",
        "submitted#1",
        "recorded#1",
        "submitted#2",
        "started#1",
        "ended#1",
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("dags.toml"), definitions(&cluster)).unwrap();
        std::fs::create_dir_all(Layout::new(dir.path()).state_dir()).unwrap();
        let status = copy(dir.path(), Some(step));
        let said = || std::fs::read_to_string(dir.path().join("said")).unwrap_or_default();
        assert_eq!(status.signal(), Some(9), "{step}: {}", said());
        let status = copy(dir.path(), None);
        assert!(status.success(), "killed at {step}: {}", said());
        let mut ran: Vec<String> = std::fs::read_to_string(dir.path().join("ran"))
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        ran.sort();
        assert_eq!(ran, ["last", "m", "m", "m"], "killed at {step}: {}", said());
        let left = std::fs::read_dir(dir.path().join(".dagdeck/slurm")).unwrap().count();
        assert_eq!(left, 0, "killed at {step}: files of batches are left");
    }
}

fn copy(dir: &Path, step: Option<&str>) -> ExitStatus {
    run_copy("slurm::kill::an_engine_of_its_own", dir, step)
}

/// Not a test by itself: the copy that is killed. Without its variable it does nothing.
#[test]
fn an_engine_of_its_own() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    die_at_step(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Layout::new(&dir).database()).unwrap();
        let parts = EngineParts {
            layout: Layout::new(&dir),
            store: store.clone(),
            deck: Arc::new(bench::load(&dir)),
            clock: Arc::new(SystemClock),
            executable: PathBuf::from(env!("CARGO_BIN_EXE_dagdeck")),
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            serving: serving::channel().0,
            publisher: Publisher::default(),
            tracking: None,
        };
        let engine = engine::start(parts).await.unwrap();
        let filter = RunFilter::of(Some("d".into()), None);
        let runs = || store.read_blocking(|conn| dag_run::list(conn, &filter, 10, 0)).unwrap().0;
        if runs().is_empty() {
            engine.handle.ask(Input::Command(bench::trigger())).await.unwrap();
        }
        let done = tokio::time::timeout(Duration::from_secs(90), async {
            while !runs().iter().all(|run| run.state.is_finished()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(done.await.is_ok(), "it hangs");
        engine.stop().await;
    });
}

/// One job that runs until `go` is there, and what it did.
fn one_job(cluster: &Cluster) -> Project {
    project(
        cluster,
        "[dag.d.task.t]\noperator = \"command\"\n\
         command = \"echo begun >> ran; while ! test -e go; do sleep 0.1; done; echo done >> ran\"\n",
    )
}

fn ran(project: &Project) -> String {
    std::fs::read_to_string(project.path("ran")).unwrap_or_default()
}

fn begun(project: &Project) {
    until(|| ran(project).contains("begun").then_some(())).expect("it begins");
    wait_for(project, "t", "note", " on n");
}

#[test]
fn a_daemon_and_a_controller_that_are_killed_lose_nothing() {
    let test = "a_daemon_and_a_controller_that_are_killed_lose_nothing";
    let Some(mut cluster) = Cluster::start(test, 1, "") else { return };
    let mut project = one_job(&cluster);
    project.up();
    trigger(&project);
    begun(&project);
    project.kill_daemon();
    cluster.kill_controller();
    project.up();
    // Unknown is not failed.
    wait_for(&project, "t", "note", "does not answer");
    assert_eq!(field(&project, "t", "state"), "running");
    // What ends meanwhile is known by its report.
    project.write("go", "");
    wait_for(&project, "t", "state", "success");

    // What is to begin meanwhile begins when there is somebody to ask.
    std::fs::remove_file(project.path("go")).unwrap();
    trigger(&project);
    wait_for(&project, "t", "note", "does not answer");
    cluster.start_controller();
    until(|| (ran(&project).matches("begun").count() == 2).then_some(())).expect("it begins");
    project.write("go", "");
    wait_for(&project, "t", "state", "success");
    assert_eq!(ran(&project), "begun\ndone\nbegun\ndone\n");
    project.down();
}

#[test]
fn what_runs_on_a_node_or_a_step_that_dies_is_told_and_gone() {
    let test = "what_runs_on_a_node_or_a_step_that_dies_is_told_and_gone";
    let Some(mut cluster) = Cluster::start(test, 1, "") else { return };
    let mut project = one_job(&cluster);
    project.up();
    trigger(&project);
    begun(&project);
    for pid in cluster.steps() {
        kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
    }
    // It ends itself, and says why.
    let note = wait_for(&project, "t", "note", "died");
    assert!(note.contains("Slurm's step on the node died"), "{note}");
    assert_eq!(field(&project, "t", "state"), "failed");

    // The node's daemon dies: its step goes on, and so does the task, whatever Slurm thinks.
    std::fs::remove_file(project.path("ran")).unwrap();
    let free = until(|| {
        let idle = cluster.ask("sinfo", &["-h", "-t", "idle", "-o", "%N"]);
        (!idle.stdout.is_empty()).then_some(())
    });
    free.expect("the job does not hold its node: Slurm takes it for running");
    trigger(&project);
    begun(&project);
    cluster.kill_node(1);
    project.write("go", "");
    wait_for(&project, "t", "state", "success");
    assert_eq!(ran(&project), "begun\ndone\n");
    project.down();
}
