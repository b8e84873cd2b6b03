//! The log that is shown: what its keys do.

use tui_input::Input;

use crate::keymap::{self, Place, with_keys};
use crate::message::Effect;
use crate::rows;
use crate::screen;
use crate::screen::log::layout;
use crate::state::log::{APPETITE, LogPane, Reading, Search, Spot, WINDOWS, Whose};
use crate::state::{LogOptions, Pane, Prompt, PromptKind, Screen, State, Tone, View, Zoom};
use crate::types::TaskInstanceKey;
use crate::types::log::{LogLevel, LogName, LogQuery};
use crate::update::feed;
use crate::update::movement::Step;

pub(crate) mod hand_out;
pub(crate) mod read;
pub(crate) mod seek;

/// Columns that `h` and `l` go sideways.
const SIDEWAYS: usize = 16;

/// Says whether keys are meant for the log.
pub(crate) fn is_here(state: &State) -> bool {
    keymap::place(state) == Place::Log
}

/// Scrolls, both logs where two are beside each other.
pub(crate) fn scroll(state: &mut State, step: Step) {
    let spots = [&state.log, &state.beside].map(|log| {
        let log = log.as_ref()?;
        let layout = layout(state, log);
        let from = layout.top();
        Some(match step {
            Step::By(by) => layout.moved(from, by),
            Step::Start => Spot { number: layout.number(0), row: 0 },
            Step::End => layout.last_top(),
        })
    });
    let lasts = [&state.log, &state.beside]
        .map(|log| log.as_ref().map(|log| layout(state, log).last_top()));
    let rewound = [state.log.as_mut(), state.beside.as_mut()];
    for (at, (log, spot)) in rewound.into_iter().zip(spots).enumerate() {
        let (Some(log), Some(spot)) = (log, spot) else { continue };
        log.appetite = APPETITE;
        log.aim = None;
        match step {
            Step::Start if !log.has_start() => {
                log.go_to(0);
                continue;
            }
            Step::End if !log.is_at_tail && log.reading != Reading::Pending => {
                log.go_to_tail();
                continue;
            }
            Step::By(_) | Step::Start | Step::End => {}
        }
        log.top = spot;
        // Scrolling up stops following; coming back to the end follows again.
        let is_end = lasts[at] == Some(spot) && log.is_at_tail;
        log.follows = match step {
            Step::By(by) if by < 0 => false,
            Step::Start => is_end,
            _ => is_end,
        };
        if log.follows {
            log.unseen = 0;
        }
    }
}

/// Follows the log's end, or stops.
pub(crate) fn follow(state: &mut State) {
    let Some(log) = &state.log else { return };
    if log.follows {
        let top = layout(state, log).last_top();
        if let Some(log) = &mut state.log {
            (log.follows, log.top) = (false, top);
        }
    } else {
        scroll(state, Step::End);
    }
}

/// Goes sideways in lines that are cut.
pub(crate) fn sideways(state: &mut State, right: bool) {
    if state.log_options.wraps {
        state.say(
            Tone::Info,
            with_keys!(
                state,
                "lines are wrapped: {} cuts them, then {} {} go sideways",
                Wrap,
                Left,
                Right
            ),
        );
        return;
    }
    for log in [state.log.as_mut(), state.beside.as_mut()].into_iter().flatten() {
        log.left = match right {
            true => (log.left + SIDEWAYS).min(64 * 1024),
            false => log.left.saturating_sub(SIDEWAYS),
        };
    }
}

/// Changes how logs are shown; what is seen at the top stays there.
pub(crate) fn set(state: &mut State, change: impl FnOnce(&mut LogOptions)) {
    change(&mut state.log_options);
    pick(state);
}

/// Picks anew what is shown.
pub(crate) fn pick(state: &mut State) {
    let now = state.now;
    for log in [state.log.as_mut(), state.beside.as_mut()].into_iter().flatten() {
        log.pick(&state.log_options, now);
        log.appetite = APPETITE;
        log.top.row = 0;
    }
}

/// Leaves out what is below the next level.
pub(crate) fn level(state: &mut State) {
    set(state, LogOptions::next_level);
    let text = match state.log_options.least {
        None => "all lines".to_owned(),
        Some(least) => format!("lines of {} and above", least.as_str().to_uppercase()),
    };
    state.say(Tone::Info, text);
}

/// Shows a window of time before now, or before the end of a log that has ended.
pub(crate) fn window(state: &mut State, window: usize) {
    set(state, |options| options.window = window);
    let text = match WINDOWS.get(window) {
        Some((name, Some(_))) => with_keys!(state, "the last {name} ({} shows all)", LogWindow(0)),
        _ => "all lines, however old".to_owned(),
    };
    state.say(Tone::Info, text);
}

/// Shows only lines that match, or all again.
pub(crate) fn only_matches(state: &mut State) {
    if !state.log_options.search.is_on() {
        state.say(
            Tone::Info,
            with_keys!(
                state,
                "search first: {} and a pattern, then {} shows only its lines",
                Search,
                OnlyMatches
            ),
        );
        return;
    }
    set(state, |options| options.only_matches = !options.only_matches);
}

/// Marks the place that is looked at, or takes the mark away: the first line on the screen, or,
/// while it follows, the end.
pub(crate) fn marker(state: &mut State) {
    let Some(log) = &state.log else { return };
    let seen = layout(state, log).seen();
    let first = seen.iter().find_map(|number| log.line(*number)).map(|line| line.offset);
    let at = if log.follows { Some(log.end) } else { first };
    let Some(at) = at else { return };
    if let Some(log) = &mut state.log {
        log.toggle_marker(at);
    }
    state.say(
        Tone::Info,
        with_keys!(
            state,
            "marked ({} copies from here on; {} again takes it away)",
            CopyLines,
            Marker
        ),
    );
}

/// Clears the search, the filters and what is under way, one at a time; says `false` where there
/// is none.
pub(crate) fn back(state: &mut State) -> bool {
    if let Some(log) = &mut state.log
        && log.seek.take().is_some()
    {
        state.say(Tone::Info, "the search was given up");
        return true;
    }
    if state.beside.take().is_some() {
        return true;
    }
    let options = &mut state.log_options;
    if options.only_matches {
        options.only_matches = false;
    } else if !options.search.text.is_empty() {
        options.search = Search::default();
    } else if options.least.is_some() || options.window != 0 {
        (options.least, options.window) = (None, 0);
    } else {
        return false;
    }
    pick(state);
    true
}

/// Says whether the log is that of a task which never started.
pub(crate) fn has_not_begun(state: &State) -> bool {
    let name = state.log.as_ref().map(LogPane::name);
    matches!(name, Some(LogName::Task { try_number: Some(0), .. }))
}

/// Opens the line in which something is typed for the log.
pub(crate) fn ask(state: &mut State, kind: PromptKind) {
    let text = match kind {
        PromptKind::SaveLog => state.log.as_ref().map(hand_out::file_name).unwrap_or_default(),
        PromptKind::PipeLog => state.log_options.pipe.clone(),
        _ => String::new(),
    };
    state.prompt = Some(Prompt { kind, input: Input::new(text) });
}

/// Shows the log of another try, or of the daemon's another day.
pub(crate) fn other_try(state: &mut State, older: bool, effects: &mut Vec<Effect>) {
    let Some(task) = screen::log::task(state) else { return };
    let (key, last_try) = (task.key.clone(), task.try_number);
    let Some(Whose::Task { wanted_try, shown_try, .. }) = state.log.as_ref().map(|log| &log.whose)
    else {
        return;
    };
    let shown = wanted_try.unwrap_or(*shown_try);
    let next = if older { shown.saturating_sub(1) } else { shown + 1 };
    if next < 1 || next > last_try {
        state.say(Tone::Info, format!("the task has {}", tries(last_try)));
        return;
    }
    // The last try is followed, so that a retry after it is shown by itself.
    let wanted = (next != last_try).then_some(next);
    read::open(state, read::task(key, wanted, last_try), 0, effects);
}

fn tries(count: u32) -> String {
    match count {
        0 => "not been tried".to_owned(),
        1 => "one try only".to_owned(),
        n => format!("{n} tries"),
    }
}

/// Shows the try before beside this one, both from their start; or only this one again.
pub(crate) fn beside(state: &mut State, effects: &mut Vec<Effect>) {
    if state.beside.take().is_some() {
        return;
    }
    let Some(log) = &mut state.log else { return };
    let Whose::Task { key, shown_try, begun_at_try, .. } = &log.whose else {
        state.say(Tone::Info, "only the tries of a task are shown side by side");
        return;
    };
    if *shown_try < 2 {
        state.say(Tone::Info, "there is no try before this one");
        return;
    }
    let whose = read::task(key.clone(), Some(shown_try - 1), *begun_at_try);
    if log.has_start() {
        log.top = Spot { number: log.first, row: 0 };
        log.follows = false;
    } else {
        log.go_to(0);
    }
    if matches!(state.level().screen, Screen::Run(_)) {
        let level = state.level_mut();
        (level.pane, level.zoom) = (Pane::Log, Zoom::Full);
    }
    let generation = state.next_generation();
    let mut other = LogPane::new(whose, generation);
    other.go_to(0);
    other.reading = Reading::Underway;
    state.beside = Some(other);
    read::fill(state, effects);
}

/// Opens the log of a task on the whole screen.
pub(crate) fn open_full(state: &mut State, key: TaskInstanceKey) {
    let screen = Screen::Log(key);
    if state.level().screen != screen {
        state.push(screen);
    }
}

/// Opens the log of what is selected, or the daemon's.
pub(crate) fn open_here(state: &mut State) {
    match &state.level().screen {
        Screen::Run(_) => match screen::log::task(state).map(|task| task.key.clone()) {
            Some(key) => open_full(state, key),
            None => state.say(Tone::Info, "select a task: its log is shown"),
        },
        Screen::Root(View::System) => state.push(Screen::DaemonLog),
        Screen::Root(View::Events) => {
            let level = state.level();
            let event = rows::selected(level, &rows::events(state, level));
            match event.and_then(feed::task_of) {
                Some(key) => open_full(state, key),
                None => state.say(Tone::Info, "this event is about no task"),
            }
        }
        _ => {}
    }
}

/// Goes to the next line that begins an error, or to the one before.
pub(crate) fn error(state: &mut State, backwards: bool, effects: &mut Vec<Effect>) {
    let Some(log) = &state.log else { return };
    let from = seek::here(state, log);
    match LogPane::next_of(&log.errors, from, backwards) {
        Some(number) => {
            seek::show(state, number);
            // A line that is left out cannot be gone to.
            if state.log_options.only_matches {
                set(state, |options| options.only_matches = false);
            }
        }
        None => {
            let what = LogQuery { level: Some(LogLevel::Error), ..LogQuery::default() };
            seek::beyond(state, what, backwards, effects);
        }
    }
}
