//! `mlflow-artifacts`: files of runs and logged models, streamed both ways. A file that is sent is
//! whole or not there: it comes into a folder of its own, goes to the disk and is renamed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path as Wanted, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Response, StatusCode};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use crate::api::control::Shared;
use crate::api::mlflow::runs::run_id;
use crate::api::mlflow::wire::{Asked, Code, Refusal};
use crate::tracking::artifact;
use crate::tracking::run::record;
use crate::web::body::discard;

/// The name of the folder where files are that are still being sent.
const INCOMING: &str = ".incoming";

/// How long a client may send nothing, in the middle of a file.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one read of a file brings.
const PIECE_BYTES: usize = 256 << 10;

/// Lists what lies right below a folder; a folder that is not there has nothing.
pub(super) async fn list(
    State(shared): State<Shared>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let path = asked.text("path")?.unwrap_or_default();
    let folder = folder(&shared, path)?;
    Ok(Json(json!({"files": files(&folder, "").await})))
}

/// `artifacts/list`: as `list`, below a run's artifacts.
pub(super) async fn list_of_run(
    State(shared): State<Shared>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let (root_uri, root) = of_run(&shared, &asked).await?;
    let path = asked.text("path")?.unwrap_or_default().trim_matches('/');
    let folder = folder(&shared, &format!("{root}/{path}"))?;
    let before = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut answer = json!({"root_uri": root_uri});
    let files = files(&folder, &before).await;
    if !files.is_empty() {
        answer["files"] = files.into();
    }
    Ok(Json(answer))
}

async fn files(folder: &Path, before: &str) -> Vec<Value> {
    let mut files: Vec<(String, bool, u64)> = Vec::new();
    if let Ok(mut entries) = fs::read_dir(folder).await {
        while let Ok(Some(entry)) = entries.next_entry().await {
            let Ok(metadata) = entry.metadata().await else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != INCOMING && !artifact::is_unfinished(&name) {
                files.push((name, metadata.is_dir(), metadata.len()));
            }
        }
    }
    files.sort();
    let shown = files.into_iter().map(|(name, is_dir, size)| match is_dir {
        true => json!({"path": format!("{before}{name}"), "is_dir": true}),
        false => json!({"path": format!("{before}{name}"), "is_dir": false, "file_size": size}),
    });
    shown.collect()
}

/// Where a run's artifacts lie, as its clients and as this folder know it.
async fn of_run(shared: &Shared, asked: &Asked) -> Result<(String, String), Refusal> {
    let run_id = run_id(asked)?;
    let found = shared.control.tracker().look(move |conn| record::of(conn, &run_id)).await?;
    let uri = found.artifact_uri;
    match artifact::below(&uri) {
        Some(below) => Ok((uri.clone(), below.to_owned())),
        None => {
            Err(Refusal::invalid(format!("the artifacts of this run lie elsewhere, at '{uri}'")))
        }
    }
}

/// `get-artifact`: a file of a run, as MLflow's pages ask for it.
pub(super) async fn download_of_run(
    State(shared): State<Shared>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let (_, root) = of_run(&shared, &asked).await?;
    send(&shared, &format!("{root}/{}", asked.needed("path")?), &headers).await
}

pub(super) async fn download(
    State(shared): State<Shared>,
    Wanted(path): Wanted<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Refusal> {
    send(&shared, &path, &headers).await
}

async fn send(shared: &Shared, path: &str, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
    let (path, place) = place(shared, path)?;
    let missing = || Refusal::missing(format!("No such artifact: '{path}'"));
    let mut file = File::open(&place).await.map_err(|_| missing())?;
    let metadata = file.metadata().await.map_err(|_| missing())?;
    if !metadata.is_file() {
        return Err(missing());
    }
    let size = metadata.len();
    let noted = path.clone();
    let digest = shared.control.tracker().look(move |conn| artifact::digest(conn, &noted)).await?;
    let etag = digest.map(|digest| format!("\"{digest}\""));
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut answer = Response::builder()
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_DISPOSITION, attachment(&name));
    if let Some(etag) = &etag {
        answer = answer.header(header::ETAG, etag);
    }
    let range = match range(headers, size, etag.as_deref()) {
        Range::Whole => 0..size,
        Range::Part(part) => {
            let shown = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            answer =
                answer.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, shown);
            part
        }
        Range::Beyond => {
            answer = answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"));
            return finish(answer, Body::empty());
        }
    };
    let failed = |error| broken(&format!("read '{path}'"), &error);
    file.seek(io::SeekFrom::Start(range.start)).await.map_err(failed)?;
    let len = range.end - range.start;
    let body = ReaderStream::with_capacity(file.take(len), PIECE_BYTES);
    finish(answer.header(header::CONTENT_LENGTH, len), Body::from_stream(body))
}

fn finish(answer: axum::http::response::Builder, body: Body) -> Result<Response<Body>, Refusal> {
    answer.body(body).map_err(|error| Refusal::new(Code::Internal, error.to_string()))
}

fn attachment(name: &str) -> HeaderValue {
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\".contains(c) { c } else { '_' };
    let plain: String = name.chars().map(plain).collect();
    let text = format!("attachment; filename=\"{plain}\"");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// What of a file is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    Whole,
    Part(std::ops::Range<u64>),
    Beyond,
}

/// Reads one range; of several, and of what is no range, the whole file is the answer.
fn range(headers: &HeaderMap, size: u64, etag: Option<&str>) -> Range {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_other = text(header::IF_RANGE).is_some_and(|wanted| Some(wanted) != etag);
    let wanted = text(header::RANGE).and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = wanted.filter(|_| !is_other).and_then(|one| one.split_once('-'))
    else {
        return Range::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let part = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..size.min(last.saturating_add(1)),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return Range::Whole,
    };
    if part.start < part.end { Range::Part(part) } else { Range::Beyond }
}

pub(super) async fn upload(
    State(shared): State<Shared>,
    Wanted(path): Wanted<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let (path, target) = match place(&shared, &path) {
        Ok(found) => found,
        Err(refusal) => {
            // Its sender reads nothing before all is sent.
            discard(request.into_body()).await;
            return Err(refusal);
        }
    };
    let max = shared.control.tracker().artifact_max_bytes();
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > max) {
        discard(request.into_body()).await;
        return Err(too_large(&path, max));
    }
    let incoming = shared.control.tracker().incoming_dir();
    make_folder(&incoming).await.map_err(|error| broken(&format!("write '{path}'"), &error))?;
    let temporary = incoming.join(uuid::Uuid::new_v4().simple().to_string());
    // On a task of its own: a client that hangs up leaves nothing half-way.
    let kept = tokio::spawn(async move {
        let kept = keep(&shared, &path, &temporary, &target, request.into_body()).await;
        if kept.is_err() {
            // What is left of it is of no use; the first error is the one that matters.
            let _ = fs::remove_file(&temporary).await;
        }
        kept
    });
    kept.await.map_err(|error| Refusal::new(Code::Internal, error.to_string()))??;
    Ok(Json(json!({})))
}

async fn keep(
    shared: &Shared,
    path: &str,
    temporary: &Path,
    target: &Path,
    body: Body,
) -> Result<(), Refusal> {
    let failed = |error: io::Error| broken(&format!("write '{path}'"), &error);
    let max = shared.control.tracker().artifact_max_bytes();
    let (size, sha256) = receive(path, temporary, body, max).await?;
    let folder = target.parent().unwrap_or(target);
    make_folder(folder).await.map_err(failed)?;
    fs::rename(temporary, target).await.map_err(failed)?;
    File::open(folder).await.map_err(failed)?.sync_all().await.map_err(failed)?;
    let path = path.to_owned();
    let note = move |tx: &rusqlite::Transaction<'_>| artifact::note(tx, &path, size, &sha256);
    Ok(shared.control.tracker().commit(note).await?)
}

/// Writes what comes, and returns its size and digest.
async fn receive(
    path: &str,
    temporary: &Path,
    body: Body,
    max: u64,
) -> Result<(u64, String), Refusal> {
    let failed = |error: io::Error| broken(&format!("write '{path}'"), &error);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(temporary).await.map_err(failed)?;
    let (mut size, mut digest) = (0, Sha256::new());
    let mut body = body.into_data_stream();
    loop {
        let part = match tokio::time::timeout(PATIENCE, body.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(part))) => part,
            Ok(Some(Err(error))) => {
                return Err(Refusal::invalid(format!("the upload broke off: {error}")));
            }
            Err(_) => return Err(Refusal::invalid("the upload did not go on for a minute")),
        };
        size += part.len() as u64;
        if size > max {
            return Err(too_large(path, max));
        }
        digest.update(&part);
        file.write_all(&part).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((size, sha256))
}

fn too_large(path: &str, max: u64) -> Refusal {
    let text = format!(
        "'{path}' weighs more than the {max} bytes that one artifact may: see `artifact_max_bytes` of \
         `[tracking]`"
    );
    Refusal::new(Code::TooLarge, text)
}

pub(super) async fn delete(
    State(shared): State<Shared>,
    Wanted(path): Wanted<String>,
) -> Result<Json<Value>, Refusal> {
    let (path, place) = place(&shared, &path)?;
    let gone = match fs::symlink_metadata(&place).await {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&place).await,
        Ok(_) => fs::remove_file(&place).await,
        Err(error) => Err(error),
    };
    match gone {
        Ok(()) => {}
        // As MLflow, which does not mind.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(broken(&format!("delete '{path}'"), &error)),
    }
    shared.control.tracker().commit(move |tx| artifact::forget(tx, &path)).await?;
    Ok(Json(json!({})))
}

async fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await
}

/// A disk that is full, or that fails, is ours to mend and not the client's.
fn broken(what: &str, error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::AlreadyExists => {
            Refusal::invalid(format!("{what}: a file and a folder cannot have one name"))
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::new(
            Code::StorageFull,
            format!("{what}: the disk of the deck is full; `dagdeck prune` makes room"),
        ),
        _ => Refusal::new(Code::TemporarilyUnavailable, format!("{what}: {error}")),
    }
}

/// Returns a path as it is noted, and where it lies; one that climbs out is refused.
fn place(shared: &Shared, path: &str) -> Result<(String, PathBuf), Refusal> {
    let invalid = || Refusal::invalid("Invalid path");
    artifact::check_path(path.trim_end_matches('/')).map_err(|_| invalid())?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first() == Some(&INCOMING) {
        return Err(invalid());
    }
    let path = parts.join("/");
    Ok((path.clone(), shared.control.tracker().artifacts_dir().join(path)))
}

fn folder(shared: &Shared, path: &str) -> Result<PathBuf, Refusal> {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => Ok(shared.control.tracker().artifacts_dir()),
        path => Ok(place(shared, path)?.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_full_is_said_and_not_tried_again_by_clients() {
        let refusal = broken("write 'a'", &io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(refusal.code, Code::StorageFull);
        assert!(refusal.message.contains("the disk of the deck is full"), "{}", refusal.message);
    }

    #[test]
    fn a_range_is_what_of_it_is_there() {
        let wanted = |range: &str, if_range: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, range.parse().unwrap());
            if let Some(etag) = if_range {
                headers.insert(header::IF_RANGE, etag.parse().unwrap());
            }
            super::range(&headers, 10, Some("\"a\""))
        };
        for (text, expected) in [
            ("bytes=0-3", Range::Part(0..4)),
            ("bytes=4-", Range::Part(4..10)),
            ("bytes=-3", Range::Part(7..10)),
            ("bytes=8-99", Range::Part(8..10)),
            ("bytes=-99", Range::Part(0..10)),
            ("bytes=10-", Range::Beyond),
            ("bytes=-0", Range::Beyond),
            ("bytes=3-1", Range::Whole),
            ("bytes=0-1,3-4", Range::Whole),
            ("lines=0-1", Range::Whole),
            ("bytes=-", Range::Whole),
        ] {
            assert_eq!(wanted(text, None), expected, "{text}");
        }
        assert_eq!(wanted("bytes=0-3", Some("\"a\"")), Range::Part(0..4));
        assert_eq!(wanted("bytes=0-3", Some("\"b\"")), Range::Whole);
    }
}
