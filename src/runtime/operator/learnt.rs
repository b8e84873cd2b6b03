//! What is learnt from, as the lineage has it: the file, and the data set that it is.

use super::dataset_validate::row_count;
use crate::connection::dataset;
use crate::ml::Dataset;
use crate::ml::dataset::{ColumnValues, Target};
use crate::runtime::attempt::{Order, Private};
use crate::types::io::{ColumnOrigin, ColumnRef, DATASETS, DatasetRef, Observed};
use crate::types::view::{DatasetName, RunInput};

/// Tells that a data set was read.
pub(super) fn seen(order: &Order, private: &Private, dataset: &Dataset) -> Observed {
    let Some(input) = input(order, dataset) else { return Observed::default() };
    let uri = order.dataset.as_ref().and_then(|wish| wish.uri.as_ref());
    let at = match uri {
        None => {
            Some(DatasetName { namespace: dataset::FILES.to_owned(), name: input.source.clone() })
        }
        Some(uri) => dataset::of_uri(uri, &private.connections, &order.project),
    };
    let Some(at) = at else { return Observed::default() };
    let set = DatasetRef {
        rows: Some(input.rows),
        digest: Some(input.digest.clone()),
        columns: input.columns.iter().map(|column| taken_from(column, &at)).collect(),
        ..DatasetRef::new(DATASETS, input.name.as_str())
    };
    let file = DatasetRef {
        rows: Some(input.rows),
        bytes: Some(input.bytes),
        digest: Some(input.digest),
        columns: input.columns,
        ..DatasetRef::new(at.namespace, at.name)
    };
    Observed { inputs: vec![file, set], ..Observed::default() }
}

/// Returns what a run learns from, without what happened to it before.
pub(super) fn input(order: &Order, dataset: &Dataset) -> Option<RunInput> {
    let wish = order.dataset.as_ref()?;
    Some(RunInput {
        name: dataset.name.clone(),
        digest: dataset.digest.clone(),
        source: wish.uri.clone().unwrap_or_else(|| dataset::of_file(&wish.path).name),
        rows: row_count(dataset) as u64,
        bytes: std::fs::metadata(&wish.path).map_or(0, |metadata| metadata.len()),
        target: dataset.target.clone(),
        columns: columns(dataset),
        asset_events: Vec::new(),
    })
}

/// Returns the columns that are used, the target last.
fn columns(dataset: &Dataset) -> Vec<ColumnRef> {
    let features = dataset.features.iter().map(|column| {
        let kind = match &column.values {
            ColumnValues::Number { integral: true, .. } => "integer",
            ColumnValues::Number { .. } => "double",
            ColumnValues::Boolean(_) => "boolean",
            ColumnValues::Text(_) | ColumnValues::Words(_) => "string",
            ColumnValues::Date(_) => "datetime",
        };
        (column.name.as_str(), kind)
    });
    let target = match &dataset.target_values {
        Target::Classes { .. } => "string",
        Target::Numbers(_) => "double",
    };
    let all = features.chain([(dataset.target.as_str(), target)]);
    all.map(|(name, kind)| ColumnRef {
        name: name.to_owned(),
        column_type: kind.to_owned(),
        origins: Vec::new(),
    })
    .collect()
}

/// Returns the columns that somebody sends to a version, each as it comes from `at`.
pub(super) fn features(inputs: &[RunInput], at: &DatasetName) -> Vec<ColumnRef> {
    let features = inputs
        .iter()
        .flat_map(|input| input.columns.iter().filter(|column| column.name != input.target));
    features.map(|column| taken_from(column, at)).collect()
}

fn taken_from(column: &ColumnRef, at: &DatasetName) -> ColumnRef {
    let origin = ColumnOrigin {
        namespace: at.namespace.clone(),
        name: at.name.clone(),
        column: column.name.clone(),
        computed: false,
    };
    ColumnRef { origins: vec![origin], ..column.clone() }
}
