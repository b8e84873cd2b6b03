//! The colours that a program gave its lines: SGR sequences, and nothing else of what a terminal
//! obeys.

use ratatui::style::{Color, Modifier, Style};

use crate::types::log::escape_len;

/// Takes a line apart into pieces of one style, on top of `base`.
pub(super) fn pieces(text: &str, base: Style) -> Vec<(String, Style)> {
    let mut pieces = Vec::new();
    let mut style = base;
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        if at > 0 {
            pieces.push((rest[..at].to_owned(), style));
        }
        rest = &rest[at..];
        let (sequence, tail) = rest.split_at(escape_len(rest));
        let inner = sequence.strip_prefix("\u{1b}[").and_then(|inner| inner.strip_suffix('m'));
        if let Some(parameters) = inner {
            style = changed(style, base, parameters);
        }
        rest = tail;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push((rest.to_owned(), style));
    }
    pieces
}

const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

fn changed(mut style: Style, base: Style, parameters: &str) -> Style {
    let mut codes = parameters.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
    while let Some(code) = codes.next() {
        style = match code {
            0 => base,
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            9 => style.add_modifier(Modifier::CROSSED_OUT),
            22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
            23 => style.remove_modifier(Modifier::ITALIC),
            24 => style.remove_modifier(Modifier::UNDERLINED),
            29 => style.remove_modifier(Modifier::CROSSED_OUT),
            30..=37 => style.fg(NAMED[usize::from(code - 30)]),
            90..=97 => style.fg(NAMED[usize::from(code - 82)]),
            38 => extended(&mut codes).map_or(style, |colour| style.fg(colour)),
            // Backgrounds and reverse video would hide the cursor and what was searched for.
            48 => {
                extended(&mut codes);
                style
            }
            39 => Style { fg: base.fg, ..style },
            _ => style,
        };
    }
    style
}

/// Reads `5;N` or `2;R;G;B`.
fn extended(codes: &mut impl Iterator<Item = u16>) -> Option<Color> {
    let mut byte = || codes.next().map(|code| u8::try_from(code).unwrap_or(u8::MAX));
    match byte()? {
        5 => byte().map(Color::Indexed),
        2 => Some(Color::Rgb(byte()?, byte()?, byte()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_kept_and_everything_else_is_taken_out() {
        let base = Style::new();
        let found =
            pieces("a\u{1b}[1;31mb\u{1b}[2J\u{1b}[0mc\u{1b}[38;5;208md\u{1b}[38;2;1;2;3me", base);
        let texts: Vec<_> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d", "e"]);
        assert_eq!(found[1].1, base.fg(Color::Red).add_modifier(Modifier::BOLD));
        assert_eq!(found[2].1, base);
        assert_eq!(found[3].1.fg, Some(Color::Indexed(208)));
        assert_eq!(found[4].1.fg, Some(Color::Rgb(1, 2, 3)));
        for broken in ["\u{1b}[", "\u{1b}[38;5m", "\u{1b}[38;2;9", "\u{1b}[999;;m", "\u{1b}[m"] {
            assert!(pieces(broken, base).iter().all(|(text, _)| !text.contains('\u{1b}')));
        }
    }
}
