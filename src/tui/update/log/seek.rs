//! Goes to lines: matches of the search, errors, a time. What is not loaded the daemon looks
//! through.

use jiff::{SignedDuration, civil};

use crate::keymap::with_keys;
use crate::message::{Effect, LogStep, Purpose};
use crate::screen::log::layout;
use crate::state::log::{APPETITE, LogPane, Number, Search, Seek, Spot};
use crate::state::{State, Tone};
use crate::types::ask::{Answer, Request};
use crate::types::log::{LogFound, LogQuery};
use crate::types::{Fault, Timestamp, duration};
use crate::update::log::{pick, read};

/// Looks for what is typed so far in what is loaded.
pub(crate) fn typed(state: &mut State, text: &str) {
    if state.log_options.search.text == text {
        return;
    }
    state.log_options.search = Search::new(text);
    pick(state);
    let Some(log) = &state.log else { return };
    let from = first_seen(state, log) - 1;
    let hit = LogPane::next_of(&log.matches, from, false)
        .or_else(|| LogPane::next_of(&log.matches, from + 1, true));
    if let Some(number) = hit {
        show(state, number);
    }
}

/// Takes the search as it was typed; what is not loaded is looked through for it.
pub(crate) fn entered(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(problem) = state.log_options.search.problem.clone() {
        state.say(Tone::Bad, format!("not a pattern: {problem}"));
        return;
    }
    if !state.log_options.search.is_on() {
        return;
    }
    let Some(log) = &state.log else { return };
    if log.matches.is_empty() {
        // Most look for what happened last.
        let backwards = !log.has_start();
        next(state, backwards, effects);
    } else {
        tell(state);
    }
}

fn first_seen(state: &State, log: &LogPane) -> Number {
    let seen = layout(state, log).seen();
    seen.into_iter().find(|number| log.line(*number).is_some()).unwrap_or(log.first)
}

/// Returns the line from which the next is looked for: the one that was found last while it is
/// seen, else the first one that is seen.
pub(crate) fn here(state: &State, log: &LogPane) -> Number {
    let seen = layout(state, log).seen();
    match log.found.filter(|found| seen.contains(found)) {
        Some(found) => found,
        None if log.follows => Number::MAX,
        None => first_seen(state, log) - 1,
    }
}

/// Shows a line a third of the screen from the top.
pub(crate) fn show(state: &mut State, number: Number) {
    let Some(log) = &state.log else { return };
    let layout = layout(state, log);
    let above = isize::try_from(layout.height / 3).unwrap_or(0);
    let top = layout.moved(Spot { number, row: 0 }, -above);
    if let Some(log) = &mut state.log {
        log.top = top;
        log.found = Some(number);
        log.follows = false;
        log.aim = None;
        log.appetite = APPETITE;
    }
}

/// Goes to the next match, or to the one before.
pub(crate) fn next(state: &mut State, backwards: bool, effects: &mut Vec<Effect>) {
    let search = &state.log_options.search;
    if !search.is_on() {
        state.say(Tone::Info, "search first: /");
        return;
    }
    let pattern = search.pattern();
    let Some(log) = &state.log else { return };
    let from = here(state, log);
    // Lines that a filter leaves out are not gone to.
    let hit = {
        let mut at = from;
        loop {
            match LogPane::next_of(&log.matches, at, backwards) {
                Some(number) if log.shown.binary_search(&number).is_ok() => break Some(number),
                Some(number) => at = number,
                None => break None,
            }
        }
    };
    match hit {
        Some(number) => {
            show(state, number);
            tell(state);
        }
        None => {
            let level = state.log_options.least;
            let what = LogQuery { pattern: Some(pattern), level, since: None };
            beyond(state, what, backwards, effects);
        }
    }
}

/// Says which of the matches this is.
fn tell(state: &mut State) {
    let Some(log) = &state.log else { return };
    let Some(found) = log.found else { return };
    let at = log.matches.partition_point(|number| *number <= found);
    let all = if log.has_start() && log.is_at_tail { "" } else { " loaded" };
    let count = log.matches.len();
    let text = with_keys!(
        state,
        "match {at} of {count}{all} · {} next · {} previous",
        NextMatch,
        PreviousMatch
    );
    state.say(Tone::Info, text);
}

/// Has the daemon look through what is not loaded; where all is, goes round.
pub(crate) fn beyond(
    state: &mut State,
    what: LogQuery,
    backwards: bool,
    effects: &mut Vec<Effect>,
) {
    let Some(log) = &state.log else { return };
    let is_all = if backwards { log.has_start() } else { log.is_at_tail };
    if !is_all {
        let offset = if backwards { log.start } else { log.end };
        start(state, what, backwards, offset, effects);
        return;
    }
    let list = if what.pattern.is_some() { &log.matches } else { &log.errors };
    let other_end = if backwards { list.back() } else { list.front() };
    let is_whole = log.has_start() && log.is_at_tail;
    match other_end.copied().filter(|_| is_whole) {
        Some(number) => {
            show(state, number);
            let from = if backwards { "the end" } else { "the start" };
            state.say(Tone::Info, format!("there was no more: on from {from}"));
        }
        None if is_whole => nothing(state, &what, ""),
        None => nothing(state, &what, if backwards { " before this" } else { " after this" }),
    }
}

fn nothing(state: &mut State, what: &LogQuery, place: &str) {
    let text = match (&what.pattern, what.since) {
        (Some(_), _) => format!("no line{place} has `{}`", state.log_options.search.text),
        (None, Some(since)) => format!("nothing was written after {since}"),
        (None, None) => format!("no error{place}"),
    };
    state.say(Tone::Info, text);
}

fn start(
    state: &mut State,
    what: LogQuery,
    backwards: bool,
    offset: u64,
    effects: &mut Vec<Effect>,
) {
    let generation = state.next_generation();
    let Some(log) = &mut state.log else { return };
    log.seek = Some(Seek { generation, what, backwards, offset });
    effects.extend(ask(log));
}

fn ask(log: &LogPane) -> Option<Effect> {
    let seek = log.seek.as_ref()?;
    let request = Request::SearchLog {
        log: log.name(),
        query: seek.what.clone(),
        offset: seek.offset,
        backwards: seek.backwards,
    };
    let purpose = Purpose::Log { is_beside: false, step: LogStep::Seek };
    Some(Effect::Ask { purpose, generation: seek.generation, request })
}

/// Takes how far the daemon came, and has it look on until it finds something.
pub(crate) fn take(
    state: &mut State,
    generation: u64,
    result: Result<Answer, Fault>,
    effects: &mut Vec<Effect>,
) {
    let Some(log) = &mut state.log else { return };
    let is_current = |seek: &mut Seek| seek.generation == generation;
    let Some(mut seek) = log.seek.take_if(is_current) else { return };
    match result {
        Ok(Answer::LogFound(LogFound { at: Some(at), size, .. })) => {
            log.size = size;
            if at >= log.start && at < log.end {
                let number = log.number_at(at);
                show(state, number);
            } else {
                log.go_to(at);
                read::fill(state, effects);
            }
        }
        Ok(Answer::LogFound(found)) if found.is_end => {
            let place = if seek.backwards { " before this" } else { " after this" };
            nothing(state, &seek.what, place);
        }
        Ok(Answer::LogFound(found)) => {
            seek.offset = found.next_offset;
            log.size = found.size;
            log.seek = Some(seek);
            effects.extend(ask(log));
        }
        Ok(_) => state.say(Tone::Bad, "the daemon answered something else"),
        Err(fault) => state.say(Tone::Bad, format!("the search failed: {fault}")),
    }
}

/// Goes to the first line that is not before a time: `14:03`, `14:03:20`, `2026-03-02T14:03`, `10m`.
pub(crate) fn to_time(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    let Some(log) = &state.log else { return };
    let last = log.lines.iter().rev().find_map(|line| line.time).unwrap_or(state.now);
    match read_time(text.trim(), last, state.now) {
        Some(since) => {
            let what = LogQuery { since: Some(since), ..LogQuery::default() };
            start(state, what, false, 0, effects);
        }
        None if text.trim().is_empty() => {}
        None => {
            let text =
                format!("`{text}` is no time: 14:03, 14:03:20, 2026-03-02T14:03:00Z, 10m, 1h30m");
            state.say(Tone::Bad, text);
        }
    }
}

/// Reads a time; a time of day is the last such before the log's end, a span is before now.
fn read_time(text: &str, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let utc = jiff::tz::TimeZone::UTC;
    if let Ok(date) = text.trim_end_matches('Z').parse::<civil::DateTime>() {
        return date.to_zoned(utc).ok().map(|zoned| zoned.timestamp());
    }
    if let Ok(time) = text.trim_end_matches('Z').parse::<civil::Time>() {
        let day = last.to_zoned(utc.clone()).date();
        let at = day.to_datetime(time).to_zoned(utc).ok()?.timestamp();
        let is_today = at <= last || !text.contains(':');
        return Some(if is_today { at } else { at - SignedDuration::from_hours(24) });
    }
    now.checked_sub(SignedDuration::try_from(duration::parse(text)?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let last: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        for (text, time) in [
            ("09:30", Some("2026-03-02T09:30:00Z")),
            ("11:30:10", Some("2026-03-01T11:30:10Z")),
            ("2026-03-01T08:00", Some("2026-03-01T08:00:00Z")),
            ("2026-03-01T08:00:00Z", Some("2026-03-01T08:00:00Z")),
            ("10m", Some("2026-03-02T11:50:00Z")),
            ("2d", Some("2026-02-28T12:00:00Z")),
            ("1h30m", Some("2026-03-02T10:30:00Z")),
            ("-10m", None),
            ("soon", None),
            ("99999999999999999d", None),
            ("", None),
        ] {
            assert_eq!(
                read_time(text, last, now),
                time.map(|time| time.parse().unwrap()),
                "{text}"
            );
        }
    }
}
