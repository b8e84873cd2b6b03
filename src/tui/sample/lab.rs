//! Tracked runs with what was logged on the way, and what lies beside them.

use serde_json::json;

use crate::sample::{before, tracking_run};
use crate::types::TrackingRunId;
use crate::types::ask::{Answer, Nesting, Request};
use crate::types::serving::{
    ArmView, PredictionView, RolloutState, RolloutView, ServedHistory, ShadowView, Sticky,
    TrafficView, VerdictView,
};
use crate::types::view::{
    ArtifactView, LoggedModelView, MetricHistoryView, MetricPointView, NestedRuns, TrackingRunView,
    TrialView, TrialsView,
};

/// Runs of the experiment, more than one page.
const RUNS: u32 = 206;

/// Which of them is a search under way, with so many trials.
const SEARCH: i64 = 3;
const TRIALS: u64 = 12;
const FIRST_TRIAL: i64 = 0x1000;

pub(super) fn answer(request: &Request) -> Option<Answer> {
    Some(match request {
        Request::ListTrackingRuns { nesting: Nesting::Under(_), .. } => {
            let runs: Vec<_> = search(TRIALS).trials.iter().rev().map(trial_run).collect();
            Answer::TrackingRuns { total: runs.len() as u64, runs }
        }
        Request::ListLoggedModels { .. } => Answer::LoggedModels(logged_models()),
        Request::ShowLoggedModel { model_id } => {
            Answer::LoggedModel(Box::new(logged_model(model_id)?))
        }
        Request::ListTrials { .. } => Answer::Trials(Box::new(search(TRIALS))),
        Request::ListTrackingRuns { filter, order_by, limit, offset, .. } => {
            let shown = if filter.is_empty() { RUNS } else { 2 };
            let last = shown.min(offset + limit.min(&6));
            let mut runs: Vec<_> = (*offset..last).map(|n| run(i64::from(n % 6))).collect();
            if order_by.iter().any(|key| key.ends_with("ASC")) {
                runs.reverse();
            }
            Answer::TrackingRuns { runs, total: u64::from(shown) }
        }
        Request::ShowTrackingRun { run_id } if number(run_id) >= FIRST_TRIAL => {
            let found = search(TRIALS).trials.into_iter().find(|trial| trial.run_id == *run_id)?;
            Answer::TrackingRun(Box::new(trial_run(&found)))
        }
        Request::ShowTrackingRun { run_id } => Answer::TrackingRun(Box::new(run(number(run_id)))),
        Request::GetMetricHistory { run_id, key, .. } => {
            Answer::MetricHistory(history(run_id, key))
        }
        Request::ReadArtifact { path, .. } => Answer::Artifact(artifact(path)),
        Request::Predict(wish) => Answer::Predicted(PredictionView {
            status: 200,
            model: wish.model.clone(),
            version: wish.version.or(Some(3)),
            took_ms: 0.84,
            request_id: None,
            body: json!([{"class": "setosa", "probabilities": {"setosa": 0.98, "versicolor": 0.02}}]),
        }),
        _ => return None,
    })
}

/// The run of a search that is under way.
pub(crate) fn search_id() -> TrackingRunId {
    TrackingRunId::new(format!("{SEARCH:032x}"))
}

/// A search with its first trials.
pub(crate) fn search(trials: u64) -> TrialsView {
    TrialsView { run: run(SEARCH), trials: (1..=trials).map(trial).collect() }
}

/// Logged models: one that is registered, one that is not, one whose files are still to come.
pub(crate) fn logged_models() -> Vec<LoggedModelView> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let model = |n: i64, name: &str, status: &str| LoggedModelView {
        model_id: format!("m-{n:032x}"),
        name: name.into(),
        status: status.into(),
        model_type: Some("sklearn.RandomForestClassifier".into()),
        source_run_id: Some(TrackingRunId::new(format!("{n:032x}"))),
        creation_timestamp: before(600 + n * 3600),
        params: vec![pair("n_estimators", "200")],
        metrics: vec![("accuracy".into(), 0.9667 - n as f64 / 50.0), ("log_loss".into(), 0.18)],
        tags: vec![pair("owner", "ada")],
        registrations: if n == 0 { vec![("iris".into(), 3)] } else { vec![] },
        artifact_uri: format!("mlflow-artifacts:/1/models/m-{n:032x}/artifacts"),
        flavors: vec![],
        signature: None,
        files: vec![],
    };
    let (forest, small) = (model(0, "forest", "READY"), model(1, "forest-small", "READY"));
    vec![forest, small, model(2, "forest-late", "PENDING")]
}

fn logged_model(model_id: &str) -> Option<LoggedModelView> {
    let model = logged_models().into_iter().find(|model| model.model_id == model_id)?;
    let column = |name: &str, kind: &str| json!({"name": name, "type": kind, "required": true});
    Some(LoggedModelView {
        flavors: vec!["python_function".into(), "sklearn".into()],
        signature: Some(json!({
            "inputs": [column("sepal_length", "double"), column("petal_length", "double")],
            "outputs": [{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}],
        })),
        files: vec![("MLmodel".into(), 812), ("model.pkl".into(), 184_211)],
        ..model
    })
}

fn trial(number: u64) -> TrialView {
    let n = i64::try_from(number).unwrap();
    let (depth, is_dart) = (3 + n * 5 % 8, n % 3 == 1);
    let rate = 0.012 * 1.4_f64.powi(i32::try_from(n * 7 % 11).unwrap());
    let value = 0.16 + (depth as f64 - 6.0).abs() / 30.0 + rate / 2.0 + 0.2 / n as f64;
    let pair = |name: &str, value: String| (name.to_owned(), value);
    TrialView {
        number,
        run_id: TrackingRunId::new(format!("{:032x}", FIRST_TRIAL + n)),
        run_name: format!("xgboost-trial-{n}"),
        status: if n == 5 { "FAILED".into() } else { "FINISHED".into() },
        is_pruned: n % 4 == 2,
        value: (n != 5).then_some(value),
        start_time: before(400 - n * 20),
        end_time: Some(before(400 - n * 20 - 12 - n % 5)),
        params: vec![
            pair("booster", if is_dart { "dart".into() } else { "gbtree".into() }),
            pair("learning_rate", rate.to_string()),
            pair("max_depth", depth.to_string()),
            pair("model", "xgboost".into()),
        ],
    }
}

fn trial_run(trial: &TrialView) -> TrackingRunView {
    let state = if trial.is_pruned { "pruned" } else { "complete" };
    TrackingRunView {
        run_id: trial.run_id.clone(),
        run_name: trial.run_name.clone(),
        experiment_id: "1".into(),
        status: trial.status.clone(),
        start_time: trial.start_time,
        end_time: trial.end_time,
        params: trial.params.clone(),
        metrics: trial
            .value
            .map(|value| ("cv_log_loss_mean".to_owned(), value))
            .into_iter()
            .collect(),
        tags: vec![
            ("mlflow.parentRunId".into(), search_id().to_string()),
            ("dagdeck.trial_state".into(), state.into()),
        ],
        artifact_uri: "mlflow-artifacts:/1".into(),
        artifacts: vec![],
        nested: None,
    }
}

fn number(run_id: &TrackingRunId) -> i64 {
    i64::from_str_radix(run_id.as_str(), 16).unwrap_or(0)
}

fn run(n: i64) -> TrackingRunView {
    let mut run = tracking_run(n);
    let last = |key: &str| history(&run.run_id, key).points.last().map_or(0.0, |p| p.value);
    let rounds = ["train-mlogloss", "test-mlogloss", "cv_accuracy_fold"];
    let rounds: Vec<_> = rounds.iter().map(|key| ((*key).to_owned(), last(key))).collect();
    run.metrics.extend(rounds);
    run.params.push(("max_depth".into(), (4 + n % 3).to_string()));
    run.tags = vec![
        ("dagdeck.dag_id".into(), "mlops_pipeline".into()),
        ("dagdeck.dag_run_id".into(), "manual__2026-03-02T09:14:03+00:00".into()),
        ("mlflow.source.name".into(), "mlops_pipeline.train".into()),
    ];
    let files = [
        "calibration_curve",
        "confusion_matrix",
        "feature_importance",
        "precision_recall_curve",
        "roc_curve",
        "slices",
    ];
    for file in files {
        run.artifacts.push((format!("{file}.json"), 812));
    }
    if n == SEARCH {
        (run.status, run.end_time) = ("RUNNING".into(), None);
        run.nested = Some(NestedRuns {
            runs: TRIALS,
            running: 0,
            failed: 1,
            pruned: 3,
            planned: Some(20),
            metric: Some("cv_log_loss_mean".into()),
            best: trial(7).value.map(|value| (value, trial(7).run_id)),
        });
    }
    run
}

fn history(run_id: &TrackingRunId, key: &str) -> MetricHistoryView {
    let n = number(run_id) as f64;
    let count: i64 = match key {
        key if key.contains('-') => 60,
        key if key.ends_with("_fold") => 5,
        _ => 1,
    };
    let value = |step: i64| {
        let step = step as f64;
        match key {
            "train-mlogloss" => (-step / 14.0).exp() + 0.05 + n / 50.0,
            "test-mlogloss" => (-step / 12.0).exp() * 0.9 + 0.16 + step / 900.0 + n / 40.0,
            _ => 0.94 + (step * 2.3 + n).sin() / 40.0,
        }
    };
    let point = |step| MetricPointView { step, timestamp: before(600 - step), value: value(step) };
    MetricHistoryView {
        run_id: run_id.clone(),
        key: key.into(),
        points: (0..count).map(point).collect(),
        total: count.unsigned_abs(),
    }
}

fn artifact(path: &str) -> ArtifactView {
    let curve =
        |bend: f64| -> Vec<f64> { (0..=20).map(|n| (f64::from(n) / 20.0).powf(bend)).collect() };
    let classes = ["setosa", "versicolor", "virginica"];
    let value = match path {
        "confusion_matrix.json" => json!({"classes": classes,
            "matrix": [[10, 0, 0], [0, 9, 1], [0, 2, 8]]}),
        "roc_curve.json" => json!({"classes": [
            {"class": "setosa", "auc": 1.0, "fpr": [0.0, 0.0, 1.0], "tpr": [0.0, 1.0, 1.0]},
            {"class": "versicolor", "auc": 0.9634, "fpr": curve(1.0), "tpr": curve(0.25)},
        ]}),
        "calibration_curve.json" => json!({"bins": 10, "classes": [
            {"class": "versicolor", "mean_predicted": [0.05, 0.31, 0.52, 0.77, 0.96],
             "fraction_of_positives": [0.0, 0.25, 0.6, 0.75, 1.0], "count": [14, 4, 5, 4, 3]}]}),
        "precision_recall_curve.json" => json!({"classes": [
            {"class": "versicolor", "average_precision": 0.9512,
             "recall": [0.0, 0.4, 0.8, 1.0], "precision": [1.0, 1.0, 0.9, 0.5]},
        ]}),
        "slices.json" => json!({"slices": [
            {"column": "site", "value": "north", "rows": 17, "metrics": {"accuracy": 0.9412}},
            {"column": "site", "value": "south", "rows": 13, "metrics": {"accuracy": 0.8462}},
        ]}),
        "feature_importance.json" => json!({"kind": "gain", "importance": {
            "petal_length": 0.52, "petal_width": 0.41, "sepal_length": 0.05, "sepal_width": 0.02}}),
        _ => json!({"flavors": {"dagdeck": {"kind": "xgboost"}}, "run_id": "0"}),
    };
    let text = value.to_string();
    ArtifactView { path: path.into(), size: text.len() as u64, text: Some(text) }
}

/// A version over the last quarter of an hour.
pub(super) fn served(scale: f64) -> ServedHistory {
    let wave = |base: f64, height: f64, speed: f64| -> Vec<f64> {
        (0..90).map(|n| scale * (base + height * (f64::from(n) / speed).sin())).collect()
    };
    ServedHistory {
        requests: wave(30.0, 9.0, 9.0),
        p50_ms: (0..90).map(|n| 0.8 + f64::from(n % 5) / 20.0).collect(),
        p99_ms: (0..90).map(|n| 3.1 + f64::from((n * 7) % 13) / 6.0).collect(),
        refused: (0..90).map(|n| u32::from(n % 30 == 11)).collect(),
        failed: (0..90).map(|n| u32::from(n == 71)).collect(),
    }
}

/// A canary at its first step, a shadow, and what later truth says.
pub(super) fn traffic() -> TrafficView {
    let arm =
        |version, value, outcomes| ArmView { version, metric: "accuracy".into(), value, outcomes };
    TrafficView {
        model: "iris".into(),
        sticky: Some(Sticky::Header("x-user".into())),
        shadow: Some(ShadowView {
            version: 5,
            percent: 20,
            requests: 8_246,
            rows: 8_246,
            agreement: Some(0.982),
            difference: Some(0.013),
            p50_ms: Some(0.9),
            p99_ms: Some(5.1),
            ..ShadowView::default()
        }),
        rollout: Some(RolloutView {
            model: "iris".into(),
            version: 4,
            previous: Some(3),
            percents: vec![10, 50, 100],
            step: 0,
            state: RolloutState::Running,
            ends_at: Some(before(-18)),
            left_ms: None,
            started_at: before(12),
            ended_at: None,
            reason: None,
            task: "model_serving_pipeline.deploy of asset_triggered__1".into(),
        }),
        arms: vec![arm(3, 0.941, 1_204), arm(4, 0.957, 139)],
        verdicts: vec![VerdictView {
            version: 4,
            against: 3,
            metric: "accuracy".into(),
            difference: Some(0.016),
            interval: Some([-0.024, 0.048]),
            p: Some(0.51),
            verdict: "unclear".into(),
            more: Some(2_110),
            text:
                "v4 and v3: not to be told apart yet: accuracy 0.957 against 0.941, +0.016 (95 %: \
                   -0.024 to +0.048; p 0.510); about 2110 more of each would tell such a \
                   difference from chance"
                    .into(),
        }],
    }
}
