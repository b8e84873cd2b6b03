//! MLflow's REST API over a real socket, as its clients speak it.

use serde_json::{Value, json};

use crate::api::assets::tests::Stage;

async fn post(stage: &Stage, path: &str, body: Value) -> (u16, Value) {
    let line = format!("POST /api/2.0/mlflow/{path}");
    stage.ask(&line, stage.token.as_str(), &body.to_string()).await
}

async fn get(stage: &Stage, path: &str) -> (u16, Value) {
    stage.ask(&format!("GET /api/2.0/mlflow/{path}"), stage.token.as_str(), "").await
}

async fn file(stage: &Stage, method: &str, path: &str, body: &str) -> (u16, Value) {
    let line = format!("{method} /api/2.0/mlflow-artifacts/artifacts{path}");
    stage.ask(&line, stage.token.as_str(), body).await
}

async fn made(stage: &Stage, body: Value) -> String {
    let (status, answer) = post(stage, "runs/create", body).await;
    assert_eq!(status, 200, "{answer}");
    answer["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

async fn run(stage: &Stage, id: &str) -> Value {
    let (status, answer) = get(stage, &format!("runs/get?run_id={id}")).await;
    assert_eq!(status, 200, "{answer}");
    answer["run"].clone()
}

fn refusal((status, answer): (u16, Value)) -> (u16, String, String) {
    let word = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    (status, word("error_code"), word("message"))
}

#[tokio::test]
async fn an_experiment_lives_is_found_and_is_deleted_with_its_runs() {
    let stage = Stage::new().await;
    let tags = json!([{"key": "team", "value": "churn"}]);
    let (status, answer) =
        post(&stage, "experiments/create", json!({"name": "churn", "tags": tags})).await;
    let id = answer["experiment_id"].as_str().unwrap().to_owned();
    assert_eq!(status, 200);
    let (_, answer) = get(&stage, &format!("experiments/get?experiment_id={id}")).await;
    let found = &answer["experiment"];
    assert_eq!(found["artifact_location"], format!("mlflow-artifacts:/{id}"));
    assert_eq!((&found["name"], &found["tags"]), (&json!("churn"), &tags));
    assert!(found["creation_time"].is_i64(), "{found}");
    let taken = refusal(post(&stage, "experiments/create", json!({"name": "churn"})).await);
    assert_eq!((taken.0, &*taken.1), (400, "RESOURCE_ALREADY_EXISTS"));
    let names = |answer: &Value| {
        let found = answer["experiments"].as_array().cloned().unwrap_or_default();
        found.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let search = |filter: &str| post(&stage, "experiments/search", json!({"filter": filter}));
    assert_eq!(names(&search("tags.team = 'churn'").await.1), ["churn"]);
    assert_eq!(names(&search("name ILIKE 'DEF%'").await.1), ["Default"]);
    assert_eq!(names(&search(&format!("experiment_id IN ('{id}')")).await.1), ["churn"]);
    assert_eq!(search("metrics.a > 1").await.0, 400);
    let page = post(&stage, "experiments/search", json!({"max_results": 1})).await.1;
    let token = &page["next_page_token"];
    let next = json!({"max_results": 1, "page_token": token});
    assert_eq!(names(&post(&stage, "experiments/search", next).await.1).len(), 1);
    let run_id = made(&stage, json!({"experiment_id": id})).await;
    let body = json!({"experiment_id": id});
    assert_eq!(post(&stage, "experiments/delete", body.clone()).await, (200, json!({})));
    assert_eq!(run(&stage, &run_id).await["info"]["lifecycle_stage"], "deleted");
    assert_eq!(search("").await.1["experiments"].as_array().unwrap().len(), 1);
    let inactive = refusal(post(&stage, "runs/create", body.clone()).await);
    assert!(inactive.2.contains("must be in the 'active' state"), "{inactive:?}");
    assert_eq!(post(&stage, "experiments/restore", body).await.0, 200);
    assert_eq!(run(&stage, &run_id).await["info"]["lifecycle_stage"], "active");
}

#[tokio::test]
async fn a_run_keeps_what_it_logs() {
    let stage = Stage::new().await;
    let id = made(&stage, json!({"start_time": 5, "run_name": "first", "user_id": "ada"})).await;
    let metric = |step: i64, value: Value| json!({"run_id": id, "key": "loss", "value": value, "timestamp": step, "step": step});
    for (step, value) in [(1, json!(0.5)), (2, json!("NaN")), (0, json!(0.9))] {
        assert_eq!(post(&stage, "runs/log-metric", metric(step, value)).await, (200, json!({})));
    }
    let batch = json!({
        "run_id": id,
        "metrics": [{"key": "auc", "value": 0.9, "timestamp": "7", "step": "3"}],
        "params": [{"key": "depth", "value": "3"}],
        "tags": [{"key": "mlflow.runName", "value": "second"}],
        "unknown": 1,
    });
    assert_eq!(post(&stage, "runs/log-batch", batch).await, (200, json!({})));
    let dataset = json!({
        "tags": [{"key": "mlflow.data.context", "value": "training"}],
        "dataset": {"name": "iris", "digest": "d1", "source_type": "local", "source": "{}"},
    });
    let inputs = json!({"run_id": id, "datasets": [dataset], "models": [{"model_id": "m-1"}]});
    assert_eq!(post(&stage, "runs/log-inputs", inputs).await.0, 200);
    let outputs = json!({"run_id": id, "models": [{"model_id": "m-2", "step": 4}]});
    assert_eq!(post(&stage, "runs/outputs", outputs).await.0, 200);
    let found = run(&stage, &id).await;
    assert_eq!(found["info"]["run_name"], "second");
    let latest = json!({"key": "loss", "value": "NaN", "timestamp": 2, "step": 2});
    assert_eq!(found["data"]["metrics"][1], latest);
    assert_eq!(found["data"]["params"], json!([{"key": "depth", "value": "3"}]));
    assert_eq!(found["inputs"]["dataset_inputs"], json!([dataset]));
    assert_eq!(found["outputs"]["model_outputs"], json!([{"model_id": "m-2", "step": 4}]));
    let path = format!("metrics/get-history?run_id={id}&metric_key=loss&max_results=2");
    let (_, page) = get(&stage, &path).await;
    assert_eq!(page["metrics"].as_array().unwrap().len(), 2);
    let token = page["next_page_token"].as_str().unwrap();
    let (_, page) = get(&stage, &format!("{path}&page_token={token}")).await;
    assert_eq!(
        (page["metrics"].as_array().unwrap().len(), &page["next_page_token"]),
        (1, &Value::Null)
    );
    let found = post(
        &stage,
        "runs/search",
        json!({"experiment_ids": ["0"], "filter": "datasets.context = 'training' and params.depth = '3'"}),
    );
    assert_eq!(found.await.1["runs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refusals_are_mlflows() {
    let stage = Stage::new().await;
    let id = made(&stage, json!({})).await;
    let param = |value: &str| json!({"run_id": id, "key": "depth", "value": value});
    assert_eq!(post(&stage, "runs/log-parameter", param("3")).await.0, 200);
    assert_eq!(post(&stage, "runs/log-parameter", param("3")).await.0, 200);
    let many = |count: usize| {
        let metrics: Vec<Value> = (0..count)
            .map(|at| json!({"key": format!("m{at}"), "value": 1, "timestamp": 1}))
            .collect();
        json!({"run_id": id, "metrics": metrics})
    };
    assert_eq!(post(&stage, "runs/log-batch", many(1_000)).await.0, 200);
    let run_id = "0123456789abcdef0123456789abcdef";
    let search = |body: Value| ("runs/search", body);
    for ((path, body), status, code, words) in [
        (
            ("runs/log-parameter", param("4")),
            400,
            "INVALID_PARAMETER_VALUE",
            "Changing param values",
        ),
        (("runs/log-batch", many(1_001)), 400, "INVALID_PARAMETER_VALUE", "at most 1000 metrics"),
        (
            ("runs/update", json!({"run_id": run_id})),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "Run with id=0123456789abcdef0123456789abcdef not found",
        ),
        (("runs/update", json!({})), 400, "INVALID_PARAMETER_VALUE", "parameter 'run_id'."),
        (
            ("runs/log-metric", json!({"run_id": id, "key": "a//b", "value": 1, "timestamp": 1})),
            400,
            "INVALID_PARAMETER_VALUE",
            "resolve to 'a/b'",
        ),
        (
            ("runs/log-metric", json!({"run_id": id, "key": "a", "value": "x", "timestamp": 1})),
            400,
            "INVALID_PARAMETER_VALUE",
            "Value was of type 'str'",
        ),
        (search(json!({"filter": "metrics.a >"})), 400, "INVALID_PARAMETER_VALUE", "filter"),
        (search(json!({"max_results": 50_001})), 400, "INVALID_PARAMETER_VALUE", "at most 50000"),
        (search(json!({"page_token": "x"})), 400, "INVALID_PARAMETER_VALUE", "page token"),
        (search(json!({"experiment_ids": ["x"]})), 400, "INVALID_PARAMETER_VALUE", "valid integer"),
        (
            ("runs/delete-tag", json!({"run_id": id, "key": "x"})),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "No tag",
        ),
    ] {
        let found = refusal(post(&stage, path, body.clone()).await);
        assert_eq!((found.0, &*found.1), (status, code), "{path} {body}: {}", found.2);
        assert!(found.2.contains(words), "{path}: {}", found.2);
    }
    let line = "POST /api/2.0/mlflow/runs/create";
    assert_eq!(stage.ask(line, "wrong", "{}").await.0, 401);
    assert_eq!(stage.ask(line, stage.token.as_str(), "{").await.0, 400);
    assert_eq!(post(&stage, "runs/delete", json!({"run_id": id})).await.0, 200);
    let gone = refusal(post(&stage, "runs/log-parameter", param("3")).await);
    assert!(gone.2.contains("Current state is deleted"), "{gone:?}");
    assert_eq!(post(&stage, "runs/restore", json!({"run_id": id})).await.0, 200);
    assert_eq!(post(&stage, "runs/log-parameter", param("3")).await.0, 200);
}

#[tokio::test]
async fn sql_in_what_is_searched_for_is_text_or_refused() {
    let stage = Stage::new().await;
    let id = made(&stage, json!({})).await;
    let sly = "x' OR '1'='1'; DROP TABLE runs; --";
    let param = json!({"run_id": id, "key": sly, "value": sly});
    assert_eq!(post(&stage, "runs/log-parameter", param.clone()).await.0, 400, "no such name");
    let tag = json!({"run_id": id, "key": "t", "value": sly});
    assert_eq!(post(&stage, "runs/set-tag", tag).await.0, 200);
    let search = |filter: &str, order_by: &str| {
        let mut body = json!({"experiment_ids": ["0"], "filter": filter});
        if !order_by.is_empty() {
            body["order_by"] = json!([order_by]);
        }
        post(&stage, "runs/search", body)
    };
    let found = search(&format!("tags.t = \"{sly}\""), "").await.1;
    assert_eq!(found["runs"].as_array().map(Vec::len), Some(1), "{found}");
    for (filter, order_by) in [
        ("metrics.a > 1; DROP TABLE runs", ""),
        ("params.a = 'x' OR 1=1 --", ""),
        ("params.`a\"; DROP TABLE runs; --` = 1", ""),
        ("attributes.status = (SELECT 1)", ""),
        ("", "metrics.a; DROP TABLE runs"),
        ("", "(SELECT 1)"),
    ] {
        let (status, code, _) = refusal(search(filter, order_by).await);
        assert_eq!((status, &*code), (400, "INVALID_PARAMETER_VALUE"), "{filter} {order_by}");
    }
    assert_eq!(search("", "").await.1["runs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn artifacts_go_up_come_down_and_never_out() {
    let stage = Stage::new().await;
    let id = made(&stage, json!({})).await;
    let root = format!("/0/{id}/artifacts");
    let (status, answer) = file(&stage, "PUT", &format!("{root}/a/b.json"), "{\"x\": 1}").await;
    assert_eq!((status, answer), (200, json!({})));
    assert_eq!(file(&stage, "PUT", "/0/models/m-1/artifacts/MLmodel", "3").await.0, 200);
    assert_eq!(file(&stage, "GET", &format!("{root}/a/b.json"), "").await.1, json!({"x": 1}));
    assert_eq!(file(&stage, "GET", "/0/models/m-1/artifacts/MLmodel", "").await.1, json!(3));
    let listed = file(&stage, "GET", &format!("?path=0/{id}/artifacts/a"), "").await.1;
    let expected = json!([{"path": "b.json", "is_dir": false, "file_size": 8}]);
    assert_eq!(listed["files"], expected);
    let (_, listed) = get(&stage, &format!("artifacts/list?run_id={id}&path=a")).await;
    assert_eq!(listed["files"][0]["path"], "a/b.json");
    let noted = |path: &'static str| {
        stage.world.parts.store.read(move |conn| {
            conn.query_row("SELECT size FROM artifacts WHERE path = ?1", [path], |row| row.get(0))
                .map(Some)
                .or_else(|_| Ok(None::<i64>))
        })
    };
    assert_eq!(noted("a/b.json").await.unwrap(), Some(8));
    for path in ["/../x", "/0/../../x", "/0/%2e%2e/%2e%2e/x", "/.incoming/x", "/0/a%5Cb", "//x/%00"]
    {
        for method in ["PUT", "GET", "DELETE"] {
            let (status, answer) = file(&stage, method, path, "x").await;
            assert_eq!(
                (status, &answer["message"]),
                (400, &json!("Invalid path")),
                "{method} {path}"
            );
        }
    }
    assert_eq!(file(&stage, "GET", &format!("{root}/none"), "").await.0, 404);
    assert_eq!(file(&stage, "PUT", &format!("{root}/a/b.json/c"), "x").await.0, 400);
    assert_eq!(file(&stage, "PUT", &format!("{root}/a"), "x").await.0, 400);
    let long = "x".repeat(100_001);
    let (status, code, message) =
        refusal(file(&stage, "PUT", &format!("{root}/long"), &long).await);
    assert_eq!((status, code.as_str()), (413, "INVALID_PARAMETER_VALUE"));
    assert!(
        message.contains("100000 bytes") && message.contains("artifact_max_bytes"),
        "{message}"
    );
    assert_eq!(file(&stage, "GET", &format!("{root}/long"), "").await.0, 404);
    assert_eq!(file(&stage, "PUT", &format!("{root}/fits"), &long[1..]).await.0, 200);
    assert_eq!(file(&stage, "DELETE", &format!("{root}/a"), "").await, (200, json!({})));
    assert_eq!(file(&stage, "GET", &format!("{root}/a/b.json"), "").await.0, 404);
    assert_eq!(noted("a/b.json").await.unwrap(), None);
    let incoming = stage.world.parts.layout.artifacts_dir().join(".incoming");
    assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0, "nothing is left over");
}
