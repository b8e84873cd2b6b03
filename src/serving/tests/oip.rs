//! The Open Inference Protocol.

use super::*;

const INFER: &str = "/v2/models/iris/infer";

fn tensors(length: &Value, kind: &Value) -> Value {
    json!({"inputs": [length, kind]})
}

fn length() -> Value {
    json!({"name": "length", "shape": [2], "datatype": "FP32", "data": [1.5, 2]})
}

fn kind() -> Value {
    json!({"name": "kind", "shape": [2, 1], "datatype": "BYTES", "data": [["a"], ["b"]]})
}

#[tokio::test]
async fn a_tensor_a_column_is_answered_by_name() {
    let running = Running::serving_iris().await;
    let mut body = tensors(&kind(), &length());
    body["id"] = json!("x-1");
    let (status, answer) = running.post(INFER, body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer,
        json!({
            "model_name": "iris", "model_version": "1", "id": "x-1",
            "outputs": [{"name": "value", "datatype": "FP64", "shape": [2], "data": [1.0, 1.0]}],
        })
    );
    let alone = json!({"inputs": [length()], "outputs": [{"name": "value"}]});
    let (status, _) = running.post("/v2/models/iris/versions/1/infer", alone.to_string()).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn raw_tensors_are_read_and_written() {
    let running = Running::serving_iris().await;
    let mut raw = Vec::new();
    raw.extend_from_slice(&1.5_f64.to_le_bytes());
    raw.extend_from_slice(&f64::MAX.to_le_bytes());
    for text in ["a", "ü"] {
        raw.extend_from_slice(&(text.len() as u32).to_le_bytes());
        raw.extend_from_slice(text.as_bytes());
    }
    let head = json!({
        "parameters": {"binary_data_output": true},
        "inputs": [
            {"name": "length", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}},
            {"name": "kind", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 11}},
        ],
    })
    .to_string();
    let body = [head.as_bytes(), &raw].concat();
    let mut asked = request(Method::POST, INFER, body.clone());
    asked.headers_mut().insert("inference-header-content-length", head.len().into());
    let response = running.send(asked).await;
    assert_eq!(response.status(), 200);
    let len: usize =
        response.headers()["inference-header-content-length"].to_str().unwrap().parse().unwrap();
    let answer = bytes_of(response).await;
    let said: Value = serde_json::from_slice(&answer[..len]).unwrap();
    assert_eq!(said["outputs"][0]["parameters"]["binary_data_size"], 16);
    assert_eq!(answer[len..], [1.0_f64.to_le_bytes(), 1.0_f64.to_le_bytes()].concat());
    for (cut, says) in [(head.len() + 3, "binary_data_size"), (5, "number of bytes")] {
        let mut asked = request(Method::POST, INFER, body[..cut].to_vec());
        asked.headers_mut().insert("inference-header-content-length", head.len().into());
        let response = running.send(asked).await;
        assert_eq!(response.status(), 400);
        let answer = json_of(response).await;
        assert!(answer["error"].as_str().unwrap().contains(says), "{answer}");
    }
}

#[tokio::test]
async fn whatever_does_not_fit_is_a_400_that_says_why() {
    let running = Running::serving_iris().await;
    let with = |key: &str, value: Value| {
        let mut tensor = length();
        tensor[key] = value;
        tensors(&tensor, &kind()).to_string()
    };
    let raw = |size: Value| {
        let mut tensor = length();
        tensor["parameters"] = json!({"binary_data_size": size});
        tensor.as_object_mut().unwrap().remove("data");
        tensors(&tensor, &kind()).to_string()
    };
    for (body, says) in [
        (with("shape", json!([3])), "2 elements where the shape [3] has 3"),
        (with("shape", json!([0])), "2 elements where the shape [0] has 0"),
        (with("shape", json!([-1])), "does not fit"),
        (with("shape", json!([])), "2 elements where the shape [] has 1"),
        (with("shape", json!([1_u64 << 40, 1_u64 << 40])), "too large"),
        (with("shape", json!([1, 2])), "has the shape [1, 2] where [n] is expected"),
        (with("name", json!("size")), "there is no input `size`; there are length, kind"),
        (with("name", json!("kind")), "given twice"),
        (with("datatype", json!("FP128")), "no datatype `FP128`"),
        (with("datatype", json!("INT8")), "the number 1.5 is no such element"),
        (with("data", json!(["x", "y"])), "a string is no such element"),
        (with("data", json!([1, {"a": 1}])), "a record in a tensor"),
        (with("data", json!(null)), "has no data"),
        (with("parameters", json!({"binary_data_size": 8})), "both `data` and binary data"),
        (with("parameters", json!({"shared_memory_region": "x"})), "not supported"),
        (raw(json!(8)), "of which 0 are left"),
        (raw(json!("x")), "is a number of bytes"),
        (json!({"inputs": []}).to_string(), "there are no inputs"),
        (json!({"inputs": [kind()]}).to_string(), "column `length` is missing"),
        (json!({}).to_string(), "missing field `inputs`"),
        ("[]".to_owned(), "does not fit"),
        (
            json!({"inputs": [length()], "outputs": [{"name": "label"}]}).to_string(),
            "there is no output `label`; there are value",
        ),
        (with("data", json!("DEEP")).replace("\"DEEP\"", &"[".repeat(10_000)), "recursion limit"),
    ] {
        let (status, answer) = running.post(INFER, body.clone()).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(error.contains(says), "{body}: {error}");
    }
    assert_eq!(running.post("/v2/models/nobody/infer", "{}").await.0, 404);
    assert_eq!(running.get(INFER).await.0, 405);
}

#[tokio::test]
async fn the_server_and_its_models_are_described() {
    let running = Running::serving_iris().await;
    let (_, server) = running.get("/v2").await;
    assert_eq!(server["name"], "dagdeck");
    let (_, model) = running.get("/v2/models/iris").await;
    assert_eq!(
        model,
        json!({
            "name": "iris", "versions": ["1"], "platform": "dagdeck_fake",
            "inputs": [
                {"name": "length", "datatype": "FP64", "shape": [-1]},
                {"name": "kind", "datatype": "BYTES", "shape": [-1]},
            ],
            "outputs": [{"name": "value", "datatype": "FP64", "shape": [-1]}],
        })
    );
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/iris/versions/1/ready"] {
        assert_eq!(running.get(path).await.0, 200, "{path}");
    }
    for path in ["/v2/models/iris/versions/9", "/v2/models/iris/versions/9/ready", "/v2/models/x"] {
        assert_eq!(running.get(path).await.0, 404, "{path}");
    }
    running.post(INFER, tensors(&length(), &kind()).to_string()).await;
    running
        .post(
            INFER,
            tensors(
                &length(),
                &json!({"name": "kind", "shape": [2], "datatype": "INT8", "data": [1, 2]}),
            )
            .to_string(),
        )
        .await;
    let (_, stats) = running.get("/v2/models/iris/stats").await;
    let stats = &stats["model_stats"][0];
    assert_eq!((&stats["inference_count"], &stats["execution_count"]), (&json!(2), &json!(1)));
    assert_eq!(stats["inference_stats"]["fail"]["count"], 1, "{stats}");
    let (_, all) = running.get("/v2/models/stats").await;
    assert_eq!(all["model_stats"].as_array().unwrap().len(), 1);
    let empty = Running::empty().await;
    assert_eq!(empty.get("/v2/health/ready").await.0, 503);
}

#[tokio::test]
async fn models_are_loaded_and_unloaded_by_whoever_bears_the_token() {
    let running = Running::empty().await;
    let send = async |path: &str, token: &str| {
        let mut asked = request(Method::POST, path, "{}");
        asked.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        running.send(asked).await.status().as_u16()
    };
    let (load, unload) = ("/v2/repository/models/iris/load", "/v2/repository/models/iris/unload");
    assert_eq!(send(load, "wrong").await, 401);
    assert_eq!(running.post(unload, "").await.0, 401);
    assert_eq!(send(load, TOKEN).await, 400, "nothing was promoted");
    running.source.set_alias("iris", "production", 2);
    assert_eq!(send(load, TOKEN).await, 200);
    let (_, index) = running.post("/v2/repository/index", "").await;
    assert_eq!(index, json!([{"name": "iris", "version": "2", "state": "READY", "reason": ""}]));
    assert_eq!(running.post("/predict", "[1, null]").await.0, 200);
    assert_eq!(*running.source.kept.lock().unwrap(), [("iris".to_owned(), 2, 100)]);
    assert_eq!(send(unload, TOKEN).await, 200);
    assert_eq!(running.post("/models/iris/predict", "[1, null]").await.0, 404);
    assert!(running.source.kept.lock().unwrap().is_empty());
    assert_eq!(send(unload, TOKEN).await, 400);
}

#[tokio::test]
async fn where_the_default_model_is_taken_out_the_one_before_it_answers() {
    let unload = async |running: &Running| {
        let mut asked = request(Method::POST, "/v2/repository/models/iris/unload", "{}");
        asked.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        assert_eq!(running.send(asked).await.status().as_u16(), 200);
    };
    for (default_model, after) in [(None, 200), (Some("iris".to_owned()), 503)] {
        let running = Running::as_said(ServingSpec { default_model, ..Default::default() }).await;
        for model in ["housing", "iris"] {
            running.handle.load(model, 2).await.unwrap();
            running.handle.set_traffic(model, vec![(2, 100)]).await.unwrap();
        }
        let asked = request(Method::POST, "/predict", "[1, null]");
        assert_eq!(running.send(asked).await.headers()["x-model-name"], "iris");
        unload(&running).await;
        let answer = running.send(request(Method::POST, "/predict", "[1, null]")).await;
        assert_eq!(answer.status().as_u16(), after);
        let name = answer.headers().get("x-model-name").and_then(|name| name.to_str().ok());
        assert_eq!(name, (after == 200).then_some("housing"));
    }
}
