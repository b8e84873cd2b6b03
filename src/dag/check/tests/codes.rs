//! One story for each code, with the place that it points at.

use super::*;

/// Puts a task with these lines into a DAG of its own; the lines begin at line 3.
pub(super) fn task(operator: &str, lines: &str) -> String {
    format!("[dag.d.task.t]\noperator = \"{operator}\"\n{lines}\n")
}

#[track_caller]
pub(super) fn points_at(text: &str, code: &'static str, line: usize, column: usize) {
    assert_eq!(places(text), [(code, line, column)], "{:#?}", load_more(text));
}

#[test]
fn syntax() {
    points_at("[dag.d\n", "syntax", 1, 7);
    // TOML itself forbids a key twice.
    let twice = places("[dag.d]\nowner = \"a\"\nowner = \"b\"\n");
    assert_eq!((twice[0].0, twice[0].1), ("syntax", 3));
}

#[test]
fn unknown_key() {
    points_at("[dags.d]\n", "unknown-key", 1, 2);
    points_at(&task("empty", "expandd = 1"), "unknown-key", 3, 1);
    points_at(&task("command", "command = \"x\"\ncwdd = \"y\""), "unknown-key", 4, 1);
    points_at("[asset.a]\nuri = \"file:a\"\nwatched = true\n", "unknown-key", 3, 1);
    points_at("[pool.p]\nslots = 1\nslot = 1\n", "unknown-key", 3, 1);
    points_at("[serving]\nlistn = \"x\"\n", "unknown-key", 2, 1);
    points_at("[dag.base.param.p]\ntype = \"string\"\ndefalt = \"x\"\n", "unknown-key", 3, 1);
    points_at("[deck.default_args]\nretry = 1\n", "unknown-key", 2, 1);
    let help = only(&task("command", "command = \"x\"\ncwdd = \"y\"")).help.unwrap();
    assert!(help.starts_with("did you mean `cwd`?"), "{help}");
}

#[test]
fn wrong_type() {
    points_at(&task("command", "command = 3"), "wrong-type", 3, 11);
    points_at(&task("command", "argv = [\"a\", 1]"), "wrong-type", 3, 8);
    points_at("[dag.base]\ntags = \"x\"\n", "wrong-type", 2, 8);
    points_at("[dag.base]\ncatchup = \"no\"\n", "wrong-type", 2, 11);
    points_at("[pool]\np = 3\n", "wrong-type", 2, 5);
    points_at("[dag]\nd = 3\n", "wrong-type", 2, 5);
    points_at("[dag.base.param]\np = 3\n", "wrong-type", 2, 5);
    points_at("[dag.base]\nschedule = 5\n", "wrong-type", 2, 12);
    points_at("[dag.base]\nschedule = [5]\n", "wrong-type", 2, 13);
    points_at("[deck]\ncreate_cron_data_intervals = 1\n", "wrong-type", 2, 30);
    points_at("[dag.base]\nstart_date = 5\n", "wrong-type", 2, 14);
    points_at("[asset.x]\nuri = \"file:x\"\nwatch = 5\n", "wrong-type", 3, 9);
    points_at("[variable.list]\n", "wrong-type", 1, 1);
    points_at("[connection.c]\nurl = \"log:\"\nport = 1\n", "wrong-type", 3, 8);
    points_at("[connection]\nc = \"log:\"\n", "wrong-type", 2, 5);
    let postgres = |line: &str| format!("[connection.c]\nurl = \"postgres://u@h/d\"\n{line}\n");
    points_at(&postgres("pasword = \"x\""), "unknown-key", 3, 1);
    points_at(&postgres("sslmode = \"on\""), "bad-value", 3, 11);
    points_at(&postgres("statement_timeout = \"soon\""), "bad-value", 3, 21);
}

#[test]
fn missing_key() {
    points_at("[serving]\nnginx = \"nginx\"\n", "missing-key", 1, 2);
    points_at("[dag.d.task.t]\nretries = 1\n", "missing-key", 1, 13);
    points_at(&task("python", ""), "missing-key", 1, 13);
    points_at(&task("command", ""), "missing-key", 1, 13);
    points_at("[connection.c]\n", "missing-key", 1, 13);
    points_at("[pool.p]\n", "missing-key", 1, 7);
    points_at("[dag.base]\ncatchup = true\nschedule = \"@daily\"\n", "missing-key", 1, 6);
    let load = "input = \"x\"\nconnection = \"db\"\ntable = \"t\"\nmode = \"merge\"";
    points_at(&task("sql.load", load), "missing-key", 1, 13);
    assert_eq!(places("[dataset.d]\n").len(), 3);
}

#[test]
fn conflicting_keys() {
    points_at(&task("command", "command = \"x\"\nargv = [\"x\"]"), "conflicting-keys", 4, 1);
    let log = "[serving]\nreplicas = 2\n[serving.log]\nsample = 1\n";
    points_at(log, "conflicting-keys", 2, 1);
    let shadow = "[serving]\nreplicas = 2\n[serving.traffic.iris]\nshadow = 2\n";
    points_at(shadow, "conflicting-keys", 2, 1);
}

#[test]
fn unknown_operator() {
    points_at("[dag.d.task.t]\noperator = \"comand\"\nx = 1\n", "unknown-operator", 2, 12);
    let found = only("[dag.d.task.t]\noperator = \"comand\"\n");
    assert_eq!(found.message, "there is no operator `comand`");
    assert!(found.help.unwrap().starts_with("did you mean `command`? operators: `empty`"));
}

#[test]
fn unknown_task() {
    points_at(&task("empty", "depends_on = [\"x\"]"), "unknown-task", 3, 15);
    points_at(&task("command", "command = \"a {{ output.x.y }}\""), "unknown-task", 3, 17);
    points_at(&task("branch", "choose = [\"x\"]"), "unknown-task", 3, 11);
    let gate = "run = \"r\"\nrequire = {}\nthen = \"x\"\notherwise = \"y\"";
    let found = places(&task("ml.gate", gate));
    assert_eq!(found, [("unknown-task", 5, 8), ("unknown-task", 6, 13)]);
}

#[test]
fn self_dependency() {
    points_at(&task("empty", "depends_on = [\"t\"]"), "self-dependency", 3, 15);
    points_at(&task("command", "command = \"{{ output.t }}\""), "self-dependency", 3, 15);
}

#[test]
fn cycle() {
    let text = r#"
[dag.d.task.a]
operator = "empty"
depends_on = ["c"]
[dag.d.task.b]
operator = "command"
command = "{{ output.a }}"
[dag.d.task.c]
operator = "empty"
depends_on = ["b"]
[dag.d.task.x]
operator = "empty"
depends_on = ["y"]
[dag.d.task.y]
operator = "empty"
depends_on = ["x"]
"#;
    assert_eq!(places(text), [("cycle", 4, 15), ("cycle", 13, 15)]);
    let found = load_more(text).unwrap_err();
    assert_eq!(found[0].message, "tasks wait for each other: a → b → c → a");
    assert_eq!(found[1].message, "tasks wait for each other: x → y → x");
}

#[test]
fn unknown_group() {
    points_at(&task("empty", "group = \"x\""), "unknown-group", 3, 9);
    let inner = "group = \"g\"\n[dag.d.group.g]\nparent = \"x\"";
    points_at(&task("empty", inner), "unknown-group", 5, 10);
}

#[test]
fn empty_group() {
    points_at(&task("empty", "[dag.d.group.g]"), "empty-group", 3, 14);
}

#[test]
fn groups_among_tasks_and_in_each_other() {
    let taken = task("empty", "group = \"t\"\n[dag.d.group.t]");
    points_at(&taken, "duplicate-id", 4, 14);
    let inside = task("empty", "group = \"g\"\n[dag.d.group.g]\nparent = \"g\"");
    points_at(&inside, "cycle", 4, 14);
    let own = task("empty", "group = \"g\"\ndepends_on = [\"g\"]\n[dag.d.group.g]");
    points_at(&own, "cycle", 4, 15);
    points_at(&task("empty", "[dag.d.group]\ng = 3"), "wrong-type", 4, 5);
    points_at(&task("empty", "group = \"g\"\n[dag.d.group.g]\nx = 3\n"), "unknown-key", 5, 1);
}

#[test]
fn bad_expand() {
    points_at(&task("empty", "expand = 1"), "bad-expand", 3, 10);
    points_at(&task("empty", "expand = {}"), "bad-expand", 3, 10);
    points_at(&task("empty", "expand = [1]"), "bad-expand", 3, 11);
    points_at(&task("empty", "expand = { x = 1 }"), "bad-expand", 3, 16);
    points_at(&task("empty", "expand = { x = \"{{ ds }}\" }"), "bad-expand", 3, 16);
    points_at(&task("empty", "expand = { x = \"a\" }"), "bad-expand", 3, 16);
    let long = format!("expand = {{ x = {:?} }}", vec![1; 1025]);
    points_at(&task("empty", &long), "bad-expand", 3, 16);
    let unknown = task("empty", "expand = { x = \"{{ output.u }}\" }");
    points_at(&unknown, "unknown-task", 3, 20);
    let in_group = "group = \"g\"\nexpand = { x = [1] }\n[dag.d.group.g]\nexpand = { y = [1] }";
    points_at(&task("empty", in_group), "bad-expand", 4, 1);
    let groups = "group = \"g\"\n[dag.d.group.g]\nparent = \"h\"\nexpand = { y = [1] }\n\
                  [dag.d.group.h]\nexpand = { x = [1] }";
    points_at(&task("empty", groups), "bad-expand", 6, 1);
    let part = "expand = { x = [1] }\n[dag.d.task.u]\noperator = \"empty\"\n\
                expand = { y = \"{{ output.t.a }}\" }";
    points_at(&task("empty", part), "bad-expand", 6, 1);
}

#[test]
fn names_that_expand_does_not_give() {
    let text = task("command", "command = \"{{ expand.y }}\"\nexpand = { x = [1] }");
    points_at(&text, "unknown-name", 3, 15);
    points_at(&task("command", "command = \"{{ expand.y }}\""), "unknown-name", 3, 15);
}

#[test]
fn setups_and_teardowns() {
    points_at(&task("empty", "setup = true\nteardown = true"), "conflicting-keys", 3, 1);
    let only = task("empty", "on_failure_fail_dagrun = true");
    points_at(&only, "conflicting-keys", 3, 1);
    points_at(&task("empty", "teardown = 3"), "wrong-type", 3, 12);
    points_at(&task("empty", "teardown = [\"x\"]"), "unknown-task", 3, 13);
    let rule = task("empty", "teardown = true\ntrigger_rule = \"all_done\"");
    points_at(&rule, "bad-trigger-rule", 4, 16);
    let after = "setup = true\n[dag.d.task.u]\noperator = \"empty\"\n\
                 depends_on = [\"t\"]\ntrigger_rule = \"all_done\"";
    points_at(&task("empty", after), "bad-trigger-rule", 4, 13);
    points_at(&task("empty", "run_if = 3"), "wrong-type", 3, 10);
    points_at("[deck]\nmax_map_length = 0\n", "bad-value", 2, 18);
}

#[test]
fn unknown_asset() {
    points_at(&task("empty", "inlets = [\"frist\"]"), "unknown-asset", 3, 11);
    points_at(&task("empty", "outlets = [\"x\"]"), "unknown-asset", 3, 12);
    let by = "[dag.base]\nschedule = { assets = \"first & secnd\" }\n";
    points_at(by, "unknown-asset", 2, 32);
}

#[test]
fn unknown_dataset() {
    points_at(&task("dataset.validate", "dataset = \"irs\""), "unknown-dataset", 3, 11);
    assert!(load_more(&task("dataset.validate", "dataset = \"{{ ds }}\"")).is_ok());
}

#[test]
fn unknown_connection() {
    let notify = "message = \"m\"\nconnection = \"opps\"";
    points_at(&task("notify", notify), "unknown-connection", 4, 14);
    points_at("[asset.x]\nuri = \"lak:x\"\n", "unknown-connection", 2, 8);
    points_at(&task("csv.extract", "source = \"lak:x\""), "unknown-connection", 3, 11);
    points_at(&task("command", "command = \"{{ conn.opps }}\""), "unknown-connection", 3, 15);
}

#[test]
fn wrong_connection() {
    let notify = "message = \"m\"\nconnection = \"db\"";
    points_at(&task("notify", notify), "wrong-connection", 4, 14);
    let help = only(&task("notify", notify)).help.unwrap();
    assert_eq!(help, "connections that do: `ops`");
}

#[test]
fn unknown_pool() {
    points_at(&task("empty", "pool = \"smal\""), "unknown-pool", 3, 8);
    points_at("[dag.base.default_args]\npool = \"smal\"\n", "unknown-pool", 2, 8);
}

#[test]
fn pool_too_small() {
    points_at(&task("empty", "pool = \"small\"\npool_slots = 3"), "pool-too-small", 1, 13);
}

#[test]
fn unknown_variable() {
    let template = |name: &str| task("command", &format!("command = \"{{{{ {name} }}}}\""));
    points_at(&template("var.value.regio"), "unknown-variable", 3, 15);
    points_at(&template("var.region"), "unknown-name", 3, 15);
    assert!(load_more(&template("var.value.region")).is_ok());
}

#[test]
fn unknown_param() {
    points_at(&task("command", "command = \"{{ params.x }}\""), "unknown-param", 3, 15);
}

#[test]
fn unknown_name() {
    points_at(&task("command", "command = \"{{ dss }}\""), "unknown-name", 3, 15);
}

#[test]
fn names_of_objects_are_known_too() {
    for (template, word) in [
        ("{{ ti.tas_id }}", "`ti.tas_id`"),
        ("{{ dag_run.cnf }}", "`dag_run.cnf`"),
        ("{{ macros.ds_ad(ds, 1) }}", "`macros.ds_ad`"),
        ("{{ var.text.x }}", "`var.text.x`"),
    ] {
        let text = task("command", &format!("command = \"{template}\""));
        points_at(&text, "unknown-name", 3, 15);
        assert!(only(&text).message.contains(word), "{}", only(&text).message);
    }
}

#[test]
fn refused_macro() {
    let text = task("command", "command = \"{{ macros.random() }}\"");
    points_at(&text, "refused-macro", 3, 15);
}

#[test]
fn what_a_python_task_takes() {
    let python = |more: &str| task("python", &format!("callable = \"dags.toml:f\"\n{more}"));
    points_at(&python("op_args = 3"), "wrong-type", 4, 11);
    points_at(&python("warm = [\"no module\"]"), "wrong-type", 4, 8);
    points_at(&python("requirements = \"pandas\""), "wrong-type", 4, 16);
    points_at(&python("multiple_outputs = 1"), "wrong-type", 4, 20);
    let both = "args = { a = 1 }\nop_kwargs = { a = 2 }";
    points_at(&python(both), "conflicting-keys", 5, 15);
    points_at("[deck.default_args]\nwarm = 3\n", "wrong-type", 2, 8);
    points_at("[deck]\nxcom_max_bytes = -1\n", "bad-value", 2, 18);
}

#[test]
fn secret_param() {
    points_at("[dag.base.param.p]\ndefault = \"${env:TOKEN}\"\n", "secret-param", 1, 17);
}

#[test]
fn bad_template() {
    points_at(&task("command", "command = \"{{ ds \""), "bad-template", 3, 11);
    points_at(&task("command", "command = \"x\"\nenv = { A = \"{{ }}\" }"), "bad-template", 4, 13);
}

#[test]
fn bad_cron() {
    points_at("[dag.base]\nschedule = \"@dayly\"\n", "bad-cron", 2, 12);
    points_at("[dag.base]\nschedule = { cron = \"0 2 * *\" }\n", "bad-cron", 2, 21);
    points_at("[dag.base]\nschedule = [\"@daily\", \"0 0 30 2 *\"]\n", "bad-cron", 2, 23);
    points_at("[dag.base]\nschedule = [\"@once\"]\n", "bad-cron", 2, 13);
    points_at("[dag.base]\nschedule = \"30 minutes\"\n", "bad-cron", 2, 12);
    let help = only("[dag.base]\nschedule = \"@dayly\"\n").help.unwrap();
    assert!(help.starts_with("did you mean `@daily`?"), "{help}");
}

#[test]
fn bad_schedule() {
    points_at("[dag.base]\nschedule = { assets = \"first &\" }\n", "bad-schedule", 2, 23);
    for schedule in [
        "{}",
        "[]",
        "{ cron = \"@daily\", every = \"1h\" }",
        "{ assets = \"first\", data_interval = true }",
        "{ cron = [\"@daily\"], data_interval = true }",
    ] {
        points_at(&format!("[dag.base]\nschedule = {schedule}\n"), "bad-schedule", 2, 12);
    }
    let once = "[dag.base]\nschedule = { cron = \"@once\", data_interval = true }\n";
    points_at(once, "bad-schedule", 2, 21);
    points_at("[dag.base]\nschedule = \"@continuous\"\n", "bad-schedule", 2, 12);
    let one = "[dag.base]\nschedule = \"@continuous\"\nmax_active_runs = 1\n";
    assert!(load_more(one).is_ok());
}

#[test]
fn bad_duration() {
    points_at(&task("empty", "retry_delay = \"5\""), "bad-duration", 3, 15);
    points_at("[dag.base]\nschedule = \"0s\"\n", "bad-duration", 2, 12);
    points_at("[dag.base]\nschedule = { every = \"x\" }\n", "bad-duration", 2, 22);
    points_at("[dag.base]\nschedule = { every = 0 }\n", "bad-duration", 2, 22);
    points_at(&task("empty", "retry_delay = -5"), "bad-duration", 3, 15);
    points_at(&task("serving.monitor", "window = \"soon\""), "bad-duration", 3, 10);
    let watch = "[asset.x]\nuri = \"file:x\"\nwatch = { every = \"x\" }\n";
    points_at(watch, "bad-duration", 3, 19);
}

#[test]
fn bad_timezone() {
    points_at("[dag.base]\ntimezone = \"Europe/Berln\"\n", "bad-timezone", 2, 12);
    points_at("[deck]\ntimezone = \"Mars\"\n", "bad-timezone", 2, 12);
}

#[test]
fn bad_date() {
    points_at("[dag.base]\nstart_date = \"soon\"\n", "bad-date", 2, 14);
    points_at("[dag.base]\nstart_date = 10:00:00\n", "bad-date", 2, 14);
    let swapped = "[dag.base]\nstart_date = 2026-02-01\nend_date = 2026-01-01\n";
    points_at(swapped, "bad-date", 3, 12);
}

#[test]
fn bad_trigger_rule() {
    points_at(&task("empty", "trigger_rule = \"all_done_\""), "bad-trigger-rule", 3, 16);
}

#[test]
fn bad_param_schema() {
    points_at("[dag.base.param.p]\ntype = \"strin\"\n", "bad-param-schema", 1, 17);
}

#[test]
fn bad_default() {
    let text = "[dag.base.param.p]\ntype = \"integer\"\nmaximum = 3\ndefault = 4\n";
    points_at(text, "bad-default", 4, 11);
    assert!(only(text).message.ends_with("is `4`; at most 3 is allowed"));
}

#[test]
fn bad_secret_and_unresolved_secret() {
    points_at("[connection.c]\nurl = \"log:${env:NO}\"\n", "unresolved-secret", 2, 12);
    points_at("[connection.c]\nurl = \"log:${file:no}\"\n", "unresolved-secret", 2, 12);
    points_at("[connection.c]\nurl = \"log:\"\nkey = \"${x:y}\"\n", "bad-secret", 3, 8);
    points_at("[connection.c]\nurl = \"log:\"\nkey = \"${env:TOKEN\"\n", "bad-secret", 3, 8);
}

#[test]
fn duplicate_uri() {
    points_at("[asset.again]\nuri = \"file:first.csv\"\n", "duplicate-uri", 1, 8);
}

#[test]
fn empty_dag() {
    points_at("[dag.d]\nowner = \"me\"\n", "empty-dag", 1, 6);
    points_at("[dag.d.task]\n", "empty-dag", 1, 6);
}

#[test]
fn invalid_id() {
    points_at("[dag.\"a b\".task.t]\noperator = \"empty\"\n", "invalid-id", 1, 6);
    points_at("[dag.d.task.\"a/b\"]\noperator = \"empty\"\n", "invalid-id", 1, 13);
    points_at("[pool.\"..\"]\nslots = 1\n", "invalid-id", 1, 7);
    let long = "x".repeat(251);
    points_at(&format!("[pool.{long}]\nslots = 1\n"), "invalid-id", 1, 7);
    points_at(&task("empty", "env = { \"A=B\" = \"c\" }"), "invalid-id", 3, 9);
}

#[test]
fn bad_uri() {
    for uri in ["first", "file:", "lake:", "models:/iris", "models:iris@x", "file:a*/b.csv"] {
        points_at(&format!("[asset.x]\nuri = \"{uri}\"\n"), "bad-uri", 2, 7);
    }
    let set = |uri: &str| {
        format!("[dataset.x]\nuri = \"{uri}\"\ntask = \"regression\"\ntarget = \"y\"\n")
    };
    for uri in ["models:/iris@x", "s3://bucket/key", "db:", "db:a*", "db:a/"] {
        points_at(&set(uri), "bad-uri", 2, 7);
    }
    assert!(load_more(&set("db:t")).is_ok());
    points_at(&task("csv.extract", "source = \"x.csv\""), "bad-uri", 3, 10);
    assert!(load_more("[asset.x]\nuri = \"s3://bucket/key\"\n").is_ok());
}

#[test]
fn bad_url() {
    for url in ["gopher://x", "sqlite:", "https:x", "x"] {
        points_at(&format!("[connection.c]\nurl = \"{url}\"\n"), "bad-url", 2, 7);
    }
}

#[test]
fn bad_watch() {
    points_at("[asset.x]\nuri = \"db:t\"\nwatch = true\n", "bad-watch", 3, 1);
    points_at("[asset.x]\nuri = \"models:/a@b\"\nwatch = true\n", "bad-watch", 3, 1);
}

#[test]
fn bad_callable_and_no_file() {
    points_at(&task("python", "callable = \"ok.py\""), "bad-callable", 3, 12);
    points_at(&task("python", "callable = \"ok.py:f()\""), "bad-callable", 3, 12);
    points_at(&task("python", "callable = \"no.py:f\""), "no-file", 3, 13);
    assert!(load_more(&task("python", "callable = \"ok.py:f\"")).is_ok());
}

#[test]
fn bad_condition() {
    let gate = "run = \"r\"\nrequire = { accuracy = \"0.8\" }\nthen = \"u\"\n\
                [dag.d.task.u]\noperator = \"empty\"";
    points_at(&task("ml.gate", gate), "bad-condition", 4, 24);
    let deploy = "model = \"m\"\nstrategy = { rollback_if = { p99_ms = \"> x\" } }";
    points_at(&task("serving.deploy", deploy), "bad-condition", 4, 39);
    let monitor = "fail_if = { drift = \"much\" }";
    points_at(&task("serving.monitor", monitor), "bad-condition", 3, 21);
}

#[test]
fn plain_secret() {
    points_at("[serving]\napi_keys = { web = \"0123456789abcdef\" }\n", "plain-secret", 2, 20);
}

#[test]
fn bad_value() {
    points_at(&task("empty", "retries = -1"), "bad-value", 3, 11);
    points_at("[pool.p]\nslots = 0\n", "bad-value", 2, 9);
    points_at("[dag.base]\nmax_consecutive_failed_dag_runs = 101\n", "bad-value", 2, 35);
    points_at("[serving]\nlisten = \"3000\"\n", "bad-value", 2, 10);
    points_at("[serving]\ncors_origins = [\"example.org/x\"]\n", "bad-value", 2, 17);
    points_at("[serving]\nmax_in_flight = 0\n", "bad-value", 2, 17);
    points_at("[serving.traffic.a]\nsticky = \"cookie:x\"\n", "bad-value", 2, 10);
    points_at("[serving.traffic.a]\nshadow = 0\n", "bad-value", 2, 10);
    points_at("[serving.traffic.a]\nshadow = 2\nshadow_percent = 101\n", "bad-value", 3, 18);
    points_at("[serving.log]\nsample = 1.5\n", "bad-value", 2, 10);
    points_at("[serving.log]\nmax_bytes = 100\n", "bad-value", 2, 13);
    points_at("[serving]\nreplicas = 0\n", "bad-value", 2, 12);
    points_at("[serving]\nreplicas = 65\n", "bad-value", 2, 12);
    points_at("[connection.c]\nurl = \"\"\n", "bad-value", 2, 7);
    let set = "[dataset.x]\nuri = \"file:x\"\ntask = \"regresion\"\ntarget = \"y\"\n";
    points_at(set, "bad-value", 3, 8);
    let deploy = "model = \"m\"\nstrategy = { canary = [50, 10] }";
    points_at(&task("serving.deploy", deploy), "bad-value", 4, 23);
    let gate = "run = \"r\"\nrequire = {}\nthen = \"{{ ds }}\"";
    points_at(&task("ml.gate", gate), "bad-value", 5, 8);
    points_at(
        &task("csv.extract", "source = \"file:x\"\non_bad_row = \"skip\""),
        "bad-value",
        4,
        14,
    );
}

#[test]
fn bad_include() {
    let found = |text: &str| load_text(text).unwrap_err().remove(0).code;
    assert_eq!(found("include = [\"none.toml\"]"), "bad-include");
    assert_eq!(found("include = [\"*/x.toml\"]"), "bad-include");
    assert_eq!(found("include = \"x.toml\""), "wrong-type");
    assert_eq!(found("include = [1]"), "wrong-type");
}

#[test]
fn bad_size() {
    let retention = |line: &str| format!("[deck.retention]\n{line}\n");
    points_at(&retention("store_max_size = \"5 parsecs\""), "bad-size", 2, 18);
    points_at(&retention("artifacts_max_size = -1"), "bad-size", 2, 22);
    points_at(&retention("runs_max_age = \"soon\""), "bad-duration", 2, 16);
    points_at(&retention("runs_max_count = 0"), "bad-value", 2, 18);
    points_at(&retention("run_max_age = \"1d\""), "unknown-key", 2, 1);
    let own = "[dag.base.retention]\nartifacts_max_age = \"1d\"\n";
    points_at(own, "unknown-key", 2, 1);
    points_at("[dag.base]\nretention = \"1d\"\n", "wrong-type", 2, 13);
}

#[test]
fn types_and_split_of_a_data_set() {
    let set = "[dataset.x]\nuri = \"file:x\"\ntask = \"regression\"\ntarget = \"y\"\n";
    let with = |line: &str| format!("{set}{line}\n");
    let right = [
        "types = { a = \"number\", b = \"date\", c = \"text\", d = \"category\", e = \"boolean\" }",
        "split = { by = \"stratified\" }",
        "split = { by = \"time\", column = \"at\" }",
        "split = { by = \"group\", column = \"who\" }",
    ];
    for line in right {
        assert!(load_more(&with(line)).is_ok(), "{line}");
    }
    let wrong = [
        ("types = { a = \"nummer\" }", "bad-value"),
        ("types = { a = 3 }", "wrong-type"),
        ("types = { y = \"number\" }", "bad-value"),
        ("split = { by = \"luck\" }", "bad-value"),
        ("split = { by = \"time\" }", "missing-key"),
        ("split = { by = \"time\", column = \"y\" }", "bad-value"),
        ("split = { by = \"stratified\", column = \"at\" }", "unknown-key"),
        ("split = { column = \"at\" }", "missing-key"),
    ];
    for (line, code) in wrong {
        assert_eq!(places(&with(line))[0].0, code, "{line}");
    }
}
