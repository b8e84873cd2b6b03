//! Variables, connections and pools that are set at run time.

use std::fs;

use super::world::{World, deck};
use super::*;
use crate::sched::Input;
use crate::store::{event_log, settings};
use crate::types::settings::{Connection, ConnectionTest, Origin, Pool, Variable};

/// A world whose live deck is that of a file on disk.
fn world(file: &str) -> World {
    let world = World::new();
    put_file(&world, file);
    world
}

fn put_file(world: &World, file: &str) {
    fs::write(world.parts.layout.project().join("dags.toml"), file).unwrap();
}

fn set(key: &str, value: &str) -> Request {
    let variable = Variable { key: key.into(), value: value.into(), description: None };
    Request::SetVariables { variables: vec![variable] }
}

fn connect(conn_id: &str, url: &str) -> Request {
    let connection = Connection {
        conn_id: conn_id.into(),
        url: url.into(),
        options: Default::default(),
        description: None,
    };
    Request::SetConnections { connections: vec![connection] }
}

fn slots(pool: &str, slots: u32) -> Request {
    Request::SetPools { pools: vec![Pool { pool: pool.into(), slots, description: None }] }
}

/// The deck that the engine was told last.
fn told(world: &World) -> Arc<crate::dag::Deck> {
    match world.last_input() {
        Input::DefinitionsLoaded(deck) => deck,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_set_is_in_force_at_once_and_in_the_feed_without_its_value() {
    let world = world("");
    world.ask(set("city", "Bremen")).await;
    assert_eq!(told(&world).variables["city"].reveal(), "Bremen");
    world.ask(slots("default_pool", 7)).await;
    assert_eq!(told(&world).pools["default_pool"], 7);
    world.ask(connect("hook", "http://u:${env:TOKEN}@127.0.0.1/")).await;
    assert_eq!(told(&world).connections["hook"].url.reveal(), "http://u:tiger@127.0.0.1/");

    let lines = world.parts.store.read(|conn| event_log::list(conn, 9, None)).await.unwrap();
    let events: Vec<&str> = lines.iter().map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["connection.set", "pool.set", "variable.set"]);
    assert!(lines.iter().all(|line| line.owner.is_some()));
    let text = serde_json::to_string(&lines).unwrap();
    assert!(!text.contains("Bremen") && !text.contains("tiger"), "{text}");
    let kept = world.parts.store.read(settings::load).await.unwrap();
    assert_eq!(kept.connections[0].url, "http://u:${env:TOKEN}@127.0.0.1/");
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let world = world("");
    let before = world.inputs.lock().unwrap().len();
    let both = Request::SetVariables {
        variables: vec![
            Variable { key: "fine".into(), value: "x".into(), description: None },
            Variable { key: "api_token".into(), value: "abc".into(), description: None },
        ],
    };
    let fault = world.refusal(both).await;
    assert_eq!(fault.kind, FaultKind::Invalid);
    let kept = world.parts.store.read(settings::load).await.unwrap();
    assert!(kept.variables.is_empty());
    assert_eq!(world.inputs.lock().unwrap().len(), before);
}

#[tokio::test]
async fn what_nobody_set_cannot_be_deleted() {
    let world = world("");
    let unknown = Request::DeleteVariable { key: "none".into() };
    assert_eq!(world.refusal(unknown).await.kind, FaultKind::NotFound);
    let unknown = Request::DeleteConnection { conn_id: "none".into() };
    assert_eq!(world.refusal(unknown).await.kind, FaultKind::NotFound);
    let unknown = Request::DeletePool { pool: "none".into() };
    assert_eq!(world.refusal(unknown).await.kind, FaultKind::NotFound);
    let unknown = Request::TestConnection { conn_id: "none".into() };
    assert_eq!(world.refusal(unknown).await.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn what_a_definition_names_cannot_be_taken_away() {
    let file = "[dag.d.task.t]\noperator = \"command\"\ncommand = \"{{ var.value.city }}\"\n";
    let world = world(file);
    world.ask(set("city", "Bremen")).await;
    let fault = world.refusal(Request::DeleteVariable { key: "city".into() }).await;
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("there is no variable `city` at dags.toml:3"), "{fault}");
    put_file(&world, "");
    world.ask(Request::DeleteVariable { key: "city".into() }).await;
    assert!(world.parts.store.read(settings::load).await.unwrap().variables.is_empty());
}

#[tokio::test]
async fn a_connection_of_another_kind_than_its_tasks_need_is_refused() {
    let file = "[dag.d.task.t]\noperator = \"notify\"\nconnection = \"ops\"\nmessage = \"x\"\n";
    let world = world(file);
    world.ask(connect("ops", "log:")).await;
    let fault = world.refusal(connect("ops", "sqlite:w.db")).await;
    assert!(fault.message.contains("dags.toml` would be broken"), "{fault}");
    world.ask(connect("ops", "http://127.0.0.1/")).await;
    let delete = Request::DeleteConnection { conn_id: "ops".into() };
    assert_eq!(world.refusal(delete).await.kind, FaultKind::Conflict);
}

#[tokio::test]
async fn a_pool_that_tasks_use_is_kept_and_who_uses_it_is_said() {
    let mut deck = deck();
    let settings = crate::types::settings::Settings {
        pools: vec![Pool { pool: "extra".into(), slots: 2, description: None }],
        ..Default::default()
    };
    let etl = Arc::make_mut(&mut deck.dags["etl"]);
    etl.tasks["load"].pool = "extra".into();
    let world =
        World::with(deck.with_settings(settings, &|_| None), Box::new(super::world::ordinary));
    put_file(&world, "");
    world.ask(slots("extra", 3)).await;
    let fault = world.refusal(Request::DeletePool { pool: "extra".into() }).await;
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert_eq!(fault.message, "pool `extra` is used by etl.load");
}

#[tokio::test]
async fn lists_say_where_each_comes_from_and_mask_secrets() {
    let mut deck = deck();
    deck.variables.insert("region".into(), crate::dag::secret::Secret::plain("north"));
    deck.variables.insert("api_key".into(), crate::dag::secret::Secret::plain("abc"));
    let settings = crate::types::settings::Settings {
        variables: vec![Variable {
            key: "token".into(),
            value: "${env:TOKEN}".into(),
            description: None,
        }],
        pools: vec![Pool { pool: "default_pool".into(), slots: 5, description: None }],
        ..Default::default()
    };
    let lookup = |_: &str| Some("tiger".to_owned());
    let world =
        World::with(deck.with_settings(settings, &lookup), Box::new(super::world::ordinary));
    let Answer::Variables(found) = world.ask(Request::ListVariables).await else { panic!() };
    let shown: Vec<_> =
        found.iter().map(|one| (one.key.as_str(), one.value.as_str(), one.origin)).collect();
    assert_eq!(
        shown,
        [
            ("region", "north", Origin::DagsToml),
            ("api_key", "***", Origin::DagsToml),
            ("token", "${env:TOKEN}", Origin::RunTime),
        ]
    );
    let Answer::Pools(pools) = world.ask(Request::ListPools).await else { panic!() };
    assert_eq!((pools[0].origin, pools[0].declared_slots), (Origin::RunTime, Some(128)));
    assert_eq!((pools[0].running_slots, pools[0].open_slots), (1, 127));
}

#[tokio::test]
async fn a_connection_is_tried() {
    let mut deck = deck();
    deck.project = std::env::temp_dir();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("no.db"), "this is no database, however long it is").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let path = folder.path().display();
    let urls = [
        ("messages", "log:".to_owned()),
        ("lake", format!("file:{path}")),
        ("none", format!("file:{path}/none")),
        ("file", format!("file:{path}/no.db")),
        ("broken", format!("sqlite:{path}/no.db")),
        ("new", format!("sqlite:{path}/new.db")),
        ("closed", format!("http://{address}/")),
    ];
    let connections = urls.map(|(conn_id, url)| Connection {
        conn_id: conn_id.into(),
        url,
        options: Default::default(),
        description: None,
    });
    let settings = crate::types::settings::Settings {
        connections: connections.to_vec(),
        ..Default::default()
    };
    let world =
        World::with(deck.with_settings(settings, &|_| None), Box::new(super::world::ordinary));
    let mut found = Vec::new();
    for one in &connections {
        let request = Request::TestConnection { conn_id: one.conn_id.clone() };
        let Answer::ConnectionTest(ConnectionTest { ok, message, .. }) = world.ask(request).await
        else {
            panic!()
        };
        assert!(!message.is_empty());
        found.push(ok);
    }
    assert_eq!(found, [true, true, true, false, false, true, false]);
    assert!(!folder.path().join("new.db").exists(), "nothing is made");
}
