//! Sensors with real files, a real server, a real database and a real store.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::connection::OpenConnection;
use crate::sched::Change;
use crate::store::sample::{self, at, key, object};
use crate::types::run::DagRun;
use crate::types::{DagRunState, TaskInstanceState};

struct Stage {
    dir: tempfile::TempDir,
    store: Store,
    _store_dir: tempfile::TempDir,
    private: Private,
    now: Timestamp,
}

fn stage() -> Stage {
    let (store_dir, store) = sample::store();
    let dir = tempfile::tempdir().unwrap();
    let connection = |name: &str, url: &str| {
        let open = OpenConnection { name: name.into(), url: url.into(), options: BTreeMap::new() };
        (name.to_owned(), open)
    };
    let connections = [connection("lake", "file:lake"), connection("db", "sqlite:w.db")];
    let private = Private { connections: connections.into(), ..Private::default() };
    Stage { dir, store, _store_dir: store_dir, private, now: time::now() }
}

impl Stage {
    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    async fn poke(&self, operator: Operator, args: Value) -> Result<Poke, OperatorError> {
        let args = object(args);
        let look = Look {
            args: &args,
            private: &self.private,
            project: self.dir.path(),
            store: &self.store,
            now: self.now,
        };
        super::poke(operator, &look).await
    }

    async fn found(&self, operator: Operator, args: Value) -> Value {
        match self.poke(operator, args).await {
            Ok(Poke::Found(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    async fn waits(&self, operator: Operator, args: Value) -> String {
        match self.poke(operator, args).await {
            Ok(Poke::Waits { seen, .. }) => seen,
            other => panic!("{other:?}"),
        }
    }

    async fn error(&self, operator: Operator, args: Value) -> OperatorError {
        self.poke(operator, args).await.unwrap_err()
    }

    fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.dir.path().join("w.db"))
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }
}

const FILE: Operator = Operator::SensorFile;

#[tokio::test]
async fn a_file_is_found_when_it_is_there() {
    let stage = stage();
    let args = json!({"path": "in/a.csv"});
    assert_eq!(stage.waits(FILE, args.clone()).await, "`in/a.csv` is not there yet");
    stage.write("in/a.csv", "123");
    let found = stage.found(FILE, args).await;
    let path = stage.dir.path().join("in/a.csv").display().to_string();
    assert_eq!((&found["path"], &found["count"]), (&json!(path), &json!(1)));
    assert_eq!(found["files"][0]["size"], 3);
    let absolute = json!({"path": format!("file:{path}")});
    assert_eq!(stage.found(FILE, absolute).await["path"], json!(path));
}

#[tokio::test]
async fn files_of_a_pattern_are_found_in_their_order() {
    let stage = stage();
    stage.write("in/b.csv", "");
    stage.write("in/a.csv", "");
    stage.write("in/x/c.csv", "");
    stage.write("in/x.txt", "");
    let names = |found: &Value| -> Vec<String> {
        let files = found["files"].as_array().unwrap();
        let name = |f: &Value| f["path"].as_str().unwrap().rsplit_once("in/").unwrap().1.to_owned();
        files.iter().map(name).collect()
    };
    let found = stage.found(FILE, json!({"path": "in/*.csv"})).await;
    assert_eq!(names(&found), ["a.csv", "b.csv"]);
    let found = stage.found(FILE, json!({"path": "in/**/*.csv"})).await;
    assert_eq!(names(&found), ["a.csv", "b.csv", "x/c.csv"]);
    stage.waits(FILE, json!({"path": "in/*.json"})).await;
    stage.waits(FILE, json!({"path": "out/*.json"})).await;
}

#[tokio::test]
async fn a_folder_counts_once_a_file_is_in_it() {
    let stage = stage();
    std::fs::create_dir_all(stage.dir.path().join("in/sub")).unwrap();
    stage.waits(FILE, json!({"path": "in"})).await;
    stage.write("in/sub/a.csv", "");
    assert_eq!(stage.found(FILE, json!({"path": "in/"})).await["count"], 1);
    // A file is no folder.
    stage.waits(FILE, json!({"path": "in/sub/a.csv/"})).await;
}

#[tokio::test]
async fn a_file_that_has_just_changed_may_be_waited_for() {
    let mut stage = stage();
    stage.write("a.csv", "");
    let args = json!({"path": "a.csv", "min_age": "10m"});
    assert_eq!(stage.waits(FILE, args.clone()).await, "`a.csv` is there, but has just changed");
    stage.now += Duration::from_secs(700);
    stage.found(FILE, args).await;
}

#[tokio::test]
async fn what_is_no_place_is_fatal() {
    let stage = stage();
    for args in [json!({"path": "../x"}), json!({"path": ""}), json!({}), json!({"path": {}})] {
        assert!(matches!(stage.error(FILE, args).await, OperatorError::Fatal(_)));
    }
    let pond = stage.error(Operator::SensorObject, json!({"uri": "pond:x"})).await;
    assert!(pond.to_string().contains("there is no connection `pond`"), "{pond}");
    let db = stage.error(Operator::SensorObject, json!({"uri": "db:x"})).await;
    assert!(db.to_string().contains("`sqlite:` connection"), "{db}");
}

#[tokio::test]
async fn objects_are_told_by_their_uris() {
    let stage = stage();
    let args = json!({"uri": "lake:in/*.csv"});
    stage.waits(Operator::SensorObject, args.clone()).await;
    stage.write("lake/in/a.csv", "12");
    let found = stage.found(Operator::SensorObject, args).await;
    assert_eq!((&found["uri"], &found["files"][0]["size"]), (&json!("lake:in/a.csv"), &json!(2)));
}

/// Answers as many requests, one after the other; returns what was asked.
async fn server(answers: &[&str]) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<String> = answers.iter().map(|a| (*a).to_owned()).collect();
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.unwrap();
            asked.push(String::from_utf8_lossy(&piece[..read]).into_owned());
            let (status, body) = answer.split_once(' ').unwrap();
            let text = format!(
                "HTTP/1.1 {status} X\r\nx-seen: yes\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).await.unwrap();
        }
        asked
    });
    (url, asked)
}

const HTTP: Operator = Operator::SensorHttp;

#[tokio::test]
async fn a_server_that_answers_is_found_and_one_that_knows_nothing_yet_is_waited_for() {
    let stage = stage();
    let (url, asked) = server(&["404 no", "200 {\"n\": 3}", "503 x"]).await;
    let args = json!({"url": format!("{url}/a?b=1"), "headers": {"X-Key": "k"}});
    assert_eq!(stage.waits(HTTP, args.clone()).await, "the server answers 404");
    let found = stage.found(HTTP, args.clone()).await;
    assert_eq!((&found["status"], &found["body"]["n"]), (&json!(200), &json!(3)));
    assert_eq!(found["headers"]["x-seen"], "yes");
    assert!(matches!(stage.error(HTTP, args).await, OperatorError::Passing(_)));
    let asked = asked.await.unwrap();
    assert!(asked[0].starts_with("GET /a?b=1 HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].to_lowercase().contains("x-key: k\r\n"), "{}", asked[0]);
}

#[tokio::test]
async fn what_is_expected_of_an_answer_decides() {
    let mut stage = stage();
    let (url, asked) = server(&["500 x", "500 x", "200 {}", "200 {\"state\": \"done\"}"]).await;
    let hook =
        OpenConnection { name: "h".into(), url: format!("{url}/"), options: BTreeMap::new() };
    stage.private.connections.insert("h".into(), hook);
    let args = |expect: Value| {
        json!({"connection": "h", "path": "/jobs", "method": "post", "body": {"a": 1},
               "expect": expect})
    };
    stage.found(HTTP, args(json!([200, 500]))).await;
    let seen = stage.waits(HTTP, args(json!(200))).await;
    assert_eq!(seen, "the server answers 500, which is not what is expected");
    let done = json!("response.status == 200 and response.body.state == 'done'");
    stage.waits(HTTP, args(done.clone())).await;
    stage.found(HTTP, args(done)).await;
    let asked = asked.await.unwrap();
    assert!(asked[0].starts_with("POST /jobs HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].ends_with("{\"a\":1}"), "{}", asked[0]);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_fatal_and_one_without_an_answer_is_not() {
    let stage = stage();
    for args in [
        json!({"url": "ftp://h/secret"}),
        json!({"url": "h"}),
        json!({"url": "http://h", "method": "NO GOOD"}),
        json!({"url": "http://h", "expect": {"a": 1}}),
        json!({"url": "http://h", "expect": 42}),
        json!({"url": "http://h", "headers": {"a": [1]}}),
        json!({"connection": "pond"}),
    ] {
        let error = stage.error(HTTP, args.clone()).await;
        assert!(matches!(error, OperatorError::Fatal(_)), "{args}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = stage.error(HTTP, json!({"url": url})).await;
    assert!(matches!(error, OperatorError::Passing(_)), "{error:?}");
}

#[tokio::test]
async fn a_database_is_asked_until_its_first_cell_is_true() {
    let stage = stage();
    let sql = |query: &str| json!({"connection": "db", "sql": query});
    let missing = stage.error(Operator::SensorSql, sql("select n from t")).await;
    assert!(matches!(&missing, OperatorError::Passing(text) if text.contains("no such table")));
    stage.sql("create table t (n, name)");
    let waits = |args| stage.waits(Operator::SensorSql, args);
    assert_eq!(waits(sql("select n from t")).await, "the query gives no row");
    stage.sql("insert into t values (0, 'a')");
    assert_eq!(waits(sql("select n, name from t")).await, "the query gives `0`");
    for falsehood in ["null", "''", "'0'", "0.0"] {
        waits(sql(&format!("select {falsehood}"))).await;
    }
    let found = stage.found(Operator::SensorSql, sql("select 7 as n, name from t")).await;
    assert_eq!(found, json!({"value": 7, "row": {"n": 7, "name": "a"}}));
}

#[tokio::test]
async fn what_is_expected_of_a_row_decides() {
    let stage = stage();
    let args = |expect: &str| json!({"connection": "db", "sql": "select 7 as n, 'a' as name", "expect": expect});
    stage.found(Operator::SensorSql, args("value > 5 and row.name == 'a'")).await;
    stage.waits(Operator::SensorSql, args("value > 7")).await;
    stage.waits(Operator::SensorSql, args("row.nothing.below")).await;
    let broken = stage.error(Operator::SensorSql, args("value >")).await;
    assert!(matches!(broken, OperatorError::Fatal(_)), "{broken:?}");
}

#[tokio::test]
async fn a_time_is_a_timer() {
    let mut stage = stage();
    stage.now = at(0);
    let args = json!({"until": at(60)});
    let waits = stage.poke(Operator::SensorTime, args.clone()).await.unwrap();
    assert!(matches!(waits, Poke::Waits { until: Some(until), .. } if until == at(60)));
    stage.now = at(60);
    assert_eq!(stage.found(Operator::SensorTime, args).await, json!({"until": at(60)}));
}

const TASK: Operator = Operator::SensorTask;

fn other_run(state: DagRunState) -> DagRun {
    DagRun { logical_date: Some(at(100)), ..sample::run("other", "r", 0, state) }
}

impl Stage {
    async fn runs(&self, state: DagRunState, tasks: &[(&str, Option<TaskInstanceState>)]) {
        let mut changes = vec![Change::PutDagRun(other_run(state))];
        changes.extend(tasks.iter().map(|(id, state)| {
            Change::PutTaskInstance(sample::task(key("other", "r", id), *state))
        }));
        self.store.commit(changes).await.unwrap();
    }
}

fn waiting_for(more: Value) -> Value {
    let mut args = json!({"dag_id": "other", "logical_date": at(100), "task_ids": [],
        "allowed_states": ["success"], "failed_states": [], "skipped_states": []});
    args.as_object_mut().unwrap().extend(object(more));
    args
}

#[tokio::test]
async fn a_run_of_the_same_date_is_waited_for() {
    let stage = stage();
    let args = waiting_for(json!({}));
    let seen = stage.waits(TASK, args.clone()).await;
    assert!(seen.starts_with("there is no run of DAG `other` for "), "{seen}");
    stage.runs(DagRunState::Running, &[]).await;
    assert_eq!(stage.waits(TASK, args.clone()).await, "run `r` of DAG `other` is running");
    stage.runs(DagRunState::Failed, &[]).await;
    stage.waits(TASK, args.clone()).await;
    let fails = waiting_for(json!({"failed_states": ["failed"]}));
    let failed = Poke::Failed("run `r` of DAG `other` is failed".into());
    assert_eq!(stage.poke(TASK, fails).await, Ok(failed));
    stage.runs(DagRunState::Success, &[]).await;
    let found = stage.found(TASK, args).await;
    assert_eq!(found, json!({"dag_id": "other", "dag_run_id": "r", "state": "success"}));
    let by_id = json!({"dag_id": "other", "dag_run_id": "r", "allowed_states": ["success"]});
    stage.found(TASK, by_id).await;
}

#[tokio::test]
async fn tasks_of_a_run_are_waited_for_all_of_them() {
    use TaskInstanceState as S;
    let stage = stage();
    let args = waiting_for(json!({"task_ids": ["a", "b"]}));
    stage.runs(DagRunState::Running, &[("a", Some(S::Success))]).await;
    assert_eq!(stage.waits(TASK, args.clone()).await, "run `r` of `other` has no task `b`");
    stage.runs(DagRunState::Running, &[("b", None)]).await;
    let seen = stage.waits(TASK, args.clone()).await;
    assert_eq!(seen, "`b` of run `r` of DAG `other` is no status");
    stage.runs(DagRunState::Running, &[("b", Some(S::Skipped))]).await;
    let skips = waiting_for(json!({"task_ids": ["a", "b"], "skipped_states": ["skipped"]}));
    assert!(matches!(stage.poke(TASK, skips).await, Ok(Poke::Skipped(_))));
    stage.runs(DagRunState::Running, &[("b", Some(S::Success))]).await;
    let found = stage.found(TASK, args).await;
    assert_eq!(found["tasks"], json!({"a": "success", "b": "success"}));
}

#[tokio::test]
async fn a_run_that_was_brought_about_and_is_gone_is_not_waited_for() {
    let stage = stage();
    let args = json!({"dag_id": "other", "dag_run_id": "r", "allowed_states": ["success"]});
    let gone = stage.poke(Operator::TriggerDagRun, args).await.unwrap();
    assert_eq!(gone, Poke::Failed("the run `r` of DAG `other` is gone".into()));
}

#[tokio::test]
async fn what_waits_for_nothing_is_refused() {
    let error = stage().error(Operator::Command, json!({})).await;
    assert_eq!(error.to_string(), "`command` waits for nothing");
}

fn spec(args: Value) -> TriggerSpec {
    let args = object(args);
    manner(Args(&args), FILE, Map::new()).unwrap()
}

#[test]
fn how_it_waits_is_read_from_the_keys_that_all_sensors_have() {
    let plain = spec(json!({}));
    assert_eq!((plain.poke_interval, plain.max_wait), (60.0, None));
    assert_eq!((plain.at_timeout, plain.on_error), (AtTimeout::FailForGood, OnError::Fail));
    let doubles = spec(json!({"exponential_backoff": true, "poke_interval": "5s"}));
    assert_eq!((doubles.poke_interval, doubles.max_wait), (5.0, Some(3600.0)));
    let bounded = spec(json!({"exponential_backoff": true, "max_wait": "10m"}));
    assert_eq!(bounded.max_wait, Some(600.0));
    let args = object(json!({"soft_fail": "perhaps"}));
    assert!(manner(Args(&args), FILE, Map::new()).is_err());
}

#[test]
fn a_look_that_fails_means_what_the_keys_say() {
    let passing = || Err(OperatorError::passing("down"));
    let fatal = || Err(OperatorError::fatal("wrong"));
    let failed = || Ok(Poke::Failed("failed".into()));
    let done = |outcome| Step::Done(outcome);
    let skipped = |reason: &str| done(Outcome::Skipped { reason: reason.into() });
    let wait = |seen: &str| Step::Wait { seen: seen.into(), until: None };

    let plain = spec(json!({}));
    assert_eq!(judge(&plain, passing()), done(Outcome::failed("down")));
    assert_eq!(judge(&plain, fatal()), done(Outcome::fatal("wrong")));
    assert_eq!(judge(&plain, failed()), done(Outcome::failed("failed")));
    let soft = spec(json!({"soft_fail": true}));
    assert_eq!(judge(&soft, passing()), done(Outcome::failed("down")), "another try may help");
    assert_eq!(judge(&soft, fatal()), skipped("wrong"));
    assert_eq!(judge(&soft, failed()), skipped("failed"));
    let silent = spec(json!({"silent_fail": true}));
    assert_eq!(judge(&silent, passing()), wait("down"));
    assert_eq!(judge(&silent, fatal()), done(Outcome::fatal("wrong")));
    let never = spec(json!({"never_fail": true}));
    assert_eq!(judge(&never, passing()), skipped("down"));
    assert_eq!(judge(&never, fatal()), skipped("wrong"));
    assert_eq!(judge(&never, failed()), skipped("failed"));
}
