//! `ml.train`: trains, evaluates, cross-validates, and logs all of it to the tracker as one run.
//!
//! The run bears the launch token of the attempt: made twice, it is the same run.

mod search;
mod system;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::Args;
use super::error::{OperatorError, chain};
use super::{dataset_validate, learnt, observed};
use crate::ml::train::PROFILE;
use crate::ml::{self, Dataset, SearchSpec, TrainSpec, Trained};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::code_version;
use crate::runtime::layout::Layout;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::store::Store;
use crate::tracking::run::{MetricPoint, NewRun};
use crate::tracking::{artifact, experiment, input, run};
use crate::types::io::{DatasetRef, Observed, TRACKED};
use crate::types::run::DagRunKey;
use crate::types::view::{RunInput, TrackingRunView};
use crate::types::{AssetName, TrackingRunId, time};

const SEED: i64 = 42;
const TEST_SIZE: f64 = 0.2;
const FOLDS: i64 = 5;

struct TrainArgs {
    spec: TrainSpec,
    /// None where nothing is searched.
    search: Option<SearchSpec>,
    /// Default: the data set's name.
    experiment: Option<String>,
}

impl TrainArgs {
    fn read(args: Args<'_>) -> Result<Self, OperatorError> {
        let seed = args.integer_or_none("seed")?.unwrap_or(SEED);
        let test_size = args.number_or_none("test_size")?.unwrap_or(TEST_SIZE);
        if !(0.0 < test_size && test_size < 1.0) {
            return Err(OperatorError::Fatal(format!(
                "`test_size` is {test_size}; expected a share between 0 and 1"
            )));
        }
        let folds = args.integer_or_none("folds")?.unwrap_or(FOLDS);
        let folds = usize::try_from(folds).ok().filter(|folds| (2..=100).contains(folds));
        Ok(Self {
            spec: TrainSpec {
                model: args.text("model")?,
                hyperparameters: hyperparameters(args)?,
                seed: u64::try_from(seed)
                    .map_err(|_| OperatorError::fatal("`seed` must not be negative"))?,
                test_size,
                folds: folds
                    .ok_or_else(|| OperatorError::fatal("`folds` must be between 2 and 100"))?,
            },
            search: search::read(args)?,
            experiment: args.text_or_none("experiment")?,
        })
    }
}

/// A table, or its JSON as text (what a form may have given).
fn hyperparameters(args: Args<'_>) -> Result<Map<String, Value>, OperatorError> {
    match args.get("hyperparameters") {
        Some(Value::String(text)) => serde_json::from_str(text)
            .map_err(|_| super::args::unfit("hyperparameters", &json!(text), "a table")),
        _ => args.table("hyperparameters"),
    }
}

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let args = TrainArgs::read(Args(&order.args))?;
    let dataset = dataset_validate::read(order, private, log)?;
    let layout = Layout::new(&order.project);
    let store = Store::open(&layout.database())?;
    let experiment = args.experiment.clone().unwrap_or_else(|| dataset.name.clone());
    let experiment_id = experiment::ensure(&store, &experiment)?;
    let tracked = tracked_run(&store, order, &args, &dataset, &experiment_id, log)?;
    log.say(&format!("run {} of experiment `{experiment}`", tracked.run_id));
    keep_input(order, private, &dataset, &store, &tracked.run_id, log)?;
    let every = order.system_metrics_secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    let watching = system::watch(&store, &tracked.run_id, every);
    let chosen = match &args.search {
        None => Ok(args.spec.clone()),
        Some(wanted) => search::run(&store, &tracked, &dataset, &args.spec, wanted, log),
    };
    let trained = chosen.and_then(|spec| {
        let trained = train(&dataset, &spec, log)?;
        record(&store, &layout, &tracked, &spec, &trained)?;
        Ok((spec, trained))
    });
    drop(watching);
    match trained {
        Ok((spec, trained)) => {
            run::end(&store, &tracked.run_id, "FINISHED", time::now())?;
            tell(&trained, log);
            Ok(Outcome::output(json!({
                "run_id": tracked.run_id, "experiment": experiment, "model": spec.model,
                "hyperparameters": spec.hyperparameters, "metrics": trained.metrics,
            })))
        }
        Err(error) => {
            end_failed(&store, &tracked.run_id, &error, log);
            Err(error)
        }
    }
}

/// Returns the run of this attempt; a search that was stopped in this task goes on in its own.
fn tracked_run(
    store: &Store,
    order: &Order,
    args: &TrainArgs,
    dataset: &Dataset,
    experiment_id: &str,
    log: &TaskLog,
) -> Result<TrackingRunView, OperatorError> {
    let mut new = new_run(order, args, dataset, experiment_id);
    if let Some(wanted) = &args.search {
        let same = search::same(order, dataset, &args.spec, wanted);
        let tag = (search::TAG, same.as_str());
        if let Some(run) = run::take_over(store, experiment_id, tag, order.token.as_str())? {
            log.say("the search that was stopped goes on");
            return Ok(run);
        }
        new.tags.push((search::TAG.to_owned(), same));
    }
    Ok(run::create(store, new)?)
}

/// Keeps what is learnt from with the run, before anything comes of it.
fn keep_input(
    order: &Order,
    private: &Private,
    dataset: &Dataset,
    store: &Store,
    run_id: &TrackingRunId,
    log: &TaskLog,
) -> Result<(), OperatorError> {
    if let Some(learnt) = learnt::input(order, dataset) {
        let task = &order.key.task;
        let run = DagRunKey { dag_id: task.dag_id.clone(), dag_run_id: task.dag_run_id.clone() };
        let assets = order.dataset.iter().flat_map(|dataset| dataset.assets.clone());
        let assets: Vec<AssetName> = assets.collect();
        let asset_events = store.read_blocking(|conn| input::events_before(conn, &run, &assets))?;
        input::put(store, run_id, RunInput { asset_events, ..learnt })?;
    }
    let outputs = vec![DatasetRef::new(TRACKED, run_id.as_str())];
    observed::write(order, &Observed { outputs, ..learnt::seen(order, private, dataset) }, log)
}

fn new_run(order: &Order, args: &TrainArgs, dataset: &Dataset, experiment_id: &str) -> NewRun {
    let task = &order.key.task;
    let tag = |key: &str, value: String| (key.to_owned(), value);
    let commit = code_version::commit(&order.project);
    NewRun {
        experiment_id: experiment_id.to_owned(),
        run_name: format!("{}-{}", args.spec.model, short(order.token.as_str())),
        user_id: order.user.clone(),
        start_time: time::now(),
        tags: vec![
            tag("mlflow.source.name", format!("{}.{}", task.dag_id, task.task_id)),
            tag("mlflow.source.type", "JOB".into()),
            tag("mlflow.user", order.user.clone()),
            tag("dagdeck.dag_id", task.dag_id.to_string()),
            tag("dagdeck.dag_run_id", task.dag_run_id.to_string()),
            tag("dagdeck.dataset", dataset.name.clone()),
            tag("dagdeck.dataset_digest", dataset.digest.clone()),
            tag("dagdeck.task", task_name(dataset).into()),
        ]
        .into_iter()
        .chain(commit.map(|commit| tag("mlflow.source.git.commit", commit)))
        .collect(),
        attempt_token: Some(order.token.to_string()),
    }
}

fn task_name(dataset: &Dataset) -> &'static str {
    match dataset.task {
        crate::dag::spec::LearningTask::Classification => "classification",
        crate::dag::spec::LearningTask::Regression => "regression",
    }
}

/// Returns the last characters of a token: enough to tell runs apart at a glance.
fn short(token: &str) -> String {
    let letters: Vec<char> = token.chars().filter(char::is_ascii_alphanumeric).collect();
    letters[letters.len().saturating_sub(6)..].iter().collect()
}

fn train(dataset: &Dataset, spec: &TrainSpec, log: &TaskLog) -> Result<Trained, OperatorError> {
    ml::train(dataset, spec, &mut |line| log.say(line))
        .map_err(|error| OperatorError::Fatal(chain(&error)))
}

/// Logs params, metrics, tags and artifacts.
fn record(
    store: &Store,
    layout: &Layout,
    tracked: &TrackingRunView,
    spec: &TrainSpec,
    trained: &Trained,
) -> Result<(), OperatorError> {
    let folder = artifact::folder(&layout.state_dir(), &tracked.experiment_id, &tracked.run_id);
    let made_at = time::now().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string();
    let model = trained.model.to_mlflow(tracked.run_id.as_str(), &made_at);
    let model = model.into_iter().map(|(path, bytes)| (format!("model/{path}"), bytes));
    // Of the model as well as of the run: it is asked for wherever the model goes.
    let profile =
        trained.artifacts.get(PROFILE).map(|bytes| (format!("model/{PROFILE}"), bytes.clone()));
    let model = model.chain(profile);
    let others = trained.artifacts.iter().map(|(path, bytes)| (path.clone(), bytes.clone()));
    for (path, bytes) in model.chain(others) {
        artifact::write(&folder, &path, &bytes)
            .map_err(|error| OperatorError::passing(format!("write artifact `{path}`: {error}")))?;
        artifact::record(store, &tracked.run_id, &path, &bytes)?;
    }
    run::log_batch(
        store,
        &tracked.run_id,
        metric_points(trained),
        params(spec, trained),
        tags(trained)?,
    )?;
    Ok(())
}

fn metric_points(trained: &Trained) -> Vec<MetricPoint> {
    let timestamp = time::now();
    let point = |key: &str, value: f64, step: i64| MetricPoint {
        key: key.to_owned(),
        value,
        timestamp,
        step,
    };
    let mut points: Vec<_> =
        trained.metrics.iter().map(|(key, value)| point(key, *value, 0)).collect();
    for (key, values) in &trained.round_metrics {
        points.extend((0_i64..).zip(values).map(|(step, value)| point(key, *value, step)));
    }
    for (key, values) in &trained.fold_metrics {
        let key = fold_key(key);
        points.extend((0_i64..).zip(values).map(|(step, value)| point(&key, *value, step)));
    }
    points
}

/// Returns `cv_…_fold`, however the learning names it.
fn fold_key(metric: &str) -> String {
    let middle = metric.strip_prefix("cv_").unwrap_or(metric);
    let middle = middle.strip_suffix("_fold").unwrap_or(middle);
    format!("cv_{middle}_fold")
}

fn params(spec: &TrainSpec, trained: &Trained) -> Vec<(String, String)> {
    let mut params: Vec<(String, String)> =
        trained.params.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let own = [
        ("model", spec.model.clone()),
        ("seed", spec.seed.to_string()),
        ("test_size", spec.test_size.to_string()),
        ("folds", spec.folds.to_string()),
        ("train_rows", trained.train_rows.to_string()),
        ("test_rows", trained.test_rows.to_string()),
    ];
    for (key, value) in own {
        // A hyperparameter of the same name is the model's own and stays.
        if !trained.params.contains_key(key) {
            params.push((key.to_owned(), value));
        }
    }
    params
}

fn tags(trained: &Trained) -> Result<Vec<(String, String)>, OperatorError> {
    let signature = serde_json::to_string(trained.model.signature())
        .map_err(|error| OperatorError::fatal(format!("write the signature: {error}")))?;
    let mut tags: Vec<_> =
        trained.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    tags.push(("dagdeck.signature".to_owned(), signature));
    Ok(tags)
}

fn tell(trained: &Trained, log: &TaskLog) {
    log.say(&format!("{} rows to learn from, {} held out", trained.train_rows, trained.test_rows));
    for (metric, value) in &trained.metrics {
        log.say(&format!("{metric:<26} {value:.4}"));
    }
}

/// Ends the run as failed; that it could not be is only told, the first error counts.
fn end_failed(store: &Store, run_id: &TrackingRunId, error: &OperatorError, log: &TaskLog) {
    let tag = ("dagdeck.error".to_owned(), log.masked(&error.to_string()));
    let ended = run::log_batch(store, run_id, Vec::new(), Vec::new(), vec![tag])
        .and_then(|()| run::end(store, run_id, "FAILED", time::now()));
    if let Err(error) = ended {
        log.say(&format!("the run could not be ended as failed: {}", chain(&error)));
    }
}

#[cfg(test)]
mod tests;
