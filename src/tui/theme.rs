//! How states and parts look: a glyph, a word and a style, never a colour alone.
//!
//! Screens draw parts ([`Part`]), never colours. The theme's colours, what the terminal has of
//! them, ASCII and `NO_COLOR` come upon the finished buffer in one place ([`Theme::finish`]), so
//! that no screen needs to know of them.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};

use crate::station::BannerColour;
use crate::types::event::Severity;
use crate::types::freshness::Freshness;
use crate::types::metric::is_gain;
use crate::types::view::LineageKind;
use crate::types::{DagRunState, TaskInstanceState};

mod ascii;
mod built_in;
mod colours;
mod file;
mod look;
mod part;

pub(crate) use ascii::ascii;
pub use colours::Colours;
pub(crate) use part::Part;

use built_in::Looks;
use look::Look;

/// A state as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) glyph: &'static str,
    pub(crate) word: &'static str,
    pub(crate) style: Style,
}

const fn mark(glyph: &'static str, word: &'static str, part: Part) -> Mark {
    Mark { glyph, word, style: drawn(part) }
}

/// Returns the style that draws a part, until the theme's own takes its place.
pub(crate) const fn drawn(part: Part) -> Style {
    Style::new().fg(part.symbol())
}

/// Shows a task instance's state.
pub(crate) fn task_mark(state: Option<TaskInstanceState>) -> Mark {
    use TaskInstanceState as S;
    match state {
        None => mark("·", "waiting", Part::None),
        Some(S::Scheduled) => mark("·", "scheduled", Part::Scheduled),
        Some(S::Queued) => mark("◌", "queued", Part::Queued),
        Some(S::Running) => mark("►", "running", Part::Running),
        Some(S::Restarting) => mark("↻", "restarting", Part::Restarting),
        Some(S::Deferred) => mark("◷", "deferred", Part::Deferred),
        Some(S::UpForRetry) => mark("↻", "up for retry", Part::UpForRetry),
        Some(S::UpForReschedule) => mark("◷", "up for reschedule", Part::UpForReschedule),
        Some(S::Success) => mark("✓", "success", Part::Success),
        Some(S::Failed) => mark("✗", "failed", Part::Failed),
        Some(S::UpstreamFailed) => mark("⊗", "upstream failed", Part::UpstreamFailed),
        Some(S::Skipped) => mark("⊘", "skipped", Part::Skipped),
        Some(S::Removed) => mark("⊖", "removed", Part::Removed),
    }
}

/// Shows a run's state.
pub(crate) fn run_mark(state: DagRunState) -> Mark {
    match state {
        DagRunState::Queued => mark("◌", "queued", Part::Queued),
        DagRunState::Running => mark("►", "running", Part::Running),
        DagRunState::Success => mark("✓", "success", Part::Success),
        DagRunState::Failed => mark("✗", "failed", Part::Failed),
    }
}

/// Shows a tracked run's status, in MLflow's words.
pub(crate) fn tracking_mark(status: &str) -> Mark {
    match status {
        "FINISHED" => mark("✓", "finished", Part::Success),
        "FAILED" => mark("✗", "failed", Part::Failed),
        "KILLED" => mark("⊖", "killed", Part::Killed),
        "RUNNING" => mark("►", "running", Part::Running),
        _ => mark("◌", "scheduled", Part::Queued),
    }
}

/// Shows a trial that was given up before it was whole.
pub(crate) fn pruned() -> Mark {
    mark("⊘", "pruned", Part::Skipped)
}

/// Shows how much a line of the feed matters.
pub(crate) fn severity_mark(severity: Severity) -> Mark {
    match severity {
        Severity::Info => mark("·", "info", Part::Dim),
        Severity::Warning => mark("!", "warning", Part::Warning),
        Severity::Error => mark("✗", "error", Part::Failed),
    }
}

/// Shows what a node of the lineage is.
pub(crate) fn kind_mark(kind: &LineageKind) -> Mark {
    match kind {
        LineageKind::Asset => mark("◇", "asset", Part::Asset),
        LineageKind::Dag => mark("»", "dag", Part::Dag),
        LineageKind::Model => mark("◈", "model", Part::Model),
        LineageKind::Endpoint => mark("↦", "endpoint", Part::Endpoint),
        LineageKind::File => mark("▫", "file", Part::Asset),
        LineageKind::Object => mark("▫", "object", Part::Asset),
        LineageKind::Table => mark("≡", "table", Part::Asset),
        LineageKind::Dataset => mark("∷", "data set", Part::Asset),
        LineageKind::Version => mark("◈", "version", Part::Model),
        LineageKind::Job => mark("»", "job", Part::Dag),
    }
}

/// Shows how an asset stands.
pub(crate) fn freshness_mark(freshness: Freshness) -> Mark {
    match freshness {
        Freshness::Fresh => mark("✓", "fresh", Part::Success),
        Freshness::Stale => mark("!", "stale", Part::Warning),
        Freshness::Never => mark("·", "never", Part::Dim),
    }
}

/// Shows whether a metric became better; `None` where it is the same, or nobody knows which way
/// is better.
pub(crate) fn gain_mark(metric: &str, before: f64, after: f64) -> Option<Mark> {
    is_gain(metric, before, after).map(|is_better| match is_better {
        true => mark("▲", "better", Part::Good),
        false => mark("▼", "worse", Part::Bad),
    })
}

/// A DAG that is paused.
pub(crate) fn paused() -> Mark {
    mark("=", "paused", Part::Paused)
}

/// A DAG whose definition is gone.
pub(crate) fn gone() -> Mark {
    mark("⊖", "gone", Part::Removed)
}

/// A question that waits for its answer.
pub(crate) fn question() -> Mark {
    mark("?", "asks", Part::Asked)
}

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub(crate) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// Emphasis in prose.
pub(crate) const EMPHASIS: Style = Style::new().add_modifier(Modifier::ITALIC);
pub(crate) const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);
pub(crate) const ACCENT: Style = drawn(Part::Accent);
pub(crate) const KEY: Style = drawn(Part::Key);
pub(crate) const GOOD: Style = drawn(Part::Good);
pub(crate) const BAD: Style = drawn(Part::Bad);
pub(crate) const WARN: Style = drawn(Part::Warn);

/// The lines of a chart, one a run.
pub(crate) const SERIES: [Style; 5] = [
    drawn(Part::Series1),
    drawn(Part::Series2),
    drawn(Part::Series3),
    drawn(Part::Series4),
    drawn(Part::Series5),
];

/// A theme as this terminal shows it.
#[derive(Debug, Clone)]
pub(crate) struct Theme {
    pub(crate) name: String,
    ascii: bool,
    colours: Colours,
    looks: Looks,
}

/// A theme of the operator's own: its name, the path and the text of its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own<'a> {
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

/// Returns the names of the themes there are, the operator's own last.
pub(crate) fn names(own: Option<Own<'_>>) -> Vec<String> {
    let own = own.map(|own| own.name.to_owned());
    built_in::NAMES.iter().map(|name| (*name).to_owned()).chain(own).collect()
}

/// The band of a profile: its word stands on the colour, and reversed where there are none.
pub(crate) const fn banner(colour: BannerColour) -> Style {
    let part = match colour {
        BannerColour::Red => Part::Bad,
        BannerColour::Yellow => Part::Warn,
        BannerColour::Green => Part::Good,
        BannerColour::Blue => Part::Dag,
        BannerColour::Magenta => Part::Model,
        BannerColour::Cyan => Part::Accent,
    };
    drawn(part).add_modifier(Modifier::REVERSED).add_modifier(Modifier::BOLD)
}

impl Theme {
    /// The theme that needs nothing.
    pub(crate) fn plain(ascii: bool, colours: Colours) -> Self {
        let looks = built_in::looks(built_in::NAMES[0], colours);
        let looks = looks.unwrap_or([Look::default(); part::COUNT]);
        Self::new(built_in::NAMES[0], ascii, colours, looks)
    }

    /// Makes the theme of this name; says what is wrong where it cannot.
    pub(crate) fn named(
        name: &str,
        own: Option<Own<'_>>,
        ascii: bool,
        colours: Colours,
    ) -> Result<Self, String> {
        if let Some(own) = own
            && own.name == name
        {
            let looks = file::read(own.text, colours).map_err(|problems| {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                let more = match problems.len() {
                    0 | 1 => String::new(),
                    count => format!(" (+{} more)", count - 1),
                };
                format!("{}:{first}{more}", own.path)
            })?;
            return Ok(Self::new(name, ascii, colours, looks));
        }
        match built_in::looks(name, colours) {
            Some(looks) => Ok(Self::new(name, ascii, colours, looks)),
            None => Err(format!("no theme `{name}`; there are {}", names(own).join(", "))),
        }
    }

    fn new(name: &str, ascii: bool, colours: Colours, mut looks: Looks) -> Self {
        for look in &mut looks {
            look.fg = colours.nearest(look.fg);
            look.bg = colours.nearest(look.bg);
        }
        let cursor = &mut looks[Part::Cursor as usize];
        // A cursor of colours alone would be gone with them.
        if cursor.fg == cursor.bg {
            cursor.modifiers |= Modifier::REVERSED;
        }
        Self { name: name.to_owned(), ascii, colours, looks }
    }

    /// Puts the theme's colours and what the terminal can show into the finished buffer.
    pub(crate) fn finish(&self, buffer: &mut Buffer) {
        for cell in &mut buffer.content {
            self.dress(cell);
            if self.ascii && !cell.symbol().is_ascii() {
                let c = cell.symbol().chars().next().unwrap_or(' ');
                cell.set_char(ascii(c));
            }
        }
    }

    fn look(&self, part: Part) -> &Look {
        &self.looks[part as usize]
    }

    fn dress(&self, cell: &mut Cell) {
        let drawn = cell.modifier;
        let part = Part::of(cell.fg);
        let text = self.look(Part::Text);
        let mut look = match part {
            Some(part) => *self.look(part),
            None => Look { fg: self.colours.nearest(cell.fg), ..Look::default() },
        };
        if look.bg == Color::Reset {
            look.bg = match Part::of(cell.bg) {
                Some(part) => self.look(part).fg,
                None => self.colours.nearest(cell.bg),
            };
        }
        look.modifiers |=
            drawn - (Modifier::DIM | Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED);
        for (modifier, part) in EMPHASES {
            if drawn.contains(modifier) {
                let upon = self.look(part);
                look.modifiers |= upon.modifiers;
                // What stands under the cursor is one with it; else a state keeps its colour.
                if upon.fg != Color::Reset && (look.fg == Color::Reset || part == Part::Cursor) {
                    look.fg = upon.fg;
                }
                if upon.bg != Color::Reset {
                    look.bg = upon.bg;
                }
            }
        }
        cell.fg = if look.fg == Color::Reset { text.fg } else { look.fg };
        cell.bg = if look.bg == Color::Reset { text.bg } else { look.bg };
        cell.modifier = look.modifiers | text.modifiers;
    }
}

/// What a theme makes of the modifiers that screens draw with; the cursor lies on top.
const EMPHASES: [(Modifier, Part); 4] = [
    (Modifier::DIM, Part::Dim),
    (Modifier::BOLD, Part::Strong),
    (Modifier::UNDERLINED, Part::Link),
    (Modifier::REVERSED, Part::Cursor),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(theme: &Theme, style: Style) -> Cell {
        let mut buffer = Buffer::with_lines(["x"]);
        buffer.set_style(buffer.area, style);
        theme.finish(&mut buffer);
        buffer.content[0].clone()
    }

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
        Theme::plain(true, Colours::None).finish(&mut buffer);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset));
    }

    #[test]
    fn no_symbol_reaches_the_terminal_in_any_theme() {
        for name in built_in::NAMES {
            for colours in [Colours::None, Colours::Ansi, Colours::Indexed, Colours::True] {
                let theme = Theme::named(name, None, false, colours).unwrap();
                for part in Part::ALL {
                    let cell = finished(&theme, drawn(*part).bg(part.symbol()));
                    assert!(Part::of(cell.fg).is_none() && Part::of(cell.bg).is_none());
                    let is_ansi = !matches!(cell.fg, Color::Rgb(..) | Color::Indexed(_));
                    assert!(is_ansi || colours > Colours::Ansi, "{name} {part:?}");
                }
                // The cursor is seen without colours too.
                let cursor = finished(&theme, REVERSED);
                assert!(
                    cursor.modifier.contains(Modifier::REVERSED) || cursor.fg != cursor.bg,
                    "{name} {colours:?}"
                );
            }
        }
    }

    #[test]
    fn a_state_keeps_its_colour_when_it_is_dim_and_gives_it_to_the_cursor() {
        let theme = Theme::named("light", None, false, Colours::True).unwrap();
        let state = finished(&theme, drawn(Part::Success).patch(DIM));
        assert_eq!(state.fg, Color::Rgb(0x1a, 0x7f, 0x37));
        assert_eq!(finished(&theme, DIM).fg, Color::Rgb(0x70, 0x70, 0x70));
        let theme = Theme::named("high-contrast", None, false, Colours::True).unwrap();
        let cursor = finished(&theme, drawn(Part::Success).patch(REVERSED));
        assert_eq!((cursor.fg, cursor.bg), (Color::Black, Color::LightYellow));
        let plain = finished(&theme, PLAIN);
        assert_eq!((plain.fg, plain.bg), (Color::White, Color::Black));
    }

    #[test]
    fn an_unknown_theme_is_told_with_those_there_are() {
        let own = Own { name: "mine", path: "themes/mine.toml", text: "base = 1" };
        let told = Theme::named("drak", Some(own), false, Colours::True).unwrap_err();
        assert_eq!(
            told,
            "no theme `drak`; there are dark, light, high-contrast, colour-blind, mine"
        );
        let told = Theme::named("mine", Some(own), false, Colours::True).unwrap_err();
        assert!(told.starts_with("themes/mine.toml:1: base: "), "{told}");
    }
}
