//! Logged models by MLflow's filter: a metric may be asked for as it was found on a data set.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, Row, params_from_iter};

use crate::store::{StoreError, row};
use crate::tracking::logged_model::{self, LoggedModel};
use crate::tracking::search;
use crate::tracking::search::sql::{Shape, Sql, Table};
use crate::types::Fault;
use crate::types::search::{Attribute, Clause, Order, Subject, vocabulary};

/// Which logged models are meant, and which page of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedModelSearch {
    pub experiment_ids: Vec<String>,
    pub filter: String,
    /// Metrics count as found on one of these, where any are named.
    pub datasets: Vec<DatasetWanted>,
    /// After these the newest comes first; what lacks the key comes last.
    pub order_by: Vec<MetricOrder>,
    pub limit: u32,
    pub offset: u32,
}

/// A data set by its name, or one state of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetWanted {
    pub name: String,
    pub digest: Option<String>,
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricOrder {
    /// `creation_timestamp`, `metrics.accuracy` …
    pub field_name: String,
    pub is_descending: bool,
    /// On which data set the metric was found.
    pub dataset: Option<DatasetWanted>,
}

/// Times are asked for in milliseconds and kept in microseconds.
static MODELS: Shape = Shape {
    from: "logged_models AS m",
    metrics: None,
    params: Some(Table { name: "logged_model_params", join: "v.model_id = m.model_id" }),
    tags: Some(Table { name: "logged_model_tags", join: "v.model_id = m.model_id" }),
    column: |attribute| match attribute {
        Attribute::Name => "m.name",
        Attribute::ModelType => "m.model_type",
        Attribute::Status => "m.status",
        Attribute::SourceRunId => "m.source_run_id",
        Attribute::CreationTime => "m.creation_timestamp / 1000",
        Attribute::LastUpdateTime => "m.last_updated_timestamp / 1000",
        _ => "m.model_id",
    },
    ties: "m.creation_timestamp DESC, m.model_id",
};

/// Finds logged models, one more than the limit where there are more.
pub fn models(
    conn: &Connection,
    wanted: &LoggedModelSearch,
) -> Result<Vec<LoggedModel>, StoreError> {
    let vocabulary = &vocabulary::LOGGED_MODELS;
    let (clauses, _) = search::read(vocabulary, &wanted.filter, &[])?;
    let order = wanted.order_by.iter().map(|key| Ok((read_order(key)?, &key.dataset)));
    let order = order.collect::<Result<Vec<_>, StoreError>>()?;
    let (metrics, others): (Vec<Clause>, Vec<Clause>) =
        clauses.into_iter().partition(|clause| matches!(clause.subject, Subject::Metric(_)));
    let ids = wanted.experiment_ids.iter().filter_map(|id| id.parse().ok());
    let mut sql = Sql::select("m.*", &MODELS);
    sql.push(" WHERE m.lifecycle_stage = 'active' AND m.experiment_id IN ");
    sql.bind_all(ids.map(SqlValue::Integer));
    sql.clauses(&others);
    if metrics.is_empty() && !wanted.datasets.is_empty() {
        sql.push(" AND EXISTS (SELECT 1 FROM model_metrics AS v WHERE v.model_id = m.model_id");
        on(&mut sql, &wanted.datasets);
        sql.push(")");
    }
    for clause in &metrics {
        sql.push(" AND EXISTS (");
        found(&mut sql, &clause.subject, &wanted.datasets);
        sql.push(" AND ");
        sql.test("v.value", clause);
        sql.push(")");
    }
    sql.push(" ORDER BY ");
    for (key, dataset) in &order {
        by(&mut sql, key, dataset.as_ref());
    }
    sql.push(MODELS.ties);
    sql.page(wanted.limit.saturating_add(1), wanted.offset);
    let read = |row: &Row<'_>| logged_model::read(conn, row);
    row::all(conn, &sql.text, params_from_iter(&sql.values), read)
}

fn read_order(key: &MetricOrder) -> Result<Order, StoreError> {
    let order = vocabulary::LOGGED_MODELS.order(&key.field_name);
    let order = order.map_err(|mistake| mistake.fault("order", &key.field_name))?;
    if key.dataset.is_some() && !matches!(order.subject, Subject::Metric(_)) {
        let text = format!("`{}` is no metric: it was found on no data set", key.field_name);
        return Err(Fault::invalid(text).into());
    }
    Ok(Order { is_descending: key.is_descending, ..order })
}

/// Adds one key of an order: a metric counts as it was last found.
fn by(sql: &mut Sql, key: &Order, dataset: Option<&DatasetWanted>) {
    let direction = if key.is_descending { "DESC" } else { "ASC" };
    let Subject::Metric(_) = &key.subject else { return sql.order_key(key) };
    for what in ["ifnull((SELECT value IS NULL FROM (", "(SELECT value FROM ("] {
        sql.push(what);
        found(sql, &key.subject, dataset.map(std::slice::from_ref).unwrap_or_default());
        sql.push(" ORDER BY v.timestamp DESC, v.step DESC LIMIT 1))");
        sql.push(&if what.starts_with("ifnull") {
            ", 2), ".to_owned()
        } else {
            format!(" {direction}, ")
        });
    }
}

/// Adds a query, without its brackets, for the values of a metric on data sets.
fn found(sql: &mut Sql, subject: &Subject, datasets: &[DatasetWanted]) {
    let Subject::Metric(key) = subject else { return };
    sql.push("SELECT v.value FROM model_metrics AS v WHERE v.model_id = m.model_id AND v.key = ");
    sql.bind(SqlValue::Text(key.clone()));
    on(sql, datasets);
}

/// Adds that a metric was found on one of the data sets.
fn on(sql: &mut Sql, datasets: &[DatasetWanted]) {
    for (at, dataset) in datasets.iter().enumerate() {
        sql.push(if at == 0 { " AND (" } else { " OR " });
        sql.push("(v.dataset_name = ");
        sql.bind(SqlValue::Text(dataset.name.clone()));
        if let Some(digest) = &dataset.digest {
            sql.push(" AND v.dataset_digest = ");
            sql.bind(SqlValue::Text(digest.clone()));
        }
        sql.push(")");
    }
    sql.push(if datasets.is_empty() { "" } else { ")" });
}
