//! A log: in its pane of the run view, on the whole screen, below the daemon's facts.

use ratatui::buffer::Buffer;
use ratatui::layout::{self as areas, Constraint, Rect};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{run, system};
use crate::state::log::{LogPane, Reading, Seek, WINDOWS, Whose};
use crate::state::{LogOptions, Screen, Slot, State, View};
use crate::text;
use crate::theme;
use crate::types::run::{TaskInstance, TaskTry};
use crate::types::{TaskInstanceKey, TaskInstanceState};
use crate::view;
use crate::widget::log::{self as widget, Edges, Layout};
use crate::widget::paint;

/// Returns the task whose log belongs on the screen.
pub(crate) fn task(state: &State) -> Option<&TaskInstance> {
    match &state.level().screen {
        Screen::Run(_) => rows::selected_task(state),
        Screen::Log(key) => state.cache.task(key).map(|detail| &detail.task),
        _ => None,
    }
}

/// Returns where the log is, with its frame; empty where none is shown.
fn area(state: &State) -> Rect {
    match &state.level().screen {
        Screen::Run(_) => run::log_area(state),
        Screen::Log(_) | Screen::DaemonLog => view::body(state, state.size),
        Screen::Root(View::System) => system::log_area(state),
        _ => Rect::default(),
    }
}

/// Returns how a log lies on the screen.
pub(crate) fn layout<'a>(state: &'a State, log: &'a LogPane) -> Layout<'a> {
    let mut width = area(state).width;
    if state.beside.is_some() {
        width /= 2;
    }
    Layout {
        log,
        options: &state.log_options,
        width: usize::from(width.saturating_sub(4)),
        height: usize::from(area(state).height.saturating_sub(2)).max(1),
    }
}

/// Draws the log with its frame.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let is_daemon = !matches!(state.level().screen, Screen::Run(_) | Screen::Log(_));
    let task = task(state);
    let log = state.log.as_ref().filter(|log| match &log.whose {
        Whose::Daemon { .. } => is_daemon,
        Whose::Task { key, .. } => task.is_some_and(|task| task.key == *key),
    });
    let Some(log) = log else {
        let inside = paint::panel(buf, area, "Log", "", is_focused);
        return draw_none(buf, inside, state);
    };
    let Some(other) = &state.beside else {
        draw_one(buf, area, state, log, is_focused);
        return;
    };
    let [left, right] =
        areas::Layout::horizontal([Constraint::Percentage(50), Constraint::Min(0)]).areas(area);
    draw_one(buf, left, state, other, false);
    draw_one(buf, right, state, log, is_focused);
}

fn draw_none(buf: &mut Buffer, inside: Rect, state: &State) {
    match &state.level().screen {
        Screen::Log(key) => {
            crate::screen::missing(buf, inside, state, &Slot::Task(key.clone()));
        }
        Screen::Run(_) => paint::empty(buf, inside, "No task is selected", "its log would be here"),
        _ => paint::empty(buf, inside, "Loading…", ""),
    }
}

fn draw_one(buf: &mut Buffer, area: Rect, state: &State, log: &LogPane, is_focused: bool) {
    let title = title(state, log);
    let note = note(state, log);
    let inside = paint::panel(buf, area, &title, &note, is_focused);
    if log.lines.is_empty() {
        return draw_empty(buf, inside, state, log);
    }
    let mut layout = layout(state, log);
    // What was measured for scrolling and what is drawn are the same but in a frame of another
    // size, which is there until the next key.
    layout.width = usize::from(inside.width);
    layout.height = usize::from(inside.height);
    if log.shown.is_empty() {
        let how = with_keys!(
            state,
            "{} shows all again; {} and {} go to errors that are not loaded",
            Back,
            PreviousError,
            NextError
        );
        let what = format!("None of {} passes", text::count(log.lines.len(), "loaded line"));
        return paint::empty(buf, inside, &what, &how);
    }
    widget::draw(buf, inside, layout, &edges(state, log));
    widget::draw_gutter(buf, area, layout);
}

fn title(state: &State, log: &LogPane) -> String {
    let unseen = log.unseen;
    let follow = match (log.follows, &log.reading) {
        (true, Reading::Ended) => " · ended".to_owned(),
        (true, _) => " · following".to_owned(),
        (false, _) if unseen > 0 => with_keys!(state, " · +{unseen} new ({})", Follow),
        (false, _) => with_keys!(state, " · scrolled ({} follows)", Follow),
    };
    match &log.whose {
        Whose::Daemon { day } => {
            format!("Daemon log {}{follow}", day.as_deref().unwrap_or_default())
        }
        Whose::Task { key, shown_try, .. } => {
            let name = rows::task_key(key);
            let task = task(state);
            let last = task.map_or(0, |task| task.try_number);
            let most = task.map_or(0, |task| task.max_tries).max(last);
            if last == 0 {
                return format!("Log {name}");
            }
            let tries =
                if most > 1 { format!(" · try {shown_try}/{most}") } else { String::new() };
            format!("Log {name}{tries}{follow}")
        }
    }
}

/// Says how it is shown, what is searched, how much there is and where in it this is.
fn note(state: &State, log: &LogPane) -> String {
    if log.lines.is_empty() {
        return String::new();
    }
    let options = &state.log_options;
    let mut parts = vec![lines(log)];
    parts.extend(position(state, log));
    if let Some(seek) = &log.seek {
        parts.push(progress(state, log, seek));
    }
    parts.extend(shown(options));
    if options.search.is_on() {
        let count = log.matches.len();
        let loaded = if log.has_start() && log.is_at_tail { "" } else { "+" };
        let at = log.found.map(|found| log.matches.partition_point(|number| *number <= found));
        let at = at.filter(|at| *at > 0).map(|at| format!("{at}/")).unwrap_or_default();
        parts.push(format!("/{}: {at}{count}{loaded}", options.search.text));
    }
    if let Whose::Task { begun_at_try, .. } = &log.whose
        && *begun_at_try > 1
        && state.beside.is_none()
    {
        parts.push(with_keys!(state, "{} {} tries  {} side by side", OlderTry, NewerTry, Beside));
    }
    parts.join(" · ")
}

/// Says how far a search is.
fn progress(state: &State, log: &LogPane, seek: &Seek) -> String {
    let done = if seek.backwards { log.size.saturating_sub(seek.offset) } else { seek.offset };
    let percent = text::percent(done, log.size);
    with_keys!(state, "searching {percent}%, {} gives up", Back)
}

fn shown(options: &LogOptions) -> impl Iterator<Item = String> {
    let level = options.least.map(|least| format!("≥{}", least.as_str().to_uppercase()));
    let window = (options.window > 0).then(|| WINDOWS.get(options.window)).flatten();
    let window = window.map(|(name, _)| format!("last {name}"));
    let words = [
        (options.wraps, "wrap"),
        (options.is_json, "json"),
        (options.only_matches, "only matches"),
    ];
    let words = words.into_iter().filter(|(is_on, _)| *is_on).map(|(_, word)| word.to_owned());
    level.into_iter().chain(window).chain(words)
}

fn lines(log: &LogPane) -> String {
    let all = text::count(log.lines.len(), "line");
    let some = match log.shown.len() == log.lines.len() {
        true => all,
        false => format!("{} of {all}", log.shown.len()),
    };
    if log.has_start() && log.is_at_tail {
        return some;
    }
    format!("{some} loaded of {}", text::bytes(log.size))
}

/// Says where in the log the screen is.
fn position(state: &State, log: &LogPane) -> Option<String> {
    let layout = layout(state, log);
    let last = layout.seen().into_iter().rev().find_map(|number| log.line(number))?;
    let is_end = log.is_at_tail && layout.top() == layout.last_top();
    let is_whole = is_end && layout.last_top().number == layout.number(0) && log.has_start();
    if is_whole {
        return None;
    }
    let percent = if is_end { 100 } else { text::percent(last.offset, log.size) };
    Some(format!("{percent}%"))
}

/// Says what is before and after what is loaded.
fn edges(state: &State, log: &LogPane) -> Edges {
    let mut edges = Edges::default();
    if !log.has_start() {
        let size = text::bytes(log.start);
        edges.above = match log.is_past_window() {
            true => with_keys!(
                state,
                "{size} before this are older than the window ({} shows all)",
                LogWindow(0)
            ),
            false => with_keys!(
                state,
                "{size} before this are not loaded: scroll on, or {} to the start",
                Top
            ),
        };
    }
    if !log.is_at_tail {
        let size = text::bytes(log.size.saturating_sub(log.end));
        edges.below = with_keys!(
            state,
            "{size} after this are not loaded: scroll on, or {} to the end",
            Bottom
        );
    }
    let Whose::Task { key, shown_try, begun_at_try, .. } = &log.whose else { return edges };
    if edges.above.is_empty() && *shown_try > 1 {
        let tried = tried(state, key, shown_try - 1);
        edges.above = with_keys!(state, "{tried} · {} shows it", OlderTry);
    }
    if edges.below.is_empty() && shown_try < begun_at_try {
        let tried = tried(state, key, *shown_try);
        edges.below = with_keys!(state, "{tried} · {} shows the next", NewerTry);
    }
    edges
}

/// Says how a try ended, as far as that is known.
fn tried(state: &State, key: &TaskInstanceKey, number: u32) -> String {
    let detail = state.cache.task(key);
    let found =
        detail.and_then(|detail| detail.tries.iter().find(|tried| tried.key.try_number == number));
    let Some(TaskTry { state: how, end_date, exit_code, .. }) = found else {
        return format!("try {number}");
    };
    let mut told = format!("try {number} {}", theme::task_mark(Some(*how)).word);
    if let Some(at) = end_date {
        told.push_str(&format!(" at {}", at.strftime("%H:%M:%S")));
    }
    if let Some(code) = exit_code.filter(|code| *code != 0) {
        told.push_str(&format!(", exit {code}"));
    }
    told
}

fn draw_empty(buf: &mut Buffer, inside: Rect, state: &State, log: &LogPane) {
    if let Reading::Failed(problem) = &log.reading {
        return paint::empty(buf, inside, "The log could not be read", problem);
    }
    let Some(task) = task(state) else {
        let how = match log.reading {
            Reading::Ended => "the daemon wrote nothing this day",
            _ => "what the daemon says of itself appears here",
        };
        return paint::empty(buf, inside, "Nothing yet", how);
    };
    let why_not_started = if state.shown_run().is_some() {
        rows::why_not_started(state, task)
    } else {
        String::new()
    };
    let why = task.note.clone().unwrap_or(why_not_started);
    match &log.reading {
        Reading::Ended => paint::empty(buf, inside, "The task wrote nothing", &why),
        _ if task.try_number == 0 => {
            let what = format!("Not started: {}", theme::task_mark(task.state).word);
            let is_over = task.state.is_some_and(TaskInstanceState::is_finished);
            let how = match why.as_str() {
                "" if is_over => "",
                "" => "the log appears here when it starts",
                why => why,
            };
            paint::empty(buf, inside, &what, how);
        }
        _ => paint::empty(buf, inside, "Waiting for the first line", &why),
    }
}
