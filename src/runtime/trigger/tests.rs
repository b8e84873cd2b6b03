//! The trigger set with a real store and real files; the engine is a list of what it was told.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::dag;
use crate::runtime::handle::Asked;
use crate::sched::{Change, Input, Outcome, Report};
use crate::store::sample::{self, key, object};
use crate::types::deferral::{AtTimeout, OnError, TriggerSpec};
use crate::types::event::Event;
use crate::types::settings::Settings;
use crate::types::time::SystemClock;
use crate::types::{AttemptKey, DagRunState};

/// Long enough for a slow machine; nothing waits for it where all is well.
const SOON: Duration = Duration::from_secs(30);

const DECK: &str = "[variable]\ntoken = \"${env:TOKEN}\"\n\
    [connection.lake]\nurl = \"file:lake\"\n[dag.d.task.t]\noperator = \"empty\"\n";

struct Stage {
    dir: tempfile::TempDir,
    store: Store,
    publisher: Publisher,
    triggers: Triggers,
    told: mpsc::Receiver<Asked>,
    _deck: watch::Sender<Arc<Deck>>,
}

fn stage() -> Stage {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("dags.toml"), DECK).unwrap();
    let lookup = |name: &str| (name == "TOKEN").then(|| "hunter2".to_owned());
    let deck =
        dag::load(dir.path(), &lookup, &Settings::default()).unwrap_or_else(|d| panic!("{d}"));
    let layout = Layout::new(dir.path());
    std::fs::create_dir(layout.state_dir()).unwrap();
    let store = Store::open(&layout.database()).unwrap();
    let (inputs, told) = mpsc::channel(8);
    let (deck, receiver) = watch::channel(Arc::new(deck));
    let publisher = Publisher::default();
    let triggers = Triggers::start(TriggerParts {
        layout,
        store: store.clone(),
        handle: Handle { inputs },
        publisher: publisher.clone(),
        clock: Arc::new(SystemClock),
        deck: receiver,
    });
    Stage { dir, store, publisher, triggers, told, _deck: deck }
}

fn arm(token: &str, operator: &str, args: Value, poke_interval: f64) -> Arm {
    let spec = TriggerSpec {
        operator: operator.into(),
        args: object(args),
        at_timeout: AtTimeout::Fail,
        on_error: OnError::Fail,
        poke_interval,
        max_wait: None,
        approval: None,
    };
    Arm {
        key: AttemptKey { task: key("d", "r", token), try_number: 1 },
        token: token.into(),
        trigger: spec.to_text(),
        seen: None,
    }
}

fn file(token: &str, path: &str) -> Arm {
    arm(token, "sensor.file", json!({"path": path}), 0.06)
}

impl Stage {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes the attempt's folder, as its first look has left it.
    fn folder(&self, token: &str) -> std::path::PathBuf {
        let key = AttemptKey { task: key("d", "r", token), try_number: 1 };
        let folder = Layout::new(self.path()).attempt_dir(&key);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Waits until an attempt has ended.
    async fn ended(&mut self) -> (String, Outcome) {
        let told = tokio::time::timeout(SOON, self.told.recv()).await.expect("in vain").unwrap();
        match told.input {
            Input::Report(Report::Finished { token, outcome, .. }) => (token.to_string(), outcome),
            other => panic!("{other:?}"),
        }
    }

    async fn said(&self, token: &str, words: &str) -> String {
        let path = self.folder(token).join("task.log");
        let read = || std::fs::read_to_string(&path).unwrap_or_default();
        let waited = tokio::time::timeout(SOON, async {
            while !read().contains(words) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "`{words}` is not in `{}`", read());
        read()
    }
}

#[tokio::test]
async fn a_file_that_comes_ends_the_wait() {
    let mut stage = stage();
    stage.triggers.arm(file("a", "x.csv"));
    std::fs::write(stage.path().join("x.csv"), "12").unwrap();
    let (token, outcome) = stage.ended().await;
    assert_eq!(token, "a");
    let Outcome::Success { output, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(output["count"], 1);
    assert!(!stage.triggers.disarm(&"a".into()), "it is looked after no more");
}

#[tokio::test]
async fn a_wait_writes_a_line_when_what_is_seen_changes_and_no_other() {
    let mut stage = stage();
    stage.folder("a");
    stage.triggers.arm(file("a", "x/*.csv"));
    stage.said("a", "`x/*.csv` is not there yet").await;
    // Another one with a shorter interval has looked several times by the time this one ends.
    std::fs::create_dir(stage.path().join("x")).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    std::fs::write(stage.path().join("x/a.csv"), "").unwrap();
    stage.ended().await;
    let said = stage.said("a", "it has come").await;
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[tokio::test]
async fn what_was_disarmed_does_not_end() {
    let mut stage = stage();
    stage.triggers.arm(file("a", "x.csv"));
    assert!(stage.triggers.disarm(&"a".into()));
    stage.triggers.arm(file("b", "x.csv"));
    std::fs::write(stage.path().join("x.csv"), "").unwrap();
    assert_eq!(stage.ended().await.0, "b");
    stage.triggers.stop();
    assert!(stage.told.try_recv().is_err());
}

#[tokio::test]
async fn after_a_repair_only_what_the_store_holds_is_looked_after() {
    let mut stage = stage();
    stage.triggers.arm(file("a", "x.csv"));
    stage.triggers.arm(file("b", "x.csv"));
    stage.triggers.reset(vec![file("b", "x.csv"), file("c", "x.csv")]);
    std::fs::write(stage.path().join("x.csv"), "").unwrap();
    let mut ended = vec![stage.ended().await.0, stage.ended().await.0];
    ended.sort();
    assert_eq!(ended, ["b", "c"]);
    assert!(!stage.triggers.disarm(&"a".into()));
}

#[tokio::test]
async fn a_run_that_is_waited_for_is_seen_by_the_engine_s_event() {
    let mut stage = stage();
    let args = json!({"dag_id": "other", "dag_run_id": "r", "allowed_states": ["success"]});
    stage.folder("a");
    stage.triggers.arm(arm("a", "sensor.task", args, 0.0));
    stage.said("a", "there is no run `r` of DAG `other` yet").await;
    let run = sample::run("other", "r", 0, DagRunState::Success);
    stage.store.commit(vec![Change::PutDagRun(run)]).await.unwrap();
    stage.publisher.publish(Event::DagRunChanged {
        dag_id: "other".into(),
        dag_run_id: "r".into(),
        state: DagRunState::Success,
    });
    let (_, outcome) = stage.ended().await;
    let expected = json!({"dag_id": "other", "dag_run_id": "r", "state": "success"});
    assert_eq!(outcome, Outcome::output(expected));
}

#[tokio::test]
async fn a_time_that_is_past_ends_at_once() {
    let mut stage = stage();
    let args = json!({"until": "2026-01-01T00:00:00Z"});
    stage.triggers.arm(arm("a", "sensor.time", args, 0.0));
    assert!(matches!(stage.ended().await.1, Outcome::Success { .. }));
}

#[tokio::test]
async fn secrets_are_put_back_for_the_look_and_masked_in_what_is_told() {
    let mut stage = stage();
    stage.folder("a");
    stage.triggers.arm(file("a", "${var:token}.csv"));
    let said = stage.said("a", "is not there yet").await;
    assert!(said.contains("`***.csv`"), "{said}");
    std::fs::write(stage.path().join("hunter2.csv"), "").unwrap();
    let (_, outcome) = stage.ended().await;
    let told = format!("{outcome:?}");
    assert!(told.contains("***.csv") && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_looked_at_fails_for_good() {
    let mut stage = stage();
    let args = json!({"uri": "pond:x.csv"});
    stage.triggers.arm(Arm { trigger: "{".into(), ..file("a", "x") });
    assert!(matches!(stage.ended().await.1, Outcome::Failed { retryable: false, .. }));
    stage.triggers.arm(arm("b", "sensor.object", args, 0.01));
    let (_, outcome) = stage.ended().await;
    let Outcome::Failed { error, retryable: false, .. } = outcome else { panic!("{outcome:?}") };
    assert!(error.contains("there is no connection `pond`"), "{error}");
    stage.triggers.arm(arm("c", "sensor.moon", json!({}), 0.01));
    let (_, outcome) = stage.ended().await;
    let Outcome::Failed { error, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error, "there is no operator `sensor.moon`");
}

#[tokio::test]
async fn a_thousand_files_are_found() {
    let mut stage = stage();
    std::fs::write(stage.path().join("x.csv"), "").unwrap();
    for i in 0..1000 {
        stage.triggers.arm(file(&format!("t{i}"), "x.csv"));
    }
    let mut ended = std::collections::BTreeSet::new();
    for _ in 0..1000 {
        ended.insert(stage.ended().await.0);
    }
    assert_eq!(ended.len(), 1000);
}
