//! How states and parts look: a glyph, a word and a style, never a colour alone.
//!
//! The sixteen ANSI names are used, so that the terminal's own palette rules. ASCII and
//! `NO_COLOR` are applied to the finished buffer in one place ([`Theme::finish`]), so that no
//! screen needs to know of them.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::station::BannerColour;
use crate::types::event::Severity;
use crate::types::view::LineageKind;
use crate::types::{DagRunState, TaskInstanceState};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Theme {
    pub(crate) ascii: bool,
    pub(crate) no_colour: bool,
}

/// A state as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) glyph: &'static str,
    pub(crate) word: &'static str,
    pub(crate) style: Style,
}

const fn mark(glyph: &'static str, word: &'static str, colour: Color) -> Mark {
    Mark { glyph, word, style: Style::new().fg(colour) }
}

/// Shows a task instance's state.
pub(crate) fn task_mark(state: Option<TaskInstanceState>) -> Mark {
    use TaskInstanceState as S;
    match state {
        None => dimmed(mark("·", "waiting", Color::Reset)),
        Some(S::Scheduled) => dimmed(mark("·", "scheduled", Color::Reset)),
        Some(S::Queued) => mark("◌", "queued", Color::White),
        Some(S::Running) => bold(mark("►", "running", Color::LightBlue)),
        Some(S::Restarting) => mark("↻", "restarting", Color::Yellow),
        Some(S::Deferred) => mark("◷", "deferred", Color::Cyan),
        Some(S::UpForRetry) => mark("↻", "up for retry", Color::Yellow),
        Some(S::UpForReschedule) => mark("◷", "up for reschedule", Color::Cyan),
        Some(S::Success) => mark("✓", "success", Color::Green),
        Some(S::Failed) => bold(mark("✗", "failed", Color::Red)),
        Some(S::UpstreamFailed) => mark("⊗", "upstream failed", Color::Magenta),
        Some(S::Skipped) => dimmed(mark("⊘", "skipped", Color::Reset)),
        Some(S::Removed) => dimmed(mark("⊖", "removed", Color::Magenta)),
    }
}

/// Shows a run's state.
pub(crate) fn run_mark(state: DagRunState) -> Mark {
    match state {
        DagRunState::Queued => mark("◌", "queued", Color::White),
        DagRunState::Running => bold(mark("►", "running", Color::LightBlue)),
        DagRunState::Success => mark("✓", "success", Color::Green),
        DagRunState::Failed => bold(mark("✗", "failed", Color::Red)),
    }
}

/// Shows a tracked run's status, in MLflow's words.
pub(crate) fn tracking_mark(status: &str) -> Mark {
    match status {
        "FINISHED" => mark("✓", "finished", Color::Green),
        "FAILED" => bold(mark("✗", "failed", Color::Red)),
        "KILLED" => mark("⊖", "killed", Color::Magenta),
        "RUNNING" => bold(mark("►", "running", Color::LightBlue)),
        _ => mark("◌", "scheduled", Color::White),
    }
}

/// Shows how much a line of the feed matters.
pub(crate) fn severity_mark(severity: Severity) -> Mark {
    match severity {
        Severity::Info => dimmed(mark("·", "info", Color::Reset)),
        Severity::Warning => mark("!", "warning", Color::Yellow),
        Severity::Error => bold(mark("✗", "error", Color::Red)),
    }
}

/// Shows what a node of the lineage is.
pub(crate) fn kind_mark(kind: &LineageKind) -> Mark {
    match kind {
        LineageKind::Asset => mark("◇", "asset", Color::Cyan),
        LineageKind::Dag => mark("»", "dag", Color::Blue),
        LineageKind::Model => mark("◈", "model", Color::Magenta),
        LineageKind::Endpoint => mark("↦", "endpoint", Color::Green),
    }
}

/// A DAG that is paused.
pub(crate) fn paused() -> Mark {
    dimmed(mark("=", "paused", Color::Yellow))
}

const fn dimmed(mut mark: Mark) -> Mark {
    mark.style = mark.style.add_modifier(Modifier::DIM);
    mark
}

const fn bold(mut mark: Mark) -> Mark {
    mark.style = mark.style.add_modifier(Modifier::BOLD);
    mark
}

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub(crate) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
pub(crate) const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);
pub(crate) const ACCENT: Style = Style::new().fg(Color::Cyan);
pub(crate) const KEY: Style = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
pub(crate) const GOOD: Style = Style::new().fg(Color::Green);
pub(crate) const BAD: Style = Style::new().fg(Color::Red);
pub(crate) const WARN: Style = Style::new().fg(Color::Yellow);

/// The band of a profile: its word stands on the colour, and reversed where there are none.
pub(crate) const fn banner(colour: BannerColour) -> Style {
    let colour = match colour {
        BannerColour::Red => Color::Red,
        BannerColour::Yellow => Color::Yellow,
        BannerColour::Green => Color::Green,
        BannerColour::Blue => Color::Blue,
        BannerColour::Magenta => Color::Magenta,
        BannerColour::Cyan => Color::Cyan,
    };
    Style::new().fg(colour).add_modifier(Modifier::REVERSED).add_modifier(Modifier::BOLD)
}

impl Theme {
    /// Takes out of the finished buffer what the terminal cannot show.
    pub(crate) fn finish(self, buffer: &mut Buffer) {
        if !self.ascii && !self.no_colour {
            return;
        }
        for cell in &mut buffer.content {
            if self.no_colour {
                cell.fg = Color::Reset;
                cell.bg = Color::Reset;
            }
            if self.ascii && !cell.symbol().is_ascii() {
                let c = cell.symbol().chars().next().unwrap_or(' ');
                cell.set_char(ascii(c));
            }
        }
    }
}

/// Returns the ASCII stand-in of a glyph.
fn ascii(c: char) -> char {
    match c {
        '✓' => '+',
        '►' | '›' | '»' | '▸' | '→' => '>',
        '✗' => 'X',
        '↻' => 'R',
        '◌' => 'q',
        '·' => '.',
        '◷' => 'z',
        '⊗' => 'u',
        '⊘' => 's',
        '⊖' => 'c',
        '◇' | '◈' => 'o',
        '↦' => '@',
        '◂' | '‹' | '←' => '<',
        '▲' | '↑' => '^',
        '▼' | '↓' | '▾' => 'v',
        '↵' => '~',
        '…' => '~',
        '—' | '─' | '━' => '-',
        '│' | '┃' => '|',
        '╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼' | '┌' | '┐' | '└' | '┘' => {
            '+'
        }
        '▁' | '▂' => '.',
        '▃' | '▄' => ':',
        '▅' | '▆' => '=',
        '▇' | '█' | '▌' => '#',
        '░' | '▒' => '.',
        '×' => 'x',
        '≥' => '>',
        '\u{2800}' => ' ',
        '\u{2801}'..='\u{28ff}' => '*',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_told_by_glyph_or_word_and_never_by_colour_alone() {
        let mut seen = std::collections::BTreeSet::new();
        for state in TaskInstanceState::ALL {
            let mark = task_mark(Some(*state));
            assert!(seen.insert(mark.word), "{} twice", mark.word);
            assert_eq!(crate::text::width(mark.glyph), 1);
            assert_ne!(ascii(mark.glyph.chars().next().unwrap()), '?');
        }
    }

    #[test]
    fn ascii_and_no_colour_leave_neither_colours_nor_glyphs() {
        let mut buffer = Buffer::with_lines(["╭✓ a›b⠁日╯"]);
        buffer.set_style(buffer.area, Style::new().fg(Color::Red));
        Theme { ascii: true, no_colour: true }.finish(&mut buffer);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset));
    }
}
