//! Tables that are read and tables that are refused.

use super::*;
use crate::dag::spec::{ColumnKind, SplitSpec, TableSpec};
use crate::model::DataType;

fn read(task: LearningTask, target: &str, text: &str) -> Result<Dataset, DatasetError> {
    read_csv("small", &TableSpec::new(task, target), text.as_bytes())
}

/// A header and ten rows, made by `row` of the row's number.
fn table(header: &str, row: impl Fn(usize) -> String) -> String {
    (0..10).fold(format!("{header}\n"), |text, number| text + &row(number) + "\n")
}

fn classes(text: &str) -> Result<Dataset, DatasetError> {
    read(LearningTask::Classification, "y", text)
}

#[test]
fn types_are_inferred_from_all_values_of_a_column() {
    let text = table("whole,half,flag,word,yes_no,gone,late,y", |n| {
        let late = if n == 9 { "x".to_owned() } else { n.to_string() };
        format!(
            "{n},{n}.5,{},w{n},{},,{late},{}",
            n % 2 == 0,
            ["yes", "no"][n % 2],
            ["a", "b"][n % 2]
        )
    });
    let dataset = classes(&text).unwrap();
    let types: Vec<_> = dataset.features.iter().map(|c| (c.name.as_str(), c.data_type())).collect();
    assert_eq!(
        types,
        [
            ("whole", DataType::Long),
            ("half", DataType::Double),
            ("flag", DataType::Boolean),
            ("word", DataType::String),
            ("yes_no", DataType::String),
            ("gone", DataType::String),
            ("late", DataType::String),
        ]
    );
    assert_eq!(dataset.classes(), ["a", "b"]);
    assert_eq!(dataset.rows(), 10);
}

#[test]
fn empty_fields_are_missing_and_blanks_are_trimmed() {
    let text = table("a, b ,y", |n| {
        if n == 0 { " , 1.5,p".into() } else { format!("{n} ,  ,{}", ["p", "q"][n % 2]) }
    });
    let dataset = classes(&text).unwrap();
    assert_eq!(dataset.features[1].name, "b");
    assert_eq!(dataset.features[0].missing(), 1);
    assert_eq!(dataset.features[1].missing(), 9);
    assert_eq!(dataset.features[0].data_type(), DataType::Long);
}

#[test]
fn words_for_infinity_are_not_numbers() {
    let text = table("a,y", |n| format!("{},{}", ["inf", "1"][n % 2], ["p", "q"][n % 2]));
    assert_eq!(classes(&text).unwrap().features[0].data_type(), DataType::String);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    let text = table("\u{feff}a,y", |n| format!("{n},{}", ["p", "q"][n % 2]));
    assert_eq!(classes(&text).unwrap().features[0].name, "a");
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    let text = table("a,y", |n| format!("{n},{}", ["p", "q"][n % 2]));
    let (one, other) = (classes(&text).unwrap(), classes(&text.replace("\n9,", "\n8,")).unwrap());
    assert_eq!(one.digest.len(), 64);
    assert_ne!(one.digest, other.digest);
}

#[test]
fn an_ignored_column_is_left_out_and_must_exist() {
    let text = table("id,a,y", |n| format!("{n},{n},{}", ["p", "q"][n % 2]));
    let without = |column: &str| TableSpec {
        ignore: vec![column.to_owned()],
        ..TableSpec::new(LearningTask::Classification, "y")
    };
    let dataset = read_csv("small", &without("id"), text.as_bytes()).unwrap();
    assert_eq!(dataset.features.len(), 1);
    let error = read_csv("small", &without("ident"), text.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "data set `small` has no column `ident` (it has id, a, y)");
}

#[test]
fn an_empty_file_is_refused() {
    for text in ["", "\n\n"] {
        assert_eq!(classes(text).unwrap_err().to_string(), "data set `small` is empty");
    }
}

#[test]
fn a_file_that_is_not_utf8_is_refused_with_the_line() {
    let bytes = b"a,y\n1,p\n2,caf\xe9\n";
    let task = LearningTask::Classification;
    let error = read_csv("small", &TableSpec::new(task, "y"), bytes).unwrap_err();
    assert_eq!(error, DatasetError::NotUtf8 { name: "small".into(), line: 3 });
}

#[test]
fn a_ragged_row_is_refused_with_the_line() {
    for (row, found) in [("1", 1), ("1,p,extra", 3)] {
        let error = classes(&format!("a,y\n1,p\n\n{row}\n2,q\n")).unwrap_err();
        let name = "small".to_owned();
        assert_eq!(error, DatasetError::Ragged { name, line: 4, found, expected: 2 });
    }
}

#[test]
fn a_target_that_is_no_column_is_refused_with_the_columns() {
    let error = read(LearningTask::Regression, "z", "a,y\n1,2\n").unwrap_err();
    assert_eq!(error.to_string(), "data set `small` has no column `z` (it has a, y)");
}

#[test]
fn a_column_named_twice_is_refused() {
    let error = classes("a,y,a\n1,p,2\n").unwrap_err();
    assert_eq!(error, DatasetError::DuplicateColumn { name: "small".into(), column: "a".into() });
}

#[test]
fn a_missing_target_is_refused_with_the_line() {
    let text = table("a,y", |n| format!("{n},{}", ["p", "q", "p", ""][n.min(3)]));
    let error = classes(&text).unwrap_err();
    assert_eq!(error, DatasetError::NoTarget { name: "small".into(), line: 5, column: "y".into() });
}

#[test]
fn a_target_that_is_not_a_number_is_refused_with_the_line() {
    for word in ["nine", "inf", "NaN"] {
        let text = table("a,y", |n| if n == 9 { format!("9,{word}") } else { format!("{n},{n}") });
        let error = read(LearningTask::Regression, "y", &text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("data set `small`, line 11: target `y` is `{word}`, not a number")
        );
    }
}

#[test]
fn a_constant_target_is_refused() {
    let text = table("a,y", |n| format!("{n},7"));
    for task in [LearningTask::Classification, LearningTask::Regression] {
        let error = read(task, "y", &text).unwrap_err();
        assert_eq!(error.to_string(), "data set `small`: target `y` has only the value `7`");
    }
}

#[test]
fn a_class_of_one_row_is_refused() {
    let text = table("a,y", |n| format!("{n},{}", if n == 4 { "odd" } else { ["p", "q"][n % 2] }));
    let error = classes(&text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `small`: class `odd` has 1 rows; at least 2 are needed to split"
    );
}

#[test]
fn a_handful_of_rows_is_refused() {
    let error = classes("a,y\n1,p\n2,q\n").unwrap_err();
    assert_eq!(error.to_string(), "data set `small` has 2 rows; at least 10 are needed");
}

#[test]
fn a_table_of_the_target_alone_is_refused() {
    let text = table("y", |n| n.to_string());
    let error = read(LearningTask::Regression, "y", &text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `small` has no column to learn from beside the target `y`"
    );
}

#[test]
fn the_sample_data_sets_validate() {
    let titanic = include_bytes!("../../../data/titanic.csv");
    let task = LearningTask::Classification;
    let report =
        validate(&read_csv("titanic", &TableSpec::new(task, "survived"), titanic).unwrap());
    assert_eq!(report.rows, 2201);
    assert_eq!(report.classes["yes"], 711);
    assert_eq!(report.columns.iter().map(|c| c.distinct).collect::<Vec<_>>(), [4, 2, 2]);
    let housing = include_bytes!("../../../data/housing.csv");
    let task = LearningTask::Regression;
    let report = validate(&read_csv("housing", &TableSpec::new(task, "medv"), housing).unwrap());
    assert_eq!((report.rows, report.columns.len(), report.duplicates), (506, 12, 0));
    let [min, max, mean] = report.target_range.unwrap();
    assert_eq!((min, max), (5.0, 50.0));
    assert!((mean - 22.53).abs() < 0.01);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}

#[test]
fn what_is_suspicious_is_told() {
    let text = (0..40).fold("id,same,gone,mixed,hole,y\n".to_owned(), |text, n| {
        let mixed = if n == 7 { "n/a".to_owned() } else { n.to_string() };
        let hole = if n == 0 { String::new() } else { n.to_string() };
        let class = if n < 3 { "rare" } else { "common" };
        text + &format!("id{n},1,,{mixed},{hole},{class}\n")
    });
    let text = text + "id39,1,,39,39,common\n";
    let report = validate(&classes(&text).unwrap());
    assert_eq!(
        report.problems,
        [
            "column `id` looks like an identifier: nearly all differ",
            "column `same` has one value only: it says nothing",
            "column `gone` has no values",
            "column `mixed` looks like an identifier: nearly all differ",
            "column `mixed` is taken as text because of values such as `n/a`; 40 of 41 are numbers",
            "column `hole`: 1 of 41 values are missing",
            "class `rare` has 3 rows; a held-out fifth and five folds need 7",
            "1 of 41 rows repeat an earlier row",
        ]
    );
    assert_eq!(serde_json::to_value(&report).unwrap()["columns"][4]["max"], 39.0);
}

fn typed(types: &[(&str, ColumnKind)], text: &str) -> Result<Dataset, DatasetError> {
    let spec = TableSpec {
        types: types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
        ..TableSpec::new(LearningTask::Classification, "y")
    };
    read_csv("small", &spec, text.as_bytes())
}

#[test]
fn dates_and_sentences_are_told_from_categories() {
    let text = (0..60).fold("day,note,y\n".to_owned(), |text, n| {
        let note = if n == 3 { String::new() } else { format!("the parcel {n} came late") };
        text + &format!("2024-02-{:02},{note},{}\n", n % 28 + 1, ["a", "b"][n % 2])
    });
    let dataset = classes(&text).unwrap();
    let kinds: Vec<_> = validate(&dataset).columns.iter().map(|column| column.kind).collect();
    assert_eq!(kinds, ["date", "text"]);
    assert_eq!(dataset.features[0].json(0), "2024-02-01T00:00:00Z");
    assert_eq!((dataset.features[1].missing(), dataset.features[1].len()), (1, 60));
}

#[test]
fn what_a_column_is_can_be_said_instead() {
    let text = table("zip,flag,day,y", |n| {
        format!("{},{},2024-01-0{},{}", 1000 + n % 3, n % 2, n % 9 + 1, ["a", "b"][n % 2])
    });
    let types = [("zip", ColumnKind::Category), ("day", ColumnKind::Text)];
    let dataset = typed(&types, &text).unwrap();
    let kinds: Vec<_> = validate(&dataset).columns.iter().map(|column| column.kind).collect();
    assert_eq!(kinds, ["category", "number", "text"]);
    let error = typed(&[("flag", ColumnKind::Boolean)], &text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `small`, line 2: column `flag` is `0`, not true or false"
    );
    let error = typed(&[("day", ColumnKind::Number)], &text).unwrap_err();
    assert!(error.to_string().ends_with("is `2024-01-01`, not a finite number"), "{error}");
    let error = typed(&[("zap", ColumnKind::Number)], &text).unwrap_err();
    assert!(error.to_string().starts_with("data set `small` has no column `zap`"), "{error}");
}

#[test]
fn infinities_are_words_and_refused_where_a_number_is_asked_for() {
    let text = table("a,y", |n| {
        let a = if n == 4 { "inf".to_owned() } else { n.to_string() };
        format!("{a},{}", ["p", "q"][n % 2])
    });
    let report = validate(&classes(&text).unwrap());
    assert!(report.problems[0].contains("because of values such as `inf`"), "{report:?}");
    let error = typed(&[("a", ColumnKind::Number)], &text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `small`, line 6: column `a` is `inf`, not a finite number"
    );
    let text = table("a,y", |n| format!("{n},{}", if n == 7 { "nan" } else { "1.5" }));
    let error = read(LearningTask::Regression, "y", &text).unwrap_err();
    assert!(error.to_string().contains("line 9: target `y` is `nan`, not a number"), "{error}");
}

#[test]
fn what_rows_are_held_out_by_must_order_them() {
    let text = table("day,y", |n| {
        let day = if n == 5 { "soon".to_owned() } else { format!("2024-01-0{}", n % 9 + 1) };
        format!("{day},{}", ["p", "q"][n % 2])
    });
    let by = |split: SplitSpec| {
        let spec = TableSpec { split, ..TableSpec::new(LearningTask::Classification, "y") };
        read_csv("small", &spec, text.as_bytes())
    };
    let error = by(SplitSpec::Time { column: "day".into() }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `small`, line 7: column `day` is `soon`, not a date or a number, by which rows are held out"
    );
    let error = by(SplitSpec::Group { column: "days".into() }).unwrap_err();
    assert!(error.to_string().contains("no column `days`"), "{error}");
}
