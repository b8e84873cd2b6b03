//! Puts finished buffers on the terminal: only the cells that changed, one write a frame, nothing
//! at all where nothing changed.

use std::io::{self, Write};

use ratatui::buffer::Buffer;

mod encode;
mod scroll;

use encode::Encoder;

/// Holds back what the terminal draws until the frame is whole (it is ignored where unknown).
const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";
const END_FRAME: &[u8] = b"\x1b[?2026l";

/// What the terminal shows, and the way to it.
#[derive(Debug)]
pub(crate) struct Painter<W: Write> {
    out: W,
    /// What was drawn last; `None` where the terminal's content is not known.
    shown: Option<Buffer>,
    /// Marks where a frame begins and ends.
    has_sync: bool,
}

impl<W: Write> Painter<W> {
    /// Draws on `out`.
    pub(crate) fn new(out: W, has_sync: bool) -> Self {
        Self { out, shown: None, has_sync }
    }

    /// Forgets what is shown, so that the next frame is drawn whole.
    pub(crate) fn forget(&mut self) {
        self.shown = None;
    }

    /// Draws what changed since the last frame.
    pub(crate) fn paint(&mut self, next: Buffer) -> io::Result<()> {
        let shown = self.shown.take().filter(|shown| shown.area == next.area);
        let mut frame: Vec<u8> = Vec::with_capacity(16 * 1024);
        let before = match shown {
            None => {
                frame.extend_from_slice(b"\x1b[m\x1b[2J");
                Buffer::empty(next.area)
            }
            Some(shown) => match scroll::find(&shown, &next) {
                Some(scroll) => {
                    scroll.write(&mut frame);
                    scroll.apply(&shown)
                }
                None => shown,
            },
        };
        let changes = before.diff(&next);
        if !changes.is_empty() {
            let mut encoder = Encoder::new(&mut frame, &next);
            for (x, y, cell) in changes {
                encoder.put((x, y), cell);
            }
            encoder.end();
        }
        if !frame.is_empty() {
            self.write(frame)?;
        }
        self.shown = Some(next);
        Ok(())
    }

    fn write(&mut self, frame: Vec<u8>) -> io::Result<()> {
        let frame = match self.has_sync {
            true => [BEGIN_FRAME, &frame, END_FRAME].concat(),
            false => frame,
        };
        self.out.write_all(&frame)?;
        self.out.flush()
    }

    /// Writes something that is not a part of the screen, such as the clipboard's content.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }
}

#[cfg(any(test, feature = "bench"))]
impl Painter<Vec<u8>> {
    /// Returns what was written since this was asked last.
    pub(crate) fn taken(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::text::Line;

    /// Counts writes.
    #[derive(Default)]
    struct Counted {
        writes: usize,
        bytes: usize,
    }

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            self.bytes += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_is_one_write_and_the_same_frame_again_is_none() {
        let mut painter = Painter::new(Counted::default(), true);
        painter.paint(Buffer::with_lines([Line::raw("hello"), Line::raw("world")])).unwrap();
        assert_eq!(painter.out.writes, 1);
        painter.paint(Buffer::with_lines([Line::raw("hello"), Line::raw("world")])).unwrap();
        assert_eq!(painter.out.writes, 1, "nothing changed");
        let before = painter.out.bytes;
        painter.paint(Buffer::with_lines([Line::raw("hello"), Line::raw("word!")])).unwrap();
        assert!(painter.out.bytes - before < 80);
        painter.forget();
        painter.paint(Buffer::with_lines([Line::raw("hello"), Line::raw("word!")])).unwrap();
        assert_eq!(painter.out.writes, 3, "drawn whole again");
    }
}
