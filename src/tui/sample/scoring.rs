//! A run with all that step 2 knows: groups, a mapped task, a setup and its teardown, something
//! deferred, a question that waits.

use std::collections::BTreeMap;

use crate::sample::{before, key};
use crate::types::TaskInstanceState as S;
use crate::types::deadline::Deadline;
use crate::types::executor::TryPlace;
use crate::types::progress::Progress;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::view::{GroupView, RunDetailView, TaskPlace};

fn task(run: &DagRun, id: &str, index: i32, operator: &str, state: Option<S>) -> TaskInstance {
    let has_begun = state.is_some() && state != Some(S::Queued);
    let is_over = state.is_some_and(S::is_finished);
    let mut key = key(run, id);
    key.map_index = index;
    TaskInstance {
        key,
        state,
        try_number: u32::from(has_begun),
        max_tries: 3,
        operator: operator.into(),
        pool: "default_pool".into(),
        queued_when: has_begun.then(|| before(19)),
        start_date: has_begun.then(|| before(18 - i64::from(index.max(0)))),
        end_date: is_over.then(|| before(9 - i64::from(index.max(0)) / 2)),
        note: match (state, id) {
            (Some(S::Failed), _) => Some("exit code 3: row 812 has no price".into()),
            (Some(S::Deferred), "wait_for_prices") => {
                Some("waits for file lake:prices/2026-03-02.csv".into())
            }
            (Some(S::Deferred), _) => Some("waits for an answer: Publish the scores?".into()),
            _ => None,
        },
        token: None,
        trigger: None,
        trigger_timeout: None,
        pid: None,
        place: TryPlace::default(),
        scheduled_when: None,
        next_retry_at: (state == Some(S::UpForRetry)).then(|| before(-25)),
        user_note: (index == 3).then(|| "asked the shop about it".into()),
    }
}

pub(super) fn run_detail(run: DagRun) -> RunDetailView {
    let of = |id: &str, operator: &str, state| task(&run, id, -1, operator, state);
    let mut tasks = vec![
        of("start_cluster", "cluster.start", Some(S::Success)),
        of("ingest.list_files", "python", Some(S::Success)),
    ];
    tasks.extend((0..10).map(|index| {
        let state = match index {
            3 => S::Failed,
            8 => S::Running,
            9 => S::UpForRetry,
            _ => S::Success,
        };
        task(&run, "ingest.parse", index, "python", Some(state))
    }));
    tasks.push(of("train", "ml.train", Some(S::Running)));
    tasks.push(of("wait_for_prices", "sensor.file", Some(S::Deferred)));
    tasks.push(of("publish", "approval", Some(S::Deferred)));
    tasks.push(of("score", "ml.predict", None));
    tasks.push(of("stop_cluster", "cluster.stop", None));
    let progress = |id: &str, index: i32, fraction, text: &str| {
        let mut key = key(&run, id);
        key.map_index = index;
        (key, Progress { fraction, text: text.into(), at: before(1) })
    };
    let edges = [
        ("start_cluster", "ingest.list_files"),
        ("ingest.list_files", "ingest.parse"),
        ("start_cluster", "train"),
        ("ingest.parse", "score"),
        ("train", "score"),
        ("wait_for_prices", "score"),
        ("publish", "score"),
        ("score", "stop_cluster"),
    ];
    RunDetailView {
        progress: vec![
            progress("train", -1, Some(0.4), "epoch 4 of 10"),
            progress("ingest.parse", 8, Some(0.75), ""),
        ],
        edges: edges.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect(),
        places: places(),
        groups: vec![GroupView {
            group_id: "ingest".into(),
            parent: None,
            tooltip: Some("files of the day".into()),
            is_mapped: false,
        }],
        triggering_asset_events: vec![],
        median_duration: Some(90.0),
        deadlines: vec![Deadline {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            number: 0,
            reference: "dagrun_queued_at".into(),
            deadline_time: before(-280),
            missed: false,
            met_at: None,
        }],
        tasks,
        run,
    }
}

fn places() -> BTreeMap<crate::types::TaskId, TaskPlace> {
    let in_group = |is_mapped| TaskPlace {
        group_id: Some("ingest".into()),
        is_mapped,
        ..TaskPlace::default()
    };
    BTreeMap::from([
        ("start_cluster".into(), TaskPlace { is_setup: true, ..TaskPlace::default() }),
        ("ingest.list_files".into(), in_group(false)),
        ("ingest.parse".into(), in_group(true)),
        ("stop_cluster".into(), TaskPlace { is_teardown: true, ..TaskPlace::default() }),
    ])
}
