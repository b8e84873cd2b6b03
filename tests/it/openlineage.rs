//! OpenLineage through the real binary: what a deck tells is what OpenLineage publishes, nothing of
//! it is lost, and what OpenLineage's own client tells is taken in.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Project, http, peer, until};

/// A pipeline that reads a file, makes a table of it, checks it and loads it.
const ETL: &str = r#"
[connection.warehouse]
url = "sqlite:warehouse.db"
[asset.raw]
uri = "file:raw.csv"
[asset.people]
uri = "warehouse:people"
[dag.etl]
owner = "ada"
description = "Loads people."
[dag.etl.task.extract]
operator = "csv.extract"
source = "file:raw.csv"
table = "raw"
inlets = ["raw"]
[dag.etl.task.transform]
operator = "table.transform"
table = "people"
query = "select id, name from raw"
depends_on = ["extract"]
[dag.etl.task.check]
operator = "table.check"
table = "people"
expect = ["count(*) = 2"]
depends_on = ["transform"]
[dag.etl.task.load]
operator = "sql.load"
source = "people"
connection = "warehouse"
table = "people"
outlets = ["people"]
depends_on = ["check"]
[dag.etl.task.break]
operator = "command"
command = "exit 3"
depends_on = ["load"]
"#;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A deck that is told by others.
fn listener(port: u16, more: &str) -> Project {
    Project::with(&format!("[api]\nlisten = \"127.0.0.1:{port}\"\n{more}"))
}

fn token(project: &Project) -> String {
    fs::read_to_string(project.path(".dagdeck/token")).unwrap().trim().to_owned()
}

/// Waits until a deck has been told of so many events, and returns them in the order in which
/// they came.
fn told(project: &Project, count: usize) -> Vec<Value> {
    let database = project.path(".dagdeck/dagdeck.db");
    let read = || {
        let conn = rusqlite::Connection::open(&database).ok()?;
        let mut query = conn.prepare("SELECT event FROM openlineage_event ORDER BY id").ok()?;
        let rows = query.query_map([], |row| row.get::<_, String>(0)).ok()?;
        let events: Vec<Value> =
            rows.map(|text| serde_json::from_str(&text.unwrap()).unwrap()).collect();
        (events.len() >= count).then_some(events)
    };
    until(read).unwrap_or_else(|| panic!("{count} events: {}", project.run(&["status"]).stdout))
}

fn kinds(events: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    events
        .iter()
        .map(|e| format!("{} {}", word(&e["eventType"]), word(&e["job"]["name"])))
        .collect()
}

#[test]
fn what_a_deck_tells_is_what_openlineage_publishes() {
    let test = "what_a_deck_tells_is_what_openlineage_publishes";
    let Some(python) = peer("DAGDECK_TEST_PYTHON", test) else { return };
    let mut project = Project::with(&format!("{ETL}\n[openlineage]\nfile = \"told.jsonl\"\n"));
    project.keep_if_it_fails();
    project.write("raw.csv", "id,name\n1,Ada\n2,Grace\n");
    project.up();
    project.run(&["run", "etl"]);
    project.wait_for_runs("etl", 1);
    let path = project.path("told.jsonl");
    let lines = || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        (text.lines().count() >= 12).then_some(text)
    };
    let text = until(lines).expect("six starts and six ends");
    let events: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let kinds = kinds(&events);
    assert_eq!((&*kinds[0], &*kinds[11]), ("START etl", "FAIL etl"), "{kinds:#?}");
    assert!(kinds.contains(&"FAIL etl.break".to_owned()), "{kinds:#?}");
    let load =
        events.iter().find(|e| e["eventType"] == "COMPLETE" && e["job"]["name"] == "etl.load");
    let written = &load.unwrap()["outputs"][0];
    assert_eq!(written["namespace"], format!("sqlite:{}", project.path("warehouse.db").display()));
    assert_eq!(
        (&written["name"], &written["outputFacets"]["outputStatistics"]["rowCount"]),
        (&json!("people"), &json!(2))
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openlineage/validate.py");
    let output = Command::new(python).arg(script).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for facet in [
        "ParentRunFacet",
        "ProcessingEngineRunFacet",
        "ErrorMessageRunFacet",
        "TagsRunFacet",
        "NominalTimeRunFacet",
        "JobTypeJobFacet",
        "DocumentationJobFacet",
        "OwnershipJobFacet",
        "SchemaDatasetFacet",
        "OutputStatisticsOutputDatasetFacet",
        "ColumnLineageDatasetFacet",
        "DataQualityAssertionsDatasetFacet",
    ] {
        assert!(said.contains(facet), "{facet} was not seen: {said}");
    }
    assert!(said.starts_with("12 "), "{said}");
    project.down();
}

#[test]
fn nothing_is_lost_while_nobody_listens_and_the_daemon_dies() {
    let port = free_port();
    let mut deck = Project::with(&format!(
        "{ETL}\n[openlineage]\nurl = \"http://127.0.0.1:{port}\"\n\
         api_key = \"${{file:key}}\"\nnamespace = \"plant\"\n"
    ));
    deck.keep_if_it_fails();
    deck.write("raw.csv", "id,name\n1,Ada\n2,Grace\n");
    deck.write("key", "not yet known");
    deck.up();
    deck.run(&["run", "etl"]);
    deck.wait_for_runs("etl", 1);
    let told_why = || {
        let status = deck.json(&["status"]);
        let problems = status["problems"].to_string();
        (status["openlineage"]["waiting"] == 12 && problems.contains("is not told")).then_some(())
    };
    told_why().or_else(|| until(told_why)).expect("the status says why nobody is told");
    deck.kill_daemon();

    let mut other = listener(port, "");
    other.keep_if_it_fails();
    other.up();
    deck.write("key", token(&other));
    deck.up();
    let events = told(&other, 12);
    let kinds = kinds(&events);
    assert_eq!(kinds.len(), 12, "{kinds:#?}");
    assert_eq!((&*kinds[0], &*kinds[11]), ("START etl", "FAIL etl"), "{kinds:#?}");
    assert!(events.iter().all(|event| event["job"]["namespace"] == "plant"));
    let sent = || {
        let status = deck.json(&["status"]);
        (status["openlineage"]["waiting"] == 0).then(|| status["problems"].clone())
    };
    assert_eq!(until(sent), Some(json!([])));
    other.down();
    deck.down();
}

#[test]
fn what_openlineages_own_client_tells_is_taken_in() {
    let test = "what_openlineages_own_client_tells_is_taken_in";
    let Some(python) = peer("DAGDECK_TEST_PYTHON", test) else { return };
    let port = free_port();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openlineage/send.py");
    let mut project = listener(
        port,
        &format!(
            "[asset.raw]\nuri = \"file:raw.csv\"\n[asset.report]\nuri = \"file:report.csv\"\n\
             [dag.reports.task.make]\noperator = \"command\"\ncommand = '''\n\
             export OPENLINEAGE_API_KEY=$(cat .dagdeck/token)\n\
             {} {} $PWD/raw.csv $PWD/report.csv'''\n\
             env = {{ OPENLINEAGE_URL = \"http://127.0.0.1:{port}\" }}\n",
            python.display(),
            script.display()
        ),
    );
    project.keep_if_it_fails();
    project.up();
    project.run(&["run", "reports"]).ok();
    let runs = project.wait_for_runs("reports", 1);
    assert_eq!(runs[0]["state"], "success", "{}", project.run(&["logs", "reports"]).stdout);
    let events = told(&project, 2);
    assert_eq!(kinds(&events), ["START monthly", "COMPLETE monthly"]);
    let parent = &events[0]["run"]["facets"]["parent"];
    assert_eq!(
        parent["job"],
        json!({"namespace": "default", "name": "reports.make", "facets": {}})
    );
    // What it made is seen from both ends: by way of the job, and of the task that started it.
    let tree = project.run(&["assets", "lineage", "report", "--up", "2"]).ok().stdout;
    for expected in ["raw", "monthly", "reports"] {
        assert!(tree.contains(expected), "{expected}: {tree}");
    }
    let graph = project.json(&["assets", "lineage", "raw", "--down", "2"]);
    let ids: Vec<&str> = graph["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["id"].as_str().unwrap())
        .collect();
    assert!(ids.iter().any(|id| id.contains("reports/monthly")), "{graph}");
    assert!(ids.iter().any(|id| id.contains("report") && id.starts_with("asset")), "{graph}");
    let refused = http(&format!("127.0.0.1:{port}"), "POST", "/api/v1/lineage", Some("{}"));
    assert_eq!(refused.status, 401);
    project.down();
}
