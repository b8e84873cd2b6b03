//! The door that Airflow's clients know, over a real socket, before a scripted engine.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use super::asset_id;
use crate::api::{Guard, open};
use crate::runtime::control::tests::world::World;
use crate::sched::{Change, Input};
use crate::store::sample::asset_event;
use crate::types::asset::AssetEventSource;
use crate::web::{Door, Token, bind};

pub(in crate::api) struct Stage {
    pub(in crate::api) world: World,
    address: std::net::SocketAddr,
    pub(in crate::api) token: Token,
    _door: Door,
    _stop: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

impl Stage {
    pub(in crate::api) async fn new() -> Self {
        let world = World::new();
        let dir = tempfile::tempdir().unwrap();
        let token = Token::load_or_create(&dir.path().join("token")).unwrap();
        let listener = bind::tcp("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        let guard = Guard::Token(token.clone());
        let door = open(listener, world.control.clone(), guard, stop.subscribe());
        Self { world, address, token, _door: door, _stop: stop, _dir: dir }
    }

    pub(in crate::api) async fn ask(&self, line: &str, bearer: &str, body: &str) -> (u16, Value) {
        let mut stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(&format!("GET {path}"), self.token.as_str(), "").await
    }

    async fn post(&self, body: Value) -> (u16, Value) {
        let line = "POST /api/v2/assets/events";
        self.ask(line, self.token.as_str(), &body.to_string()).await
    }
}

#[tokio::test]
async fn an_event_is_made_of_an_asset_by_its_id() {
    let stage = Stage::new().await;
    let (status, assets) = stage.get("/api/v2/assets?limit=1").await;
    assert_eq!((status, &assets["total_entries"]), (200, &json!(2)));
    assert_eq!(assets["assets"].as_array().unwrap().len(), 1);
    let id = &assets["assets"][0]["id"];
    let body = json!({"asset_id": id, "partition_key": "2026-03-10", "extra": {"rows": 3}});
    let (status, event) = stage.post(body).await;
    assert_eq!((status, event["asset_id"].clone()), (200, id.clone()));
    assert_eq!(event["extra"], json!({"rows": 3, "from_rest_api": true}));
    assert_eq!((&event["source_map_index"], &event["created_dagruns"]), (&json!(-1), &json!([])));
    let Input::AssetChanged(spec) = stage.world.last_input() else { panic!() };
    assert_eq!(spec.source, AssetEventSource::Api);
    assert_eq!(spec.partition_key.as_deref(), Some("2026-03-10"));
    assert_eq!(spec.name, Some("csv".into()));
}

#[tokio::test]
async fn an_asset_may_be_named_or_be_found_by_its_uri() {
    let stage = Stage::new().await;
    assert_eq!(stage.post(json!({"name": "employees"})).await.0, 200);
    assert_eq!(stage.post(json!({"uri": "warehouse:employees"})).await.0, 200);
    let (status, body) = stage.post(json!({"name": "nobody"})).await;
    assert_eq!(
        (status, body["detail"].as_str()),
        (404, Some("Asset with name: `nobody` was not found"))
    );
    assert_eq!(stage.post(json!({"asset_id": 7})).await.0, 404);
    assert_eq!(stage.post(json!({})).await.0, 400);
}

#[tokio::test]
async fn what_no_client_should_send_is_refused_as_airflow_does() {
    let stage = Stage::new().await;
    for body in [
        json!({"name": "csv", "colour": "red"}),
        json!({"name": "csv", "partition_key": " "}),
        json!({"name": "csv", "extra": 3}),
        json!({"name": "csv", "access_control": {"allow_global": true}}),
    ] {
        let (status, answer) = stage.post(body.clone()).await;
        assert_eq!(status, 422, "{body}");
        assert!(answer["detail"][0]["msg"].is_string(), "{answer}");
    }
    let line = "POST /api/v2/assets/events";
    assert_eq!(stage.ask(line, "wrong", r#"{"name": "csv"}"#).await.0, 401);
    assert_eq!(stage.get("/api/v2/assets?colour=red").await.0, 422);
}

#[tokio::test]
async fn events_are_listed_in_pages_oldest_first_or_newest_first() {
    let stage = Stage::new().await;
    let rows = (1..=5).map(|id| Change::InsertAssetEvent(asset_event(id, "csv"))).collect();
    stage.world.commit(rows).await;
    let other = vec![Change::InsertAssetEvent(asset_event(6, "employees"))];
    stage.world.commit(other).await;
    let ids = |answer: &Value| {
        let events = answer["asset_events"].as_array().unwrap().iter();
        events.map(|event| event["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let (_, all) = stage.get("/api/v2/assets/events").await;
    assert_eq!((ids(&all), &all["total_entries"]), (vec![1, 2, 3, 4, 5, 6], &json!(6)));
    let (_, page) = stage.get("/api/v2/assets/events?limit=2&offset=1").await;
    assert_eq!(ids(&page), [2, 3]);
    let (_, page) = stage.get("/api/v2/assets/events?limit=2&offset=5").await;
    assert_eq!(ids(&page), [6]);
    assert!(ids(&stage.get("/api/v2/assets/events?offset=9").await.1).is_empty());
    let id = asset_id(&"csv".into());
    let of_one = format!("/api/v2/assets/events?asset_id={id}&order_by=-timestamp&limit=2");
    let (_, page) = stage.get(&of_one).await;
    assert_eq!((ids(&page), &page["total_entries"]), (vec![5, 4], &json!(5)));
    assert_eq!(stage.get("/api/v2/assets/events?order_by=id").await.0, 400);
}
