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
        "additionalProperties": false,
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
fn a_dag_takes_what_it_does_not_declare_only_where_it_says_so_or_declares_nothing() {
    let conf = Map::from_iter([("x".to_owned(), json!(1))]);
    assert_eq!(Params::default().resolve(&conf), Ok(conf.clone()));
    let of = |additional: bool| Params {
        schema: json!({
            "properties": {"n": {"type": "integer", "default": 3}},
            "additionalProperties": additional,
        }),
        defaults: Map::from_iter([("n".to_owned(), json!(3))]),
    };
    let resolved = of(true).resolve(&conf).map(Value::Object);
    assert_eq!(resolved, Ok(json!({"n": 3, "x": 1})));
    let problems = of(false).resolve(&conf).unwrap_err();
    assert_eq!(problems[0].message, "is not a param of this DAG; did you mean `n`? params: `n`");
}

#[test]
fn a_dotted_name_sets_a_key_and_leaves_the_others() {
    let params = Params {
        schema: json!({
            "properties": {
                "grid": {"type": "object", "additionalProperties": {"type": "integer"}},
                "deep": {"type": "object"},
                "n": {"type": "integer"},
                "a.b": {"type": "integer"},
            },
            "additionalProperties": false,
        }),
        defaults: Map::from_iter([
            ("grid".to_owned(), json!({"a": 1, "b": 2})),
            ("deep".to_owned(), json!({})),
            ("n".to_owned(), json!(3)),
            ("a.b".to_owned(), json!(0)),
        ]),
    };
    let resolve = |conf: Value| {
        let Value::Object(conf) = conf else { panic!("a table") };
        params.resolve(&conf).map(Value::Object).map_err(|problems| problems[0].message.clone())
    };
    assert_eq!(resolve(json!({"grid.a": 7})).unwrap()["grid"], json!({"a": 7, "b": 2}));
    let both = resolve(json!({"grid.a": 7, "grid": {"c": 1}})).unwrap();
    assert_eq!(both["grid"], json!({"c": 1, "a": 7}));
    assert_eq!(resolve(json!({"deep.x.y": [1]})).unwrap()["deep"], json!({"x": {"y": [1]}}));
    assert_eq!(resolve(json!({"a.b": 4})).unwrap()["a.b"], json!(4));
    assert_eq!(resolve(json!({"grid.a": "x"})).unwrap_err(), "`a` is `x`; expected integer");
    assert_eq!(resolve(json!({"n.a": 1})).unwrap_err(), "cannot be set: `it` is `3`, not a table");
    assert!(resolve(json!({"gird.a": 1})).unwrap_err().contains("is not a param"));
}

#[test]
fn params_may_be_tables_lists_and_one_of_several() {
    let params = Params {
        schema: json!({
            "properties": {
                "steps": {"type": "array", "items": {"type": "object", "required": ["name"],
                          "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}}}},
                "target": {"oneOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
                "version": {"const": 2},
            },
            "additionalProperties": false,
        }),
        defaults: Map::from_iter([
            ("steps".to_owned(), json!([])),
            ("target".to_owned(), json!(null)),
            ("version".to_owned(), json!(2)),
        ]),
    };
    let resolve = |conf: Value| {
        let Value::Object(conf) = conf else { panic!("a table") };
        params.resolve(&conf).map_err(|problems| problems[0].message.clone())
    };
    assert!(resolve(json!({"steps": [{"name": "load"}], "target": "a@b.test"})).is_ok());
    let wrong = resolve(json!({"steps": [{"name": "load"}, {"name": "Load"}]})).unwrap_err();
    assert_eq!(wrong, "`1.name` is `Load`; it must match `^[a-z]+$`");
    assert_eq!(resolve(json!({"steps": [{}]})).unwrap_err(), "`0` lacks `name`");
    assert!(resolve(json!({"target": 3})).is_err());
    assert!(resolve(json!({"version": 3})).is_err());
}
