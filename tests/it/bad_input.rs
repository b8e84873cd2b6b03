//! What goes wrong, and what the operator is told: what, where, what instead.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use crate::mlflow::deck;
use crate::support::{FREE_PORT, Project, http, until};

const GOOD: &str = "[deck]\nname = \"t\"\n\n[dag.d.task.t]\noperator = \"empty\"\n";

/// What `check` prints of a `dags.toml` that is wrong.
fn check(dags_toml: &str) -> String {
    let ran = Project::with(dags_toml).run(&["check"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    ran.stdout
}

#[test]
fn a_folder_without_dags_toml_says_what_to_do() {
    let project = Project::empty();
    for args in [&["check"][..], &["up"], &["run", "d"]] {
        let ran = project.run(args);
        assert_eq!(ran.code, 2, "{args:?}: {}{}", ran.stdout, ran.stderr);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("dags.toml"), "{args:?}: {said}");
        assert!(!project.path(".dagdeck").exists(), "{args:?} leaves nothing behind");
    }
}

#[test]
fn a_syntax_error_is_drawn_at_its_place() {
    let said = check("[deck]\nname = \"t\n");
    assert!(said.contains("dags.toml:2"), "{said}");
}

#[test]
fn all_errors_come_at_once() {
    let said = check(
        "[deck]\nname = \"t\"\nnmae = 3\n\n[dag.d.task.a]\noperator = \"emtpy\"\n\n\
         [dag.d.task.b]\noperator = \"empty\"\ndepends_on = [\"nobody\"]\n",
    );
    for expected in ["nmae", "emtpy", "empty", "nobody", "3 errors"] {
        assert!(said.contains(expected), "`{expected}` in {said}");
    }
}

#[test]
fn a_cycle_is_shown_as_a_circle() {
    let said = check(
        "[dag.d.task.a]\noperator = \"empty\"\ndepends_on = [\"b\"]\n\
         [dag.d.task.b]\noperator = \"empty\"\ndepends_on = [\"a\"]\n",
    );
    assert!(said.contains("a → b → a") || said.contains("b → a → b"), "{said}");
}

#[test]
fn an_unknown_asset_and_data_set_are_named() {
    let said = check("[dag.d.task.a]\noperator = \"empty\"\noutlets = [\"nope\"]\n");
    assert!(said.contains("nope"), "{said}");
    let said = check("[dag.d.task.a]\noperator = \"dataset.validate\"\ndataset = \"nix\"\n");
    assert!(said.contains("nix"), "{said}");
}

#[test]
fn a_param_outside_its_schema_is_refused_with_what_is_allowed() {
    let mut project = Project::sample();
    project.up();
    let runs = || project.json(&["runs", "list", "mlops_pipeline"])["total_entries"].clone();
    let ran = project.run(&["trigger", "mlops_pipeline", "-p", "dataset=iriss"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("dataset") && ran.stderr.contains("iris"), "{}", ran.stderr);
    let ran = project.run(&["trigger", "mlops_pipeline", "-p", "datset=iris"]);
    assert!(ran.stderr.contains("datset"), "{}", ran.stderr);
    let ran = project.run(&["trigger", "mlops_pipelin"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("mlops_pipeline"), "{}", ran.stderr);
    assert_eq!(runs(), 0, "nothing was run");
    project.down();
}

/// Runs the training pipeline on an iris table that is wrong, and returns what its log says.
fn train_on(table: Option<&[u8]>) -> String {
    let mut project = Project::sample();
    match table {
        Some(table) => project.write("data/iris.csv", table),
        None => fs::remove_file(project.path("data/iris.csv")).unwrap(),
    }
    project.up();
    let ran = project.run(&["run", "mlops_pipeline"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    project.down();
    ran.stdout
}

#[test]
fn a_data_file_that_is_missing_empty_ragged_or_not_text_fails_with_the_place() {
    assert!(train_on(None).contains("iris.csv"));
    assert!(train_on(Some(b"")).contains("empty"));
    let ragged = b"a,b,species\n1,2,x\n1,2\n";
    assert!(train_on(Some(ragged)).contains("line 3"));
    let latin = b"a,b,species\n1,2,x\n1,\xe9,y\n";
    assert!(train_on(Some(latin)).contains("UTF-8"));
}

#[test]
fn a_port_that_is_taken_is_said_and_all_else_goes_on() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let project = Project::sample();
    let dags = fs::read_to_string(project.path("dags.toml")).unwrap();
    let edited = dags.replace(FREE_PORT, &addr);
    assert_ne!(edited, dags);
    project.write("dags.toml", edited);
    let mut daemon = project.command(&["up"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let status = crate::support::until(|| {
        let ran = project.run(&["status"]);
        (ran.code == 0).then_some(ran.stdout)
    });
    let said = status.expect("the daemon answers");
    assert!(said.contains(&addr), "{said}");
    project.run(&["run", "basic_dag_example"]).ok();
    project.run(&["down"]).ok();
    daemon.wait().unwrap();
}

#[test]
fn a_second_daemon_is_told_of_the_first() {
    let mut project = Project::with(GOOD);
    project.up();
    let ran = project.run(&["up"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(&project.daemon_pid().to_string()), "{}", ran.stderr);
    project.run(&["status"]).ok();
    project.down();
}

#[test]
fn a_database_from_a_newer_version_is_left_alone() {
    let mut project = Project::with(GOOD);
    project.up();
    project.down();
    let path = project.path(".dagdeck/dagdeck.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 9999).unwrap();
    drop(db);
    let ran = project.run(&["up"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("newer"), "{}", ran.stderr);
    let db = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 9999);
}

#[test]
fn a_broken_edit_leaves_the_last_good_version_in_force() {
    let mut project = Project::with(GOOD);
    project.up();
    project.write("dags.toml", "[dag.d.task.t]\noperator = \"nothing\"\n");
    let said = crate::support::until(|| {
        let said = project.run(&["status"]).ok().stdout;
        said.contains("dags.toml has").then_some(said)
    });
    assert!(said.is_some(), "the status tells of the broken edit");
    project.run(&["run", "d"]).ok();
    project.write("dags.toml", format!("{GOOD}\n[dag.e.task.t]\noperator = \"empty\"\n"));
    let seen = crate::support::until(|| {
        let dags = project.json(&["dags", "list"]);
        (dags.as_array().unwrap().len() == 2).then_some(())
    });
    assert!(seen.is_some(), "the mended edit is in force");
    project.down();
}

#[test]
fn a_read_only_folder_is_said_at_once() {
    let project = Project::with(GOOD);
    if rustix::process::geteuid().is_root() {
        // Root writes everywhere: only a mount that is read-only stops it.
        let mount = |args: &[&str]| {
            let ran = std::process::Command::new("mount").args(args).arg(project.dir()).output();
            ran.is_ok_and(|ran| ran.status.success())
        };
        if !mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) {
            crate::support::peer("DAGDECK_TEST_MOUNT", "a_read_only_folder_is_said_at_once");
            return;
        }
        fs::write(project.path("dags.toml"), GOOD).unwrap();
        let source = ["-o", "remount,ro"];
        assert!(mount(&source), "remount read-only");
        let ran = project.run(&["up"]);
        std::process::Command::new("umount").arg(project.dir()).status().unwrap();
        assert_ne!(ran.code, 0);
        let said = ran.stderr.to_lowercase();
        assert!(said.contains("read-only") && said.contains(".dagdeck"), "{said}");
        return;
    }
    fs::set_permissions(project.dir(), fs::Permissions::from_mode(0o500)).unwrap();
    let ran = project.run(&["up"]);
    fs::set_permissions(project.dir(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains(".dagdeck"), "{}", ran.stderr);
}

#[test]
fn a_full_disk_refuses_new_work_and_loses_nothing() {
    let mut project = Project::with(GOOD);
    if !small_disk(&project, "a_full_disk_refuses_new_work_and_loses_nothing") {
        return;
    }
    fs::write(project.path("dags.toml"), GOOD).unwrap();
    project.up();
    project.run(&["run", "d"]).ok();
    fill(&project);
    let refused = crate::support::until(|| {
        let ran = project.run(&["trigger", "d"]);
        (ran.code != 0).then_some(ran)
    });
    let refused = refused.expect("a trigger is refused when the disk is full");
    assert!(refused.stderr.contains("full"), "{}", refused.stderr);
    says(&project, "disk is full");
    let before = project.json(&["runs", "list"])["total_entries"].as_u64().unwrap();
    fs::remove_file(project.path("ballast")).unwrap();
    says_nothing(&project);
    project.run(&["run", "d"]).ok();
    let after = project.json(&["runs", "list"])["total_entries"].as_u64().unwrap();
    assert_eq!(after, before + 1);
    project.down();
    std::process::Command::new("umount").arg(project.dir()).status().unwrap();
}

/// Waits until the status and what needs attention tell of a full disk. The store gives room back
/// now and then: a small write goes through and the problem is over, so it is filled again.
fn says(project: &Project, part: &str) {
    let tells = |command: &str| project.run(&[command]).stdout;
    let both = || {
        fill(project);
        project.run(&["trigger", "d"]);
        tells("status").contains(part).then(|| tells("attention")).filter(|t| t.contains(part))
    };
    let said = crate::support::until(both);
    assert!(said.is_some(), "both tell: {} {}", tells("status"), tells("attention"));
}

/// Waits until the daemon has found out by itself that all is well again.
fn says_nothing(project: &Project) {
    let quiet = crate::support::until(|| {
        let said = project.run(&["status"]).stdout;
        (!said.contains("write to the store")).then_some(())
    });
    assert!(quiet.is_some(), "{}", project.run(&["status"]).stdout);
}

#[test]
fn what_ends_while_the_disk_is_full_is_not_lost() {
    let outside = tempfile::tempdir().unwrap();
    let text = "[dag.d.task.t]\noperator = \"command\"\nretries = 0\n\
        command = \"cd OUT; echo x >> ran; while ! test -e go; do sleep 0.02; done; echo x >> ended\"\n"
        .replace("OUT", &outside.path().to_string_lossy());
    let mut project = Project::with(&text);
    if !small_disk(&project, "what_ends_while_the_disk_is_full_is_not_lost") {
        return;
    }
    fs::write(project.path("dags.toml"), &text).unwrap();
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    let lines = |file: &str| {
        fs::read_to_string(outside.path().join(file)).unwrap_or_default().lines().count()
    };
    assert!(crate::support::until(|| (lines("ran") == 1).then_some(())).is_some());
    fill(&project);
    let refused =
        crate::support::until(|| (project.run(&["trigger", "d"]).code != 0).then_some(()));
    assert!(refused.is_some());
    says(&project, "disk is full");
    fs::write(outside.path().join("go"), "").unwrap();
    assert!(crate::support::until(|| (lines("ended") > 0).then_some(())).is_some());
    fs::remove_file(project.path("ballast")).unwrap();
    let runs = project.wait_for_runs("d", 1);
    assert!(runs.iter().all(|run| run["state"] == "success"), "{runs:?}");
    assert_eq!(lines("ran"), runs.len(), "each ran once");
    project.down();
    std::process::Command::new("umount").arg(project.dir()).status().unwrap();
}

/// Lays a disk of 3 MB over the project's folder. `false`: this user may not; it is listed.
fn small_disk(project: &Project, test: &str) -> bool {
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(project.dir())
        .output();
    let is_there =
        rustix::process::geteuid().is_root() && mount.is_ok_and(|ran| ran.status.success());
    if !is_there {
        crate::support::peer("DAGDECK_TEST_MOUNT", test);
    }
    is_there
}

/// Fills what is left of the disk, to the last byte.
fn fill(project: &Project) {
    let ballast = fs::OpenOptions::new().create(true).append(true).open(project.path("ballast"));
    let mut ballast = ballast.unwrap();
    let block = vec![0u8; 4096];
    while std::io::Write::write_all(&mut ballast, &block).is_ok() {}
}

#[test]
fn bad_requests_get_a_4xx_that_says_what_was_wrong() {
    let mut project = Project::sample();
    project.up();
    project.run(&["run", "mlops_pipeline"]).ok();
    project.wait_for_runs("model_serving_pipeline", 1);
    let addr = project.serving();
    let long = format!("[{}]", "[1,2,3,4],".repeat(2_500_000));
    let deep = "[".repeat(100_000);
    let cases: &[(&str, &str, u16, &str)] = &[
        ("/predict", "[[5.1,3.5,1.4", 400, "JSON"),
        ("/predict", "", 400, ""),
        ("/predict", &deep, 400, ""),
        ("/predict", "[[5.1,3.5]]", 400, "4"),
        ("/predict", "[[5.1,3.5,1.4,\"x\"]]", 400, "petal_width"),
        (
            "/predict",
            r#"[{"sepal_length":1,"sepal_width":1,"petal_length":1}]"#,
            400,
            "petal_width",
        ),
        (
            "/predict",
            r#"[{"sepal_length":1,"sepal_width":1,"petal_length":1,"petal_widht":1}]"#,
            400,
            "petal_widht",
        ),
        ("/predict", "3", 400, ""),
        ("/predict", "null", 400, ""),
        ("/predict", &long, 413, ""),
        ("/models/irsi/predict", "[[1,1,1,1]]", 404, "iris"),
        ("/nowhere", "", 404, "/predict"),
    ];
    for (path, body, status, part) in cases {
        let answer = http(&addr, "POST", path, Some(body));
        let shown: String = body.chars().take(60).collect();
        assert_eq!(answer.status, *status, "{path} {shown}: {}", answer.body);
        assert!(answer.body.contains(part), "{path} {shown}: {}", answer.body);
        assert!(answer.json()["error"].is_string(), "{}", answer.body);
    }
    assert_eq!(http(&addr, "GET", "/predict", None).status, 405);
    let answer = http(&addr, "POST", "/predict", Some("[[5.1,3.5,1.4,0.2]]"));
    assert_eq!(answer.status, 200, "after all that it still answers: {}", answer.body);
    project.down();
}

#[test]
fn an_upload_that_is_cut_leaves_nothing_and_what_was_there_stays() {
    let (mut project, address, token) = deck("[deck]\nname = \"t\"\n");
    let put = |length: usize, sent: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        let head = format!(
            "PUT /api/2.0/mlflow-artifacts/artifacts/0/models/m-1/artifacts/x HTTP/1.1\r\n\
             Host: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\n\r\n{sent}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        if sent.len() < length {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let mut said = String::new();
        let _ = stream.read_to_string(&mut said);
        said
    };
    let kept = project.path(".dagdeck/artifacts/0/models/m-1/artifacts/x");
    let nothing_is_left = || {
        let incoming = project.path(".dagdeck/artifacts/.incoming");
        until(|| (fs::read_dir(&incoming).ok()?.count() == 0).then_some(())).is_some()
    };
    assert!(!put(1_000, "half").starts_with("HTTP/1.1 200"));
    assert!(nothing_is_left());
    assert!(!kept.exists());
    assert!(put(5, "whole").starts_with("HTTP/1.1 200"));
    assert!(!put(1_000, "half").starts_with("HTTP/1.1 200"));
    assert!(nothing_is_left());
    assert_eq!(fs::read_to_string(kept).unwrap(), "whole");
    project.down();
}
