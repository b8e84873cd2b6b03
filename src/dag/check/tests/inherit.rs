//! What a right file gives: defaults, inheritance, dates, versions.

use super::*;

#[test]
fn what_nobody_says_is_as_in_airflow() {
    let deck = load_text("[dag.d.task.t]\noperator = \"empty\"\n").unwrap();
    let dag = &deck.dags["d"];
    assert_eq!((dag.max_active_runs, dag.max_active_tasks, dag.catchup), (16, 16, false));
    assert!(!dag.is_paused_upon_creation);
    assert_eq!(dag.schedule.summary(), "manual");
    let task = &dag.tasks["t"];
    assert_eq!((task.retries, task.retry_delay.as_secs()), (0, 300));
    assert_eq!((task.pool.as_str(), task.pool_slots, task.priority_weight), ("default_pool", 1, 1));
    assert_eq!((dag.line, task.line), (1, 1));
    assert_eq!(deck.pools["default_pool"], 128);
    assert_eq!((deck.max_active_tasks, deck.serving.listen.as_str()), (16, "127.0.0.1:3000"));
    assert_eq!(deck.serving.max_body_bytes, 16 << 20);
}

#[test]
fn a_task_overrides_its_dag_and_the_dag_overrides_the_deck() {
    let text = r#"
[deck.default_args]
retries = 1
pool_slots = 2
env = { A = "deck", B = "deck", C = "deck" }
[dag.d.default_args]
retries = 2
retry_delay = 1.5
env = { B = "dag", C = "dag" }
[dag.d.task.t]
operator = "empty"
retries = 3
env = { C = "task" }
"#;
    let deck = load_text(text).unwrap();
    let task = &deck.dags["d"].tasks["t"];
    assert_eq!((task.retries, task.pool_slots, task.retry_delay.as_millis()), (3, 2, 1_500));
    let env: Vec<_> = task.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(env, [("A", "deck"), ("B", "dag"), ("C", "task")]);
}

#[test]
fn dates_without_an_offset_are_meant_in_the_zone_of_the_dag() {
    let start = |date: &str| {
        let text = format!(
            "[deck]\ntimezone = \"UTC\"\n[dag.d]\ntimezone = \"Europe/Berlin\"\n\
             start_date = {date}\n[dag.d.task.t]\noperator = \"empty\"\n"
        );
        load_text(&text).unwrap().dags["d"].start_date.unwrap().to_string()
    };
    assert_eq!(start("2026-07-01"), "2026-06-30T22:00:00Z");
    assert_eq!(start("2026-01-01T06:30:00"), "2026-01-01T05:30:00Z");
    assert_eq!(start("2026-01-01T06:30:00Z"), "2026-01-01T06:30:00Z");
    assert_eq!(start("2026-01-01T06:30:00-02:00"), "2026-01-01T08:30:00Z");
    assert_eq!(start("\"2026-07-01\""), "2026-06-30T22:00:00Z");
}

#[test]
fn a_version_changes_with_the_definition_and_not_with_comments() {
    let version = |text: &str| load_text(text).unwrap().dags["d"].version.clone();
    let first = version("[dag.d.task.t]\noperator = \"command\"\ncommand = \"a\"\n");
    let same = version("# more\n\n[dag.d.task.t]\noperator='command' # x\ncommand = 'a'\n");
    let other = version("[dag.d.task.t]\noperator = \"command\"\ncommand = \"b\"\n");
    assert_eq!(first, same);
    assert_ne!(first, other);
    assert!(first.len() == 12 && first.chars().all(|c| c.is_ascii_hexdigit()), "{first}");
}

#[test]
fn literal_choices_of_a_branch_wait_for_it() {
    let text = r#"
[dag.d.task.pick]
operator = "branch"
choose = ["left"]
[dag.d.task.left]
operator = "empty"
[dag.d.task.right]
operator = "command"
command = "echo"
env = { CHOSEN = "{{ output.pick }}" }
"#;
    let deck = load_text(text).unwrap();
    let upstream = |task: &str| deck.dags["d"].tasks[task].upstream.clone();
    assert_eq!(upstream("left"), ["pick".into()]);
    assert_eq!(upstream("right"), ["pick".into()]);
}

#[test]
fn a_task_whose_id_holds_a_dash_is_named_in_brackets() {
    let text = "[dag.d.task.a-b]\noperator = \"empty\"\n[dag.d.task.c]\noperator = \"command\"\n\
                command = \"echo {{ output['a-b'].x }}\"\n";
    assert_eq!(load_text(text).unwrap().dags["d"].tasks["c"].upstream, ["a-b".into()]);
}

#[test]
fn a_table_may_say_the_cron_expression() {
    let text =
        "[dag.d]\nschedule = { cron = \"0 2 * * *\" }\n[dag.d.task.t]\noperator = \"empty\"\n";
    assert_eq!(load_text(text).unwrap().dags["d"].schedule.summary(), "0 2 * * *");
}

#[test]
fn an_inherited_environment_makes_dependencies_too() {
    let text = "[dag.d.default_args]\nenv = { N = \"{{ output.a.n }}\" }\n\
                [dag.d.task.a]\noperator = \"empty\"\nenv = { N = \"0\" }\n\
                [dag.d.task.b]\noperator = \"empty\"\n";
    assert_eq!(load_text(text).unwrap().dags["d"].tasks["b"].upstream, ["a".into()]);
}
