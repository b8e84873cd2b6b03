//! How many colours the terminal has, and the nearest of them to those it has not.

use ratatui::style::Color;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colours {
    None,
    /// The sixteen of its own palette.
    Ansi,
    /// 256 by number.
    Indexed,
    #[default]
    True,
}

impl Colours {
    /// Finds out from what the environment says: `NO_COLOR` before what was `asked` for, that
    /// before COLORTERM, that before TERM.
    pub fn detect(asked: Option<Self>, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        if let Some(asked) = asked {
            return asked;
        }
        let term = variable("TERM").unwrap_or_default();
        if term.is_empty() || term == "dumb" {
            return Self::None;
        }
        let colorterm = variable("COLORTERM").unwrap_or_default();
        if matches!(colorterm.as_str(), "truecolor" | "24bit") {
            return Self::True;
        }
        const TRUE: [&str; 6] = ["kitty", "ghostty", "alacritty", "foot", "wezterm", "direct"];
        if TRUE.iter().any(|part| term.contains(part)) {
            Self::True
        } else if term.contains("256") {
            Self::Indexed
        } else if term.starts_with("vt") {
            Self::None
        } else {
            Self::Ansi
        }
    }

    /// Reads what `--color` takes.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "never" => Some(Self::None),
            "16" => Some(Self::Ansi),
            "256" => Some(Self::Indexed),
            "always" => Some(Self::True),
            _ => None,
        }
    }

    /// Returns the nearest colour that the terminal shows.
    pub(crate) fn nearest(self, colour: Color) -> Color {
        match (self, colour) {
            (Self::None, _) => Color::Reset,
            (Self::Ansi, Color::Rgb(r, g, b)) => sixteen((r, g, b)),
            (Self::Ansi, Color::Indexed(number)) => match number {
                0..16 => ANSI[usize::from(number)].0,
                _ => sixteen(rgb(number)),
            },
            (Self::Indexed, Color::Rgb(r, g, b)) => Color::Indexed(indexed((r, g, b))),
            _ => colour,
        }
    }
}

type Rgb = (u8, u8, u8);

/// The sixteen, as xterm shows them.
const ANSI: [(Color, Rgb); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

/// The steps of the cube that the numbers from 16 on are.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn rgb(number: u8) -> Rgb {
    match number {
        0..16 => ANSI[usize::from(number)].1,
        16..232 => {
            let at = usize::from(number - 16);
            (CUBE[at / 36], CUBE[at / 6 % 6], CUBE[at % 6])
        }
        232.. => {
            let grey = 8 + 10 * (number - 232);
            (grey, grey, grey)
        }
    }
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    let part = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    // The eye sees green best and blue worst.
    3 * part(a.0, b.0) + 4 * part(a.1, b.1) + 2 * part(a.2, b.2)
}

fn indexed(wanted: Rgb) -> u8 {
    (16..=255).min_by_key(|number| distance(rgb(*number), wanted)).unwrap_or(16)
}

/// What has a hue keeps it: the nearest by distance alone is grey too often.
fn sixteen(wanted: Rgb) -> Color {
    let (high, low) = (wanted.0.max(wanted.1).max(wanted.2), wanted.0.min(wanted.1).min(wanted.2));
    let is_grey = high - low < 32;
    if is_grey {
        let greys = [0, 7, 8, 15].map(|at: usize| ANSI[at]);
        return greys
            .iter()
            .min_by_key(|(_, rgb)| distance(*rgb, wanted))
            .map_or(Color::Reset, |g| g.0);
    }
    let on = |part: u8| u8::from(u16::from(part) * 2 > u16::from(high) + u16::from(low));
    let hue = usize::from(on(wanted.0) | on(wanted.1) << 1 | on(wanted.2) << 2);
    let is_bright = high > 220 && low > 60;
    ANSI[hue + if is_bright { 8 } else { 0 }].0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(asked: Option<Colours>, set: &[(&str, &str)]) -> Colours {
        Colours::detect(asked, &|name| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn no_color_rules_then_the_option_then_colorterm_then_term() {
        use Colours as C;
        let all = [("NO_COLOR", "1"), ("COLORTERM", "truecolor"), ("TERM", "xterm-256color")];
        assert_eq!(detected(Some(C::True), &all), C::None);
        assert_eq!(detected(Some(C::Ansi), &all[1..]), C::Ansi);
        assert_eq!(detected(None, &all[1..]), C::True);
        assert_eq!(detected(None, &all[2..]), C::Indexed);
        assert_eq!(detected(None, &[("NO_COLOR", ""), ("TERM", "xterm")]), C::Ansi);
        assert_eq!(detected(None, &[("TERM", "xterm-kitty")]), C::True);
        assert_eq!(detected(None, &[("TERM", "dumb"), ("COLORTERM", "truecolor")]), C::None);
        assert_eq!(detected(None, &[("TERM", "vt220")]), C::None);
        assert_eq!(detected(None, &[]), C::None);
    }

    #[test]
    fn the_nearest_colour_keeps_its_hue() {
        let nearest = |colours: Colours, rgb: Rgb| colours.nearest(Color::Rgb(rgb.0, rgb.1, rgb.2));
        assert_eq!(nearest(Colours::Ansi, (0x00, 0x9e, 0x73)), Color::Cyan);
        assert_eq!(nearest(Colours::Ansi, (0xd5, 0x5e, 0x00)), Color::Red);
        assert_eq!(nearest(Colours::Ansi, (0xf0, 0xe4, 0x42)), Color::LightYellow);
        assert_eq!(nearest(Colours::Ansi, (0x66, 0x66, 0x66)), Color::DarkGray);
        assert_eq!(nearest(Colours::Indexed, (255, 0, 0)), Color::Indexed(196));
        assert_eq!(nearest(Colours::True, (1, 2, 3)), Color::Rgb(1, 2, 3));
        assert_eq!(Colours::Ansi.nearest(Color::Indexed(196)), Color::Red);
        assert_eq!(Colours::Ansi.nearest(Color::Indexed(4)), Color::Blue);
        assert_eq!(Colours::None.nearest(Color::Red), Color::Reset);
        // The names are the terminal's own at every level.
        assert_eq!(Colours::Indexed.nearest(Color::LightBlue), Color::LightBlue);
    }
}
