//! The sample's chain from a file to an answer, and its columns.

use super::before;
use crate::types::run::DagRunKey;
use crate::types::view::{
    ColumnStep, ColumnTrace, ColumnsView, LineageKind, TraceKind, TraceStep, TraceView,
};

fn kind_and_name(id: &str) -> (LineageKind, String) {
    let (kind, name) = id.split_once(':').unwrap_or(("asset", id));
    let kind = LineageKind::ALL.into_iter().find(|one| one.as_str() == kind);
    let name = match kind {
        Some(LineageKind::Version) => name.replacen('/', " v", 1),
        _ => name.to_owned(),
    };
    (kind.unwrap_or(LineageKind::Asset), name)
}

/// Returns the chain, which is the same wherever it is looked at.
pub(super) fn trace(of: &str) -> TraceView {
    let (kind, name) = kind_and_name(of);
    let step = |depth: u32, kind: TraceKind, name: &str, text: &str, node: &str| TraceStep {
        depth,
        kind,
        name: name.into(),
        text: text.into(),
        when: (kind != TraceKind::Data).then(|| before(180 + i64::from(depth) * 600)),
        node: Some(node.into()),
        run: (kind == TraceKind::Run).then(|| DagRunKey {
            dag_id: name.split(' ').next().unwrap().into(),
            dag_run_id: name.split(' ').nth(1).unwrap().into(),
        }),
    };
    let upstream = vec![
        step(1, TraceKind::Run, "features asset_triggered__7", "success", "dag:features"),
        step(
            2,
            TraceKind::Event,
            "lake_readings changed: lake:readings/2026-03-02.csv",
            "by minio_producer.write",
            "asset:lake_readings",
        ),
        step(
            3,
            TraceKind::Run,
            "minio_producer scheduled__2026-03-02T08:00:00+00:00",
            "success",
            "dag:minio_producer",
        ),
        step(
            2,
            TraceKind::Data,
            "asset lake_readings",
            "24 rows, 4812 bytes",
            "asset:lake_readings",
        ),
    ];
    let downstream = vec![
        step(1, TraceKind::Run, "mlops_pipeline manual__3", "success", "dag:mlops_pipeline"),
        step(
            2,
            TraceKind::Version,
            "iris v3",
            "@production, answers 90 % of requests",
            "version:iris/3",
        ),
        step(
            3,
            TraceKind::Run,
            "model_serving_pipeline asset_triggered__3",
            "success",
            "dag:model_serving_pipeline",
        ),
        step(4, TraceKind::Endpoint, "iris", "v3 answers 90 % of requests", "endpoint:iris"),
    ];
    TraceView { id: of.to_owned(), kind, name, upstream, downstream, is_cut: false }
}

/// Returns columns of employees; of readings nobody told anything.
pub(super) fn columns(of: &str) -> ColumnsView {
    let (kind, name) = kind_and_name(of);
    let step = |depth: u32, dataset: &str, column: &str, computed: bool, by: &str| ColumnStep {
        depth,
        dataset: dataset.into(),
        namespace: "dagdeck".into(),
        name: dataset.into(),
        column: column.into(),
        computed,
        by: format!("etl_example.{by}"),
    };
    let way = |column: &str, computed: bool, load: &str| {
        vec![
            step(1, "etl_example.transform", load, false, "load"),
            step(2, "etl_example.extract", column, computed, "transform"),
            step(3, "data/employees.csv", column, false, "extract"),
        ]
    };
    let column = |name: &str, kind: &str, origins: Vec<ColumnStep>| ColumnTrace {
        name: name.into(),
        column_type: kind.into(),
        origins,
    };
    let columns = if name.contains("readings") {
        vec![]
    } else {
        vec![
            column("id", "INTEGER", way("id", false, "id")),
            column("name", "TEXT", way("name", false, "name")),
            column("salary", "REAL", way("salary", false, "salary")),
            column("yearly_salary", "REAL", way("salary", true, "yearly_salary")),
            column("loaded_at", "TEXT", vec![]),
        ]
    };
    ColumnsView { id: of.to_owned(), kind, name, columns }
}
