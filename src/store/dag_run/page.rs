//! Pages of runs, by what is said of them.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params, params_from_iter};

use crate::store::dag_run::read;
use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::run::DagRun;
use crate::types::state::DagRunType;
use crate::types::{DagId, DagRunState, Timestamp};

/// Beyond this many nobody counts the runs that fit a filter which no index answers.
const COUNT_MAX: u32 = 100_000;

/// Which runs are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    pub dag_id: Option<DagId>,
    pub state: Option<DagRunState>,
    /// Of these DAGs; where none is named here, of any.
    pub dag_ids: Option<Vec<DagId>>,
    pub run_type: Option<DagRunType>,
    /// Due not before.
    pub since: Option<Timestamp>,
    /// Each stands in the id, the note, the conf or the user.
    pub words: Vec<String>,
}

impl RunFilter {
    /// Those of one DAG, in one state, or both.
    pub fn of(dag_id: Option<DagId>, state: Option<DagRunState>) -> Self {
        Self { dag_id, state, ..Self::default() }
    }

    /// Says whether the counters of runs tell how many fit.
    fn is_counted(&self) -> bool {
        *self == Self::of(self.dag_id.clone(), self.state)
    }
}

/// Returns a page of the runs that fit, newest first, and how many fit in all.
pub fn list(
    conn: &Connection,
    filter: &RunFilter,
    limit: u32,
    offset: u32,
) -> Result<(Vec<DagRun>, u64), StoreError> {
    if !filter.is_counted() {
        return search(conn, filter, limit, offset);
    }
    let dag_id = filter.dag_id.as_ref().map(DagId::as_str);
    let state = filter.state.map(DagRunState::as_str);
    // Each shape of the filter has its own index, so each has its own text. Every text names
    // both parameters, so that they can be bound alike.
    let clause = match (dag_id, state) {
        (None, None) => "?1 IS NULL AND ?2 IS NULL",
        (Some(_), None) => "dag_id = ?1 AND ?2 IS NULL",
        (None, Some(_)) => "?1 IS NULL AND state = ?2",
        (Some(_), Some(_)) => "dag_id = ?1 AND state = ?2",
    };
    // What is passed over is read from the index alone.
    let page = format!(
        "SELECT r.* FROM (SELECT id AS page_id FROM dag_run WHERE {clause}
            ORDER BY run_after DESC, id DESC LIMIT ?3 OFFSET ?4)
        CROSS JOIN dag_run AS r ON r.id = page_id
        ORDER BY r.run_after DESC, r.id DESC"
    );
    let runs = row::all(conn, &page, params![dag_id, state, limit, offset], read)?;
    let total = format!("SELECT ifnull(sum(runs), 0) FROM dag_run_count WHERE {clause}");
    let total = row::count(conn, &total, params![dag_id, state])?;
    Ok((runs, total))
}

/// Walks an index in the order of the page and looks at each row; `since` ends the walk.
fn search(
    conn: &Connection,
    filter: &RunFilter,
    limit: u32,
    offset: u32,
) -> Result<(Vec<DagRun>, u64), StoreError> {
    let mut clauses: Vec<String> = Vec::new();
    let mut values: Vec<SqlValue> = Vec::new();
    let mut add = |clause: &str, value: SqlValue| {
        values.push(value);
        clauses.push(clause.replace('?', &format!("?{}", values.len())));
    };
    let text = |text: &str| SqlValue::Text(text.to_owned());
    if let Some(dag_id) = &filter.dag_id {
        add("dag_id = ?", text(dag_id.as_str()));
    }
    if let Some(dag_ids) = &filter.dag_ids {
        let ids = SqlValue::Text(row::json_text(dag_ids, "dag_id")?);
        add("dag_id IN (SELECT value FROM json_each(?))", ids);
    }
    if let Some(state) = filter.state {
        add("state = ?", text(state.as_str()));
    }
    if let Some(run_type) = filter.run_type {
        add("run_type = ?", text(run_type.as_str()));
    }
    if let Some(since) = filter.since {
        add("run_after >= ?", SqlValue::Integer(row::micros(since)));
    }
    for word in &filter.words {
        // `instr` takes no pattern: what people type stands for itself.
        let clause = "instr(lower(dag_id || ' ' || dag_run_id || ' ' || ifnull(note, '') || ' '
            || conf || ' ' || ifnull(triggering_user_name, '')), ?) > 0";
        add(clause, SqlValue::Text(word.to_lowercase()));
    }
    let fit = clauses.join(" AND ");
    let total =
        format!("SELECT count(*) FROM (SELECT 1 FROM dag_run WHERE {fit} LIMIT {COUNT_MAX})");
    let total = row::count(conn, &total, params_from_iter(&values))?;
    let page = format!(
        "SELECT * FROM dag_run WHERE {fit} ORDER BY run_after DESC, id DESC
            LIMIT {limit} OFFSET {offset}"
    );
    Ok((row::all(conn, &page, params_from_iter(&values), read)?, total))
}
