//! Retries, weights, callbacks and deadlines: what a right file gives, and one story for each
//! mistake.

use super::*;
use crate::deadline::DeadlineReference;
use crate::types::callback::{CallbackAction, CallbackEvent};
use crate::weight::WeightRule;

fn task(lines: &str) -> String {
    format!("[dag.d.task.t]\noperator = \"empty\"\n{lines}\n")
}

fn dag(lines: &str) -> String {
    format!("[dag.d]\n{lines}\n[dag.d.task.t]\noperator = \"empty\"\n")
}

#[track_caller]
fn points_at(text: &str, code: &'static str, line: usize, column: usize) {
    assert_eq!(places(text), [(code, line, column)], "{:#?}", load_more(text));
}

#[test]
fn backoff_is_a_flag_or_a_factor() {
    for (written, factor) in [("true", 2.0), ("false", 0.0), ("3", 3.0), ("1.5", 1.5)] {
        let deck = load_more(&task(&format!("retry_exponential_backoff = {written}"))).unwrap();
        let found = deck.dags["d"].tasks["t"].retry_exponential_backoff;
        assert!((found - factor).abs() < f64::EPSILON, "{written}: {found}");
    }
    points_at(&task("retry_exponential_backoff = \"yes\""), "wrong-type", 3, 29);
    points_at(&task("retry_exponential_backoff = -1"), "bad-value", 3, 29);
}

#[test]
fn exit_codes_that_are_not_retried_are_a_list_and_inherited() {
    let text = format!("[deck.default_args]\nno_retry_exit_codes = [2, 64]\n{}", task(""));
    let deck = load_more(&text).unwrap();
    assert_eq!(deck.dags["d"].tasks["t"].no_retry_exit_codes, [2, 64]);
    points_at(&task("no_retry_exit_codes = 2"), "wrong-type", 3, 23);
    points_at(&task("no_retry_exit_codes = [\"a\"]"), "wrong-type", 3, 24);
    points_at(&task("no_retry_exit_codes = [0]"), "bad-value", 3, 24);
    points_at(&task("no_retry_exit_codes = [256]"), "bad-value", 3, 24);
}

#[test]
fn weights_add_up_over_the_graph_by_their_rule() {
    let text = r#"
[dag.d.task.a]
operator = "empty"
priority_weight = 5
[dag.d.task.b]
operator = "empty"
depends_on = ["a"]
weight_rule = "upstream"
[dag.d.task.c]
operator = "empty"
depends_on = ["b"]
weight_rule = "absolute"
priority_weight = 7
"#;
    let deck = load_more(text).unwrap();
    let total = |id: &str| deck.dags["d"].tasks[id].priority_weight_total;
    assert_eq!([total("a"), total("b"), total("c")], [5 + 1 + 7, 1 + 5, 7]);
    let inherited =
        load_more(&format!("[dag.d.default_args]\nweight_rule = \"absolute\"\n{}", task("")));
    let rule = inherited.unwrap().dags["d"].tasks["t"].weight_rule;
    assert_eq!(rule, WeightRule::Absolute);
    points_at(&task("weight_rule = \"upstrem\""), "bad-weight-rule", 3, 15);
    let help = only(&task("weight_rule = \"upstrem\"")).help.unwrap();
    assert!(help.starts_with("did you mean `upstream`?"), "{help}");
}

#[test]
fn callbacks_are_one_or_a_list_and_what_a_task_says_replaces_what_it_inherits() {
    let text = r#"
[connection.hooks]
url = "http://127.0.0.1:9/x"
[deck.default_args]
on_failure = { notify = "ops", message = "{{ ti.task_id }} failed: {{ exception }}" }
on_retry = { command = "echo again", timeout = "5s", retries = 0, retry_delay = "2s" }
[dag.d]
on_success = { webhook = "http://127.0.0.1:9/y" }
[dag.d.task.t]
operator = "empty"
on_failure = [
    { webhook = "hooks", body = { text = "{{ reason }}" } },
    { argv = ["echo", "{{ output.t }}"] },
]
"#;
    let deck = load_more(text).unwrap();
    let dag = &deck.dags["d"];
    let of = |event| dag.tasks["t"].callbacks.of(event);
    let failure: Vec<&str> =
        of(CallbackEvent::OnFailure).iter().map(|spec| spec.action.name()).collect();
    assert_eq!(failure, ["webhook", "argv"]);
    let retry = &of(CallbackEvent::OnRetry)[0];
    assert_eq!(retry.action, CallbackAction::Command("echo again".into()));
    assert_eq!((retry.timeout.as_secs(), retry.retries, retry.retry_delay.as_secs()), (5, 0, 2));
    assert!(of(CallbackEvent::OnSuccess).is_empty());
    assert_eq!(dag.callbacks.of(CallbackEvent::OnSuccess).len(), 1);
    let inherited = deck.dags["base"].tasks["start"].callbacks.of(CallbackEvent::OnFailure);
    assert_eq!(inherited[0].action.name(), "notify");
    assert!(dag.graph.edges().is_empty(), "what a callback names is no edge");
}

#[test]
fn a_callback_that_makes_no_sense_is_pointed_at() {
    points_at(&task("on_failure = 3"), "wrong-type", 3, 14);
    points_at(&task("on_failure = [3]"), "wrong-type", 3, 15);
    points_at(&task("on_failure = {}"), "bad-callback", 3, 14);
    points_at(&task("on_failure = { command = \"x\", argv = [\"x\"] }"), "conflicting-keys", 3, 31);
    points_at(&task("on_failure = { command = \"x\", cwdd = 1 }"), "unknown-key", 3, 31);
    points_at(&task("on_failure = { command = 3 }"), "wrong-type", 3, 26);
    points_at(&task("on_failure = { command = \"\" }"), "bad-value", 3, 26);
    points_at(&task("on_failure = { argv = [] }"), "bad-value", 3, 23);
    points_at(&task("on_failure = { notify = \"ops\" }"), "missing-key", 3, 14);
    points_at(
        &task("on_failure = { notify = \"opps\", message = \"m\" }"),
        "unknown-connection",
        3,
        25,
    );
    points_at(
        &task("on_failure = { notify = \"db\", message = \"m\" }"),
        "wrong-connection",
        3,
        25,
    );
    points_at(&task("on_failure = { webhook = \"ops\" }"), "wrong-connection", 3, 26);
    points_at(&task("on_failure = { webhook = \"hoks\" }"), "unknown-connection", 3, 26);
    points_at(&task("on_failure = { webhook = \"ftp://x\" }"), "bad-url", 3, 26);
    points_at(&task("on_retry = { command = \"x\", timeout = \"2h\" }"), "bad-value", 3, 39);
    points_at(&task("on_retry = { command = \"x\", timeout = \"x\" }"), "bad-duration", 3, 39);
    points_at(&task("on_retry = { command = \"x\", retries = 11 }"), "bad-value", 3, 39);
    points_at("[dag.base]\non_retry = { command = \"x\" }\n", "unknown-key", 2, 1);
}

#[test]
fn what_a_callbacks_template_names_must_be_there() {
    let says = |text: &str| task(&format!("on_failure = {{ command = \"{text}\" }}"));
    points_at(&says("{{ exceptoin }}"), "unknown-name", 3, 30);
    points_at(&says("{{ output.x }}"), "unknown-task", 3, 30);
    points_at(&says("{{ params.x }}"), "unknown-param", 3, 30);
    points_at(&says("{{ var.value.x }}"), "unknown-variable", 3, 30);
    points_at(&says("{{ conn.x }}"), "unknown-connection", 3, 30);
    points_at(&says("{{ "), "bad-template", 3, 26);
    let names = "{{ callback.id }} {{ event }} {{ exception }} {{ reason }} {{ state }} \
                 {{ try_number }} {{ ti.task_id }} {{ ds }} {{ var.value.region }}";
    assert!(load_more(&says(names)).is_ok(), "{:#?}", load_more(&says(names)));
    let of_dag = |text: &str| dag(&format!("on_failure = {{ command = \"{text}\" }}"));
    points_at(&of_dag("{{ ti.task_id }}"), "unknown-name", 2, 30);
    assert!(load_more(&of_dag("{{ reason }} {{ run_id }} {{ output.t }}")).is_ok());
    // The same names mean nothing to a task's own arguments.
    let own = "[dag.d.task.t]\noperator = \"command\"\ncommand = \"{{ exception }}\"\n";
    points_at(own, "unknown-name", 3, 15);
}

#[test]
fn deadlines_have_a_reference_and_an_interval() {
    let text = r#"
[dag.d]
timezone = "Europe/Berlin"
deadline = [
    { reference = "dagrun_queued_at", interval = "1h", callback = { command = "echo late" } },
    { reference = "dagrun_logical_date", interval = 60 },
    { reference = 2026-05-01T12:00:00, interval = "0s" },
    { reference = "average_runtime", interval = "5m", max_runs = 5, min_runs = 2 },
    { reference = "average_runtime", interval = "5m" },
]
[dag.d.task.t]
operator = "empty"
"#;
    let deck = load_more(text).unwrap();
    let found: Vec<_> = deck.dags["d"].deadlines.iter().map(|one| one.reference).collect();
    assert_eq!(
        found,
        [
            DeadlineReference::DagrunQueuedAt,
            DeadlineReference::DagrunLogicalDate,
            DeadlineReference::FixedDatetime("2026-05-01T10:00:00Z".parse().unwrap()),
            DeadlineReference::AverageRuntime { max_runs: 5, min_runs: 2 },
            DeadlineReference::AverageRuntime { max_runs: 10, min_runs: 10 },
        ]
    );
    assert_eq!(deck.dags["d"].deadlines[0].callbacks.len(), 1);
}

#[test]
fn a_deadline_that_makes_no_sense_is_pointed_at() {
    let of = |inner: &str| dag(&format!("deadline = {{ {inner} }}"));
    points_at(&dag("deadline = \"1h\""), "wrong-type", 2, 12);
    points_at(&of("interval = \"1h\""), "missing-key", 2, 12);
    points_at(&of("reference = \"dagrun_queued_at\""), "missing-key", 2, 12);
    points_at(&of("reference = \"dagrun_queud_at\", interval = 1"), "bad-deadline", 2, 26);
    points_at(&of("reference = \"2026-13-01\", interval = 1"), "bad-date", 2, 26);
    points_at(&of("reference = true, interval = 1"), "wrong-type", 2, 26);
    points_at(&of("reference = \"dagrun_queued_at\", interval = \"x\""), "bad-duration", 2, 57);
    let with = "reference = \"dagrun_queued_at\", interval = 1, max_runs = 3";
    points_at(&of(with), "unknown-key", 2, 60);
    let average =
        |more: &str| of(&format!("reference = \"average_runtime\", interval = 1, {more}"));
    points_at(&average("min_runs = 0"), "bad-value", 2, 70);
    points_at(&average("max_runs = 2, min_runs = 3"), "bad-value", 2, 84);
    let callback = "reference = \"dagrun_queued_at\", interval = 1, callback = {}";
    points_at(&of(callback), "bad-callback", 2, 71);
}
