//! MLflow's scoring protocol.

use super::*;

async fn send(
    running: &Running,
    content_type: Option<&str>,
    body: impl Into<Bytes>,
) -> (u16, Value) {
    let mut asked = request(Method::POST, "/invocations", body);
    if let Some(content_type) = content_type {
        asked.headers_mut().insert("content-type", content_type.parse().unwrap());
    }
    let response = running.send(asked).await;
    (response.status().as_u16(), json_of(response).await)
}

const ROWS: &str = r#"{"dataframe_records": [{"length": 1.5, "kind": "a"}]}"#;

#[tokio::test]
async fn each_form_of_json_is_answered() {
    let running = Running::serving_iris().await;
    for (body, count) in [
        (ROWS, 1),
        (
            r#"{"dataframe_split": {"columns": ["kind", "length"], "data": [["a", 1], [null, 2]]}}"#,
            2,
        ),
        (
            r#"{"dataframe_split": {"data": [["a", 1]], "index": [0], "columns": ["kind", "length"]}}"#,
            1,
        ),
        (r#"{"dataframe_split": {"columns": [0, 1], "data": [[1, "a"]]}}"#, 1),
        (r#"{"dataframe_split": {"columns": ["length"], "data": [[1], [NaN], [2]]}}"#, 0),
        (r#"{"instances": [[1, "a"], [2, "b"]]}"#, 2),
        (r#"{"inputs": [{"length": 1}], "params": {"whatever": 1}}"#, 1),
        (r#"{"inputs": {"length": [1, 2], "other": ["x", "y"]}}"#, 2),
        (r#"{"dataframe_records": [{"length": 1, "unknown": [1, {"deep": 2}]}]}"#, 1),
    ] {
        let (status, answer) = send(&running, Some("application/json; charset=utf-8"), body).await;
        let expected = if count == 0 { 400 } else { 200 };
        assert_eq!(status, expected, "{body}: {answer}");
        if count > 0 {
            assert_eq!(answer, json!({"predictions": vec![1.0; count]}), "{body}");
        }
    }
    assert_eq!(send(&running, None, ROWS).await.0, 200, "without a content type");
}

#[tokio::test]
async fn what_is_wrong_is_told_in_mlflows_words() {
    let running = Running::serving_iris().await;
    for (content_type, body, status, says) in [
        ("application/json", "{}", 400, "exactly one of dataframe_split"),
        ("application/json", r#"{"data": []}"#, 400, "found only data"),
        ("application/json", r#"{"inputs": [], "instances": []}"#, 400, "found inputs, instances"),
        ("application/json", "[1, 2]", 400, "expected an object"),
        ("application/json", r#"{"inputs": [{"kind": "a"}]}"#, 400, "`length` is missing"),
        ("application/json", r#"{"dataframe_split": []}"#, 400, "does not fit"),
        ("application/json", r#"{"dataframe_split": {"columns": ["length"]}}"#, 400, "no `data`"),
        (
            "application/json",
            r#"{"dataframe_split": {"columns": ["length"], "data": [[1, 2]]}}"#,
            400,
            "row 0: 2 values where 1 columns are named",
        ),
        ("application/json", r#"{"inputs": [[1, "a"]"#, 400, "ends too early"),
        ("application/json; charset=latin-1", ROWS, 415, "only UTF-8"),
        ("application/json; version=1", ROWS, 415, "`version`"),
        ("text/plain", ROWS, 415, "`text/plain` is not read"),
        ("text/csv", "length,kind\nx,a\n", 400, "column `length`: the string `x`"),
        ("text/csv", "length,kind\n", 400, "no rows"),
        ("text/csv", "kind\na\n", 400, "column `length` is missing"),
        ("text/csv", "length,length\n1,2\n", 400, "twice"),
        ("text/csv", "length,kind\n1\n", 400, "the CSV is broken"),
        ("application/vnd.apache.parquet", "PAR1", 400, "the Parquet file is broken"),
    ] {
        let (found, answer) = send(&running, Some(content_type), body).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert_eq!(found, status, "{body}: {answer}");
        assert!(message.contains(says), "{body}: {message}");
        assert_eq!(answer["error_code"], "BAD_REQUEST", "{body}");
    }
    let (status, answer) = running.post("/models/nobody/invocations", ROWS).await;
    assert_eq!((status, &answer["error_code"]), (404, &json!("RESOURCE_DOES_NOT_EXIST")));
}

#[tokio::test]
async fn a_table_of_csv_is_answered() {
    let running = Running::serving_iris().await;
    let table = ",kind,length,extra\n0,a,1.5,x\n1,,2,y\n2,\"b, c\",3e0,\n";
    let (status, answer) = send(&running, Some("text/csv"), table).await;
    assert_eq!((status, answer), (200, json!({"predictions": [1.0, 1.0, 1.0]})));
}

#[tokio::test]
async fn mlflows_health_is_told() {
    let running = Running::empty().await;
    assert_eq!(running.get("/ping").await.0, 503);
    let running = Running::serving_iris().await;
    for path in ["/ping", "/health"] {
        let response = running.send(request(Method::GET, path, "")).await;
        assert_eq!((response.status().as_u16(), &bytes_of(response).await[..]), (200, &b"\n"[..]));
    }
    let response = running.send(request(Method::GET, "/version", "")).await;
    assert_eq!(&bytes_of(response).await[..], b"3.17.2");
}
