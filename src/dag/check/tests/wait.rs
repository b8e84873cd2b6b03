//! Sensors, approvals, `trigger_dag_run` and `http`: each mistake with its place.

use super::{load_more, only, places};

/// Puts a task with these lines into a DAG of its own; the lines begin at line 3.
fn task(operator: &str, lines: &str) -> String {
    let after = "[dag.d.task.yes]\noperator = \"empty\"\n[dag.d.task.no]\noperator = \"empty\"\n";
    format!("[dag.d.task.t]\noperator = \"{operator}\"\n{lines}\n{after}")
}

#[track_caller]
fn points_at(text: &str, code: &'static str, line: usize, column: usize) {
    assert_eq!(places(text), [(code, line, column)], "{:#?}", load_more(text));
}

#[track_caller]
fn is_right(operator: &str, lines: &str) {
    if let Err(found) = load_more(&task(operator, lines)) {
        panic!("{found:#?}");
    }
}

#[test]
fn a_pool_may_count_what_is_deferred() {
    let deck = load_more("[pool.p]\nslots = 3\ninclude_deferred = true\n").unwrap();
    assert!(deck.pools_with_deferred.contains("p"));
    assert!(!deck.pools_with_deferred.contains("small"));
    points_at("[pool.p]\nslots = 3\ninclude_deferred = 1\n", "wrong-type", 3, 20);
}

#[test]
fn every_sensor_has_the_keys_of_waiting() {
    let common = "poke_interval = \"5s\"\ntimeout = 60\nsoft_fail = true\nsilent_fail = true\n\
                  exponential_backoff = true\nmax_wait = \"1h\"\n";
    for (operator, own) in [
        ("sensor.file", "path = \"in/*.csv\""),
        ("sensor.object", "uri = \"lake:in/*.csv\"\nmin_age = \"5s\""),
        ("sensor.http", "url = \"http://h/x\""),
        ("sensor.sql", "connection = \"db\"\nsql = \"select 1\""),
        ("sensor.time", "at = \"14:30\""),
        ("sensor.task", "dag_id = \"base\""),
    ] {
        is_right(operator, &format!("{own}\n{common}"));
        is_right(operator, &format!("{own}\nnever_fail = true"));
        let wrong = task(operator, &format!("{own}\nsoft_fail = true\nnever_fail = true"));
        assert_eq!(only(&wrong).code, "conflicting-keys", "{operator}");
        let wrong = task(operator, &format!("{own}\nmax_wait = \"5m\""));
        assert_eq!(only(&wrong).code, "conflicting-keys", "{operator}");
        for (line, code) in [
            ("poke_interval = 0", "bad-duration"),
            ("poke_interval = \"0s\"", "bad-duration"),
            ("timeout = \"soon\"", "bad-duration"),
            ("soft_fail = 1", "wrong-type"),
            ("poke = 1", "unknown-key"),
        ] {
            assert_eq!(only(&task(operator, &format!("{own}\n{line}"))).code, code, "{line}");
        }
        let less = own.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert!(places(&task(operator, &less)).iter().any(|(code, ..)| *code == "missing-key"));
    }
}

#[test]
fn a_file_is_a_path() {
    is_right("sensor.file", "path = \"file:data/x.csv\"");
    is_right("sensor.file", "path = \"/srv/in/**/*.csv\"");
    is_right("sensor.file", "path = \"{{ params }}\"");
    points_at(&task("sensor.file", "path = \"lake:x.csv\""), "bad-uri", 3, 8);
    points_at(&task("sensor.file", "path = \"../x.csv\""), "bad-uri", 3, 8);
    points_at(&task("sensor.file", "path = \"file:\""), "bad-uri", 3, 8);
    points_at(&task("sensor.file", "path = 3"), "wrong-type", 3, 8);
}

#[test]
fn an_object_lies_in_a_lake() {
    points_at(&task("sensor.object", "uri = \"db:x\""), "wrong-connection", 3, 8);
    points_at(&task("sensor.object", "uri = \"lak:x\""), "unknown-connection", 3, 8);
    points_at(&task("sensor.object", "uri = \"x.csv\""), "bad-uri", 3, 7);
}

#[test]
fn a_request_goes_to_a_url_or_to_a_connection() {
    let hook = "[connection.hook]\nurl = \"http://h\"\n";
    let with_hook = |lines: &str| format!("{}{hook}", task("http", lines));
    assert!(load_more(&with_hook("connection = \"hook\"\npath = \"/x\"")).is_ok());
    for operator in ["http", "sensor.http"] {
        is_right(operator, "url = \"http://h\"\nmethod = \"POST\"\nheaders = { a = \"b\" }");
        is_right(operator, "url = \"http://h\"\nexpect = [200, 404]\nbody = { a = 1 }");
        is_right(operator, "url = \"http://h\"\nexpect = 200");
        is_right(operator, "url = \"http://h\"\nexpect = \"response.body.n > 3\"");
        let asked = |lines: &str| task(operator, &format!("url = \"http://h\"\n{lines}"));
        points_at(&task(operator, ""), "missing-key", 1, 13);
        points_at(&task(operator, "url = \"h\""), "bad-value", 3, 7);
        points_at(&task(operator, "url = \"ftp://h\""), "bad-value", 3, 7);
        is_right(operator, "url = \"https://h\"");
        points_at(&task(operator, "connection = \"db\""), "wrong-connection", 3, 14);
        points_at(&task(operator, "connection = \"hok\""), "unknown-connection", 3, 14);
        points_at(&asked("connection = \"ops\""), "conflicting-keys", 4, 1);
        points_at(&asked("path = \"/x\""), "conflicting-keys", 4, 1);
        points_at(&asked("method = \"FETCH\""), "bad-value", 4, 10);
        points_at(&asked("expect = 42"), "bad-value", 4, 10);
        points_at(&asked("expect = []"), "bad-value", 4, 10);
        points_at(&asked("expect = \"status == 200\""), "unknown-name", 4, 11);
        points_at(&asked("expect = \"response.\""), "bad-template", 4, 10);
        points_at(&asked("headers = { a = 1 }"), "wrong-type", 4, 11);
    }
}

#[test]
fn a_question_to_a_database_may_have_an_expectation() {
    let asked = |lines: &str| task("sensor.sql", &format!("sql = \"select 1\"\n{lines}"));
    is_right("sensor.sql", "connection = \"db\"\nsql = \"select 1\"\nexpect = \"row.n > value\"");
    points_at(&asked("connection = \"lake\""), "wrong-connection", 4, 14);
    points_at(&asked("connection = \"db\"\nexpect = \"valu > 1\""), "unknown-name", 5, 11);
    points_at(&asked("connection = \"db\"\nexpect = \"value >\""), "bad-template", 5, 10);
}

#[test]
fn one_instant_is_waited_for() {
    is_right("sensor.time", "delta = \"10m\"");
    is_right("sensor.time", "until = 2026-01-01T14:30:00Z");
    is_right("sensor.time", "until = \"2026-01-01T14:30:00\"");
    is_right("sensor.time", "until = \"{{ data_interval_end }}\"");
    points_at(&task("sensor.time", ""), "missing-key", 1, 13);
    points_at(&task("sensor.time", "at = \"1:00\"\ndelta = 5"), "conflicting-keys", 4, 1);
    points_at(&task("sensor.time", "at = \"25:00\""), "bad-date", 3, 6);
    points_at(&task("sensor.time", "until = \"soon\""), "bad-date", 3, 9);
    points_at(&task("sensor.time", "until = 5"), "bad-date", 3, 9);
    points_at(&task("sensor.time", "delta = \"soon\""), "bad-duration", 3, 9);
}

#[test]
fn another_dag_and_its_tasks_are_known() {
    let waits = |lines: &str| task("sensor.task", &format!("dag_id = \"base\"\n{lines}"));
    is_right("sensor.task", "dag_id = \"base\"\ntask_ids = [\"start\"]\nexecution_delta = \"1h\"");
    is_right("sensor.task", "dag_id = \"base\"\nfailed_states = [\"failed\"]\ndag_run_id = \"r\"");
    is_right(
        "sensor.task",
        "dag_id = \"base\"\ntask_id = \"start\"\nskipped_states = [\"skipped\"]",
    );
    points_at(&task("sensor.task", "dag_id = \"bse\""), "unknown-dag", 3, 10);
    points_at(&waits("task_group_id = \"g\""), "unknown-task", 4, 17);
    let two = "task_id = \"start\"\ntask_group_id = \"g\"";
    assert!(places(&waits(two)).contains(&("conflicting-keys", 5, 1)));
    points_at(&waits("task_id = \"strt\""), "unknown-task", 4, 11);
    points_at(&waits("task_ids = [\"start\", \"x\"]"), "unknown-task", 4, 22);
    points_at(&waits("task_id = \"start\"\ntask_ids = [\"start\"]"), "conflicting-keys", 5, 1);
    let two = "dag_run_id = \"r\"\nlogical_date = \"2026-01-01T00:00:00Z\"";
    points_at(&waits(two), "conflicting-keys", 5, 1);
    points_at(&waits("dag_run_id = \"r\"\nexecution_delta = 5"), "conflicting-keys", 5, 1);
    points_at(&waits("allowed_states = [\"done\"]"), "bad-value", 4, 19);
    points_at(&waits("failed_states = [\"skipped\"]"), "bad-value", 4, 18);
    let twice = "allowed_states = [\"failed\"]\nfailed_states = [\"failed\"]";
    points_at(&waits(twice), "bad-value", 5, 18);
    let help = only(&task("sensor.task", "dag_id = \"bse\"")).help.unwrap();
    assert!(help.starts_with("did you mean `base`?"), "{help}");
}

#[test]
fn a_run_of_a_known_dag_is_brought_about() {
    let asks = |lines: &str| task("trigger_dag_run", &format!("dag_id = \"base\"\n{lines}"));
    is_right("trigger_dag_run", "dag_id = \"base\"\nconf = { a = 1 }\nwait = true");
    is_right("trigger_dag_run", "dag_id = \"{{ run_id }}\"\nreset_dag_run = true");
    points_at(&task("trigger_dag_run", ""), "missing-key", 1, 13);
    points_at(&task("trigger_dag_run", "dag_id = \"bse\""), "unknown-dag", 3, 10);
    points_at(&asks("conf = 3"), "wrong-type", 4, 8);
    points_at(&asks("allowed_states = [\"skipped\"]"), "bad-value", 4, 19);
    let both = "reset_dag_run = true\nskip_when_already_exists = true";
    points_at(&asks(both), "conflicting-keys", 5, 1);
    points_at(&asks("wait = false\nfailed_states = [\"failed\"]"), "conflicting-keys", 4, 8);
}

#[test]
fn a_question_has_choices_a_form_and_perhaps_branches() {
    let asks = |lines: &str| task("approval", &format!("question = \"?\"\n{lines}"));
    is_right(
        "approval",
        "question = \"Deploy {{ run_id }}?\"\nbody = \"x\"\nassignees = [\"ana\"]",
    );
    is_right("approval", "question = \"?\"\ntimeout = \"1h\"\ndefault = \"Reject\"");
    is_right("approval", "question = \"?\"\nthen = { Approve = \"yes\", Reject = [\"no\"] }");
    let several =
        "choices = [\"a\", \"b\"]\nmultiple = true\ntimeout = 5\ndefault = [\"a\", \"b\"]";
    is_right("approval", &format!("question = \"?\"\n{several}"));
    is_right("approval", "question = \"?\"\nform = { n = { type = \"integer\", default = 1 } }");
    points_at(&task("approval", ""), "missing-key", 1, 13);
    points_at(&asks("choices = []"), "bad-value", 4, 11);
    points_at(&asks("choices = [\"a\", \"a\"]"), "bad-value", 4, 17);
    points_at(&asks("timeout = 5\ndefault = \"Yes\""), "bad-value", 5, 11);
    points_at(&asks("timeout = 5\ndefault = 3"), "wrong-type", 5, 11);
    points_at(&asks("default = \"Reject\""), "missing-key", 4, 1);
    let two = "timeout = 5\ndefault = [\"Approve\", \"Reject\"]";
    points_at(&asks(two), "bad-value", 5, 23);
    points_at(&asks("then = { Aprove = \"yes\" }"), "bad-value", 4, 10);
    points_at(&asks("then = { Approve = \"yess\" }"), "unknown-task", 4, 20);
    points_at(&asks("then = { Approve = 3 }"), "wrong-type", 4, 20);
    points_at(&asks("then = { Approve = \"{{ ds }}\" }"), "bad-value", 4, 20);
    is_right("approval", "question = \"?\"\nfail_on_reject = true");
    let both = "fail_on_reject = true\nthen = { Approve = \"yes\" }";
    points_at(&asks(both), "conflicting-keys", 5, 1);
    let both = "choices = [\"a\"]\nignore_downstream_trigger_rules = true";
    points_at(&asks(both), "conflicting-keys", 4, 1);
    points_at(&asks("form = { n = 3 }"), "wrong-type", 4, 14);
    points_at(&asks("form = { n = { type = \"int\" } }"), "bad-param-schema", 4, 10);
    points_at(
        &asks("form = { n = { type = \"integer\", default = \"x\" } }"),
        "bad-default",
        4,
        10,
    );
    let deck = load_more(&asks("then = { Approve = \"yes\", Reject = \"no\" }")).unwrap();
    let downstream = deck.dags["d"].graph.downstream(&"t".into());
    assert_eq!(downstream.len(), 2, "a choice is an edge");
}
