//! Writes a whole log to a file that only its owner may read, and never over another.

use std::io::ErrorKind;
use std::path::PathBuf;

use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use crate::daemon::Daemon;
use crate::message::SaveLog;
use crate::types::ask::{Answer, Request};
use crate::types::log::LogName;
use crate::types::view::LogChunk;

/// How much is read at once.
const CHUNK_BYTES: u32 = 1 << 20;

/// Saves a log as far as it is written now; returns its bytes, or says why not.
pub(super) async fn save(daemon: &dyn Daemon, wish: SaveLog) -> Result<u64, String> {
    let path = PathBuf::from(&wish.path);
    let mut file = create(&path).await?;
    match copy(daemon, &wish.name, &mut file).await {
        Ok(bytes) => Ok(bytes),
        Err(problem) => {
            // Half a log would be taken for the whole.
            let _ = tokio::fs::remove_file(&path).await;
            Err(problem)
        }
    }
}

async fn create(path: &PathBuf) -> Result<File, String> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await;
    opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => "there is a file of this name; give another".to_owned(),
        _ => error.to_string(),
    })
}

async fn copy(daemon: &dyn Daemon, name: &LogName, file: &mut File) -> Result<u64, String> {
    let (mut offset, mut size) = (0, None);
    loop {
        let chunk = read(daemon, name, offset).await?;
        file.write_all(chunk.text.as_bytes()).await.map_err(|error| error.to_string())?;
        // What is written meanwhile is not waited for.
        let size = *size.get_or_insert(chunk.size);
        let is_stuck = chunk.next_offset <= offset;
        offset = chunk.next_offset;
        if is_stuck || chunk.is_end || offset >= size {
            file.flush().await.map_err(|error| error.to_string())?;
            return Ok(offset);
        }
    }
}

async fn read(daemon: &dyn Daemon, name: &LogName, offset: u64) -> Result<LogChunk, String> {
    let (max_bytes, wait_ms, backwards) = (CHUNK_BYTES, 0, false);
    let request = match name.clone() {
        LogName::Task { key, try_number } => {
            Request::ReadLog { key, try_number, offset, max_bytes, wait_ms, backwards }
        }
        LogName::Daemon { day } => {
            Request::ReadDaemonLog { day, offset, max_bytes, wait_ms, backwards }
        }
    };
    match daemon.ask(request).await {
        Ok(Answer::Log(chunk)) => Ok(chunk),
        Ok(_) => Err("the daemon answered something else".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}
