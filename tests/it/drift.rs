//! Drift, from a shifted row to the people who are told, through the real binary: against a real
//! mail server with STARTTLS and a login, and a real endpoint for webhooks.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::postgres::certificates;
use crate::support::{Project, http, peer, until};

const PASSWORD: &str = "correct horse battery";

/// The mail server and the endpoint, with what they were told.
struct Receivers {
    child: Child,
    smtp: u64,
    http: u64,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Receivers {
    fn start(python: &Path, folder: &Path) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/notify/receivers.py");
        let mut child = Command::new(python)
            .arg(script)
            .args(["server.crt", "server.key", "ada", PASSWORD])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let port = |name: &str| first[name].as_u64().unwrap();
        Self { child, smtp: port("smtp"), http: port("http"), told }
    }

    fn of(&self, kind: &str) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        told.iter().filter(|one| one["kind"] == kind).cloned().collect()
    }

    fn wait_for(&self, kind: &str, count: usize) -> Vec<Value> {
        until(|| Some(self.of(kind)).filter(|told| told.len() >= count))
            .unwrap_or_else(|| panic!("{count} of {kind}: {:?}", self.told.lock().unwrap()))
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sample project, whose drift is judged in seconds and told to everybody.
fn project(smtp: u64, webhook: u64) -> Project {
    let project = Project::sample();
    certificates(project.dir());
    project.write("secrets/mail", PASSWORD);
    let more = format!(
        r#"
[serving.drift]
window = "8s"
min_rows = 60
on_drift = [
    {{ notify = "post", title = "drift of {{{{ model }}}}", message = "{{{{ reason }}}}", retry_delay = "100ms" }},
    {{ webhook = "http://127.0.0.1:{webhook}/hook", retry_delay = "100ms", retries = 10 }},
    {{ argv = ["sh", "-c", "cat >> told; echo $DAGDECK_MODEL $DAGDECK_MODEL_VERSION >> who"] }},
]
on_recovered = {{ webhook = "http://127.0.0.1:{webhook}/hook", retry_delay = "100ms", retries = 10 }}

[connection.post]
url = "smtp://127.0.0.1:{smtp}"
from = "deck@example.org"
to = "ops@example.org, ada@example.org"
username = "ada"
password = "${{file:secrets/mail}}"
starttls = "required"
ca_file = "ca.crt"

[dag.retrain]
schedule = {{ assets = "drift://iris" }}
[dag.retrain.task.learn]
operator = "command"
command = "echo {{{{ triggering_asset_events[0].extra.column }}}} {{{{ triggering_asset_events[0].extra.figure }}}}"
"#
    );
    let mut file = OpenOptions::new().append(true).open(project.path("dags.toml")).unwrap();
    file.write_all(more.as_bytes()).unwrap();
    project
}

/// Puts a model of iris into service.
fn deploy(project: &mut Project) {
    project.up();
    project.run(&["run", "mlops_pipeline", "-p", "model=logistic_regression"]).ok();
    project.wait_for_runs("model_serving_pipeline", 1);
}

/// Asks all rows of the data that the model learnt from, the lengths of the sepals so much longer.
fn ask(project: &Project, more: f64) {
    let text = std::fs::read_to_string(project.path("data/iris.csv")).unwrap();
    let row = |line: &str| {
        let cells: Vec<f64> = line.split(',').filter_map(|cell| cell.parse().ok()).collect();
        json!([cells[0] + more, cells[1], cells[2], cells[3]])
    };
    let rows: Vec<Value> = text.lines().skip(1).map(row).collect();
    let body = Value::from(rows).to_string();
    let answer = http(&project.serving(), "POST", "/models/iris/predict", Some(&body));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn drift(project: &Project) -> Value {
    project.json(&["serving", "drift", "iris/1"])[0].clone()
}

fn sepals(report: &Value) -> Value {
    let columns = report["columns"].as_array().unwrap();
    columns.iter().find(|column| column["column"] == "sepal_length").unwrap().clone()
}

fn attention(project: &Project) -> Vec<Value> {
    let items: Value =
        serde_json::from_str(&project.run(&["attention", "-o", "json"]).stdout).unwrap();
    let items = items.as_array().unwrap().clone();
    items.into_iter().filter(|item| item["text"].to_string().contains("drift")).collect()
}

#[test]
fn drift_starts_the_retrain_and_is_told_once_and_so_is_its_end() {
    let test = "drift_starts_the_retrain_and_is_told_once_and_so_is_its_end";
    let Some(python) = peer("DAGDECK_TEST_PYTHON", test) else { return };
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let receivers = Receivers::start(&python, folder.path());
    let mut project = project(receivers.smtp, receivers.http);
    for name in ["ca.crt", "server.crt", "server.key"] {
        std::fs::copy(folder.path().join(name), project.path(name)).unwrap();
    }
    deploy(&mut project);
    let reached = project.json(&["connections", "test", "post"]);
    assert_eq!(reached["message"], "`127.0.0.1` takes mail of `deck@example.org` by TLS");

    // As in training: nothing is told.
    ask(&project, 0.0);
    let judged =
        until(|| Some(drift(&project)).filter(|found| found["rows"].as_u64() >= Some(150)));
    let judged = judged.expect("the rows are counted");
    assert!(sepals(&judged)["trouble_since"].is_null(), "{judged}");
    assert_eq!(project.json(&["runs", "list", "retrain"])["dag_runs"], json!([]));

    // Shifted: told once on every way, and the DAG that waits for it starts.
    for _ in 0..4 {
        ask(&project, 3.0);
    }
    let runs = project.wait_for_runs("retrain", 1);
    let run_id = runs[0]["dag_run_id"].as_str().unwrap();
    let log = project.run(&["logs", "retrain", run_id, "learn"]).ok().stdout;
    assert!(log.contains("sepal_length psi"), "{log}");
    let posted = receivers.wait_for("webhook", 1);
    assert_eq!(
        (&posted[0]["body"]["event"], &posted[0]["body"]["model"]),
        (&json!("on_drift"), &json!("iris"))
    );
    let columns = posted[0]["body"]["details"]["columns"].to_string();
    assert!(columns.contains("sepal_length"), "{columns}");
    assert_eq!(
        receivers.of("webhook.put_off")[0]["id"],
        posted[0]["id"],
        "a repetition can be known"
    );
    let mail = &receivers.wait_for("mail", 1)[0];
    assert_eq!((&mail["tls"], &mail["from"]), (&json!(true), &json!("deck@example.org")));
    assert_eq!(mail["to"], json!(["ops@example.org", "ada@example.org"]));
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("Subject: drift of iris") && text.contains("sepal_length"), "{text}");
    assert_eq!(receivers.of("mail.put_off").len(), 1, "the first was put off and tried again");
    let told = until(|| std::fs::read_to_string(project.path("who")).ok()).unwrap();
    assert_eq!(told.lines().next(), Some("iris 1"));
    let told = std::fs::read_to_string(project.path("told")).unwrap();
    let told: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!(told["state"], "drift");
    let waiting = attention(&project);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    // The report of the next second says so.
    let marked = || sepals(&drift(&project))["trouble_since"].is_string().then_some(());
    until(marked).expect("the column is in trouble");
    let metrics = http(&project.serving(), "GET", "/metrics", None).body;
    let line =
        "dagdeck_serving_drift_crossed{column=\"sepal_length\",model=\"iris\",version=\"1\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    if let Some(promtool) = peer("DAGDECK_TEST_PROMTOOL", test) {
        let mut check = Command::new(promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
        let output = check.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    // As in training again: that is told too, and starts nothing. What the model answers may come
    // into trouble and out of it in another second.
    let over = until(|| {
        ask(&project, 0.0);
        attention(&project).is_empty().then_some(())
    });
    over.expect("it is over");
    let of_sepals = |event: &str| {
        let told = receivers.of("webhook").into_iter().filter(|one| one["body"]["event"] == event);
        told.filter(|one| one["body"]["details"]["columns"].to_string().contains("sepal_length"))
            .count()
    };
    until(|| (of_sepals("on_recovered") > 0).then_some(())).expect("the end is told");
    assert_eq!((of_sepals("on_drift"), of_sepals("on_recovered")), (1, 1));
    let mails = receivers.of("mail").into_iter();
    let mails =
        mails.filter(|mail| mail["text"].to_string().contains("`sepal_length` has drifted"));
    assert_eq!(mails.count(), 1);
    assert_eq!(project.wait_for_runs("retrain", 1).len(), 1);
    let shown = format!(
        "{}{}",
        project.run(&["events"]).stdout,
        project.run(&["connections", "list"]).stdout
    );
    assert!(!shown.contains(PASSWORD), "{shown}");
    project.down();
}

#[test]
fn what_was_decided_before_a_kill_is_told_by_the_next_daemon_and_once() {
    let test = "what_was_decided_before_a_kill_is_told_by_the_next_daemon_and_once";
    let Some(python) = peer("DAGDECK_TEST_PYTHON", test) else { return };
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    // Nobody listens there yet.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut project = project(1, u64::from(nobody));
    deploy(&mut project);
    ask(&project, 3.0);
    project.wait_for_runs("retrain", 1);
    project.kill_daemon();
    let receivers = Receivers::start(&python, folder.path());
    let dags_toml = std::fs::read_to_string(project.path("dags.toml")).unwrap();
    project.write(
        "dags.toml",
        dags_toml.replace(&format!(":{nobody}/hook"), &format!(":{}/hook", receivers.http)),
    );
    let database = rusqlite::Connection::open(project.path(".dagdeck/dagdeck.db")).unwrap();
    // The row has the address that was in force when it was decided.
    let moved = database.execute(
        "UPDATE callback_request SET spec = replace(spec, ?1, ?2) WHERE state = 'pending'",
        [format!(":{nobody}/hook"), format!(":{}/hook", receivers.http)],
    );
    assert!(moved.unwrap() >= 1, "it was kept");
    drop(database);
    project.up();
    let posted = receivers.wait_for("webhook", 1);
    assert_eq!(posted[0]["body"]["event"], "on_drift");
    assert_eq!(attention(&project).len(), 1, "it is in trouble still");
    // The next daemon knows that it was told.
    ask(&project, 3.0);
    let counted =
        until(|| Some(drift(&project)).filter(|found| found["rows"].as_u64() >= Some(150)));
    assert!(sepals(&counted.expect("counted anew"))["trouble_since"].is_string());
    let of_sepals = |one: &&Value| one["body"]["details"].to_string().contains("sepal_length");
    assert_eq!(receivers.of("webhook").iter().filter(of_sepals).count(), 1);
    assert_eq!(project.wait_for_runs("retrain", 1).len(), 1);
    project.down();
}

#[test]
fn a_mail_server_that_refuses_or_is_not_trusted_is_told_without_the_password() {
    let test = "a_mail_server_that_refuses_or_is_not_trusted_is_told_without_the_password";
    let Some(python) = peer("DAGDECK_TEST_PYTHON", test) else { return };
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let receivers = Receivers::start(&python, folder.path());
    for (ca, password, words) in [
        ("ca.crt", "not the right one", "535"),
        ("other.crt", PASSWORD, "certificate"),
        ("none.crt", PASSWORD, "read the certificates of `none.crt`"),
    ] {
        let project = Project::with(&format!(
            r#"
[deck]
name = "t"
[connection.post]
url = "smtp://127.0.0.1:{}"
from = "deck@example.org"
to = "ops@example.org"
username = "ada"
password = "${{file:secret}}"
starttls = "required"
ca_file = "{ca}"
[dag.d.task.t]
operator = "notify"
connection = "post"
message = "hello"
"#,
            receivers.smtp
        ));
        project.write("secret", password);
        for name in ["ca.crt", "other.crt"] {
            std::fs::copy(folder.path().join(name), project.path(name)).unwrap();
        }
        let ran = project.run(&["run", "d"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains(password), "{said}");
    }
    assert!(receivers.of("mail").is_empty());
}
