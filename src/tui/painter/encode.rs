//! Writes changed cells as the fewest bytes that terminals of any age understand: the sixteen
//! colours by their own codes, no move where the cursor stands already, no style twice.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Cells that cost no more than the sequence which jumps over them.
const JUMP_MIN: u16 = 4;

/// Writes cells; knows where the terminal's cursor and pen are.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    /// The whole frame: a cell that did not change is cheaper to write again than to jump over.
    frame: &'a Buffer,
    /// Where the next character would stand; `None` where it is not known.
    at: Option<(u16, u16)>,
    fg: Color,
    bg: Color,
    modifiers: Modifier,
}

/// What switches a modifier on.
const ON: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

impl<'a> Encoder<'a> {
    /// Begins with a plain pen and the cursor anywhere.
    pub(crate) fn new(out: &'a mut Vec<u8>, frame: &'a Buffer) -> Self {
        out.extend_from_slice(b"\x1b[m");
        let (fg, bg, modifiers) = (Color::Reset, Color::Reset, Modifier::empty());
        Self { out, frame, at: None, fg, bg, modifiers }
    }

    /// Writes one cell.
    pub(crate) fn put(&mut self, (x, y): (u16, u16), cell: &Cell) {
        self.go(x, y);
        self.pen(cell);
        self.out.extend_from_slice(cell.symbol().as_bytes());
        let cells = match cell.symbol() {
            symbol if symbol.len() == 1 => Some(1),
            // Terminals differ in how wide they draw what is no single character.
            symbol if symbol.chars().nth(1).is_some() => None,
            symbol => u16::try_from(crate::text::width(symbol)).ok(),
        };
        self.at = cells.map(|cells| (x.saturating_add(cells), y));
    }

    /// Leaves a plain pen behind.
    pub(crate) fn end(mut self) {
        self.style(Color::Reset, Color::Reset, Modifier::empty());
    }

    fn go(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (x, y) => {}
            Some((from, row)) if row == y && from < x => match x - from {
                1..=JUMP_MIN if self.fill(from..x, y) => {}
                1 => self.out.extend_from_slice(b"\x1b[C"),
                cells => self.code(&[cells], b'C'),
            },
            _ => self.code(&[y.saturating_add(1), x.saturating_add(1)], b'H'),
        }
    }

    /// Writes the cells between again, where they are of the present style and one byte each.
    fn fill(&mut self, between: std::ops::Range<u16>, y: u16) -> bool {
        let from = self.out.len();
        for x in between {
            let cell = self.frame.cell((x, y));
            let Some(cell) = cell.filter(|cell| {
                cell.symbol().len() == 1
                    && (cell.fg, cell.bg, cell.modifier) == (self.fg, self.bg, self.modifiers)
            }) else {
                self.out.truncate(from);
                return false;
            };
            self.out.extend_from_slice(cell.symbol().as_bytes());
        }
        true
    }

    fn pen(&mut self, cell: &Cell) {
        // A blank shows only its ground and what lies under or through it.
        let shown = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
        if cell.symbol() == " " && (cell.modifier | self.modifiers) & shown == Modifier::empty() {
            self.style(self.fg, cell.bg, self.modifiers);
        } else {
            self.style(cell.fg, cell.bg, cell.modifier);
        }
    }

    fn style(&mut self, fg: Color, bg: Color, modifiers: Modifier) {
        if (fg, bg, modifiers) == (self.fg, self.bg, self.modifiers) {
            return;
        }
        let mut codes: Vec<u16> = Vec::with_capacity(8);
        // One modifier alone cannot be switched off everywhere.
        if !(self.modifiers - modifiers).is_empty()
            || (fg, bg, modifiers) == (Color::Reset, Color::Reset, Modifier::empty())
        {
            codes.push(0);
            (self.fg, self.bg) = (Color::Reset, Color::Reset);
            self.modifiers = Modifier::empty();
        }
        for (modifier, code) in ON {
            if (modifiers - self.modifiers).contains(modifier) {
                codes.push(u16::from(code));
            }
        }
        if fg != self.fg {
            colour(&mut codes, fg, 0);
        }
        if bg != self.bg {
            colour(&mut codes, bg, 10);
        }
        (self.fg, self.bg, self.modifiers) = (fg, bg, modifiers);
        match codes.as_slice() {
            [0] => self.out.extend_from_slice(b"\x1b[m"),
            codes => self.code(codes, b'm'),
        }
    }

    fn code(&mut self, numbers: &[u16], last: u8) {
        self.out.extend_from_slice(b"\x1b[");
        for (at, number) in numbers.iter().enumerate() {
            if at > 0 {
                self.out.push(b';');
            }
            let mut digits = [0_u8; 5];
            let mut from = digits.len();
            let mut left = *number;
            loop {
                from -= 1;
                digits[from] = b'0' + u8::try_from(left % 10).unwrap_or(0);
                left /= 10;
                if left == 0 {
                    break;
                }
            }
            self.out.extend_from_slice(&digits[from..]);
        }
        self.out.push(last);
    }
}

/// Adds what sets a colour; `ground` is 10 for the ground's.
fn colour(codes: &mut Vec<u16>, colour: Color, ground: u16) {
    match colour {
        Color::Reset => codes.push(39 + ground),
        Color::Black => codes.push(30 + ground),
        Color::Red => codes.push(31 + ground),
        Color::Green => codes.push(32 + ground),
        Color::Yellow => codes.push(33 + ground),
        Color::Blue => codes.push(34 + ground),
        Color::Magenta => codes.push(35 + ground),
        Color::Cyan => codes.push(36 + ground),
        Color::Gray => codes.push(37 + ground),
        Color::DarkGray => codes.push(90 + ground),
        Color::LightRed => codes.push(91 + ground),
        Color::LightGreen => codes.push(92 + ground),
        Color::LightYellow => codes.push(93 + ground),
        Color::LightBlue => codes.push(94 + ground),
        Color::LightMagenta => codes.push(95 + ground),
        Color::LightCyan => codes.push(96 + ground),
        Color::White => codes.push(97 + ground),
        Color::Indexed(number) => codes.extend([38 + ground, 5, u16::from(number)]),
        Color::Rgb(r, g, b) => {
            codes.extend([38 + ground, 2, u16::from(r), u16::from(g), u16::from(b)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::style::Style;
    use ratatui::text::{Line, Span};

    use super::*;

    fn encoded(before: &Buffer, after: &Buffer) -> String {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, after);
        for (x, y, cell) in before.diff(after) {
            encoder.put((x, y), cell);
        }
        encoder.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn neighbours_need_no_move_and_what_lies_apart_a_short_one() {
        let before = Buffer::with_lines(["aaaaaaaaaa", "bbbbb"]);
        let after = Buffer::with_lines(["xxaayaaaaa", "bbbbz"]);
        assert_eq!(encoded(&before, &after), "\x1b[m\x1b[1;1Hxxaay\x1b[2;5Hz");
    }

    #[test]
    fn a_style_is_told_once_and_only_what_differs() {
        let red = Style::new().fg(Color::Red);
        let bold = red.add_modifier(Modifier::BOLD);
        let line = Line::from(vec![
            Span::styled("ab", red),
            Span::styled("cd", bold),
            Span::raw(" e"),
            Span::styled("f", Style::new().fg(Color::Rgb(1, 20, 255)).bg(Color::Indexed(208))),
        ]);
        let after = Buffer::with_lines([line]);
        assert_eq!(
            encoded(&Buffer::empty(after.area), &after),
            "\x1b[m\x1b[1;1H\x1b[31mab\x1b[1mcd\x1b[C\x1b[me\x1b[38;2;1;20;255;48;5;208mf\x1b[m"
        );
    }

    #[test]
    fn after_a_wide_or_joined_character_the_place_is_certain() {
        let before = Buffer::empty(ratatui::layout::Rect::new(0, 0, 8, 1));
        let after = Buffer::with_lines(["日e\u{301}xy   "]);
        assert_eq!(encoded(&before, &after), "\x1b[m\x1b[1;1H日e\u{301}\x1b[1;4Hxy");
    }
}
