//! Hands lines of a log out: to the clipboard, to a file, to a program.

use crate::message::{Effect, Errand, Handover, SaveLog};
use crate::rows;
use crate::screen::log::layout;
use crate::state::log::{LogLine, LogPane, Whose};
use crate::state::{State, Tone};
use crate::text;
use crate::types::log::{LogSource, plain};

/// Lines that are copied at most: a terminal takes no more.
const COPIED_LINES: usize = 2000;

/// Copies the lines that are seen; where a marker is set, those from the last one on.
pub(crate) fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(lines) = lines(state) else {
        state.say(Tone::Info, "there is no line to copy");
        return;
    };
    state.say(Tone::Info, format!("copied {}", text::count(lines.lines().count(), "line")));
    effects.push(Effect::Copy(lines));
}

/// Returns the lines that are seen, or those from the last marker on.
pub(crate) fn lines(state: &State) -> Option<String> {
    let log = state.log.as_ref()?;
    let marked = log.markers.iter().max().map(|marker| {
        let from = log
            .shown
            .partition_point(|number| log.line(*number).is_some_and(|line| line.offset < *marker));
        log.shown.iter().skip(from).take(COPIED_LINES).copied().collect()
    });
    let numbers: Vec<_> = marked.unwrap_or_else(|| layout(state, log).seen());
    let lines: Vec<String> =
        numbers.iter().filter_map(|number| log.line(*number)).map(written).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Writes a line as its file has it, without colours.
fn written(line: &LogLine) -> String {
    let time = line.time.map(|time| format!("{} ", time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")));
    let source = match line.source {
        LogSource::Out => "out  ",
        LogSource::Err => "err  ",
        LogSource::Deck => "deck ",
        LogSource::Raw => "",
    };
    format!("{}{source}{}", time.unwrap_or_default(), text::clean(&plain(&line.text)))
}

/// Returns all that is loaded and shown, for a program to read.
fn shown(log: &LogPane) -> String {
    let mut text = String::new();
    for line in log.shown.iter().filter_map(|number| log.line(*number)) {
        text.push_str(&written(line));
        text.push('\n');
    }
    text
}

/// Returns a name for the file that a log is saved to.
pub(crate) fn file_name(log: &LogPane) -> String {
    let name = match &log.whose {
        Whose::Task { key, shown_try, .. } => {
            format!("{}-{}-try{shown_try}", key.dag_id, rows::task_key(key))
        }
        Whose::Daemon { day } => format!("daemon-{}", day.as_deref().unwrap_or("log")),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    format!("{name}.log")
}

/// Hands what is loaded and shown to a program, whose words are split as a shell would; there is
/// no shell.
pub(crate) fn pipe(state: &mut State, command: &str, effects: &mut Vec<Effect>) {
    let Ok(words) = shell_words::split(command) else {
        state.say(Tone::Bad, "a quote in it is not closed");
        return;
    };
    let Some((program, args)) = words.split_first() else { return };
    let Some(log) = &state.log else { return };
    effects.push(Effect::Handover(Handover {
        program: program.clone(),
        args: args.to_vec(),
        input: Some(shown(log)),
        errand: Errand::Show,
    }));
    command.clone_into(&mut state.log_options.pipe);
}

/// Saves the whole log, loaded or not, to a file that is not there yet.
pub(crate) fn save(state: &mut State, path: &str, effects: &mut Vec<Effect>) {
    let path = path.trim();
    let Some(log) = state.log.as_ref().filter(|_| !path.is_empty()) else { return };
    let wish = SaveLog { path: path.to_owned(), name: log.name() };
    state.say(Tone::Info, format!("saving to {path}…"));
    effects.push(Effect::SaveLog(wish));
}
