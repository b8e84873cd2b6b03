//! Everything that can be styled, each named once: the names are those of a theme's file.
//!
//! Screens do not know colours. They draw a part as its symbol, a colour that no terminal is ever
//! told; [`Theme::finish`](crate::theme::Theme::finish) puts the theme's colours in its place.

use ratatui::style::Color;

/// Which table of a theme's file names a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Parts,
    States,
}

impl Table {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Parts => "parts",
            Self::States => "states",
        }
    }
}

macro_rules! parts {
    ($($table:ident { $($part:ident $name:literal,)* })*) => {
        /// Something that can be styled.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Part {
            $($($part,)*)*
        }

        impl Part {
            /// Every part, in the order of its number.
            pub(crate) const ALL: &[Self] = &[$($(Self::$part,)*)*];

            /// Returns where a theme's file names it, and how.
            pub(crate) const fn name(self) -> (Table, &'static str) {
                match self {
                    $($(Self::$part => (Table::$table, $name),)*)*
                }
            }
        }
    };
}

parts! {
    Parts {
        // What has no other part; its ground is the screen's.
        Text "text",
        // Drawn by the modifiers of the same sense, upon whatever colour there is.
        Dim "dim",
        Strong "strong",
        Cursor "cursor",
        Link "link",
        Accent "accent",
        Key "key",
        Good "good",
        Bad "bad",
        Warn "warn",
        Asset "asset",
        Dag "dag",
        Model "model",
        Endpoint "endpoint",
        // The lines of a chart.
        Series1 "series-1",
        Series2 "series-2",
        Series3 "series-3",
        Series4 "series-4",
        Series5 "series-5",
    }
    States {
        None "none",
        Scheduled "scheduled",
        Queued "queued",
        Running "running",
        Restarting "restarting",
        Deferred "deferred",
        UpForRetry "up_for_retry",
        UpForReschedule "up_for_reschedule",
        Success "success",
        Failed "failed",
        UpstreamFailed "upstream_failed",
        Skipped "skipped",
        Removed "removed",
        Killed "killed",
        Paused "paused",
        Warning "warning",
        Asked "asked",
    }
}

/// How many parts there are.
pub(crate) const COUNT: usize = Part::ALL.len();

/// Red and green of every symbol; its blue is the part's number.
const SIGN: (u8, u8) = (0xda, 0x6d);

impl Part {
    /// Returns the colour that stands for the part until the frame is finished.
    pub(crate) const fn symbol(self) -> Color {
        Color::Rgb(SIGN.0, SIGN.1, self as u8)
    }

    /// Returns the part that a colour stands for.
    pub(crate) fn of(colour: Color) -> Option<Self> {
        match colour {
            Color::Rgb(red, green, number) if (red, green) == SIGN => {
                Self::ALL.get(usize::from(number)).copied()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_by_its_symbol_and_has_a_name_of_its_own() {
        let mut names = std::collections::HashSet::new();
        for part in Part::ALL {
            assert_eq!(Part::of(part.symbol()), Some(*part));
            assert!(names.insert(part.name().1));
        }
        assert_eq!(Part::of(Color::Rgb(1, 2, 3)), None);
    }
}
