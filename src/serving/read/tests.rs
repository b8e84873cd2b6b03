//! Bodies that are hostile, and those that Python writes.

use serde_json::json;

use super::*;
use crate::ml::model::{ColumnSpec, DataType};

fn signature(columns: &[(&str, DataType)]) -> Signature {
    let spec = |(name, data_type): &(&str, DataType)| ColumnSpec {
        name: (*name).to_owned(),
        data_type: *data_type,
        required: false,
        categories: None,
    };
    Signature { inputs: columns.iter().map(spec).collect(), outputs: Vec::new() }
}

fn count(body: &str, columns: &[(&str, DataType)]) -> Result<usize, String> {
    let read = rows(body.as_bytes(), &signature(columns), Rules::default());
    read.map(|batch| batch.rows()).map_err(|refused| refused.refusal.error)
}

const TWO: [(&str, DataType); 2] = [("a", DataType::Double), ("b", DataType::String)];

#[test]
fn a_model_of_one_column_takes_a_list_of_values() {
    let one = [("a", DataType::Double)];
    assert_eq!(count("[1, 2, 3]", &one), Ok(3));
    assert_eq!(count("[[1], [2]]", &one), Ok(2));
    assert_eq!(
        count("[1, [2]]", &one).unwrap_err(),
        "row 1: column `a`: a list where a number is expected"
    );
}

#[test]
fn a_column_that_is_called_like_a_wrapper_is_a_column() {
    let rows = [("rows", DataType::Double)];
    assert_eq!(count(r#"{"rows": [1, 2]}"#, &rows), Ok(2));
    assert_eq!(count(r#"{"rows": 1}"#, &rows), Ok(1));
}

#[test]
fn columns_of_unequal_length_and_mixtures_are_refused() {
    for (body, says) in [
        (r#"{"a": [1, 2], "b": ["x"]}"#, "a column has 1 values where another has 2"),
        (r#"{"a": [1], "b": ["x", "y"]}"#, "a column has 2 values where another has 1"),
        (r#"{"a": [1], "b": "x"}"#, "one value where other columns are lists"),
        (r#"{"a": 1, "b": ["x"]}"#, "row 0: column `b`: a list where a string is expected"),
        (r#"{"a": []}"#, "the body holds no rows"),
        (r#"{"rows": []}"#, "the body holds no rows"),
        (r#"{"rows": {"rows": [[1, "a"]]}}"#, "rows stand under one name, alone"),
        (r#"{"rows": [[1, "a"]], "b": 1}"#, "nothing is taken beside"),
        (r#"{"a": 1, "rows": [[1, "a"]]}"#, "there is no column `rows`"),
        (r#"{"rows": 5}"#, "neither a list of rows"),
    ] {
        let error = count(body, &TWO).unwrap_err();
        assert!(error.contains(says), "{body}: {error}");
    }
}

#[test]
fn what_python_writes_where_nothing_is_becomes_null() {
    assert_eq!(count(r#"[[NaN, "NaN \" NaN"], [1, null]]"#, &TWO), Ok(2));
    assert!(count(r#"[[Infinity, "x"]]"#, &TWO).unwrap_err().contains("broken"));
    assert!(without(r#"["NaN", "\\"]"#).is_none());
    assert_eq!(without(r#"["\\", NaN, "\"NaN"]"#).unwrap(), r#"["\\", null, "\"NaN"]"#);
}

fn without(body: &str) -> Option<String> {
    json::without_nan(body.as_bytes()).map(|mended| String::from_utf8(mended).unwrap())
}

#[test]
fn every_prefix_and_every_depth_is_refused_without_a_panic() {
    let whole = r#"{"rows": [{"a": 1.5e3, "b": "x\u00e4"}, [null, "y"], {"b": null}]}"#;
    assert_eq!(count(whole, &TWO), Ok(3));
    for cut in 0..whole.len() {
        assert!(count(&whole[..cut], &TWO).is_err(), "{}", &whole[..cut]);
    }
    for open in ["[", "{\"a\":", "{\"rows\":"] {
        assert!(count(&open.repeat(10_000), &TWO).is_err());
    }
    for number in ["1e400", "-1e400", "123456789012345678901234567890", "-0", "1E-400"] {
        let read = count(&format!("[[{number}, null]]"), &TWO);
        assert_eq!(read.is_ok(), !number.ends_with("e400"), "{number}: {read:?}");
    }
}

#[test]
fn a_parquet_file_that_is_damaged_anywhere_is_refused_or_read() {
    let file =
        hyper::body::Bytes::from_static(include_bytes!("../../../tests/golden/rows.parquet"));
    let columns = [("length", DataType::Double), ("kind", DataType::String)];
    let signature = signature(&columns);
    let rules = Rules { ignore_unknown: true, rows_max: 100 };
    assert_eq!(parquet::rows(&file, &signature, rules).unwrap().rows(), 3);
    for cut in 0..file.len() {
        assert!(parquet::rows(&file.slice(..cut), &signature, rules).is_err(), "{cut}");
    }
    for at in 0..file.len() {
        for bit in [0x01, 0x80] {
            let mut damaged = file.to_vec();
            damaged[at] ^= bit;
            // Whatever it says: it ends, and does not panic.
            let _ = parquet::rows(&damaged.into(), &signature, rules);
        }
    }
    let few = Rules { ignore_unknown: true, rows_max: 2 };
    let refused = parquet::rows(&file, &signature, few).unwrap_err();
    assert_eq!(refused.refusal.status, 413);
}

#[test]
fn a_refused_table_is_told_as_json() {
    let columns = signature(&TWO);
    let refused = csv::rows(b"a,b\nx,1\n", &columns, Rules::default()).unwrap_err();
    let said: serde_json::Value =
        serde_json::from_slice(&refused.refusal.body(crate::serving::refusal::Voice::Own)).unwrap();
    assert_eq!(said["detail"][0]["row"], json!(0));
    assert!(refused.by_version);
}
