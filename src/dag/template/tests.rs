//! Stories of templates.

use serde_json::json;

use super::*;

fn args(value: Value) -> Map<String, Value> {
    let Value::Object(args) = value else { panic!("a table") };
    args
}

fn rendered(text: &str, context: &Value) -> Result<Value, TemplateError> {
    render(&args(json!({ "x": text })), &Names::from(context))
        .map(|mut out| out.remove("x").unwrap())
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
    let out = render(
        &args(json!({"a": {"b": ["{{ n }}", 1, null]}, "c": true})),
        &Names::from(&json!({"n": "<&>"})),
    );
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
    assert_eq!(rendered("{{ none | ds }}", &context), Ok(json!(null)));
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

/// What Airflow gave for the same templates: `tests/airflow/templates.py`.
#[test]
fn templates_give_what_airflow_gives() {
    let observed = include_str!("../../../tests/airflow/templates.json");
    let observed: Value = serde_json::from_str(observed).unwrap();
    let context =
        Names { root: minijinja::Value::from(airflow_context()), absent: BTreeMap::new() };
    let mut differences = Vec::new();
    for answer in observed["answers"].as_array().unwrap() {
        let template = answer["template"].as_str().unwrap();
        // A whole expression would keep its type; Airflow gives text.
        let ours = render_text(&environment(), &format!("{template}{{# #}}"), &context);
        match (answer["text"].as_str(), ours) {
            (Some(theirs), Ok(ours)) if ours == theirs => {}
            (None, Err(_)) => {}
            (theirs, ours) => differences.push(format!("{template}\n  {theirs:?}\n  {ours:?}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn airflow_context() -> BTreeMap<String, minijinja::Value> {
    let at = |text: &str| {
        let at: crate::types::Timestamp = text.parse().unwrap();
        minijinja::Value::from_object(Moment::from(at))
    };
    let start = "2026-02-28T22:15:00Z";
    let plain = json!({
        "ds": "2026-02-28", "ds_nodash": "20260228", "ts": "2026-02-28T22:15:00+00:00",
        "ts_nodash": "20260228T221500", "ts_nodash_with_tz": "20260228T221500+0000",
        "run_id": "scheduled__2026-02-28T22:15:00+00:00",
        "prev_end_date_success": null,
        "params": {
            "flag": true, "nothing": null, "n": 3, "x": 0.5, "big": 1e16, "name": "O'Brien",
            "list": [1, "two", null, false], "table": {"a": 1, "b": {"c": [true]}},
            "quote": "say \"it's\"", "line": "a\nb", "umlaut": "Grüße",
        },
    });
    let mut names: BTreeMap<String, minijinja::Value> = args(plain)
        .into_iter()
        .map(|(name, value)| (name, minijinja::Value::from(Serde(value))))
        .collect();
    names.extend([
        ("logical_date".to_owned(), at(start)),
        ("data_interval_start".to_owned(), at(start)),
        ("data_interval_end".to_owned(), at("2026-03-01T22:15:00Z")),
        ("prev_data_interval_start_success".to_owned(), at("2026-02-27T22:15:00Z")),
        ("prev_data_interval_end_success".to_owned(), at(start)),
        ("prev_start_date_success".to_owned(), at("2026-12-31T23:59:59.123456Z")),
        (
            "macros".to_owned(),
            minijinja::Value::from_object(Macros { now: start.parse().unwrap() }),
        ),
    ]);
    names
}

#[test]
fn an_instant_without_more_is_text_and_what_varies_is_refused() {
    let context =
        Names { root: minijinja::Value::from(airflow_context()), absent: BTreeMap::new() };
    let one = |text: &str| render_text(&environment(), text, &context);
    assert_eq!(one("{{ logical_date }}"), Ok(json!("2026-02-28 22:15:00+00:00")));
    assert_eq!(one("{{ macros.timedelta(days=1) }}"), Ok(json!("1 day, 0:00:00")));
    assert_eq!(one("{{ macros.datetime.now() }}"), Ok(json!("2026-02-28 22:15:00")));
    let reason = |text: &str| one(text).unwrap_err().reason;
    assert!(reason("{{ macros.random() }}").contains("`macros.random` is refused"));
    assert!(
        reason("{{ macros.uuid.uuid4() }}").contains("refused"),
        "{}",
        reason("{{ macros.uuid.uuid4() }}")
    );
    assert!(reason("{{ macros.ds_add('1/2/26', 1) }}").contains("is not a date"));
    assert!(reason("{{ logical_date.in_timezone('Europe/Berln') }}").contains("no time zone"));
    assert!(reason("{{ logical_date.start_of('dya') }}").contains("there is no unit"));
    assert!(reason("{{ logical_date.strftime('%!') }}").len() > 3);
    assert!(reason("{{ logical_date - 1 }}").contains("unsupported"));
}
