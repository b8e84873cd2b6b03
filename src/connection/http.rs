//! One HTTP/1.1 request, over TLS where the URL says so: for webhooks and for asking servers.

pub mod client;

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};

pub use self::client::HttpsClient;
use crate::connection::chain;

/// Answers longer than this are not read: what is asked here answers in a few lines.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A request without an answer. None shows the URL: it may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("the URL is not `http://HOST[:PORT]/…` or `https://…`")]
    Url,
    #[error("no answer within {} s", after.as_secs_f64())]
    TimedOut { after: Duration },
    #[error("connect to `{authority}`: {reason}")]
    Connect { authority: String, reason: String },
    #[error("talk to `{authority}`: {reason}")]
    Talk { authority: String, reason: String },
}

/// Sends one request with a JSON body (or none) and reads the answer, all within `timeout`.
pub async fn send(
    method: Method,
    url: &str,
    body: Option<Vec<u8>>,
    timeout: Duration,
) -> Result<Answer, HttpError> {
    send_with(method, url, &[], body, timeout).await
}

/// As `send`, with further headers. A `content-type` among them takes the place of JSON's.
pub async fn send_with(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
    timeout: Duration,
) -> Result<Answer, HttpError> {
    let uri = read_url(url)?;
    let (authority, trust) = (authority(&uri), client::Trust::of(url));
    let client = client::new(trust)
        .map_err(|error| HttpError::Connect { authority, reason: chain(&error) })?;
    let headers = [headers, &[("connection", "close")]].concat();
    within(timeout, exchange(&client, method, &uri, &headers, body)).await
}

/// As `send_with`, over a client that keeps its connections.
pub async fn send_over(
    client: &HttpsClient,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
    timeout: Duration,
) -> Result<Answer, HttpError> {
    let uri = read_url(url)?;
    within(timeout, exchange(client, method, &uri, headers, body)).await
}

async fn within(
    timeout: Duration,
    exchange: impl Future<Output = Result<Answer, HttpError>>,
) -> Result<Answer, HttpError> {
    let answer = tokio::time::timeout(timeout, exchange);
    answer.await.unwrap_or(Err(HttpError::TimedOut { after: timeout }))
}

fn read_url(url: &str) -> Result<Uri, HttpError> {
    let uri: Uri = url.parse().map_err(|_| HttpError::Url)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err(HttpError::Url);
    }
    Ok(uri)
}

fn authority(uri: &Uri) -> String {
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    format!("{}:{port}", uri.host().unwrap_or_default())
}

async fn exchange(
    client: &HttpsClient,
    method: Method,
    uri: &Uri,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Result<Answer, HttpError> {
    let authority = authority(uri);
    let connect = |reason| HttpError::Connect { authority: authority.clone(), reason };
    let talk = |reason| HttpError::Talk { authority: authority.clone(), reason };
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("user-agent", concat!("dagdeck/", env!("CARGO_PKG_VERSION")));
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Bytes::from(body.unwrap_or_default()).into())
        .map_err(|error| talk(chain(&error)))?;
    let answer = client.request(request).await.map_err(|error| {
        let is_connect = error.is_connect();
        let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), chain);
        if is_connect { connect(reason) } else { talk(reason) }
    })?;
    let status = answer.status().as_u16();
    let headers = answer.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers = headers.collect();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| talk(error.to_string()))?.to_bytes();
    Ok(Answer { status, headers, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Answers one request with `answer` and returns what was asked.
    async fn server(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=1", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                let mut piece = [0; 1024];
                let read = stream.read(&mut piece).await.unwrap();
                asked.extend_from_slice(&piece[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked).unwrap()
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_request_arrives_and_its_answer_comes_back() {
        let (url, asked) = server("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok").await;
        let answer = send(Method::POST, &url, Some(b"{}".to_vec()), SOON).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (201, b"ok".as_slice()));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /hook?a=1 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.ends_with("\r\n\r\n{}"), "{asked}");
    }

    #[tokio::test]
    async fn a_body_that_ends_with_the_connection_is_read_too() {
        let (url, _asked) = server("HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
        let answer = send(Method::POST, &url, Some(b"{}".to_vec()), SOON).await.unwrap();
        assert_eq!(answer.body, b"until the end");
    }

    #[tokio::test]
    async fn other_schemes_are_refused_without_showing_the_url() {
        let ftp = send(Method::POST, "ftp://h/secret", None, SOON).await.unwrap_err();
        assert!(!ftp.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn a_closed_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = send(Method::GET, &format!("http://{address}/"), None, SOON).await;
        assert!(error.unwrap_err().to_string().contains(&address.to_string()));
    }

    #[tokio::test]
    async fn a_silent_server_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let error = send(Method::GET, &url, None, Duration::from_millis(20)).await.unwrap_err();
        assert!(matches!(error, HttpError::TimedOut { .. }));
    }
}
