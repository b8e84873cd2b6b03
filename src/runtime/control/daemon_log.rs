//! The daemon's own log: a file for each day, secrets masked.

use std::path::PathBuf;

use crate::dag::Deck;
use crate::runtime::act;
use crate::runtime::control::ControlParts;
use crate::runtime::logs::find::{self, Search};
use crate::runtime::logs::{self, Stretch};
use crate::types::Fault;
use crate::types::ask::Answer;
use crate::types::view::LogChunk;

/// Reads a stretch of the log of `day`, or of the last day.
pub(super) async fn read(
    parts: &ControlParts,
    day: Option<String>,
    stretch: Stretch,
) -> Result<Answer, Fault> {
    let file = File::of(parts, day)?;
    // A day is over when the next one has a file.
    let is_over = || File::days(parts).last().is_some_and(|last| *last > file.day);
    let mut chunk = logs::read(&file.path, stretch, is_over).await?;
    for secret in secrets(parts, &parts.live().deck) {
        chunk.text = chunk.text.replace(&secret, "***");
    }
    Ok(Answer::Log(LogChunk { day: Some(file.day), ..chunk }))
}

/// Looks for a line.
pub(super) async fn search(
    parts: &ControlParts,
    day: Option<String>,
    search: Search,
) -> Result<Answer, Fault> {
    find::find(File::of(parts, day)?.path, search).await.map(Answer::LogFound)
}

struct File {
    day: String,
    path: PathBuf,
}

impl File {
    fn of(parts: &ControlParts, day: Option<String>) -> Result<Self, Fault> {
        let days = Self::days(parts);
        let day = match day {
            None => days.last().cloned().unwrap_or_default(),
            Some(day) if days.contains(&day) => day,
            Some(day) => {
                let hint = match (days.first(), days.last()) {
                    (Some(first), Some(last)) => format!("there are logs from {first} to {last}"),
                    _ => "the daemon has written none yet".to_owned(),
                };
                return Err(Fault::not_found(format!("there is no log of `{day}`")).hint(hint));
            }
        };
        let path = parts.layout.log_dir().join(format!("daemon.{day}.log"));
        Ok(Self { day, path })
    }

    /// Returns the days that have a log, in order.
    fn days(parts: &ControlParts) -> Vec<String> {
        let files = std::fs::read_dir(parts.layout.log_dir()).into_iter().flatten().flatten();
        let mut days: Vec<String> = files
            .filter_map(|file| {
                let name = file.file_name().into_string().ok()?;
                Some(name.strip_prefix("daemon.")?.strip_suffix(".log")?.to_owned())
            })
            .collect();
        days.sort_unstable();
        days
    }
}

/// Returns what must not be shown, the longest first: a secret may hold another.
fn secrets(parts: &ControlParts, deck: &Deck) -> Vec<String> {
    let mut secrets = act::secrets_of(deck);
    let token = std::fs::read_to_string(parts.layout.token()).unwrap_or_default();
    secrets.extend(Some(token.trim().to_owned()).filter(|token| !token.is_empty()));
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}
