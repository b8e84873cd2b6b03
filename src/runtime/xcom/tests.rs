//! Where outputs are kept, and how long they may be.

use serde_json::json;

use super::*;

fn order(dir: &Path) -> Order {
    let mut order = crate::runtime::act::tests::order(&dir.join("a"));
    order.project = dir.to_owned();
    order.run_folder = Layout::new(dir).run_dir(&order.key);
    order.xcom = XcomLimits { inline_bytes: 20, file_bytes: 60 };
    order
}

fn with(output: Value, key: &str, value: Value) -> Outcome {
    let Outcome::Success { chosen, skip_all_downstream, asset_events, .. } =
        Outcome::output(Value::Null)
    else {
        panic!("it is a success");
    };
    let outputs = [(key.to_owned(), XcomValue::Value(value))].into();
    Outcome::Success { output, outputs, chosen, skip_all_downstream, asset_events }
}

#[test]
fn short_outputs_stay_and_long_ones_lie_in_files_that_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let order = order(dir.path());
    let long = json!("x".repeat(30));
    let outcome = spill(with(json!([1, 2]), "k/../k", long.clone()), &order);
    let Outcome::Success { output, mut outputs, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(output, json!([1, 2]));
    let kept = outputs.remove("k/../k").unwrap();
    let XcomValue::File(file) = &kept else { panic!("{kept:?}") };
    assert_eq!(file.path, "runs/d/r/.xcom/one.k%2F..%2Fk.json");
    assert_eq!((file.size, file.length), (32, None));
    assert_eq!(read(&Layout::new(dir.path()), kept).unwrap(), long);
}

#[test]
fn an_output_that_no_file_may_hold_makes_the_attempt_fail_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = spill(Outcome::output(json!("x".repeat(100))), &order(dir.path()));
    let Outcome::Failed { error, retryable: false, .. } = outcome else { panic!("{outcome:?}") };
    assert!(
        error.starts_with("the output `return_value` is 102 bytes long; at most 60"),
        "{error}"
    );
    assert!(error.contains("$DAGDECK_RUN_FOLDER"), "{error}");
}

#[test]
fn what_is_no_success_and_what_is_null_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let order = order(dir.path());
    for outcome in [Outcome::output(Value::Null), Outcome::failed("x".repeat(100))] {
        assert_eq!(spill(outcome.clone(), &order), outcome);
    }
}

#[test]
fn how_long_lists_and_tables_are_is_noted() {
    let value = json!({"rows": [1, 2, 3], "deep": {"x": {"a": 1}, "y": "text"}, "n": 3});
    let mut lengths = BTreeMap::new();
    measure(&value, String::new(), &mut lengths);
    let expected = [("", 3), ("deep", 2), ("deep.x", 1), ("rows", 3)];
    assert_eq!(lengths, expected.map(|(path, length)| (path.to_owned(), length)).into());
}
