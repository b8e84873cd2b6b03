//! Message channels: Redis streams, NATS, MQTT; of each protocol the few words that following a
//! channel takes. A client crate of each would be larger than all that is here.
//!
//! What comes in is bounded: a message is 1 MiB at most, and a connection that says nothing for
//! `SILENCE` is given up (each protocol has something that it says in between).

use std::io;
use std::time::Duration;

use hyper::Uri;
use tokio::io::BufStream;
use tokio::net::TcpStream;

pub mod mqtt;
pub mod nats;
pub mod redis;

/// Bytes of one message, at most.
const MESSAGE_LEN_MAX: usize = 1 << 20;

/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A message, as it is told to the deck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What the server numbers it by, where the protocol has that.
    pub id: Option<String>,
    /// The subject or topic that it came on.
    pub subject: String,
    pub body: Body,
}

/// What a message holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Bytes(Vec<u8>),
    /// Of an entry of a stream.
    Fields(Vec<(String, String)>),
}

/// Why a channel cannot be followed any further.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("`{0}` cannot be reached")]
    Connect(String, #[source] io::Error),
    #[error("the connection broke off")]
    Io(#[from] io::Error),
    #[error("the server refused: {0}")]
    Refused(String),
    #[error("the server said what nobody understands: {0}")]
    Protocol(&'static str),
    #[error("the server said nothing for {} s", SILENCE.as_secs())]
    Silent,
    #[error("a message is larger than {MESSAGE_LEN_MAX} bytes")]
    TooLarge,
    #[error("the URL is none of a message channel: `SCHEME://[USER:PASSWORD@]HOST[:PORT]`")]
    Url,
}

/// Where a server is, and who asks.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    user: Option<String>,
    password: Option<String>,
    /// What follows the address, without the slash.
    path: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({}:{})", self.host, self.port)
    }
}

impl Server {
    /// Reads a URL; the scheme says which port is meant where none stands there.
    pub fn parse(url: &str) -> Result<Self, QueueError> {
        let uri: Uri = url.parse().map_err(|_| QueueError::Url)?;
        let default_port = match uri.scheme_str() {
            Some("redis") => 6379,
            Some("nats") => 4222,
            Some("mqtt") => 1883,
            _ => return Err(QueueError::Url),
        };
        let authority = uri.authority().ok_or(QueueError::Url)?;
        let login = authority.as_str().rsplit_once('@').map(|(login, _)| login);
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
        {
            Some((user, password)) => (Some(user), Some(password)),
            None => (None, None),
        };
        let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(default_port),
            user: some(user),
            password: some(password),
            path: uri.path().trim_matches('/').to_owned(),
        })
    }

    /// Says whether somebody listens there.
    pub async fn reach(&self) -> Result<String, QueueError> {
        self.connect().await.map(|_| format!("{}:{} answers", self.host, self.port))
    }

    async fn connect(&self) -> Result<BufStream<TcpStream>, QueueError> {
        let address = format!("{}:{}", self.host, self.port);
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&address));
        let stream = connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|error| QueueError::Connect(address, error))?;
        stream.set_nodelay(true)?;
        Ok(BufStream::new(stream))
    }
}

/// Waits for what the server says next, and not for ever.
async fn patiently<T>(wait: impl Future<Output = Result<T, QueueError>>) -> Result<T, QueueError> {
    tokio::time::timeout(SILENCE, wait).await.unwrap_or(Err(QueueError::Silent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_an_address_and_perhaps_a_login() {
        let server = Server::parse("redis://:secret@db:7000/2").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("db", 7000));
        assert_eq!((server.user.as_deref(), server.password.as_deref()), (None, Some("secret")));
        assert_eq!(server.path, "2");
        let server = Server::parse("nats://localhost").unwrap();
        assert_eq!((server.port, server.user.as_deref(), server.path.as_str()), (4222, None, ""));
        let shown = format!("{:?}", Server::parse("mqtt://a:hunter2@b").unwrap());
        assert_eq!(shown, "Server(b:1883)");
        for wrong in ["localhost", "redis:", "rediss://db", "mqtt:///x"] {
            assert!(matches!(Server::parse(wrong), Err(QueueError::Url)), "{wrong}");
        }
    }
}
