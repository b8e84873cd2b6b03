//! Where an object is written to: a file that is renamed into place, or an upload that is
//! completed. Until then nobody sees it; what fails leaves nothing that anybody sees.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;
use object_store::{Attribute, Attributes, ObjectStore, PutMode, PutOptions};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use super::bucket::Bucket;
use super::conditional::honours;
use super::error::{LakeError, LakeFault};
use super::lake::Lake;

/// Bytes of a part of an upload. S3 takes parts from 5 MiB.
pub(super) const PART_LEN: usize = 8 << 20;

/// So many parts are on their way at once, and one is being filled: 32 MiB of memory.
const PARTS_IN_FLIGHT_MAX: usize = 3;

/// S3 takes 10,000 parts: of a larger object each is larger.
const PARTS_LEN_MAX: u64 = 9_000;

/// What a write tells on its way.
pub struct Hooks<'a> {
    /// A sentence that the operator should read.
    pub warn: &'a (dyn Fn(&str) + Sync),
    /// An upload of several parts has begun: its id, by which a later try ends it where this one
    /// dies.
    pub upload_began: &'a (dyn Fn(&str) + Sync),
}

/// What is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) e_tag: Option<String>,
}

// ── files ──────────────────────────────────────────────────────────────────────────────────────

/// A file beside its place.
#[derive(Debug)]
pub(super) struct FileSink {
    file: File,
    part: PathBuf,
    target: PathBuf,
    what: String,
    overwrite: bool,
    /// Bytes that an earlier try has left.
    pub(super) resumed_at: u64,
}

impl FileSink {
    /// Opens the file that a try with the same tag has begun, or a new one. `hash` takes in what
    /// is in it; `len_max` is the length of the whole.
    pub(super) fn open(
        root: &Path,
        key: &str,
        uri: &str,
        overwrite: bool,
        tag: &str,
        len_max: u64,
        hash: &mut Sha256,
    ) -> Result<Self, LakeError> {
        let what = format!("write `{uri}`");
        let failed = |error: std::io::Error| LakeError::io(what.clone(), &error);
        let target = root.join(key);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(LakeError::new(what, "it names no file", LakeFault::Refused));
        };
        let name = name.to_string_lossy();
        std::fs::create_dir_all(folder).map_err(failed)?;
        if !overwrite && target.exists() {
            return Err(LakeError::new(what, "it exists already", LakeFault::Exists));
        }
        let tagged = folder.join(format!(".{name}.{tag}.dagdeck-part"));
        tidy(folder, &name, &tagged);
        let open = |path: &Path| {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        };
        let mut part = tagged;
        let mut file = open(&part).map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            // Another task is writing the very same.
            part = folder.join(format!(".{name}.{}.dagdeck-part", uuid::Uuid::new_v4()));
            file = open(&part).map_err(failed)?;
        }
        let mut resumed_at = take_in(&mut file, hash).map_err(failed)?;
        if resumed_at > len_max {
            file.set_len(0).map_err(failed)?;
            std::io::Seek::rewind(&mut file).map_err(failed)?;
            *hash = Sha256::new();
            resumed_at = 0;
        }
        Ok(Self { file, part, target, what, overwrite, resumed_at })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), LakeError> {
        self.file.write_all(piece).map_err(|error| LakeError::io(self.what.clone(), &error))
    }

    /// Puts it in its place, on disk for good.
    fn complete(self) -> Result<Written, LakeError> {
        let failed = |error: std::io::Error| LakeError::io(self.what.clone(), &error);
        self.file.sync_all().map_err(failed)?;
        if self.overwrite {
            std::fs::rename(&self.part, &self.target).map_err(failed)?;
        } else {
            // A link, unlike a rename, fails where the name is taken.
            std::fs::hard_link(&self.part, &self.target).map_err(failed)?;
            std::fs::remove_file(&self.part).map_err(failed)?;
        }
        if let Some(folder) = self.target.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(Written { e_tag: None })
    }

    /// Leaves what another try can go on with, or nothing.
    fn leave(self, resumable: bool) {
        if !resumable {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// Takes what others have begun and nobody goes on with: it was of another version.
fn tidy(folder: &Path, name: &str, ours: &Path) {
    let (before, after) = (format!(".{name}."), ".dagdeck-part");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let fits = file_name.to_str().is_some_and(|n| n.starts_with(&before) && n.ends_with(after));
        if !fits || entry.path() == ours {
            continue;
        }
        // One that is being written is locked.
        if let Ok(file) = File::open(entry.path())
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Reads a file to its end, into the hash.
fn take_in(file: &mut File, hash: &mut Sha256) -> std::io::Result<u64> {
    let mut piece = vec![0; 1 << 20];
    let mut len = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(len);
        }
        hash.update(&piece[..read]);
        len += read as u64;
    }
}

// ── uploads ────────────────────────────────────────────────────────────────────────────────────

/// An upload into a bucket: one put, or parts.
pub(super) struct UploadSink<'a> {
    lake: &'a Lake,
    bucket: &'a Bucket,
    hooks: &'a Hooks<'a>,
    key: String,
    path: Key,
    overwrite: bool,
    part_len: usize,
    filling: BytesMut,
    upload: Option<String>,
    in_flight: FuturesOrdered<tokio::task::JoinHandle<object_store::Result<PartId>>>,
    begun: usize,
    parts: Vec<PartId>,
}

impl<'a> UploadSink<'a> {
    /// Opens it; nothing is sent yet.
    pub(super) fn open(
        lake: &'a Lake,
        bucket: &'a Bucket,
        hooks: &'a Hooks<'a>,
        key: &str,
        overwrite: bool,
        len: u64,
    ) -> Result<Self, LakeError> {
        let part_len = usize::try_from(len / PARTS_LEN_MAX + 1).unwrap_or(PART_LEN).max(PART_LEN);
        Ok(Self {
            path: lake.path(key)?,
            key: key.to_owned(),
            lake,
            bucket,
            hooks,
            overwrite,
            part_len,
            filling: BytesMut::new(),
            upload: None,
            in_flight: FuturesOrdered::new(),
            begun: 0,
            parts: Vec::new(),
        })
    }

    fn failed(&self, error: &object_store::Error) -> LakeError {
        self.lake.failed("write", &self.key, error)
    }

    async fn write(&mut self, mut piece: Bytes) -> Result<(), LakeError> {
        while self.filling.len() + piece.len() > self.part_len {
            let room = self.part_len - self.filling.len();
            self.filling.extend_from_slice(&piece.split_to(room));
            self.send().await?;
        }
        self.filling.extend_from_slice(&piece);
        Ok(())
    }

    /// Sends what has been filled as a part.
    async fn send(&mut self) -> Result<(), LakeError> {
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                let begun = self.bucket.s3.create_multipart(&self.path).await;
                let upload = begun.map_err(|error| self.failed(&error))?;
                (self.hooks.upload_began)(&upload);
                self.upload.insert(upload).clone()
            }
        };
        while self.in_flight.len() >= PARTS_IN_FLIGHT_MAX {
            self.take_one().await?;
        }
        let (s3, path, at) = (self.bucket.s3.clone(), self.path.clone(), self.begun);
        let content = self.filling.split().freeze();
        self.begun += 1;
        self.in_flight.push_back(tokio::spawn(async move {
            s3.put_part(&path, &upload, at, content.into()).await
        }));
        Ok(())
    }

    async fn take_one(&mut self) -> Result<(), LakeError> {
        match self.in_flight.next().await {
            Some(Ok(Ok(part))) => self.parts.push(part),
            Some(Ok(Err(error))) => return Err(self.failed(&error)),
            Some(Err(error)) => {
                let what = format!("write `{}`", self.lake.uri(&self.key));
                return Err(LakeError::new(what, error.to_string(), LakeFault::Passing));
            }
            None => {}
        }
        Ok(())
    }

    /// Makes the object of it.
    async fn complete(&mut self, sha256: &str) -> Result<Written, LakeError> {
        let is_new = if self.overwrite { None } else { Some(self.only_new().await?) };
        if self.upload.is_none() {
            return self.put(is_new.is_some_and(|honours| honours.put), sha256).await;
        }
        if !self.filling.is_empty() {
            self.send().await?;
        }
        while !self.in_flight.is_empty() {
            self.take_one().await?;
        }
        let Some(upload) = self.upload.clone() else { return Ok(Written { e_tag: None }) };
        let s3 = match is_new {
            Some(honours) if honours.complete => &self.bucket.create_only,
            Some(_) => {
                self.look_first().await?;
                &self.bucket.s3
            }
            None => &self.bucket.s3,
        };
        let parts = std::mem::take(&mut self.parts);
        let done = s3.complete_multipart(&self.path, &upload, parts).await;
        let done = done.map_err(|error| self.refused(&error))?;
        self.upload = None;
        Ok(Written { e_tag: done.e_tag })
    }

    async fn put(&mut self, only_new: bool, sha256: &str) -> Result<Written, LakeError> {
        let mode = if only_new { PutMode::Create } else { PutMode::Overwrite };
        if !self.overwrite && !only_new {
            self.look_first().await?;
        }
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(SHA256.into()), sha256.to_owned().into());
        let options = PutOptions { mode, attributes, ..Default::default() };
        let content = std::mem::take(&mut self.filling).freeze();
        let done = self.bucket.s3.put_opts(&self.path, content.into(), options).await;
        done.map(|done| Written { e_tag: done.e_tag }).map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &object_store::Error) -> LakeError {
        let mut told = self.failed(error);
        if !self.overwrite && told.fault == LakeFault::Changed {
            (told.why, told.fault) = ("it exists already".to_owned(), LakeFault::Exists);
        }
        told
    }

    async fn only_new(&self) -> Result<super::conditional::Honours, LakeError> {
        let found = honours(self.lake, self.bucket, &self.key).await?;
        if !(found.put && found.complete) {
            (self.hooks.warn)(&format!(
                "`{}` does not honour conditional writes: it is looked whether `{}` exists, and \
                 then written; what another writes in between would be replaced",
                self.lake.name,
                self.lake.uri(&self.key)
            ));
        }
        Ok(found)
    }

    async fn look_first(&self) -> Result<(), LakeError> {
        match self.lake.head(&self.key).await? {
            None => Ok(()),
            Some(_) => {
                let what = format!("write `{}`", self.lake.uri(&self.key));
                Err(LakeError::new(what, "it exists already", LakeFault::Exists))
            }
        }
    }

    /// Ends an upload that came to nothing. What was on its way is waited for first: a part that
    /// arrives after the end would stay.
    async fn abort(mut self) {
        while let Some(part) = self.in_flight.next().await {
            drop(part);
        }
        if let Some(upload) = self.upload.take()
            && let Err(error) = self.bucket.s3.abort_multipart(&self.path, &upload).await
        {
            tracing::debug!(%error, "an upload could not be ended");
        }
    }
}

/// What the hash of the content is called among an object's own metadata.
pub(super) const SHA256: &str = "dagdeck-sha256";

// ── either ─────────────────────────────────────────────────────────────────────────────────────

pub(super) enum Sink<'a> {
    File(FileSink),
    Upload(Box<UploadSink<'a>>),
}

impl Sink<'_> {
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), LakeError> {
        match self {
            Self::File(file) => file.write(&piece),
            Self::Upload(upload) => upload.write(piece).await,
        }
    }

    /// Makes the object of what was written, or leaves nothing of it but what another try can go
    /// on with.
    pub(super) async fn complete(self, sha256: &str) -> Result<Written, LakeError> {
        match self {
            Self::File(file) => {
                let part = file.part.clone();
                file.complete().inspect_err(|_| {
                    let _ = std::fs::remove_file(part);
                })
            }
            Self::Upload(mut upload) => {
                let done = upload.complete(sha256).await;
                if done.is_err() {
                    upload.abort().await;
                }
                done
            }
        }
    }

    /// Ends a write that came to nothing.
    pub(super) async fn give_up(self, error: &LakeError) {
        match self {
            Self::File(file) => file.leave(error.fault == LakeFault::Passing),
            Self::Upload(upload) => upload.abort().await,
        }
    }
}
