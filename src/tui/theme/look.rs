//! How one part looks, and how a look is written.

use ratatui::style::{Color, Modifier};

/// Colours and modifiers of a part; `Reset` leaves a colour as it would be without it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) fg: Color,
    pub(crate) bg: Color,
    pub(crate) modifiers: Modifier,
}

/// The modifiers by their names in a theme's file.
pub(crate) const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

impl Look {
    /// A look of one colour.
    pub(crate) const fn of(fg: Color) -> Self {
        Self { fg, bg: Color::Reset, modifiers: Modifier::empty() }
    }

    /// A look without a colour of its own.
    pub(crate) const fn plain(modifiers: Modifier) -> Self {
        Self { fg: Color::Reset, bg: Color::Reset, modifiers }
    }

    pub(crate) const fn on(self, bg: Color) -> Self {
        Self { bg, ..self }
    }

    pub(crate) const fn with(self, modifiers: Modifier) -> Self {
        Self { modifiers, ..self }
    }
}

/// Reads a colour: one of the terminal's sixteen by name, one of its 256 by number, `#rrggbb`, or
/// `default`.
pub(crate) fn colour(written: &str) -> Option<Color> {
    match written {
        "default" => Some(Color::Reset),
        other => other.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_people_write_them() {
        assert_eq!(colour("red"), Some(Color::Red));
        assert_eq!(colour("bright-blue"), Some(Color::LightBlue));
        assert_eq!(colour("#d55e00"), Some(Color::Rgb(0xd5, 0x5e, 0)));
        assert_eq!(colour("208"), Some(Color::Indexed(208)));
        assert_eq!(colour("default"), Some(Color::Reset));
        for wrong in ["redd", "#12", "300", ""] {
            assert_eq!(colour(wrong), None, "{wrong}");
        }
    }
}
