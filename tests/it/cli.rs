//! The command line: each command in both formats, its errors and exit codes.

use crate::support::{Project, until};

const FLAKY: &str = r#"
[deck]
name = "t"

[dag.slow.task.sleep]
operator = "command"
command = "echo started; sleep 600"

[dag.fails.task.bad]
operator = "command"
command = "echo the reason >&2; exit 7"
retries = 1
retry_delay = "10ms"
on_retry = { argv = ["true"] }
"#;

#[test]
fn without_a_daemon_commands_say_so_and_exit_with_3() {
    let project = Project::sample();
    for args in [&["status"][..], &["dags", "list"], &["down"], &["trigger", "etl_example"]] {
        let ran = project.run(args);
        assert_eq!(ran.code, 3, "{args:?}");
        assert!(ran.stderr.contains("hint:"), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let project = Project::sample();
    assert_eq!(project.run(&["dagz"]).code, 2);
    assert_eq!(project.run(&["run", "d", "-p", "novalue"]).code, 2);
    let ran = project.run(&["--help"]).ok();
    assert!(ran.stdout.contains("trigger"), "{}", ran.stdout);
}

#[test]
fn every_list_prints_a_table_and_json() {
    let mut project = Project::sample();
    project.up();
    let lists: &[&[&str]] = &[
        &["status"],
        &["dags", "list"],
        &["dags", "show", "mlops_pipeline"],
        &["runs", "list"],
        &["backfill", "list"],
        &["approvals", "list"],
        &["assets", "list"],
        &["assets", "lineage"],
        &["experiments", "list"],
        &["models", "list"],
        &["serving", "status"],
    ];
    for args in lists {
        let table = project.run(args).ok().stdout;
        assert!(!table.trim().is_empty(), "{args:?}");
        project.json(args);
    }
    let dags = project.json(&["dags", "list"]);
    let ids: Vec<&str> =
        dags.as_array().unwrap().iter().map(|d| d["dag_id"].as_str().unwrap()).collect();
    for dag_id in [
        "basic_dag_example",
        "etl_example",
        "minio_producer",
        "minio_path_watcher",
        "minio_consumer",
        "mlops_pipeline",
        "model_serving_pipeline",
        "orchestration_example",
    ] {
        assert!(ids.contains(&dag_id), "{ids:?}");
    }
    project.down();
}

#[test]
fn pause_and_unpause_hold() {
    let mut project = Project::sample();
    project.up();
    project.run(&["dags", "pause", "etl_example"]).ok();
    assert_eq!(project.json(&["dags", "show", "etl_example"])["is_paused"], true);
    project.down();
    project.up();
    assert_eq!(project.json(&["dags", "show", "etl_example"])["is_paused"], true);
    project.run(&["dags", "unpause", "etl_example"]).ok();
    assert_eq!(project.json(&["dags", "show", "etl_example"])["is_paused"], false);
    project.down();
}

#[test]
fn a_failed_task_is_tried_again_and_its_reason_is_kept() {
    let mut project = Project::with(FLAKY);
    project.up();
    let ran = project.run(&["run", "fails"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let run = project.wait_for_runs("fails", 1)[0].clone();
    let run_id = run["dag_run_id"].as_str().unwrap();
    let tasks = project.json(&["tasks", "fails", run_id]);
    assert_eq!(tasks[0]["try_number"], 2, "{tasks}");
    let told = ["runs", "callbacks", "fails", run_id];
    let rows = project.json(&told);
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows[0]["event"], "on_retry");
    assert_eq!(rows[0]["reason"], "exit code 7");
    assert!(project.run(&told).ok().stdout.contains("on_retry"));
    let none = project.run(&["runs", "callbacks", "fails", "nosuch"]);
    assert_ne!(none.code, 0, "{}", none.stdout);
    assert!(none.stderr.contains("nosuch"), "{}", none.stderr);
    for number in ["1", "2"] {
        let log = project.run(&["logs", "fails", run_id, "bad", "--try", number]).ok().stdout;
        assert!(log.contains("the reason"), "{log}");
    }
    project.down();
}

#[test]
fn cancel_ends_the_run_and_every_process_of_it() {
    let mut project = Project::with(FLAKY);
    project.up();
    let run = project.json(&["trigger", "slow"]);
    let run_id = run["dag_run_id"].as_str().unwrap().to_owned();
    let started = crate::support::until(|| {
        let ran = project.run(&["logs", "slow", &run_id, "sleep"]);
        ran.stdout.contains("started").then_some(())
    });
    assert!(started.is_some());
    let marker = project.dir().to_string_lossy().into_owned();
    assert!(processes_of(&marker) > 0, "the attempt runs");
    project.run(&["runs", "cancel", "slow", &run_id]).ok();
    let runs = project.wait_for_runs("slow", 1);
    assert_eq!(runs[0]["state"], "failed");
    let gone = crate::support::until(|| (processes_of(&marker) == 0).then_some(()));
    assert!(gone.is_some(), "no process of the attempt is left");
    let again = project.run(&["runs", "cancel", "slow", &run_id]);
    assert_eq!(again.code, if again.stderr.contains("no run") { 2 } else { 1 });
    project.down();
}

/// Counts attempts and shells whose working directory is the project.
fn processes_of(project: &str) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let Ok(line) = std::fs::read_to_string(path.join("cmdline")) else { continue };
        let cwd = std::fs::read_link(path.join("cwd")).unwrap_or_default();
        let in_project = cwd.to_string_lossy() == project;
        if in_project && (line.contains("sleep") || line.contains("attempt")) {
            count += 1;
        }
    }
    count
}

#[test]
fn python_tasks_take_the_interpreter_that_the_environment_names() {
    let project = Project::with(
        "[dag.d.task.t]\noperator = \"python\"\ncallable = \"f.py:f\"\nretries = 0\n",
    );
    project.write("f.py", "def f():\n    return 1\n");
    let ran: crate::support::Ran = project
        .command(&["run", "d"])
        .env("DAGDECK_PYTHON", "/no/such/python")
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("DAGDECK_PYTHON"), "{}", ran.stdout);
    project.run(&["run", "d"]).ok();
}

#[test]
fn settings_are_set_shown_exported_and_imported() {
    let mut project = Project::with(FLAKY);
    project.up();
    project.run(&["variables", "set", "city", "Bremen"]).ok();
    project.run(&["connections", "set", "lake", "file:data/lake"]).ok();
    project.run(&["pools", "set", "training", "3", "--description", "of the GPUs"]).ok();
    project.run(&["pools", "set", "default_pool", "9"]).ok();

    let found = project.json(&["variables", "get", "city"]);
    assert_eq!((&found["value"], &found["origin"]), (&"Bremen".into(), &"run time".into()));
    let table = project.run(&["pools", "list"]).ok().stdout;
    assert!(table.contains("run time (dags.toml says 128)"), "{table}");
    project.run(&["connections", "test", "lake"]).ok();

    let refused = project.run(&["variables", "set", "db_password", "hunter2"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("${env:NAME}"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    let missing = project.run(&["variables", "get", "citi"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("did you mean `city`?"), "{}", missing.stderr);
    project.run(&["connections", "set", "closed", "http://127.0.0.1:9/"]).ok();
    assert_eq!(project.run(&["connections", "test", "closed"]).code, 1);
    project.run(&["connections", "delete", "closed"]).ok();

    for kind in ["variables", "connections", "pools"] {
        let file = project.path(&format!("{kind}.json")).display().to_string();
        project.run(&[kind, "export", &file]).ok();
    }
    project.run(&["variables", "delete", "city"]).ok();
    project.run(&["connections", "delete", "lake"]).ok();
    project.run(&["pools", "delete", "training"]).ok();
    for kind in ["variables", "connections", "pools"] {
        let file = project.path(&format!("{kind}.json")).display().to_string();
        project.run(&[kind, "import", &file]).ok();
    }
    let pool = project.json(&["pools", "get", "training"]);
    assert_eq!((&pool["slots"], &pool["description"]), (&3.into(), &"of the GPUs".into()));
    assert_eq!(project.json(&["connections", "get", "lake"])["url"], "file:data/lake");
    project.write("bad.json", "[]");
    let bad = project.path("bad.json").display().to_string();
    assert_eq!(project.run(&["pools", "import", &bad]).code, 2);

    // What is set outlives the daemon, and `check` knows it without one.
    project.down();
    let named = format!(
        "{FLAKY}[dag.n.task.t]\noperator = \"command\"\ncommand = \"{{{{ var.value.city }}}}\"\npool = \"training\"\n"
    );
    project.write("dags.toml", named);
    project.run(&["check"]).ok();
    project.up();
    assert_eq!(project.json(&["variables", "get", "city"])["value"], "Bremen");
    project.down();
}

#[test]
fn history_is_listed_pruned_backed_up_and_restored() {
    let mut project = Project::with(FLAKY);
    project.up();
    assert_eq!(project.run(&["run", "fails"]).code, 1);
    let listed = project.json(&["tasks", "list", "--state", "failed", "--dag", "fails"]);
    assert_eq!(listed["task_instances"][0]["task_id"], "bad");
    assert_eq!(project.run(&["tasks", "list", "--task", "bad"]).code, 2);

    let elsewhere = tempfile::tempdir().unwrap();
    let archive = elsewhere.path().join("b.tar").display().to_string();
    let new = elsewhere.path().join("new").display().to_string();
    project.json(&["backup", &archive]);
    assert_eq!(project.run(&["backup", &archive]).code, 1, "it is there already");
    let restored = project.json(&["restore", &archive, "--into", &new]);
    assert!(restored["files"].as_u64().unwrap() > 3, "{restored}");
    assert_eq!(project.run(&["restore", &archive, "--into", &new]).code, 1);
    let own = project.dir().display().to_string();
    let running = project.run(&["restore", &archive, "--into", &own]);
    assert!(running.stderr.contains("a daemon runs in"), "{}", running.stderr);

    let plan = project.json(&["prune", "--dry-run", "--older-than", "0s"]);
    assert_eq!(plan["kinds"][0]["count"], 1, "{plan}");
    project.run(&["prune", "--older-than", "0s", "--dag", "fails"]).ok();
    assert_eq!(project.json(&["runs", "list"])["total_entries"], 0);
    assert_eq!(project.run(&["prune", "--older-than", "soon"]).code, 2);
    assert_eq!(project.run(&["prune", "--dag", "none"]).code, 2);
    project.down();

    let ran = std::process::Command::new(crate::support::binary())
        .args(["--project", &new, "run", "fails", "-o", "json"])
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "the restored project runs");
}
const ASKS: &str = r#"
[deck]
name = "t"

[dag.d.task.ask]
operator = "approval"
question = "Deploy?"
form = { share = { type = "integer", maximum = 100, default = 10 } }

[dag.d.task.deploy]
operator = "command"
command = "echo {{ output.ask.params_input.share }}"
"#;

#[test]
fn a_question_is_listed_shown_and_answered_once() {
    let mut project = Project::with(ASKS);
    project.up();
    let run = project.json(&["trigger", "d", "--run-id", "r1"]);
    assert_eq!(run["dag_run_id"], "r1");
    let asks = || {
        let all = project.json(&["approvals", "list"]);
        all.as_array().is_some_and(|all| all.len() == 1).then_some(())
    };
    until(asks).expect("it asks");
    let one = project.json(&["approvals", "show", "d", "r1", "ask"]);
    assert_eq!((&one["subject"], &one["options"][1]), (&"Deploy?".into(), &"Reject".into()));
    assert!(project.run(&["approvals", "list"]).ok().stdout.contains("Deploy?"));
    assert!(project.run(&["approvals", "show", "d", "r1", "ask"]).ok().stdout.contains("share"));

    let answer = |project: &Project, choice: &str, share: &str| {
        let share = format!("share={share}");
        project.run(&["approvals", "answer", "d", "r1", "ask", "--choose", choice, "-p", &share])
    };
    let wrong = answer(&project, "Aprove", "20");
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("`Aprove` is no choice"), "{}", wrong.stderr);
    let wrong = answer(&project, "Approve", "200");
    assert!(wrong.stderr.contains("at most 100 is allowed"), "{}", wrong.stderr);
    answer(&project, "Approve", "20").ok();
    let again = answer(&project, "Reject", "20");
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("was answered by"), "{}", again.stderr);
    assert_eq!(project.run(&["approvals", "show", "d", "r1", "deploy"]).code, 2);
    assert_eq!(project.run(&["approvals", "answer", "d", "r1", "ask"]).code, 2);
    assert_eq!(project.json(&["approvals", "list", "--all"])[0]["response"]["timed_out"], false);
    project.down();
}
