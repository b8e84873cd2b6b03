//! Figures for Prometheus. Labels name only models that are served, so that no client can make
//! series.

use std::sync::{Mutex, PoisonError};

use hyper::StatusCode;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::serving::table::{Loaded, Table};
use crate::serving::{bento, drift};

/// The figures.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    duration: HistogramVec,
    rows: IntCounterVec,
    pub(crate) in_flight: IntGauge,
    info: IntGaugeVec,
    weight: IntGaugeVec,
    /// One scrape at a time: `info` and `weight` are made anew by each.
    scraping: Mutex<()>,
}

/// The series of one version, looked up once.
pub(crate) struct Series {
    /// Requests that were answered.
    pub(crate) answered: IntCounter,
    pub(crate) duration: Histogram,
    pub(crate) rows: IntCounter,
}

/// Seconds; a prediction takes microseconds to milliseconds.
const BOUNDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

impl Metrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let version = ["model", "version"];
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new(
                    "dagdeck_serving_requests_total",
                    "Requests for predictions, by the version that answered and the status",
                ),
                &["model", "version", "code"],
            )?,
            duration: HistogramVec::new(
                HistogramOpts::new(
                    "dagdeck_serving_request_duration_seconds",
                    "Seconds from a request's head to its answer",
                )
                .buckets(BOUNDS.to_vec()),
                &version,
            )?,
            rows: IntCounterVec::new(
                Opts::new("dagdeck_serving_rows_total", "Rows that were answered"),
                &version,
            )?,
            in_flight: IntGauge::new(
                "dagdeck_serving_in_flight",
                "Requests that are being answered",
            )?,
            info: IntGaugeVec::new(
                Opts::new("dagdeck_serving_model_info", "Versions in memory, 1 each"),
                &version,
            )?,
            weight: IntGaugeVec::new(
                Opts::new("dagdeck_serving_traffic_percent", "Share of its model's requests"),
                &version,
            )?,
            scraping: Mutex::default(),
        };
        let registry = &metrics.registry;
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.rows.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        registry.register(Box::new(metrics.info.clone()))?;
        registry.register(Box::new(metrics.weight.clone()))?;
        Ok(metrics)
    }

    /// Returns the series of a version.
    pub(crate) fn series<'a>(&self, loaded: &'a Loaded) -> &'a Series {
        loaded.series.get_or_init(|| {
            let version = loaded.version.to_string();
            let labels = [loaded.model.as_str(), version.as_str()];
            Series {
                answered: self.requests.with_label_values(&[labels[0], labels[1], "200"]),
                duration: self.duration.with_label_values(&labels),
                rows: self.rows.with_label_values(&labels),
            }
        })
    }

    /// Counts a request that no version answered, or that was not answered with 200.
    pub(crate) fn count(&self, by: Option<&Loaded>, status: StatusCode) {
        let version = by.map_or(String::new(), |loaded| loaded.version.to_string());
        let model = by.map_or("", |loaded| loaded.model.as_str());
        self.requests.with_label_values(&[model, &version, status.as_str()]).inc();
    }

    /// Writes all figures in Prometheus's text format.
    pub(crate) fn text(&self, table: &Table) -> prometheus::Result<Vec<u8>> {
        let _scraping = self.scraping.lock().unwrap_or_else(PoisonError::into_inner);
        self.info.reset();
        self.weight.reset();
        for (loaded, weight) in table.all() {
            let version = loaded.version.to_string();
            let labels = [loaded.model.as_str(), version.as_str()];
            self.info.with_label_values(&labels).set(1);
            self.weight.with_label_values(&labels).set(i64::from(weight));
        }
        let mut text = Vec::new();
        let mut families = self.registry.gather();
        families.extend(bento::figures(&families));
        TextEncoder::new().encode(&families, &mut text)?;
        drift::write_metrics(table, &mut text)?;
        Ok(text)
    }
}
