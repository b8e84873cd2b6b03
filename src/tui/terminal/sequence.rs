//! What is sent to the terminal besides the screen: the clipboard, a notification.

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;

use crate::terminal::Surroundings;
use crate::text;

/// What terminals take into the clipboard at most.
pub(crate) const COPY_MAX: usize = 74_994;

/// Longer ones are cut by those who show them.
const NOTICE_MAX: usize = 120;

/// Makes the sequence that puts text into the clipboard of the operator's own terminal, also
/// through SSH (OSC 52). Text beyond what terminals take is not sent.
pub(crate) fn clipboard(text: &str, surroundings: Surroundings) -> Option<Vec<u8>> {
    if text.len() > COPY_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    queue!(bytes, CopyToClipboard::to_clipboard_from(text)).ok()?;
    if surroundings.is_tmux {
        // tmux takes the first itself where it may set the clipboard, and hands the other on
        // where it may not but lets things through.
        let wrapped = through_tmux(&bytes);
        bytes.extend(wrapped);
    }
    Some(bytes)
}

/// Makes the bell and a notification of the operator's desktop (OSC 9).
pub(crate) fn notification(notice: &str, surroundings: Surroundings) -> Vec<u8> {
    // ConEmu and Windows Terminal read `9;DIGIT` as an order.
    let notice = format!("dagdeck: {}", text::cut(&text::clean(notice), NOTICE_MAX));
    let mut bytes = b"\x07".to_vec();
    let osc = format!("\x1b]9;{notice}\x1b\\").into_bytes();
    bytes.extend(if surroundings.is_tmux { through_tmux(&osc) } else { osc });
    bytes
}

/// Asks for the terminal's ground (OSC 11).
pub(crate) const ASK_GROUND: &[u8] = b"\x1b]11;?\x1b\\";

/// Wraps a sequence so that tmux hands it on to the terminal outside.
fn through_tmux(sequence: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x1bPtmux;".to_vec();
    for byte in sequence {
        if *byte == 0x1b {
            bytes.push(0x1b);
        }
        bytes.push(*byte);
    }
    bytes.extend_from_slice(b"\x1b\\");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_tmux() -> Surroundings {
        Surroundings { is_tmux: true, ..Surroundings::default() }
    }

    #[test]
    fn copied_text_goes_as_osc_52_and_not_beyond_what_terminals_take() {
        let plain = Surroundings::default();
        let sent = clipboard("dagdeck status", plain).unwrap();
        assert_eq!(sent, b"\x1b]52;c;ZGFnZGVjayBzdGF0dXM=\x1b\\");
        assert!(clipboard(&"x".repeat(COPY_MAX), plain).is_some());
        assert!(clipboard(&"x".repeat(COPY_MAX + 1), plain).is_none());
    }

    #[test]
    fn tmux_gets_it_for_itself_and_for_the_terminal_outside() {
        let sent = String::from_utf8(clipboard("a", in_tmux()).unwrap()).unwrap();
        assert_eq!(sent, "\x1b]52;c;YQ==\x1b\\\x1bPtmux;\x1b\x1b]52;c;YQ==\x1b\x1b\\\x1b\\");
    }

    #[test]
    fn a_notification_rings_and_carries_nothing_that_the_terminal_would_obey() {
        let sent = notification("etl \x1b]52;c;eA==\x07failed", Surroundings::default());
        assert_eq!(sent, b"\x07\x1b]9;dagdeck: etl failed\x1b\\");
        let sent = notification("etl failed", in_tmux());
        assert_eq!(sent, b"\x07\x1bPtmux;\x1b\x1b]9;dagdeck: etl failed\x1b\x1b\\\x1b\\");
    }
}
