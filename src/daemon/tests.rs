//! The doors of a daemon, from outside: over the socket with the client, over TCP with the token.

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request as HttpRequest, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::*;
use crate::runtime::Handle;
use crate::runtime::engine::Live;
use crate::runtime::executor::Workers;
use crate::types::FaultKind;
use crate::types::event::{Event, NumberedEvent};
use crate::types::executor::SlurmHeard;
use crate::types::time::now;

/// The doors of a daemon whose engine has stopped.
struct House {
    _project: tempfile::TempDir,
    layout: Layout,
    publisher: Publisher,
    streams: watch::Sender<bool>,
    doors: Vec<Door>,
    api: String,
    socket: SocketFile,
    token: Token,
}

impl House {
    async fn open() -> Self {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("dags.toml"), "").unwrap();
        let layout = Layout::new(project.path());
        folder::prepare(&layout).unwrap();
        let publisher = Publisher::default();
        let control = control(&layout, &publisher);
        let listeners = Listeners::bind(&layout, Some("127.0.0.1:0")).await.unwrap();
        let api = listeners.api_listen().unwrap();
        let streams = watch::Sender::new(false);
        let (doors, socket) = listeners.open(&control, &streams);
        let token = Token::load_or_create(&layout.token()).unwrap();
        Self { _project: project, layout, publisher, streams, doors, api, socket, token }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.layout.socket()).await.unwrap()
    }

    /// Sends one request over the socket.
    async fn send(&self, request: HttpRequest<Full<Bytes>>) -> (StatusCode, Value) {
        let stream = bind::connect(&self.layout.socket()).await.unwrap();
        json_of(send_over(stream, request).await).await
    }

    /// Sends one request over TCP.
    async fn send_tcp(&self, request: HttpRequest<Full<Bytes>>) -> Response<hyper::body::Incoming> {
        send_over(TcpStream::connect(&self.api).await.unwrap(), request).await
    }
}

fn control(layout: &Layout, publisher: &Publisher) -> Control {
    let (inputs, _) = tokio::sync::mpsc::channel(1);
    let deck = Deck {
        project: layout.project().to_owned(),
        name: "test".to_owned(),
        timezone: jiff::tz::TimeZone::UTC,
        max_active_tasks: 16,
        max_map_length: 1024,
        dags: Default::default(),
        assets: Default::default(),
        asset_aliases: Default::default(),
        datasets: Default::default(),
        connections: Default::default(),
        variables: Default::default(),
        pools: Default::default(),
        api_listen: None,
        pools_with_deferred: Default::default(),
        serving: dag::serving::ServingSpec {
            listen: "127.0.0.1:0".to_owned(),
            ..Default::default()
        },
        xcom: crate::dag::spec::XcomLimits::default(),
        retention: Default::default(),
        overlay: Default::default(),
        sources: Vec::new(),
        slurm: Default::default(),
        openlineage: Default::default(),
        tracking: Default::default(),
        warnings: Vec::new(),
    };
    let live = Live {
        deck: Arc::new(deck),
        dag_states: Arc::default(),
        slots_used: 0,
        slots_total: 16,
        pools: Vec::new(),
        runs_running: 0,
        runs_queued: 0,
        trouble: None,
    };
    let store = Store::open(&layout.database()).unwrap();
    let handle = Handle { inputs };
    let project = layout.project().to_owned();
    Control::new(ControlParts {
        layout: layout.clone(),
        desk: Desk::new(project, store.clone(), handle.clone(), Arc::new(|_| None)),
        store,
        handle,
        live: watch::channel(Arc::new(live)).1,
        slurm: watch::channel(SlurmHeard::default()).1,
        workers: Workers::channel().0,
        definitions: watch::channel(DefinitionsView::default()).1,
        watch_problems: watch::channel(Vec::new()).1,
        openlineage: watch::channel(None).1,
        mirror: watch::channel(None).1,
        publisher: publisher.clone(),
        serving: channel().0,
        clock: Arc::new(SystemClock),
        started_at: now(),
        api_listen: None,
        listen_problems: Vec::new(),
        operating: Arc::default(),
        shutdown: Arc::default(),
    })
}

async fn send_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: HttpRequest<Full<Bytes>>,
) -> Response<hyper::body::Incoming> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

async fn json_of(response: Response<hyper::body::Incoming>) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn request(method: Method, path: &str, body: impl Into<Bytes>) -> HttpRequest<Full<Bytes>> {
    HttpRequest::builder()
        .method(method)
        .uri(path)
        .header("host", "x")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

#[tokio::test]
async fn what_the_door_itself_refuses_is_a_detail() {
    let house = House::open().await;
    let ask = "/control/v1/ask";
    let large = " ".repeat((4 << 20) + 1);
    for (method, path, body, status, says) in [
        (Method::POST, ask, "{", 400, "JSON"),
        (Method::POST, ask, r#"{"ask":"make_tea"}"#, 422, "make_tea"),
        (Method::POST, ask, large.as_str(), 413, "limit"),
        (Method::GET, ask, "", 405, "does not take GET"),
        (Method::GET, "/nowhere", "", 404, "there is no `/nowhere`"),
    ] {
        let (found, answer) = house.send(request(method, path, body.to_owned())).await;
        assert_eq!(found.as_u16(), status, "{path}: {answer}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{path}: {detail}");
    }
}

#[tokio::test]
async fn over_tcp_all_but_health_needs_the_token() {
    let house = House::open().await;
    let (status, health) =
        json_of(house.send_tcp(request(Method::GET, "/healthz", "")).await).await;
    assert_eq!((status, health["status"].as_str()), (StatusCode::OK, Some("ok")));
    for path in ["/control/v1/ask", "/control/v1/events", "/nowhere"] {
        let answer = house.send_tcp(request(Method::GET, path, "")).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
    let mut wrong = request(Method::GET, "/nowhere", "");
    wrong.headers_mut().insert("authorization", "Bearer x".parse().unwrap());
    assert_eq!(house.send_tcp(wrong).await.status(), StatusCode::UNAUTHORIZED);
    let mut right = request(Method::GET, "/nowhere", "");
    let bearer = format!("Bearer {}", house.token.as_str());
    right.headers_mut().insert("authorization", bearer.parse().unwrap());
    assert_eq!(house.send_tcp(right).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn events_reach_the_client_and_end_with_the_daemon() {
    let house = House::open().await;
    let client = house.client().await;
    let mut events = client.events().await.unwrap();
    house.publisher.publish(Event::TrackingChanged);
    house.publisher.publish(Event::DefinitionsChanged { broken: true });
    let expected = [Event::TrackingChanged, Event::DefinitionsChanged { broken: true }];
    for (seq, event) in (1..).zip(expected) {
        assert_eq!(events.next().await, Some(NumberedEvent { seq, event }));
    }
    house.streams.send_replace(true);
    futures_util::future::join_all(house.doors.into_iter().map(Door::close)).await;
    assert_eq!(events.next().await, None);
    drop(house.socket);
    assert!(!house.layout.socket().exists());
    let fault = Client::connect(&house.layout.socket()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn an_api_address_that_is_taken_is_refused_with_a_remedy() {
    let house = House::open().await;
    let fault = Listeners::bind(&house.layout, Some(&house.api)).await.err().unwrap();
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains(&house.api) && fault.hint.unwrap().contains("--api"));
}

fn options(project: &std::path::Path) -> DaemonOptions {
    DaemonOptions {
        project: project.to_owned(),
        api: None,
        serving: Some("127.0.0.1:0".to_owned()),
        lookup: Arc::new(|_| None),
        executable: PathBuf::from("/bin/false"),
        environment: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_starts_is_alone_and_leaves_nothing_but_its_state() {
    let project = tempfile::tempdir().unwrap();
    let dags = "[dag.d.task.t]\noperator = \"empty\"\n";
    std::fs::write(project.path().join("dags.toml"), dags).unwrap();
    let layout = Layout::new(project.path());
    for _ in 0..2 {
        let daemon = Daemon::start(options(project.path())).await.unwrap();
        assert!(is_running(&layout));
        let client = Client::connect(&layout.socket()).await.unwrap();
        let mut events = client.events().await.unwrap();

        let fault = Daemon::start(options(project.path())).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(fault.message.contains(&std::process::id().to_string()), "{fault}");
        assert!(Client::connect(&layout.socket()).await.is_ok(), "the first goes on");

        daemon.run_until(async {}).await.unwrap();
        // Events of the start may lie there still; behind them the stream has ended.
        while events.next().await.is_some() {}
        assert!(!layout.socket().exists());
        assert!(!is_running(&layout));
    }
}

#[tokio::test]
async fn broken_definitions_are_drawn_and_nothing_is_left_running() {
    let project = tempfile::tempdir().unwrap();
    let dags = "[dag.d.task.t]\noperator = \"emtpy\"\nnope = 1\n";
    std::fs::write(project.path().join("dags.toml"), dags).unwrap();
    let fault = Daemon::start(options(project.path())).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(fault.message.contains("emtpy") && fault.message.contains("dags.toml"), "{fault}");
    let layout = Layout::new(project.path());
    assert!(!is_running(&layout) && !layout.socket().exists());
}
