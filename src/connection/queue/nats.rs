//! A NATS subject, followed while it is connected: the client protocol of core NATS. What is
//! published while nobody is connected does not come.

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use super::{Body, MESSAGE_LEN_MAX, Message, QueueError, Server, patiently};

/// Bytes of a line that is no payload: a server's `INFO` is the longest.
const LINE_LEN_MAX: u64 = 64 << 10;

/// A connection that follows one subject.
#[derive(Debug)]
pub struct Follower {
    stream: BufStream<TcpStream>,
}

impl Follower {
    /// Connects, logs in, and subscribes; what is published from now on comes.
    pub async fn connect(server: &Server, subject: &str) -> Result<Self, QueueError> {
        let mut follower = Self { stream: server.connect().await? };
        let hello = patiently(line(&mut follower.stream)).await?;
        if !hello.starts_with("INFO ") {
            return Err(QueueError::Protocol("no INFO"));
        }
        let mut options = json!({
            "verbose": false, "pedantic": false, "tls_required": false, "lang": "rust",
            "name": "dagdeck", "version": env!("CARGO_PKG_VERSION"), "protocol": 1,
        });
        if let Some(user) = &server.user {
            options["user"] = json!(user);
            options["pass"] = json!(server.password.as_deref().unwrap_or_default());
        }
        follower.say(&format!("CONNECT {options}\r\nSUB {subject} 1\r\nPING\r\n")).await?;
        loop {
            let line = patiently(line(&mut follower.stream)).await?;
            match line.split_once(' ').map_or(line.as_str(), |(word, _)| word) {
                "PONG" => return Ok(follower),
                "-ERR" => return Err(QueueError::Refused(line)),
                _ => {}
            }
        }
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Result<Message, QueueError> {
        loop {
            let line = match patiently(line(&mut self.stream)).await {
                // A quiet subject: is the server still there?
                Err(QueueError::Silent) => {
                    self.say("PING\r\n").await?;
                    patiently(line(&mut self.stream)).await?
                }
                line => line?,
            };
            let mut words = line.split(' ');
            match words.next().unwrap_or_default() {
                "MSG" => {
                    let (subject, length) = (words.next(), words.next_back());
                    let length = length.and_then(|length| length.parse::<usize>().ok());
                    let (Some(subject), Some(length)) = (subject, length) else {
                        return Err(QueueError::Protocol("a MSG without subject and length"));
                    };
                    if length > MESSAGE_LEN_MAX {
                        return Err(QueueError::TooLarge);
                    }
                    let mut bytes = vec![0; length + 2];
                    patiently(async { Ok(self.stream.read_exact(&mut bytes).await?) }).await?;
                    bytes.truncate(length);
                    let (subject, body) = (subject.to_owned(), Body::Bytes(bytes));
                    return Ok(Message { id: None, subject, body });
                }
                "PING" => self.say("PONG\r\n").await?,
                "-ERR" => return Err(QueueError::Refused(line)),
                _ => {}
            }
        }
    }

    async fn say(&mut self, text: &str) -> Result<(), QueueError> {
        self.stream.write_all(text.as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }
}

async fn line(stream: &mut BufStream<TcpStream>) -> Result<String, QueueError> {
    let mut line = Vec::new();
    stream.take(LINE_LEN_MAX).read_until(b'\n', &mut line).await?;
    let line = String::from_utf8_lossy(&line).into_owned();
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
    }
}
