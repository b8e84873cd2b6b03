//! Accepts connections and serves HTTP/1.1 on them, and HTTP/2 where it is wanted, until it is
//! closed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::web::bind::{Accept, Arrival};
use crate::web::patience::{Answering, Patient};
use crate::web::threads::Threads;

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
    /// HTTP/2 is spoken, too: to whoever begins with it, or agrees on it in TLS.
    pub http2: bool,
    /// Whoever ends its sending is answered all the same. Else that is taken as going away.
    pub half_close: bool,
}

/// Requests of one connection of HTTP/2 at once.
const STREAMS_MAX: u32 = 128;
/// Bytes of a request's head.
const HEAD_LEN_MAX: u32 = 32 << 10;
/// Bytes of bodies that may be on their way unread: of one request, and of a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Bytes of an answer that wait to be sent.
const SENT_MAX: usize = 256 << 10;
/// Requests that a client may take back before they are begun.
const RESETS_MAX: usize = 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            // Each holds a file handle; the usual limit of a process is 1,024.
            connections_max: 512,
            drain: Duration::from_secs(10),
            http2: false,
            half_close: false,
        }
    }
}

/// An open door; dropped, it closes without waiting.
#[derive(Debug)]
pub struct Door {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What answers at a door.
pub trait Answer:
    Service<Request<Incoming>, Response = Response<Self::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
    type Body: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static;
}

impl<S, B> Answer for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    type Body = B;
}

impl Door {
    /// Serves what `listener` accepts, each connection on the thread whose turn it is; without threads,
    /// on the threads of the runtime that this is called on.
    pub fn open(
        listener: impl Accept,
        service: impl Answer,
        limits: Limits,
        threads: Option<&Arc<Threads>>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(listener, (service, limits), threads.cloned(), stopped));
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

async fn run(
    listener: impl Accept,
    (service, limits): (impl Answer, Limits),
    threads: Option<Arc<Threads>>,
    mut stop: watch::Receiver<bool>,
) {
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
        match &threads {
            None => drop(tokio::spawn(serving)),
            Some(threads) => drop(threads.next().spawn(serving)),
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight when the door closed");
    }
}

/// Serves one connection to its end.
async fn serve<I>(arrival: Arrival<I>, service: impl Answer, limits: Limits, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = match arrival() {
        Ok(io) => io,
        Err(error) => return tracing::warn!(%error, "open a connection"),
    };
    let answering = Answering::default();
    let io = TokioIo::new(Patient::new(io, answering.clone(), limits.head, limits.idle));
    let http = protocols(limits);
    let connection = http.serve_connection(
        io,
        service_fn(move |request| {
            // Ends also where the client takes its request back.
            let under_way = answering.begin();
            let answer = service.call(request);
            async move {
                let answer = answer.await;
                drop(under_way);
                answer
            }
        }),
    );
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn protocols(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .half_close(limits.half_close);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_LEN_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SENT_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX);
    if limits.http2 { http } else { http.http1_only() }
}

#[cfg(test)]
mod tests;
