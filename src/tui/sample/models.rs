//! Registered models of the sample.

use serde_json::{Value, json};

use super::{before, tracking_run};
use crate::types::ask::{Answer, Request};
use crate::types::gate::{Gate, GateFigure, Origin};
use crate::types::io::ColumnRef;
use crate::types::run::DagRunKey;
use crate::types::view::{
    AliasMove, AliasPlan, ModelDetailView, ModelVersionView, ModelView, RunInput,
};

/// Answers what concerns registered models.
pub(crate) fn answer(request: &Request) -> Option<Answer> {
    Some(match request {
        Request::ListModels => Answer::Models(vec![model("iris", 4, 3), model("housing", 2, 2)]),
        Request::ShowModel { name } => Answer::Model(Box::new(model_detail(name))),
        Request::PlanPromote { name, version, alias } => {
            Answer::AliasPlan(Box::new(plan(name, alias, 3, *version)))
        }
        Request::PlanRollback { name, alias } => {
            Answer::AliasPlan(Box::new(plan(name, alias, 3, 2)))
        }
        Request::Promote { name, version, .. } => {
            Answer::ModelVersion(Box::new(model_version(name, *version)))
        }
        Request::Rollback { name, .. } => Answer::ModelVersion(Box::new(model_version(name, 2))),
        _ => return None,
    })
}

fn model(name: &str, latest: u32, production: u32) -> ModelView {
    ModelView {
        name: name.into(),
        creation_timestamp: before(86_400 * 30),
        last_updated_timestamp: before(7200),
        aliases: vec![("production".into(), production)],
        latest_version: Some(latest),
        version_count: u64::from(latest),
        description: (name == "iris").then(|| "Tells three species by their leaves.".into()),
        tags: if name == "iris" { vec![("owner".into(), "ada".into())] } else { vec![] },
    }
}

fn gate(version: u32) -> Gate {
    let passed = version != 1;
    let figure = |metric: &str, required: &str, value: Option<f64>, passed| GateFigure {
        metric: metric.into(),
        required: required.into(),
        value,
        passed,
    };
    Gate {
        task_id: "decide".into(),
        passed,
        reason: if passed { "accuracy 0.9267" } else { "vs_champion -0.04 >= -0.01 required" }
            .into(),
        figures: vec![
            figure("accuracy", ">= 0.75", Some(0.9267), Some(true)),
            figure("r2", ">= 0.6", None, None),
            figure(
                "vs_champion",
                ">= -0.01",
                Some(if passed { 0.0134 } else { -0.04 }),
                Some(passed),
            ),
        ],
    }
}

fn model_version(name: &str, version: u32) -> ModelVersionView {
    let run = tracking_run(i64::from(version));
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    ModelVersionView {
        name: name.into(),
        version,
        aliases: if version == 3 { vec!["production".into()] } else { vec![] },
        run_id: Some(run.run_id),
        creation_timestamp: before(600 + 86_400 * i64::from(4 - version.min(4))),
        source: "dagdeck-artifacts:/1/model".into(),
        metrics: run.metrics,
        params: run.params,
        tags: vec![
            tag("dagdeck.dataset", name),
            tag("dagdeck.dataset_digest", if version > 2 { "9f3c11d2" } else { "77aa0b1c" }),
        ],
        signature: Some(signature()),
        size_bytes: Some(41_200 + 1_000 * u64::from(version)),
        origin: Some(Origin {
            run: DagRunKey {
                dag_id: "mlops_pipeline".into(),
                dag_run_id: format!("manual__{version}").as_str().into(),
            },
            dag_version_number: Some(version.min(2)),
        }),
        gates: vec![gate(version)],
        serves: (version == 3).then_some(90),
        inputs: vec![input(name, version)],
        description: (version == 3).then(|| "With the leaves of last summer.".into()),
        stage: if version == 2 { "Staging" } else { "None" }.into(),
        version_tags: if version == 3 { vec![tag("reviewed", "yes")] } else { vec![] },
        user: Some("ada".into()),
        model_id: None,
    }
}

fn input(name: &str, version: u32) -> RunInput {
    let column = |name: &str, kind: &str| ColumnRef {
        name: name.into(),
        column_type: kind.into(),
        origins: vec![],
    };
    RunInput {
        name: name.into(),
        digest: if version > 2 { "9f3c11d2a0b1c2d3" } else { "77aa0b1cd4e5f607" }.into(),
        source: format!("/project/data/{name}.csv"),
        rows: 150,
        bytes: 3_858,
        target: "species".into(),
        columns: vec![column("sepal_length", "double"), column("species", "string")],
        asset_events: vec![super::assets::asset_event("features/rfm", 0)],
    }
}

fn signature() -> Value {
    let columns: Vec<Value> = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
        .map(|name| json!({"name": name, "type": "double"}))
        .to_vec();
    json!({"inputs": Value::from(columns).to_string(), "outputs": "[]"})
}

fn model_detail(name: &str) -> ModelDetailView {
    let step = |id: i64, from: Option<u32>, to: u32, action: &str| AliasMove {
        id,
        name: name.into(),
        alias: "production".into(),
        from_version: from,
        to_version: Some(to),
        when: before(86_400 * (4 - id)),
        user: "ana".into(),
        action: action.into(),
        reason: (id == 1).then(|| "the first one; nothing to compare it with".into()),
    };
    ModelDetailView {
        model: model(name, 4, 3),
        versions: (1..=4).rev().map(|version| model_version(name, version)).collect(),
        history: vec![
            step(3, Some(2), 3, "promote"),
            step(2, Some(1), 2, "promote"),
            step(1, None, 1, "promote"),
        ],
    }
}

fn plan(name: &str, alias: &str, from: u32, to: u32) -> AliasPlan {
    AliasPlan {
        name: name.into(),
        alias: alias.into(),
        from: Some(model_version(name, from)),
        to: model_version(name, to),
        metrics: vec![
            ("accuracy".into(), Some(0.9533), Some(0.9667)),
            ("log_loss".into(), Some(0.1832), Some(0.2101)),
            ("f1_macro".into(), None, Some(0.9653)),
        ],
        params: vec![("learning_rate".into(), Some("0.1".into()), Some("0.05".into()))],
        starts_dags: vec!["model_serving_pipeline".into()],
        traffic: vec![format!(
            "model_serving_pipeline deploys v{to}: 10 %, 50 %, 100 % of the requests, 2s each"
        )],
    }
}
