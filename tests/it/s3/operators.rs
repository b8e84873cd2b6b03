//! Tasks, sensors and connections on a bucket, through the real binary.

use serde_json::Value;

use super::server::Server;
use crate::support::{Project, until};

const DAGS: &str = r#"
[connection.files]
url = "file:files"

[dag.d.task.bring]
operator = "object.upload"
source = "in/*.csv"
target = "lake:raw/"

[dag.d.task.list]
operator = "object.list"
source = "lake:raw/**"
depends_on = ["bring"]

[dag.d.task.sort]
operator = "object.move"
source = "lake:raw/*.csv"
target = "lake:sorted/"
depends_on = ["list"]

[dag.d.task.fetch]
operator = "object.download"
source = "lake:sorted/b.csv"
target = "out/"
overwrite = true
depends_on = ["sort"]

[dag.d.task.keep]
operator = "object.copy"
source = "lake:sorted/*"
target = "files:kept/"
overwrite = true
depends_on = ["sort"]

[dag.d.task.table]
operator = "csv.extract"
source = "lake:sorted/a.csv"
depends_on = ["sort"]

[dag.d.task.tidy]
operator = "object.delete"
source = "lake:sorted/a.csv"
depends_on = ["fetch", "keep", "table"]

[dag.waits.task.come]
operator = "sensor.object"
uri = "lake:late/*.csv"
poke_interval = "200ms"
"#;

fn project(server: &Server) -> Project {
    let mut project = Project::with(&format!("{}{DAGS}", server.toml(server.endpoint())));
    project.write("s3.key", server.text("secret_access_key"));
    project.write("in/a.csv", "x\n1\n");
    project.write("in/b.csv", "x\n22\n");
    project.up();
    project
}

fn output(project: &Project, run: &str, task: &str) -> Value {
    serde_json::from_str(&project.run(&["xcom", "get", "d", run, task, "-o", "json"]).ok().stdout)
        .map(|found: Value| found.get("value").cloned().unwrap_or(found))
        .unwrap()
}

#[test]
fn tasks_bring_list_sort_fetch_and_tidy_objects() {
    let test = "tasks_bring_list_sort_fetch_and_tidy_objects";
    let Some(server) = Server::start(test) else { return };
    let mut project = project(&server);
    project.keep_if_it_fails();
    project.run(&["trigger", "d", "--run-id", "r"]).ok();
    let runs = project.wait_for_runs("d", 1);
    assert_eq!(runs[0]["state"], "success", "{}", project.run(&["logs", "d", "r"]).stdout);
    let listed = output(&project, "r", "list");
    let uris: Vec<&str> =
        listed["objects"].as_array().unwrap().iter().map(|o| o["uri"].as_str().unwrap()).collect();
    assert_eq!(uris, ["lake:raw/a.csv", "lake:raw/b.csv"]);
    assert_eq!(output(&project, "r", "table")["rows"], 1);
    assert_eq!(std::fs::read_to_string(project.path("out/b.csv")).unwrap(), "x\n22\n");
    assert_eq!(std::fs::read_to_string(project.path("files/kept/a.csv")).unwrap(), "x\n1\n");
    assert_eq!(server.keys(), ["sorted/b.csv"]);
    assert_eq!(server.uploads(), 0);

    // What the server honours is tried once, and known to the next attempt.
    let known = std::fs::read_dir(project.path(".dagdeck/lakes")).unwrap().count();
    assert_eq!(known, 1);
    let secret = server.text("secret_access_key");
    let log = project.run(&["logs", "d", "r", "sort"]).ok().stdout;
    assert!(log.contains("moved `lake:raw/a.csv` to `lake:sorted/a.csv`, 4 bytes"), "{log}");
    assert!(!log.contains(&secret) && !log.contains("probe"), "{log}");
    project.down();
}

#[test]
fn a_sensor_waits_for_an_object_and_a_connection_is_tried() {
    let test = "a_sensor_waits_for_an_object_and_a_connection_is_tried";
    let Some(mut server) = Server::start(test) else { return };
    let mut project = project(&server);
    project.keep_if_it_fails();
    let tried = project.run(&["connections", "test", "lake"]).ok();
    assert!(tried.stdout.contains("`s3://lake` can be read, and is empty"), "{}", tried.stdout);
    let shown = project.run(&["connections", "get", "lake"]).ok().stdout;
    assert!(shown.contains("${file:s3.key}"), "{shown}");

    project.run(&["trigger", "waits", "--run-id", "w"]).ok();
    let waits = until(|| {
        let log = project.run(&["logs", "waits", "w", "come"]).stdout;
        log.contains("`lake:late/*.csv` is not there yet").then_some(())
    });
    assert!(waits.is_some());
    server.put("late/a.csv", "x\n");
    let runs = project.wait_for_runs("waits", 1);
    assert_eq!(runs[0]["state"], "success");

    server.kill();
    let tried = project.run(&["connections", "test", "lake"]);
    assert_eq!(tried.code, 1);
    assert!(tried.stdout.contains("does not work: list `s3://lake`"), "{}", tried.stdout);
    project.down();
}
