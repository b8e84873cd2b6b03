//! `logs` and `system log`: what a task or the daemon wrote, once or as it grows, all of it or
//! what is asked for.

use std::time::Duration;

use regex::Regex;

use crate::cli::args::{DaemonLogArgs, LogPickArgs, LogsArgs};
use crate::cli::command::{connect, expect_answer, operate};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::client::Client;
use crate::runtime::Layout;
use crate::runtime::logs::find;
use crate::types::ask::{Answer, Request};
use crate::types::ids::UNMAPPED;
use crate::types::log::{self, LogLevel, LogName, LogQuery};
use crate::types::view::LogChunk;
use crate::types::{Fault, TaskInstanceKey, time};

/// Bytes asked for at once.
const CHUNK_BYTES: u32 = 256 * 1024;
/// How long the daemon waits for more, in milliseconds, when following.
const WAIT_MS: u32 = 20_000;

/// Prints the log of a task.
pub async fn logs(layout: &Layout, args: LogsArgs, output: &mut Output) -> Result<u8, CliError> {
    let task = operate::choice(&args.task_id)?;
    let written = task.map_indexes.first().copied();
    if written.is_some() && args.map_index.is_some() && written != args.map_index {
        let fault = Fault::invalid(format!("`{}` and --map-index differ", args.task_id));
        return Err(fault.hint("give one of them").into());
    }
    let key = TaskInstanceKey {
        dag_id: args.dag_id.into(),
        dag_run_id: args.dag_run_id.into(),
        task_id: task.task_id,
        map_index: written.or(args.map_index).unwrap_or(UNMAPPED),
    };
    let name = LogName::Task { key, try_number: args.try_number };
    print(layout, name, args.pick, output).await
}

/// Prints the daemon's own log.
pub async fn daemon_log(
    layout: &Layout,
    args: DaemonLogArgs,
    output: &mut Output,
) -> Result<u8, CliError> {
    print(layout, LogName::Daemon { day: args.day }, args.pick, output).await
}

async fn print(
    layout: &Layout,
    name: LogName,
    pick: LogPickArgs,
    output: &mut Output,
) -> Result<u8, CliError> {
    let mut picked = Picked::new(&pick)?;
    let reader = Reader { client: connect(layout).await?, name };
    let mut offset = match pick.since {
        Some(age) => reader.since(age).await?,
        None => 0,
    };
    if let Some(count) = pick.tail {
        let (lines, end) = reader.tail(count as usize, offset, &mut picked).await?;
        lines.iter().for_each(|line| put(line, output));
        offset = end;
        if !pick.follow {
            return Ok(0);
        }
    }
    loop {
        let chunk = reader.read(offset, false, pick.follow).await?;
        if output.is_json() || picked.is_choosy() {
            for line in chunk.text.lines().filter(|line| picked.takes(line)) {
                put(line, output);
            }
        } else if !chunk.text.is_empty() {
            output.line(&chunk.text);
        }
        let stuck = chunk.next_offset == offset && !pick.follow;
        if chunk.is_end || stuck {
            return Ok(0);
        }
        offset = chunk.next_offset;
    }
}

fn put(line: &str, output: &mut Output) {
    if output.is_json() {
        output.line(&serde_json::json!({ "event": line }).to_string());
    } else {
        output.line(line);
    }
}

struct Reader {
    client: Client,
    name: LogName,
}

impl Reader {
    async fn read(&self, offset: u64, backwards: bool, waits: bool) -> Result<LogChunk, CliError> {
        let (max_bytes, wait_ms) = (CHUNK_BYTES, if waits { WAIT_MS } else { 0 });
        let request = match self.name.clone() {
            LogName::Task { key, try_number } => {
                Request::ReadLog { key, try_number, offset, max_bytes, wait_ms, backwards }
            }
            LogName::Daemon { day } => {
                Request::ReadDaemonLog { day, offset, max_bytes, wait_ms, backwards }
            }
        };
        let answer = self.client.ask(request).await?;
        Ok(expect_answer!(answer, Answer::Log(chunk) => chunk, "logs"))
    }

    /// Returns where the lines begin that are not older than `age`.
    async fn since(&self, age: Duration) -> Result<u64, CliError> {
        let age = jiff::SignedDuration::try_from(age).unwrap_or(jiff::SignedDuration::MAX);
        let since = time::now().checked_sub(age).ok();
        let query = LogQuery { since, ..LogQuery::default() };
        let log = self.name.clone();
        let request = Request::SearchLog { log, query, offset: 0, backwards: false };
        let answer = self.client.ask(request).await?;
        let found = expect_answer!(answer, Answer::LogFound(found) => found, "logs");
        Ok(found.at.unwrap_or(found.size))
    }

    /// Returns the last lines that are picked, not before `first`, and where they end.
    async fn tail(
        &self,
        count: usize,
        first: u64,
        picked: &mut Picked,
    ) -> Result<(Vec<String>, u64), CliError> {
        let mut lines: Vec<String> = Vec::new();
        let (mut offset, mut end) = (u64::MAX, None);
        while lines.len() < count {
            let chunk = self.read(offset, true, false).await?;
            end.get_or_insert(chunk.next_offset);
            let mut at = chunk.offset;
            let mut more: Vec<String> = Vec::new();
            for line in chunk.text.split_inclusive('\n') {
                if at >= first && picked.takes(line.trim_end_matches(['\n', '\r'])) {
                    more.push(line.trim_end_matches(['\n', '\r']).to_owned());
                }
                at += line.len() as u64;
            }
            more.append(&mut lines);
            lines = more;
            let is_stuck = chunk.offset >= offset;
            offset = chunk.offset;
            if offset <= first || is_stuck {
                break;
            }
        }
        lines.drain(..lines.len().saturating_sub(count));
        Ok((lines, end.unwrap_or(0)))
    }
}

/// Which lines are printed.
struct Picked {
    pattern: Option<Regex>,
    least: Option<LogLevel>,
    /// Of the line before, for those that go on what it began.
    before: Option<LogLevel>,
}

impl Picked {
    fn new(args: &LogPickArgs) -> Result<Self, Fault> {
        let pattern = args.grep.as_deref().map(find::compile).transpose()?;
        Ok(Self { pattern, least: args.level, before: None })
    }

    fn is_choosy(&self) -> bool {
        self.pattern.is_some() || self.least.is_some()
    }

    fn takes(&mut self, line: &str) -> bool {
        let text = log::plain(log::take_apart(line).text);
        let level = match log::level_of(&text) {
            None if log::goes_on(&text) => self.before,
            // What has no level is there above DEBUG, as in the deck.
            level => level.or(Some(LogLevel::Info)),
        };
        self.before = level;
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text))
            && self.least.is_none_or(|least| level.is_none_or(|level| level >= least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_picked_by_level_and_pattern_and_tracebacks_stay_whole() {
        let pick = |grep: Option<&str>, level| {
            let grep = grep.map(str::to_owned);
            let args = LogPickArgs { tail: None, since: None, grep, level, follow: false };
            let mut picked = Picked::new(&args).unwrap();
            ["INFO a", "ValueError: b", "  at c", "plain", "DEBUG d"].map(|line| picked.takes(line))
        };
        assert_eq!(pick(None, None), [true; 5]);
        assert_eq!(pick(None, Some(LogLevel::Info)), [true, true, true, true, false]);
        assert_eq!(pick(None, Some(LogLevel::Error)), [false, true, true, false, false]);
        assert_eq!(pick(Some("^p|b$"), None), [false, true, false, true, false]);
        let args = LogPickArgs {
            tail: None,
            since: None,
            grep: Some("(".into()),
            level: None,
            follow: false,
        };
        assert!(Picked::new(&args).is_err());
    }
}
