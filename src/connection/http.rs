//! One HTTP/1.1 request over plain TCP: for webhooks and for asking the model server.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

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
    #[error("the URL is not `http://HOST[:PORT]/…`")]
    Url,
    #[error("`https://` is not spoken yet: use `http://`, for instance a relay on this machine")]
    Https,
    #[error("no answer within {} s", after.as_secs_f64())]
    TimedOut { after: Duration },
    #[error("connect to `{authority}`")]
    Connect { authority: String, source: std::io::Error },
    #[error("talk to `{authority}`")]
    Talk { authority: String, source: Box<dyn std::error::Error + Send + Sync> },
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
    let uri: Uri = url.parse().map_err(|_| HttpError::Url)?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(HttpError::Https),
        _ => return Err(HttpError::Url),
    }
    let answer = tokio::time::timeout(timeout, exchange(method, &uri, headers, body));
    answer.await.unwrap_or(Err(HttpError::TimedOut { after: timeout }))
}

async fn exchange(
    method: Method,
    uri: &Uri,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Result<Answer, HttpError> {
    let host = uri.host().ok_or(HttpError::Url)?;
    let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let talk = |source: Box<dyn std::error::Error + Send + Sync>| HttpError::Talk {
        authority: authority.clone(),
        source,
    };
    let stream = TcpStream::connect(&authority)
        .await
        .map_err(|source| HttpError::Connect { authority: authority.clone(), source })?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| talk(error.into()))?;
    let mut request = Request::builder()
        .method(method)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header("host", uri.authority().map_or(host, |authority| authority.as_str()))
        .header("user-agent", concat!("dagdeck/", env!("CARGO_PKG_VERSION")))
        .header("connection", "close");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(|error| talk(error.into()))?;
    // The connection is driven beside the exchange and dropped with it.
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(|error| talk(error.into()))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers = headers.collect();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(talk)?
            .to_bytes();
        Ok(Answer { status, headers, body: body.to_vec() })
    };
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        // The other side closed after its answer, or before one: the exchange knows which.
        _ = connection => exchange.await,
    }
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
        let https = send(Method::POST, "https://h/secret", None, SOON).await.unwrap_err();
        assert!(matches!(https, HttpError::Https));
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
