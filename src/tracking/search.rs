//! Tracked runs by MLflow's filter and order, as SQL with bound values.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use crate::store::{Store, StoreError, row};
use crate::tracking::run::record::{self, Run};
use crate::tracking::{experiment, run};
use crate::types::search::{self, Attribute, Clause, Comparator, Operand, Order, Subject};
use crate::types::view::TrackingRunView;

/// Which runs are meant, and which page of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// The name of the experiment.
    pub experiment: String,
    pub filter: String,
    /// After these the newest comes first; a run that lacks the key comes last.
    pub order_by: Vec<String>,
    pub limit: u32,
    pub offset: u32,
}

/// Which runs a client of MLflow means, and which page of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunSearch {
    pub experiment_ids: Vec<String>,
    pub filter: String,
    /// After these the newest comes first; a run that lacks the key comes last.
    pub order_by: Vec<String>,
    pub stage: LifecycleStage,
    pub limit: u32,
    pub offset: u32,
}

/// Whether runs that are deleted are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LifecycleStage {
    #[default]
    Active,
    Deleted,
    Any,
}

/// Finds runs of experiments, and how many there are in all. An id of no experiment finds nothing.
pub fn records(store: &Store, search: &RunSearch) -> Result<(Vec<Run>, u64), StoreError> {
    let (clauses, order) = read(&search.filter, &search.order_by)?;
    let numbers = search.experiment_ids.iter().filter_map(|id| id.parse().ok());
    let scope = Scope { experiments: numbers.collect(), stage: search.stage };
    store.read_blocking(|conn| {
        let total = count(conn, &scope, &clauses)?;
        let sql = Sql::page(&scope, &clauses, &order, search.limit, search.offset);
        let read = |row: &rusqlite::Row<'_>| record::read(conn, row);
        Ok((row::all(conn, &sql.text, params_from_iter(&sql.values), read)?, total))
    })
}

fn read(filter: &str, order_by: &[String]) -> Result<(Vec<Clause>, Vec<Order>), StoreError> {
    let clauses = search::filter(filter).map_err(|mistake| mistake.fault("filter", filter))?;
    let order = order_by
        .iter()
        .map(|text| search::order(text).map_err(|mistake| mistake.fault("order", text)));
    Ok((clauses, order.collect::<Result<Vec<_>, _>>()?))
}

/// Whose runs are looked at.
struct Scope {
    experiments: Vec<i64>,
    stage: LifecycleStage,
}

/// Finds runs, and how many there are in all.
pub fn runs(store: &Store, search: &Search) -> Result<(Vec<TrackingRunView>, u64), StoreError> {
    let (clauses, order) = read(&search.filter, &search.order_by)?;
    store.read_blocking(|conn| {
        let experiment_id = experiment::require(conn, &search.experiment)?;
        let scope = Scope { experiments: vec![experiment_id], stage: LifecycleStage::Active };
        let total = count(conn, &scope, &clauses)?;
        let sql = Sql::page(&scope, &clauses, &order, search.limit, search.offset);
        let runs = row::all(conn, &sql.text, params_from_iter(&sql.values), run::read)?;
        let runs = runs.into_iter().map(|found| run::with_figures(conn, found));
        Ok((runs.collect::<Result<_, _>>()?, total))
    })
}

fn count(conn: &Connection, scope: &Scope, clauses: &[Clause]) -> Result<u64, StoreError> {
    let mut sql = Sql::new("SELECT count(*) FROM runs AS r");
    sql.restrict(scope, clauses);
    row::count(conn, &sql.text, params_from_iter(&sql.values))
}

/// A statement with its values; what people wrote is only ever a value.
struct Sql {
    text: String,
    values: Vec<SqlValue>,
}

impl Sql {
    fn new(start: &str) -> Self {
        Self { text: start.to_owned(), values: Vec::new() }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn bind(&mut self, value: SqlValue) {
        self.values.push(value);
        self.text.push_str(&format!("?{}", self.values.len()));
    }

    fn page(
        scope: &Scope,
        clauses: &[Clause],
        order: &[Order],
        limit: u32,
        offset: u32,
    ) -> Self {
        let mut sql = Self::new("SELECT r.* FROM runs AS r");
        sql.restrict(scope, clauses);
        sql.order(order);
        sql.push(" LIMIT ");
        sql.bind(SqlValue::Integer(limit.into()));
        sql.push(" OFFSET ");
        sql.bind(SqlValue::Integer(offset.into()));
        sql
    }

    fn restrict(&mut self, scope: &Scope, clauses: &[Clause]) {
        self.push(" WHERE r.experiment_id IN (");
        for (at, id) in scope.experiments.iter().enumerate() {
            self.push(if at == 0 { "" } else { ", " });
            self.bind(SqlValue::Integer(*id));
        }
        self.push(match scope.stage {
            LifecycleStage::Active => ") AND r.lifecycle_stage = 'active'",
            LifecycleStage::Deleted => ") AND r.lifecycle_stage = 'deleted'",
            LifecycleStage::Any => ")",
        });
        for clause in clauses {
            self.push(" AND ");
            self.clause(clause);
        }
    }

    fn clause(&mut self, clause: &Clause) {
        let Some((table, key)) = table(&clause.subject) else {
            return self.test(column(&clause.subject), clause);
        };
        // A run that lacks the key passes no comparison with it, `!=` included.
        let is_missing = clause.comparator == Comparator::IsNull;
        self.push(if is_missing { "NOT EXISTS" } else { "EXISTS" });
        self.push(&format!(" (SELECT 1 FROM {table} AS v WHERE v.run_id = r.run_id AND v.key = "));
        self.bind(SqlValue::Text(key.to_owned()));
        if !matches!(clause.comparator, Comparator::IsNull | Comparator::IsNotNull) {
            self.push(" AND ");
            self.test("v.value", clause);
        }
        self.push(")");
    }

    fn test(&mut self, column: &str, clause: &Clause) {
        let sign = match clause.comparator {
            Comparator::Equal | Comparator::IsNull | Comparator::IsNotNull => " = ",
            Comparator::NotEqual => " != ",
            Comparator::Less => " < ",
            Comparator::LessOrEqual => " <= ",
            Comparator::Greater => " > ",
            Comparator::GreaterOrEqual => " >= ",
            // SQLite's LIKE does not tell case; its GLOB does.
            Comparator::Like => " GLOB ",
            Comparator::ILike => " LIKE ",
            Comparator::In => " IN (",
            Comparator::NotIn => " NOT IN (",
        };
        self.push(column);
        self.push(sign);
        match &clause.operand {
            Operand::Nothing => self.push("NULL"),
            Operand::Number(number) => self.bind(SqlValue::Real(*number)),
            Operand::Text(text) if clause.comparator == Comparator::Like => {
                self.bind(SqlValue::Text(glob(text)));
            }
            Operand::Text(text) => self.bind(SqlValue::Text(text.clone())),
            Operand::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.push(if at == 0 { "" } else { ", " });
                    self.bind(SqlValue::Text(item.clone()));
                }
                self.push(")");
            }
        }
    }

    /// Values first, then NaN, then runs without one, whichever the direction.
    fn order(&mut self, order: &[Order]) {
        self.push(" ORDER BY ");
        for key in order {
            let direction = if key.is_descending { "DESC" } else { "ASC" };
            match table(&key.subject) {
                None => {
                    let column = column(&key.subject);
                    self.push(&format!("{column} IS NULL, {column} {direction}, "));
                }
                Some((table, name)) => {
                    let found = format!("FROM {table} AS v WHERE v.run_id = r.run_id AND v.key = ");
                    self.push(&format!("ifnull((SELECT v.value IS NULL {found}"));
                    self.bind(SqlValue::Text(name.to_owned()));
                    self.push(&format!("), 2), (SELECT v.value {found}"));
                    self.bind(SqlValue::Text(name.to_owned()));
                    self.push(&format!(") {direction}, "));
                }
            }
        }
        self.push("r.start_time DESC, r.run_id");
    }
}

fn table(subject: &Subject) -> Option<(&'static str, &str)> {
    match subject {
        Subject::Metric(key) => Some(("latest_metrics", key)),
        Subject::Param(key) => Some(("params", key)),
        Subject::Tag(key) => Some(("tags", key)),
        Subject::Attribute(_) => None,
    }
}

/// Times are asked for in milliseconds and kept in microseconds.
fn column(subject: &Subject) -> &'static str {
    match subject {
        Subject::Attribute(Attribute::RunName) => "r.run_name",
        Subject::Attribute(Attribute::Status) => "r.status",
        Subject::Attribute(Attribute::UserId) => "r.user_id",
        Subject::Attribute(Attribute::ArtifactUri) => "r.artifact_uri",
        Subject::Attribute(Attribute::StartTime) => "r.start_time / 1000",
        Subject::Attribute(Attribute::EndTime) => "r.end_time / 1000",
        _ => "r.run_id",
    }
}

/// Writes a LIKE pattern as GLOB takes it.
fn glob(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '%' => out.push('*'),
            '_' => out.push('?'),
            '*' | '?' | '[' => out.extend(['[', c, ']']),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
