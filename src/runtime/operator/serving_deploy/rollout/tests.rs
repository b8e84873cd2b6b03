//! Steps of a rollout against a stand-in for the model server.

use serde_json::json;

use super::*;
use crate::runtime::operator::args::Args;
use crate::runtime::operator::fake_server::{FakeServer, served};

struct Stage {
    server: FakeServer,
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
        Self { server: FakeServer::start(versions), log, folder, cancel, cancelled }
    }

    async fn deploy(&self, version: u32, step_ms: u64) -> Result<RolledOut, OperatorError> {
        let args = json!({ "strategy": {
            "canary": [10, 50, 100], "step": f64::from(u32::try_from(step_ms).unwrap()) / 1000.0,
            "rollback_if": { "error_rate": "> 0.01", "p99_ms": "> 250" },
        } });
        let strategy = Strategy::read(Args(args.as_object().unwrap())).unwrap();
        let rollout = Rollout {
            serving: &self.server.handle,
            log: &self.log,
            cancelled: &self.cancelled,
            model: "iris",
            version,
        };
        rollout.carry_out(&strategy).await
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
