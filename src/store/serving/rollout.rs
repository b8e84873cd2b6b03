//! The rollout of each model that is under way, or the last that was.
//!
//! The attempt that carries one out writes its steps; people write what they want of it. Both do
//! so only while it is that attempt's, so that neither undoes what the other has decided.

use rusqlite::{Connection, Row, params};
use serde::Deserialize;

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::serving::{RolloutState, RolloutView};
use crate::types::{LaunchToken, Timestamp};

/// What somebody wants that was not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pending {
    Advance,
    Abort,
}

impl Pending {
    fn as_str(self) -> &'static str {
        match self {
            Self::Advance => "advance",
            Self::Abort => "abort",
        }
    }
}

/// A rollout with what only its attempt needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub rollout: RolloutView,
    pub token: LaunchToken,
    pub wish: Option<Pending>,
}

/// Returns the rollout of a model.
pub fn of(conn: &Connection, model: &str) -> Result<Option<Kept>, StoreError> {
    row::first(conn, "SELECT * FROM serving_rollout WHERE model = ?1", [model], read)
}

/// Returns all of them, by model.
pub fn all(conn: &Connection) -> Result<Vec<RolloutView>, StoreError> {
    let sql = "SELECT * FROM serving_rollout ORDER BY model";
    row::all(conn, sql, [], |row| Ok(read(row)?.rollout))
}

/// Keeps a rollout in the place of the model's last one.
pub fn put(conn: &Connection, kept: &Kept) -> Result<(), StoreError> {
    let Kept { rollout, token, wish } = kept;
    let sql = "INSERT OR REPLACE INTO serving_rollout (model, token, task, version, previous, \
               percents, step, state, ends_at, left_ms, wish, started_at, ended_at, reason) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let left_ms = rollout.left_ms.map(|left| i64::try_from(left).unwrap_or(i64::MAX));
    let values = params![
        rollout.model,
        token.as_str(),
        rollout.task,
        rollout.version,
        rollout.previous,
        row::json_text(&rollout.percents, "percents")?,
        rollout.step,
        rollout.state.as_str(),
        row::opt_micros(rollout.ends_at),
        left_ms,
        wish.map(Pending::as_str),
        row::micros(rollout.started_at),
        row::opt_micros(rollout.ended_at),
        rollout.reason,
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Ends a model's rollout, if there is one under way.
pub fn end(
    conn: &Connection,
    model: &str,
    (state, reason): (RolloutState, Option<String>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut kept) = of(conn, model)?.filter(|kept| kept.rollout.state.is_open()) else {
        return Ok(());
    };
    kept.wish = None;
    let rollout = &mut kept.rollout;
    rollout.state = state;
    rollout.reason = reason;
    rollout.ended_at = Some(now);
    (rollout.ends_at, rollout.left_ms) = (None, None);
    put(conn, &kept)
}

fn read(row: &Row<'_>) -> Result<Kept, StoreError> {
    let left_ms: Option<i64> = row.get("left_ms")?;
    Ok(Kept {
        rollout: RolloutView {
            model: row.get("model")?,
            version: row.get("version")?,
            previous: row.get("previous")?,
            percents: row::json(row, "percents")?,
            step: row.get("step")?,
            state: row::word(row, "state")?,
            ends_at: row::opt_time(row, "ends_at")?,
            left_ms: left_ms.and_then(|left| u64::try_from(left).ok()),
            started_at: row::time(row, "started_at")?,
            ended_at: row::opt_time(row, "ended_at")?,
            reason: row.get("reason")?,
            task: row.get("task")?,
        },
        token: row::text(row, "token")?,
        wish: row::opt_word(row, "wish")?,
    })
}
