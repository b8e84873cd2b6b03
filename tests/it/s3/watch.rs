//! Assets in a bucket, watched by a real daemon.

use serde_json::Value;

use super::server::Server;
use crate::support::{Project, until};

const DAGS: &str = r#"
[asset.readings]
uri = "lake:readings/*.csv"
watch = { every = "200ms" }

[dag.reads]
schedule = { assets = "readings" }
[dag.reads.task.read]
operator = "command"
command = "echo {{ triggering_asset_events[0].extra.uri }}"
"#;

fn events(project: &Project) -> Vec<(String, String)> {
    let told = project.json(&["assets", "events", "readings"]);
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    let one = |event: &Value| (text(event, "kind"), text(event, "uri"));
    told.as_array().unwrap().iter().rev().map(one).collect()
}

fn told(kind: &str, key: &str) -> (String, String) {
    (kind.to_owned(), format!("lake:readings/{key}.csv"))
}

fn wait_for(project: &Project, count: usize) -> Vec<(String, String)> {
    until(|| Some(events(project)).filter(|events| events.len() >= count)).unwrap()
}

#[test]
fn what_comes_into_a_bucket_is_told_once_also_across_restarts() {
    let test = "what_comes_into_a_bucket_is_told_once_also_across_restarts";
    let Some(server) = Server::start(test) else { return };
    let mut project = Project::with(&format!("{}{DAGS}", server.toml(server.endpoint())));
    project.keep_if_it_fails();
    project.write("s3.key", server.text("secret_access_key"));
    server.put("readings/a.csv", "1");
    server.put("readings/.half.csv", "1");
    server.put("readings/a.txt", "1");
    project.up();
    assert_eq!(wait_for(&project, 1), [told("created", "a")]);
    project.wait_for_runs("reads", 1);
    server.put("readings/b.csv", "1");
    assert_eq!(wait_for(&project, 2)[1], told("created", "b"));
    server.put("readings/a.csv", "22");
    assert_eq!(wait_for(&project, 3)[2], told("changed", "a"));

    // While nobody looks one comes and one goes; the others are not told again.
    project.down();
    server.put("readings/c.csv", "1");
    server.call("delete_object", serde_json::json!({ "Bucket": "lake", "Key": "readings/b.csv" }));
    project.up();
    assert_eq!(wait_for(&project, 5)[3..], [told("created", "c"), told("deleted", "b")]);
    server.put("readings/d.csv", "1");
    assert_eq!(wait_for(&project, 6)[5..], [told("created", "d")]);
    project.down();
}

#[test]
fn a_bucket_that_is_gone_deletes_nothing() {
    let Some(server) = Server::start("a_bucket_that_is_gone_deletes_nothing") else { return };
    let mut project = Project::with(&format!("{}{DAGS}", server.toml(server.endpoint())));
    project.write("s3.key", server.text("secret_access_key"));
    server.put("readings/a.csv", "1");
    project.up();
    assert_eq!(wait_for(&project, 1), [told("created", "a")]);
    project.down();
    let lake = || serde_json::json!({ "Bucket": "lake" });
    let mut one = lake();
    one["Key"] = "readings/a.csv".into();
    server.call("delete_object", one);
    server.call("delete_bucket", lake());
    project.up();
    let status = until(|| {
        let status = project.run(&["status"]).stdout;
        status.contains("there is no bucket `s3://lake`").then_some(())
    });
    assert!(status.is_some());
    assert_eq!(events(&project), [told("created", "a")]);
    // An empty one in its place is another matter.
    server.call("create_bucket", lake());
    assert_eq!(wait_for(&project, 2)[1], told("deleted", "a"));
    project.down();
}

#[test]
fn a_bucket_that_cannot_be_listed_is_shown_as_a_problem() {
    let test = "a_bucket_that_cannot_be_listed_is_shown_as_a_problem";
    let Some(server) = Server::start(test) else { return };
    let toml = format!("{}{DAGS}", server.toml(server.endpoint()));
    let mut project = Project::with(&toml.replace("s3://lake", "s3://pond"));
    project.write("s3.key", server.text("secret_access_key"));
    project.up();
    let shown = until(|| {
        let status = project.run(&["status"]).stdout;
        status.contains("there is no bucket `s3://pond`").then_some(status)
    });
    assert!(shown.unwrap().contains("asset `readings` is not followed: list `lake:readings/`"));
    server.call("create_bucket", serde_json::json!({ "Bucket": "pond" }));
    let put = serde_json::json!({ "Bucket": "pond", "Key": "readings/a.csv", "Body": "1" });
    server.call("put_object", put);
    assert_eq!(wait_for(&project, 1), [told("created", "a")]);
    let status = until(|| {
        let status = project.run(&["status"]).stdout;
        (!status.contains("s3://pond")).then_some(())
    });
    assert!(status.is_some());
    project.down();
}
