//! Attempts inside the daemon. A model server that never answers keeps one in flight.

use dagdeck::types::{DagRunState, TaskInstanceState};

use super::bench::Bench;

const MONITOR: &str = "[dag.d.task.t]\noperator = \"serving.monitor\"\nretries = 0\n";

#[tokio::test]
async fn a_branch_is_followed_and_the_other_is_skipped() {
    let bench = Bench::start(
        "[dag.d.task.t]\noperator = \"branch\"\nchoose = \"left\"\n\
         [dag.d.task.left]\noperator = \"empty\"\ndepends_on = [\"t\"]\n\
         [dag.d.task.right]\noperator = \"empty\"\ndepends_on = [\"t\"]\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.task("left").state, Some(TaskInstanceState::Success));
    assert_eq!(bench.task("right").state, Some(TaskInstanceState::Skipped));
    assert!(!bench.attempt_dir("t", 1).exists(), "what only decides needs no folder");
}

#[tokio::test]
async fn what_was_in_flight_is_run_again_with_its_token() {
    let mut bench = Bench::start(MONITOR).await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Running).await;
    let token = bench.task("t").token;
    bench.stop().await;
    assert_eq!(bench.task("t").state, Some(TaskInstanceState::Running));
    bench.start_again().await.unwrap();
    // It asks the model server anew, which is what shows that it runs again.
    bench.orders.as_mut().unwrap().recv().await.unwrap();
    assert_eq!((bench.task("t").token, bench.task("t").try_number), (token, 1));
    bench.orders = None;
    bench.ended(DagRunState::Failed).await;
}

#[tokio::test]
async fn it_can_be_cancelled() {
    let bench = Bench::start(MONITOR).await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Running).await;
    bench.cancel().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    let log = bench.attempt_dir("t", 1).join("task.log");
    let read = || std::fs::read_to_string(&log).unwrap_or_default();
    bench.until("the log says so", |_| read().contains("the attempt is ended: ")).await;
    assert!(!bench.attempt_dir("t", 1).join("report.json").exists());
}
