//! `experiments list|runs`.

use crate::cli::args::ExperimentsCommand;
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::view::{ExperimentView, TrackingRunView};

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
        ExperimentsCommand::Runs { name, filter, order_by, limit, offset } => {
            let request =
                Request::ListTrackingRuns { experiment: name, filter, order_by, limit, offset };
            let answer = ask(layout, request).await?;
            let (runs, total) = expect_answer!(
                answer, Answer::TrackingRuns { runs, total } => (runs, total), "experiments runs");
            let body = serde_json::json!({ "runs": runs, "total": total });
            output.answer(&body, |_| runs_table(&runs));
        }
    }
    Ok(0)
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
    let mut header = vec!["RUN", "NAME", "STATUS", "STARTED"];
    header.extend(&shown);
    let row = |run: &TrackingRunView| {
        let mut cells = vec![
            run.run_id.to_string(),
            run.run_name.clone(),
            run.status.clone(),
            ago(Some(run.start_time)),
        ];
        cells.extend(shown.iter().map(|name| {
            let value = run.metrics.iter().find(|(key, _)| key == name);
            value.map_or_else(|| "-".to_owned(), |(_, value)| format!("{value:.4}"))
        }));
        cells
    };
    table(&header, runs.iter().map(row), "no runs in this experiment")
}
