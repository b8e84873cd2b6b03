//! Encodings are learnt on the training part and kept in the model.

use super::*;
use crate::dataset::ColumnValues;

fn numbers(values: &[Option<f64>]) -> Column {
    let values = ColumnValues::Number { values: values.to_vec(), integral: false };
    Column { name: "n".into(), values }
}

fn words(values: &[Option<&str>]) -> Column {
    let values = values.iter().map(|value| value.map(str::to_owned)).collect();
    Column { name: "w".into(), values: ColumnValues::Text(values) }
}

fn encode(preprocess: &Preprocess, cells: &[Cell<'_>]) -> Vec<f64> {
    let mut out = Vec::new();
    preprocess.encode(cells.iter().copied(), &mut out);
    out
}

#[test]
fn missing_numbers_are_nan_or_the_median_of_the_training_rows() {
    let column = [numbers(&[Some(1.0), Some(4.0), None, Some(2.0), Some(1e9)])];
    let raw = Preprocess::fit(&column, &[0, 1, 2, 3], Layout::Raw);
    assert!(encode(&raw, &[Cell::Missing])[0].is_nan());
    let filled = Preprocess::fit(&column, &[0, 1, 2, 3], Layout::Filled);
    assert_eq!(encode(&filled, &[Cell::Missing]), [2.0]);
    assert_eq!(encode(&filled, &[Cell::Number(7.0)]), [7.0]);
}

#[test]
fn scaled_numbers_have_mean_0_and_deviation_1_on_the_training_rows() {
    let column = [numbers(&[Some(2.0), Some(4.0), Some(6.0), Some(900.0)])];
    let scaled = Preprocess::fit(&column, &[0, 1, 2], Layout::Scaled);
    let matrix = scaled.matrix(&column, &[0, 1, 2]);
    let deviation = (8.0_f64 / 3.0).sqrt();
    for (found, expected) in matrix.values().iter().zip([-2.0, 0.0, 2.0]) {
        assert!((found - expected / deviation).abs() < 1e-12);
    }
}

#[test]
fn a_constant_column_is_not_divided_by_zero() {
    for value in [0.0, 0.1, 1e12] {
        let column = [numbers(&[Some(value); 7])];
        let scaled = Preprocess::fit(&column, &[0, 1, 2, 3, 4, 5, 6], Layout::Scaled);
        let found = encode(&scaled, &[Cell::Number(value)])[0];
        assert!(found.abs() < 1e-3, "{value} became {found}");
    }
}

#[test]
fn huge_numbers_stay_finite() {
    let column = [numbers(&[Some(1.0), Some(2.0)])];
    for layout in [Layout::Raw, Layout::Filled, Layout::Scaled] {
        let found = encode(&Preprocess::fit(&column, &[0, 1], layout), &[Cell::Number(1e300)])[0];
        assert!(found.is_finite() && found > 1e38);
        assert!(layout == Layout::Scaled || (found as f32).is_finite());
    }
}

#[test]
fn categories_are_one_hot_and_an_unseen_one_sets_nothing() {
    let column = [words(&[Some("b"), Some("a"), Some("b"), Some("late")])];
    let fitted = Preprocess::fit(&column, &[0, 1, 2], Layout::Raw);
    assert_eq!(encode(&fitted, &[Cell::Text("a")]), [1.0, 0.0]);
    assert_eq!(encode(&fitted, &[Cell::Text("b")]), [0.0, 1.0]);
    assert_eq!(encode(&fitted, &[Cell::Text("late")]), [0.0, 0.0]);
    assert_eq!(encode(&fitted, &[Cell::Missing]), [0.0, 0.0]);
}

#[test]
fn missing_text_is_a_category_where_it_was_seen() {
    let column = [words(&[Some("b"), None])];
    let fitted = Preprocess::fit(&column, &[0, 1], Layout::Raw);
    assert_eq!(fitted.width(), 2);
    assert_eq!(encode(&fitted, &[Cell::Missing]), [0.0, 1.0]);
}

#[test]
fn rare_categories_share_an_indicator() {
    let names: Vec<String> = (0..60).map(|n| format!("c{n:02}")).collect();
    let mut values: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    values.push(Some("c59"));
    let rows: Vec<usize> = (0..values.len()).collect();
    let fitted = Preprocess::fit(&[words(&values)], &rows, Layout::Raw);
    assert_eq!(fitted.width(), 51);
    let slot = |text| encode(&fitted, &[Cell::Text(text)]).iter().position(|value| *value == 1.0);
    assert_eq!(slot("c00"), Some(0));
    assert_eq!(slot("c48"), Some(48));
    assert_eq!(slot("c59"), Some(49));
    assert_eq!(slot("c49"), Some(50));
    assert_eq!(slot("never seen"), Some(50));
}

#[test]
fn what_was_learnt_survives_json() {
    let columns = [numbers(&[Some(0.1), None, Some(0.7)]), words(&[Some("a"), None, Some("b")])];
    for layout in [Layout::Raw, Layout::Filled, Layout::Scaled] {
        let fitted = Preprocess::fit(&columns, &[0, 1, 2], layout);
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<Preprocess>(&text).unwrap(), fitted);
    }
}
