//! Data sets that are split by time or by group, with dates, sentences and many categories.

use serde_json::json;

use super::run;
use crate::dag::spec::{ColumnKind, LearningTask, SplitSpec, TableSpec};
use crate::dataset::Dataset;
use crate::sample::{FAMILIES, quick};
use crate::train::{TrainSpec, split};

/// Forty-eight rows over so many days, of eight customers; a column of each type.
fn orders(split: SplitSpec) -> Dataset {
    let text = (0..48).fold("day,customer,note,paid\n".to_owned(), |text, n| {
        // Not in the order of the days.
        let day = (n * 5) % 48;
        let date = format!("2024-{:02}-{:02}", day / 24 + 1, day % 24 + 1);
        let note = if day % 3 == 0 { "it came late again" } else { "all was as it should be" };
        text + &format!("{date},c{},{note} {n},{}\n", n % 8, ["no", "yes"][(day / 2) % 2])
    });
    let spec = TableSpec {
        split,
        types: [("note".to_owned(), ColumnKind::Text)].into_iter().collect(),
        ..TableSpec::new(LearningTask::Classification, "paid")
    };
    crate::dataset::read_csv("orders", &spec, text.as_bytes()).unwrap()
}

#[test]
fn in_time_nothing_is_learnt_from_what_comes_later() {
    let dataset = orders(SplitSpec::Time { column: "day".into() });
    let crate::dataset::Split::Time { keys, .. } = &dataset.split else { panic!("time") };
    let before = |learnt: &[usize], judged: &[usize]| {
        let last = learnt.iter().map(|row| keys[*row]).fold(f64::MIN, f64::max);
        judged.iter().all(|row| keys[*row] > last)
    };
    let (train_rows, test_rows) = split(&dataset, 42, 0.2);
    assert_eq!((train_rows.len(), test_rows.len()), (38, 10));
    assert!(before(&train_rows, &test_rows));
    let folds = split::folds(&dataset, &train_rows, 42, 3);
    assert!(folds.iter().all(|(learnt, judged)| judged.len() >= 9 && before(learnt, judged)));
    let (learnt, stopped) = split::validation(&dataset, &train_rows, 42, 0.1);
    assert!(before(&learnt, &stopped) && stopped.len() == 4);
    let trained = run(&dataset, &TrainSpec { folds: 3, ..quick("xgboost") }).unwrap();
    assert_eq!(trained.params["split"], "time: day");
}

#[test]
fn a_group_is_learnt_from_or_judged_by_and_never_both() {
    let dataset = orders(SplitSpec::Group { column: "customer".into() });
    let crate::dataset::Split::Group { groups, .. } = &dataset.split else { panic!("groups") };
    let apart = |learnt: &[usize], judged: &[usize]| {
        let of = |rows: &[usize]| -> std::collections::BTreeSet<usize> {
            rows.iter().map(|row| groups[*row]).collect()
        };
        of(learnt).is_disjoint(&of(judged)) && !judged.is_empty()
    };
    let (train_rows, test_rows) = split(&dataset, 42, 0.2);
    assert_eq!(test_rows.len(), 12);
    assert!(apart(&train_rows, &test_rows));
    let folds = split::folds(&dataset, &train_rows, 42, 3);
    assert!(folds.iter().all(|(learnt, judged)| apart(learnt, judged)));
    assert_eq!(folds.iter().map(|(_, judged)| judged.len()).sum::<usize>(), train_rows.len());
    assert_eq!(split(&dataset, 42, 0.2).1, test_rows);
    assert_ne!(split(&dataset, 43, 0.2).1, test_rows);
    let error = run(&dataset, &TrainSpec { folds: 9, ..quick("xgboost") }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `orders`: column `customer` has 8 groups; at least 10 are needed"
    );
}

#[test]
fn a_class_that_only_comes_later_cannot_be_learnt() {
    let text = (0..40).fold("at,y\n".to_owned(), |text, n| {
        text + &format!("{n},{}\n", if n < 30 { ["a", "b"][n % 2] } else { "c" })
    });
    let spec = TableSpec {
        split: SplitSpec::Time { column: "at".into() },
        ..TableSpec::new(LearningTask::Classification, "y")
    };
    let dataset = crate::dataset::read_csv("late", &spec, text.as_bytes()).unwrap();
    let error = run(&dataset, &quick("decision_tree")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `late`: class `c` has no row to learn from where rows are split by `at`"
    );
}

#[test]
fn every_family_learns_from_dates_and_sentences_and_answers_raw_records() {
    let dataset = orders(SplitSpec::Stratified);
    for model in FAMILIES {
        let Ok(trained) = run(&dataset, &quick(model)) else { continue };
        let bytes = trained.model.to_bytes();
        let read = crate::model::Model::from_bytes(&bytes).unwrap();
        let row = json!({ "day": "2024-03-01", "customer": "new", "note": "late" });
        let answers = read.predict(&[row]).unwrap();
        assert_eq!(
            answers,
            trained.model.predict(&[json!(["2024-03-01", "new", "late"])]).unwrap()
        );
        let error = read.predict(&[json!(["tomorrow", "c1", "late"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 0, column `day`: the string `tomorrow` where a date such as 2024-01-31 is expected"
        );
    }
}

#[test]
fn a_million_categories_are_a_column_like_another() {
    let rows = 1_000_000;
    let words: Vec<Option<String>> = (0..rows).map(|n| Some(format!("w{n}"))).collect();
    let column = crate::dataset::Column {
        name: "word".into(),
        values: crate::dataset::ColumnValues::Text(words),
    };
    let all: Vec<usize> = (0..rows).collect();
    let columns = [column];
    let fitted =
        crate::preprocess::Preprocess::fit(&columns, &all, crate::preprocess::Layout::Scaled);
    assert_eq!(fitted.width(), 51);
    let matrix = fitted.matrix(&columns, &all[..10]);
    assert!(matrix.rows().all(|row| row.iter().sum::<f64>() == 1.0));
}
