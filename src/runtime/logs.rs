//! Reads logs of attempts, from any offset, as they grow.

use std::io::{ErrorKind, SeekFrom};
use std::path::Path;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::runtime::layout::Layout;
use crate::types::view::LogChunk;
use crate::types::{AttemptKey, Fault, time};

#[cfg(test)]
mod tests;

/// A chunk is held in memory, here and on the wire: never more than this, whoever asks.
const CHUNK_BYTES_MAX: u32 = 1 << 20;
/// Room for any one character.
const CHUNK_BYTES_MIN: u32 = 16;
/// How often a log that does not grow is looked at.
const STEP: Duration = Duration::from_millis(50);

/// Reads whole lines from `offset` on; a part of a line only where it is longer than
/// `max_bytes`, or nothing follows it. Waits up to `wait` where nothing is there and the attempt
/// is not over (`is_over`). A log that was never written is empty.
pub async fn read(
    layout: &Layout,
    key: &AttemptKey,
    offset: u64,
    max_bytes: u32,
    wait: Duration,
    is_over: impl Fn() -> bool,
) -> Result<LogChunk, Fault> {
    let path = layout.attempt_dir(key).join("task.log");
    let max_bytes = max_bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
    let started = time::instant();
    loop {
        // Asked before the file is read: what was written before the end is then read as well.
        let over = is_over();
        let (offset, bytes) = read_at(&path, offset, max_bytes).await.map_err(|error| {
            Fault::unavailable(format!("read the log `{}`", path.display())).caused_by(Some(&error))
        })?;
        let is_full = bytes.len() == max_bytes as usize;
        let taken = whole_lines(&bytes, is_full, over);
        if taken > 0 || over || started.elapsed() >= wait {
            return Ok(LogChunk {
                text: String::from_utf8_lossy(&bytes[..taken]).into_owned(),
                next_offset: offset + taken as u64,
                is_end: over && !is_full,
                try_number: key.try_number,
            });
        }
        tokio::time::sleep(STEP.min(wait.saturating_sub(started.elapsed()))).await;
    }
}

/// Reads up to `max_bytes`. An offset behind the end is brought back to it.
async fn read_at(path: &Path, offset: u64, max_bytes: u32) -> std::io::Result<(u64, Vec<u8>)> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, Vec::new())),
        Err(error) => return Err(error),
    };
    let offset = offset.min(file.metadata().await?.len());
    file.seek(SeekFrom::Start(offset)).await?;
    let mut bytes = Vec::new();
    file.take(u64::from(max_bytes)).read_to_end(&mut bytes).await?;
    Ok((offset, bytes))
}

/// Says how many bytes to hand out.
fn whole_lines(bytes: &[u8], is_full: bool, over: bool) -> usize {
    if over && !is_full {
        return bytes.len();
    }
    match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => end + 1,
        None if is_full => whole_characters(bytes),
        None => 0,
    }
}

/// Leaves out the beginning of a character whose rest is still to be read.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    for start in (tail..bytes.len()).rev() {
        let needed = match bytes[start] {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        return if bytes.len() - start < needed { start } else { bytes.len() };
    }
    bytes.len()
}
