//! Runs and experiments by MLflow's filter and order.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, Row, params_from_iter};

use crate::store::{Store, StoreError, row};
use crate::tracking::experiment::record::{self as experiment_record, Experiment};
use crate::tracking::run::record::{self, Run};
use crate::tracking::{experiment, run};
use crate::types::ask::Nesting;
use crate::types::search::{Attribute, Clause, Order, Vocabulary, vocabulary};
use crate::types::view::TrackingRunView;

pub(crate) mod sql;

use sql::{Shape, Sql, Table};

/// Which runs are meant, and which page of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// The name of the experiment.
    pub experiment: String,
    pub filter: String,
    /// After these the newest comes first; a run that lacks the key comes last.
    pub order_by: Vec<String>,
    pub nesting: Nesting,
    pub limit: u32,
    pub offset: u32,
}

/// What a client of MLflow looks for, and which page of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    pub filter: String,
    pub order_by: Vec<String>,
    pub stage: LifecycleStage,
    pub limit: u32,
    pub offset: u32,
}

/// Whether what is deleted is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LifecycleStage {
    #[default]
    Active,
    Deleted,
    Any,
}

/// Times are asked for in milliseconds and kept in microseconds.
static RUNS: Shape = Shape {
    from: "runs AS r",
    metrics: Some(Table { name: "latest_metrics", join: "v.run_id = r.run_id" }),
    params: Some(Table { name: "params", join: "v.run_id = r.run_id" }),
    tags: Some(Table { name: "tags", join: "v.run_id = r.run_id" }),
    column: |attribute| match attribute {
        Attribute::RunName => "r.run_name",
        Attribute::Status => "r.status",
        Attribute::UserId => "r.user_id",
        Attribute::ArtifactUri => "r.artifact_uri",
        Attribute::StartTime => "r.start_time / 1000",
        Attribute::EndTime => "r.end_time / 1000",
        _ => "r.run_id",
    },
    ties: "r.start_time DESC, r.run_id",
};

static EXPERIMENTS: Shape = Shape {
    from: "experiments AS e",
    metrics: None,
    params: None,
    tags: Some(Table { name: "experiment_tags", join: "v.experiment_id = e.experiment_id" }),
    column: |attribute| match attribute {
        Attribute::Name => "e.name",
        Attribute::CreationTime => "e.creation_time / 1000",
        Attribute::LastUpdateTime => "ifnull(e.last_update_time, e.creation_time) / 1000",
        _ => "e.experiment_id",
    },
    ties: "e.experiment_id DESC",
};

/// Finds runs of an experiment, and how many there are in all.
pub fn runs(store: &Store, search: &Search) -> Result<(Vec<TrackingRunView>, u64), StoreError> {
    let (clauses, order) = read(&vocabulary::RUNS, &search.filter, &search.order_by)?;
    store.read_blocking(|conn| {
        let experiments = [experiment::require(conn, &search.experiment)?];
        let restrict = |sql: &mut Sql| {
            of_experiments(sql, &experiments, LifecycleStage::Active);
            nesting(sql, &search.nesting);
        };
        let total = count(conn, &RUNS, &clauses, &restrict)?;
        let page = (search.limit, search.offset);
        let read = |row: &Row<'_>| run::read(row);
        let runs = self::page(conn, &RUNS, (&clauses, &order), &restrict, page, read)?;
        let runs = runs.into_iter().map(|found| run::with_figures(conn, found));
        Ok((runs.collect::<Result<_, _>>()?, total))
    })
}

/// Finds runs of experiments, one more than the limit where there are more. An id of no experiment
/// finds nothing.
pub fn records(
    store: &Store,
    experiment_ids: &[String],
    wanted: &Wanted,
) -> Result<Vec<Run>, StoreError> {
    let (clauses, order) = read(&vocabulary::RUNS, &wanted.filter, &wanted.order_by)?;
    let experiments: Vec<i64> = experiment_ids.iter().filter_map(|id| id.parse().ok()).collect();
    store.read_blocking(|conn| {
        let restrict = |sql: &mut Sql| of_experiments(sql, &experiments, wanted.stage);
        let page = (wanted.limit.saturating_add(1), wanted.offset);
        let read = |row: &Row<'_>| record::read(conn, row);
        self::page(conn, &RUNS, (&clauses, &order), &restrict, page, read)
    })
}

/// Finds experiments, one more than the limit where there are more.
pub fn experiments(store: &Store, wanted: &Wanted) -> Result<Vec<Experiment>, StoreError> {
    let newest = ["creation_time DESC".to_owned(), "experiment_id ASC".to_owned()];
    let order_by = if wanted.order_by.is_empty() { &newest[..] } else { &wanted.order_by };
    let (clauses, order) = read(&vocabulary::EXPERIMENTS, &wanted.filter, order_by)?;
    store.read_blocking(|conn| {
        let restrict = |sql: &mut Sql| {
            sql.push(" WHERE ");
            stage(sql, "e", wanted.stage);
        };
        let page = (wanted.limit.saturating_add(1), wanted.offset);
        let read = |row: &Row<'_>| experiment_record::read(conn, row);
        self::page(conn, &EXPERIMENTS, (&clauses, &order), &restrict, page, read)
    })
}

/// Reads a filter and an order by the words of what is searched.
pub(crate) fn read(
    vocabulary: &'static Vocabulary,
    filter: &str,
    order_by: &[String],
) -> Result<(Vec<Clause>, Vec<Order>), StoreError> {
    let clauses = vocabulary.filter(filter).map_err(|mistake| mistake.fault("filter", filter))?;
    let order = order_by
        .iter()
        .map(|text| vocabulary.order(text).map_err(|mistake| mistake.fault("order", text)));
    Ok((clauses, order.collect::<Result<Vec<_>, _>>()?))
}

fn of_experiments(sql: &mut Sql, experiments: &[i64], wanted: LifecycleStage) {
    sql.push(" WHERE r.experiment_id ");
    match experiments {
        [one] => {
            sql.push("= ");
            sql.bind(SqlValue::Integer(*one));
        }
        // One value, however many there are: SQLite binds some thousands only.
        many => {
            sql.push("IN (SELECT value FROM json_each(");
            let ids = many.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            sql.bind(SqlValue::Text(format!("[{ids}]")));
            sql.push("))");
        }
    }
    sql.push(" AND ");
    stage(sql, "r", wanted);
}

/// Restricts to where runs hang. What hangs under a run that is deleted, or of another experiment, is
/// shown where the others are. The key is written out: the index is of it.
fn nesting(sql: &mut Sql, wanted: &Nesting) {
    match wanted {
        Nesting::All => {}
        Nesting::Top => sql.push(
            " AND NOT EXISTS (SELECT 1 FROM tags AS t JOIN runs AS p ON p.run_id = t.value
                WHERE t.run_id = r.run_id AND t.key = 'mlflow.parentRunId'
                    AND p.run_id <> r.run_id AND p.experiment_id = r.experiment_id
                    AND p.lifecycle_stage = 'active')",
        ),
        Nesting::Under(parent) => {
            sql.push(
                " AND r.run_id IN (SELECT t.run_id FROM tags AS t
                WHERE t.key = 'mlflow.parentRunId' AND t.value = ",
            );
            sql.bind(SqlValue::Text(parent.to_string()));
            sql.push(" AND t.run_id <> t.value)");
        }
    }
}

fn stage(sql: &mut Sql, alias: &str, wanted: LifecycleStage) {
    sql.push(&match wanted {
        LifecycleStage::Active => format!("{alias}.lifecycle_stage = 'active'"),
        LifecycleStage::Deleted => format!("{alias}.lifecycle_stage = 'deleted'"),
        LifecycleStage::Any => "1".to_owned(),
    });
}

/// Finds a page of something, by what `restrict` writes as its `WHERE` and by a filter.
pub(crate) fn page<R>(
    conn: &Connection,
    shape: &'static Shape,
    (clauses, order): (&[Clause], &[Order]),
    restrict: &dyn Fn(&mut Sql),
    (limit, offset): (u32, u32),
    read: impl FnMut(&Row<'_>) -> Result<R, StoreError>,
) -> Result<Vec<R>, StoreError> {
    let alias = shape.from.rsplit(' ').next().unwrap_or_default();
    let mut sql = Sql::select(&format!("{alias}.*"), shape);
    restrict(&mut sql);
    sql.clauses(clauses);
    sql.order(order);
    sql.page(limit, offset);
    row::all(conn, &sql.text, params_from_iter(&sql.values), read)
}

fn count(
    conn: &Connection,
    shape: &'static Shape,
    clauses: &[Clause],
    restrict: &dyn Fn(&mut Sql),
) -> Result<u64, StoreError> {
    let mut sql = Sql::select("count(*)", shape);
    restrict(&mut sql);
    sql.clauses(clauses);
    row::count(conn, &sql.text, params_from_iter(&sql.values))
}

#[cfg(test)]
mod tests;
