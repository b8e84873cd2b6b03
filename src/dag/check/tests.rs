//! Stories of the check, on real files.

use std::fs;

use super::*;
use crate::Diagnostic;
use crate::types::settings::Settings;

mod asset;
mod codes;
mod flow;
mod inherit;
mod kept;
mod lake;
mod limits;
mod openlineage;
mod react;
mod retention;
mod sample;
mod slurm;
mod source_text;
mod tracking;
mod wait;
mod watching;

/// A deck that is right, for a test to add its mistake to.
const GROUND: &str = r#"
[connection.db]
url = "sqlite:db"
[connection.lake]
url = "file:lake"
[connection.ops]
url = "log:"
[pool.small]
slots = 2
[variable]
region = "north"
[asset.first]
uri = "file:first.csv"
[dataset.iris]
uri = "file:iris.csv"
task = "classification"
target = "species"
[dag.base.task.start]
operator = "empty"
"#;

fn environment(name: &str) -> Option<String> {
    (name == "TOKEN").then(|| "tiger".to_owned())
}

/// Loads `text` as the `dags.toml` of a project that has a file `ok.py`.
fn load_text(text: &str) -> Result<Deck, Vec<Diagnostic>> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dags.toml"), text).unwrap();
    fs::write(folder.path().join("ok.py"), "").unwrap();
    load(folder.path(), &environment, &Settings::default()).map_err(|found| found.0)
}

/// Loads the ground with something after it.
fn load_more(text: &str) -> Result<Deck, Vec<Diagnostic>> {
    load_text(&format!("{GROUND}{text}"))
}

/// Returns the diagnostics of the ground with something after it, as (code, line after the
/// ground, column).
fn places(text: &str) -> Vec<(&'static str, usize, usize)> {
    let ground = GROUND.lines().count();
    load_more(text)
        .unwrap_err()
        .iter()
        .map(|found| (found.code, found.line.saturating_sub(ground), found.column))
        .collect()
}

/// Returns the only diagnostic.
fn only(text: &str) -> Diagnostic {
    let mut found = load_more(text).unwrap_err();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn several_errors_come_in_one_report_in_the_order_of_the_file() {
    let text = r#"
[dag.a]
retires = 1
schedule = "0 25 * * *"
[dag.a.task.one]
operator = "comand"
[dag.a.task.two]
operator = "command"
command = "echo {{ params.day }} {{ output.thre }}"
depends_on = ["one", "four"]
pool = "smal"
retries = "3"
[asset.second]
uri = "lak:x"
"#;
    let found: Vec<(&str, usize)> =
        places(text).iter().map(|(code, line, _)| (*code, *line)).collect();
    assert_eq!(
        found,
        [
            ("unknown-key", 3),
            ("bad-cron", 4),
            ("unknown-operator", 6),
            ("unknown-param", 9),
            ("unknown-task", 9),
            ("unknown-task", 10),
            ("unknown-pool", 11),
            ("wrong-type", 12),
            ("unknown-connection", 14),
        ]
    );
}

#[test]
fn a_diagnostic_has_its_place_its_help_and_a_drawing() {
    let text = "[deck]\nname = \"x\"\ntimezon = \"UTC\"\n";
    let found = load_text(text).unwrap_err().remove(0);
    assert_eq!((found.code, found.file.as_str()), ("unknown-key", "dags.toml"));
    assert_eq!((found.line, found.column), (3, 1));
    assert_eq!(found.message, "the deck has no key `timezon`");
    // The list of keys grows.
    let (drawing, keys) = found.drawing.split_once(" keys here: ").unwrap();
    assert!(keys.starts_with("`name`, `timezone`, "), "{keys}");
    assert_eq!(
        drawing,
        "\
error[unknown-key]: the deck has no key `timezon`
 --> dags.toml:3:1
  |
3 | timezon = \"UTC\"
  | ^^^^^^^
  |
  = help: did you mean `timezone`?"
    );
    assert_eq!(Diagnostics(vec![found.clone()]).to_string(), format!("{}\n", found.drawing));
}

#[test]
fn the_keys_of_the_operator_are_listed_first() {
    let text = "[deck]\nname = \"x\"\n[dag.d.task.t]\noperator = \"command\"\ncommand = \"true\"\n\
                zzz = 1\n";
    let found = load_text(text).unwrap_err().remove(0);
    assert!(found.drawing.contains("keys here: `command`, "), "{}", found.drawing);
}

#[test]
fn a_missing_file_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let found = load(folder.path(), &environment, &Settings::default()).unwrap_err().0;
    assert_eq!((found[0].code, found[0].line), ("no-dags-toml", 0));
    assert!(found[0].help.as_ref().unwrap().contains("--project DIR"));
    assert!(found[0].drawing.starts_with("error[no-dags-toml]"), "{}", found[0].drawing);
}

#[test]
fn a_file_that_cannot_be_read_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dags.toml")).unwrap();
    assert_eq!(
        load(folder.path(), &environment, &Settings::default()).unwrap_err().0[0].code,
        "unreadable"
    );
}

#[test]
fn bytes_that_are_no_text_are_reported_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dags.toml"), b"[deck]\nname = \"M\xfcnchen\"\n").unwrap();
    let found = load(folder.path(), &environment, &Settings::default()).unwrap_err().0.remove(0);
    assert_eq!(found.code, "not-utf8");
    assert!(found.message.contains("line 2"), "{}", found.message);
}

#[test]
fn included_files_are_read_in_order_and_errors_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("dags")).unwrap();
    write("dags.toml", "include = [\"dags/*.toml\"]\n[pool.p]\nslots = 1\n");
    write("dags/b.toml", "[dag.b.task.t]\noperator = \"empty\"\npool = \"p\"\n");
    write("dags/a.toml", "[dag.a.task.t]\noperator = \"empty\"\n");
    write("dags/.c.toml", "no toml");
    let deck = load(folder.path(), &environment, &Settings::default()).unwrap();
    assert_eq!(deck.dags.keys().map(crate::types::DagId::as_str).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(deck.sources.len(), 3);
    assert!(deck.dags["b"].fileloc.ends_with("dags/b.toml"));

    write("dags/a.toml", "[deck]\nname = \"x\"\n[dag.b.task.t]\noperator = \"empty\"\n");
    let found = load(folder.path(), &environment, &Settings::default()).unwrap_err().0;
    let found: Vec<_> = found.iter().map(|d| (d.code, d.file.as_str(), d.line)).collect();
    assert_eq!(found, [("unknown-key", "dags/a.toml", 1), ("duplicate-id", "dags/b.toml", 1)]);

    write("dags/a.toml", "[dag.b\n");
    let found = load(folder.path(), &environment, &Settings::default()).unwrap_err().0;
    assert!(found.iter().all(|d| d.code == "syntax" && d.file == "dags/a.toml"), "{found:?}");
}

#[test]
fn secrets_are_resolved_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "lion\n").unwrap();
    let text = "[connection.hook]\nurl = \"https://example.com/${env:TOKEN}\"\n\
                key = \"${file:key}\"\n[dag.d.task.t]\noperator = \"empty\"\n";
    fs::write(folder.path().join("dags.toml"), text).unwrap();
    let deck = load(folder.path(), &environment, &Settings::default()).unwrap();
    let hook = &deck.connections["hook"];
    assert_eq!(hook.url.reveal(), "https://example.com/tiger");
    assert_eq!(hook.options["key"].reveal(), "lion");
    assert!(!format!("{deck:?}").contains("tiger"));

    let refused = load_more("[connection.x]\nurl = \"${env:TOKEN}\"\n").unwrap_err().remove(0);
    assert_eq!(refused.code, "bad-url");
    assert!(!format!("{refused:?}").contains("tiger"));
}

#[test]
fn a_schedule_means_what_airflow_means_by_it() {
    let with_deck = |deck: &str, schedule: &str| {
        let text = format!(
            "[deck]\ntimezone = \"Europe/Berlin\"\n{deck}\n[asset.a]\nuri = \"file:a\"\n\
             [dag.d]\nschedule = {schedule}\n[dag.d.task.t]\noperator = \"empty\"\n"
        );
        let deck = load_text(&text).unwrap_or_else(|found| panic!("{found:#?}"));
        serde_json::to_value(&deck.dags["d"].schedule).unwrap()
    };
    let of = |schedule: &str| with_deck("", schedule);
    let cron = |text: &str| serde_json::json!({"cron": text, "timezone": "Europe/Berlin"});
    let time = |timetable: serde_json::Value| serde_json::json!({ "time": timetable });
    let trigger = |text: &str| time(serde_json::json!({"cron_trigger": [cron(text)]}));
    let interval = |text: &str| time(serde_json::json!({"cron_data_interval": cron(text)}));
    let half_hour = serde_json::json!({"secs": 1800, "nanos": 0});
    let every = |kind: &str| time(serde_json::json!({ kind: half_hour }));

    // Airflow's defaults: a run at each firing, without an interval.
    assert_eq!(of("\"0 2 * * *\""), trigger("0 2 * * *"));
    assert_eq!(of("\"@quarterly\""), trigger("@quarterly"));
    assert_eq!(of("\"30m\""), every("delta_trigger"));
    assert_eq!(of("{ every = \"30m\" }"), every("delta_trigger"));
    assert_eq!(of("\"@once\""), time("once".into()));
    // The other meaning, for one schedule or for all.
    assert_eq!(of("{ cron = \"@daily\", data_interval = true }"), interval("@daily"));
    assert_eq!(of("{ every = \"30m\", data_interval = true }"), every("delta_data_interval"));
    let both = "create_cron_data_intervals = true\ncreate_delta_data_intervals = true";
    assert_eq!(with_deck(both, "\"@daily\""), interval("@daily"));
    assert_eq!(with_deck(both, "\"30m\""), every("delta_data_interval"));
    assert_eq!(with_deck(both, "{ cron = \"@daily\", data_interval = false }"), trigger("@daily"));
    let many = time(serde_json::json!({"cron_trigger": [cron("@daily"), cron("0 6 * * 1")]}));
    assert_eq!(with_deck(both, "[\"@daily\", \"0 6 * * 1\"]"), many);
    assert_eq!(of("{ cron = [\"@daily\", \"0 6 * * 1\"] }"), many);
    let asset = serde_json::json!({"asset": {"name": "a"}});
    assert_eq!(
        of("{ cron = \"@daily\", assets = \"a\" }"),
        serde_json::json!({"time_or_assets": [{"cron_trigger": [cron("@daily")]}, asset]})
    );
}

#[test]
fn the_deck_says_after_how_many_failed_runs_a_dag_is_paused() {
    let of = |deck: &str, dag: &str| {
        let task = "[dag.d.task.t]\noperator = \"empty\"\n";
        let text = format!("[deck]\n{deck}\n[dag.d]\n{dag}\n{task}");
        load_text(&text).unwrap().dags["d"].max_consecutive_failed_dag_runs
    };
    let three = "max_consecutive_failed_dag_runs_per_dag = 3";
    assert_eq!(of("", ""), 0);
    assert_eq!(of(three, ""), 3);
    assert_eq!(of(three, "max_consecutive_failed_dag_runs = 0"), 0);
}
