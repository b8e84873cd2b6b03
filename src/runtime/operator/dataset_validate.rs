//! `dataset.validate`: a data set is read as training will read it, and what looks odd is told.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::types::ValueRef;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::error::OperatorError;
use super::object::local_file;
use super::{extract, learnt, observed, sql_extract, tables};
use crate::connection::{find, sql};
use crate::dag::spec::TableSpec;
use crate::ml::Dataset;
use crate::ml::dataset::{self, ColumnValues};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

/// More distinct texts than this share of the rows look like names, not categories.
const DISTINCT_SHARE_MAX: f64 = 0.5;

/// Below so many rows nothing can be said about their distinct values.
const ROWS_TO_JUDGE: usize = 20;

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let dataset = read(order, private, log)?;
    let problems = problems(&dataset);
    let rows = row_count(&dataset);
    let columns: Vec<_> = dataset.features.iter().map(|column| column.name.as_str()).collect();
    observed::write(order, &learnt::seen(order, private, &dataset), log)?;
    log.say(&format!(
        "`{}`: {rows} rows, {} features, target `{}`, digest {}",
        dataset.name,
        columns.len(),
        dataset.target,
        dataset.digest
    ));
    for problem in &problems {
        log.say(&format!("problem: {problem}"));
    }
    Ok(Outcome::output(json!({
        "dataset": dataset.name, "rows": rows, "columns": columns, "target": dataset.target,
        "digest": dataset.digest, "problems": problems,
    })))
}

/// Reads the data set that the order names.
pub(super) fn read(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Dataset, OperatorError> {
    let wish = order
        .dataset
        .as_ref()
        .ok_or_else(|| OperatorError::fatal("`dataset` names no data set of `dags.toml`"))?;
    let Some(uri) = &wish.uri else { return read_file(&wish.name, &wish.path, &wish.table) };
    let (connection, table) = uri.split_once(':').unwrap_or((uri, ""));
    let connection = find(&private.connections, connection)?;
    if sql::kind(connection).is_err() {
        let file = local_file(order, private, log, uri)?;
        return read_file(&wish.name, &file, &wish.table);
    }
    let quoted: Vec<String> = table.split('.').map(sql::quote).collect();
    let select = format!("select * from {}", quoted.join("."));
    let (rows, _) = sql_extract::extract(order, connection, &select)?;
    log.say(&format!("{rows} rows of `{uri}` for data set `{}`", wish.name));
    dataset::read_csv(&wish.name, &wish.table, &result_as_csv(order)?)
        .map_err(|error| OperatorError::Fatal(error.to_string()))
}

/// Writes the result table of the attempt, its rows in an order of their own: a database promises
/// none, and what is held out shall be the same for the same rows.
fn result_as_csv(order: &Order) -> Result<Vec<u8>, OperatorError> {
    let database = tables::open(order)?;
    let select = format!("select * from {}", sql::quote(&tables::result_name(order)));
    let mut statement = database.prepare(&select)?;
    let header: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query([])?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    while let Some(row) = found.next()? {
        let cell = |at: usize| {
            Ok(match row.get_ref(at)? {
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) if number.is_finite() => format!("{number:?}"),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => String::new(),
            })
        };
        let cells = (0..header.len()).map(cell).collect::<rusqlite::Result<Vec<String>>>();
        rows.push(cells?);
    }
    rows.sort_unstable();
    let unwritten = |error: csv::Error| OperatorError::fatal(error.to_string());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&header).map_err(unwritten)?;
    rows.iter().try_for_each(|row| csv.write_record(row)).map_err(unwritten)?;
    csv.into_inner().map_err(|error| OperatorError::fatal(error.to_string()))
}

/// Reads CSV or Parquet; a file that changes meanwhile is another table, for another try.
fn read_file(name: &str, path: &Path, table: &TableSpec) -> Result<Dataset, OperatorError> {
    let failed = |error: std::io::Error| {
        let what = format!("read data set `{name}` from `{}`", path.display());
        OperatorError::io(&what, &error)
    };
    let before = stamp(path).map_err(failed)?;
    let bytes = std::fs::read(path).map_err(failed)?;
    let read = |csv: &[u8]| {
        dataset::read_csv(name, table, csv).map_err(|error| OperatorError::Fatal(error.to_string()))
    };
    let found = match extract::is_parquet(&bytes) {
        false => read(&bytes),
        true => extract::parquet_as_csv(name, path).and_then(|csv| {
            let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(Dataset { digest, ..read(&csv)? })
        }),
    };
    // What is wrong with half a table is not told: it may be whole by now.
    if stamp(path).map_err(failed)? != before {
        let text = format!("data set `{name}`: `{}` changed while it was read", path.display());
        return Err(OperatorError::passing(text));
    }
    found
}

/// Returns what changes when a file is written to or replaced.
fn stamp(path: &Path) -> std::io::Result<(u64, u64, i64, i64)> {
    let of = std::fs::metadata(path)?;
    Ok((of.ino(), of.len(), of.mtime(), of.mtime_nsec()))
}

pub(super) fn row_count(dataset: &Dataset) -> usize {
    match &dataset.target_values {
        dataset::Target::Classes { rows, .. } => rows.len(),
        dataset::Target::Numbers(rows) => rows.len(),
    }
}

/// Returns what does not stop training but deserves a look.
fn problems(dataset: &Dataset) -> Vec<String> {
    let rows = row_count(dataset);
    dataset
        .features
        .iter()
        .filter_map(|column| problem(&column.name, &column.values, rows))
        .collect()
}

fn problem(name: &str, values: &ColumnValues, rows: usize) -> Option<String> {
    let (missing, distinct, is_text) = match values {
        ColumnValues::Number { values, .. } => {
            let keys = values.iter().map(|value| value.map(f64::to_bits));
            (missing(values), distinct(keys), false)
        }
        ColumnValues::Boolean(values) => (missing(values), distinct(values.iter().copied()), false),
        ColumnValues::Text(values) => {
            (missing(values), distinct(values.iter().map(Option::as_deref)), true)
        }
        // Every sentence may be another.
        ColumnValues::Words(values) => {
            (missing(values), distinct(values.iter().map(Option::as_deref)), false)
        }
        ColumnValues::Date(values) => {
            let keys = values.iter().map(|value| value.map(f64::to_bits));
            (missing(values), distinct(keys), false)
        }
    };
    if missing == rows {
        return Some(format!("column `{name}` is empty"));
    }
    if distinct == 1 && missing == 0 {
        return Some(format!("column `{name}` has the same value in every row"));
    }
    #[allow(clippy::cast_precision_loss, reason = "counts of rows, for a share")]
    let share = distinct as f64 / rows as f64;
    if is_text && rows >= ROWS_TO_JUDGE && share > DISTINCT_SHARE_MAX {
        return Some(format!("column `{name}` has {distinct} different texts in {rows} rows"));
    }
    (missing > 0).then(|| format!("column `{name}` misses {missing} of {rows} values"))
}

fn missing<T>(values: &[Option<T>]) -> usize {
    values.iter().filter(|value| value.is_none()).count()
}

fn distinct<T: Ord>(values: impl Iterator<Item = Option<T>>) -> usize {
    values.flatten().collect::<std::collections::BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runtime::operator::tests::Bench;

    #[test]
    fn odd_columns_are_told() {
        let texts = |values: &[&str]| {
            ColumnValues::Text(
                values.iter().map(|v| (!v.is_empty()).then(|| (*v).into())).collect(),
            )
        };
        assert_eq!(problem("a", &texts(&["", ""]), 2).unwrap(), "column `a` is empty");
        assert!(problem("a", &texts(&["x", "x"]), 2).unwrap().contains("the same value"));
        assert!(problem("a", &texts(&["x", "y", ""]), 3).unwrap().contains("misses 1 of 3"));
        assert_eq!(problem("a", &texts(&["x", "y"]), 2), None);
        let names: Vec<_> = (0..30).map(|n| n.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        assert!(problem("a", &texts(&names), 30).unwrap().contains("30 different texts"));
    }

    #[test]
    fn a_parquet_file_is_a_data_set_too() {
        let mut bench = Bench::new("dataset.validate");
        let file = "src/runtime/operator/extract/parquet/fixtures/dataset.parquet";
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        bench.order.dataset = Some(crate::runtime::attempt::DatasetOrder {
            name: "kinds".into(),
            path: path.clone(),
            uri: None,
            table: crate::dag::spec::TableSpec::new(
                crate::dag::spec::LearningTask::Classification,
                "kind",
            ),
            assets: Vec::new(),
        });
        let log = TaskLog::open(&bench.order.folder, Vec::new()).unwrap();
        let dataset = read(&bench.order, &bench.private, &log).unwrap();
        assert_eq!((dataset.rows(), dataset.classes().len()), (40, 2));
        let integral = |values: &ColumnValues| match values {
            ColumnValues::Number { integral, values } => (*integral, missing(values)),
            other => panic!("{other:?}"),
        };
        let found: Vec<_> = dataset.features.iter().map(|one| integral(&one.values)).collect();
        assert_eq!(found, [(false, 1), (true, 8)]);
        let bytes = std::fs::read(path).unwrap();
        assert!(dataset.digest.starts_with(&format!("{:02x}", Sha256::digest(bytes)[0])));
    }

    #[test]
    fn a_table_of_a_database_is_a_data_set_and_so_is_an_object() {
        let test = "a_table_of_a_database_is_a_data_set_and_so_is_an_object";
        crate::runtime::operator::tests::warehouse::with_each(
            "dataset.validate",
            test,
            |warehouse| {
                let rows: Vec<String> = (0..40)
                    .map(|n| format!("({n}, {}.5, '{}')", n % 7, ["a", "b"][n % 2]))
                    .collect();
                warehouse.execute(&format!(
                    "create table t (id integer, size double precision, kind text);
                     insert into t values {}",
                    rows.join(", ")
                ));
                warehouse.bench.order.dataset = Some(crate::runtime::attempt::DatasetOrder {
                    name: "kinds".into(),
                    path: std::path::PathBuf::new(),
                    uri: Some("warehouse:t".into()),
                    table: TableSpec {
                        ignore: vec!["id".into()],
                        ..TableSpec::new(crate::dag::spec::LearningTask::Classification, "kind")
                    },
                    assets: Vec::new(),
                });
                let Outcome::Success { output, .. } = warehouse.run(json!({ "dataset": "kinds" }))
                else {
                    panic!("it is read")
                };
                assert_eq!((&output["rows"], &output["columns"]), (&json!(40), &json!(["size"])));
            },
        );
        let mut bench = Bench::new("dataset.validate");
        bench.connect("lake", "file:lake");
        let rows: String = (0..40).map(|n| format!("{n},{}\n", ["a", "b"][n % 2])).collect();
        bench.write("lake/in/kinds.csv", &format!("size,kind\n{rows}"));
        bench.order.dataset = Some(crate::runtime::attempt::DatasetOrder {
            name: "kinds".into(),
            path: std::path::PathBuf::new(),
            uri: Some("lake:in/kinds.csv".into()),
            table: TableSpec::new(crate::dag::spec::LearningTask::Classification, "kind"),
            assets: Vec::new(),
        });
        let Outcome::Success { output, .. } = bench.run(json!({ "dataset": "kinds" })) else {
            panic!("it is read")
        };
        assert_eq!(output["rows"], 40);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_for_another_try() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grows.csv");
        std::fs::write(&path, "a,y\n").unwrap();
        // Somebody who never stops writing: whoever reads meets a change sooner or later.
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let writer = std::thread::spawn({
            let path = path.clone();
            move || {
                let mut n = 0;
                while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    n += 1;
                    let rows: String = (0..2000).map(|row| format!("{row},{}\n", n % 7)).collect();
                    std::fs::write(&path, format!("a,y\n{rows}")).unwrap();
                }
            }
        });
        let table = TableSpec::new(crate::dag::spec::LearningTask::Regression, "a");
        let changed = |_| match read_file("grows", &path, &table) {
            Err(OperatorError::Passing(text)) => text.ends_with("changed while it was read"),
            _ => false,
        };
        let met = (0..10_000).any(changed);
        drop(stop);
        writer.join().unwrap();
        assert!(met);
        assert!(read_file("grows", &path, &table).is_ok());
    }

    #[test]
    fn a_data_set_that_is_not_there_is_named() {
        let mut bench = Bench::new("dataset.validate");
        bench.is_fatal(json!({ "dataset": "iris" }), "`dataset` names no data set");
        bench.order.dataset = Some(crate::runtime::attempt::DatasetOrder {
            name: "iris".into(),
            path: bench.project().join("data/iris.csv"),
            uri: None,
            table: crate::dag::spec::TableSpec::new(
                crate::dag::spec::LearningTask::Classification,
                "species",
            ),
            assets: Vec::new(),
        });
        bench.is_fatal(json!({ "dataset": "iris" }), "read data set `iris` from");
    }
}
