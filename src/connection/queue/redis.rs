//! A Redis stream, followed from an id on: `XREAD BLOCK`, in RESP2.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use super::{Body, MESSAGE_LEN_MAX, Message, QueueError, Server, patiently};

/// Where a stream begins.
pub const BEGINNING: &str = "0-0";

/// Entries that are read at once.
const COUNT: &str = "100";

/// Milliseconds that the server waits for an entry before it says that there is none.
const BLOCK_MS: &str = "5000";

/// Elements of a list, and lists in lists, at most.
const LIST_LEN_MAX: usize = 1 << 16;
const DEPTH_MAX: usize = 8;

/// A connection that follows one stream.
#[derive(Debug)]
pub struct Follower {
    stream: BufStream<TcpStream>,
    key: String,
}

/// A reply.
#[derive(Debug, Clone, PartialEq)]
enum Reply {
    Nothing,
    Text(String),
    List(Vec<Reply>),
}

impl Follower {
    /// Connects, and logs in where the URL says how.
    pub async fn connect(server: &Server, key: &str) -> Result<Self, QueueError> {
        let mut follower = Self { stream: server.connect().await?, key: key.to_owned() };
        if let Some(password) = &server.password {
            let login = server.user.iter().chain([password]).map(String::as_str);
            let words: Vec<&str> = ["AUTH"].into_iter().chain(login).collect();
            follower.ask(&words).await?;
        }
        if !server.path.is_empty() {
            follower.ask(&["SELECT", &server.path]).await?;
        }
        Ok(follower)
    }

    /// Waits a while for entries after an id, and returns them in their order.
    pub async fn read(&mut self, after: &str) -> Result<Vec<Message>, QueueError> {
        let key = self.key.clone();
        let words = ["XREAD", "COUNT", COUNT, "BLOCK", BLOCK_MS, "STREAMS", &key, after];
        let Reply::List(streams) = self.ask(&words).await? else { return Ok(Vec::new()) };
        let mut messages = Vec::new();
        for stream in streams {
            let Reply::List(of_stream) = stream else { continue };
            let Some(Reply::List(entries)) = of_stream.into_iter().nth(1) else { continue };
            for entry in entries {
                messages.push(message(&key, entry)?);
            }
        }
        Ok(messages)
    }

    async fn ask(&mut self, words: &[&str]) -> Result<Reply, QueueError> {
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.flush().await?;
        patiently(reply(&mut self.stream, 0)).await
    }
}

fn message(key: &str, entry: Reply) -> Result<Message, QueueError> {
    const NONE: QueueError = QueueError::Protocol("an entry of a stream without id and fields");
    let Reply::List(parts) = entry else { return Err(NONE) };
    let mut parts = parts.into_iter();
    let (Some(Reply::Text(id)), Some(Reply::List(texts))) = (parts.next(), parts.next()) else {
        return Err(NONE);
    };
    let text = |reply: &Reply| match reply {
        Reply::Text(text) => text.clone(),
        Reply::Nothing | Reply::List(_) => String::new(),
    };
    let fields = texts.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
    Ok(Message { id: Some(id), subject: key.to_owned(), body: Body::Fields(fields) })
}

async fn reply(stream: &mut BufStream<TcpStream>, depth: usize) -> Result<Reply, QueueError> {
    let mut line = Vec::new();
    (&mut *stream).take(MESSAGE_LEN_MAX as u64).read_until(b'\n', &mut line).await?;
    let line = String::from_utf8_lossy(&line);
    let Some(line) = line.strip_suffix("\r\n") else {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    };
    let (kind, rest) = line.split_at_checked(1).ok_or(QueueError::Protocol("an empty line"))?;
    let length = || rest.parse::<i64>().map_err(|_| QueueError::Protocol("no length"));
    match kind {
        "+" | ":" => Ok(Reply::Text(rest.to_owned())),
        "-" => Err(QueueError::Refused(rest.to_owned())),
        "$" => match usize::try_from(length()?) {
            Err(_) => Ok(Reply::Nothing),
            Ok(length) if length > MESSAGE_LEN_MAX => Err(QueueError::TooLarge),
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                stream.read_exact(&mut bytes).await?;
                bytes.truncate(length);
                Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
            }
        },
        "*" => match usize::try_from(length()?) {
            Err(_) => Ok(Reply::Nothing),
            Ok(length) if length > LIST_LEN_MAX || depth == DEPTH_MAX => Err(QueueError::TooLarge),
            Ok(length) => {
                let mut list = Vec::new();
                for _ in 0..length {
                    list.push(Box::pin(reply(stream, depth + 1)).await?);
                }
                Ok(Reply::List(list))
            }
        },
        _ => Err(QueueError::Protocol("a reply of an unknown kind")),
    }
}
