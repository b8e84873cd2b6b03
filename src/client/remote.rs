//! The daemon's socket, spoken to over HTTP/1.1. Each question has a connection of its own: a
//! long poll holds up nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::client::sse;
use crate::types::ask::{Answer, Request};
use crate::types::event::NumberedEvent;
use crate::types::{Fault, FaultKind};
use crate::web::bind;

/// Longer than any long poll.
const ASK_TIMEOUT: Duration = Duration::from_secs(60);

/// A daemon that is alive says something at least this often on its event stream.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// How soon a socket that is listened to must answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A daemon behind a socket.
#[derive(Debug, Clone)]
pub struct Remote {
    socket: Arc<PathBuf>,
}

/// What a refusal's body holds: the one or the other.
#[derive(Deserialize)]
struct Refusal {
    fault: Option<Fault>,
    detail: Option<String>,
}

impl Remote {
    pub(crate) async fn connect(socket: &Path) -> Result<Self, Fault> {
        let remote = Self { socket: Arc::new(socket.to_owned()) };
        let health = remote.send(Method::GET, "/healthz", Bytes::new());
        let answer = tokio::time::timeout(CONNECT_TIMEOUT, health)
            .await
            .map_err(|_| silent(CONNECT_TIMEOUT))??;
        if answer.status() != StatusCode::OK {
            return Err(Fault::unavailable(format!("the daemon says {}", answer.status())));
        }
        Ok(remote)
    }

    pub(crate) async fn ask(&self, request: &Request) -> Result<Answer, Fault> {
        let body = serde_json::to_vec(request).map_err(|error| Fault::internal(&error))?;
        let asked = async {
            let answer = self.send(Method::POST, "/control/v1/ask", body.into()).await?;
            decode(answer).await
        };
        tokio::time::timeout(ASK_TIMEOUT, asked).await.map_err(|_| silent(ASK_TIMEOUT))?
    }

    /// Follows the daemon's events into `sender` until either end goes away.
    pub(crate) async fn watch(&self, sender: mpsc::Sender<NumberedEvent>) -> Result<(), Fault> {
        let begin = self.send(Method::GET, "/control/v1/events", Bytes::new());
        let answer = tokio::time::timeout(CONNECT_TIMEOUT, begin)
            .await
            .map_err(|_| silent(CONNECT_TIMEOUT))??;
        if answer.status() != StatusCode::OK {
            return Err(refusal(answer).await);
        }
        tokio::spawn(follow(answer.into_body(), sender));
        Ok(())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, Fault> {
        let gone = |error: &(dyn std::error::Error + 'static)| {
            Fault::unavailable("no daemon of this project answers")
                .hint("start one with `dagdeck` or `dagdeck up`")
                .caused_by(Some(error))
        };
        let stream = bind::connect(&self.socket).await.map_err(|error| gone(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| gone(&error))?;
        tokio::spawn(connection);
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "dagdeck")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| Fault::internal(&error))?;
        sender.send_request(request).await.map_err(|error| gone(&error))
    }
}

async fn follow(mut body: Incoming, sender: mpsc::Sender<NumberedEvent>) {
    let mut parser = sse::Parser::default();
    loop {
        let frame = tokio::select! {
            frame = tokio::time::timeout(SILENCE_MAX, body.frame()) => frame,
            () = sender.closed() => return,
        };
        let Ok(Some(Ok(frame))) = frame else { return };
        let Ok(chunk) = frame.into_data() else { continue };
        let mut events = Vec::new();
        parser.feed(&chunk, |data| match serde_json::from_str::<NumberedEvent>(data) {
            Ok(event) => events.push(event),
            Err(error) => tracing::debug!(%error, "an event of another version was passed over"),
        });
        for event in events {
            if sender.send(event).await.is_err() {
                return;
            }
        }
    }
}

async fn decode(answer: Response<Incoming>) -> Result<Answer, Fault> {
    if answer.status() != StatusCode::OK {
        return Err(refusal(answer).await);
    }
    let body = answer.into_body().collect().await.map_err(|error| broken_off(&error))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| {
        Fault::new(FaultKind::Internal, "read the daemon's answer")
            .hint("the daemon may be of another version: `dagdeck down`, then start again")
            .caused_by(Some(&error))
    })
}

async fn refusal(answer: Response<Incoming>) -> Fault {
    let status = answer.status();
    let body = match answer.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return broken_off(&error),
    };
    match serde_json::from_slice(&body) {
        Ok(Refusal { fault: Some(fault), .. }) => fault,
        Ok(Refusal { detail: Some(detail), .. }) => Fault::new(kind_of(status), detail),
        _ => Fault::new(kind_of(status), format!("the daemon says {status}")),
    }
}

fn kind_of(status: StatusCode) -> FaultKind {
    match status {
        StatusCode::NOT_FOUND => FaultKind::NotFound,
        StatusCode::CONFLICT => FaultKind::Conflict,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FaultKind::Denied,
        StatusCode::SERVICE_UNAVAILABLE => FaultKind::Unavailable,
        status if status.is_client_error() => FaultKind::Invalid,
        _ => FaultKind::Internal,
    }
}

fn broken_off(error: &hyper::Error) -> Fault {
    Fault::unavailable("the daemon broke off its answer").caused_by(Some(error))
}

fn silent(waited: Duration) -> Fault {
    Fault::new(FaultKind::Busy, format!("the daemon did not answer within {} s", waited.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_daemon_is_a_fault_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let fault = Remote::connect(&folder.path().join("daemon.sock")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable);
        assert!(fault.hint.unwrap().contains("dagdeck up"));
    }
}
