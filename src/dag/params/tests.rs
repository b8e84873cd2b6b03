//! Stories of params.

use serde_json::json;

use super::*;

fn params() -> Params {
    let Value::Object(defaults) = json!({"dataset": "iris", "trials": 0, "hyper": {}}) else {
        panic!("a table")
    };
    let schema = json!({
        "type": "object",
        "properties": {
            "dataset": {"type": "string", "enum": ["iris", "titanic"], "default": "iris"},
            "trials": {"type": "integer", "minimum": 0, "maximum": 200, "default": 0},
            "hyper": {"type": "object", "properties": {"depth": {"type": "integer"}}},
            "day": {"type": "string", "format": "date"},
        },
        "required": ["day"],
    });
    Params { schema, defaults }
}

fn resolve(conf: Value) -> Result<Value, Vec<(String, String)>> {
    let Value::Object(conf) = conf else { panic!("a table") };
    params()
        .resolve(&conf)
        .map(Value::Object)
        .map_err(|problems| problems.into_iter().map(|p| (p.param, p.message)).collect())
}

fn message(conf: Value) -> String {
    let problems = resolve(conf).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].1.clone()
}

#[test]
fn conf_lies_over_the_defaults_in_the_order_of_the_params() {
    let resolved = resolve(json!({"day": "2026-01-02", "trials": 5})).unwrap();
    assert_eq!(
        resolved.to_string(),
        r#"{"dataset":"iris","trials":5,"hyper":{},"day":"2026-01-02"}"#
    );
}

#[test]
fn all_problems_come_at_once() {
    let problems = resolve(json!({"datset": "iris", "trials": 201})).unwrap_err();
    let names: Vec<&str> = problems.iter().map(|(param, _)| param.as_str()).collect();
    assert_eq!(names, ["datset", "trials", "day"]);
    assert!(problems[0].1.contains("did you mean `dataset`?"), "{}", problems[0].1);
    assert_eq!(problems[1].1, "is `201`; at most 200 is allowed");
    assert_eq!(problems[2].1, "is required: it has no default");
}

#[test]
fn a_message_says_what_is_allowed() {
    let day = "2026-01-02";
    assert_eq!(
        message(json!({"day": day, "dataset": "titanik"})),
        "is `titanik`; allowed: `iris`, `titanic`; did you mean `titanic`?"
    );
    assert_eq!(message(json!({"day": day, "trials": "5"})), "is `5`; expected integer");
    assert_eq!(message(json!({"day": day, "trials": -1})), "is `-1`; at least 0 is allowed");
    assert_eq!(
        message(json!({"day": day, "hyper": {"depth": "x"}})),
        "`depth` is `x`; expected integer"
    );
    assert!(message(json!({"day": "soon"})).contains("date"));
}

#[test]
fn a_dag_without_params_takes_none() {
    let mut conf = Map::new();
    assert_eq!(Params::default().resolve(&conf), Ok(Map::new()));
    conf.insert("x".to_owned(), json!(1));
    let problems = Params::default().resolve(&conf).unwrap_err();
    assert_eq!(problems[0].message, "is not a param of this DAG; there are no params");
}

#[test]
fn a_broken_schema_is_refused() {
    assert!(check_schema(&json!({"type": "string"})).is_ok());
    let reason = check_schema(&json!({"type": "strin"})).unwrap_err();
    assert!(reason.starts_with("`type` is `strin`; did you mean `string`?"), "{reason}");
    assert!(check_schema(&json!({"type": "string", "pattern": "("})).is_err());
}
