//! `experiments list|runs|trials|show|compare|metric|artifact`.

mod trials;

use crate::cli::args::ExperimentsCommand;
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, bytes, fields, instant, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Nesting, Request};
use crate::types::view::{ExperimentView, MetricHistoryView, MetricPointView, TrackingRunView};
use crate::types::{Fault, TrackingRunId, metric};

/// Metrics that are shown in the list, those that a run has.
const SHOWN: [&str; 6] = ["accuracy", "f1_macro", "roc_auc", "log_loss", "r2", "rmse"];

/// Carries out a command about experiments.
pub async fn dispatch(
    layout: &Layout,
    command: ExperimentsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        ExperimentsCommand::List => {
            let answer = ask(layout, Request::ListExperiments).await?;
            let experiments =
                expect_answer!(answer, Answer::Experiments(list) => list, "experiments list");
            output.answer(&experiments, |experiments| list(experiments));
        }
        ExperimentsCommand::Runs { name, filter, order_by, top, under, limit, offset } => {
            let nesting = match under {
                Some(run) => Nesting::Under(run),
                None if top => Nesting::Top,
                None => Nesting::All,
            };
            let experiment = name;
            let request =
                Request::ListTrackingRuns { experiment, filter, order_by, nesting, limit, offset };
            let answer = ask(layout, request).await?;
            let (runs, total) = expect_answer!(
                answer, Answer::TrackingRuns { runs, total } => (runs, total), "experiments runs");
            let body = serde_json::json!({ "runs": runs, "total": total });
            output.answer(&body, |_| runs_table(&runs));
        }
        ExperimentsCommand::Trials { run, limit } => {
            let answer = ask(layout, Request::ListTrials { run_id: run, limit }).await?;
            let trials =
                expect_answer!(answer, Answer::Trials(trials) => trials, "experiments trials");
            output.answer(&trials, |view| trials::table_of(view));
        }
        ExperimentsCommand::Show { run } => {
            let run = fetch(layout, run).await?;
            output.answer(&run, show);
        }
        ExperimentsCommand::Compare { runs, only_differences } => {
            let mut all = Vec::with_capacity(runs.len());
            for run in runs {
                all.push(fetch(layout, run).await?);
            }
            output.answer(&all, |all| compared(all, only_differences));
        }
        ExperimentsCommand::Metric { run, key, max_points } => {
            let request = Request::GetMetricHistory { run_id: run, key, max_points };
            let answer = ask(layout, request).await?;
            let history =
                expect_answer!(answer, Answer::MetricHistory(view) => view, "experiments metric");
            output.answer(&history, metric_table);
        }
        ExperimentsCommand::Artifact { run, path } => {
            let request = Request::ReadArtifact { run_id: run, path, max_bytes: u32::MAX };
            let answer = ask(layout, request).await?;
            let artifact =
                expect_answer!(answer, Answer::Artifact(view) => view, "experiments artifact");
            let Some(text) = artifact.text.clone() else {
                return Err(Fault::invalid(format!("`{}` is no text", artifact.path)).into());
            };
            output.answer(&artifact, |_| text);
        }
    }
    Ok(0)
}

async fn fetch(layout: &Layout, run_id: TrackingRunId) -> Result<TrackingRunView, CliError> {
    let answer = ask(layout, Request::ShowTrackingRun { run_id }).await?;
    Ok(*expect_answer!(answer, Answer::TrackingRun(run) => run, "experiments show"))
}

fn show(run: &TrackingRunView) -> String {
    let mut pairs = vec![
        ("run", run.run_id.to_string()),
        ("name", run.run_name.clone()),
        ("status", run.status.clone()),
        ("started", instant(Some(run.start_time))),
        ("ended", instant(run.end_time)),
        ("artifacts", run.artifact_uri.clone()),
    ];
    if let Some(nested) = &run.nested {
        pairs.push(("nested", trials::in_short(nested)));
    }
    pairs.extend(run.metrics.iter().map(|(key, value)| (key.as_str(), format!("{value:.6}"))));
    let texts = run.params.iter().chain(&run.tags);
    pairs.extend(texts.map(|(key, value)| (key.as_str(), value.clone())));
    let files: Vec<String> =
        run.artifacts.iter().map(|(path, size)| format!("{path} ({})", bytes(*size))).collect();
    format!("{}\n\n{}", fields(&pairs), files.join("\n"))
}

fn metric_table(history: &MetricHistoryView) -> String {
    let row = |point: &MetricPointView| {
        vec![point.step.to_string(), instant(Some(point.timestamp)), point.value.to_string()]
    };
    let empty = format!("run `{}` has no metric `{}`", history.run_id, history.key);
    let mut text = table(&["STEP", "TIME", "VALUE"], history.points.iter().map(row), &empty);
    if history.total > history.points.len() as u64 {
        text.push_str(&format!("\n{} of {} points", history.points.len(), history.total));
    }
    text
}

/// Writes metrics with their change against the first run, then params.
fn compared(runs: &[TrackingRunView], only_differences: bool) -> String {
    let mut header = vec![""];
    header.extend(runs.iter().map(|run| run.run_name.as_str()));
    let mut rows: Vec<Vec<String>> = Vec::new();
    for key in keys(runs, |run| run.metrics.iter().map(|(key, _)| key).collect()) {
        let of = |run: &TrackingRunView| {
            run.metrics.iter().find(|(other, _)| *other == key).map(|(_, value)| *value)
        };
        let values: Vec<Option<f64>> = runs.iter().map(of).collect();
        if only_differences && values.windows(2).all(|pair| pair[0] == pair[1]) {
            continue;
        }
        let mut row = vec![key.clone()];
        for (at, value) in values.iter().enumerate() {
            let change = values[0].zip(*value).map(|(base, value)| value - base);
            row.push(match (value, change.filter(|change| at > 0 && *change != 0.0)) {
                (Some(value), Some(change)) => {
                    let gain = metric::is_gain(&key, 0.0, change);
                    let word = match gain {
                        Some(true) => " better",
                        Some(false) => " worse",
                        None => "",
                    };
                    format!("{value:.4} {change:+.4}{word}")
                }
                (Some(value), None) => format!("{value:.4}"),
                (None, _) => "-".to_owned(),
            });
        }
        rows.push(row);
    }
    for key in keys(runs, |run| run.params.iter().map(|(key, _)| key).collect()) {
        let of = |run: &TrackingRunView| {
            run.params.iter().find(|(other, _)| *other == key).map(|(_, value)| value.clone())
        };
        let values: Vec<Option<String>> = runs.iter().map(of).collect();
        if only_differences && values.windows(2).all(|pair| pair[0] == pair[1]) {
            continue;
        }
        let cells = values.into_iter().map(or_dash);
        rows.push(std::iter::once(key.clone()).chain(cells).collect());
    }
    table(&header, rows, "they differ in nothing")
}

fn keys<'a>(
    runs: &'a [TrackingRunView],
    of: impl Fn(&'a TrackingRunView) -> Vec<&'a String>,
) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in runs.iter().flat_map(of) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

fn list(experiments: &[ExperimentView]) -> String {
    let row = |experiment: &ExperimentView| {
        vec![
            experiment.experiment_id.clone(),
            experiment.name.clone(),
            experiment.run_count.to_string(),
            ago(experiment.last_update_time),
        ]
    };
    let empty = "no experiments: `dagdeck trigger mlops_pipeline` trains one";
    table(&["ID", "NAME", "RUNS", "UPDATED"], experiments.iter().map(row), empty)
}

fn runs_table(runs: &[TrackingRunView]) -> String {
    let has = |name: &&str| runs.iter().any(|run| run.metrics.iter().any(|(key, _)| key == name));
    let shown: Vec<&str> = SHOWN.iter().copied().filter(has).collect();
    let has_nested = runs.iter().any(|run| run.nested.is_some());
    let mut header = vec!["RUN", "NAME", "STATUS", "STARTED"];
    header.extend(has_nested.then_some("NESTED"));
    header.extend(&shown);
    let row = |run: &TrackingRunView| {
        let mut cells = vec![
            run.run_id.to_string(),
            run.run_name.clone(),
            run.status.clone(),
            ago(Some(run.start_time)),
        ];
        if has_nested {
            cells.push(or_dash(run.nested.as_ref().map(trials::in_short)));
        }
        cells.extend(shown.iter().map(|name| {
            let value = run.metrics.iter().find(|(key, _)| key == name);
            value.map_or_else(|| "-".to_owned(), |(_, value)| format!("{value:.4}"))
        }));
        cells
    };
    table(&header, runs.iter().map(row), "no runs in this experiment")
}
