//! An object from one place to another, piece by piece: bounded memory, hashed on its way, and
//! looked at once more when it has arrived.
//!
//! ```text
//! head source ─► read, only as it was seen ─► hash ─► sink ─► complete ─► head target
//! ```
//! Blocks on files: it belongs on a thread of an attempt, not into the daemon.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{Attribute, GetOptions, ObjectStore};
use sha2::{Digest, Sha256};

use super::conditional::honours;
use super::error::{LakeError, LakeFault};
use super::lake::{Kind, Lake, Object};
use super::sink::{FileSink, Hooks, SHA256, Sink, UploadSink};

/// What a server copies by itself: more it takes only in parts.
const COPIED_MAX: u64 = 5 << 30;

/// So much of a file is read at once.
const PIECE_LEN: usize = 1 << 20;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Transfer<'a> {
    pub from: &'a Lake,
    /// As it was seen.
    pub source: &'a Object,
    pub to: &'a Lake,
    pub key: &'a str,
    pub overwrite: bool,
    /// By which a later try knows what an earlier one has left of the same.
    pub tag: &'a str,
}

/// What has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub size: u64,
    pub e_tag: Option<String>,
    /// None where the server copied by itself.
    pub sha256: Option<String>,
    /// Bytes that an earlier try had brought.
    pub resumed_at: u64,
}

impl Transfer<'_> {
    /// Carries it out. Afterwards the target is there as a whole, or as it was before.
    pub async fn carry_out(&self, hooks: &Hooks<'_>) -> Result<Arrived, LakeError> {
        if let Kind::Bucket(bucket) = &self.to.kind
            && self.from.is_same(self.to)
            && (1..=COPIED_MAX).contains(&self.source.size)
            && (self.overwrite || honours(self.to, bucket, self.key).await?.complete)
        {
            return self.copy_there().await;
        }
        let mut hash = Sha256::new();
        let sink = self.open(hooks, &mut hash)?;
        let resumed_at = match &sink {
            Sink::File(file) => file.resumed_at,
            Sink::Upload(_) => 0,
        };
        let (sink, filled) = self.fill(sink, &mut hash, resumed_at).await;
        let sha256 = hex(&hash.finalize());
        let checked = match filled {
            Ok(()) => self.check_hash(&sha256).await,
            Err(error) => Err(error),
        };
        if let Err(error) = checked {
            sink.give_up(&error).await;
            return Err(error);
        }
        let written = sink.complete(&sha256).await?;
        let found = self.look_at_target(written.e_tag.as_deref()).await?;
        Ok(Arrived { size: found.size, e_tag: found.e_tag, sha256: Some(sha256), resumed_at })
    }

    fn open<'h>(&'h self, hooks: &'h Hooks<'h>, hash: &mut Sha256) -> Result<Sink<'h>, LakeError> {
        let (key, size) = (self.key, self.source.size);
        match &self.to.kind {
            Kind::Folder(root) => {
                let uri = self.to.uri(key);
                FileSink::open(root, key, &uri, self.overwrite, self.tag, size, hash)
                    .map(Sink::File)
            }
            Kind::Bucket(bucket) => {
                let sink = UploadSink::open(self.to, bucket, hooks, key, self.overwrite, size);
                sink.map(|sink| Sink::Upload(Box::new(sink)))
            }
        }
    }

    /// Brings what is missing into the sink.
    async fn fill<'h>(
        &self,
        mut sink: Sink<'h>,
        hash: &mut Sha256,
        resumed_at: u64,
    ) -> (Sink<'h>, Result<(), LakeError>) {
        let filled = async {
            let mut at = resumed_at;
            if at < self.source.size {
                let mut pieces = Pieces::open(self.from, self.source, at).await?;
                while let Some(piece) = pieces.next(self.from, self.source).await? {
                    at += piece.len() as u64;
                    hash.update(&piece);
                    sink.write(piece).await?;
                }
            }
            if at == self.source.size {
                return Ok(());
            }
            let why = format!("it ended after {at} of {} bytes", self.source.size);
            let what = format!("read `{}`", self.from.uri(&self.source.key));
            Err(LakeError::new(what, why, LakeFault::Passing))
        }
        .await;
        (sink, filled)
    }

    /// Looks whether the source is still as it was seen, and compares with the hash that the object was given when it was written, where it has one.
    async fn check_hash(&self, sha256: &str) -> Result<(), LakeError> {
        let key = &self.source.key;
        let options =
            GetOptions { head: true, if_match: self.source.e_tag.clone(), ..Default::default() };
        let found = self.from.store.get_opts(&self.from.path(key)?, options).await;
        let found = found.map_err(|error| self.from.failed("read", key, &error))?;
        match found.attributes.get(&Attribute::Metadata(SHA256.into())) {
            Some(told) if told.as_ref() != sha256 => {
                let why =
                    format!("its content hashes to {sha256}, and was written as {}", told.as_ref());
                let what = format!("read `{}`", self.from.uri(key));
                Err(LakeError::new(what, why, LakeFault::Changed))
            }
            _ => Ok(()),
        }
    }

    /// Has the server copy it.
    async fn copy_there(&self) -> Result<Arrived, LakeError> {
        use object_store::ObjectStoreExt;
        let (from, to) = (self.from.path(&self.source.key)?, self.to.path(self.key)?);
        let store = &self.to.store;
        let copied = match self.overwrite {
            true => store.copy(&from, &to).await,
            false => store.copy_if_not_exists(&from, &to).await,
        };
        copied.map_err(|error| {
            let missing = matches!(error, object_store::Error::NotFound { .. });
            let key = if missing { &self.source.key } else { self.key };
            let verb = if missing { "read" } else { "write" };
            self.to.failed(verb, key, &error)
        })?;
        let found = self.look_at_target(None).await?;
        Ok(Arrived { size: found.size, e_tag: found.e_tag, sha256: None, resumed_at: 0 })
    }

    /// Looks whether what was written is what lies there.
    async fn look_at_target(&self, e_tag: Option<&str>) -> Result<Object, LakeError> {
        let what = || format!("write `{}`", self.to.uri(self.key));
        let Some(found) = self.to.head(self.key).await? else {
            let why = "it is not there after it was written";
            return Err(LakeError::new(what(), why, LakeFault::Passing));
        };
        let differs = e_tag.is_some_and(|e_tag| found.e_tag.as_deref() != Some(e_tag));
        if found.size != self.source.size || differs {
            let why = format!(
                "{} bytes were written, and {} lie there: another writer?",
                self.source.size, found.size
            );
            return Err(LakeError::new(what(), why, LakeFault::Passing));
        }
        Ok(found)
    }
}

/// The content of an object, from some byte on.
enum Pieces {
    File(std::fs::File),
    Store(BoxStream<'static, object_store::Result<Bytes>>),
}

impl Pieces {
    async fn open(lake: &Lake, seen: &Object, offset: u64) -> Result<Self, LakeError> {
        use std::io::{Seek, SeekFrom};
        let Kind::Folder(root) = &lake.kind else {
            return lake.read(seen, offset).await.map(Self::Store);
        };
        let failed = |error: std::io::Error| {
            LakeError::io(format!("read `{}`", lake.uri(&seen.key)), &error)
        };
        let mut file = std::fs::File::open(root.join(&seen.key)).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        Ok(Self::File(file))
    }

    async fn next(&mut self, lake: &Lake, seen: &Object) -> Result<Option<Bytes>, LakeError> {
        match self {
            Self::Store(stream) => match stream.next().await {
                None => Ok(None),
                Some(Ok(piece)) => Ok(Some(piece)),
                Some(Err(error)) => Err(lake.failed("read", &seen.key, &error)),
            },
            Self::File(file) => {
                let mut piece = BytesMut::zeroed(PIECE_LEN);
                let read = std::io::Read::read(file, &mut piece).map_err(|error| {
                    LakeError::io(format!("read `{}`", lake.uri(&seen.key)), &error)
                })?;
                piece.truncate(read);
                Ok((read > 0).then(|| piece.freeze()))
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
