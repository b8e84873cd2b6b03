//! Rows that fit and rows that do not, and model files that are damaged.

use dagdeck_onnx::{Graph, Tensor};
use serde_json::json;

use super::*;
use crate::dag::spec::TableSpec;
use crate::dataset::read_csv;
use crate::sample::{FAMILIES, holes, housing, iris, quick, titanic};
use crate::train;

const REGRESSIONS: [&str; 2] = ["linear_regression", "elastic_net"];
const CLASSIFIERS: [&str; 2] = ["logistic_regression", "naive_bayes"];

fn trained(dataset: &Dataset, model: &str) -> Model {
    train(dataset, &quick(model), &mut |_| {}).unwrap().model
}

/// Each data set with each family that does its task.
fn all() -> Vec<Model> {
    let sets = [
        iris(),
        titanic(),
        housing(),
        holes(LearningTask::Classification),
        holes(LearningTask::Regression),
    ];
    let pairs = sets.iter().flat_map(|set| FAMILIES.map(|model| (set, model)));
    pairs
        .filter_map(|(set, model)| train(set, &quick(model), &mut |_| {}).ok())
        .map(|trained| trained.model)
        .collect()
}

fn titanic_model() -> Model {
    trained(&titanic(), "random_forest")
}

fn refusal(model: &Model, row: Value) -> String {
    model.predict(&[row]).unwrap_err().to_string()
}

#[test]
fn a_model_read_back_answers_its_examples_to_the_last_bit() {
    let models = all();
    assert_eq!(models.len(), 3 * 9 + 2 * 9);
    for model in models {
        let bytes = model.to_bytes();
        let read = Model::from_bytes(&bytes).unwrap();
        assert_eq!(read.kind(), model.kind());
        assert_eq!(read.signature(), model.signature());
        assert_eq!(read.examples(), model.examples());
        assert!(read.examples().len() >= 4);
        for (record, answer) in read.examples() {
            let found = read.predict(&[Value::Object(record.clone())]).unwrap();
            assert_eq!(serde_json::to_value(&found[0]).unwrap(), *answer, "{}", model.kind());
        }
        assert_eq!(read.to_bytes(), bytes, "{}", model.kind());
    }
}

/// The cells of a column as a graph takes them.
fn tensor(input: &dagdeck_onnx::Input, cells: &[Value]) -> Tensor {
    let Some(kind) = input.kind else {
        let texts = cells.iter().map(|cell| cell.as_str().unwrap_or("").to_owned());
        return Tensor::texts(texts.collect(), 1).unwrap();
    };
    let number = |cell: &Value| match cell {
        Value::Bool(yes) => f64::from(u8::from(*yes)),
        cell => cell.as_f64().unwrap_or(f64::NAN),
    };
    Tensor::rows(kind, cells.iter().map(number).collect(), 1).unwrap()
}

#[test]
fn an_onnx_file_answers_as_the_model_does() {
    let mut written = 0;
    for model in all() {
        let kind = model.kind();
        let bytes = match model.to_onnx() {
            Ok(bytes) => bytes,
            Err(why) => {
                assert_eq!(why, format!("ONNX has no operators for `{kind}`"));
                assert!(["svm", "k_neighbors"].contains(&kind));
                continue;
            }
        };
        written += 1;
        let graph = Graph::read(&bytes).unwrap();
        let mut rows: Vec<_> = model.examples().iter().map(|(row, _)| row.clone()).collect();
        // What was never seen, and what is missing.
        for (place, value) in [(0, json!("never seen")), (1, Value::Null)] {
            let mut row = rows[place].clone();
            for column in &model.signature().inputs {
                let may_be = if place == 0 {
                    column.data_type == DataType::String
                } else {
                    !column.required
                };
                if may_be && column.data_type != DataType::Boolean {
                    row.insert(column.name.clone(), value.clone());
                }
            }
            rows.push(row);
        }
        let given = graph.inputs().iter().map(|input| {
            let cells: Vec<Value> = rows.iter().map(|row| row[&input.name].clone()).collect();
            tensor(input, &cells)
        });
        let found = graph.run(given.collect()).unwrap();
        let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        let expected = model.predict(&rows).unwrap();
        let numbers = found.last().unwrap().as_numbers().unwrap();
        assert_eq!(numbers.shape(), [rows.len(), model.classes().len().max(1)], "{kind}");
        let expected_numbers: Vec<f64> = expected
            .iter()
            .flat_map(|answer| match answer {
                Prediction::Class { probabilities, .. } => {
                    probabilities.values().copied().collect()
                }
                Prediction::Value { value } => vec![*value],
            })
            .collect();
        for (found, expected) in numbers.iter().zip(&expected_numbers) {
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{kind}: {found} {expected}"
            );
        }
        if let (Some(labels), false) = (found[0].as_texts(), model.classes().is_empty()) {
            for (label, answer) in labels.iter().zip(&expected) {
                assert!(
                    matches!(answer, Prediction::Class { label: is, .. } if is == label),
                    "{kind}"
                );
            }
        }
    }
    assert_eq!(written, 3 * 7 + 2 * 7);
}

#[test]
fn what_onnx_cannot_tell_is_named() {
    let text = (0..60).fold("day,note,y\n".to_owned(), |text, n| {
        text + &format!("2026-01-{:02},word {n} and more,{}\n", n % 28 + 1, n % 2)
    });
    for (column, other, what) in [("day", "note", "dates"), ("note", "day", "free text")] {
        let mut spec = TableSpec::new(LearningTask::Classification, "y");
        spec.ignore = vec![other.to_owned()];
        let dataset = read_csv("d", &spec, text.as_bytes()).unwrap();
        let why = trained(&dataset, "logistic_regression").to_onnx().unwrap_err();
        let told = format!(
            "column `{column}` holds {what}, and ONNX has no operator that reads it as here"
        );
        assert_eq!(why, told);
    }
}

#[test]
fn probabilities_sum_to_1_and_the_label_is_the_most_probable() {
    let rows = [json!([5.1, 3.5, 1.4, 0.2]), json!([6.0, 2.9, 4.5, 1.5]), json!([6, 3, 5, 2])];
    for model in FAMILIES {
        if REGRESSIONS.contains(&model) {
            continue;
        }
        for prediction in trained(&iris(), model).predict(&rows).unwrap() {
            let Prediction::Class { label, probabilities } = prediction else { panic!("a class") };
            assert!((probabilities.values().sum::<f64>() - 1.0).abs() < 1e-12, "{model}");
            assert!(probabilities.values().all(|p| *p <= probabilities[&label]), "{model}");
            assert_eq!(probabilities.len(), 3);
        }
    }
}

#[test]
fn a_list_and_a_record_in_any_order_are_the_same_row() {
    let model = titanic_model();
    let rows = [
        json!(["first", "adult", "female"]),
        json!({ "class": "first", "age": "adult", "sex": "female" }),
        json!({ "sex": "female", "class": "first", "age": "adult" }),
    ];
    let found = model.predict(&rows).unwrap();
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
    assert!(matches!(&found[0], Prediction::Class { label, .. } if label == "yes"));
    assert_eq!(model.predict(&[]).unwrap(), []);
}

#[test]
fn the_signature_says_what_is_taken() {
    let model = titanic_model();
    let signature = serde_json::to_value(model.signature()).unwrap();
    assert_eq!(
        signature["inputs"][1],
        json!({ "name": "age", "type": "string", "required": true, "categories": ["adult", "child"] })
    );
    assert_eq!(signature["outputs"][0]["name"], "survived");
    let model = trained(&holes(LearningTask::Regression), "xgboost");
    let kinds: Vec<_> =
        model.signature().inputs.iter().map(|column| (column.data_type, column.required)).collect();
    assert_eq!(
        kinds,
        [
            (DataType::Double, false),
            (DataType::Long, true),
            (DataType::Boolean, false),
            (DataType::String, false),
        ]
    );
    assert_eq!(model.signature().outputs[0].data_type, DataType::Double);
}

#[test]
fn an_unseen_category_is_answered_not_refused() {
    for model in ["xgboost", "random_forest", "logistic_regression"] {
        let model = trained(&titanic(), model);
        let found = model.predict(&[json!(["steerage", "adult", "female"])]).unwrap();
        assert!(matches!(&found[0], Prediction::Class { .. }));
    }
}

#[test]
fn null_is_taken_where_values_were_missing_and_only_there() {
    for model in FAMILIES.into_iter().filter(|model| !CLASSIFIERS.contains(model)) {
        let model = trained(&holes(LearningTask::Regression), model);
        let found = model.predict(&[json!([null, 4, null, null])]).unwrap();
        assert!(matches!(found[0], Prediction::Value { value } if value.is_finite()));
        assert_eq!(
            refusal(&model, json!([1.5, null, true, "red"])),
            "row 0, column `whole`: a value is required, null is not taken"
        );
    }
}

#[test]
fn huge_numbers_give_finite_answers() {
    for model in FAMILIES.into_iter().filter(|model| !CLASSIFIERS.contains(model)) {
        let model = trained(&housing(), model);
        let mut row = json!([0.1, 18, 2.31, 0, 0.538, 6.575, 65.2, 4.09, 1, 296, 15.3, 4.98]);
        row[0] = json!(1e300);
        let found = model.predict(&[row]).unwrap();
        assert!(matches!(found[0], Prediction::Value { value } if value.is_finite()));
    }
    let model = trained(&iris(), "logistic_regression");
    let found = model.predict(&[json!([-1e308, 1e308, 1e308, 1e308])]).unwrap();
    let Prediction::Class { probabilities, .. } = &found[0] else { panic!("a class") };
    assert!((probabilities.values().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn a_row_of_a_wrong_width_is_refused_with_the_columns() {
    let model = titanic_model();
    assert_eq!(
        refusal(&model, json!(["first", "adult"])),
        "row 0: 2 values where the model takes 3 (class, age, sex)"
    );
    let rows = [json!(["first", "adult", "male"]), json!([])];
    let error = model.predict(&rows).unwrap_err();
    assert!(error.to_string().starts_with("row 1: 0 values"));
}

#[test]
fn a_missing_or_unknown_column_is_refused_by_name() {
    let model = titanic_model();
    assert_eq!(
        refusal(&model, json!({ "class": "first", "age": "adult" })),
        "row 0: column `sex` is missing"
    );
    assert_eq!(
        refusal(&model, json!({ "clas": "first", "age": "adult", "sex": "male" })),
        "row 0: there is no column `clas` (did you mean `class`?)"
    );
    assert_eq!(
        refusal(&model, json!({ "class": "first", "age": "adult", "sex": "male", "zzz": 1 })),
        "row 0: there is no column `zzz`"
    );
}

#[test]
fn a_value_of_a_wrong_type_is_refused_with_both_types() {
    let model = trained(&holes(LearningTask::Regression), "xgboost");
    let cases = [
        (
            json!(["1.5", 4, true, "red"]),
            "column `half`: the string `1.5` where a number is expected",
        ),
        (
            json!([true, 4, true, "red"]),
            "column `half`: the boolean true where a number is expected",
        ),
        (
            json!([1, 4.5, true, "red"]),
            "column `whole`: the number 4.5 where a whole number is expected",
        ),
        (
            json!([1, 1e300, true, "red"]),
            "column `whole`: the number 1e+300 where a whole number is expected",
        ),
        (
            json!([1, 4, "true", "red"]),
            "column `flag`: the string `true` where a boolean is expected",
        ),
        (json!([1, 4, 1, "red"]), "column `flag`: the number 1 where a boolean is expected"),
        (json!([1, 4, true, 7]), "column `word`: the number 7 where a string is expected"),
        (json!([1, 4, true, ["red"]]), "column `word`: a list where a string is expected"),
        (json!([1, 4, true, {}]), "column `word`: a record where a string is expected"),
    ];
    for (row, expected) in cases {
        assert_eq!(refusal(&model, row), format!("row 0, {expected}"));
    }
    model.predict(&[json!([1, 4.0, true, "red"])]).unwrap();
    let long = refusal(&model, json!(["x".repeat(1000), 4, true, "red"]));
    assert!(long.len() < 150, "{long}");
}

#[test]
fn what_is_no_row_is_refused() {
    let model = titanic_model();
    for row in [json!(null), json!(1), json!("first"), json!(true)] {
        assert_eq!(refusal(&model, row), "row 0: neither a list of values nor a record of columns");
    }
}

#[test]
fn a_model_is_shared_by_threads() {
    let model = titanic_model();
    let row = json!(["third", "adult", "male"]);
    let expected = model.predict(std::slice::from_ref(&row)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (model, row, expected) = (model.clone(), row.clone(), &expected);
            scope.spawn(move || assert_eq!(model.predict(&[row]).unwrap(), *expected));
        }
    });
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    for bytes in [b"".as_slice(), b"junk", b"{}", b"[]", b"\xff\xfe", b"{\"format\": \"one\"}"] {
        let error = Model::from_bytes(bytes).unwrap_err();
        assert!(matches!(error, ModelError::Format(_)), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let error = Model::from_bytes(b"{\"format\": 2, \"what\": \"ever\"}").unwrap_err();
    assert_eq!(error.to_string(), "read the model: format 2 is newer than this dagdeck knows (1)");
}

#[test]
fn a_truncated_model_is_refused_wherever_it_was_cut() {
    for model in FAMILIES {
        let dataset = if REGRESSIONS.contains(&model) { housing() } else { iris() };
        let bytes = trained(&dataset, model).to_bytes();
        for cut in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
            assert!(Model::from_bytes(&bytes[..cut]).is_err(), "{model} cut at {cut}");
        }
    }
}

#[test]
fn a_damaged_model_is_refused_or_answers_but_never_panics() {
    for model in FAMILIES {
        let dataset = if REGRESSIONS.contains(&model) { housing() } else { iris() };
        let bytes = trained(&dataset, model).to_bytes();
        for at in (0..bytes.len()).step_by(bytes.len() / 200 + 1) {
            for byte in *b"9-,]e" {
                let mut damaged = bytes.clone();
                damaged[at] = byte;
                let Ok(read) = Model::from_bytes(&damaged) else { continue };
                for (record, _) in read.examples() {
                    let _ = read.predict(&[Value::Object(record.clone())]);
                }
            }
        }
    }
}

/// Reads the model with one part replaced.
fn tampered(model: &Model, path: &str, part: Value) -> Result<Model, ModelError> {
    let mut value: Value = serde_json::from_slice(&model.to_bytes()).unwrap();
    *value.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = part;
    Model::from_bytes(value.to_string().as_bytes())
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let forest = titanic_model();
    let boosted = trained(&titanic(), "xgboost");
    let logistic = trained(&titanic(), "logistic_regression");
    let linear = trained(&housing(), "linear_regression");
    let cases = [
        (&forest, "/kind", json!("catboost")),
        (&forest, "/kind", json!("xgboost")),
        (&forest, "/classes", json!(["no"])),
        (&forest, "/classes", json!(["no", "yes", "maybe"])),
        (&forest, "/task", json!("regression")),
        (&forest, "/signature/inputs", json!([])),
        (&forest, "/signature/inputs/0/type", json!("double")),
        (&forest, "/preprocess/0/categories", json!(["z", "a"])),
        (&forest, "/preprocess/0/categories", json!([])),
        (&forest, "/estimator/trees", json!([])),
        (&forest, "/estimator/trees/0/child/0", json!(4_000_000)),
        (&forest, "/estimator/trees/0/feature/0", json!(99)),
        (&forest, "/estimator/trees/0/threshold", json!([])),
        (&forest, "/estimator/trees/0/answers", json!([])),
        (&boosted, "/estimator", json!({})),
        (&boosted, "/estimator/learner/learner_model_param/num_feature", json!("2")),
        (&boosted, "/classes", json!(["no", "yes", "maybe"])),
        (&logistic, "/estimator/coefficients/0", json!([])),
        (&logistic, "/estimator/intercepts", json!([])),
        (&linear, "/estimator/coefficients", json!([1.0])),
        (&linear, "/preprocess/0/scale", json!(0.0)),
    ];
    for (model, path, part) in cases {
        let found = tampered(model, path, part.clone());
        assert!(
            matches!(found, Err(ModelError::Estimator(_) | ModelError::Format(_))),
            "{} with {path} = {part}",
            model.kind()
        );
    }
}
