//! Steps of a rollout against a stand-in for the model server.

use serde_json::json;

use super::*;
use crate::runtime::operator::args::Args;
use crate::runtime::operator::fake_server::{FakeServer, served};
use crate::runtime::publish::Publisher;
use crate::store::Store;
use crate::store::serving::rollout as kept;
use crate::types::LaunchToken;
use crate::types::event::Event;
use crate::types::serving::{RolloutView, ServedVersion};

struct Stage {
    server: FakeServer,
    store: Store,
    publisher: Publisher,
    log: TaskLog,
    folder: tempfile::TempDir,
    cancel: watch::Sender<bool>,
    cancelled: watch::Receiver<bool>,
}

impl Stage {
    fn new(versions: Vec<ServedVersion>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (cancel, cancelled) = watch::channel(false);
        let log = TaskLog::open(folder.path(), Vec::new()).unwrap();
        let store = Store::open(&folder.path().join("dagdeck.db")).unwrap();
        let server = FakeServer::start(versions);
        Self { server, store, publisher: Publisher::default(), log, folder, cancel, cancelled }
    }

    async fn deploy(&self, version: u32, step_ms: u64) -> Result<RolledOut, OperatorError> {
        let strategy = json!({
            "canary": [10, 50, 100], "step": f64::from(u32::try_from(step_ms).unwrap()) / 1000.0,
            "rollback_if": { "error_rate": "> 0.01", "p99_ms": "> 250" },
        });
        self.deploy_by("token", version, strategy).await
    }

    async fn deploy_by(
        &self,
        token: &str,
        version: u32,
        strategy: serde_json::Value,
    ) -> Result<RolledOut, OperatorError> {
        let args = json!({ "strategy": strategy });
        let strategy = Strategy::read(Args(args.as_object().unwrap())).unwrap();
        let rollout = Rollout {
            serving: &self.server.handle,
            log: &self.log,
            cancelled: &self.cancelled,
            ledger: Ledger {
                store: &self.store,
                publisher: &self.publisher,
                model: "iris",
                token: &LaunchToken::from(token),
                task: "serve.deploy of r1".to_owned(),
            },
            model: "iris",
            version,
        };
        rollout.carry_out(&strategy).await
    }

    fn kept(&self) -> Option<RolloutView> {
        let kept = self.store.read_blocking(|conn| kept::of(conn, "iris")).unwrap();
        kept.map(|kept| kept.rollout)
    }

    /// Changes what is kept, as somebody does who steers.
    fn steer(&self, change: impl FnOnce(&mut kept::Kept) + Send + 'static) {
        let steered = self.store.write_blocking(move |tx| {
            let mut kept = kept::of(tx, "iris")?.unwrap();
            change(&mut kept);
            kept::put(tx, &kept)
        });
        steered.unwrap();
        self.publisher.publish(Event::ServingChanged);
    }

    /// Waits until the traffic was moved so often.
    async fn until_moved(&self, times: usize) {
        while self.server.moves().len() < times {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("task.log")).unwrap()
    }
}

#[tokio::test]
async fn the_first_version_gets_all_traffic_at_once() {
    let stage = Stage::new(Vec::new());
    let rolled_out = stage.deploy(1, 3_600_000).await.unwrap();
    assert_eq!(rolled_out.previous, None);
    assert_eq!(stage.server.moves(), [vec![(1, 100)]]);
}

#[tokio::test]
async fn a_canary_goes_up_step_by_step() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    let rolled_out = stage.deploy(2, 0).await.unwrap();
    assert_eq!(rolled_out.previous, Some(1));
    let percents: Vec<_> = rolled_out.steps.iter().map(|step| step.percent).collect();
    assert_eq!(percents, [10, 50, 100]);
    let moves = [vec![(1, 90), (2, 10)], vec![(1, 50), (2, 50)], vec![(2, 100)]];
    assert_eq!(stage.server.moves(), moves);
}

#[tokio::test]
async fn a_version_with_all_traffic_is_left_alone() {
    let stage = Stage::new(vec![served("iris", 2, 100)]);
    assert_eq!(stage.deploy(2, 0).await.unwrap().steps, []);
    assert_eq!(stage.server.moves(), Vec::<Vec<(u32, u8)>>::new());
    assert!(stage.said().contains("has all traffic already"));
}

#[tokio::test]
async fn after_a_crash_it_goes_on_from_the_traffic_it_finds() {
    let stage = Stage::new(vec![served("iris", 1, 50), served("iris", 2, 50)]);
    stage.deploy(2, 0).await.unwrap();
    assert_eq!(stage.server.moves(), [vec![(1, 50), (2, 50)], vec![(2, 100)]]);
}

#[tokio::test]
async fn errors_over_the_limit_roll_back() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    stage.server.answers_with_errors(2);
    let error = stage.deploy(2, 0).await.unwrap_err();
    assert_eq!(
        error,
        OperatorError::fatal("rolled back at 10 %: error_rate is 0.5, and > 0.01 is the limit")
    );
    assert_eq!(stage.server.moves(), [vec![(1, 90), (2, 10)], vec![(1, 100)]]);
}

#[tokio::test]
async fn errors_of_both_versions_are_not_the_new_ones_doing() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    stage.server.answers_with_errors(1);
    stage.server.answers_with_errors(2);
    stage.deploy(2, 0).await.unwrap();
    assert_eq!(stage.server.moves().last().unwrap(), &[(2, 100)]);
    assert!(stage.said().contains("0.5 for the present version too"), "{}", stage.said());
}

#[tokio::test]
async fn somebody_may_go_on_or_back_before_the_time() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    let steering = async {
        stage.until_moved(1).await;
        stage.steer(|kept| kept.wish = Some(kept::Pending::Advance));
        stage.until_moved(2).await;
        assert_eq!(stage.kept().unwrap().percent(), 50);
        stage.steer(|kept| {
            kept.wish = Some(kept::Pending::Abort);
            kept.rollout.reason = Some("aborted by ada".to_owned());
        });
    };
    let (ended, ()) = tokio::join!(stage.deploy(2, 3_600_000), steering);
    assert_eq!(ended, Err(OperatorError::fatal("rolled back at 50 %: aborted by ada")));
    assert_eq!(stage.server.moves().last().unwrap(), &[(1, 100)]);
    let kept = stage.kept().unwrap();
    assert_eq!((kept.state, kept.step), (RolloutState::RolledBack, 1));
    assert_eq!(kept.reason.as_deref(), Some("rolled back at 50 %: aborted by ada"));
}

#[tokio::test]
async fn what_advances_against_the_figures_says_so() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    stage.server.answers_with_errors(2);
    let steering = async {
        for moved in 1..=2 {
            stage.until_moved(moved).await;
            stage.steer(|kept| kept.wish = Some(kept::Pending::Advance));
        }
    };
    let (ended, ()) = tokio::join!(stage.deploy(2, 3_600_000), steering);
    assert_eq!(ended.unwrap().steps.len(), 3);
    assert!(stage.said().contains("it goes on because somebody said so"), "{}", stage.said());
}

#[tokio::test]
async fn a_pause_holds_the_step_also_for_whoever_goes_on_after_a_crash() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    let strategy = json!({ "canary": [10, 50, 100], "step": 0.05 });
    let crashed = tokio::time::timeout(
        Duration::from_millis(300),
        futures_util::future::join(stage.deploy_by("token", 2, strategy.clone()), async {
            stage.until_moved(1).await;
            stage.steer(|kept| {
                kept.rollout.state = RolloutState::Paused;
                (kept.rollout.ends_at, kept.rollout.left_ms) = (None, Some(20));
            });
        }),
    );
    crashed.await.unwrap_err();
    assert_eq!(stage.server.moves(), [vec![(1, 90), (2, 10)]]);
    let going_on = stage.deploy_by("token", 2, strategy);
    let steering = async {
        stage.until_moved(2).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        let kept = stage.kept().unwrap();
        assert_eq!((kept.state, kept.left_ms), (RolloutState::Paused, Some(20)));
        assert_eq!(stage.server.moves().len(), 2, "it stayed paused");
        stage.steer(|kept| {
            kept.rollout.state = RolloutState::Running;
            kept.rollout.ends_at = Some(crate::types::time::now());
            kept.rollout.left_ms = None;
        });
    };
    let (ended, ()) = tokio::join!(going_on, steering);
    let percents: Vec<u8> = ended.unwrap().steps.iter().map(|step| step.percent).collect();
    assert_eq!(percents, [10, 50, 100]);
    assert!(stage.said().contains("goes on from step 1 of 3, paused"), "{}", stage.said());
    assert_eq!(stage.kept().unwrap().state, RolloutState::Done);
}

#[tokio::test]
async fn a_decision_to_go_back_is_carried_out_after_a_crash() {
    let stage = Stage::new(vec![served("iris", 1, 90), served("iris", 2, 10)]);
    stage
        .store
        .write_blocking(|tx| {
            kept::put(
                tx,
                &kept::Kept {
                    rollout: RolloutView {
                        model: "iris".into(),
                        version: 2,
                        previous: Some(1),
                        percents: vec![10, 100],
                        step: 0,
                        state: RolloutState::Running,
                        ends_at: None,
                        left_ms: None,
                        started_at: crate::types::Timestamp::UNIX_EPOCH,
                        ended_at: None,
                        reason: Some("rolled back at 10 %: p99_ms is 300".into()),
                        task: String::new(),
                    },
                    token: LaunchToken::from("token"),
                    wish: Some(kept::Pending::Abort),
                },
            )
        })
        .unwrap();
    let error = stage.deploy(2, 0).await.unwrap_err();
    assert_eq!(error, OperatorError::fatal("rolled back at 10 %: p99_ms is 300"));
    assert_eq!(stage.server.moves(), [vec![(1, 100)]]);
    assert_eq!(stage.kept().unwrap().state, RolloutState::RolledBack);
}

#[tokio::test]
async fn a_later_deployment_takes_over_and_the_earlier_one_leaves_the_traffic_alone() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    let hours = json!({ "canary": [10], "step": 3600 });
    let earlier = stage.deploy_by("earlier", 2, hours);
    let later = async {
        stage.until_moved(1).await;
        stage.deploy_by("later", 3, json!(null)).await
    };
    let (earlier, later) = tokio::join!(earlier, later);
    let told = "another deployment of `iris` has taken over";
    assert_eq!(earlier, Err(OperatorError::fatal(told)));
    assert_eq!(later.unwrap().previous, Some(1));
    assert_eq!(stage.server.moves(), [vec![(1, 90), (2, 10)], vec![(3, 100)]]);
}

#[tokio::test]
async fn a_pause_between_two_steps_keeps_the_next_one_from_beginning() {
    let stage = Stage::new(Vec::new());
    let token = LaunchToken::from("token");
    let ledger = Ledger {
        store: &stage.store,
        publisher: &stage.publisher,
        model: "iris",
        token: &token,
        task: String::new(),
    };
    ledger.begin(2, Some(1), vec![10, 100]).await.unwrap();
    assert!(ledger.enter(0, Duration::ZERO).await.unwrap());
    assert_eq!(ledger.watch(&stage.cancelled).await.unwrap(), StepEnd::InTime);
    stage.steer(|kept| kept.rollout.state = RolloutState::Paused);
    assert!(!ledger.enter(1, Duration::ZERO).await.unwrap());
    assert_eq!(stage.kept().unwrap().step, 0);
    stage.steer(|kept| kept.wish = Some(kept::Pending::Advance));
    assert_eq!(ledger.watch(&stage.cancelled).await.unwrap(), StepEnd::Advanced);
    assert!(ledger.enter(1, Duration::ZERO).await.unwrap());
    let kept = stage.kept().unwrap();
    assert_eq!((kept.step, kept.state), (1, RolloutState::Running));
    stage.steer(|kept| kept.token = LaunchToken::from("another"));
    assert!(ledger.enter(1, Duration::ZERO).await.unwrap_err().to_string().contains("taken over"));
    assert!(!ledger.decide_to_go_back("late").await.unwrap());
}

#[tokio::test]
async fn copies_that_disagree_keep_a_version_from_getting_any_traffic() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    let strategy = json!({
        "shadow": 0.01, "canary": [50], "step": 0.0,
        "rollback_if": { "disagreement_rate": "> 0.05" },
    });
    stage.server.agrees(0.5);
    let error = stage.deploy_by("one", 2, strategy.clone()).await.unwrap_err();
    let told = "rolled back at 0 %: disagreement_rate is 0.5, and > 0.05 is the limit";
    assert_eq!(error, OperatorError::fatal(told));
    assert!(stage.server.moves().iter().all(|move_| *move_ == [(1, 100)]));
    stage.server.agrees(0.99);
    let rolled_out = stage.deploy_by("two", 2, strategy).await.unwrap();
    let percents: Vec<u8> = rolled_out.steps.iter().map(|step| step.percent).collect();
    assert_eq!(percents, [0, 50, 100]);
}

#[tokio::test]
async fn a_cancelled_roll_out_sets_the_traffic_back() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    stage.cancel.send(true).unwrap();
    assert_eq!(stage.deploy(2, 3_600_000).await, Err(OperatorError::Cancelled));
    assert_eq!(stage.server.moves().last().unwrap(), &[(1, 100)]);
}

#[tokio::test]
async fn a_version_that_fails_its_smoke_check_never_gets_traffic() {
    let stage = Stage::new(vec![served("iris", 1, 100)]);
    stage.server.refuses_to_load();
    let error = stage.deploy(2, 0).await.unwrap_err().to_string();
    assert!(error.contains("smoke"), "{error}");
    assert!(stage.server.moves().is_empty());
}

#[tokio::test]
async fn other_models_are_left_alone() {
    let stage = Stage::new(vec![served("titanic", 2, 100)]);
    stage.deploy(1, 0).await.unwrap();
    assert_eq!(stage.server.moves(), [vec![(1, 100)]]);
}
