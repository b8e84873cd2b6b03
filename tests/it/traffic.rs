//! Rollouts that are steered and outlive the daemon; predictions that are kept and meet their truth.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Http, Project, until};

/// Sends a request with headers on a connection of its own.
fn post(addr: &str, path: &str, headers: &str, body: &str) -> Http {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Http { status, head: head.to_owned(), body: body.to_owned() }
}

fn header<'a>(answer: &'a Http, name: &str) -> &'a str {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    let mut of = lines.filter(|(given, _)| given.eq_ignore_ascii_case(name));
    of.next().unwrap_or_else(|| panic!("no {name}: {}", answer.head)).1
}

/// Two versions of iris, the second one in service; from then on each step takes an hour.
fn two_versions(dags_toml: impl FnOnce(String) -> String) -> Project {
    let mut project = Project::sample();
    project.keep_if_it_fails();
    project.up();
    for (count, model) in [(1, "model=xgboost"), (2, "model=logistic_regression")] {
        project.run(&["run", "mlops_pipeline", "-p", model]).ok();
        project.wait_for_runs("model_serving_pipeline", count);
    }
    project.down();
    let text = std::fs::read_to_string(project.path("dags.toml")).unwrap();
    let slow = text.replace("step = \"200ms\"", "step = \"1h\"");
    assert_ne!(slow, text);
    project.write("dags.toml", dags_toml(slow));
    project.up();
    project
}

fn rollout(project: &Project) -> Value {
    project.json(&["serving", "rollout", "iris"])
}

fn wait_for(project: &Project, state: &str, step: u64) -> Value {
    let found = until(|| {
        let rollout = rollout(project);
        (rollout["state"] == state && rollout["step"] == step).then_some(rollout)
    });
    found.unwrap_or_else(|| panic!("{state} at {step}: {}", rollout(project)))
}

fn weights(project: &Project) -> Vec<(u64, u64)> {
    let status = project.json(&["serving", "status"]);
    let versions = status["versions"].as_array().unwrap().iter();
    let pair = |v: &Value| (v["version"].as_u64().unwrap(), v["weight"].as_u64().unwrap());
    let mut weights: Vec<_> = versions.map(pair).filter(|(_, weight)| *weight > 0).collect();
    weights.sort_unstable();
    weights
}

#[test]
fn a_rollout_goes_on_from_its_step_after_a_kill_and_a_pause_stays_one() {
    let mut project = two_versions(|text| text);
    assert_eq!(weights(&project), [(2, 100)]);
    // Version 1 comes back, by steps of an hour.
    project.run(&["models", "rollback", "iris"]).ok();
    wait_for(&project, "running", 0);
    let steer = |project: &Project, wish| project.run(&["serving", "rollout", "iris", wish]).ok();
    until(|| (weights(&project) == [(1, 10), (2, 90)]).then_some(())).expect("10 %");
    steer(&project, "advance");
    wait_for(&project, "running", 1);
    until(|| (weights(&project) == [(1, 50), (2, 50)]).then_some(())).expect("50 %");
    steer(&project, "pause");
    let paused = rollout(&project);
    let left = paused["left_ms"].as_u64().unwrap();
    assert!((3_000_000..=3_600_000).contains(&left), "{paused}");
    let said = project.run(&["serving", "rollout", "iris"]).ok().stdout;
    assert!(said.contains("rollout of v1: paused, step 2 of 3 (50 %)"), "{said}");
    assert!(said.contains("v1 50 %: 0.0 requests/s") && said.contains("v2 50 %"), "{said}");
    let again = project.run(&["serving", "rollout", "iris", "pause"]);
    assert!(again.stderr.contains("it is paused already"), "{}", again.stderr);
    let refused = project.run(&["serving", "traffic", "iris", "1=30", "2=70"]);
    assert_ne!(refused.code, 0);
    assert!(
        refused.stderr.contains("version 1 of `iris` is being rolled out"),
        "{}",
        refused.stderr
    );

    project.kill_daemon();
    project.up();
    // The operator has taken it up again when it says so in its log.
    until(|| {
        let run = project.json(&["runs", "list", "model_serving_pipeline", "--limit", "1"]);
        let id = run["dag_runs"][0]["dag_run_id"].as_str().unwrap().to_owned();
        let log = project.run(&["logs", "model_serving_pipeline", &id, "deploy"]);
        log.stdout.contains("goes on from step 2 of 3, paused").then_some(())
    })
    .expect("it goes on");
    let kept = rollout(&project);
    assert_eq!(
        (&kept["state"], &kept["step"], &kept["left_ms"]),
        (&json!("paused"), &json!(1), &json!(left))
    );
    assert_eq!(weights(&project), [(1, 50), (2, 50)]);

    steer(&project, "resume");
    let resumed = wait_for(&project, "running", 1);
    assert!(resumed["ends_at"].is_string(), "{resumed}");
    // Stopped while it runs, it is at its step again, watched anew.
    project.down();
    project.up();
    wait_for(&project, "running", 1);
    steer(&project, "advance");
    wait_for(&project, "done", 2);
    assert_eq!(weights(&project), [(1, 100)]);
    let runs = project.wait_for_runs("model_serving_pipeline", 3);
    assert!(runs.iter().all(|run| run["state"] == "success"), "{runs:?}");
    let over = project.run(&["serving", "rollout", "iris", "abort"]);
    assert!(over.stderr.contains("none is under way"), "{}", over.stderr);
    project.down();
}

#[test]
fn an_aborted_rollout_gives_the_traffic_back_and_people_may_split_it() {
    let mut project = two_versions(|text| text);
    project.run(&["models", "rollback", "iris"]).ok();
    wait_for(&project, "running", 0);
    project.run(&["serving", "rollout", "iris", "abort"]).ok();
    let over = wait_for(&project, "rolled_back", 0);
    assert!(over["reason"].as_str().unwrap().contains("aborted by"), "{over}");
    assert_eq!(weights(&project), [(2, 100)]);
    let runs = project.wait_for_runs("model_serving_pipeline", 3);
    assert!(runs.iter().any(|run| run["state"] == "failed"), "{runs:?}");
    project.run(&["serving", "traffic", "iris", "1=25", "2=75", "--sticky", "header:X-User"]).ok();
    assert_eq!(weights(&project), [(1, 25), (2, 75)]);
    let wrong = project.run(&["serving", "traffic", "iris", "1=25"]);
    assert!(wrong.stderr.contains("the percents sum to 25"), "{}", wrong.stderr);
    let wrong = project.run(&["serving", "traffic", "iris", "--sticky", "cookie"]);
    assert!(wrong.stderr.contains("neither `header:NAME` nor `api_key`"), "{}", wrong.stderr);
    let wrong = project.run(&["serving", "traffic", "iris", "one=25"]);
    assert!(wrong.stderr.contains("VERSION=PERCENT"), "{}", wrong.stderr);
    let unknown = project.run(&["serving", "traffic", "nothing", "1=100"]);
    assert_ne!(unknown.code, 0);

    project.run(&["serving", "shadow", "iris", "2", "--percent", "50"]).ok();
    let ask = |project: &Project| -> Vec<String> {
        let addr = project.serving();
        let user = |n| {
            let answer =
                post(&addr, "/predict", &format!("X-User: u{n}\r\n"), "[[5.1,3.5,1.4,0.2]]");
            assert_eq!(answer.status, 200);
            header(&answer, "x-model-version").to_owned()
        };
        (0..60).map(user).collect()
    };
    let before = ask(&project);
    project.kill_daemon();
    project.up();
    assert_eq!(ask(&project), before, "after a restart every user is where they were");
    let canary = before.iter().filter(|version| *version == "1").count();
    assert!((5..28).contains(&canary), "{canary} of 60");
    // Only the answers of version 1 were copied to version 2, half of them.
    let said = until(|| {
        let said = project.run(&["serving", "status"]).ok().stdout;
        (!said.contains("copies of 50 %: 0 requests")).then_some(said)
    });
    let said = said.expect("copies are answered");
    assert!(said.contains("iris: the same header:x-user gets the same version"), "{said}");
    project.run(&["serving", "shadow", "iris", "--off"]).ok();
    assert!(!project.run(&["serving", "status"]).ok().stdout.contains("copies"));
    project.down();
}

#[test]
fn truth_meets_its_prediction_after_a_kill_and_a_pipeline_reads_what_was_kept() {
    let mut project = two_versions(|text| {
        let look = "[dag.look]\n[dag.look.task.rows]\noperator = \"json.extract\"\n\
                    source = \"file:.dagdeck/predictions/iris/*.jsonl\"\n";
        format!("{text}\n{look}\n[serving.log]\nredact = [\"sepal_length\"]\n")
    });
    project.run(&["serving", "traffic", "iris", "1=50", "2=50"]).ok();
    let addr = project.serving();
    let bearer = |project: &Project| {
        let token = std::fs::read_to_string(project.path(".dagdeck/token")).unwrap();
        format!("Authorization: Bearer {}\r\n", token.trim())
    };
    let mut ids = Vec::new();
    for _ in 0..80 {
        let answer = post(&addr, "/predict", "", "[[5.1,3.5,1.4,0.2],[6.7,3.0,5.2,2.3]]");
        assert_eq!(answer.status, 200, "{}", answer.body);
        ids.push((
            header(&answer, "x-request-id").to_owned(),
            header(&answer, "x-model-version").to_owned(),
        ));
    }
    // Version 1 is right, version 2 is wrong in half of the rows.
    let outcomes: Vec<Value> = ids
        .iter()
        .flat_map(|(id, version)| {
            let second = if version == "1" { "virginica" } else { "setosa" };
            [json!({"id": id, "truth": "setosa"}), json!({"id": id, "row": 1, "truth": second})]
        })
        .collect();
    assert_eq!(post(&addr, "/outcomes", "", "[]").status, 401);
    let told = post(&addr, "/outcomes", &bearer(&project), &json!(outcomes[..40]).to_string());
    assert_eq!(told.status, 200, "{}", told.body);
    assert_eq!(told.json()["counted"], 40);
    project.kill_daemon();
    project.up();
    let addr = project.serving();
    let body = json!({ "outcomes": outcomes }).to_string();
    let told = post(&addr, "/outcomes", &bearer(&project), &body).json();
    assert_eq!((&told["counted"], &told["repeated"]), (&json!(120), &json!(40)), "{told}");
    let unknown = json!({"id": "nobody", "truth": "setosa"}).to_string();
    let told = post(&addr, "/outcomes", &bearer(&project), &unknown).json();
    assert_eq!(told["problems"][0]["message"], "no prediction of this id and row is kept");
    let view = project.json(&["serving", "outcomes", "iris"]);
    let arms = view["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 2, "{view}");
    for arm in arms {
        let expected = if arm["version"] == 1 { 1.0 } else { 0.5 };
        assert_eq!((&arm["value"], &arm["outcomes"]), (&json!(expected), &json!(80)), "{view}");
    }
    let verdict = &view["verdicts"][0];
    let expected = if verdict["version"] == 1 { "better" } else { "worse" };
    assert_eq!(verdict["verdict"], expected, "{view}");
    let said = project.run(&["serving", "outcomes", "iris"]).ok().stdout;
    assert!(said.contains("accuracy") && said.contains("p below 0.001"), "{said}");

    project.run(&["run", "look"]).ok();
    let runs = project.json(&["runs", "list", "look"]);
    let run = runs["dag_runs"][0]["dag_run_id"].as_str().unwrap();
    let read = project.json(&["xcom", "get", "look", run, "rows"]);
    assert_eq!(
        (&read["value"]["rows"], &read["value"]["rejected"]),
        (&json!(160), &json!(0)),
        "{read}"
    );
    let folder = project.path(".dagdeck/predictions/iris");
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            let text = std::fs::read_to_string(path).unwrap();
            lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }
    assert_eq!(lines.len(), 160);
    assert!(lines.iter().all(|line| line["input_sepal_length"].is_null()));
    assert!(lines.iter().all(|line| line["input_sepal_width"].is_number()), "{}", lines[0]);
    project.down();
}
