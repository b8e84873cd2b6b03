//! Whether a server keeps its word: `If-None-Match: *` means "only if there is none", but servers
//! are met that know nothing of it and write all the same. So it is tried once for each bucket,
//! when something is first to be written without replacing, and remembered.
//!
//! ```text
//! put probe ─► put it again, only if there is none ─► refused: honoured · written: ignored
//! the same for the completion of an upload of several parts
//! ```

use std::path::Path;

use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bucket::Bucket;
use super::error::LakeError;
use super::lake::Lake;

/// What a server honours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Honours {
    /// When an object is put.
    pub(super) put: bool,
    /// When an upload of several parts is completed.
    pub(super) complete: bool,
}

/// Returns what the server honours, trying it beside `key` where that is not known yet.
pub(super) async fn honours(lake: &Lake, bucket: &Bucket, key: &str) -> Result<Honours, LakeError> {
    let memory = bucket.memory.as_deref().map(|folder| folder.join(file_name(bucket)));
    if let Some(known) = memory.as_deref().and_then(recall) {
        return Ok(known);
    }
    let folder = key.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let probe = format!("{folder}.dagdeck-probe-{}", uuid::Uuid::new_v4());
    let path = lake.path(&probe)?;
    let found = probe_at(bucket, &path).await;
    // What was put there goes, whatever came of it.
    let gone = bucket.s3.delete(&path).await;
    let found = found.map_err(|error| lake.failed("try a conditional write at", &probe, &error))?;
    gone.map_err(|error| lake.failed("delete", &probe, &error))?;
    if let Some(path) = memory {
        // A memory that cannot be kept costs another try.
        if let Err(error) = keep(&path, found) {
            tracing::debug!(%error, "could not remember what the server honours");
        }
    }
    Ok(found)
}

async fn probe_at(bucket: &Bucket, path: &Key) -> object_store::Result<Honours> {
    let create = || PutOptions { mode: PutMode::Create, ..Default::default() };
    let content = || PutPayload::from_static(b"tried by dagdeck");
    let put = match bucket.s3.put_opts(path, content(), create()).await {
        Ok(_) => match bucket.s3.put_opts(path, content(), create()).await {
            Err(Error::AlreadyExists { .. }) => true,
            Ok(_) => false,
            Err(error) => unknown(error)?,
        },
        Err(error) => {
            let refused = unknown(error)?;
            bucket.s3.put(path, content()).await?;
            refused
        }
    };
    Ok(Honours { put, complete: probe_upload(bucket, path).await? })
}

/// Of the completion of an upload, where the object exists.
async fn probe_upload(bucket: &Bucket, path: &Key) -> object_store::Result<bool> {
    let upload = bucket.s3.create_multipart(path).await?;
    let tried = async {
        let content = PutPayload::from_static(b"tried by dagdeck");
        let part = bucket.s3.put_part(path, &upload, 0, content).await?;
        bucket.create_only.complete_multipart(path, &upload, vec![part]).await
    }
    .await;
    if tried.is_ok() {
        return Ok(false);
    }
    bucket.s3.abort_multipart(path, &upload).await?;
    match tried {
        Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => Ok(true),
        Err(error) => unknown(error),
        Ok(_) => Ok(false),
    }
}

/// A server that says that it does not know how is believed; any other failure is one.
fn unknown(error: Error) -> object_store::Result<bool> {
    let text = crate::connection::chain(&error);
    let says_so = ["<Code>NotImplemented</Code>", "<Code>InvalidArgument</Code>", "501 "];
    match error {
        Error::NotImplemented { .. } | Error::NotSupported { .. } => Ok(false),
        _ if says_so.iter().any(|code| text.contains(code)) => Ok(false),
        error => Err(error),
    }
}

/// Another endpoint or bucket under the same name is another server.
fn file_name(bucket: &Bucket) -> String {
    let digest = Sha256::digest(bucket.spec.bucket_url());
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{digits}.json")
}

fn recall(path: &Path) -> Option<Honours> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn keep(path: &Path, found: Honours) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", uuid::Uuid::new_v4()));
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&temporary)?;
    serde_json::to_writer(file, &found)?;
    std::fs::rename(&temporary, path)
}
