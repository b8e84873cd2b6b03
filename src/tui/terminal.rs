//! The terminal while the deck has it: taken over on entry, given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write};
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

mod apart;
mod reply;
pub(crate) mod sequence;
mod surroundings;

pub(crate) use apart::Apart;
pub(crate) use reply::{Heard, Reply};
pub use surroundings::Surroundings;

/// A frame fits, so that it leaves in one write.
const FRAME_BYTES: usize = 64 * 1024;

const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?25l";
/// Escape codes that cannot be taken for other keys (kitty's first flag).
const KITTY_ON: &[u8] = b"\x1b[>1u";
/// Buttons and drags, with coordinates of any size. Not every motion: that is a flood over a line.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";

/// A frame may have been cut short: without this the terminal would draw nothing more.
const END_FRAME: &[u8] = b"\x1b[?2026l\x1b[0m";
const KITTY_OFF: &[u8] = b"\x1b[<1u";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";
const LEAVE: &[u8] = b"\x1b[?1004l\x1b[?2004l\x1b[?1049l\x1b[?25h";

/// The terminal is held.
const TAKEN: u8 = 1;
/// The panic hook gave it back.
const LOST: u8 = 2;
const KITTY: u8 = 4;
const MOUSE: u8 = 8;

type PanicHook = Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Holds the terminal; dropping it gives the terminal back.
pub(crate) struct Guard {
    /// Whether it is held, and what was switched on.
    held: Arc<AtomicU8>,
    has_kitty_keys: bool,
    previous_hook: PanicHook,
}

impl Guard {
    /// Takes the terminal over: raw, alternate screen, pasted text marked as such. From here on a
    /// panic gives it back before it is reported.
    pub(crate) fn new(surroundings: Surroundings) -> io::Result<Self> {
        let held = Arc::new(AtomicU8::new(0));
        let previous_hook: PanicHook = Arc::from(std::panic::take_hook());
        let (hooked, hook) = (Arc::clone(&held), Arc::clone(&previous_hook));
        std::panic::set_hook(Box::new(move |info| {
            let was = hooked.fetch_and(!TAKEN, Ordering::SeqCst);
            if was & TAKEN != 0 {
                hooked.fetch_or(LOST, Ordering::SeqCst);
                give_back(was);
            }
            hook(info);
        }));
        let guard = Self { held, has_kitty_keys: surroundings.has_kitty_keys, previous_hook };
        guard.take()?;
        Ok(guard)
    }

    /// Takes the terminal over again, as it was held before.
    pub(crate) fn take(&self) -> io::Result<()> {
        // A shell may have changed the modes of a terminal that the deck believes to hold.
        if self.held.fetch_and(!LOST, Ordering::SeqCst) & TAKEN != 0 {
            disable_raw_mode()?;
        }
        enable_raw_mode()?;
        let mut bytes = ENTER.to_vec();
        let mut held = TAKEN;
        if self.has_kitty_keys {
            bytes.extend_from_slice(KITTY_ON);
            held |= KITTY;
        }
        if self.held.fetch_or(held, Ordering::SeqCst) & MOUSE != 0 {
            bytes.extend_from_slice(MOUSE_ON);
        }
        send(&bytes)
    }

    /// Gives the terminal back, where it is taken.
    pub(crate) fn release(&self) {
        let was = self.held.fetch_and(!TAKEN, Ordering::SeqCst);
        if was & TAKEN != 0 {
            give_back(was);
        }
    }

    /// Takes the mouse, or leaves it to the terminal.
    pub(crate) fn set_mouse(&self, is_on: bool) -> io::Result<()> {
        let was = match is_on {
            true => self.held.fetch_or(MOUSE, Ordering::SeqCst),
            false => self.held.fetch_and(!MOUSE, Ordering::SeqCst),
        };
        match (was & TAKEN != 0, is_on) {
            (false, _) => Ok(()),
            (true, true) => send(MOUSE_ON),
            (true, false) => send(MOUSE_OFF),
        }
    }

    /// Says whether a panic beside the deck's own task gave the terminal back.
    pub(crate) fn is_lost(&self) -> bool {
        self.held.load(Ordering::SeqCst) & LOST != 0
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.release();
        // While a panic unwinds the hook may not be changed; it does no harm then.
        if !std::thread::panicking() {
            let hook = Arc::clone(&self.previous_hook);
            std::panic::set_hook(Box::new(move |info| hook(info)));
        }
    }
}

fn send(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// Undoes everything, in the reverse order. What fails here fails because the terminal is gone.
fn give_back(held: u8) {
    let mut bytes = END_FRAME.to_vec();
    if held & KITTY != 0 {
        bytes.extend_from_slice(KITTY_OFF);
    }
    if held & MOUSE != 0 {
        bytes.extend_from_slice(MOUSE_OFF);
    }
    bytes.extend_from_slice(LEAVE);
    let _ = send(&bytes);
    let _ = disable_raw_mode();
}

/// Returns the way to the terminal, a frame at a time.
pub(crate) fn writer() -> BufWriter<Stdout> {
    BufWriter::with_capacity(FRAME_BYTES, io::stdout())
}

/// Returns the terminal's size, and a usual one where it does not tell.
pub(crate) fn size() -> (u16, u16) {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => (width, height),
        _ => (80, 24),
    }
}
