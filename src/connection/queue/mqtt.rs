//! An MQTT 3.1.1 topic, followed at QoS 1 in a session that the broker keeps: what is published
//! while nobody is connected comes when somebody is. A message is acknowledged when it is taken
//! note of, so that it comes again where that was not so.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use super::{Body, MESSAGE_LEN_MAX, Message, QueueError, Server, patiently};

/// Seconds within which the broker wants to hear of us.
const KEEP_ALIVE_SECS: u16 = 60;

/// How long to wait for a message before the broker is told that we are there.
const PING_EVERY: Duration = Duration::from_secs(20);

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const PINGREQ: u8 = 0xC0;

/// A connection that follows one topic.
#[derive(Debug)]
pub struct Follower {
    stream: BufStream<TcpStream>,
}

/// A message with what it is acknowledged by.
#[derive(Debug)]
pub struct Delivery {
    pub message: Message,
    /// `None`: it came at QoS 0, and is not to be acknowledged.
    pub packet: Option<u16>,
    /// The broker says that it may have come before.
    pub is_again: bool,
}

impl Follower {
    /// Connects under a name, by which the broker knows the session, and subscribes.
    pub async fn connect(server: &Server, client: &str, topic: &str) -> Result<Self, QueueError> {
        let mut follower = Self { stream: server.connect().await? };
        let mut flags = 0;
        let mut payload = text(client);
        if let Some(user) = &server.user {
            flags |= 0x80;
            payload.extend(text(user));
            if let Some(password) = &server.password {
                flags |= 0x40;
                payload.extend(text(password));
            }
        }
        let mut body = text("MQTT");
        body.extend([4, flags]);
        body.extend(KEEP_ALIVE_SECS.to_be_bytes());
        body.extend(payload);
        follower.say(CONNECT, &body).await?;
        match patiently(packet(&mut follower.stream)).await? {
            (CONNACK, answer) if answer.get(1) == Some(&0) => {}
            (CONNACK, answer) => {
                let code = answer.get(1).copied().unwrap_or_default();
                let why = match code {
                    1 => "it speaks another version",
                    2 => "the client's name is refused",
                    3 => "it is not available",
                    4 | 5 => "the login is refused",
                    _ => "the connection is refused",
                };
                return Err(QueueError::Refused(format!("{why} (code {code})")));
            }
            _ => return Err(QueueError::Protocol("no CONNACK")),
        }
        let mut body = vec![0, 1];
        body.extend(text(topic));
        body.push(1);
        follower.say(SUBSCRIBE, &body).await?;
        Ok(follower)
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Result<Delivery, QueueError> {
        loop {
            // Waiting for the first byte can be given up; a packet that has begun is read whole.
            let first = tokio::time::timeout(PING_EVERY, self.stream.read_u8()).await;
            let Ok(first) = first else {
                self.say(PINGREQ, &[]).await?;
                continue;
            };
            let (kind, body) = patiently(rest(&mut self.stream, first?)).await?;
            match kind & 0xF0 {
                PUBLISH => return published(kind, &body),
                SUBACK if body.last().is_some_and(|code| *code & 0x80 != 0) => {
                    return Err(QueueError::Refused("the topic".to_owned()));
                }
                _ => {}
            }
        }
    }

    /// Tells the broker that a message was taken note of.
    pub async fn acknowledge(&mut self, packet: u16) -> Result<(), QueueError> {
        self.say(PUBACK, &packet.to_be_bytes()).await
    }

    async fn say(&mut self, kind: u8, body: &[u8]) -> Result<(), QueueError> {
        let mut bytes = vec![kind];
        let mut length = body.len();
        loop {
            let more = if length > 127 { 0x80 } else { 0 };
            bytes.push(u8::try_from(length & 0x7F).unwrap_or(0) | more);
            length >>= 7;
            if length == 0 {
                break;
            }
        }
        bytes.extend(body);
        self.stream.write_all(&bytes).await?;
        Ok(self.stream.flush().await?)
    }
}

fn published(kind: u8, body: &[u8]) -> Result<Delivery, QueueError> {
    const SHORT: QueueError = QueueError::Protocol("a PUBLISH that is too short");
    let (topic, rest) = split_text(body).ok_or(SHORT)?;
    let (packet, payload) = match (kind >> 1) & 0x03 {
        0 => (None, rest),
        _ => {
            let (id, payload) = rest.split_at_checked(2).ok_or(SHORT)?;
            (Some(u16::from_be_bytes([id[0], id[1]])), payload)
        }
    };
    let subject = String::from_utf8_lossy(topic).into_owned();
    let message = Message { id: None, subject, body: Body::Bytes(payload.to_vec()) };
    Ok(Delivery { message, packet, is_again: kind & 0x08 != 0 })
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(&text.as_bytes()[..usize::from(length)]);
    bytes
}

fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]])))
}

async fn packet(stream: &mut BufStream<TcpStream>) -> Result<(u8, Vec<u8>), QueueError> {
    let kind = stream.read_u8().await?;
    rest(stream, kind).await
}

async fn rest(stream: &mut BufStream<TcpStream>, kind: u8) -> Result<(u8, Vec<u8>), QueueError> {
    let mut length = 0_usize;
    for at in 0..4 {
        let byte = stream.read_u8().await?;
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            break;
        }
    }
    if length > MESSAGE_LEN_MAX {
        return Err(QueueError::TooLarge);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((kind, body))
}
