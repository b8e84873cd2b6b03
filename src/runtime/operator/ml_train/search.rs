//! `ml.train` with `trials`: each trial is a run under the run of the task, kept as soon as it is
//! over. An attempt that is stopped leaves them; the next one of the task goes on from there.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::args::Args;
use super::super::error::{OperatorError, chain};
use crate::ml::{Dataset, Sampler, Search, SearchSpec, TrainSpec, Trial, TrialState};
use crate::runtime::attempt::Order;
use crate::runtime::task_log::TaskLog;
use crate::store::Store;
use crate::tracking::run::{self, MetricPoint, NestedRun};
use crate::types::view::TrackingRunView;
use crate::types::{Timestamp, time};

/// What tells that two searches are the same: a digest of all that decides their trials.
pub(super) const TAG: &str = "dagdeck.search";
/// A trial as it was, on its run.
const TRIAL: &str = "dagdeck.trial";
const TRIALS_MAX: i64 = 10_000;

/// Reads `trials` and what goes with it; `None` where there are none.
pub(super) fn read(args: Args<'_>) -> Result<Option<SearchSpec>, OperatorError> {
    let trials = args.integer_or_none("trials")?.unwrap_or(0);
    if !(0..=TRIALS_MAX).contains(&trials) {
        let text = format!("`trials` is {trials}; expected 0 to {TRIALS_MAX}");
        return Err(OperatorError::Fatal(text));
    }
    let sampler = args.text_or_none("sampler")?.unwrap_or_else(|| Sampler::Tpe.to_string());
    let sampler = Sampler::parse(&sampler).ok_or_else(|| {
        OperatorError::Fatal(format!("`sampler` is `{sampler}`; expected tpe, random or grid"))
    })?;
    let space = match args.get("search") {
        None | Some(Value::Null) => Map::new(),
        Some(_) => args.table("search")?,
    };
    Ok((trials > 0).then_some(SearchSpec {
        trials: usize::try_from(trials).unwrap_or(0),
        sampler,
        metric: args.text_or_none("metric")?,
        space,
        prune: args.flag("prune", true)?,
    }))
}

/// Returns a digest of all that decides the trials of this task in this DAG run.
pub(super) fn same(
    order: &Order,
    dataset: &Dataset,
    spec: &TrainSpec,
    wanted: &SearchSpec,
) -> String {
    let task = &order.key.task;
    let place = (task.dag_id.as_str(), task.dag_run_id.as_str(), task.task_id.as_str());
    let what = serde_json::json!({
        "task": [place.0, place.1, place.2], "map_index": task.map_index,
        "dataset": dataset.digest, "table": order.dataset.as_ref().map(|wish| &wish.table),
        "model": spec.model,
        "hyperparameters": spec.hyperparameters, "seed": spec.seed,
        "test_size": spec.test_size, "folds": spec.folds,
        "sampler": wanted.sampler, "metric": wanted.metric, "space": wanted.space,
        "prune": wanted.prune,
    });
    let digest = Sha256::digest(what.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Carries out the trials that are left and returns what to train with the best.
pub(super) fn run(
    store: &Store,
    tracked: &TrackingRunView,
    dataset: &Dataset,
    spec: &TrainSpec,
    wanted: &SearchSpec,
    log: &TaskLog,
) -> Result<TrainSpec, OperatorError> {
    let kept = run::nested_tags(store, tracked, TRIAL)?;
    let kept: Vec<Trial> = kept.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let mut search = Search::new(dataset, spec, wanted, kept)
        .map_err(|error| OperatorError::Fatal(chain(&error)))?;
    let total = search.total();
    // Who looks on is told what is to come before it comes.
    let told = vec![
        (run::PLANNED.to_owned(), total.to_string()),
        (run::METRIC.to_owned(), search.metric().to_owned()),
    ];
    run::log_batch(store, &tracked.run_id, Vec::new(), Vec::new(), told)?;
    log.say(&format!(
        "search: {total} trials by {}, {} of them done; the best {} counts",
        wanted.sampler,
        search.trials().len(),
        search.metric(),
    ));
    loop {
        let start = time::now();
        let Some(trial) = search.next_trial(&mut |_| {}).cloned() else { break };
        let nested = nested(tracked, &search, &trial, spec, start);
        run::nest(store, tracked, nested)?;
        log.say(&line(&search, &trial, total));
    }
    let Some(best) = search.best() else {
        let mut latest = search.trials().iter().rev();
        let fault = latest.find_map(|trial| trial.fault.clone());
        let fault = fault.unwrap_or_else(|| "none was complete".to_owned());
        return Err(OperatorError::Fatal(format!("no trial of {total} gave a model: {fault}")));
    };
    let params = vec![
        ("trials".to_owned(), total.to_string()),
        ("sampler".to_owned(), wanted.sampler.to_string()),
        ("search_metric".to_owned(), search.metric().to_owned()),
        ("best_trial".to_owned(), (best.number + 1).to_string()),
    ];
    run::log_batch(store, &tracked.run_id, Vec::new(), params, Vec::new())?;
    Ok(TrainSpec { hyperparameters: best.hyperparameters.clone(), ..spec.clone() })
}

fn nested(
    tracked: &TrackingRunView,
    search: &Search<'_>,
    trial: &Trial,
    spec: &TrainSpec,
    start_time: Timestamp,
) -> NestedRun {
    let (timestamp, metric) = (time::now(), search.metric());
    // Trials and folds are bounded far below.
    let step = |at: usize| at as i64;
    let point = |key: String, value: f64, step: i64| MetricPoint { key, value, timestamp, step };
    let means = trial.metrics.iter().map(|(key, value)| point(format!("cv_{key}_mean"), *value, 0));
    let folds = trial.values.iter().enumerate();
    let folds = folds.map(|(at, value)| point(format!("cv_{metric}_fold"), *value, step(at)));
    let mut on_parent = Vec::new();
    if let Some(value) = trial.value().filter(|_| trial.state == TrialState::Complete) {
        on_parent.push(point(format!("trial_{metric}"), value, step(trial.number)));
    }
    if let Some(best) = search.best().and_then(Trial::value) {
        on_parent.push(point(format!("best_{metric}"), best, step(trial.number)));
    }
    let word = match trial.state {
        TrialState::Complete => "complete",
        TrialState::Pruned => "pruned",
        TrialState::Failed => "failed",
    };
    let mut tags = vec![
        ("mlflow.source.type".to_owned(), "JOB".to_owned()),
        (run::STATE.to_owned(), word.to_owned()),
        (TRIAL.to_owned(), serde_json::to_string(trial).unwrap_or_default()),
    ];
    tags.extend(trial.fault.iter().map(|fault| ("dagdeck.error".to_owned(), fault.clone())));
    let user = tracked.tags.iter().find(|(key, _)| key == "mlflow.user");
    let given = trial.hyperparameters.iter().map(|(name, value)| {
        (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    NestedRun {
        run_name: format!("{}-trial-{}", spec.model, trial.number + 1),
        user_id: user.map(|(_, user)| user.clone()).unwrap_or_default(),
        status: if trial.state == TrialState::Failed { "FAILED" } else { "FINISHED" },
        start_time,
        end_time: timestamp,
        params: std::iter::once(("model".to_owned(), spec.model.clone())).chain(given).collect(),
        metrics: means.chain(folds).collect(),
        tags,
        on_parent,
    }
}

/// Says how a trial ended, and which is the best so far.
fn line(search: &Search<'_>, trial: &Trial, total: usize) -> String {
    let value = trial.value().map_or("–".to_owned(), |value| format!("{value:.5}"));
    let end = match (trial.state, &trial.fault) {
        (TrialState::Complete, _) => format!("{} {value}", search.metric()),
        (TrialState::Pruned, _) => {
            format!("pruned after {} folds at {value}", trial.values.len())
        }
        (TrialState::Failed, fault) => format!("failed: {}", fault.as_deref().unwrap_or("?")),
    };
    let best = search.best().and_then(|best| Some((best.number + 1, best.value()?)));
    let best = best.map_or(String::new(), |(at, value)| format!("; best {value:.5} (trial {at})"));
    format!("trial {} of {total}: {end}{best}", trial.number + 1)
}
