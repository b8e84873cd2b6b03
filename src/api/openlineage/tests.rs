//! The door of OpenLineage's clients, over a real socket.

use serde_json::{Value, json};

use crate::api::assets::tests::Stage;
use crate::store::openlineage::received;

fn event() -> Value {
    json!({
        "eventType": "COMPLETE",
        "eventTime": "2026-03-10T09:00:00Z",
        "run": {"runId": "0192b2c4-7d5e-7000-8000-1f2e3d4c5b6a"},
        "job": {"namespace": "dbt", "name": "model.orders"},
        "outputs": [{"namespace": "file", "name": "/a.csv"}],
        "producer": "p",
        "schemaURL": "s",
    })
}

async fn post(stage: &Stage, body: &str) -> (u16, Value) {
    stage.ask("POST /api/v1/lineage", stage.token.as_str(), body).await
}

#[tokio::test]
async fn an_event_is_taken_once_however_often_it_is_sent() {
    let stage = Stage::new().await;
    for _ in 0..2 {
        assert_eq!(post(&stage, &event().to_string()).await, (201, Value::Null));
    }
    let mut other = event();
    other["eventType"] = "OTHER".into();
    assert_eq!(post(&stage, &other.to_string()).await.0, 201);
    let kept = stage.world.parts.store.read(|conn| received::list(conn, 10)).await.unwrap();
    assert_eq!(kept.iter().map(|one| &*one.event_type).collect::<Vec<_>>(), ["OTHER", "COMPLETE"]);
    assert_eq!(kept[1].event, event());
}

#[tokio::test]
async fn what_is_none_is_refused_with_what_is_wrong() {
    let stage = Stage::new().await;
    let mut nameless = event();
    nameless["job"]["name"] = Value::Null;
    let (status, answer) = post(&stage, &nameless.to_string()).await;
    assert_eq!(status, 400);
    assert_eq!(answer["detail"], "`job.name` is missing; write a text");
    assert_eq!(post(&stage, "{\"eventTime\": ").await.0, 400);
    let large = format!("{{\"x\": \"{}\"}}", "x".repeat(5 << 20));
    assert_eq!(post(&stage, &large).await.0, 413);
    let line = "POST /api/v1/lineage";
    assert_eq!(stage.ask(line, "wrong", &event().to_string()).await.0, 401);
    let kept = stage.world.parts.store.read(|conn| received::list(conn, 10)).await.unwrap();
    assert!(kept.is_empty());
}
