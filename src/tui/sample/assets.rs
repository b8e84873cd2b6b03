//! Assets of the sample: what a folder of readings, a warehouse and a model are made of.

use std::collections::BTreeMap;

use serde_json::json;

use super::{before, origin};
use crate::types::ask::{Answer, LineageReach, Request};
use crate::types::asset::{AssetEvent, AssetEventKind, AssetEventSource};
use crate::types::freshness::{
    AssetEventView, AssetWhy, Freshness, PartitionView, Producer, StaleCause, StaleStep, StartedRun,
};
use crate::types::ids::TaskInstanceKey;
use crate::types::io::{CheckResult, CheckView, OnFail};
use crate::types::view::{
    AssetView, DatasetName, LineageEdge, LineageKind, LineageNode, LineageView, LinkStanding,
    RecentRun,
};
use crate::types::{AssetName, DagRunState, Timestamp};

/// Answers what concerns assets.
pub(crate) fn answer(request: &Request) -> Option<Answer> {
    Some(match request {
        Request::ListAssets => Answer::Assets(assets()),
        Request::ShowLineage { of, reach } => Answer::Lineage(around(of.as_deref(), *reach)),
        Request::TraceLineage { of } => Answer::Trace(Box::new(origin::trace(of))),
        Request::ListColumns { of, .. } => Answer::Columns(origin::columns(of)),
        Request::ListAssetEvents { asset, .. } => {
            let name = asset.as_ref().map_or("lake_readings", |name| name.as_str());
            let count = assets().iter().find(|a| a.name.as_str() == name)?.event_count.min(3);
            Answer::AssetEvents(
                (0..i64::try_from(count).ok()?).map(|n| event_view(name, n)).collect(),
            )
        }
        Request::ListPartitions { asset, .. } => {
            let count = if asset.as_str() == "lake_readings" { 3 } else { 0 };
            Answer::Partitions((0..count).map(|n| partition(asset.as_str(), n)).collect())
        }
        Request::ExplainAsset { name } => Answer::AssetWhy(Box::new(why(name))),
        _ => return None,
    })
}

/// Which DAG makes what of what: the sample's lineage, edge by edge.
const EDGES: &[(&str, &str)] = &[
    ("asset:csv_data_asset", "dag:etl_example"),
    ("dag:etl_example", "asset:employee_data_asset"),
    ("asset:incoming", "dag:minio_path_watcher"),
    ("dag:minio_path_watcher", "asset:lake_readings"),
    ("file:/project/data/stations.csv", "dag:minio_producer"),
    ("dag:minio_producer", "asset:lake_readings"),
    ("asset:lake_readings", "dag:minio_consumer"),
    ("asset:lake_readings", "dag:features"),
    ("dag:features", "asset:features/rfm"),
    ("dag:features", "asset:features/session"),
    ("asset:features/rfm", "dag:mlops_pipeline"),
    ("dag:mlops_pipeline", "model:iris"),
    ("model:iris", "asset:production_model"),
    ("asset:production_model", "dag:model_serving_pipeline"),
    ("dag:model_serving_pipeline", "endpoint:iris"),
];

fn assets() -> Vec<AssetView> {
    let asset = |name: &str, uri: &str, from: &str, to: &str, count: u64| AssetView {
        name: name.into(),
        uri: uri.into(),
        watch: from.is_empty(),
        producing_tasks: if from.is_empty() { vec![] } else { vec![(from.into(), "write".into())] },
        consuming_tasks: if to.is_empty() { vec![] } else { vec![(to.into(), "read".into())] },
        scheduled_dags: if to.is_empty() { vec![] } else { vec![to.into()] },
        last_event: (count > 0).then(|| asset_event(name, 0)),
        event_count: count,
        freshness: freshness(name),
        producers: if from.is_empty() { vec![] } else { vec![producer(from)] },
        checks: if name == "employee_data_asset" { checks() } else { vec![] },
        group: if name.starts_with("features/") { "features" } else { "asset" }.into(),
        freshness_limit: (name == "lake_readings").then_some(86_400.0),
        partitions: if name == "lake_readings" { 3 } else { 0 },
    };
    vec![
        asset("csv_data_asset", "file:data/employees.csv", "", "etl_example", 2),
        asset("employee_data_asset", "warehouse:employees", "etl_example", "", 12),
        asset("features/rfm", "warehouse:rfm", "features", "mlops_pipeline", 9),
        asset("features/session", "warehouse:session", "features", "", 9),
        asset("incoming", "lake:incoming/*.csv", "", "minio_path_watcher", 0),
        asset("lake_readings", "lake:readings/*.csv", "minio_producer", "minio_consumer", 31),
        asset(
            "production_model",
            "models:/iris@production",
            "mlops_pipeline",
            "model_serving_pipeline",
            3,
        ),
    ]
}

fn checks() -> Vec<CheckView> {
    let check = |expect: &str, passed: bool, figures: Option<&str>, on_fail: OnFail| CheckView {
        task: TaskInstanceKey {
            dag_id: "etl_example".into(),
            dag_run_id: "scheduled__2026-03-02T08:00:00+00:00".into(),
            task_id: "check".into(),
            map_index: -1,
        },
        try_number: 1,
        timestamp: before(600),
        result: CheckResult {
            table: "transform".into(),
            expect: expect.into(),
            passed,
            value: 1.into(),
            figures: figures.map(str::to_owned),
            on_fail,
        },
    };
    vec![
        check("count(*) > 0", true, None, OnFail::Fail),
        check("count(*) = count(distinct id)", true, None, OnFail::Fail),
        check("max(salary) < 500000", false, Some("612000 < 500000"), OnFail::Warn),
    ]
}

fn freshness(name: &str) -> Freshness {
    match name {
        "incoming" => Freshness::Never,
        "lake_readings" | "features/rfm" | "features/session" => Freshness::Stale,
        _ => Freshness::Fresh,
    }
}

fn producer(dag_id: &str) -> Producer {
    let state = if dag_id == "minio_producer" { DagRunState::Failed } else { DagRunState::Success };
    Producer {
        dag_id: dag_id.into(),
        is_paused: false,
        last_run: Some(RecentRun {
            dag_run_id: "scheduled__2026-03-02T08:00:00+00:00".into(),
            state,
            run_after: before(900),
            start_date: Some(before(900)),
            end_date: Some(before(880)),
        }),
    }
}

fn event_view(name: &str, n: i64) -> AssetEventView {
    let started = StartedRun {
        dag_id: "minio_consumer".into(),
        dag_run_id: format!("asset_triggered__{n}").as_str().into(),
        state: if n == 0 { DagRunState::Running } else { DagRunState::Success },
        start_date: None,
        end_date: None,
        partition_key: None,
        is_triggering: true,
    };
    AssetEventView {
        event: asset_event(name, n),
        started_runs: if n < 2 { vec![started] } else { vec![] },
    }
}

fn partition(name: &str, n: i64) -> PartitionView {
    let (last, events) = (event_view(name, n), 1 + n.unsigned_abs());
    PartitionView { partition_key: partition_key(n), last, events }
}

fn partition_key(n: i64) -> String {
    ["2026-03-02", "2026-03-01", "2026-02-28"][usize::try_from(n.min(2)).unwrap()].to_owned()
}

pub(super) fn asset_event(name: &str, n: i64) -> AssetEvent {
    let task = TaskInstanceKey {
        dag_id: "minio_producer".into(),
        dag_run_id: "scheduled__2026-03-02T08:00:00+00:00".into(),
        task_id: "write".into(),
        map_index: -1,
    };
    AssetEvent {
        id: n,
        name: name.into(),
        uri: "lake:readings/2026-03-02.csv".into(),
        timestamp: before(180 + n * 86_400),
        source: match n {
            0 => AssetEventSource::Task(task),
            1 => AssetEventSource::Watcher,
            _ => AssetEventSource::Person { user: "ana".into() },
        },
        extra: json!({"uri": "lake:readings/2026-03-02.csv", "size": 4812})
            .as_object()
            .unwrap()
            .clone(),
        dedupe_key: None,
        kind: if n == 1 { AssetEventKind::Created } else { AssetEventKind::Changed },
        partition_key: (name == "lake_readings").then(|| partition_key(n)),
        source_aliases: Vec::new(),
    }
}

fn node(id: &str, hop: i32, hidden: (u32, u32)) -> LineageNode {
    let (kind, name) = id.split_once(':').unwrap();
    let kind = LineageKind::ALL.into_iter().find(|one| one.as_str() == kind).unwrap();
    let name = name.trim_start_matches("/project/");
    let freshness = (kind == LineageKind::Asset).then(|| freshness(name));
    let state = match (&kind, name) {
        (LineageKind::Dag, "minio_producer") => Some(DagRunState::Failed),
        (LineageKind::Dag, "minio_consumer") => Some(DagRunState::Running),
        (LineageKind::Dag, _) => Some(DagRunState::Success),
        _ => None,
    };
    let last: Option<Timestamp> = (name != "incoming").then(|| before(180));
    let is_paused = name == "minio_path_watcher";
    LineageNode {
        id: id.into(),
        kind,
        name: name.into(),
        last,
        state,
        freshness,
        is_paused,
        hop,
        hidden,
        datasets: match kind {
            LineageKind::File => vec![DatasetName {
                namespace: "file".into(),
                name: "/project/data/stations.csv".into(),
            }],
            _ => Vec::new(),
        },
        note: String::new(),
    }
}

fn edge(from: &str, to: &str) -> LineageEdge {
    LineageEdge {
        from: from.to_owned(),
        to: to.to_owned(),
        standing: match (from, to) {
            ("asset:lake_readings", "dag:features") => LinkStanding::Declared,
            ("file:/project/data/stations.csv", _) => LinkStanding::Seen,
            _ => LinkStanding::Both,
        },
        last_seen: (to != "dag:features").then(|| before(180)),
        by: vec![if from.starts_with("dag:") { "write" } else { "read" }.to_owned()],
    }
}

/// Returns what lies around a node, as the daemon would.
fn around(focus: Option<&str>, reach: LineageReach) -> LineageView {
    let all: std::collections::BTreeSet<&str> =
        EDGES.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let mut hops: BTreeMap<&str, i32> = BTreeMap::new();
    match focus.and_then(|focus| all.get(focus)) {
        None => hops.extend(all.iter().map(|id| (*id, 0))),
        Some(focus) => {
            for (sign, max) in [(-1, reach.up), (1, reach.down)] {
                let mut rim = vec![*focus];
                for hop in 0..=i32::try_from(max.unwrap_or(99)).unwrap() {
                    let mut next = Vec::new();
                    for id in rim {
                        hops.entry(id).or_insert(sign * hop);
                        next.extend(EDGES.iter().filter_map(|(from, to)| match sign {
                            -1 => (*to == id).then_some(*from),
                            _ => (*from == id).then_some(*to),
                        }));
                    }
                    rim = next;
                }
            }
        }
    }
    let shown = |id: &str| hops.contains_key(id);
    let count = |f: &dyn Fn(&(&str, &str)) -> bool| {
        u32::try_from(EDGES.iter().filter(|edge| f(edge)).count()).unwrap()
    };
    let nodes = hops.iter().map(|(id, hop)| {
        let up = count(&|(from, to)| to == id && !shown(from));
        let down = count(&|(from, to)| from == id && !shown(to));
        node(id, *hop, (up, down))
    });
    let edges = EDGES.iter().filter(|(from, to)| shown(from) && shown(to));
    LineageView {
        nodes: nodes.collect(),
        edges: edges.map(|(from, to)| edge(from, to)).collect(),
        total: all.len(),
        focus: focus.map(str::to_owned),
    }
}

fn why(name: &AssetName) -> AssetWhy {
    let step = |asset: &str, cause: Option<StaleCause>, text: &str| StaleStep {
        asset: asset.into(),
        last: Some(before(180)),
        cause,
        text: text.into(),
        remedy: None,
        dag_id: None,
        dag_run_id: None,
        task_id: None,
    };
    let root = StaleStep {
        remedy: Some("mend it, then `dagdeck tasks clear minio_producer r1 --only-failed`".into()),
        dag_id: Some("minio_producer".into()),
        dag_run_id: Some("scheduled__2026-03-02T08:00:00+00:00".into()),
        task_id: Some("write".into()),
        ..step(
            "lake_readings",
            Some(StaleCause::RunFailed),
            "`minio_producer` failed to make it at task `write`: exit code 1",
        )
    };
    let path = match (freshness(name.as_str()), name.as_str()) {
        (Freshness::Stale, "lake_readings") => vec![root],
        (Freshness::Stale, name) => {
            vec![root, step(name, None, "made of `lake_readings`, which is old")]
        }
        (_, name) => vec![step(name, None, "nothing that it is made of has changed since")],
    };
    AssetWhy {
        name: name.clone(),
        freshness: freshness(name.as_str()),
        path,
        downstream_assets: 2,
        callbacks: Vec::new(),
    }
}
