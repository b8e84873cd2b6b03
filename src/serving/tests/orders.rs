//! What orders do.

use super::*;

#[tokio::test]
async fn a_load_answers_the_models_own_examples() {
    let running = Running::empty().await;
    let check = running.handle.load("iris", 2).await.unwrap();
    assert_eq!(check.rows, 1);
    let status = running.handle.status().await.unwrap();
    assert_eq!((status.versions[0].version, status.versions[0].weight), (2, 0));
    assert_eq!(status.default_model, None, "no traffic was set");
}

#[tokio::test]
async fn the_status_has_an_example_that_the_default_model_answers() {
    let running = Running::serving_iris().await;
    let status = running.handle.status().await.unwrap();
    assert_eq!(status.example, Some(json!([[1.5, "a"]])), "a list is shorter than a record");
    let body = status.example.unwrap().to_string();
    assert_eq!(running.post("/predict", body).await.0, 200);
    assert_eq!(Running::empty().await.handle.status().await.unwrap().example, None);
}

#[tokio::test]
async fn a_version_that_answers_otherwise_than_after_training_is_not_loaded() {
    let running = Running::empty().await;
    let fault = running.handle.load("iris", 6).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("answered {\"value\":7.0} after training"), "{fault}");
    let fault = running.handle.load("iris", 99).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(running.handle.status().await.unwrap().versions.is_empty());
}

#[tokio::test]
async fn traffic_is_kept_and_restored() {
    let running = Running::serving_iris().await;
    running.handle.load("iris", 2).await.unwrap();
    running.handle.set_traffic("iris", vec![(1, 90), (2, 10)]).await.unwrap();
    running.handle.load("housing", 1).await.unwrap();
    running.handle.set_traffic("housing", vec![(1, 100)]).await.unwrap();
    let source = Arc::clone(&running.source);
    running.server.stop().await;

    let again = Running::with(source).await;
    let status = again.handle.status().await.unwrap();
    let shares: Vec<_> =
        status.versions.iter().map(|v| (v.model.as_str(), v.version, v.weight)).collect();
    assert_eq!(shares, [("housing", 1, 100), ("iris", 1, 90), ("iris", 2, 10)]);
    assert_eq!(status.default_model.as_deref(), Some("housing"), "what was set last");
}

#[tokio::test]
async fn a_version_that_cannot_be_restored_leaves_its_share_to_the_others() {
    let source = Arc::new(FakeSource::default());
    source.keep_traffic("iris", &[(1, 90), (99, 10)]).unwrap();
    let running = Running::with(source).await;
    let status = running.handle.status().await.unwrap();
    assert_eq!((status.versions.len(), status.versions[0].weight), (1, 100));
    assert!(status.recent_errors[0].message.contains("no version 99"));
}

#[tokio::test]
async fn traffic_that_cannot_be_kept_is_not_put_in_force() {
    let running = Running::serving_iris().await;
    running.handle.load("iris", 2).await.unwrap();
    running.source.keeping_fails.store(true, Ordering::Relaxed);
    assert!(running.handle.set_traffic("iris", vec![(2, 100)]).await.is_err());
    assert_eq!(running.post("/predict", "[1, null]").await.1[0]["value"], json!(1.0));
    let fault = running.handle.set_traffic("iris", vec![(4, 100)]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict, "not loaded");
}

#[tokio::test]
async fn a_prediction_by_order_does_not_count() {
    let running = Running::serving_iris().await;
    let answers = running.handle.predict("iris", None, vec![json!([1, null])]).await.unwrap();
    assert_eq!(answers, [json!({"value": 1.0})]);
    let fault = running.handle.predict("iris", Some(9), vec![]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    let fault = running.handle.predict("iris", None, vec![json!([])]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert_eq!(running.handle.status().await.unwrap().versions[0].requests_total, 0);
}

#[tokio::test]
async fn the_status_counts_requests_and_remembers_errors() {
    let running = Running::serving_iris().await;
    for body in ["[1, null]", "[1]", "nope"] {
        running.post("/predict", body).await;
    }
    let status = running.handle.status().await.unwrap();
    let version = &status.versions[0];
    assert_eq!((version.requests_total, version.errors_total), (2, 1), "broken JSON reached none");
    assert!(version.p50_ms.is_some() && version.requests_per_sec > 0.0);
    assert_eq!(status.recent_errors.len(), 2);
    assert!(status.recent_errors[0].message.contains("broken"), "newest first");
    assert_eq!(status.recent_errors[1].version, Some(1));
    assert!(status.requests_history.last().unwrap() > &0.0);
    for _ in 0..100 {
        running.post("/predict", "nope").await;
    }
    assert_eq!(running.handle.status().await.unwrap().recent_errors.len(), 50);
}

#[tokio::test]
async fn a_taken_port_is_a_problem_and_orders_are_taken_all_the_same() {
    let first = Running::empty().await;
    let address = first.server.listen.clone().unwrap();
    let (handle, orders) = channel();
    let places = Places::of(&ServingSpec::default(), &address, Path::new("/"));
    let second = start_with(shared_with(&Arc::default()), &places, orders).await.unwrap();
    let problem = second.problem.clone().unwrap();
    assert_eq!(
        problem,
        format!("listen on `{address}`: address in use; start with --serving ADDR")
    );
    handle.load("iris", 1).await.unwrap();
    let status = handle.status().await.unwrap();
    assert_eq!((status.listen, status.problem), (None, Some(problem)));
}

#[tokio::test]
async fn orders_after_the_stop_are_refused() {
    let running = Running::empty().await;
    running.server.stop().await;
    let fault = running.handle.status().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
}
