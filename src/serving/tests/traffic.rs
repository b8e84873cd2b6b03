//! Requests that stick, copies, the prediction log, and what came of predictions.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::HeaderValue;

use super::*;
use crate::dag::serving::{LogSpec, ShadowSpec, TrafficSpec, VersionSpec};
use crate::types::serving::{Sticky, TrafficChange};

const BODY: &str = "[[1.5, \"a\"]]";

/// Waits for what happens beside a request.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..2000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not happen");
}

async fn serving(spec: ServingSpec) -> Running {
    let running = Running::as_said(spec).await;
    running.handle.load("iris", 2).await.unwrap();
    running
}

impl Running {
    async fn asked_as(&self, header: &str, value: &str) -> String {
        let mut request = request(Method::POST, "/predict", BODY);
        request.headers_mut().insert(
            header::HeaderName::try_from(header).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
        let answer = self.send(request).await;
        assert_eq!(answer.status(), 200);
        answer.headers()["x-model-version"].to_str().unwrap().to_owned()
    }
}

use hyper::header;

#[tokio::test]
async fn the_same_user_gets_the_same_version_and_a_canary_keeps_its_users() {
    let running = serving(ServingSpec::default()).await;
    let by = Some(Sticky::Header("x-user".to_owned()));
    running.handle.change_traffic("iris", TrafficChange::Sticky { by }).await.unwrap();
    running.handle.set_traffic("iris", vec![(1, 90), (2, 10)]).await.unwrap();
    let user = |n: u32| format!("user-{n}");
    let mut before = Vec::new();
    for n in 0..200 {
        let version = running.asked_as("X-User", &user(n)).await;
        assert_eq!(running.asked_as("x-user", &user(n)).await, version);
        before.push(version);
    }
    let canary = before.iter().filter(|version| *version == "2").count();
    assert!((8..40).contains(&canary), "{canary} of 200");
    running.handle.set_traffic("iris", vec![(1, 50), (2, 50)]).await.unwrap();
    for (n, version) in (0..).zip(&before) {
        let now = running.asked_as("x-user", &user(n)).await;
        assert!(version == "1" || now == "2", "user {n} went back to {now}");
    }
    // Who has no such header takes turns.
    let mut turns = std::collections::BTreeSet::new();
    for _ in 0..10 {
        turns.insert(running.asked_as("x-other", "ada").await);
    }
    assert_eq!(turns.len(), 2);
}

#[tokio::test]
async fn what_the_file_says_cannot_be_changed_elsewhere() {
    let sticky = Some(Sticky::Header("x-user".to_owned()));
    let shadow = ShadowSpec { version: VersionSpec::Alias("challenger".to_owned()), percent: 100 };
    let spec = TrafficSpec { sticky: sticky.clone(), shadow: Some(shadow) };
    let traffic = [("iris".to_owned(), spec)].into_iter().collect();
    let running = serving(ServingSpec { traffic, ..Default::default() }).await;
    let change = |change| running.handle.change_traffic("iris", change);
    change(TrafficChange::Sticky { by: sticky }).await.unwrap();
    let fault = change(TrafficChange::Sticky { by: None }).await.unwrap_err();
    assert!(fault.to_string().contains("`[serving.traffic.iris]` of dags.toml"), "{fault}");
    let off = TrafficChange::Shadow { version: None, percent: 100 };
    assert!(change(off).await.unwrap_err().to_string().contains("what `shadow` is"));
    let fault = change(TrafficChange::Sticky { by: Some(Sticky::ApiKey) }).await.unwrap_err();
    assert!(fault.to_string().contains("dags.toml"), "{fault}");
    // The alias is followed.
    running.source.set_alias("iris", "challenger", 3);
    running.shared.publisher.publish(Event::TrackingChanged);
    until(|| {
        let table = running.shared.table.get();
        table.models["iris"].shadow.as_ref().is_some_and(|shadow| shadow.loaded.version == 3)
    })
    .await;
}

#[tokio::test]
async fn api_keys_keep_their_clients_where_there_are_any() {
    let running = serving(ServingSpec::default()).await;
    let by = TrafficChange::Sticky { by: Some(Sticky::ApiKey) };
    let fault = running.handle.change_traffic("iris", by).await.unwrap_err();
    assert!(fault.to_string().contains("no API keys"), "{fault}");
    let key = |n: u32| format!("{n}-0123456789abcdef");
    let keys = (0..20).map(|n| (format!("k{n}"), crate::dag::secret::Secret::plain(key(n))));
    let running = serving(ServingSpec { api_keys: keys.collect(), ..Default::default() }).await;
    let by = TrafficChange::Sticky { by: Some(Sticky::ApiKey) };
    running.handle.change_traffic("iris", by).await.unwrap();
    running.handle.set_traffic("iris", vec![(1, 50), (2, 50)]).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..20 {
        let version = running.asked_as("x-api-key", &key(n)).await;
        assert_eq!(running.asked_as("authorization", &format!("Bearer {}", key(n))).await, version);
        seen.insert(version);
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn copies_are_compared_and_never_returned() {
    let running = serving(ServingSpec::default()).await;
    let change = TrafficChange::Shadow { version: Some(3), percent: 100 };
    running.handle.change_traffic("iris", change).await.unwrap();
    for _ in 0..20 {
        assert_eq!(running.post("/predict", BODY).await.1, json!([{"value": 1.0}]));
    }
    let view = || {
        let table = running.shared.table.get();
        table.models["iris"].shadow.as_ref().map(|shadow| shadow.view()).unwrap()
    };
    until(|| view().requests == 20).await;
    let seen = view();
    assert_eq!((seen.version, seen.rows, seen.errors, seen.dropped), (3, 20, 0, 0));
    assert_eq!((seen.agreement, seen.difference), (None, Some(2.0)));
    let status = running.handle.status().await.unwrap();
    let versions: Vec<_> = status.versions.iter().map(|v| (v.version, v.weight)).collect();
    assert!(versions.contains(&(3, 0)), "{versions:?}");
    let metrics = bytes_of(running.send(request(Method::GET, "/metrics", "")).await).await;
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    let line = "dagdeck_serving_shadow_requests_total{model=\"iris\",result=\"answered\",version=\"3\"} 20";
    assert!(metrics.contains(line), "{metrics}");
    // Restored with the traffic.
    let again = Running::with(Arc::clone(&running.source)).await;
    assert!(again.shared.table.get().models["iris"].shadow.is_some());
    let off = TrafficChange::Shadow { version: None, percent: 100 };
    running.handle.change_traffic("iris", off).await.unwrap();
    assert!(!running.shared.is_tapped.load(Ordering::Relaxed));
    let fault = running
        .handle
        .change_traffic("iris", TrafficChange::Shadow { version: Some(9), percent: 100 })
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn a_shadow_that_fails_or_is_slow_costs_no_client_anything() {
    let running = serving(ServingSpec::default()).await;
    let change = TrafficChange::Shadow { version: Some(2), percent: 100 };
    running.handle.change_traffic("iris", change).await.unwrap();
    running.source.fake_of("iris", 2).panics.store(true, Ordering::Relaxed);
    for _ in 0..50 {
        assert_eq!(running.post("/predict", BODY).await.0, 200);
    }
    let view = || running.shared.table.get().models["iris"].shadow.as_ref().unwrap().view();
    until(|| view().errors == 50).await;
    assert!(running.handle.status().await.unwrap().recent_errors.is_empty());
}

#[tokio::test]
async fn a_share_of_the_requests_is_copied() {
    let running = serving(ServingSpec::default()).await;
    let change = TrafficChange::Shadow { version: Some(2), percent: 25 };
    running.handle.change_traffic("iris", change).await.unwrap();
    for n in 0..400 {
        let mut request = request(Method::POST, "/predict", BODY);
        request.headers_mut().insert("x-request-id", HeaderValue::from(n));
        assert_eq!(running.send(request).await.status(), 200);
    }
    let view = || running.shared.table.get().models["iris"].shadow.as_ref().unwrap().view();
    until(|| view().requests > 50).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!((60..140).contains(&view().requests), "{}", view().requests);
}

async fn with_log(spec: LogSpec) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let source: Arc<FakeSource> = Arc::default();
    let spec = ServingSpec { log: Some(spec), ..Default::default() };
    let shared = Arc::into_inner(shared_as(Arc::clone(&source) as _, spec)).unwrap();
    let shared = Arc::new(shared.with_log(&folder.path().join("predictions")).unwrap());
    let running = Running::of(source, shared).await;
    running.handle.load("iris", 1).await.unwrap();
    running.handle.set_traffic("iris", vec![(1, 100)]).await.unwrap();
    (running, folder)
}

impl Running {
    /// Asks under an id; returns the status.
    async fn ask_under(&self, id: &str, body: &'static str) -> u16 {
        let mut request = request(Method::POST, "/predict", body);
        request.headers_mut().insert("x-request-id", HeaderValue::from_str(id).unwrap());
        self.send(request).await.status().as_u16()
    }

    async fn tell(&self, body: &Value) -> (u16, Value) {
        let mut request = request(Method::POST, "/outcomes", body.to_string());
        let bearer = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
        request.headers_mut().insert("authorization", bearer);
        let answer = self.send(request).await;
        (answer.status().as_u16(), json_of(answer).await)
    }
}

#[tokio::test]
async fn later_truth_finds_its_prediction_and_counts_once() {
    let (running, _folder) = with_log(LogSpec::default()).await;
    assert_eq!(running.ask_under("one", "[[1.5, \"a\"], [2.5, \"b\"]]").await, 200);
    let told = json!({"outcomes": [
        {"id": "one", "row": 1, "truth": 1.5},
        {"id": "one", "truth": 0, "reward": 2},
        {"id": "two", "truth": 1},
        {"id": "one", "row": 2, "truth": 1},
    ]});
    let (status, answer) = running.tell(&told).await;
    assert_eq!((status, &answer["counted"], &answer["repeated"]), (200, &json!(3), &json!(0)));
    let problems = answer["problems"].as_array().unwrap();
    let of: Vec<_> = problems.iter().map(|problem| (&problem["id"], &problem["row"])).collect();
    assert_eq!(of, [(&json!("two"), &json!(0)), (&json!("one"), &json!(2))]);
    let (_, again) = running.tell(&told).await;
    assert_eq!((&again["counted"], &again["repeated"]), (&json!(0), &json!(3)));
    let view = running.handle.status().await.unwrap().traffic.swap_remove(0);
    let arms: Vec<_> =
        view.arms.iter().map(|arm| (arm.metric.as_str(), arm.value, arm.outcomes)).collect();
    let rmse = (1.25_f64 / 2.0).sqrt();
    assert_eq!(arms, [("mae", 0.75, 2), ("rmse", rmse, 2), ("reward", 2.0, 1)]);
}

#[tokio::test]
async fn what_cannot_be_told_is_refused_as_a_whole() {
    let running = Running::serving_iris().await;
    let (status, answer) = running.tell(&json!([])).await;
    assert_eq!(status, 409);
    assert!(answer["error"].as_str().unwrap().contains("[serving.log]"), "{answer}");
    let (running, _folder) = with_log(LogSpec::default()).await;
    assert_eq!(running.post("/outcomes", "[]").await.0, 401);
    let mut wrong = request(Method::POST, "/outcomes", "{");
    let bearer = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
    wrong.headers_mut().insert("authorization", bearer.clone());
    assert_eq!(running.send(wrong).await.status(), 400);
    for (body, message) in [
        (json!(7), "outcomes are a list of records"),
        (json!([7]), "it is no record"),
        (json!({"truth": 1}), "`id` is missing"),
        (json!({"id": 7, "truth": 1}), "`id` is missing"),
        (json!({"id": "a".repeat(129), "truth": 1}), "longer than 128"),
        (json!({"id": "a", "row": -1, "truth": 1}), "`row` is the number"),
        (json!({"id": "a", "truth": null}), "`truth` is a label or a number"),
        (json!({"id": "a", "reward": "much"}), "`reward` is a number"),
        (json!({"id": "a"}), "neither `truth` nor `reward`"),
        (json!({"id": "a", "thruth": 1}), "`thruth` is unknown"),
        (json!({"outcomes": 1}), "`outcomes` is a list"),
        (json!({"outcomes": [], "more": 1}), "nothing stands beside"),
    ] {
        let (status, answer) = running.tell(&body).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].as_str().unwrap().contains(message), "{body}: {answer}");
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"[{\"id\": \"a\"}]").unwrap();
    let mut packed = request(Method::POST, "/outcomes", packed.finish().unwrap());
    packed.headers_mut().insert("authorization", bearer.clone());
    packed.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    let answer = json_of(running.send(packed).await).await;
    assert!(answer["error"].as_str().unwrap().contains("neither `truth`"), "it is unpacked");
    let many = vec![json!({"id": "a", "truth": 1}); 10_001];
    assert_eq!(running.tell(&json!(many)).await.0, 413);
    assert_eq!(running.ask_under("one", BODY).await, 200);
    let (status, answer) = running.tell(&json!([{"id": "one", "truth": "much"}])).await;
    assert_eq!(status, 200);
    let message = answer["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("`truth` is a number, too"), "{message}");
}

#[tokio::test]
async fn predictions_are_found_again_after_a_restart() {
    let (running, folder) = with_log(LogSpec::default()).await;
    assert_eq!(running.ask_under("before", BODY).await, 200);
    assert_eq!(running.tell(&json!([{"id": "before", "truth": 1}])).await.1["counted"], 1);
    let spec = ServingSpec { log: Some(LogSpec::default()), ..Default::default() };
    let shared = shared_as(Arc::clone(&running.source) as _, spec);
    let shared = Arc::into_inner(shared).unwrap();
    let shared = Arc::new(shared.with_log(&folder.path().join("predictions")).unwrap());
    let again = Running::of(Arc::clone(&running.source), shared).await;
    let told = json!([{"id": "before", "truth": 1}, {"id": "before", "reward": 1}]);
    let (_, answer) = again.tell(&told).await;
    assert_eq!((&answer["counted"], &answer["repeated"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn lines_are_the_owners_alone_and_redacted_columns_are_not_in_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let redact = vec!["kind".to_owned()];
    let (running, folder) = with_log(LogSpec { redact, ..LogSpec::default() }).await;
    assert_eq!(running.ask_under("one", "[[1.5, \"secret\"]]").await, 200);
    assert_eq!(running.tell(&json!([{"id": "one", "truth": 1}])).await.0, 200);
    let place = folder.path().join("predictions/iris");
    let files: Vec<_> = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(files.len(), 1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place), mode(&files[0].path())), (0o700, 0o600));
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(line["input_length"], 1.5);
    assert_eq!((&line["input_kind"], &line["value"]), (&Value::Null, &json!(1.0)));
    assert_eq!(
        (&line["id"], &line["row"], &line["version"]),
        (&json!("one"), &json!(0), &json!(1))
    );
    assert!(!text.contains("secret"));
}

#[tokio::test]
async fn of_many_requests_a_sample_is_kept() {
    let (running, _folder) = with_log(LogSpec { sample: 0.2, ..LogSpec::default() }).await;
    for n in 0..300 {
        let mut request = request(Method::POST, "/predict", BODY);
        request.headers_mut().insert("x-request-id", HeaderValue::from(n));
        running.send(request).await;
    }
    assert_eq!(running.tell(&json!([{"id": "none", "truth": 1}])).await.0, 200);
    let log = running.handle.status().await.unwrap().prediction_log.unwrap();
    assert!((30..95).contains(&log.rows), "{log:?}");
    assert_eq!((log.dropped, log.problem), (0, None));
}

#[tokio::test]
async fn the_document_tells_of_outcomes_where_they_can_be_joined() {
    let running = Running::serving_iris().await;
    assert!(running.get("/docs.json").await.1["paths"]["/outcomes"].is_null());
    let (running, _folder) = with_log(LogSpec::default()).await;
    let (_, docs) = running.get("/docs.json").await;
    let content = &docs["paths"]["/outcomes"]["post"]["requestBody"]["content"]["application/json"];
    let schema = jsonschema::validator_for(&content["schema"]).unwrap();
    assert!(schema.is_valid(&content["example"]));
    assert_eq!(running.tell(&content["example"]).await.0, 200);
    let wrong = json!({"outcomes": [{"id": "one"}]});
    assert!(!schema.is_valid(&wrong));
    assert_eq!(running.tell(&wrong).await.0, 400);
}
