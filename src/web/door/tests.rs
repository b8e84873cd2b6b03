//! A door and its clients over real sockets.

use super::*;
use crate::web::bind;
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello"))))
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { head: Duration::from_millis(50), ..Limits::default() };
    let door = Door::open(listener, service_fn(hello), limits, None);
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    assert_eq!(read_all(&mut slow).await, "", "closed without an answer");
    door.close().await;
}

#[tokio::test]
async fn a_connection_that_is_idle_after_an_answer_is_not_cut_off_as_slow() {
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { head: Duration::from_millis(50), ..Limits::default() };
    let door = Door::open(listener, service_fn(hello), limits, None);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = [0; 16];
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.read_exact(&mut answer).await.unwrap();
    // A second connection that is slow marks that the patience has passed.
    let mut slow = TcpStream::connect(address).await.unwrap();
    read_all(&mut slow).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert_eq!(read_all(&mut stream).await.matches("hello").count(), 2);
    door.close().await;
}

#[tokio::test]
async fn a_request_in_flight_ends_before_the_door_is_closed() {
    let (entered, proceed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = {
        let (entered, proceed) = (Arc::clone(&entered), Arc::clone(&proceed));
        service_fn(move |request| {
            let (entered, proceed) = (Arc::clone(&entered), Arc::clone(&proceed));
            async move {
                entered.notify_one();
                proceed.notified().await;
                hello(request).await
            }
        })
    };
    let door = Door::open(listener, service, Limits::default(), None);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    entered.notified().await;
    let closing = tokio::spawn(door.close());
    proceed.notify_one();
    assert!(read_all(&mut stream).await.ends_with("hello"));
    closing.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn connections_over_the_limit_wait_their_turn() {
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let door = Door::open(listener, service_fn(hello), limits, None);
    let first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    drop(first);
    assert!(read_all(&mut second).await.ends_with("hello"));
    door.close().await;
}

/// Opens a connection of HTTP/2; the task ends when the connection does.
async fn http2(
    address: std::net::SocketAddr,
) -> (hyper::client::conn::http2::SendRequest<Full<Bytes>>, JoinHandle<()>) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let executor = TokioExecutor::new();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
    let connection = tokio::spawn(async move {
        // How it ends is what is tested.
        let _ = connection.await;
    });
    (sender, connection)
}

fn get() -> Request<Full<Bytes>> {
    Request::get("http://x/").body(Full::default()).unwrap()
}

#[tokio::test]
async fn many_requests_of_one_connection_and_old_clients_beside() {
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { http2: true, ..Limits::default() };
    let door = Door::open(listener, service_fn(hello), limits, None);
    let (sender, _) = http2(address).await;
    let asked = (0..500).map(|_| {
        let mut sender = sender.clone();
        async move { sender.send_request(get()).await.unwrap() }
    });
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!((answer.version(), answer.status().as_u16()), (hyper::Version::HTTP_2, 200));
    }
    let mut old = TcpStream::connect(address).await.unwrap();
    old.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_all(&mut old).await.ends_with("hello"));
    door.close().await;
}

#[tokio::test]
async fn a_door_without_http2_refuses_it() {
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door::open(listener, service_fn(hello), Limits::default(), None);
    let (mut sender, _) = http2(address).await;
    assert!(sender.send_request(get()).await.is_err());
    door.close().await;
}

#[tokio::test]
async fn an_idle_connection_of_http2_is_closed_and_one_at_work_is_not() {
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let idle = Duration::from_millis(100);
    let limits = Limits { idle, http2: true, ..Limits::default() };
    let service = service_fn(move |request| async move {
        tokio::time::sleep(idle * 3).await;
        hello(request).await
    });
    let door = Door::open(listener, service, limits, None);
    let (mut sender, connection) = http2(address).await;
    let answer = sender.send_request(get()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    tokio::time::timeout(Duration::from_secs(5), connection).await.unwrap().unwrap();
    // A request that was taken back keeps no connection.
    let (mut sender, connection) = http2(address).await;
    let taken_back = sender.send_request(get());
    assert!(tokio::time::timeout(idle / 2, taken_back).await.is_err());
    tokio::time::timeout(Duration::from_secs(5), connection).await.unwrap().unwrap();
    // One that never asks anything, a head's time after its beginning.
    let limits = Limits { head: idle, ..limits };
    let listener = bind::tcp("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let other = Door::open(listener, service_fn(hello), limits, None);
    let mut silent = TcpStream::connect(address).await.unwrap();
    for piece in [&b"PR"[..], b"I * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        silent.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::timeout(Duration::from_secs(5), read_all(&mut silent)).await.unwrap();
    other.close().await;
    door.close().await;
}
