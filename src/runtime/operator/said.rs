//! What a task says to the deck by printing it: a line of its standard output that begins with
//! `::`.
//!
//! ```text
//! ::progress 40%              ::progress 3/10 third file        ::progress 0.4 text
//! ::output rows=3             ::output table={"a": [1, 2]}      (JSON where it parses, else text)
//! ::asset {"asset": "readings", "partition_key": "2026-03-10", "extra": {"rows": 3}}
//! ::asset {"alias": "made", "uri": "lake:x/1.csv"}    (an asset that only the task knows)
//! ```
//! Whatever is not of that form is an ordinary line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dag::partition;
use crate::runtime::attempt::folder;
use crate::runtime::task_log::TaskLog;
use crate::types::progress::Progress;
use crate::types::time;

/// Progress is written at most so often.
const STEP: Duration = Duration::from_millis(200);

/// Asset events of one task; what it says beyond them are ordinary lines.
const ASSETS_LEN_MAX: usize = 10_000;

/// Bytes of an output's name.
const NAME_LEN_MAX: usize = 250;

/// What the lines of a task have said so far; shared by the threads that read them.
#[derive(Debug)]
pub(crate) struct Said {
    folder: PathBuf,
    log: Arc<TaskLog>,
    state: Mutex<State>,
}

/// What a task has said by its end.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) outputs: BTreeMap<String, Value>,
    pub(crate) assets: Vec<SaidAsset>,
}

/// What a task says of an asset.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaidAsset {
    pub(crate) asset: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) alias: Option<String>,
    pub(crate) partition_key: Option<String>,
    #[serde(default)]
    pub(crate) extra: Map<String, Value>,
}

#[derive(Debug, Default)]
struct State {
    words: Words,
    /// The writer of progress, once there is any.
    progress: Option<(Sender<Progress>, JoinHandle<()>)>,
}

impl Said {
    /// Starts with nothing said; progress of an earlier launch is removed.
    pub(crate) fn new(folder: &Path, log: &Arc<TaskLog>) -> Arc<Self> {
        // A file that cannot be removed is replaced by the next that is written.
        let _ = std::fs::remove_file(folder.join(folder::PROGRESS));
        let state = Mutex::new(State::default());
        Arc::new(Self { folder: folder.to_owned(), log: Arc::clone(log), state })
    }

    /// Takes a line if it is one for the deck.
    pub(crate) fn take(&self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix("::") else { return false };
        match rest.split_once(' ') {
            Some(("progress", rest)) => match progress(rest) {
                Some((fraction, text)) => {
                    self.progress(fraction, text);
                    true
                }
                None => false,
            },
            Some(("output", rest)) => match output(rest) {
                Some((name, value)) => {
                    self.log.say(&format!("output `{name}` = {}", shown(&value)));
                    self.lock().words.outputs.insert(name.to_owned(), value);
                    true
                }
                None => false,
            },
            Some(("asset", rest)) => match asset(rest) {
                Some(said) => {
                    self.log.say(&format!("asset {}", rest.trim()));
                    let mut state = self.lock();
                    let is_too_much = state.words.assets.len() >= ASSETS_LEN_MAX;
                    if !is_too_much {
                        state.words.assets.push(said);
                    }
                    !is_too_much
                }
                None => false,
            },
            _ => false,
        }
    }

    /// Waits until the last progress is written, and returns what was said.
    pub(crate) fn end(&self) -> Words {
        let State { words, progress } = std::mem::take(&mut *self.lock());
        if let Some((sender, writer)) = progress {
            drop(sender);
            // A writer that panicked has written what it could.
            let _ = writer.join();
        }
        words
    }

    fn progress(&self, fraction: Option<f64>, text: &str) {
        let text = self.log.masked(text.trim());
        let progress = Progress { fraction, text, at: time::now() };
        let mut state = self.lock();
        let (sender, _) = state.progress.get_or_insert_with(|| {
            let (sender, receiver) = channel();
            let (folder, log) = (self.folder.clone(), Arc::clone(&self.log));
            (sender, std::thread::spawn(move || write_on(&folder, &log, &receiver)))
        });
        // An error only says that the writer is gone.
        let _ = sender.send(progress);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the latest of what comes in, at most once a step, until nothing comes any more.
fn write_on(folder: &Path, log: &TaskLog, incoming: &Receiver<Progress>) {
    let write = |progress: &Progress| {
        let percent = progress.fraction.map(|f| format!(" {:.0}%", f * 100.0)).unwrap_or_default();
        let text =
            if progress.text.is_empty() { String::new() } else { format!(" {}", progress.text) };
        log.say(&format!("progress{percent}{text}"));
        // A full disk costs the bar, not the task.
        let _ = folder::keep_lightly(folder, folder::PROGRESS, progress);
    };
    while let Ok(first) = incoming.recv() {
        write(&first);
        let until = time::instant() + STEP;
        let mut latest = None;
        loop {
            let left = until.saturating_duration_since(time::instant());
            match incoming.recv_timeout(left) {
                Ok(next) => latest = Some(next),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    latest.iter().for_each(write);
                    return;
                }
            }
        }
        latest.iter().for_each(write);
    }
}

/// Reads `40%`, `3/10` or `0.4`, with a text after it.
fn progress(rest: &str) -> Option<(Option<f64>, &str)> {
    let rest = rest.trim_start();
    let (figure, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let fraction = if let Some(percent) = figure.strip_suffix('%') {
        number(percent)? / 100.0
    } else if let Some((done, all)) = figure.split_once('/') {
        let all = number(all).filter(|all| *all > 0.0)?;
        number(done)? / all
    } else if figure == "-" {
        return Some((None, text));
    } else {
        number(figure)?
    };
    (0.0..=1.0).contains(&fraction).then_some((Some(fraction), text))
}

fn output(rest: &str) -> Option<(&str, Value)> {
    let (name, value) = rest.trim_start().split_once('=')?;
    let name = name.trim();
    if !is_name(name) {
        return None;
    }
    let value = value.trim();
    Some((name, serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))))
}

/// Reads what is said of an asset: it is named, or its URI is.
fn asset(rest: &str) -> Option<SaidAsset> {
    let said: SaidAsset = serde_json::from_str(rest).ok()?;
    let is_named = said.asset.is_some() || said.uri.is_some();
    let key = said.partition_key.as_deref();
    (is_named && key.and_then(partition::key_problem).is_none()).then_some(said)
}

/// Says whether an output may bear that name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_LEN_MAX && !name.chars().any(char::is_control)
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_is_a_share_with_a_text() {
        assert_eq!(progress("40%"), Some((Some(0.4), "")));
        assert_eq!(progress("3/10 third file"), Some((Some(0.3), "third file")));
        assert_eq!(progress("0.5 half"), Some((Some(0.5), "half")));
        assert_eq!(progress("- loading"), Some((None, "loading")));
        for wrong in ["", "abc", "140%", "-1", "3/0", "nan", "1/x"] {
            assert_eq!(progress(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn outputs_are_json_where_they_parse() {
        assert_eq!(output("rows=3"), Some(("rows", json!(3))));
        assert_eq!(output("place = a=b.csv"), Some(("place", json!("a=b.csv"))));
        assert_eq!(output("t={\"a\": [1]}"), Some(("t", json!({"a": [1]}))));
        for wrong in ["", "rows", "=3"] {
            assert_eq!(output(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_asset_is_named_or_its_uri_is() {
        let said = asset(r#"{"asset": "a", "partition_key": "k", "extra": {"rows": 3}}"#).unwrap();
        assert_eq!((said.asset.as_deref(), said.partition_key.as_deref()), (Some("a"), Some("k")));
        assert_eq!(said.extra["rows"], 3);
        assert!(asset(r#"{"alias": "made", "uri": "lake:x"}"#).is_some());
        for wrong in ["", "a", "{}", r#"{"alias": "x"}"#, r#"{"asset": "a", "key": 1}"#] {
            assert_eq!(asset(wrong), None, "{wrong}");
        }
        assert_eq!(asset(r#"{"asset": "a", "partition_key": " "}"#), None);
    }

    #[test]
    fn of_many_only_some_are_written_and_the_last_one_always() {
        let dir = tempfile::tempdir().unwrap();
        let log = Arc::new(TaskLog::open(dir.path(), vec!["hunter2".into()]).unwrap());
        let said = Said::new(dir.path(), &log);
        for n in 0..=1_000 {
            assert!(said.take(&format!("::progress {n}/1000 at hunter2")));
        }
        assert!(!said.take("::progress soon"));
        assert!(!said.take(":: a line"));
        said.end();
        let last: Progress =
            serde_json::from_slice(&std::fs::read(dir.path().join("progress.json")).unwrap())
                .unwrap();
        assert_eq!((last.fraction, last.text.as_str()), (Some(1.0), "at ***"));
        let lines = std::fs::read_to_string(dir.path().join("task.log")).unwrap().lines().count();
        assert!(lines < 100, "{lines} lines");
    }
}
