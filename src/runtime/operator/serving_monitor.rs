//! `serving.monitor`: watches what is served for a while and sums it up in one line; fails where a
//! figure meets a condition of `fail_if`.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::DaemonContext;
use super::args::{Args, unfit};
use super::condition::{Condition, number};
use super::error::OperatorError;
use super::waiting::wait;
use crate::connection::{closest, did_you_mean};
use crate::runtime::serving::ServingHandle;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::serving::ServedVersion;

const WINDOW: Duration = Duration::from_secs(10);

/// What `fail_if` may name, as the figures of the result.
const FIGURES: [&str; 6] = ["requests", "errors", "error_rate", "p50_ms", "p99_ms", "drift"];

/// How often the figures are looked at.
const SAMPLE: Duration = Duration::from_secs(1);

/// What was seen of one version during the window.
#[derive(Debug, Clone, PartialEq)]
struct Watched {
    first: (u64, u64),
    last: ServedVersion,
    p99_ms_max: Option<f64>,
}

pub(super) async fn run(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let monitor = Monitor {
        serving: &context.serving,
        log: &context.log,
        cancelled: &context.cancelled,
        model: args.text_or_none("model")?,
        window: args.duration_or_none("window")?.unwrap_or(WINDOW),
        fail_if: fail_if(args)?,
    };
    monitor.watch().await.map(Outcome::output)
}

struct Monitor<'a> {
    serving: &'a ServingHandle,
    log: &'a TaskLog,
    cancelled: &'a watch::Receiver<bool>,
    /// `None`: all that is served.
    model: Option<String>,
    window: Duration,
    fail_if: Vec<(String, Condition)>,
}

/// Reads `fail_if = { drift = "> 0.2" }`.
fn fail_if(args: Args<'_>) -> Result<Vec<(String, Condition)>, OperatorError> {
    let conditions = args.table("fail_if")?;
    let read = conditions.iter().map(|(name, value)| {
        if !FIGURES.contains(&name.as_str()) {
            let meant = did_you_mean(closest(name, FIGURES).as_deref());
            let known = FIGURES.join(", ");
            let text = format!("`fail_if` has no `{name}`{meant} (there are {known})");
            return Err(OperatorError::Fatal(text));
        }
        let condition = Condition::parse(value).ok_or_else(|| {
            unfit(&format!("fail_if.{name}"), value, "a comparison such as \"> 0.01\"")
        })?;
        Ok((name.clone(), condition))
    });
    read.collect()
}

impl Monitor<'_> {
    async fn watch(&self) -> Result<Value, OperatorError> {
        let mut watched = Vec::new();
        self.sample(&mut watched).await?;
        let mut left = self.window;
        while !left.is_zero() {
            let pause = left.min(SAMPLE);
            wait(pause, self.cancelled).await?;
            left -= pause;
            self.sample(&mut watched).await?;
        }
        if watched.is_empty() {
            let what = self.model.as_ref().map_or("nothing".into(), |m| format!("model `{m}`"));
            let is = if self.model.is_some() { "is not served" } else { "is served" };
            return Err(OperatorError::Fatal(format!("{what} {is}")));
        }
        let lines: Vec<_> = watched.iter().map(|seen| seen.line(self.window)).collect();
        let summary = lines.join("; ");
        self.log.say(&summary);
        let versions: Vec<_> = watched.iter().map(Watched::figures).collect();
        let failing = self.failing(&versions);
        if !failing.is_empty() {
            return Err(OperatorError::Fatal(format!("{}; {summary}", failing.join("; "))));
        }
        Ok(json!({
            "state": "serving", "summary": summary, "window_secs": self.window.as_secs_f64(),
            "versions": versions,
        }))
    }

    /// Says which figures meet a condition; one that is not there meets none.
    fn failing(&self, versions: &[Value]) -> Vec<String> {
        let mut failing = Vec::new();
        for (version, (name, condition)) in
            versions.iter().flat_map(|version| self.fail_if.iter().map(move |one| (version, one)))
        {
            let Some(figure) = version[name.as_str()].as_f64().filter(|f| condition.holds(*f))
            else {
                continue;
            };
            failing.push(format!(
                "{} v{}: {name} is {}, and {condition} is the limit",
                version["model"].as_str().unwrap_or_default(),
                version["version"],
                number(figure)
            ));
        }
        failing
    }

    async fn sample(&self, watched: &mut Vec<Watched>) -> Result<(), OperatorError> {
        for served in self.serving.status().await?.versions {
            let is_meant = self.model.as_ref().is_none_or(|model| *model == served.model);
            if is_meant && served.weight > 0 {
                Watched::see(watched, served);
            }
        }
        Ok(())
    }
}

impl Watched {
    fn see(watched: &mut Vec<Self>, served: ServedVersion) {
        let same = |seen: &&mut Self| {
            seen.last.model == served.model && seen.last.version == served.version
        };
        let Some(seen) = watched.iter_mut().find(same) else {
            let first = (served.requests_total, served.errors_total);
            watched.push(Self { first, p99_ms_max: served.p99_ms, last: served });
            return;
        };
        if served.requests_total < seen.last.requests_total {
            // It was loaded anew and counts from 0.
            seen.first = (0, 0);
        }
        seen.p99_ms_max = match (seen.p99_ms_max, served.p99_ms) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        seen.last = served;
    }

    fn counts(&self) -> (u64, u64) {
        (
            self.last.requests_total.saturating_sub(self.first.0),
            self.last.errors_total.saturating_sub(self.first.1),
        )
    }

    /// Such as `iris v3: 120 requests, 0 errors, p99 2.1 ms in 5 s`.
    fn line(&self, window: Duration) -> String {
        let (requests, errors) = self.counts();
        let p99 = self
            .p99_ms_max
            .filter(|_| requests > 0)
            .map_or(String::new(), |p99| format!(", p99 {} ms", number(p99)));
        format!(
            "{} v{}: {requests} requests, {errors} errors{p99}{} in {} s",
            self.last.model,
            self.last.version,
            self.drift(),
            number(window.as_secs_f64())
        )
    }

    /// Such as `, drift 0.31 of petal_width`.
    fn drift(&self) -> String {
        let Some(drift) = &self.last.drift else { return String::new() };
        match (drift.psi, &drift.column) {
            (Some(psi), Some(column)) => format!(", drift {} of {column}", number(psi)),
            (Some(_), None) => ", no drift".to_owned(),
            (None, _) => String::new(),
        }
    }

    fn figures(&self) -> Value {
        let (requests, errors) = self.counts();
        #[allow(clippy::cast_precision_loss, reason = "counts of requests, for a rate")]
        let error_rate = (requests > 0).then(|| errors as f64 / requests as f64);
        let drift = self.last.drift.as_ref();
        json!({
            "model": self.last.model, "version": self.last.version, "weight": self.last.weight,
            "requests": requests, "errors": errors, "error_rate": error_rate,
            "p50_ms": self.last.p50_ms, "p99_ms": self.p99_ms_max,
            "drift": drift.and_then(|drift| drift.psi),
            "drift_column": drift.and_then(|drift| drift.column.as_deref()),
            "drift_rows": drift.map(|drift| drift.rows),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::operator::fake_server::{FakeServer, served};
    use crate::types::serving::ServedDrift;

    async fn watch_if(
        versions: Vec<ServedVersion>,
        model: Option<&str>,
        cancel: bool,
        conditions: &Value,
    ) -> Result<Value, OperatorError> {
        let folder = tempfile::tempdir().unwrap();
        let log = TaskLog::open(folder.path(), Vec::new()).unwrap();
        let server = FakeServer::start(versions);
        let (_cancel, cancelled) = watch::channel(cancel);
        let monitor = Monitor {
            serving: &server.handle,
            log: &log,
            cancelled: &cancelled,
            model: model.map(str::to_owned),
            window: Duration::from_millis(2),
            fail_if: fail_if(Args(json!({ "fail_if": conditions }).as_object().unwrap()))?,
        };
        monitor.watch().await
    }

    async fn watch_for(
        versions: Vec<ServedVersion>,
        model: Option<&str>,
        cancel: bool,
    ) -> Result<Value, OperatorError> {
        watch_if(versions, model, cancel, &json!({})).await
    }

    fn drifting() -> ServedVersion {
        let drift = ServedDrift {
            rows: 900,
            column: Some("petal_width".into()),
            psi: Some(0.31),
            in_trouble: 1,
        };
        ServedVersion { drift: Some(drift), ..served("iris", 3, 100) }
    }

    #[tokio::test]
    async fn drift_is_among_the_figures_and_fails_the_task_where_it_is_asked_for() {
        let watched = watch_for(vec![drifting()], None, false).await.unwrap();
        let expected =
            "iris v3: 10 requests, 0 errors, p99 2.1 ms, drift 0.31 of petal_width in 0.002 s";
        assert_eq!(watched["summary"], expected);
        assert_eq!(watched["versions"][0]["drift"], 0.31);
        let calm = json!({ "drift": "> 0.4", "error_rate": "> 0.01" });
        assert!(watch_if(vec![drifting()], None, false, &calm).await.is_ok());
        let asked = json!({ "drift": "> 0.2" });
        let error = watch_if(vec![drifting()], None, false, &asked).await.unwrap_err().to_string();
        assert!(error.starts_with("iris v3: drift is 0.31, and > 0.2 is the limit; "), "{error}");
        // Where too few rows came nothing is said.
        assert!(watch_if(vec![served("iris", 3, 100)], None, false, &asked).await.is_ok());
        let wrong = watch_if(vec![drifting()], None, false, &json!({ "drifts": "> 1" })).await;
        assert!(wrong.unwrap_err().to_string().contains("did you mean `drift`?"));
        let wrong = watch_if(vec![drifting()], None, false, &json!({ "drift": "much" })).await;
        assert!(wrong.unwrap_err().to_string().contains("a comparison"));
    }

    #[tokio::test]
    async fn the_window_is_summed_up_in_one_line() {
        let watched = watch_for(vec![served("iris", 3, 100)], None, false).await.unwrap();
        assert_eq!(watched["summary"], "iris v3: 10 requests, 0 errors, p99 2.1 ms in 0.002 s");
        assert_eq!(watched["versions"][0]["error_rate"], 0.0);
    }

    #[tokio::test]
    async fn only_the_model_that_is_named_is_watched() {
        let versions = vec![served("iris", 3, 100), served("titanic", 1, 100)];
        let watched = watch_for(versions, Some("titanic"), false).await.unwrap();
        assert_eq!(watched["versions"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_is_not_served_cannot_be_watched() {
        let error = watch_for(Vec::new(), Some("iris"), false).await.unwrap_err();
        assert_eq!(error.to_string(), "model `iris` is not served");
        let error = watch_for(Vec::new(), None, false).await.unwrap_err();
        assert_eq!(error.to_string(), "nothing is served");
    }

    #[tokio::test]
    async fn a_cancelled_window_ends_at_once() {
        let watched = watch_for(vec![served("iris", 3, 100)], None, true).await;
        assert_eq!(watched, Err(OperatorError::Cancelled));
    }

    #[test]
    fn a_version_that_was_loaded_anew_counts_from_zero() {
        let with = |requests_total| ServedVersion { requests_total, ..served("iris", 1, 100) };
        let mut watched = Vec::new();
        Watched::see(&mut watched, with(100));
        Watched::see(&mut watched, with(4));
        assert_eq!(watched[0].counts(), (4, 0));
    }
}
