//! Accepts connections and serves HTTP/1.1 on them until it is closed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::web::bind::{Accept, Arrival};
use crate::web::lanes::Lanes;
use crate::web::patience::{Answering, Patient};

/// What a door puts up with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the head of a request to come in whole.
    pub head: Duration,
    /// Between two requests of one connection.
    pub idle: Duration,
    /// At once; a further one waits in the kernel's queue.
    pub connections_max: usize,
    /// For requests in flight to end when the door closes.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            // Each holds a file handle; the usual limit of a process is 1,024.
            connections_max: 512,
            drain: Duration::from_secs(10),
        }
    }
}

/// An open door; dropped, it closes without waiting.
#[derive(Debug)]
pub struct Door {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Door {
    /// Serves what `listener` accepts, on the threads of the runtime that this is called on.
    pub fn open<A, S, B>(listener: A, service: S, limits: Limits) -> Self
    where
        A: Accept,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::over(listener, service, limits, None)
    }

    /// The same, each connection on the lane whose turn it is.
    pub fn open_on<A, S, B>(lanes: &Arc<Lanes>, listener: A, service: S, limits: Limits) -> Self
    where
        A: Accept,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::over(listener, service, limits, Some(Arc::clone(lanes)))
    }

    fn over<A, S, B>(listener: A, service: S, limits: Limits, lanes: Option<Arc<Lanes>>) -> Self
    where
        A: Accept,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(listener, (service, limits), lanes, stopped));
        Self { stop, task }
    }

    /// Takes no further requests, lets those in flight end within `Limits::drain`, and returns.
    pub async fn close(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a door did not close in order");
        }
    }
}

async fn run<A, S, B>(
    listener: A,
    (service, limits): (S, Limits),
    lanes: Option<Arc<Lanes>>,
    mut stop: watch::Receiver<bool>,
) where
    A: Accept,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let graceful = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let next = async {
            let permit = Arc::clone(&free).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            // An error says that the door was dropped.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let arrival = match accepted {
            Ok(arrival) => arrival,
            Err(error) => {
                tracing::warn!(%error, "accept a connection");
                // Out of file handles, most likely: trying again at once would only spin.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (service, watcher) = (service.clone(), graceful.watcher());
        let serving = async move {
            let _permit = permit;
            serve(arrival, service, limits, watcher).await;
        };
        match &lanes {
            None => drop(tokio::spawn(serving)),
            Some(lanes) => drop(lanes.next().spawn(serving)),
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight when the door closed");
    }
}

/// Serves one connection to its end.
async fn serve<I, S, B>(arrival: Arrival<I>, service: S, limits: Limits, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let io = match arrival() {
        Ok(io) => io,
        Err(error) => return tracing::warn!(%error, "open a connection"),
    };
    let answering = Answering::default();
    let io = TokioIo::new(Patient::new(io, answering.clone(), limits.head));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.idle);
    let connection = http.serve_connection(
        io,
        service_fn(move |request| {
            answering.begin();
            let answering = answering.clone();
            let answer = service.call(request);
            async move {
                let answer = answer.await;
                answering.end();
                answer
            }
        }),
    );
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
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
        let door = Door::open(listener, service_fn(hello), limits);
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
        let door = Door::open(listener, service_fn(hello), limits);
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
        let door = Door::open(listener, service, Limits::default());
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
        let door = Door::open(listener, service_fn(hello), limits);
        let first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        drop(first);
        assert!(read_all(&mut second).await.ends_with("hello"));
        door.close().await;
    }
}
