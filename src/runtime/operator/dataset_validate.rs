//! `dataset.validate`: a data set is read as training will read it, and what looks odd is told.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::error::OperatorError;
use super::{extract, learnt, observed};
use crate::ml::Dataset;
use crate::ml::dataset::{self, ColumnValues};
use crate::runtime::attempt::Order;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

/// More distinct texts than this share of the rows look like names, not categories.
const DISTINCT_SHARE_MAX: f64 = 0.5;

/// Below so many rows nothing can be said about their distinct values.
const ROWS_TO_JUDGE: usize = 20;

pub(super) fn run(order: &Order, log: &TaskLog) -> Result<Outcome, OperatorError> {
    let dataset = read(order)?;
    let problems = problems(&dataset);
    let rows = row_count(&dataset);
    let columns: Vec<_> = dataset.features.iter().map(|column| column.name.as_str()).collect();
    observed::write(order, &learnt::seen(order, &dataset), log)?;
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
pub(super) fn read(order: &Order) -> Result<Dataset, OperatorError> {
    let wish = order
        .dataset
        .as_ref()
        .ok_or_else(|| OperatorError::fatal("`dataset` names no data set of `dags.toml`"))?;
    let bytes = std::fs::read(&wish.path).map_err(|error| {
        let what = format!("read data set `{}` from `{}`", wish.name, wish.path.display());
        OperatorError::io(&what, &error)
    })?;
    let of = |csv: &[u8]| {
        dataset::read_csv(&wish.name, wish.task, &wish.target, &wish.ignore, csv)
            .map_err(|error| OperatorError::Fatal(error.to_string()))
    };
    if !extract::is_parquet(&bytes) {
        return of(&bytes);
    }
    let read = of(&extract::parquet_as_csv(&wish.name, &wish.path)?)?;
    let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Dataset { digest, ..read })
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
            task: crate::dag::spec::LearningTask::Classification,
            target: "kind".into(),
            ignore: Vec::new(),
            assets: Vec::new(),
        });
        let dataset = read(&bench.order).unwrap();
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
    fn a_data_set_that_is_not_there_is_named() {
        let mut bench = Bench::new("dataset.validate");
        bench.is_fatal(json!({ "dataset": "iris" }), "`dataset` names no data set");
        bench.order.dataset = Some(crate::runtime::attempt::DatasetOrder {
            name: "iris".into(),
            path: bench.project().join("data/iris.csv"),
            task: crate::dag::spec::LearningTask::Classification,
            target: "species".into(),
            ignore: Vec::new(),
            assets: Vec::new(),
        });
        bench.is_fatal(json!({ "dataset": "iris" }), "read data set `iris` from");
    }
}
