//! Logs of the sample: one that says all that a log can say, and a long one.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::types::ask::{Answer, Request};
use crate::types::log::{self, LogFound, LogName, LogQuery};
use crate::types::view::LogChunk;
use crate::types::{Fault, TaskInstanceKey};

/// Answers what is asked about logs.
pub(crate) fn answer(request: &Request) -> Option<Result<Answer, Fault>> {
    Some(Ok(match request {
        Request::ReadLog { key, try_number, offset, max_bytes, backwards, .. } => {
            let is_end = key.task_id.as_str() != "train";
            let chunk = stretch(&of_task(key), *offset, *max_bytes, *backwards, is_end);
            Answer::Log(LogChunk { try_number: try_number.unwrap_or(2), ..chunk })
        }
        Request::ReadDaemonLog { offset, max_bytes, backwards, .. } => {
            let chunk = stretch(&of_daemon(), *offset, *max_bytes, *backwards, false);
            Answer::Log(LogChunk { day: Some("2026-03-02".into()), ..chunk })
        }
        Request::SearchLog { log: LogName::Task { key, .. }, query, offset, backwards } => {
            Answer::LogFound(found(&of_task(key), query, *offset, *backwards))
        }
        Request::SearchLog { query, offset, backwards, .. } => {
            Answer::LogFound(found(&of_daemon(), query, *offset, *backwards))
        }
        _ => return None,
    }))
}

/// Forty lines of a training; of `huge` a hundred thousand, of `mixed` one of each kind.
fn of_task(key: &TaskInstanceKey) -> Cow<'static, str> {
    match key.task_id.as_str() {
        "huge" => Cow::Borrowed(HUGE.as_str()),
        "mixed" => Cow::Borrowed(MIXED),
        name => (0..40).map(|n| line(name, n)).collect(),
    }
}

static HUGE: LazyLock<String> = LazyLock::new(|| (0..100_000).map(huge_line).collect());

fn line(name: &str, n: usize) -> String {
    let stream = ["out ", "out ", "err ", "deck"][n % 4];
    format!(
        "2026-03-02T09:14:{n:02}.125Z {stream} {name}: round {n} of 40, accuracy 0.9{n:02} on the held-out fold\n"
    )
}

fn huge_line(n: usize) -> String {
    let level = match n {
        _ if n % 10_000 == 777 => "ERROR",
        _ if n % 100 == 50 => "WARN",
        _ => "INFO",
    };
    let (hour, minute, second) = (n / 3600 % 24, n / 60 % 60, n % 60);
    format!("2026-03-02T{hour:02}:{minute:02}:{second:02}.000Z out  {level} step {n} of the work\n")
}

const MIXED: &str = "\
2026-03-02T09:14:00.000Z deck python train.py --rounds 40
2026-03-02T09:14:01.000Z out  INFO  loading 41.2M rows from features/rfm
2026-03-02T09:14:02.000Z out  DEBUG cache miss for block 17
2026-03-02T09:14:03.000Z out  {\"level\":\"warn\",\"msg\":\"memory is short\",\"used\":{\"gib\":11.9,\"of\":12.0}}
2026-03-02T09:14:04.000Z out  \u{1b}[32mround 20\u{1b}[0m train-auc \u{1b}[1m0.8812\u{1b}[0m\tvalid-auc 0.8671
2026-03-02T09:14:05.000Z out  level=info msg=\"spilled to /scratch\" files=12
2026-03-02T09:14:06.000Z err  Traceback (most recent call last):
2026-03-02T09:14:06.000Z err    File \"train.py\", line 42, in fit
2026-03-02T09:14:06.000Z err  MemoryError: cannot allocate 4.2 GiB for the histogram of 212 columns and 41,231,877 rows
2026-03-02T09:14:07.000Z out  \u{202e}evil\u{200b}\u{7} \u{1b}]0;title\u{7}text with 日本語 in it
2026-03-02T09:14:08.000Z deck exit 1
";

fn of_daemon() -> String {
    (0..60)
        .map(|n| {
            let (level, what) = match n % 20 {
                7 => (" WARN", "runtime::watch: cannot watch `lake:incoming/`: no such folder"),
                13 => ("ERROR", "serving: the model server does not answer"),
                _ => (" INFO", "runtime::engine: a run has ended dag_id=etl_example state=success"),
            };
            format!("2026-03-02T09:13:{n:02}.123456Z {level} dagdeck::{what}\n")
        })
        .collect()
}

fn stretch(text: &str, offset: u64, max_bytes: u32, backwards: bool, is_end: bool) -> LogChunk {
    let size = text.len();
    let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(size);
    let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let (from, to) = if backwards {
        let from = offset.saturating_sub(max_bytes);
        let skip = if from == 0 { 0 } else { line_end(text, from) };
        (skip.min(offset), offset)
    } else {
        let to = offset.saturating_add(max_bytes).min(size);
        (offset, if to == size { size } else { line_end(text, to) })
    };
    LogChunk {
        text: text[from..to].to_owned(),
        offset: from as u64,
        next_offset: to as u64,
        size: size as u64,
        is_end: is_end && to == size,
        try_number: 0,
        day: None,
    }
}

/// Returns where the line ends that holds the byte at `at`.
fn line_end(text: &str, at: usize) -> usize {
    text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |n| at + n + 1)
}

fn found(text: &str, query: &LogQuery, offset: u64, backwards: bool) -> LogFound {
    let pattern = query.pattern.as_ref().map(|pattern| regex::Regex::new(pattern).unwrap());
    let mut at = 0;
    let mut places = text.split_inclusive('\n').filter_map(|line| {
        let here = at;
        at += line.len() as u64;
        let parts = log::take_apart(line);
        let fits = pattern.as_ref().is_none_or(|pattern| pattern.is_match(parts.text))
            && query.level.is_none_or(|least| log::level_of(parts.text) >= Some(least))
            && query.since.is_none_or(|since| parts.time.is_some_and(|time| time >= since));
        fits.then_some(here)
    });
    let at = match backwards {
        true => places.filter(|place| *place < offset).last(),
        false => places.find(|place| *place >= offset),
    };
    let next_offset = at.unwrap_or(if backwards { 0 } else { text.len() as u64 });
    LogFound { at, next_offset, is_end: at.is_none(), size: text.len() as u64 }
}
