//! The terminal while the deck has it: taken over on entry, given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write};
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};

/// A frame fits, so that it leaves in one write.
const FRAME_BYTES: usize = 64 * 1024;

const RELEASED: u8 = 0;
const TAKEN: u8 = 1;
/// Given back by the panic hook.
const LOST: u8 = 2;

type PanicHook = Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Holds the terminal; dropping it gives the terminal back.
pub(crate) struct Guard {
    held: Arc<AtomicU8>,
    previous_hook: PanicHook,
}

impl Guard {
    /// Takes the terminal over: raw, alternate screen, pasted text marked as such. From here on a
    /// panic gives it back before it is reported.
    pub(crate) fn new() -> io::Result<Self> {
        let held = Arc::new(AtomicU8::new(RELEASED));
        let previous_hook: PanicHook = Arc::from(std::panic::take_hook());
        let (hooked, hook) = (Arc::clone(&held), Arc::clone(&previous_hook));
        std::panic::set_hook(Box::new(move |info| {
            let was = hooked.compare_exchange(TAKEN, LOST, Ordering::SeqCst, Ordering::SeqCst);
            if was.is_ok() {
                give_back();
            }
            hook(info);
        }));
        let guard = Self { held, previous_hook };
        guard.take()?;
        Ok(guard)
    }

    /// Takes the terminal over again, after [`Guard::release`].
    pub(crate) fn take(&self) -> io::Result<()> {
        enable_raw_mode()?;
        self.held.store(TAKEN, Ordering::SeqCst);
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
    }

    /// Gives the terminal back, where it is taken.
    pub(crate) fn release(&self) {
        if self.held.swap(RELEASED, Ordering::SeqCst) == TAKEN {
            give_back();
        }
    }

    /// Says whether a panic beside the deck's own task gave the terminal back.
    pub(crate) fn is_lost(&self) -> bool {
        self.held.load(Ordering::SeqCst) == LOST
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

/// Undoes everything, in the reverse order. What fails here fails because the terminal is gone.
fn give_back() {
    let mut out = io::stdout();
    // A frame may have been cut short: without this the terminal would draw nothing more.
    let _ = out.write_all(b"\x1b[?2026l\x1b[0m");
    let _ = queue!(out, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.flush();
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

/// Makes the sequence that puts text into the clipboard of the operator's own terminal, also
/// through SSH (OSC 52). Text beyond what terminals take is not sent.
pub(crate) fn clipboard(text: &str) -> Option<Vec<u8>> {
    const BYTES_MAX: usize = 74_994;
    if text.len() > BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    let copy = crossterm::clipboard::CopyToClipboard::to_clipboard_from(text);
    queue!(bytes, copy).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_text_goes_as_osc_52_and_not_beyond_what_terminals_take() {
        let sent = clipboard("dagdeck status").unwrap();
        assert!(sent.starts_with(b"\x1b]52;c;"));
        assert!(clipboard(&"x".repeat(80_000)).is_none());
    }
}
