//! `datasets list|show` and `estimators`: data sets wherever they lie, and what is wrong said.

use std::fs;

use serde_json::Value;

use crate::support::postgres::Postgres;
use crate::support::{Project, peer};

/// A data set in a database, and one in a lake.
fn elsewhere(url: &str) -> Project {
    Project::with(&format!(
        "[deck]\nname = \"t\"\n\n\
         [connection.warehouse]\nurl = \"{url}\"\n\n\
         [connection.lake]\nurl = \"file:lake\"\n\n\
         [dataset.sizes]\nuri = \"warehouse:sizes\"\ntask = \"classification\"\n\
         target = \"kind\"\nignore = [\"id\"]\n\n\
         [dataset.leaves]\nuri = \"lake:in/leaves.csv\"\ntask = \"regression\"\n\
         target = \"length\"\n\n\
         [dataset.gone]\nuri = \"warehouse:gone\"\ntask = \"classification\"\ntarget = \"x\"\n\n\
         [dag.d.task.t]\noperator = \"command\"\ncommand = \"true\"\n"
    ))
}

const TABLE: &str =
    "create table sizes (id integer, size double precision, colour text, kind text);
    insert into sizes values (1, 0.5, 'red', 'a'), (2, null, 'red', 'b'), (3, 1.5, 'blue', 'a'),
        (4, 2.5, null, 'b'), (5, 3.5, 'red', 'a'), (6, 4.5, 'green', 'b'), (7, 5.5, 'red', 'a'),
        (8, 6.5, 'red', 'b'), (9, 7.5, 'blue', 'a'), (10, 8.5, 'red', 'b'), (11, 9.5, 'red', 'a'),
        (12, 9.5, 'red', 'b');";

fn column<'a>(report: &'a Value, name: &str) -> &'a Value {
    let columns = report["columns"].as_array().unwrap();
    columns.iter().find(|column| column["name"] == name).unwrap_or_else(|| panic!("{report}"))
}

/// What `datasets show` says of the table, whichever database it lies in.
fn check_sizes(project: &Project) {
    let report = project.json(&["datasets", "show", "sizes"]);
    assert_eq!((&report["rows"], &report["target"]), (&12.into(), &"kind".into()));
    assert_eq!(report["classes"], serde_json::json!({"a": 6, "b": 6}));
    let size = column(&report, "size");
    assert_eq!((&size["kind"], &size["missing"]), (&"number".into(), &1.into()), "{size}");
    let colour = column(&report, "colour");
    assert_eq!(colour["categories"], serde_json::json!({"red": 8, "blue": 2, "green": 1}));
    let table = project.run(&["datasets", "show", "sizes"]).ok().stdout;
    assert!(table.contains("red 8, blue 2, green 1"), "{table}");
    let ran = project.run(&["datasets", "show", "gone"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("warehouse:gone"), "{}", ran.stderr);
    let left = fs::read_dir(project.path(".dagdeck")).into_iter().flatten().flatten();
    let left: Vec<String> = left.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert!(left.iter().all(|name| !name.starts_with("look")), "{left:?}");
}

#[test]
fn a_table_of_a_database_and_an_object_of_a_lake_are_looked_at_as_files_are() {
    let project = elsewhere("sqlite:w.db");
    rusqlite::Connection::open(project.path("w.db")).unwrap().execute_batch(TABLE).unwrap();
    check_sizes(&project);
    let leaves: String = (0..12).map(|n| format!("{n}.5,2026-01-{:02}\n", n + 1)).collect();
    project.write("lake/in/leaves.csv", format!("length,day\n{leaves}"));
    let report = project.json(&["datasets", "show", "leaves"]);
    assert_eq!(report["rows"], 12);
    assert_eq!(report["target_range"], serde_json::json!([0.5, 11.5, 6.0]));
    assert_eq!(column(&report, "day")["kind"], "date");
    fs::remove_file(project.path("lake/in/leaves.csv")).unwrap();
    let ran = project.run(&["datasets", "show", "leaves"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("lake:in/leaves.csv"), "{}", ran.stderr);
}

#[test]
fn a_table_of_postgresql_is_looked_at() {
    let test = "a_table_of_postgresql_is_looked_at";
    let Some(initdb) = peer("DAGDECK_TEST_POSTGRES", test) else { return };
    let server = Postgres::shared(&initdb);
    let url = server.database();
    server.rows(&url, TABLE);
    check_sizes(&elsewhere(&url));
    // A server that is not there is told by its connection's name, and without the password.
    let project = elsewhere("postgres://ada:hushhush@127.0.0.1:1/none");
    let ran = project.run(&["datasets", "show", "sizes"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("warehouse") && !ran.stderr.contains("hushhush"), "{}", ran.stderr);
}

#[test]
fn data_sets_are_listed_and_shown_without_a_daemon() {
    let project = Project::sample();
    let listed = project.json(&["datasets", "list"]);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["iris", "titanic", "housing"]);
    let table = project.run(&["datasets", "list"]).ok().stdout;
    assert!(table.contains("file:data/iris.csv") && table.contains("species"), "{table}");
    let iris = project.json(&["datasets", "show", "iris"]);
    assert_eq!((&iris["rows"], &iris["target"]), (&150.into(), &"species".into()));
    assert_eq!(column(&iris, "petal_length")["distinct"], 43);
    let titanic = project.json(&["datasets", "show", "titanic"]);
    assert!(column(&titanic, "sex")["categories"]["male"].as_u64() > Some(1000), "{titanic}");
    let ran = project.run(&["datasets", "show", "irsi"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("`irsi`") && ran.stderr.contains("titanic"), "{}", ran.stderr);
    project.write("data/iris.csv", "sepal_length,species\n5.1,setosa\n,\n");
    let ran = project.run(&["datasets", "show", "iris"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("iris"), "{}", ran.stderr);
    fs::remove_file(project.path("data/iris.csv")).unwrap();
    let ran = project.run(&["datasets", "show", "iris"]);
    assert!(ran.code == 2 && ran.stderr.contains("data/iris.csv"), "{}", ran.stderr);
    project.write("dags.toml", "[dag");
    let ran = project.run(&["datasets", "list"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("dagdeck check"), "{}", ran.stderr);
}

#[test]
fn estimators_are_listed_with_their_hyperparameters() {
    let project = Project::sample();
    let all = project.json(&["estimators"]);
    let all = all.as_array().unwrap();
    let one = all.iter().find(|one| one["name"] == "random_forest").unwrap();
    assert!(one["hyperparameters"].as_array().unwrap().len() > 3, "{one}");
    let table = project.run(&["estimators"]).ok().stdout;
    for one in all {
        let name = one["name"].as_str().unwrap();
        assert!(table.contains(name), "{name}: {table}");
        let table = project.run(&["estimators", name]).ok().stdout;
        for setting in one["hyperparameters"].as_array().unwrap() {
            assert!(table.contains(setting["name"].as_str().unwrap()), "{name}: {table}");
        }
    }
    let ran = project.run(&["estimators", "forrest"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("random_forest"), "{}", ran.stderr);
}
