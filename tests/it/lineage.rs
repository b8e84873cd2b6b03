//! The lineage through the real binary: a file becomes a table, features, a model and an answer,
//! and the way is walked both ways, by links, by columns and run by run.

use serde_json::Value;

use crate::support::{Project, http, until};

const DAGS: &str = r#"
[deck]
name = "t"

[connection.warehouse]
url = "sqlite:data/warehouse.db"

[asset.raw]
uri = "file:data/raw.csv"

[asset.flowers]
uri = "warehouse:flowers"

[asset.features]
uri = "file:data/features.csv"

[dataset.iris]
uri = "file:data/features.csv"
task = "classification"
target = "species"

[dag.etl.task.extract]
operator = "csv.extract"
source = "file:data/raw.csv"
inlets = ["raw"]

[dag.etl.task.enrich]
operator = "table.transform"
input = "{{ output.extract.table }}"
sql = "select *, petal_length * petal_width as petal_area from input"

[dag.etl.task.load]
operator = "sql.load"
input = "{{ output.enrich.table }}"
connection = "warehouse"
table = "flowers"
mode = "replace"
outlets = ["flowers"]

[dag.features]
schedule = { assets = "flowers" }

[dag.features.task.select]
operator = "sql.extract"
connection = "warehouse"
sql = "select sepal_length, petal_length, petal_area, species from flowers"

[dag.features.task.write]
operator = "python"
callable = "flow.py:write"
depends_on = ["select"]
inlets = ["flowers"]
outlets = ["features"]

[dag.learn]
schedule = { assets = "features" }

[dag.learn.task.train]
operator = "ml.train"
dataset = "iris"
model = "logistic_regression"
folds = 2

[dag.learn.task.register]
operator = "model.register"
run = "{{ output.train.run_id }}"
name = "iris"

[dag.learn.task.promote]
operator = "model.promote"
name = "iris"
version = "{{ output.register.version }}"

[dag.serve]
schedule = { assets = "models:/*@production" }

[dag.serve.task.deploy]
operator = "serving.deploy"
model = "{{ triggering_asset_events[0].uri }}"

[serving]
listen = "127.0.0.1:0"
"#;

const FLOW: &str = r#"
import csv
import sqlite3


def write():
    rows = sqlite3.connect("data/warehouse.db").execute(
        "select sepal_length, petal_length, petal_area, species from flowers")
    with open("data/features.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sepal_length", "petal_length", "petal_area", "species"])
        out.writerows(rows)
"#;

/// Returns a step of a chain by its kind and a part of its name, with its place.
fn step<'a>(steps: &'a Value, kind: &str, name: &str) -> (usize, &'a Value) {
    let is_it = |step: &&Value| {
        step["kind"] == kind && step["name"].as_str().is_some_and(|found| found.contains(name))
    };
    let steps = steps.as_array().unwrap();
    let at = steps.iter().position(|step| is_it(&step));
    let at = at.unwrap_or_else(|| panic!("no {kind} `{name}` in {steps:#?}"));
    (at, &steps[at])
}

fn standing(lineage: &Value, from: &str, to: &str) -> String {
    let edges = lineage["edges"].as_array().unwrap();
    let edge = edges.iter().find(|edge| edge["from"] == from && edge["to"] == to);
    let edge = edge.unwrap_or_else(|| panic!("no {from} → {to} in {edges:#?}"));
    edge["standing"].as_str().unwrap().to_owned()
}

/// Runs everything until the endpoint answers.
fn flown() -> Project {
    let mut project = Project::with(DAGS);
    project.write("flow.py", FLOW);
    let iris = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/iris.csv")).unwrap();
    project.write("data/raw.csv", iris);
    project.up();
    project.run(&["run", "etl"]).ok();
    for dag_id in ["features", "learn", "serve"] {
        let runs = project.wait_for_runs(dag_id, 1);
        let failed = project.run(&["tasks", dag_id, runs[0]["dag_run_id"].as_str().unwrap()]);
        assert_eq!(runs[0]["state"], "success", "{dag_id}: {}", failed.stdout);
    }
    let answer = || {
        let reply = http(&project.serving(), "POST", "/predict", Some("[[5.1, 1.4, 0.28]]"));
        (reply.status == 200).then_some(())
    };
    until(answer).expect("the endpoint answers");
    project
}

#[test]
fn the_chain_from_a_file_to_an_answer_is_walked_both_ways() {
    let mut project = flown();

    // By links: what is declared and what was seen are one graph.
    let lineage = project.json(&["assets", "lineage", "raw"]);
    assert_eq!(lineage["focus"], "asset:raw");
    assert_eq!(standing(&lineage, "asset:raw", "dag:etl"), "both");
    assert_eq!(standing(&lineage, "dag:etl", "asset:flowers"), "both");
    assert_eq!(standing(&lineage, "asset:features", "dataset:iris"), "known");
    assert_eq!(standing(&lineage, "dataset:iris", "dag:learn"), "both");
    assert_eq!(standing(&lineage, "dag:learn", "version:iris/1"), "known");
    assert_eq!(standing(&lineage, "version:iris/1", "endpoint:iris"), "known");
    let few = project.json(&["assets", "lineage", "endpoint:iris", "--up", "1"]);
    assert!(few["nodes"].as_array().unwrap().len() < lineage["nodes"].as_array().unwrap().len());
    let tree = project.run(&["assets", "lineage", "raw.csv", "--down", "2"]).ok().stdout;
    assert!(tree.contains("dag etl"), "{tree}");
    for (format, begin) in [("mermaid", "flowchart LR"), ("dot", "digraph lineage {")] {
        let drawn = project.run(&["assets", "lineage", "--format", format]).ok().stdout;
        assert!(drawn.starts_with(begin), "{drawn}");
    }

    // Down from the file.
    let down = project.json(&["assets", "trace", "raw"]);
    let down = &down["downstream"];
    let places = [("run", "etl"), ("run", "features"), ("run", "learn"), ("version", "iris v1")]
        .map(|(kind, name)| step(down, kind, name).0);
    assert!(places.is_sorted(), "{places:?} of {down:#}");
    let (_, endpoint) = step(down, "endpoint", "iris");
    assert_eq!(endpoint["text"], "v1 answers 100 % of requests");

    // Up from the answer.
    let up = project.json(&["assets", "trace", "endpoint:iris"]);
    let up = &up["upstream"];
    let (_, version) = step(up, "version", "iris v1");
    assert!(version["text"].as_str().unwrap().contains("@production"), "{version}");
    let (_, dataset) = step(up, "dataset", "iris");
    let text = dataset["text"].as_str().unwrap();
    assert!(text.starts_with("150 rows, 4 columns, target species, digest "), "{text}");
    let (_, event) = step(up, "event", "features");
    assert_eq!(event["run"]["dag_id"], "features");
    for (kind, name) in [
        ("run", "learn"),
        ("run", "features"),
        ("event", "flowers"),
        ("run", "etl"),
        ("data", "raw"),
    ] {
        step(up, kind, name);
    }
    let told = project.run(&["assets", "trace", "models:/iris/1"]).ok().stdout;
    assert!(told.contains("made of") && told.contains("data set iris"), "{told}");
    assert!(told.contains("endpoint iris"), "{told}");

    // The version knows what it learnt from.
    let model = project.json(&["models", "show", "iris"]);
    let version = &model["versions"][0];
    assert_eq!(version["serves"], 100);
    let input = &version["inputs"][0];
    assert_eq!((&input["rows"], &input["target"]), (&150.into(), &"species".into()));
    assert_eq!(input["digest"].as_str().unwrap().len(), 64);
    assert_eq!(input["asset_events"][0]["name"], "features");
    let shown = project.run(&["models", "show", "iris"]).ok().stdout;
    assert!(shown.contains("LEARNT FROM") && shown.contains("100 %"), "{shown}");
    project.down();
}

#[test]
fn columns_are_followed_from_a_table_to_the_file_and_unknown_names_say_what_else() {
    let mut project = flown();
    let columns = project.json(&["assets", "lineage", "flowers", "--columns"]);
    let named = |name: &str| {
        let all = columns["columns"].as_array().unwrap();
        all.iter().find(|column| column["name"] == name).unwrap().clone()
    };
    let way = |column: &Value| -> Vec<String> {
        let steps = column["origins"].as_array().unwrap();
        let one = |step: &Value| {
            let computed = if step["computed"] == true { "ƒ" } else { "" };
            let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
            format!("{computed}{}.{}", text("dataset"), text("column"))
        };
        steps.iter().map(one).collect()
    };
    assert_eq!(
        way(&named("sepal_length")),
        ["etl.enrich.sepal_length", "etl.extract.sepal_length", "raw.sepal_length"]
    );
    assert_eq!(
        way(&named("petal_area")),
        [
            "etl.enrich.petal_area",
            "ƒetl.extract.petal_length",
            "raw.petal_length",
            "ƒetl.extract.petal_width",
            "raw.petal_width",
        ]
    );
    let one = project.run(&["assets", "lineage", "flowers.petal_area", "--columns"]).ok().stdout;
    assert!(one.contains("computed from etl.extract.petal_width"), "{one}");
    let endpoint = project.json(&["assets", "lineage", "endpoint:iris", "--columns"]);
    let first = &endpoint["columns"][0];
    let expected = ["iris v1.sepal_length", "iris.sepal_length", "features.sepal_length"];
    assert_eq!(way(first), expected, "an answer's column goes back to the file");
    let drawn = ["assets", "lineage", "flowers", "--columns", "--format", "mermaid"];
    assert!(project.run(&drawn).ok().stdout.contains("-.->"));

    for (args, words) in [
        (&["assets", "lineage", "flwers"][..], "did you mean `flowers`?"),
        (
            &["assets", "lineage", "iris"],
            "say which: `dataset:iris`, `endpoint:iris`, `model:iris`",
        ),
        (&["assets", "lineage", "flowers.petal_aera", "--columns"], "did you mean `petal_area`?"),
        (&["assets", "trace", "nothing at all"], "`dagdeck assets lineage` shows what there is"),
    ] {
        let refused = project.run(args);
        assert_eq!(refused.code, 2, "{args:?}: {}", refused.stdout);
        assert!(refused.stderr.contains(words), "{args:?}: {}", refused.stderr);
    }
    project.down();
}
