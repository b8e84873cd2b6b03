//! Who may come in, how many at once, and what is done with those that mean no good.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::*;
use crate::dag::secret::Secret;

const KEY: &str = "a key of the web's programs";

fn keyed() -> ServingSpec {
    let keys = vec![("web".to_owned(), Secret::new("${env:WEB}", KEY))];
    ServingSpec { api_keys: keys, ..Default::default() }
}

async fn with_header(running: &Running, name: &'static str, value: &str) -> Response<Full<Bytes>> {
    let mut asked = request(Method::POST, "/predict", "[1, null]");
    asked.headers_mut().insert(name, value.parse().unwrap());
    running.send(asked).await
}

#[tokio::test]
async fn where_there_are_keys_one_is_needed_for_all_but_health() {
    let running = Running::as_said(keyed()).await;
    for path in ["/healthz", "/livez", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready"] {
        assert_eq!(running.get(path).await.0, 200, "{path}");
    }
    for path in ["/models", "/metrics", "/docs.json", "/v2", "/v2/models/iris", "/"] {
        assert_eq!(running.get(path).await.0, 401, "{path}");
    }
    let refused = running.send(request(Method::POST, "/predict", "[1, null]")).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    for (name, value, status) in [
        ("authorization", format!("Bearer {KEY}"), 200),
        ("x-api-key", KEY.to_owned(), 200),
        ("authorization", format!("Bearer {TOKEN}"), 200),
        ("authorization", format!("Bearer {KEY}x"), 401),
        ("x-api-key", "a KEY of the web's programs".to_owned(), 401),
        ("x-api-key", String::new(), 401),
    ] {
        assert_eq!(with_header(&running, name, &value).await.status(), status, "{name}: {value}");
    }
    let wish = crate::types::ask::Predict { model: None, version: None, rows: json!([1, null]) };
    assert_eq!(ask::ask(&running.shared, wish).await.unwrap().status, 200, "from within");
    let load = "/v2/repository/models/iris/unload";
    let mut asked = request(Method::POST, load, "");
    asked.headers_mut().insert("x-api-key", KEY.parse().unwrap());
    assert_eq!(running.send(asked).await.status(), 401, "a key changes nothing");
}

#[tokio::test]
async fn more_than_the_rate_is_told_to_come_again() {
    let running = Running::as_said(ServingSpec { rate_limit: Some(1), ..keyed() }).await;
    assert_eq!(with_header(&running, "x-api-key", KEY).await.status(), 200);
    let refused = with_header(&running, "x-api-key", KEY).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(running.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn those_that_find_no_place_wait_and_the_rest_is_refused() {
    let spec = ServingSpec { max_in_flight: 1, max_queue: 1, ..Default::default() };
    let running = Running::as_said(spec).await;
    let place = running.shared.guard.place().await.unwrap();
    let shared = Arc::clone(&running.shared);
    let waits = tokio::spawn(http::serve(shared, request(Method::POST, "/predict", "[1, null]")));
    while running.shared.in_flight.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let refused = running.send(request(Method::POST, "/predict", "[1, null]")).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    drop(place);
    assert_eq!(waits.await.unwrap().unwrap().status(), 200);
    let spec =
        ServingSpec { request_timeout: Duration::ZERO, max_in_flight: 1, ..Default::default() };
    let running = Running::as_said(spec).await;
    let _place = running.shared.guard.place().await.unwrap();
    let refused = running.send(request(Method::POST, "/v2/models/iris/infer", "{}")).await;
    assert_eq!(refused.status(), 503, "nobody waits for ever");
    assert!(json_of(refused).await["error"].as_str().unwrap().contains("not answered within 0 s"));
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_where_they_are_named() {
    let preflight = || {
        let mut asked = request(Method::OPTIONS, "/predict", "");
        asked.headers_mut().insert("origin", "https://a.example".parse().unwrap());
        asked.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
        asked
    };
    let running = Running::serving_iris().await;
    let answer = running.send(preflight()).await;
    assert_eq!(answer.status(), 405, "off by default");
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let origins = vec!["https://a.example".to_owned()];
    let running = Running::as_said(ServingSpec { cors_origins: origins, ..keyed() }).await;
    let answer = running.send(preflight()).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://a.example");
    let other = with_header(&running, "origin", "https://b.example").await;
    assert!(!other.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_socket_and_tls_lead_to_the_same_models() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("serving.sock");
    let spec = ServingSpec { socket: Some(socket.clone()), ..Default::default() };
    let running = Running::as_said(spec).await;
    let mut stream = UnixStream::connect(&socket).await.unwrap();
    stream.write_all(&posted("/predict", "[1, null]")).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    running.server.stop().await;
    let missing = crate::dag::serving::TlsSpec {
        certificate: folder.path().join("none.pem"),
        key: folder.path().join("none.pem"),
    };
    let running = Running::as_said(ServingSpec { tls: Some(missing), ..Default::default() }).await;
    let problem = running.server.problem.as_ref().unwrap();
    assert!(problem.contains("none.pem"), "{problem}");
}

fn posted(path: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len}");
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// Sends bytes, ends the sending, and returns all that is answered.
async fn sent(running: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.server.listen.as_ref().unwrap()).await.unwrap();
    // A server that has heard enough may have hung up.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_never_a_5xx() {
    let running = Running::serving_iris().await;
    let body = "[1, null]";
    let chunked = "POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    let hostile: Vec<Vec<u8>> = vec![
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET /predict\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20)).into_bytes(),
        format!("GET / HTTP/1.1\r\n{}\r\n", "X-A: b\r\n".repeat(10_000)).into_bytes(),
        // Smuggling: two lengths, a length beside chunks, a length that is none.
        format!("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Length: 5\r\n\r\n{body}").into_bytes(),
        format!("{chunked}Transfer-Encoding: identity\r\n\r\n{body}").into_bytes(),
        format!("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{body}").into_bytes(),
        format!("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{body}").into_bytes(),
        format!("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length : 9\r\n\r\n{body}").into_bytes(),
        format!("{chunked}\r\nfffffffffffffffff\r\n{body}\r\n0\r\n\r\n").into_bytes(),
        format!("{chunked}\r\n-1\r\n{body}\r\n0\r\n\r\n").into_bytes(),
        format!("{chunked}\r\n9\r\n[1, n").into_bytes(),
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[1".to_vec(),
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[1".to_vec(),
        b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: 18446744073709551615\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
        posted("/models/%ff%00/predict", body),
        posted("/models/../../etc/passwd/predict", body),
        posted("/models/iris/versions/99999999999999999999/predict", body),
    ];
    for bytes in &hostile {
        let said = sent(&running, bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{shown}: {said}");
    }
    // A length beside chunks: the chunks count, and nothing is left to be taken for a request.
    let both = format!(
        "{chunked}Content-Length: 3\r\n\r\n9\r\n{body}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    );
    let said = sent(&running, both.as_bytes()).await;
    assert!(!said.contains("HTTP/1.1 5"), "{said}");
    let status = running.handle.status().await.unwrap();
    assert_eq!(status.versions[0].failed_total, 0);
    assert!(sent(&running, &posted("/predict", body)).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_their_order() {
    let running = Running::serving_iris().await;
    let one = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[1, null]";
    let health = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let said = sent(&running, format!("{one}{one}{health}").as_bytes()).await;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 3, "{said}");
    assert!(said.find("\"value\"").unwrap() < said.find("\"status\"").unwrap());
}
