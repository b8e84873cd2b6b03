//! Tracked runs by MLflow's filter and order, as SQL with bound values.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use crate::store::{Store, StoreError, row};
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

/// Finds runs, and how many there are in all.
pub fn runs(store: &Store, search: &Search) -> Result<(Vec<TrackingRunView>, u64), StoreError> {
    let clauses = search::filter(&search.filter)
        .map_err(|mistake| mistake.fault("filter", &search.filter))?;
    let order = search
        .order_by
        .iter()
        .map(|text| search::order(text).map_err(|mistake| mistake.fault("order", text)));
    let order = order.collect::<Result<Vec<_>, _>>()?;
    store.read_blocking(|conn| {
        let experiment_id = experiment::require(conn, &search.experiment)?;
        let total = count(conn, experiment_id, &clauses)?;
        let mut sql = Sql::new("SELECT r.* FROM runs AS r");
        sql.restrict(experiment_id, &clauses);
        sql.order(&order);
        sql.push(" LIMIT ");
        sql.bind(SqlValue::Integer(search.limit.into()));
        sql.push(" OFFSET ");
        sql.bind(SqlValue::Integer(search.offset.into()));
        let runs = row::all(conn, &sql.text, params_from_iter(&sql.values), run::read)?;
        let runs = runs.into_iter().map(|found| run::with_figures(conn, found));
        Ok((runs.collect::<Result<_, _>>()?, total))
    })
}

fn count(conn: &Connection, experiment_id: i64, clauses: &[Clause]) -> Result<u64, StoreError> {
    let mut sql = Sql::new("SELECT count(*) FROM runs AS r");
    sql.restrict(experiment_id, clauses);
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

    fn restrict(&mut self, experiment_id: i64, clauses: &[Clause]) {
        self.push(" WHERE r.experiment_id = ");
        self.bind(SqlValue::Integer(experiment_id));
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
