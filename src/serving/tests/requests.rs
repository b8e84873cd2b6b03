//! What each request is answered.

use super::*;

#[tokio::test]
async fn every_shape_of_rows_is_answered_one_answer_a_row() {
    let running = Running::serving_iris().await;
    for (body, count) in [
        (r#"[[1.5, "a"], [2, null]]"#, 2),
        (r#"[1.5, "a"]"#, 1),
        (r#"[{"length": 1.5, "kind": "a"}]"#, 1),
        (r#"{"length": 1.5}"#, 1),
        (r#"{"length": [1.5, 2], "kind": ["a", null]}"#, 2),
        (r#"{"rows": [[1.5, "a"]]}"#, 1),
        (r#"{"records": [{"length": 1.5}, {"kind": "a", "length": 2}]}"#, 2),
        (r#"{"columns": {"length": [1.5, 2, 3]}}"#, 3),
        (r#"[[1.5, NaN]]"#, 1),
    ] {
        let (status, answer) = running.post("/predict", body).await;
        assert_eq!(status, 200, "{body}: {answer}");
        assert_eq!(answer, Value::Array(vec![json!({"value": 1.0}); count]), "{body}");
    }
}

#[tokio::test]
async fn an_answer_says_who_gave_it() {
    let running = Running::serving_iris().await;
    let mut asked = request(Method::POST, "/predict", "[1, null]");
    asked.headers_mut().insert("x-request-id", "abc-1".parse().unwrap());
    let response = running.send(asked).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-model-name"), "iris");
    assert_eq!(header("x-model-version"), "1");
    assert_eq!(header("x-request-id"), "abc-1");
    assert_eq!(header("content-type"), "application/json");
    let mut asked = request(Method::POST, "/predict", "[1, null]");
    asked.headers_mut().insert("x-request-id", "not plain".parse().unwrap());
    let made = running.send(asked).await.headers()["x-request-id"].clone();
    assert_eq!(made.len(), 36, "an id that is not plain is not echoed");
}

#[tokio::test]
async fn bad_bodies_are_refused_with_what_is_wrong() {
    let running = Running::serving_iris().await;
    let deep = "[".repeat(500) + &"]".repeat(500);
    for (body, status, says) in [
        ("", 400, "the body is empty"),
        (" \n ", 400, "the body is empty"),
        ("[]", 400, "no rows"),
        ("nope", 400, "the JSON is broken (expected ident) at line 1, column 2"),
        ("[[1, \"a\"]", 400, "the JSON ends too early"),
        ("[1e999, null]", 400, "number out of range"),
        ("[[1,\"a\"]] x", 400, "trailing characters"),
        ("null", 400, "neither a list of rows"),
        ("\"text\"", 400, "neither a list of rows"),
        ("7", 400, "neither a list of rows"),
        (deep.as_str(), 400, "row 0: column `length`: a list where a number is expected"),
        ("[1, \"a\", 3]", 400, "row 0: 3 values where the model takes 2 (length, kind)"),
        ("[[1, \"a\"], 5]", 400, "row 1: neither a list of values nor a record"),
        ("[[1, \"a\"], [1]]", 400, "row 1: 1 values where the model takes 2"),
        ("{\"kind\": \"a\"}", 400, "row 0: column `length` is missing"),
        ("{\"lenght\": 1}", 400, "there is no column `lenght` (did you mean `length`?)"),
        (
            "[{\"length\": \"x\"}]",
            400,
            "column `length`: the string `x` where a number is expected",
        ),
        ("[null, \"a\"]", 400, "column `length`: a value is required, null is not taken"),
    ] {
        let (found, answer) = running.post("/predict", body.to_owned()).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(found, status, "{body}: {answer}");
        assert!(error.contains(says), "{body}: {error}");
        assert!(answer["detail"].is_array(), "{body}");
    }
    let (status, _) = running.post("/predict", vec![b'[', 0xff, 0xfe, b']']).await;
    assert_eq!(status, 400, "not UTF-8");
}

#[tokio::test]
async fn every_bad_row_is_told_up_to_ten() {
    let running = Running::serving_iris().await;
    let (_, answer) = running.post("/predict", r#"[[1,"a"],{"length":null},[1],{}]"#).await;
    assert_eq!(
        answer["detail"],
        json!([
            {"row": 1, "column": "length",
             "message": "column `length`: a value is required, null is not taken"},
            {"row": 2, "message": "1 values where the model takes 2 (length, kind)"},
            {"row": 3, "column": "length", "message": "column `length` is missing"},
        ])
    );
    let (_, answer) = running.post("/predict", format!("[{}]", vec!["[1]"; 100].join(","))).await;
    assert_eq!(answer["detail"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let running = Running::serving_iris().await;
    let body = " ".repeat(65 << 10);
    let (status, answer) = running.post("/predict", body.clone()).await;
    assert_eq!(status, 413, "counted as it comes: {answer}");
    let mut promised = request(Method::POST, "/predict", body);
    promised.headers_mut().insert("content-length", (65 << 10).into());
    assert_eq!(running.send(promised).await.status(), 413);
    let many = format!("[{}[]]", "[],".repeat(ROWS_MAX));
    let (status, answer) = running.post("/predict", many).await;
    assert_eq!(status, 413, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("at most 10000"), "{answer}");
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, body).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn bodies_are_unpacked_and_packed() {
    let running = Running::serving_iris().await;
    let rows = format!("[{}]", vec!["[1,\"a\"]"; 200].join(","));
    let zlib = {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packer, rows.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    for (encoding, body) in [("gzip", packed(rows.as_bytes())), ("Deflate", zlib)] {
        let mut asked = request(Method::POST, "/predict", body);
        asked.headers_mut().insert("content-encoding", encoding.parse().unwrap());
        asked.headers_mut().insert("accept-encoding", "br, gzip;q=0.5".parse().unwrap());
        let response = running.send(asked).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let answer = bytes_of(response).await;
        let mut text = String::new();
        let mut unpacked = flate2::read::GzDecoder::new(&answer[..]);
        std::io::Read::read_to_string(&mut unpacked, &mut text).unwrap();
        assert_eq!(text.matches("value").count(), 200);
    }
    let mut small = request(Method::POST, "/predict", "[1, null]");
    small.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    assert!(!running.send(small).await.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn packed_bodies_that_are_broken_or_grow_too_large_are_refused() {
    let running = Running::serving_iris().await;
    let rows = packed(b"[1, null]");
    let bomb = packed(&vec![b' '; 100 << 20]);
    for (encoding, body, status) in [
        ("br", rows.clone(), 415),
        ("gzip", rows[..rows.len() / 2].to_vec(), 400),
        ("deflate", rows.clone(), 400),
        ("gzip", b"[1, null]".to_vec(), 400),
        ("gzip", bomb[..60 << 10].to_vec(), 413),
    ] {
        let mut asked = request(Method::POST, "/predict", body);
        asked.headers_mut().insert("content-encoding", encoding.parse().unwrap());
        assert_eq!(running.send(asked).await.status(), status, "{encoding}");
    }
}

#[tokio::test]
async fn many_rows_are_answered_off_the_async_threads() {
    let running = Running::serving_iris().await;
    for count in [65, 5000] {
        let body = format!("[{}]", vec!["[1,\"a\"]"; count].join(","));
        let (status, answer) = running.post("/predict", body).await;
        assert_eq!((status, answer.as_array().map(Vec::len)), (200, Some(count)));
    }
    let body = format!("[{}]", vec!["[1,\"a\"]"; 5000].join(",")).replace(']', "") + "]";
    assert_eq!(running.post("/predict", body).await.0, 400);
}

#[tokio::test]
async fn models_are_found_by_name_version_and_alias() {
    let running = Running::serving_iris().await;
    running.handle.load("iris", 2).await.unwrap();
    running.source.set_alias("iris", "production", 3);
    for (path, answered) in [
        ("/models/iris/predict", 1.0),
        ("/models/iris/versions/1/predict", 1.0),
        ("/models/iris/versions/2/predict", 2.0),
        ("/models/iris@production/predict", 3.0),
    ] {
        let (status, answer) = running.post(path, "[1, null]").await;
        assert_eq!((status, &answer[0]["value"]), (200, &json!(answered)), "{path}");
    }
    for (path, says) in [
        ("/models/irsi/predict", "no model `irsi` is served (did you mean `iris`?); served: iris"),
        ("/models/iris/versions/4/predict", "version 4 of `iris` is not served (served: 1, 2, 3)"),
        ("/models/iris@nobody/predict", "`iris` has no alias `nobody`"),
        ("/models/other@production/predict", "no model `other` is served"),
        ("/models/other/versions/1/predict", "no model `other` is served"),
    ] {
        let (status, answer) = running.post(path, "[1, null]").await;
        assert_eq!(status, 404, "{path}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_followed_alias_moves_without_a_gap() {
    let running = Running::empty().await;
    let mut events = running.shared.publisher.subscribe();
    running.source.set_alias("iris", "production", 1);
    let (_, answer) = running.post("/models/iris@production/predict", "[1, null]").await;
    assert_eq!(answer[0]["value"], json!(1.0));
    running.source.set_alias("iris", "production", 2);
    running.shared.publisher.publish(Event::TrackingChanged);
    while running.post("/models/iris@production/predict", "[1, null]").await.1[0]["value"]
        != json!(2.0)
    {
        events.recv().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_loaded_is_said_by_ready_and_predict() {
    let running = Running::empty().await;
    for path in ["/healthz", "/livez"] {
        assert_eq!(running.get(path).await.0, 200);
    }
    let (status, answer) = running.get("/readyz").await;
    assert_eq!((status, &answer["error"]), (503, &json!("no model is loaded yet")));
    let (status, answer) = running.post("/predict", "[1, null]").await;
    assert_eq!(status, 503);
    assert!(answer["error"].as_str().unwrap().contains("no model is loaded"));
    assert_eq!(running.post("/models/iris/predict", "[1, null]").await.0, 404);
    running.handle.load("iris", 1).await.unwrap();
    assert_eq!(running.get("/readyz").await.0, 503, "loaded, but without traffic");
    assert_eq!(running.post("/models/iris/predict", "[1, null]").await.0, 503);
    running.handle.set_traffic("iris", vec![(1, 100)]).await.unwrap();
    assert_eq!(running.get("/readyz").await.0, 200);
}

#[tokio::test]
async fn wrong_paths_and_methods_are_refused() {
    let running = Running::serving_iris().await;
    let (status, answer) = running.get("/nowhere").await;
    assert_eq!(status, 404);
    assert!(answer["error"].as_str().unwrap().contains("POST /predict"));
    let response = running.send(request(Method::GET, "/predict", "")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_goes_on() {
    let running = Running::serving_iris().await;
    let fake = Arc::new(Fake::of_version(5));
    fake.panics.store(true, Ordering::Relaxed);
    let loaded =
        table::Loaded::new("bad", 5, Arc::clone(&fake) as _, None, crate::types::time::now());
    running
        .shared
        .table
        .change(|table| {
            table.add(Arc::new(loaded));
            table.set_traffic("bad", &[(5, 100)])
        })
        .unwrap();
    let many = format!("[{}]", vec!["[1,\"a\"]"; 100].join(","));
    for body in ["[1, null]", &many] {
        let (status, answer) = running.post("/models/bad/predict", body.to_owned()).await;
        assert_eq!(status, 500);
        assert!(answer["error"].as_str().unwrap().contains("log"), "{answer}");
    }
    fake.panics.store(false, Ordering::Relaxed);
    assert_eq!(running.post("/models/bad/predict", "[1, null]").await.0, 200);
    assert_eq!(running.handle.status().await.unwrap().in_flight, 0);
}

#[tokio::test]
async fn the_figures_are_prometheus_text() {
    let running = Running::serving_iris().await;
    running.post("/predict", "[[1, null], [2, null]]").await;
    running.post("/predict", "[]").await;
    running.post("/models/made-up/predict", "[]").await;
    let response = running.send(request(Method::GET, "/metrics", "")).await;
    let text = String::from_utf8(bytes_of(response).await.to_vec()).unwrap();
    for line in [
        "dagdeck_serving_requests_total{code=\"200\",model=\"iris\",version=\"1\"} 1",
        "dagdeck_serving_requests_total{code=\"400\",model=\"iris\",version=\"1\"} 1",
        "dagdeck_serving_requests_total{code=\"404\",model=\"\",version=\"\"} 1",
        "dagdeck_serving_rows_total{model=\"iris\",version=\"1\"} 2",
        "dagdeck_serving_model_info{model=\"iris\",version=\"1\"} 1",
        "dagdeck_serving_traffic_percent{model=\"iris\",version=\"1\"} 100",
        "dagdeck_serving_in_flight 0",
        "dagdeck_serving_request_duration_seconds_count{model=\"iris\",version=\"1\"} 2",
        "# TYPE dagdeck_serving_request_duration_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("made-up"), "a client makes no series");
}

#[tokio::test]
async fn the_examples_of_the_openapi_document_work() {
    let running = Running::serving_iris().await;
    let (status, docs) = running.get("/docs.json").await;
    assert_eq!((status, &docs["openapi"]), (200, &json!("3.1.0")));
    let posted = |entry: &Value| entry["post"].is_object();
    let paths: Vec<&String> = docs["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, entry)| posted(entry) && !path.contains('{'))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths.len(), 5, "{paths:?}");
    for path in paths {
        let content = &docs["paths"][path]["post"]["requestBody"]["content"]["application/json"];
        let schema = jsonschema::validator_for(&content["schema"]).unwrap();
        for (name, example) in content["examples"].as_object().unwrap() {
            assert!(schema.is_valid(&example["value"]), "{path} {name}");
            let (status, answer) = running.post(path, example["value"].to_string()).await;
            assert_eq!(status, 200, "{path} {name}: {answer}");
        }
    }
    let (_, models) = running.get("/models").await;
    assert_eq!(models["default_model"], "iris");
    assert_eq!(models["models"][0]["versions"][0]["weight"], 100);
    assert_eq!(models["models"][0]["versions"][0]["signature"]["inputs"][0]["name"], "length");
}
