//! Real clients over real sockets, while traffic is moved.

use std::sync::atomic::AtomicU64;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;

/// Sends requests on one connection until `stop`, and counts answers; each must be right.
async fn hammer(address: String, stop: Arc<AtomicBool>, answered: Arc<AtomicU64>) {
    let stream = TcpStream::connect(&address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    while !stop.load(Ordering::Relaxed) {
        let mut asked = request(Method::POST, "/predict", "[[1.5, \"a\"]]");
        asked.headers_mut().insert("host", "x".parse().unwrap());
        sender.ready().await.unwrap();
        let response = sender.send_request(asked).await.unwrap();
        assert_eq!(response.status(), 200);
        let version: f64 = response.headers()["x-model-version"].to_str().unwrap().parse().unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body[0]["value"], json!(version), "the version that is named answered");
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_versions_are_swapped() {
    let running = Running::serving_iris().await;
    let address = running.server.listen.clone().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| tokio::spawn(hammer(address.clone(), Arc::clone(&stop), Arc::clone(&answered))))
        .collect();
    let mut current = 1;
    for round in 0..60 {
        let next = current % 5 + 1;
        running.handle.load("iris", next).await.unwrap();
        for share in [10, 50] {
            let weights = vec![(current, 100 - share), (next, share)];
            running.handle.set_traffic("iris", weights).await.unwrap();
        }
        running.handle.set_traffic("iris", vec![(next, 100)]).await.unwrap();
        current = next;
        // Every client gets its turn under each distribution of the traffic.
        let so_far = answered.load(Ordering::Relaxed);
        while answered.load(Ordering::Relaxed) < so_far + 8 {
            assert!(clients.iter().all(|client| !client.is_finished()), "round {round}");
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let status = running.handle.status().await.unwrap();
    assert_eq!(status.versions.len(), 1, "all others were let go");
    running.server.stop().await;
}

#[tokio::test]
async fn a_stop_ends_requests_in_flight_and_then_nobody_listens() {
    let running = Running::serving_iris().await;
    let address = running.server.listen.clone().unwrap();
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let client = tokio::spawn(hammer(address.clone(), Arc::clone(&stop), Arc::clone(&answered)));
    while answered.load(Ordering::Relaxed) < 10 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    client.await.unwrap();
    running.server.stop().await;
    assert!(TcpStream::connect(&address).await.is_err());
}
