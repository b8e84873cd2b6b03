//! Reads logs, from any offset, as they grow; forwards, and backwards from their end.

use std::io::{ErrorKind, SeekFrom};
use std::path::Path;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::types::view::LogChunk;
use crate::types::{Fault, time};

pub mod find;
#[cfg(test)]
mod tests;

/// A chunk is held in memory, here and on the wire: never more than this, whoever asks.
const CHUNK_BYTES_MAX: u32 = 1 << 20;
/// Room for any one character.
const CHUNK_BYTES_MIN: u32 = 16;
/// How often a log that does not grow is looked at.
const STEP: Duration = Duration::from_millis(50);

/// Which stretch of a log.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    pub offset: u64,
    pub max_bytes: u32,
    /// How long to wait where nothing is there and the log is not over.
    pub wait: Duration,
    /// The stretch that ends at `offset`; nothing is waited for.
    pub backwards: bool,
}

/// Reads whole lines; a part of a line only where it is longer than `max_bytes`, or nothing
/// follows it. A log that was never written is empty.
pub async fn read(
    path: &Path,
    stretch: Stretch,
    is_over: impl Fn() -> bool,
) -> Result<LogChunk, Fault> {
    let max_bytes = stretch.max_bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
    let failed = |error: std::io::Error| {
        Fault::unavailable(format!("read the log `{}`", path.display())).caused_by(Some(&error))
    };
    if stretch.backwards {
        return read_back(path, stretch.offset, max_bytes, is_over()).await.map_err(failed);
    }
    let started = time::instant();
    loop {
        // Asked before the file is read: what was written before the end is then read as well.
        let over = is_over();
        let (offset, size, bytes) =
            read_at(path, stretch.offset, max_bytes).await.map_err(failed)?;
        let is_full = bytes.len() == max_bytes as usize;
        let taken = whole_lines(&bytes, is_full, over);
        if taken > 0 || over || started.elapsed() >= stretch.wait {
            return Ok(LogChunk {
                text: String::from_utf8_lossy(&bytes[..taken]).into_owned(),
                offset,
                next_offset: offset + taken as u64,
                size,
                is_end: over && !is_full,
                try_number: 0,
                day: None,
            });
        }
        tokio::time::sleep(STEP.min(stretch.wait.saturating_sub(started.elapsed()))).await;
    }
}

/// Reads the lines before `end`.
async fn read_back(path: &Path, end: u64, max_bytes: u32, over: bool) -> std::io::Result<LogChunk> {
    // The end moves while it is looked for; what comes after this look is read forwards.
    let (_, size, _) = read_at(path, 0, 0).await?;
    let end = end.min(size);
    let start = end.saturating_sub(u64::from(max_bytes));
    let (start, _, mut bytes) = read_at(path, start, (end - start) as u32).await?;
    if end == size && !over {
        // The last line is still being written.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(whole);
    }
    let skipped = match start {
        0 => 0,
        _ => match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) if at + 1 < bytes.len() => at + 1,
            _ => bytes.iter().take_while(|byte| (0x80..=0xBF).contains(*byte)).count().min(3),
        },
    };
    let offset = start + skipped as u64;
    Ok(LogChunk {
        text: String::from_utf8_lossy(&bytes[skipped..]).into_owned(),
        offset,
        next_offset: start + bytes.len() as u64,
        size,
        is_end: over && end == size,
        try_number: 0,
        day: None,
    })
}

/// Reads up to `max_bytes`; says where that begins and how long the file is. An offset behind the
/// end is brought back to it.
async fn read_at(path: &Path, offset: u64, max_bytes: u32) -> std::io::Result<(u64, u64, Vec<u8>)> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, 0, Vec::new())),
        Err(error) => return Err(error),
    };
    let size = file.metadata().await?.len();
    let offset = offset.min(size);
    file.seek(SeekFrom::Start(offset)).await?;
    let mut bytes = Vec::new();
    file.take(u64::from(max_bytes)).read_to_end(&mut bytes).await?;
    Ok((offset, size.max(offset + bytes.len() as u64), bytes))
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
