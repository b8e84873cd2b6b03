//! What is told of the traffic: in the status, and to Prometheus.

use std::sync::Arc;

use prometheus::{Encoder as _, GaugeVec, IntCounterVec, Opts, Registry, TextEncoder};

use crate::runtime::promotion::off_thread;
use crate::serving::shared::Shared;
use crate::serving::table::Table;
use crate::types::serving::{RolloutView, ServingStatus, TrafficView};

/// Tells how the server stands, with the rollouts that are kept.
pub(crate) async fn status(shared: &Arc<Shared>) -> ServingStatus {
    let source = Arc::clone(&shared.source);
    let rollouts = off_thread(move || source.rollouts()).await.unwrap_or_else(|fault| {
        tracing::error!(%fault, "the rollouts could not be read");
        Vec::new()
    });
    let table = shared.table.get();
    ServingStatus { traffic: views(shared, &table, rollouts), ..shared.status() }
}

fn views(shared: &Shared, table: &Table, mut rollouts: Vec<RolloutView>) -> Vec<TrafficView> {
    let view = |model: &String| {
        let entry = table.models.get(model)?;
        let main = table.main_version(model).map(|loaded| loaded.version);
        let (arms, verdicts) = shared.arms.view(model, main);
        let rollout = rollouts.iter().position(|rollout| rollout.model == *model);
        Some(TrafficView {
            model: model.clone(),
            sticky: entry.sticky.clone(),
            shadow: entry.shadow.as_ref().map(|shadow| shadow.view()),
            rollout: rollout.map(|at| rollouts.swap_remove(at)),
            arms,
            verdicts,
        })
    };
    table.models.keys().filter_map(view).collect()
}

/// Adds what is told of copies, outcomes and the log; labels name only what is served.
pub(crate) fn metrics(
    shared: &Shared,
    table: &Table,
    text: &mut Vec<u8>,
) -> prometheus::Result<()> {
    let registry = Registry::new();
    let counter = |name: &str, help: &str, labels: &[&str]| {
        let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
        registry.register(Box::new(counter.clone()))?;
        prometheus::Result::Ok(counter)
    };
    let gauge = |name: &str, help: &str, labels: &[&str]| {
        let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
        registry.register(Box::new(gauge.clone()))?;
        prometheus::Result::Ok(gauge)
    };
    let version = ["model", "version"];
    let copies = counter(
        "dagdeck_serving_shadow_requests_total",
        "Copies of requests that a version answered beside the traffic, by how that went",
        &["model", "version", "result"],
    )?;
    let agreement = gauge(
        "dagdeck_serving_shadow_agreement_ratio",
        "Share of rows with the label that was given",
        &version,
    )?;
    let difference = gauge(
        "dagdeck_serving_shadow_mean_difference",
        "Mean of what answers to copies and those that were given differ by",
        &version,
    )?;
    let outcome = gauge(
        "dagdeck_serving_outcome_value",
        "What later truth says of a version",
        &["model", "version", "metric"],
    )?;
    let outcomes = gauge(
        "dagdeck_serving_outcomes",
        "Outcomes that this is made of",
        &["model", "version", "metric"],
    )?;
    for view in views(shared, table, Vec::new()) {
        let model = view.model.as_str();
        if let Some(shadow) = &view.shadow {
            let version = shadow.version.to_string();
            let answered = shadow.requests - shadow.errors;
            let results =
                [("answered", answered), ("failed", shadow.errors), ("dropped", shadow.dropped)];
            for (result, count) in results {
                copies.with_label_values(&[model, &version, result]).inc_by(count);
            }
            if let Some(share) = shadow.agreement {
                agreement.with_label_values(&[model, &version]).set(share);
            }
            if let Some(mean) = shadow.difference {
                difference.with_label_values(&[model, &version]).set(mean);
            }
        }
        for arm in &view.arms {
            let labels = [model, &arm.version.to_string(), arm.metric.as_str()];
            outcome.with_label_values(&labels).set(arm.value);
            outcomes.with_label_values(&labels).set(arm.outcomes as f64);
        }
    }
    if let Some(log) = &shared.log {
        let rows =
            counter("dagdeck_serving_log_rows_total", "Rows of the prediction log", &["result"])?;
        let view = log.view();
        rows.with_label_values(&["written"]).inc_by(view.rows);
        rows.with_label_values(&["dropped"]).inc_by(view.dropped);
    }
    TextEncoder::new().encode(&registry.gather(), text)
}
