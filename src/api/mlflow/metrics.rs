//! `metrics/*`: histories, whole or by pages, of one run or of many.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::control::Shared;
use crate::api::mlflow::runs::run_id;
use crate::api::mlflow::wire::{Asked, Page, Refusal, SEE, lacks, millis, number, offset};
use crate::tracking::run::{self, MetricPoint};
use crate::types::TrackingRunId;

type Answer = Result<Json<Value>, Refusal>;

/// Points of a page, or of an answer for many runs, at most.
const POINTS_MAX: u32 = 25_000;

/// Runs of one request for many, at most; points of each where they are a selection.
const RUNS_MAX: usize = 100;
const SAMPLED_MAX: i64 = 2_500;

/// A page of a history, written without a value of JSON for each of its many points.
#[derive(Serialize)]
struct Points<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Point<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct Point<'a> {
    key: &'a str,
    value: Value,
    timestamp: i64,
    step: i64,
}

impl<'a> Point<'a> {
    fn of(point: &'a MetricPoint) -> Self {
        Self {
            key: &point.key,
            value: number(point.value),
            timestamp: point.timestamp.as_millisecond(),
            step: point.step,
        }
    }
}

pub(super) async fn history(
    State(shared): State<Shared>,
    asked: Asked,
) -> Result<Response, Refusal> {
    let (run_id, key) = (run_id(&asked)?, asked.needed("metric_key")?.to_owned());
    let page = match asked.integer("max_results")? {
        // Without a limit it is all of it.
        None => Page { limit: u32::MAX - 1, offset: offset(&asked)? },
        Some(wanted) if wanted < 1 => {
            return Err(Refusal::invalid(format!(
                "Invalid value {wanted} for parameter 'max_results' supplied. It must be a \
                 positive integer."
            )));
        }
        Some(wanted) => {
            let limit = u32::try_from(wanted).unwrap_or(POINTS_MAX).min(POINTS_MAX);
            Page { limit, offset: offset(&asked)? }
        }
    };
    let read =
        move |conn: &_| run::history_by_time(conn, &run_id, &key, (page.limit + 1, page.offset));
    let points = shared.control.tracker().look(move |conn| read(conn)).await?;
    let metrics = points.iter().take(page.limit as usize).map(Point::of).collect();
    let next_page_token = page.next(points.len());
    Ok(Json(Points { metrics, next_page_token }).into_response())
}

/// `get-history-bulk`: one metric of many runs, run by run.
pub(super) async fn histories(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_ids = asked.texts("run_id")?;
    if run_ids.is_empty() {
        let text = "GetMetricHistoryBulk request must specify at least one run_id.";
        return Err(Refusal::invalid(text));
    }
    let run_ids = at_most("GetMetricHistoryBulk request cannot specify more than", run_ids)?;
    let key = asked.text("metric_key")?.ok_or_else(|| {
        Refusal::invalid("GetMetricHistoryBulk request must specify a metric_key.")
    })?;
    let key = key.to_owned();
    let wanted = asked.integer("max_results")?.unwrap_or(POINTS_MAX.into());
    let max = u32::try_from(wanted).unwrap_or(0).min(POINTS_MAX);
    let tracker = shared.control.tracker();
    let found = tracker.look(move |conn| {
        let mut left = max;
        let mut found = Vec::new();
        for run_id in sorted(run_ids) {
            let points = run::history_by_time(conn, &run_id, &key, (left, 0))?;
            left -= u32::try_from(points.len()).unwrap_or(left).min(left);
            found.extend(points.iter().map(|point| of_run(&run_id, point)));
        }
        Ok(found)
    });
    Ok(Json(json!({"metrics": found.await?})))
}

/// `get-history-bulk-interval`: a selection of each run's points, the first and the last among
/// them.
pub(super) async fn sampled(State(shared): State<Shared>, asked: Asked) -> Answer {
    let run_ids = asked.texts("run_ids")?;
    if run_ids.is_empty() {
        return Err(lacks("run_ids"));
    }
    let text = "GetMetricHistoryBulkInterval request must specify at most";
    let run_ids = at_most(text, run_ids)?;
    let key = asked.needed("metric_key")?.to_owned();
    let max = asked.integer("max_results")?.unwrap_or(SAMPLED_MAX);
    if !(1..=SAMPLED_MAX).contains(&max) {
        let text = format!("max_results must be between 1 and {SAMPLED_MAX}. {SEE}");
        return Err(Refusal::invalid(text));
    }
    let max = usize::try_from(max).unwrap_or(1);
    let steps = match (asked.integer("start_step")?, asked.integer("end_step")?) {
        (None, None) => i64::MIN..=i64::MAX,
        (Some(start), Some(end)) if start <= end => start..=end,
        (Some(start), Some(end)) => {
            return Err(Refusal::invalid(format!(
                "end_step must be greater than start_step. Found start_step={start} and \
                 end_step={end}."
            )));
        }
        _ => {
            let text = "If either start step or end step are specified, both must be specified.";
            return Err(Refusal::invalid(text));
        }
    };
    let tracker = shared.control.tracker();
    let found = tracker.look(move |conn| {
        let mut found = Vec::new();
        for run_id in run_ids.into_iter().map(TrackingRunId::new) {
            let points = run::history_by_step(conn, &run_id, &key, steps.clone())?;
            found.extend(selected(&points, max).map(|point| of_run(&run_id, point)));
        }
        Ok(found)
    });
    Ok(Json(json!({"metrics": found.await?})))
}

fn at_most(text: &str, run_ids: Vec<String>) -> Result<Vec<String>, Refusal> {
    match run_ids.len() {
        len if len > RUNS_MAX => {
            Err(Refusal::invalid(format!("{text} {RUNS_MAX} run_ids. Received {len} run_ids.")))
        }
        _ => Ok(run_ids),
    }
}

fn sorted(mut run_ids: Vec<String>) -> impl Iterator<Item = TrackingRunId> {
    run_ids.sort();
    run_ids.into_iter().map(TrackingRunId::new)
}

/// Returns the first of each of `max` stretches of like length, and the last of all.
fn selected(points: &[MetricPoint], max: usize) -> impl Iterator<Item = &MetricPoint> {
    let (len, buckets) = (points.len(), max.min(points.len()));
    (0..buckets).filter_map(move |bucket| {
        // The longer stretches come first, as SQL's `ntile` has it.
        let start = bucket * (len / buckets) + bucket.min(len % buckets);
        points.get(if bucket + 1 == buckets { len - 1 } else { start })
    })
}

/// Writes a point.
pub(super) fn point(point: &MetricPoint) -> Value {
    json!({
        "key": point.key,
        "value": number(point.value),
        "timestamp": millis(point.timestamp),
        "step": point.step,
    })
}

fn of_run(run_id: &TrackingRunId, of: &MetricPoint) -> Value {
    let mut value = point(of);
    value["run_id"] = json!(run_id);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timestamp;

    #[test]
    fn a_selection_has_the_ends_and_what_is_evenly_between() {
        let points: Vec<MetricPoint> = (0..10)
            .map(|step| MetricPoint {
                key: "loss".into(),
                value: 0.0,
                timestamp: Timestamp::UNIX_EPOCH,
                step,
            })
            .collect();
        let steps = |max| selected(&points, max).map(|point| point.step).collect::<Vec<_>>();
        assert_eq!(steps(1), [9]);
        assert_eq!(steps(3), [0, 4, 9]);
        assert_eq!(steps(10), (0..10).collect::<Vec<_>>());
        assert_eq!(steps(99).len(), 10);
        assert_eq!(selected(&[], 3).count(), 0);
    }
}
