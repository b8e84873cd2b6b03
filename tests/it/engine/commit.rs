//! Commits that fail: nothing is half done, nothing is lost.

use dagdeck::types::{DagRunState, FaultKind, TaskInstanceState};
use serde_json::json;

use super::bench::{Bench, waiting};

impl Bench {
    fn sql(&self, sql: &str) {
        let conn = rusqlite::Connection::open(self.layout().database()).unwrap();
        conn.execute_batch(sql).unwrap();
    }

    fn break_store(&self) {
        self.sql(
            "CREATE TRIGGER broken BEFORE INSERT ON dag_run \
             BEGIN SELECT RAISE(ABORT, 'broken'); END; \
             CREATE TRIGGER broken_too BEFORE INSERT ON task_instance \
             BEGIN SELECT RAISE(ABORT, 'broken'); END;",
        );
    }

    fn mend_store(&self) {
        self.sql("DROP TRIGGER broken; DROP TRIGGER broken_too;");
    }
}

#[tokio::test]
async fn the_caller_gets_the_fault_and_nothing_has_happened() {
    let bench = Bench::start(&format!("[dag.d.task.t]\n{}", waiting("true"))).await;
    bench.break_store();
    let fault = bench.trigger().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal, "{fault}");
    assert_eq!(bench.run(), None);
    let live = bench.engine().live.borrow().clone();
    assert_eq!((live.runs_running, live.runs_queued, live.slots_used), (0, 0, 0));

    bench.mend_store();
    bench.trigger().await.unwrap();
    bench.go();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.file("ran").await, "x");
}

#[tokio::test]
async fn a_report_whose_commit_fails_is_not_lost() {
    let bench = Bench::start(&format!("[dag.d.task.t]\n{}", waiting("echo 5"))).await;
    bench.trigger().await.unwrap();
    bench.file("pid").await;
    bench.task_is("t", TaskInstanceState::Running).await;
    bench.break_store();
    bench.go();
    let report = bench.attempt_dir("t", 1).join("report.json");
    bench.until("the report is there", |_| report.exists()).await;
    // Each of these is refused after what was held has been tried before it.
    for _ in 0..3 {
        bench.cancel().await.unwrap_err();
    }
    assert_eq!(bench.task("t").state, Some(TaskInstanceState::Running));
    bench.mend_store();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t"), Some(json!(5)));
    assert_eq!(bench.file("ran").await, "x", "it ran once");
}
