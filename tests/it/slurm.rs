//! Tasks as jobs of a real Slurm cluster: to the end, through kills of every daemon, and without a
//! secret on any disk.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Project, until};

mod cluster;
mod kill;

use cluster::Cluster;

/// A project whose tasks all go to the cluster; the first is in flight as long as `go` is not there.
fn project(cluster: &Cluster, tasks: &str) -> Project {
    let conf = cluster.conf();
    let text = format!(
        "[deck]\nname = \"t\"\nmax_active_tasks = 1000\n\
         [deck.default_args]\nexecutor = \"slurm\"\nretries = 0\n\
         [slurm]\nconf = \"{}\"\n[dag.d]\nmax_active_tasks = 1000\n{tasks}",
        conf.display()
    );
    Project::with(&text)
}

/// The rows of a task, or of all.
fn tasks(project: &Project, task: Option<&str>) -> Vec<Value> {
    let mut args = vec!["tasks", "list", "--dag", "d", "--limit", "1000"];
    args.extend(task.iter().flat_map(|task| ["--task", task]));
    project.json(&args)["task_instances"].as_array().unwrap().clone()
}

fn field(project: &Project, task: &str, name: &str) -> String {
    let rows = tasks(project, Some(task));
    rows.first().and_then(|row| row[name].as_str()).unwrap_or_default().to_owned()
}

#[track_caller]
fn wait_for(project: &Project, task: &str, name: &str, part: &str) -> String {
    let found = until(|| Some(field(project, task, name)).filter(|text| text.contains(part)));
    found.unwrap_or_else(|| {
        panic!("{task}: {name} is `{}`, not `{part}`", field(project, task, name))
    })
}

fn trigger(project: &Project) -> String {
    project.run(&["trigger", "d"]).ok();
    let runs = project.json(&["runs", "list", "d"]);
    runs["dag_runs"][0]["dag_run_id"].as_str().unwrap().to_owned()
}

/// Whether any file below a folder holds a text.
fn holds(dir: &Path, needle: &str) -> Option<std::path::PathBuf> {
    fs::read_dir(dir).unwrap().flatten().find_map(|entry| {
        let path = entry.path();
        if entry.file_type().ok()?.is_dir() {
            return holds(&path, needle);
        }
        let bytes = fs::read(&path).ok()?;
        bytes.windows(needle.len()).any(|part| part == needle.as_bytes()).then_some(path)
    })
}

#[test]
fn tasks_run_as_jobs_and_say_what_becomes_of_them() {
    let test = "tasks_run_as_jobs_and_say_what_becomes_of_them";
    let Some(cluster) = Cluster::start(test, 3, "") else { return };
    let mut project = project(
        &cluster,
        r#"
[dag.d.task.limit]
operator = "command"
command = "sleep 600"
slurm = { time = "1m" }
[dag.d.task.talk]
operator = "command"
command = "echo first; while ! test -e go; do sleep 0.1; done; echo second $SLURM_JOB_ID; test \"$TOKEN\" = $(cat expected)"
env = { TOKEN = "{{ var.value.token }}" }
[dag.d.task.fail]
operator = "command"
command = "echo about to fail; exit 3"
[dag.d.task.never]
operator = "command"
command = "true"
slurm = { nodes = 9, mem = "10M" }
[dag.d.task.refused]
operator = "command"
command = "true"
slurm = { partition = "nowhere" }
[variable]
token = "${file:expected}"
"#,
    );
    project.write("expected", "hunter2");
    project.up();
    let run = trigger(&project);

    // While it runs its log is read, its place is told, and its secret is on no disk.
    wait_for(&project, "talk", "state", "running");
    let logs = || project.run(&["logs", "d", &run, "talk"]).stdout;
    until(|| logs().contains("first").then_some(())).expect("the log of what runs is seen");
    let place = wait_for(&project, "talk", "note", " on n");
    assert!(place.starts_with("Slurm job "), "{place}");
    assert_eq!(holds(&project.path(".dagdeck"), "hunter2"), None);
    assert_eq!(holds(cluster.dir(), "hunter2"), None);
    project.write("expected", "hunter2");
    project.write("go", "");
    wait_for(&project, "talk", "state", "success");
    assert!(logs().contains("second "), "{}", logs());
    // Where it was is known after its end, too.
    let host = field(&project, "talk", "hostname");
    let job = field(&project, "talk", "external_executor_id");
    assert!(host.starts_with('n') && place.contains(&job), "{host}, {job}: {place}");
    assert_eq!(field(&project, "talk", "executor"), "slurm");

    wait_for(&project, "fail", "state", "failed");
    assert!(field(&project, "fail", "note").contains("exit code 3"));
    wait_for(&project, "refused", "state", "failed");
    let note = field(&project, "refused", "note");
    assert!(note.contains("invalid partition specified: nowhere"), "{note}");

    // What can never run says so, and is taken away while it waits.
    let note = wait_for(&project, "never", "note", "PartitionConfig");
    assert!(note.contains("no node can ever do"), "{note}");
    let why = project.run(&["why", "d", &run, "never"]).ok().stdout;
    assert!(why.contains("PartitionConfig"), "{why}");

    // Slurm's own limit ends it: a minute, and the half minute between two looks of Slurm.
    // Its SIGTERM reaches the task and who watches it: whoever is first, the reason is said.
    wait_for(&project, "limit", "state", "failed");
    let note = field(&project, "limit", "note");
    assert!(note.contains("(`time`)"), "{note}");
    project.run(&["runs", "cancel", "d", &run]).ok();
    until(|| cluster.queue("%t").is_empty().then_some(()))
        .or_else(|| {
            let left = cluster.queue("%t");
            left.iter().all(|state| !["PD", "R", "CG"].contains(&state.as_str())).then_some(())
        })
        .expect("nothing is left in the queue");
    project.down();
}

#[test]
fn what_is_cancelled_leaves_the_queue_and_no_process() {
    let test = "what_is_cancelled_leaves_the_queue_and_no_process";
    let Some(cluster) = Cluster::start(test, 1, "") else { return };
    let mut project = project(
        &cluster,
        r#"
[dag.d.task.runs]
operator = "command"
command = "trap '' TERM; touch begun; while true; do sleep 0.1; touch alive; done"
slurm = { cpus_per_task = 2 }
[dag.d.task.waits]
operator = "command"
command = "touch ran"
slurm = { extra_args = ["--hold"] }
"#,
    );
    project.up();
    let run = trigger(&project);
    until(|| project.path("begun").exists().then_some(())).expect("it begins");
    wait_for(&project, "waits", "note", "pending");
    project.run(&["runs", "cancel", "d", &run]).ok();
    let is_active = |state: &String| ["PD", "R", "CG"].contains(&state.as_str());
    until(|| (!cluster.queue("%t").iter().any(is_active)).then_some(())).expect("jobs are gone");
    // Its shell ignores SIGTERM: what is left of it is killed.
    let gone = until(|| {
        let _ = fs::remove_file(project.path("alive"));
        std::thread::sleep(std::time::Duration::from_millis(400));
        (!project.path("alive").exists()).then_some(())
    });
    gone.expect("its processes are gone");
    assert!(!project.path("ran").exists());
    project.down();
}

#[test]
fn what_becomes_ready_together_is_one_array() {
    let test = "what_becomes_ready_together_is_one_array";
    let Some(cluster) = Cluster::start(test, 2, "") else { return };
    let items: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    let mut project = project(
        &cluster,
        &format!(
            "[pool.default_pool]\nslots = 1000\n[dag.d.task.t]\noperator = \"command\"\ncommand = \"echo {{{{ expand.item }}}} >> ran\"\n\
             executor = \"slurm\"\nslurm = {{ extra_args = [\"--hold\"] }}\n\
             expand = {{ item = [{}] }}\n",
            items.join(", ")
        ),
    );
    project.up();
    let run = trigger(&project);
    // Held: all elements wait, and none runs in between.
    until(|| (cluster.queue("%i").len() >= 500).then_some(())).expect("all are submitted");
    let mut arrays: Vec<String> = cluster.queue("%F");
    arrays.sort();
    arrays.dedup();
    // One where the machine is quick; never one for each.
    assert!(arrays.len() <= 5, "{arrays:?}");
    wait_for(&project, "t", "note", "pending");
    project.run(&["runs", "cancel", "d", &run]).ok();
    let is_active = |state: &String| ["PD", "R", "CG"].contains(&state.as_str());
    until(|| (!cluster.queue("%t").iter().any(is_active)).then_some(())).expect("jobs are gone");
    assert!(!project.path("ran").exists());
    project.down();
}

#[test]
fn the_check_asks_the_cluster_what_it_would_run() {
    let test = "the_check_asks_the_cluster_what_it_would_run";
    let Some(cluster) = Cluster::start(test, 1, "") else { return };
    let project = project(
        &cluster,
        r#"
[dag.d.task.good]
operator = "command"
command = "true"
slurm = { time = "30s" }
[dag.d.task.wide]
operator = "command"
command = "true"
slurm = { nodes = 9 }
[dag.d.task.here]
operator = "command"
command = "true"
executor = "local"
"#,
    );
    let ran = project.run(&["check", "--slurm", "-o", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let body = ran.json();
    assert_eq!(body["warnings"][0]["code"], "slurm-rounds");
    let problem = |task: &str| {
        let trials = body["slurm"].as_array().unwrap();
        let of_task = trials.iter().find(|trial| trial["tasks"][0] == format!("d.{task}"));
        of_task.map(|trial| trial["problem"].as_str().unwrap_or("none").to_owned())
    };
    assert_eq!(problem("good").as_deref(), Some("none"));
    assert!(problem("wide").unwrap().contains("node configuration is not available"));
    assert_eq!(problem("here"), None);
    let text = project.run(&["check", "--slurm"]).stdout;
    assert!(text.contains("Slurm would not run d.wide (--nodes=9): "), "{text}");
}
