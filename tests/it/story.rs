//! The whole story through the real binary: the five pipelines, a file that lands, a prediction,
//! a promote, a rollback.

use serde_json::{Value, json};

use crate::support::{Project, http, until};

fn tasks(project: &Project, dag_id: &str, run: &Value) -> Vec<(String, String)> {
    let run_id = run["dag_run_id"].as_str().unwrap();
    let tasks = project.json(&["tasks", dag_id, run_id]);
    let pair = |task: &Value| {
        let text = |key: &str| task[key].as_str().unwrap_or("none").to_owned();
        (text("task_id"), text("state"))
    };
    tasks.as_array().unwrap().iter().map(pair).collect()
}

fn state(tasks: &[(String, String)], task_id: &str) -> String {
    tasks.iter().find(|(id, _)| id == task_id).map(|(_, state)| state.clone()).unwrap()
}

/// How many rows the warehouse holds, and the sum of all yearly salaries.
fn employees(project: &Project) -> (i64, f64) {
    let db = rusqlite::Connection::open(project.path("data/warehouse.db")).unwrap();
    let sql = "select count(*), sum(yearly_salary) from employees";
    db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

fn served(project: &Project, model: &str) -> Option<i64> {
    let status = project.json(&["serving", "status"]);
    let versions = status["versions"].as_array().unwrap().clone();
    let full = |v: &&Value| v["model"] == model && v["weight"] == 100;
    versions.iter().find(full).and_then(|v| v["version"].as_i64())
}

#[test]
fn the_basic_pipeline_hands_values_on() {
    let mut project = Project::sample();
    project.up();
    let ran = project.run(&["run", "basic_dag_example"]).ok();
    assert!(ran.stdout.contains("success"), "{}", ran.stdout);
    let runs = project.wait_for_runs("basic_dag_example", 1);
    let run_id = runs[0]["dag_run_id"].as_str().unwrap();
    let log = project.run(&["logs", "basic_dag_example", run_id, "load"]).ok().stdout;
    assert!(log.contains("total: "), "{log}");
    project.down();
}

#[test]
fn the_etl_rejects_bad_rows_and_loads_the_same_table_twice() {
    let mut project = Project::sample();
    project.up();
    project.run(&["run", "etl_example"]).ok();
    let first = employees(&project);
    assert!(first.0 > 200, "{first:?}");
    project.run(&["run", "etl_example"]).ok();
    assert_eq!(employees(&project), first);
    let runs = project.wait_for_runs("etl_example", 3);
    let run_id = runs[0]["dag_run_id"].as_str().unwrap();
    let log = project.run(&["logs", "etl_example", run_id, "extract"]).ok().stdout;
    assert!(log.contains("reject"), "{log}");
    let assets = project.json(&["assets", "list"]);
    let changed = |name: &str| {
        let asset = assets.as_array().unwrap().iter().find(|a| a["name"] == name).unwrap();
        asset["event_count"].as_u64().unwrap()
    };
    // Twice by hand, and once by its schedule when the project was first seen.
    assert_eq!(changed("employee_data_asset"), 3);
    project.json(&["assets", "lineage", "employee_data_asset"]);
    project.down();
}

#[test]
fn a_file_that_lands_starts_the_watchers_dag_and_then_the_consumer() {
    let mut project = Project::sample();
    project.up();
    project.run(&["run", "minio_producer"]).ok();
    project.wait_for_runs("minio_consumer", 1);
    project.write("data/lake/incoming/late.csv", "sensor,value\na,1.5\nb,2.5\n");
    let accepted = project.wait_for_runs("minio_path_watcher", 1);
    assert_eq!(accepted[0]["state"], "success");
    let consumed = project.wait_for_runs("minio_consumer", 2);
    assert!(consumed.iter().all(|run| run["state"] == "success"), "{consumed:?}");
    assert!(project.path("data/lake/readings/late.csv").exists());
    assert!(!project.path("data/lake/incoming/late.csv").exists());
    project.down();
}

#[test]
fn a_model_is_trained_promoted_served_and_rolled_back() {
    let mut project = Project::sample();
    project.up();
    project.run(&["run", "mlops_pipeline", "-p", "dataset=iris", "-p", "model=xgboost"]).ok();
    let deployed = project.wait_for_runs("model_serving_pipeline", 1);
    assert_eq!(deployed[0]["state"], "success");
    let addr = project.serving();
    let answer = http(&addr, "POST", "/predict", Some("[[5.1,3.5,1.4,0.2]]"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()[0]["label"], "setosa");
    let probability = answer.json()[0]["probabilities"]["setosa"].as_f64().unwrap();
    assert!(probability > 0.8, "{probability}");
    assert_eq!(served(&project, "iris"), Some(1));

    // A second version, as good as the first: the gate lets it through.
    project.run(&["run", "mlops_pipeline", "-p", "model=logistic_regression"]).ok();
    let deployed = project.wait_for_runs("model_serving_pipeline", 2);
    assert!(deployed.iter().all(|run| run["state"] == "success"), "{deployed:?}");
    assert_eq!(served(&project, "iris"), Some(2));

    // By hand: back to the first, then undone, then by the name of what is served.
    project.run(&["models", "rollback", "iris"]).ok();
    project.wait_for_runs("model_serving_pipeline", 3);
    assert_eq!(served(&project, "iris"), Some(1));
    let plan = project.json(&["models", "promote", "iris", "2", "--dry-run"]);
    assert_eq!(plan["from"]["version"], 1);
    assert_eq!(plan["starts_dags"], json!(["model_serving_pipeline"]));
    project.run(&["models", "promote", "iris", "2"]).ok();
    project.wait_for_runs("model_serving_pipeline", 4);
    assert_eq!(served(&project, "iris"), Some(2));
    project.down();

    // A restart serves what was served.
    project.up();
    let addr = project.serving();
    let ready = until(|| (http(&addr, "GET", "/readyz", None).status == 200).then_some(()));
    assert!(ready.is_some());
    let row =
        json!([{"sepal_length": 6.7, "sepal_width": 3.0, "petal_length": 5.2, "petal_width": 2.3}]);
    let answer = http(&addr, "POST", "/predict", Some(&row.to_string()));
    assert_eq!(answer.json()[0]["label"], "virginica", "{}", answer.body);
    assert!(answer.head.to_ascii_lowercase().contains("x-model-version: 2"), "{}", answer.head);
    project.down();
}

#[test]
fn a_model_that_is_not_good_enough_is_rejected_with_the_reason() {
    let mut project = Project::sample();
    project.up();
    // Trees of one split on titanic stay below what is required.
    let poor = r#"hyperparameters={"n_estimators":1,"max_depth":1,"learning_rate":0.01}"#;
    let args =
        ["run", "mlops_pipeline", "-p", "dataset=titanic", "-p", "model=xgboost", "-p", poor];
    project.run(&args).ok();
    let runs = project.wait_for_runs("mlops_pipeline", 1);
    let tasks = tasks(&project, "mlops_pipeline", &runs[0]);
    assert_eq!(state(&tasks, "decide"), "success");
    assert_eq!(state(&tasks, "register"), "skipped");
    assert_eq!(state(&tasks, "promote"), "skipped");
    assert_eq!(state(&tasks, "reject"), "success");
    let run_id = runs[0]["dag_run_id"].as_str().unwrap();
    let log = project.run(&["logs", "mlops_pipeline", run_id, "decide"]).ok().stdout;
    assert!(log.contains("accuracy"), "{log}");
    assert_eq!(project.json(&["models", "list"]), json!([]));
    project.down();
}

#[test]
fn every_data_set_trains_with_three_families() {
    let mut project = Project::sample();
    project.up();
    let families = [
        ("titanic", ["xgboost", "random_forest", "logistic_regression"]),
        ("housing", ["lightgbm", "random_forest", "linear_regression"]),
    ];
    for (dataset, models) in families {
        for model in models {
            let dataset = format!("dataset={dataset}");
            let model = format!("model={model}");
            project.run(&["run", "mlops_pipeline", "-p", &dataset, "-p", &model]).ok();
        }
    }
    for experiment in ["titanic", "housing"] {
        let body = project.json(&["experiments", "runs", experiment]);
        let runs = body["runs"].as_array().unwrap().clone();
        assert_eq!(runs.len(), 3);
        assert!(runs.iter().all(|run| run["status"] == "FINISHED"));
    }
    let addr = project.serving();
    until(|| (served(&project, "titanic").is_some()).then_some(())).expect("titanic is served");
    let row = r#"[{"class":"first","age":"adult","sex":"female"}]"#;
    let answer = http(&addr, "POST", "/models/titanic/predict", Some(row));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()[0]["label"], "yes");
    project.down();
}

#[test]
fn run_works_without_a_daemon_and_exits_with_the_runs_result() {
    let project = Project::sample();
    let ran = project.run(&["run", "basic_dag_example"]).ok();
    assert!(ran.stdout.contains("load"), "{}", ran.stdout);
    let failing = Project::with(
        "[deck]\nname = \"t\"\n[dag.d.task.t]\noperator = \"command\"\ncommand = \"exit 3\"\n",
    );
    let ran = failing.run(&["run", "d"]);
    assert_eq!(ran.code, 1, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("failed"), "{}", ran.stdout);
}
