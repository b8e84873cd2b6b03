//! What fields make of schemas and of what is typed.

use super::*;
use serde_json::json;

#[expect(clippy::needless_pass_by_value, reason = "reads better at the calls")]
fn field(schema: Value, default: Value) -> Field {
    Field::new("p", &schema, Some(default))
}

#[test]
fn each_type_of_a_schema_gets_its_way_of_entering() {
    let kind = |schema: Value| field(schema, Value::Null).kind;
    assert!(matches!(kind(json!({"enum": ["a", "b"]})), Kind::Choice(_)));
    assert_eq!(kind(json!({"type": "boolean"})), Kind::Bool);
    assert_eq!(kind(json!({"type": ["null", "integer"]})), Kind::Integer);
    assert_eq!(kind(json!({"type": "number"})), Kind::Number);
    assert_eq!(kind(json!({"type": "string"})), Kind::Text);
    assert_eq!(kind(json!({"type": "object"})), Kind::Json);
    assert_eq!(kind(json!({"type": "array"})), Kind::Json);
    assert_eq!(kind(json!({})), Kind::Json);
    assert_eq!(field(json!({}), json!(3)).kind, Kind::Integer);
}

#[test]
fn choices_go_round_and_figures_stop_at_their_bounds() {
    let mut choice = field(json!({"enum": ["a", "b"]}), json!("a"));
    choice.step(false);
    assert_eq!(choice.read(), Ok(Some(json!("b"))));
    choice.step(false);
    assert_eq!(choice.read(), Ok(Some(json!("a"))));
    let mut trials = field(json!({"type": "integer", "minimum": 0, "maximum": 1}), json!(0));
    trials.step(true);
    assert_eq!(trials.read(), Ok(Some(json!(0))));
    trials.step(false);
    trials.step(false);
    assert_eq!(trials.read(), Ok(Some(json!(1))));
    let mut rate = field(json!({"type": "number"}), json!(0.0));
    for _ in 0..3 {
        rate.step(false);
    }
    assert_eq!(rate.input.value(), "0.3");
}

#[test]
fn what_is_not_a_value_is_told_on_its_field() {
    let mut whole = field(json!({"type": "integer"}), json!(1));
    whole.input = Input::new("1.5".to_owned());
    assert_eq!(whole.read(), Err("is not a whole number".to_owned()));
    whole.input = Input::new(String::new());
    assert_eq!(whole.read(), Err("needs a value".to_owned()));
    let mut object = field(json!({"type": "object"}), json!({}));
    object.input = Input::new("{\"a\":".to_owned());
    assert!(object.read().unwrap_err().starts_with("is not JSON"));
    let mut number = field(json!({"type": "number"}), json!(1.0));
    number.input = Input::new("inf".to_owned());
    assert!(number.read().is_err());
}

#[test]
fn null_is_given_by_leaving_a_nullable_field_empty() {
    let mut depth = field(json!({"type": ["integer", "null"]}), json!(3));
    depth.input = Input::new(String::new());
    assert_eq!(depth.read(), Ok(Some(Value::Null)));
    assert!(depth.is_changed());
}
