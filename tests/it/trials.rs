//! A search, and logged models, on the command line.

use serde_json::{Value, json};

use crate::support::Project;

const DAGS: &str = r#"
[deck]
name = "t"

[dataset.iris]
uri = "file:iris.csv"
task = "classification"
target = "species"

[dag.d.task.tune]
operator = "ml.train"
dataset = "iris"
model = "decision_tree"
trials = 4
sampler = "random"
prune = false
"#;

#[test]
fn a_search_is_one_run_with_its_trials_under_it() {
    let mut project = Project::with(DAGS);
    project.write("iris.csv", include_str!("../../data/iris.csv"));
    project.run(&["run", "d"]).ok();
    project.up();
    let top = project.json(&["experiments", "runs", "iris", "--top"]);
    assert_eq!(top["total"], 1);
    let search = &top["runs"][0];
    let (id, nested) = (search["run_id"].as_str().unwrap(), &search["nested"]);
    assert_eq!((&nested["runs"], &nested["planned"]), (&json!(4), &json!(4)), "{search}");
    assert_eq!(nested["metric"], "cv_log_loss_mean");
    let under = project.json(&["experiments", "runs", "iris", "--under", id]);
    assert_eq!(under["total"], 4);
    assert_eq!(project.json(&["experiments", "runs", "iris"])["total"], 5);
    let view = project.json(&["experiments", "trials", id]);
    let trials = view["trials"].as_array().unwrap();
    let numbers: Vec<u64> = trials.iter().map(|one| one["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let least = trials.iter().map(|one| one["value"].as_f64().unwrap()).fold(f64::MAX, f64::min);
    assert_eq!(nested["best"][0].as_f64(), Some(least));
    // The best stands first in the table.
    let table = project.run(&["experiments", "trials", id]).ok().stdout;
    let best = nested["best"][1].as_str().unwrap();
    assert!(table.lines().nth(1).is_some_and(|line| line.contains(best)), "{table}");
    assert!(table.contains("max_depth") && table.contains("4/4, best cv_log_loss_mean"), "{table}");
    let shown = project.run(&["experiments", "show", id]).ok().stdout;
    assert!(shown.contains("4/4"), "{shown}");
    for args in [&["experiments", "trials", "nope"][..], &["experiments", "runs", "irsi", "--top"]]
    {
        let ran = project.run(args);
        assert!(ran.code == 2 && ran.stderr.contains("hint:"), "{args:?}: {}", ran.stderr);
    }
    let both = ["experiments", "runs", "iris", "--top", "--under", id];
    assert_eq!(project.run(&both).code, 2);
    logged_models(&project, id);
    project.down();
}

/// What `ml.train` leaves is no logged model; what is not there is told.
fn logged_models(project: &Project, run: &str) {
    assert_eq!(project.json(&["models", "logged", "iris"]), Value::Array(vec![]));
    assert_eq!(project.json(&["models", "logged", "--run", run]), Value::Array(vec![]));
    assert_eq!(project.run(&["models", "logged"]).code, 2);
    let unknown = "m-00000000000000000000000000000000";
    for args in [
        &["models", "logged-model", "show", unknown][..],
        &["models", "logged-model", "register", unknown, "iris"],
        &["models", "logged-model", "tag", unknown, "k", "v"],
        &["models", "logged-model", "delete", unknown, "--yes"],
    ] {
        let ran = project.run(args);
        assert!(ran.code == 2 && ran.stderr.contains("not found"), "{args:?}: {}", ran.stderr);
    }
    let ran = project.run(&["models", "logged-model", "delete", unknown]);
    assert!(ran.code == 2 && ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(project.json(&["models", "list"]), Value::Array(vec![]), "nothing was registered");
}
