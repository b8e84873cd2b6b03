//! `mlflow-artifacts`: files of runs and logged models, streamed both ways. A file that is sent is
//! whole or not there: it goes beside its place, to the disk, and is renamed.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path as Wanted, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

use crate::api::control::Shared;
use crate::api::mlflow::wire::{Asked, Refusal};
use crate::tracking::artifact;
use crate::types::TrackingRunId;

/// Lists what lies right below a folder; a folder that is not there has nothing.
pub(super) async fn list(
    State(shared): State<Shared>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let path = asked.text("path")?.unwrap_or_default().trim_matches('/');
    let folder = match path {
        "" => root(&shared),
        path => place(&shared, path)?,
    };
    let mut files: Vec<(String, bool, u64)> = Vec::new();
    if let Ok(mut entries) = fs::read_dir(&folder).await {
        while let Ok(Some(entry)) = entries.next_entry().await {
            let Ok(metadata) = entry.metadata().await else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_temporary(&name) {
                files.push((name, metadata.is_dir(), metadata.len()));
            }
        }
    }
    files.sort();
    let shown = files.into_iter().map(|(name, is_dir, size)| match is_dir {
        true => json!({"path": name, "is_dir": true}),
        false => json!({"path": name, "is_dir": false, "file_size": size}),
    });
    Ok(Json(json!({"files": shown.collect::<Vec<_>>()})))
}

pub(super) async fn download(
    State(shared): State<Shared>,
    Wanted(path): Wanted<String>,
) -> Result<Response, Refusal> {
    let place = place(&shared, &path)?;
    let missing = || Refusal::missing(format!("No such artifact: '{path}'"));
    let file = File::open(&place).await.map_err(|_| missing())?;
    let metadata = file.metadata().await.map_err(|_| missing())?;
    if !metadata.is_file() {
        return Err(missing());
    }
    let name = place.file_name().unwrap_or_default().to_string_lossy().replace(['"', '\\'], "_");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, metadata.len().to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

pub(super) async fn upload(
    State(shared): State<Shared>,
    Wanted(path): Wanted<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let target = place(&shared, &path)?;
    let failed = |error: std::io::Error| Refusal::invalid(format!("write '{path}': {error}"));
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(Refusal::invalid(format!("Invalid path: '{path}'")));
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await.map_err(failed)?;
    let temporary = folder.join(temporary_name(&name.to_string_lossy()));
    let received = receive(&temporary, request.into_body()).await;
    let (size, sha256) = match received {
        Ok(received) => received,
        Err(refusal) => {
            // What is left of it is of no use; the first error is the one that matters.
            let _ = fs::remove_file(&temporary).await;
            return Err(refusal);
        }
    };
    fs::rename(&temporary, &target).await.map_err(failed)?;
    if let Some((run_id, within)) = of_run(&path) {
        let tracker = shared.control.tracker();
        let note = move |store: &_| artifact::note(store, &run_id, &within, size, &sha256);
        tracker.write(note).await?;
    }
    Ok(Json(json!({})))
}

pub(super) async fn delete(
    State(shared): State<Shared>,
    Wanted(path): Wanted<String>,
) -> Result<Json<Value>, Refusal> {
    let place = place(&shared, &path)?;
    let gone = match fs::metadata(&place).await {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&place).await,
        Ok(_) => fs::remove_file(&place).await,
        Err(error) => Err(error),
    };
    gone.map_err(|error| Refusal::missing(format!("delete '{path}': {error}")))?;
    if let Some((run_id, within)) = of_run(&path) {
        let forget = move |store: &_| artifact::forget(store, &run_id, &within);
        shared.control.tracker().write(forget).await?;
    }
    Ok(Json(json!({})))
}

/// Writes what comes, and returns its size and digest.
async fn receive(temporary: &Path, body: Body) -> Result<(u64, String), Refusal> {
    let failed = |error: std::io::Error| Refusal::invalid(format!("write the artifact: {error}"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(temporary).await.map_err(failed)?;
    let (mut size, mut digest) = (0, Sha256::new());
    let mut body = body.into_data_stream();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| Refusal::invalid(format!("the upload broke off: {error}")))?;
        size += part.len() as u64;
        digest.update(&part);
        file.write_all(&part).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((size, sha256))
}

fn root(shared: &Shared) -> PathBuf {
    shared.control.tracker().state_dir().join("artifacts")
}

/// Where a path lies; one that climbs out is refused.
fn place(shared: &Shared, path: &str) -> Result<PathBuf, Refusal> {
    let path = path.trim_end_matches('/');
    artifact::check_path(path).map_err(|error| Refusal::invalid(format!("Invalid path: {error}")))?;
    Ok(root(shared).join(path))
}

/// The run that a path is of, and where it lies within the run's artifacts.
fn of_run(path: &str) -> Option<(TrackingRunId, String)> {
    let (_, rest) = path.split_once('/')?;
    let (run_id, rest) = rest.split_once('/')?;
    let within = rest.strip_prefix("artifacts/")?.trim_end_matches('/');
    let is_run = run_id.len() == 32 && run_id.chars().all(|c| c.is_ascii_hexdigit());
    is_run.then(|| (TrackingRunId::new(run_id), within.to_owned()))
}

fn temporary_name(name: &str) -> String {
    format!(".{name}.{}.tmp", uuid::Uuid::new_v4().simple())
}

fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}
