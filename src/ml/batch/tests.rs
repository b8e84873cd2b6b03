//! What a batch is built of, and what is refused.

use serde_json::json;

use super::*;
use crate::model::{ColumnSpec, DataType};

fn signature(columns: &[(&str, DataType, bool)]) -> Signature {
    let spec = |(name, data_type, required): &(&str, DataType, bool)| ColumnSpec {
        name: (*name).to_owned(),
        data_type: *data_type,
        required: *required,
        categories: None,
    };
    Signature { inputs: columns.iter().map(spec).collect(), outputs: Vec::new() }
}

fn flower() -> Signature {
    signature(&[
        ("length", DataType::Double, true),
        ("kind", DataType::String, false),
        ("leaves", DataType::Long, false),
    ])
}

fn cells(batch: &Batch, row: usize) -> Vec<Cell<'_>> {
    batch.row(row).collect()
}

#[test]
fn lists_and_records_become_the_same_rows() {
    let rows = [json!([1.5, "a", 3]), json!({"leaves": 3, "kind": "a", "length": 1.5})];
    let batch = Batch::of_json(&flower(), &rows).unwrap();
    assert_eq!(batch.rows(), 2);
    assert_eq!(cells(&batch, 0), [Cell::Number(1.5), Cell::Text("a"), Cell::Number(3.0)]);
    assert_eq!(cells(&batch, 0), cells(&batch, 1));
}

#[test]
fn a_column_that_may_be_missing_need_not_be_named() {
    let batch = Batch::of_json(&flower(), &[json!({"length": 2})]).unwrap();
    assert_eq!(cells(&batch, 0), [Cell::Number(2.0), Cell::Missing, Cell::Missing]);
    let fault = Batch::of_json(&flower(), &[json!({"kind": "a"})]).unwrap_err();
    assert_eq!(fault.to_string(), "row 0: column `length` is missing");
}

#[test]
fn names_are_found_in_any_order_and_width() {
    let wide: Vec<String> = (0..40).map(|at| format!("c{at}")).collect();
    let columns: Vec<_> = wide.iter().map(|name| (name.as_str(), DataType::Long, true)).collect();
    let signature = signature(&columns);
    let mut builder = Builder::new(&signature, Rules::default());
    builder.add_rows(3).unwrap();
    for row in 0..3 {
        for nth in 0..40 {
            // Two records alike, one otherwise.
            let column = if row == 2 { nth } else { (nth * 7 + 3) % 40 };
            let found = builder.column(row, nth, &wide[column]).unwrap();
            builder.set(row, found, Given::Whole(column as i64));
        }
    }
    let batch = builder.finish().unwrap();
    let expected: Vec<Cell<'_>> = (0..40).map(|at| Cell::Number(f64::from(at))).collect();
    for row in 0..3 {
        assert_eq!(cells(&batch, row), expected);
    }
}

#[test]
fn unknown_names_are_passed_over_where_the_rules_say_so() {
    let flower = flower();
    let rules = Rules { ignore_unknown: true, ..Rules::default() };
    let mut builder = Builder::new(&flower, rules);
    builder.json_row(&json!({"length": 1, "colour": [1, 2]})).unwrap();
    assert_eq!(cells(&builder.finish().unwrap(), 0)[0], Cell::Number(1.0));
}

#[test]
fn each_row_tells_its_first_fault_and_ten_are_told() {
    let flower = flower();
    let mut builder = Builder::new(&flower, Rules::default());
    builder.add_rows(20).unwrap();
    for row in (0..20).rev() {
        builder.set(row, 0, Given::Text("x"));
        builder.set(row, 2, Given::Number(0.5));
    }
    let faults = builder.finish().unwrap_err();
    let rows: Vec<usize> = faults.iter().map(|fault| fault.row().unwrap()).collect();
    assert_eq!(rows, (10..20).collect::<Vec<_>>());
    assert!(faults[0].to_string().contains("column `length`: the string `x`"), "{}", faults[0]);
}

#[test]
fn there_are_no_more_rows_than_the_rules_allow() {
    let flower = flower();
    let rules = Rules { rows_max: 2, ..Rules::default() };
    let mut builder = Builder::new(&flower, rules);
    builder.add_rows(2).unwrap();
    assert_eq!(builder.add_rows(1), Err(InputError::TooManyRows { max: 2 }));
    let mut builder = Builder::new(&flower, Rules::default());
    assert!(builder.add_rows(usize::MAX).is_err(), "memory is bounded whatever the rules say");
    assert!(builder.add_rows(1 << 23).is_err());
}
