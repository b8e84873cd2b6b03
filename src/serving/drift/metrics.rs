//! Drift for Prometheus. Series are made of the columns of models, which no client can add to;
//! of a wide model those that drift most have their own.

use prometheus::core::Collector as _;
use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, GaugeVec, Opts, TextEncoder};

use crate::serving::table::Table;
use crate::types::drift::DriftFigureKind;

/// Columns of a version that have series.
const COLUMNS_MAX: usize = 100;

/// Appends the gauges in Prometheus's text format.
pub(crate) fn write(table: &Table, text: &mut Vec<u8>) -> prometheus::Result<()> {
    let column = ["model", "version", "column"];
    let of_column = |name: &str, help: &str| GaugeVec::new(Opts::new(name, help), &column);
    let of_version = |name: &str, help: &str| GaugeVec::new(Opts::new(name, help), &column[..2]);
    let figures = [
        (
            DriftFigureKind::Psi,
            of_column(
                "dagdeck_serving_drift_psi",
                "Population stability index of a column against the training data",
            )?,
        ),
        (
            DriftFigureKind::Ks,
            of_column(
                "dagdeck_serving_drift_ks",
                "Distance of Kolmogorov and Smirnov of a column from the training data, 0 to 1",
            )?,
        ),
        (
            DriftFigureKind::Missing,
            of_column(
                "dagdeck_serving_drift_missing_ratio",
                "Share of rows without a value beyond that in training",
            )?,
        ),
        (
            DriftFigureKind::Unseen,
            of_column(
                "dagdeck_serving_drift_unseen_ratio",
                "Share of values of no category that is known beyond that in training",
            )?,
        ),
    ];
    let trouble = of_column(
        "dagdeck_serving_drift_crossed",
        "1 where a column has crossed a limit and is not back, else 0",
    )?;
    let rows =
        of_version("dagdeck_serving_drift_window_rows", "Rows that the figures of drift are of")?;
    for (loaded, _) in table.all() {
        let Some(report) = loaded.drift.report() else { continue };
        let version = report.version.to_string();
        let labels = [report.model.as_str(), version.as_str()];
        rows.with_label_values(&labels).set(report.rows as f64);
        if !report.is_judged() {
            continue;
        }
        for column in report.columns.iter().take(COLUMNS_MAX) {
            let labels = [labels[0], labels[1], column.column.as_str()];
            trouble
                .with_label_values(&labels)
                .set(f64::from(u8::from(column.trouble_since.is_some())));
            for (kind, gauge) in &figures {
                if let Some(figure) = column.figure(*kind) {
                    gauge.with_label_values(&labels).set(figure.value);
                }
            }
        }
    }
    let all = figures.iter().map(|(_, gauge)| gauge).chain([&trouble, &rows]);
    let families: Vec<MetricFamily> = all
        .flat_map(|gauge| gauge.collect())
        .filter(|family| !family.get_metric().is_empty())
        .collect();
    TextEncoder::new().encode(&families, text)
}
