//! Truth that was told of predictions, and what it comes to for each version.

use rusqlite::{Connection, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::Timestamp;

/// Milliseconds of an hour, by which sums are kept.
const HOUR_MS: i64 = 3_600_000;

/// One thing that was told of one row that was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub id: String,
    pub row: u32,
    pub kind: Kind,
    pub model: String,
    pub version: u32,
    /// When it was predicted.
    pub predicted_at: Timestamp,
    pub metric: Metric,
    /// 0 or 1 of `accuracy`, else what was measured.
    pub score: f64,
}

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Truth,
    Reward,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Truth => "truth",
            Self::Reward => "reward",
        }
    }
}

/// What a score is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    Accuracy,
    AbsoluteError,
    Reward,
}

impl Metric {
    const ALL: [Self; 3] = [Self::Accuracy, Self::AbsoluteError, Self::Reward];

    fn as_str(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::AbsoluteError => "absolute_error",
            Self::Reward => "reward",
        }
    }
}

/// The sums of one version in one hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Hour {
    pub model: String,
    pub metric: Metric,
    pub version: u32,
    /// Since 1970.
    pub hour: i64,
    pub outcomes: u64,
    pub total: f64,
    pub total_sq: f64,
}

/// Keeps an outcome and adds it to its version's sums; says `false` where it was told before.
pub fn add(conn: &Connection, outcome: &Outcome, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "INSERT OR IGNORE INTO serving_outcome (id, \"row\", kind, model, version, told_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Outcome { id, row: at, kind, model, version, .. } = outcome;
    let values = params![id, at, kind.as_str(), model, version, row::micros(now)];
    if row::execute(conn, sql, values)? == 0 {
        return Ok(false);
    }
    let hour = outcome.predicted_at.as_millisecond().div_euclid(HOUR_MS);
    let sql = "INSERT INTO serving_arm (model, metric, version, \"hour\", outcomes, total, \
               total_sq) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6) \
               ON CONFLICT (model, metric, version, \"hour\") DO UPDATE SET \
               outcomes = outcomes + 1, total = total + excluded.total, \
               total_sq = total_sq + excluded.total_sq";
    let score = outcome.score;
    let values = params![model, outcome.metric.as_str(), version, hour, score, score * score];
    row::execute(conn, sql, values)?;
    Ok(true)
}

/// Returns all sums.
pub fn hours(conn: &Connection) -> Result<Vec<Hour>, StoreError> {
    let sql = "SELECT * FROM serving_arm ORDER BY model, metric, version, \"hour\"";
    row::all(conn, sql, [], |row| {
        let metric: String = row.get("metric")?;
        let metric = Metric::ALL.into_iter().find(|known| known.as_str() == metric);
        Ok(Hour {
            model: row.get("model")?,
            metric: metric.unwrap_or(Metric::Reward),
            version: row.get("version")?,
            hour: row.get("hour")?,
            outcomes: u64::try_from(row.get::<_, i64>("outcomes")?).unwrap_or(0),
            total: row.get("total")?,
            total_sq: row.get("total_sq")?,
        })
    })
}

/// Forgets what was told before `oldest`: the predictions are gone, so that it cannot be told
/// again. Sums are kept for a year from their hour.
pub fn prune(conn: &Connection, oldest: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    let told = "DELETE FROM serving_outcome WHERE told_at < ?1";
    row::execute(conn, told, [row::micros(oldest)])?;
    let hour = now.as_millisecond().div_euclid(HOUR_MS) - 365 * 24;
    row::execute(conn, "DELETE FROM serving_arm WHERE \"hour\" < ?1", [hour]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn what_is_told_twice_counts_once_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dagdeck.db");
        let now = Timestamp::from_second(7_200).unwrap();
        let outcome = |id: &str, row, kind, score| Outcome {
            id: id.to_owned(),
            row,
            kind,
            model: "iris".to_owned(),
            version: 2,
            predicted_at: Timestamp::from_second(3_700).unwrap(),
            metric: if kind == Kind::Reward { Metric::Reward } else { Metric::Accuracy },
            score,
        };
        let told = [
            (outcome("a", 0, Kind::Truth, 1.0), true),
            (outcome("a", 1, Kind::Truth, 0.0), true),
            (outcome("a", 1, Kind::Truth, 1.0), false),
            (outcome("a", 1, Kind::Reward, 2.5), true),
        ];
        let add = |outcome: &Outcome| {
            let outcome = outcome.clone();
            let store = Store::open(&path).unwrap();
            store.write_blocking(move |tx| super::add(tx, &outcome, now)).unwrap()
        };
        for (outcome, counts) in &told {
            assert_eq!(add(outcome), *counts, "{outcome:?}");
        }
        let store = Store::open(&path).unwrap();
        let sums = |store: &Store| -> Vec<_> {
            let hours = store.read_blocking(hours).unwrap();
            hours.iter().map(|hour| (hour.metric, hour.hour, hour.outcomes, hour.total)).collect()
        };
        let expected: Vec<_> = vec![(Metric::Accuracy, 1, 2, 1.0), (Metric::Reward, 1, 1, 2.5)];
        assert_eq!(sums(&store), expected);
        store.write_blocking(move |tx| prune(tx, now, now)).unwrap();
        assert_eq!(sums(&store), expected);
    }
}
