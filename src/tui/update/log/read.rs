//! Reads a log: its end first, then what is written, then whatever is scrolled to.

use crate::message::{Effect, LogStep, Purpose, Timer};
use crate::screen;
use crate::screen::log::layout;
use crate::state::log::{LogPane, Reading, Spot, Whose};
use crate::state::{Screen, State, Tone, View};
use crate::types::ask::{Answer, Request};
use crate::types::log::LogName;
use crate::types::view::LogChunk;
use crate::types::{Fault, FaultKind, TaskInstanceKey, TaskInstanceState};
use crate::update::log::{self, seek};

/// How long the selection must rest before its log is read.
const SETTLE_MILLIS: u64 = 120;
/// How long one read may wait for more.
const WAIT_MILLIS: u32 = 20_000;
/// How much is read at once.
const CHUNK_BYTES: u32 = 256 * 1024;
/// Screens of lines that are loaded beyond what is seen.
const AHEAD: usize = 2;

/// Names a try of a task.
pub(crate) fn task(key: TaskInstanceKey, wanted_try: Option<u32>, last_try: u32) -> Whose {
    let shown_try = wanted_try.unwrap_or(last_try);
    Whose::Task { key, wanted_try, begun_at_try: last_try, shown_try }
}

/// Starts, restarts or drops the log as the selection and its tries demand.
pub(crate) fn follow(state: &mut State, effects: &mut Vec<Effect>) {
    if matches!(state.level().screen, Screen::DaemonLog | Screen::Root(View::System)) {
        if !matches!(&state.log, Some(log) if log.task().is_none()) {
            open(state, Whose::Daemon { day: None }, 0, effects);
        }
    } else if let Some(task) = screen::log::task(state) {
        let (key, last_try) = (task.key.clone(), task.try_number);
        let is_shown = match state.log.as_ref().map(|log| &log.whose) {
            Some(Whose::Task { key: shown, wanted_try, begun_at_try, .. }) if *shown == key => {
                wanted_try.is_some() || *begun_at_try == last_try
            }
            _ => false,
        };
        if !is_shown {
            let settle = if state.log.is_some() { SETTLE_MILLIS } else { 0 };
            open(state, self::task(key, None, last_try), settle, effects);
        }
    } else {
        // While the run is being fetched for the first time nothing is selected.
        state.log = None;
        state.beside = None;
    }
    fill(state, effects);
}

/// Shows another log, read after `settle` milliseconds.
pub(crate) fn open(state: &mut State, whose: Whose, settle: u64, effects: &mut Vec<Effect>) {
    let generation = state.next_generation();
    let is_unwritten = matches!(whose, Whose::Task { begun_at_try: 0, .. });
    state.log = Some(LogPane::new(whose, generation));
    state.beside = None;
    if is_unwritten {
        return;
    }
    if settle == 0 {
        start(state, generation, effects);
    } else {
        effects.push(Effect::After { millis: settle, timer: Timer::StartLog(generation) });
    }
}

/// Begins (or begins again) to read the log of `generation`, where it is still shown.
pub(crate) fn start(state: &mut State, generation: u64, effects: &mut Vec<Effect>) {
    for is_beside in [false, true] {
        let Some(log) = pane(state, is_beside).filter(|log| log.generation == generation) else {
            continue;
        };
        log.reading = Reading::Underway;
        effects.push(ask(log, is_beside, LogStep::Tail));
    }
}

pub(crate) fn pane(state: &mut State, is_beside: bool) -> Option<&mut LogPane> {
    if is_beside { state.beside.as_mut() } else { state.log.as_mut() }
}

fn ask(log: &LogPane, is_beside: bool, step: LogStep) -> Effect {
    let backwards = matches!(step, LogStep::Tail | LogStep::Older);
    let offset = match step {
        LogStep::Tail => u64::MAX,
        LogStep::Older => log.start,
        LogStep::Follow | LogStep::Newer | LogStep::Seek => log.end,
    };
    let wait_ms = if step == LogStep::Follow { WAIT_MILLIS } else { 0 };
    let max_bytes = CHUNK_BYTES;
    let request = match log.name() {
        LogName::Task { key, try_number } => {
            Request::ReadLog { key, try_number, offset, max_bytes, wait_ms, backwards }
        }
        LogName::Daemon { day } => {
            Request::ReadDaemonLog { day, offset, max_bytes, wait_ms, backwards }
        }
    };
    let purpose = Purpose::Log { is_beside, step };
    Effect::Ask { purpose, generation: log.generation, request }
}

/// Asks for what is near the edge of the screen and not loaded.
pub(crate) fn fill(state: &mut State, effects: &mut Vec<Effect>) {
    for is_beside in [false, true] {
        let log = if is_beside { &state.beside } else { &state.log };
        let Some(log) = log else { continue };
        if log.is_loading || log.reading == Reading::Pending || log.appetite == 0 {
            continue;
        }
        let Some(step) = wanted(state, log) else { continue };
        let Some(log) = pane(state, is_beside) else { continue };
        log.is_loading = true;
        log.is_tail_wanted = false;
        log.appetite -= 1;
        effects.push(ask(log, is_beside, step));
    }
}

fn wanted(state: &State, log: &LogPane) -> Option<LogStep> {
    if log.is_tail_wanted {
        return Some(LogStep::Tail);
    }
    let layout = layout(state, log);
    let margin = layout.height * AHEAD;
    let top = if log.follows { layout.len() } else { layout.index(log.top.number) };
    if !log.is_at_tail && top + margin + layout.height >= layout.len() && !log.follows {
        return Some(LogStep::Newer);
    }
    // Where it follows, the end must fill the screen and no more.
    let least = if log.follows { layout.height + 1 } else { margin };
    let is_near = if log.follows { layout.len() < least } else { top < least };
    (is_near && !log.has_start() && !log.is_past_window() && !log.lines.is_empty())
        .then_some(LogStep::Older)
}

/// Takes a stretch, or why there is none, and reads on.
pub(crate) fn take(
    state: &mut State,
    (is_beside, step): (bool, LogStep),
    generation: u64,
    result: Result<Answer, Fault>,
    effects: &mut Vec<Effect>,
) {
    if step == LogStep::Seek {
        seek::take(state, generation, result, effects);
        return;
    }
    let is_over = screen::log::task(state)
        .and_then(|task| task.state)
        .is_some_and(TaskInstanceState::is_finished);
    let Some(log) = pane(state, is_beside).filter(|log| log.generation == generation) else {
        return;
    };
    log.is_loading = false;
    match result {
        Ok(Answer::Log(chunk)) => {
            take_chunk(state, is_beside, step, &chunk, effects);
            settle(state, is_beside);
        }
        Ok(_) => log.reading = Reading::Failed("the daemon answered something else".to_owned()),
        // The attempt has not written its first line yet.
        Err(fault) if fault.kind == FaultKind::NotFound && log.task().is_some() && !is_over => {
            effects.push(Effect::After { millis: 500, timer: Timer::RetryLog(generation) });
        }
        Err(fault) if matches!(step, LogStep::Older | LogStep::Newer) => {
            // Not by itself again: a move of the operator asks again.
            log.appetite = 0;
            state.say(Tone::Bad, format!("the log could not be read on: {fault}"));
        }
        Err(fault) => {
            log.reading = Reading::Failed(fault.to_string());
            if matches!(fault.kind, FaultKind::Busy | FaultKind::Unavailable) {
                effects.push(Effect::After { millis: 2000, timer: Timer::RetryLog(generation) });
            }
        }
    }
}

fn take_chunk(
    state: &mut State,
    is_beside: bool,
    step: LogStep,
    chunk: &LogChunk,
    effects: &mut Vec<Effect>,
) {
    let options = &state.log_options;
    let log = if is_beside { state.beside.as_mut() } else { state.log.as_mut() };
    let Some(log) = log else { return };
    match &mut log.whose {
        Whose::Task { shown_try, .. } => *shown_try = chunk.try_number,
        Whose::Daemon { day } => day.clone_from(&chunk.day),
    }
    let reads_on = match step {
        LogStep::Tail => {
            // It may be the second time, after the line to the daemon was lost.
            let follows = log.follows;
            log.go_to(chunk.offset);
            (log.aim, log.follows) = (None, follows);
            log.is_at_tail = true;
            log.append(chunk, options)
        }
        LogStep::Follow => log.is_at_tail && log.append(chunk, options),
        LogStep::Newer => {
            let is_next = log.append(chunk, options);
            log.is_at_tail = is_next && chunk.next_offset >= chunk.size;
            log.is_at_tail
        }
        LogStep::Older => {
            log.prepend(chunk, options);
            false
        }
        LogStep::Seek => false,
    };
    if log.lines.is_empty() && step == LogStep::Newer {
        log.start = log.start.min(log.end);
    }
    if !reads_on {
        return;
    }
    if chunk.is_end {
        end(state, is_beside, effects);
    } else {
        log.reading = Reading::Underway;
        effects.push(ask(log, is_beside, LogStep::Follow));
    }
}

/// All is read. After a day of the daemon comes another.
fn end(state: &mut State, is_beside: bool, effects: &mut Vec<Effect>) {
    let Some(log) = pane(state, is_beside) else { return };
    log.reading = Reading::Ended;
    match log.whose {
        Whose::Daemon { .. } if log.follows => {
            open(state, Whose::Daemon { day: None }, 0, effects);
        }
        // The windows of time are now those before its end.
        Whose::Daemon { .. } | Whose::Task { .. } => log::pick(state),
    }
}

/// Puts what was to be shown where it is seen.
fn settle(state: &mut State, is_beside: bool) {
    let log = if is_beside { &state.beside } else { &state.log };
    let Some(log) = log else { return };
    let Some(aim) = log.aim.filter(|_| !log.lines.is_empty()) else { return };
    let layout = layout(state, log);
    let number = log.number_at(aim);
    let top = match aim {
        0 => Spot { number: layout.number(0), row: 0 },
        _ => {
            layout.moved(Spot { number, row: 0 }, -isize::try_from(layout.height / 3).unwrap_or(0))
        }
    };
    if let Some(log) = pane(state, is_beside) {
        log.top = top;
        log.found = (aim > 0).then_some(number);
    }
}
