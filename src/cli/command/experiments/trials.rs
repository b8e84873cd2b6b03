//! The trials of a search as a table, and a search in one line.

use std::cmp::Ordering;

use crate::cli::output::{duration, or_dash, table};
use crate::types::metric::{Better, better};
use crate::types::view::{NestedRuns, TrialView, TrialsView};

/// Writes what is known of the runs under a run: `12/20, 3 pruned, best cv_rmse_mean 0.12`.
pub(super) fn in_short(nested: &NestedRuns) -> String {
    let count = match nested.planned {
        Some(planned) => format!("{}/{planned}", nested.runs),
        None => nested.runs.to_string(),
    };
    let mut parts = vec![count];
    let counts =
        [(nested.running, "running"), (nested.pruned, "pruned"), (nested.failed, "failed")];
    parts.extend(counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")));
    if let (Some(metric), Some((value, _))) = (&nested.metric, &nested.best) {
        parts.push(format!("best {metric} {value:.4}"));
    }
    parts.join(", ")
}

/// Draws trials, the best first, those without a value last.
pub(super) fn table_of(view: &TrialsView) -> String {
    let nested = view.run.nested.clone().unwrap_or_default();
    let is_less = nested.metric.as_deref().and_then(better) == Some(Better::Less);
    let mut trials: Vec<&TrialView> = view.trials.iter().collect();
    trials.sort_by(|a, b| match (a.value, b.value) {
        (Some(a), Some(b)) if is_less => a.total_cmp(&b),
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    let mut params: Vec<&str> = Vec::new();
    for (key, _) in view.trials.iter().flat_map(|trial| &trial.params) {
        if !params.contains(&key.as_str()) {
            params.push(key);
        }
    }
    let metric = nested.metric.as_deref().unwrap_or("VALUE");
    let mut header = vec!["TRIAL", "RUN", "STATE", metric, "TOOK"];
    header.extend(&params);
    let row = |trial: &&TrialView| {
        let took =
            trial.end_time.map(|end| duration(end.duration_since(trial.start_time).as_secs_f64()));
        let mut cells = vec![
            trial.number.to_string(),
            trial.run_id.to_string(),
            if trial.is_pruned { "PRUNED".to_owned() } else { trial.status.clone() },
            or_dash(trial.value.map(|value| format!("{value:.5}"))),
            or_dash(took),
        ];
        cells.extend(params.iter().map(|name| {
            let found = trial.params.iter().find(|(key, _)| key == name);
            or_dash(found.map(|(_, value)| value.clone()))
        }));
        cells
    };
    let mut text = table(&header, trials.iter().map(row), "no run hangs under this one");
    if view.run.nested.is_some() {
        text.push_str(&format!("\n{}", in_short(&nested)));
    }
    text
}
