//! Logs as they grow, and as they break.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::runtime::layout::Layout;
use crate::types::{AttemptKey, TaskInstanceKey};

struct Log {
    _dir: tempfile::TempDir,
    layout: Layout,
    key: AttemptKey,
}

fn log(bytes: Option<&[u8]>) -> Log {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path());
    let task = TaskInstanceKey {
        dag_id: "d".into(),
        dag_run_id: "r".into(),
        task_id: "t".into(),
        map_index: -1,
    };
    let key = AttemptKey { task, try_number: 2 };
    if let Some(bytes) = bytes {
        let folder = layout.attempt_dir(&key);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("task.log"), bytes).unwrap();
    }
    Log { _dir: dir, layout, key }
}

impl Log {
    async fn read(&self, offset: u64, max_bytes: u32, over: bool) -> LogChunk {
        let stretch = Stretch { offset, max_bytes, wait: Duration::ZERO, backwards: false };
        read(&self.path(), stretch, || over).await.unwrap()
    }

    async fn read_back(&self, offset: u64, max_bytes: u32, over: bool) -> LogChunk {
        let stretch = Stretch { offset, max_bytes, wait: Duration::ZERO, backwards: true };
        read(&self.path(), stretch, || over).await.unwrap()
    }

    fn path(&self) -> std::path::PathBuf {
        self.layout.attempt_dir(&self.key).join("task.log")
    }

    /// Reads on until the end.
    async fn read_all(&self, max_bytes: u32) -> String {
        let (mut text, mut offset) = (String::new(), 0);
        loop {
            let chunk = self.read(offset, max_bytes, true).await;
            assert!(chunk.is_end || chunk.next_offset > offset, "it does not get on");
            text.push_str(&chunk.text);
            offset = chunk.next_offset;
            if chunk.is_end {
                return text;
            }
        }
    }
}

#[tokio::test]
async fn a_log_that_was_never_written_is_empty() {
    let log = log(None);
    let chunk = log.read(0, 100, false).await;
    assert_eq!((chunk.text.as_str(), chunk.next_offset, chunk.is_end), ("", 0, false));
    let chunk = log.read(0, 100, true).await;
    assert_eq!((chunk.next_offset, chunk.is_end, chunk.size), (0, true, 0));
    let chunk = log.read_back(u64::MAX, 100, false).await;
    assert_eq!((chunk.offset, chunk.next_offset, chunk.is_end), (0, 0, false));
}

#[tokio::test]
async fn half_a_line_waits_for_its_rest_until_the_attempt_is_over() {
    let log = log(Some(b"one\ntw"));
    let chunk = log.read(0, 100, false).await;
    assert_eq!((chunk.text.as_str(), chunk.next_offset, chunk.is_end), ("one\n", 4, false));
    assert_eq!(log.read(4, 100, false).await.text, "");
    let chunk = log.read(4, 100, true).await;
    assert_eq!((chunk.text.as_str(), chunk.next_offset, chunk.is_end), ("tw", 6, true));
}

#[tokio::test]
async fn a_huge_line_comes_in_parts_that_break_no_character() {
    let line = "äöü€😀".repeat(50);
    let log = log(Some(line.as_bytes()));
    for max_bytes in 16..24 {
        assert_eq!(log.read_all(max_bytes).await, line, "{max_bytes}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_utf8_are_replaced_and_passed_over() {
    let log = log(Some(b"a\xFF\xFEb\n\xE2\x82"));
    assert_eq!(log.read_all(1000).await, "a\u{FFFD}\u{FFFD}b\n\u{FFFD}");
    let mut continuation = vec![0x80; 100];
    continuation.push(b'\n');
    let text = log_all(&continuation).await;
    assert_eq!(text.chars().count(), 101);
}

async fn log_all(bytes: &[u8]) -> String {
    log(Some(bytes)).read_all(16).await
}

#[tokio::test]
async fn an_offset_behind_the_end_is_brought_back() {
    let log = log(Some(b"one\n"));
    let chunk = log.read(1000, 100, false).await;
    assert_eq!((chunk.text.as_str(), chunk.next_offset), ("", 4));
}

#[tokio::test]
async fn it_waits_for_what_is_yet_to_come() {
    let log = log(Some(b""));
    let path = log.path();
    let asked = AtomicU32::new(0);
    // The line comes while the reader waits: between its second and its third look.
    let is_over = || {
        if asked.fetch_add(1, Ordering::Relaxed) == 2 {
            fs::write(&path, "late\n").unwrap();
        }
        false
    };
    let wait = Duration::from_secs(30);
    let stretch = Stretch { offset: 0, max_bytes: 100, wait, backwards: false };
    let chunk = read(&path, stretch, is_over).await.unwrap();
    assert_eq!((chunk.text.as_str(), chunk.is_end), ("late\n", false));
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_said_so() {
    let log = log(None);
    let folder = log.layout.attempt_dir(&log.key);
    fs::create_dir_all(folder.join("task.log")).unwrap();
    let stretch = Stretch { offset: 0, max_bytes: 100, wait: Duration::ZERO, backwards: false };
    let fault = read(&log.path(), stretch, || true).await.unwrap_err();
    assert!(fault.message.starts_with("read the log `"), "{fault}");
}

#[tokio::test]
async fn the_end_is_read_first_and_what_is_before_it_by_and_by() {
    let text: String = (0..1000).map(|n| format!("line {n} äöü\n")).collect();
    let log = log(Some(text.as_bytes()));
    for max_bytes in [16, 17, 100, 1 << 16] {
        let (mut end, mut read) = (u64::MAX, String::new());
        loop {
            let chunk = log.read_back(end, max_bytes, true).await;
            assert_eq!(chunk.size, text.len() as u64);
            assert_eq!(chunk.next_offset, end.min(chunk.size), "nothing is left out");
            assert!(chunk.offset < end, "it does not get on");
            read.insert_str(0, &chunk.text);
            end = chunk.offset;
            if end == 0 {
                break;
            }
        }
        assert_eq!(read, text, "{max_bytes}");
    }
}

#[tokio::test]
async fn a_line_that_is_being_written_is_left_to_be_read_forwards() {
    let log = log(Some(b"one\ntw"));
    let chunk = log.read_back(u64::MAX, 100, false).await;
    assert_eq!((chunk.text.as_str(), chunk.offset, chunk.next_offset), ("one\n", 0, 4));
    let chunk = log.read_back(u64::MAX, 100, true).await;
    assert_eq!((chunk.text.as_str(), chunk.is_end), ("one\ntw", true));
}
