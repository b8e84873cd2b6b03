//! Stories of templates.

use serde_json::json;

use super::*;

fn args(value: Value) -> Map<String, Value> {
    let Value::Object(args) = value else { panic!("a table") };
    args
}

fn rendered(text: &str, context: &Value) -> Result<Value, TemplateError> {
    render(&args(json!({ "x": text })), context).map(|mut out| out.remove("x").unwrap())
}

#[test]
fn a_whole_expression_keeps_the_type_of_its_value() {
    let context = json!({"n": 3, "f": 0.5, "t": {"a": [1, true]}, "s": "07", "nothing": null});
    for (text, value) in [
        ("{{ n }}", json!(3)),
        ("{{n}}", json!(3)),
        (" {{- f -}} ", json!(0.5)),
        ("{{ t }}", json!({"a": [1, true]})),
        ("{{ t.a[0] + n }}", json!(4)),
        ("{{ s }}", json!("07")),
        ("{{ nothing }}", json!(null)),
        ("{{ n > 2 }}", json!(true)),
        ("{{ '}}' }}", json!("}}")),
    ] {
        assert_eq!(rendered(text, &context), Ok(value), "{text}");
    }
}

#[test]
fn any_other_template_gives_text() {
    let context = json!({"n": 3, "m": 4});
    assert_eq!(rendered("{{ n }}{{ m }}", &context), Ok(json!("34")));
    assert_eq!(rendered("{{ n }} of {{ m }}\n", &context), Ok(json!("3 of 4\n")));
    assert_eq!(rendered("{% if n > 2 %}yes{% endif %}", &context), Ok(json!("yes")));
    assert_eq!(rendered("no { braces }", &context), Ok(json!("no { braces }")));
}

#[test]
fn texts_at_any_depth_are_rendered_and_the_rest_stays() {
    let out =
        render(&args(json!({"a": {"b": ["{{ n }}", 1, null]}, "c": true})), &json!({"n": "<&>"}));
    assert_eq!(Value::Object(out.unwrap()), json!({"a": {"b": ["<&>", 1, null]}, "c": true}));
}

#[test]
fn an_undefined_name_is_an_error_that_says_what_there_is() {
    let context = json!({"output": {"extract": {"rows": 3, "table": "t"}}, "ds": "2026-01-01"});
    let reason = |text: &str| rendered(text, &context).unwrap_err().reason;
    assert_eq!(reason("{{ nope }}"), "`nope` is undefined");
    assert_eq!(reason("x {{ nope }}"), "`nope` is undefined");
    assert_eq!(
        reason("{{ output.extract.row }}"),
        "`output.extract.row` is undefined; did you mean `rows`? it has: `rows`, `table`"
    );
    assert_eq!(
        reason("{{ output.load.rows }} rows"),
        "`output.load.rows` is undefined".replace(".rows`", "`") + "; it has: `extract`"
    );
    assert_eq!(reason("{{ ds.x }}"), "`ds.x` is undefined: `ds` is text");
    let error = rendered("{{ nope }}", &context).unwrap_err();
    assert_eq!(error.to_string(), "render `{{ nope }}`: `nope` is undefined");
}

#[test]
fn a_default_may_stand_in_for_an_undefined_name() {
    assert_eq!(rendered("{{ a.b | default(7) }}", &json!({"a": {}})), Ok(json!(7)));
    assert_eq!(rendered("{{ 'x' if a is defined else 'y' }}", &json!({})), Ok(json!("y")));
}

#[test]
fn broken_syntax_says_why() {
    let error = references_in("{{ params. }}").unwrap_err();
    assert!(error.reason.contains("expected identifier"), "{}", error.reason);
    assert!(rendered("{{ a", &json!({"a": 1})).is_err());
    assert!(rendered("{{ 1 | nofilter }}", &json!({})).unwrap_err().reason.contains("nofilter"));
}

#[test]
fn dates_have_the_filters_of_airflow() {
    let context = json!({"logical_date": "2026-03-01T22:15:00Z"});
    for (filter, text) in [
        ("ds", "2026-03-01"),
        ("ds_nodash", "20260301"),
        ("ts", "2026-03-01T22:15:00+00:00"),
        ("ts_nodash", "20260301T221500"),
    ] {
        let template = format!("{{{{ logical_date | {filter} }}}}");
        assert_eq!(rendered(&template, &context), Ok(json!(text)));
    }
    assert_eq!(rendered("{{ 'x' | ds }}", &context).unwrap_err().reason, "`x` is not a time");
}

#[test]
fn references_are_dotted_names() {
    let found = references(&args(json!({
        "a": "{{ output.train.run_id }} {{ params.dataset }}",
        "b": ["{{ triggering_asset_events[0].extra.uri }}"],
        "c": {"d": "{% for row in output.list %}{{ row.name }}{{ loop.index }}{% endfor %}"},
        "e": "plain output.other",
        "f": "{{ output[\"my-task\"].rows }} {{ range(3) | length }}",
    })));
    let found: Vec<String> = found.unwrap().into_iter().collect();
    assert_eq!(
        found,
        [
            "output",
            "output.list",
            "output.my-task",
            "output.train.run_id",
            "params.dataset",
            "triggering_asset_events",
        ]
    );
}
