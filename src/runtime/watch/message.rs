//! Follows message channels: one asset event for each message.
//!
//! | channel | what becomes of a message while no daemon runs | how often it is told of |
//! |---|---|---|
//! | Redis stream | it lies in the stream, from whose beginning all is read | once: its id is kept with the event |
//! | MQTT, QoS 1 | the broker keeps it for our session | once; one that came again after a crash is known by the packet that was taken note of last |
//! | NATS | it is lost | at most once |

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};

use super::EndOnDrop;
use super::report::Known;
use crate::connection::queue::{Body, Message, QueueError, Server, mqtt, nats, redis};
use crate::dag::Deck;
use crate::dag::spec::{AssetUri, ConnectionKind};
use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::types::asset::{AssetEventSource, AssetEventSpec, WatchedObject};
use crate::types::{AssetName, Fault};

/// How long to wait before a connection that broke off is tried again.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// One channel that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Channel {
    asset: AssetName,
    uri: String,
    kind: ConnectionKind,
    url: String,
    /// The stream, subject or topic.
    path: String,
}

/// Why a channel is not followed at the moment.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("{0}")]
    Engine(#[from] Fault),
}

/// All channels of a deck.
pub(super) struct Channels {
    handle: Handle,
    known: Known,
    /// Of this deck's name and folder: brokers know its sessions by it.
    client: String,
    tell: mpsc::Sender<(AssetName, Option<String>)>,
}

impl Channels {
    /// `tell` hears why a channel is not followed, and that it is again.
    pub(super) fn new(
        layout: &Layout,
        handle: Handle,
        known: Known,
        tell: mpsc::Sender<(AssetName, Option<String>)>,
    ) -> Self {
        let digest = Sha256::digest(layout.project().as_os_str().as_encoded_bytes());
        let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self { handle, known, client: format!("dagdeck-{digest}"), tell }
    }

    /// Follows what the deck in force says, until the engine stops.
    pub(super) async fn run(mut self, mut live: watch::Receiver<Arc<Live>>) {
        let mut running: Vec<(Channel, EndOnDrop)> = Vec::new();
        let (keep, mut kept) = mpsc::channel::<(AssetName, String, String)>(64);
        loop {
            let deck = Arc::clone(&live.borrow_and_update().deck);
            let wanted = channels(&deck);
            let (kept_on, ended): (Vec<_>, Vec<_>) =
                running.into_iter().partition(|(channel, _)| wanted.contains(channel));
            running = kept_on;
            for (channel, _) in ended {
                // An error only says that the watching ends.
                let _ = self.tell.send((channel.asset, None)).await;
            }
            for channel in wanted {
                if running.iter().all(|(known, _)| *known != channel) {
                    let task = tokio::spawn(self.follow(channel.clone(), keep.clone()));
                    running.push((channel, EndOnDrop(task.abort_handle())));
                }
            }
            tokio::select! {
                changed = live.changed() => if changed.is_err() {
                    return;
                },
                Some((asset, uri, version)) = kept.recv() => {
                    self.known.entry(asset).or_default().insert(uri, version);
                }
            }
        }
    }

    fn follow(
        &self,
        channel: Channel,
        keep: mpsc::Sender<(AssetName, String, String)>,
    ) -> impl Future<Output = ()> + use<> {
        let last = self.known.get(&channel.asset).and_then(|uris| uris.get(&channel.uri)).cloned();
        let client = format!("{}-{}", self.client, channel.asset);
        let (handle, tell) = (self.handle.clone(), self.tell.clone());
        let mut one = Following { channel, handle, client, last, keep, tell };
        async move { one.run().await }
    }
}

/// What follows one channel.
#[derive(Debug)]
struct Following {
    channel: Channel,
    handle: Handle,
    client: String,
    /// What was told of last.
    last: Option<String>,
    keep: mpsc::Sender<(AssetName, String, String)>,
    tell: mpsc::Sender<(AssetName, Option<String>)>,
}

impl Following {
    async fn run(&mut self) {
        let mut pause = RETRY_MIN;
        loop {
            let Err(error) = self.session(&mut pause).await;
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            self.say(Some(text)).await;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    async fn say(&self, problem: Option<String>) {
        // An error only says that the watching ends.
        let _ = self.tell.send((self.channel.asset.clone(), problem)).await;
    }

    async fn session(
        &mut self,
        pause: &mut Duration,
    ) -> Result<std::convert::Infallible, FollowError> {
        let Channel { url, path, kind, .. } = self.channel.clone();
        match kind {
            ConnectionKind::Redis => {
                let server = Server::parse(&url)?;
                let mut follower = redis::Follower::connect(&server, &path).await?;
                loop {
                    let after = self.last.clone().unwrap_or_else(|| redis::BEGINNING.to_owned());
                    let messages = follower.read(&after).await?;
                    self.is_well(pause).await;
                    self.emit(messages).await?;
                }
            }
            ConnectionKind::Mqtt => {
                let server = Server::parse(&url)?;
                let mut follower = mqtt::Follower::connect(&server, &self.client, &path).await?;
                self.is_well(pause).await;
                loop {
                    let delivery = follower.next().await?;
                    let mark = delivery.packet.map(|packet| mark(packet, &delivery.message));
                    let was_told = delivery.is_again && self.last.is_some() && self.last == mark;
                    if !was_told {
                        let message = Message { id: mark, ..delivery.message };
                        self.emit(vec![message]).await?;
                    }
                    if let Some(packet) = delivery.packet {
                        follower.acknowledge(packet).await?;
                    }
                }
            }
            _ => {
                let server = Server::parse(&url)?;
                let mut follower = nats::Follower::connect(&server, &path).await?;
                self.is_well(pause).await;
                loop {
                    let message = follower.next().await?;
                    self.emit(vec![message]).await?;
                }
            }
        }
    }

    async fn is_well(&self, pause: &mut Duration) {
        *pause = RETRY_MIN;
        self.say(None).await;
    }

    /// Tells the engine of messages, in their order; the last of them is known from then on.
    async fn emit(&mut self, messages: Vec<Message>) -> Result<(), Fault> {
        let told = messages.iter().map(|message| self.handle.emit_asset(self.event(message)));
        for (told, message) in join_all(told).await.into_iter().zip(&messages) {
            told?;
            if let Some(id) = &message.id {
                self.last = Some(id.clone());
                let (asset, uri) = (self.channel.asset.clone(), self.channel.uri.clone());
                // An error only says that the watching ends.
                let _ = self.keep.send((asset, uri, id.clone())).await;
            }
        }
        Ok(())
    }

    fn event(&self, message: &Message) -> AssetEventSpec {
        let Channel { asset, uri, kind, .. } = &self.channel;
        let mut extra = Map::new();
        extra.insert("subject".into(), json!(message.subject));
        match &message.body {
            Body::Bytes(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let data = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text));
                extra.insert("data".into(), data);
            }
            Body::Fields(fields) => {
                let fields = fields.iter().map(|(name, text)| (name.clone(), json!(text)));
                extra.insert("data".into(), Value::Object(fields.collect()));
            }
        }
        // A stream's ids are never given again; those of MQTT's packets are.
        let is_entry = *kind == ConnectionKind::Redis;
        let id = message.id.as_ref().filter(|_| is_entry);
        if let Some(id) = id {
            extra.insert("id".into(), json!(id));
        }
        AssetEventSpec {
            name: Some(asset.clone()),
            dedupe_key: id.map(|id| format!("message:{asset}:{uri}:{id}")),
            extra,
            object: message
                .id
                .clone()
                .map(|id| WatchedObject { version: Some(id), moved_from: None }),
            ..AssetEventSpec::new(uri.clone(), AssetEventSource::Watcher)
        }
    }
}

/// Knows a message that comes again from one that comes anew.
fn mark(packet: u16, message: &Message) -> String {
    let mut digest = Sha256::new();
    digest.update(message.subject.as_bytes());
    if let Body::Bytes(bytes) = &message.body {
        digest.update([0]);
        digest.update(bytes);
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{packet}:{digest}")
}

fn channels(deck: &Deck) -> Vec<Channel> {
    let channel = |asset: &crate::dag::spec::AssetSpec| {
        let AssetUri::Connection { connection, path } = &asset.uri else { return None };
        let spec = deck.connections.get(connection).filter(|_| asset.watch.is_some())?;
        spec.kind.is_queue().then(|| Channel {
            asset: asset.name.clone(),
            uri: asset.uri.as_text(),
            kind: spec.kind,
            url: spec.url.reveal().to_owned(),
            path: path.trim_start_matches('/').to_owned(),
        })
    };
    deck.assets.values().filter_map(channel).collect()
}
