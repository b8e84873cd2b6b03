//! Where events go: an HTTP endpoint or a file with a line of JSON each.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::Method;
use serde_json::Value;

use crate::connection::http::{self, HttpsClient, client};
use crate::dag::openlineage::Transport;
use crate::dag::secret::Secret;
use crate::runtime::promotion::off_thread;
use crate::types::Fault;

/// Events that are on their way at once, each of another run: the client keeps as many
/// connections.
pub(super) const AT_ONCE: usize = 4;

/// An answer longer than this is cut where it is shown.
const ANSWER_LEN_MAX: usize = 200;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    /// Refused for what it is: it would be again.
    Refused(String),
    /// Not taken now.
    Later(String),
}

/// An open way to those who are told.
pub(super) enum Channel {
    Http { client: Box<HttpsClient>, url: String, api_key: Option<Secret>, timeout: Duration },
    File(PathBuf),
}

impl Channel {
    /// Opens it; nothing is sent yet.
    pub(super) fn open(transport: &Transport, project: &Path) -> Result<Self, String> {
        Ok(match transport {
            Transport::Http { url, api_key, timeout } => {
                let client = client::new(client::Trust::of(url)).map_err(|e| e.to_string())?;
                let (url, api_key) = (url.clone(), api_key.clone());
                Self::Http { client: Box::new(client), url, api_key, timeout: *timeout }
            }
            Transport::File(path) => Self::File(project.join(path)),
        })
    }

    /// Sends events that may go in any order, and says of each what became of it.
    pub(super) async fn send(&self, events: &[Value]) -> Vec<Verdict> {
        match self {
            Self::Http { client, url, api_key, timeout } => {
                let key = api_key.as_ref().map(|key| format!("Bearer {}", key.reveal()));
                let sent = events.iter().map(|event| {
                    let headers = key.as_deref().map(|key| ("authorization", key));
                    let body = event.to_string().into_bytes();
                    async move {
                        let headers = headers.as_slice();
                        let body = Some(body);
                        http::send_over(client, Method::POST, url, headers, body, *timeout).await
                    }
                });
                futures_util::future::join_all(sent).await.into_iter().map(judge).collect()
            }
            Self::File(path) => {
                let (path, lines) = (path.clone(), lines(events));
                let verdict = match off_thread(move || append(&path, &lines)).await {
                    Ok(()) => Verdict::Taken,
                    Err(fault) => Verdict::Later(fault.to_string()),
                };
                events.iter().map(|_| verdict.clone()).collect()
            }
        }
    }
}

/// Names where events go, for people.
pub(super) fn target(transport: &Transport) -> String {
    match transport {
        Transport::Http { url, .. } => url.clone(),
        Transport::File(path) => path.display().to_string(),
    }
}

/// Only what says that this event is wrong is final. A wrong key or path is mended by people, and
/// then nothing is to be missing.
fn judge(answer: Result<http::Answer, http::HttpError>) -> Verdict {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Verdict::Later(error.to_string()),
    };
    let said = || {
        let text = String::from_utf8_lossy(&answer.body);
        let text: String = text.trim().chars().take(ANSWER_LEN_MAX).collect();
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() { String::new() } else { format!(": {line}") }
    };
    match answer.status {
        200..=299 => Verdict::Taken,
        400 | 413 | 422 => Verdict::Refused(format!("it answered {}{}", answer.status, said())),
        401 | 403 => Verdict::Later(format!("it answered {}: is `api_key` right?", answer.status)),
        404 | 405 => Verdict::Later(format!("it answered {}: is `endpoint` right?", answer.status)),
        status => Verdict::Later(format!("it answered {status}{}", said())),
    }
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// Appends whole lines; what a crash cut off of one goes first. On disk when it returns.
fn append(path: &Path, lines: &str) -> Result<(), Fault> {
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(path)?;
        cut_half_line(&mut file)?;
        file.write_all(lines.as_bytes())?;
        file.sync_data()
    };
    write().map_err(|error| Fault::invalid(format!("write `{}`: {error}", path.display())))
}

fn cut_half_line(file: &mut File) -> std::io::Result<()> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let whole = end;
    let mut byte = [0];
    while end > 0 {
        file.seek(SeekFrom::Start(end - 1))?;
        file.read_exact(&mut byte)?;
        if byte == *b"\n" {
            break;
        }
        end -= 1;
    }
    if end < whole { file.set_len(end) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_line_that_a_crash_cut_off_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let channel = Channel::open(&Transport::File("e.jsonl".into()), dir.path()).unwrap();
        let path = dir.path().join("e.jsonl");
        assert_eq!(channel.send(&[json!({"n": 1})]).await, [Verdict::Taken]);
        std::fs::write(&path, "{\"n\":1}\n{\"n\":").unwrap();
        assert_eq!(channel.send(&[json!({"n": 2}), json!({"n": 3})]).await.len(), 2);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let channel = Channel::open(&Transport::File("no/e.jsonl".into()), dir.path()).unwrap();
        let verdicts = channel.send(&[json!({})]).await;
        let [Verdict::Later(why)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert!(why.contains("no/e.jsonl"), "{why}");
    }

    #[test]
    fn only_what_an_event_is_itself_is_final() {
        let of = |status| {
            let body = b"bad runId\nmore".to_vec();
            judge(Ok(http::Answer { status, headers: Vec::new(), body }))
        };
        assert_eq!(of(201), Verdict::Taken);
        assert_eq!(of(422), Verdict::Refused("it answered 422: bad runId".into()));
        for status in [302, 401, 404, 408, 429, 500, 503] {
            assert!(matches!(of(status), Verdict::Later(_)), "{status}");
        }
    }
}
