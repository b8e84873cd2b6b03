//! `sensor.time`: waits for an instant: a time of today, an instant as such, or so long after the
//! run's data interval. Which one is settled by the first look; after that it is a timer.

use jiff::civil;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{Look, OperatorError, Poke};
use crate::runtime::operator::DaemonContext;
use crate::runtime::operator::args::{Args, unfit};
use crate::store::dag_run;
use crate::types::{Timestamp, duration, time};

pub(super) async fn resolve(context: &DaemonContext) -> Result<Map<String, Value>, OperatorError> {
    let args = Args(&context.order.args);
    let dag_id = &context.order.key.task.dag_id;
    let zone = context.deck.dags.get(dag_id).map_or(TimeZone::UTC, |dag| dag.timezone.clone());
    let until = if let Some(text) = args.text_or_none("at")? {
        at(&text, time::now(), &zone)?
    } else if let Some(text) = args.text_or_none("until")? {
        until(&text, &zone)?
    } else {
        let delta = args.duration_or_none("delta")?;
        let delta =
            delta.ok_or_else(|| OperatorError::fatal("`at`, `until` or `delta` is missing"))?;
        let end = end_of_interval(context).await?;
        end.saturating_add(delta).unwrap_or(Timestamp::MAX)
    };
    Ok([("until".to_owned(), json!(until))].into_iter().collect())
}

pub(super) fn poke(look: &Look<'_>) -> Result<Poke, OperatorError> {
    let text = Args(look.args).text("until")?;
    let until: Timestamp = text.parse().map_err(|_| not_a_time("until", &text))?;
    if look.now >= until {
        return Ok(Poke::Found(json!({ "until": until })));
    }
    Ok(Poke::Waits { seen: format!("it is not {until} yet"), until: Some(until) })
}

/// The time of the day of `now`, where the DAG is at home. One that a change of the clocks
/// leaves out is as much later.
fn at(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, OperatorError> {
    let of_day = duration::time_of_day(text).ok_or_else(|| not_a_time("at", text))?;
    let today = now.to_zoned(zone.clone()).date();
    let zoned = today.to_datetime(of_day).to_zoned(zone.clone());
    zoned.map(|zoned| zoned.timestamp()).map_err(|_| not_a_time("at", text))
}

/// An instant, or a date and time where the DAG is at home.
fn until(text: &str, zone: &TimeZone) -> Result<Timestamp, OperatorError> {
    let text = text.trim();
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let civil: civil::DateTime = text.parse().map_err(|_| not_a_time("until", text))?;
    let zoned = civil.to_zoned(zone.clone());
    zoned.map(|zoned| zoned.timestamp()).map_err(|_| not_a_time("until", text))
}

fn not_a_time(key: &str, text: &str) -> OperatorError {
    let expected = match key {
        "at" => "a time of the day such as `14:30`",
        _ => "an instant such as `2026-01-01T14:30:00Z`",
    };
    unfit(key, &Value::from(text), expected)
}

/// As Airflow: a run without an interval counts from when it may run.
async fn end_of_interval(context: &DaemonContext) -> Result<Timestamp, OperatorError> {
    let task = context.order.key.task.clone();
    let read =
        move |conn: &rusqlite::Connection| dag_run::get(conn, &task.dag_id, &task.dag_run_id);
    let run = context.store.read(read).await?;
    let run = run.ok_or_else(|| OperatorError::passing("the run is gone"))?;
    Ok(run.data_interval_end.unwrap_or(run.run_after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_berlin(text: &str, now: &str) -> Result<String, OperatorError> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        at(text, now.parse().unwrap(), &zone).map(|instant| instant.to_string())
    }

    #[test]
    fn a_time_of_the_day_is_one_of_today_where_the_dag_is_at_home() {
        let found = in_berlin("14:30", "2026-07-01T23:30:00Z").unwrap();
        assert_eq!(found, "2026-07-02T12:30:00Z", "there it is tomorrow already");
        let found = in_berlin("00:15:30", "2026-01-01T12:00:00Z").unwrap();
        assert_eq!(found, "2025-12-31T23:15:30Z");
    }

    #[test]
    fn a_time_that_the_clocks_leave_out_is_as_much_later() {
        let found = in_berlin("02:30", "2026-03-29T00:00:00Z").unwrap();
        assert_eq!(found, "2026-03-29T01:30:00Z");
        let found = in_berlin("02:30", "2026-10-25T00:00:00Z").unwrap();
        assert_eq!(found, "2026-10-25T00:30:00Z", "of two the first");
    }

    #[test]
    fn an_instant_may_be_written_with_or_without_a_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text: &str| until(text, &zone).map(|instant| instant.to_string());
        assert_eq!(read("2026-01-01T12:00:00+00:00").unwrap(), "2026-01-01T12:00:00Z");
        assert_eq!(read("2026-01-01T12:00:00").unwrap(), "2026-01-01T11:00:00Z");
        assert_eq!(read("2026-01-01").unwrap(), "2025-12-31T23:00:00Z");
        let error = read("soon").unwrap_err().to_string();
        assert!(error.contains("`until` is \"soon\"; expected an instant"), "{error}");
        let error = in_berlin("25:00", "2026-01-01T12:00:00Z").unwrap_err().to_string();
        assert!(error.contains("expected a time of the day"), "{error}");
    }
}
