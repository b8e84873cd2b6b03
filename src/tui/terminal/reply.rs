//! The terminal's answer to what the deck asked of it. It comes among the keys, and none of it
//! may be taken for one.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A later answer is not used: what it would change has been looked at already.
const PATIENCE: Duration = Duration::from_millis(100);

const BEGINNING: &str = "11;rgb";

/// What a key turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// These keys were typed.
    Keys(Vec<KeyEvent>),
    Ground {
        is_light: bool,
    },
    /// A part of an answer.
    Nothing,
}

/// Takes the answer out of what is typed.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    asked_at: Option<Instant>,
    /// What has come since something began that looks like the answer.
    held: Vec<KeyEvent>,
}

impl Reply {
    /// From now on an answer may come.
    pub(crate) fn asked(&mut self, now: Instant) {
        self.asked_at = Some(now);
    }

    /// Takes a key event.
    pub(crate) fn take(&mut self, event: KeyEvent, now: Instant) -> Heard {
        let Some(asked_at) = self.asked_at else { return Heard::Keys(vec![event]) };
        let is_alt = event.modifiers.contains(KeyModifiers::ALT);
        if self.held.is_empty() {
            if is_alt && event.code == KeyCode::Char(']') {
                self.held.push(event);
                return Heard::Nothing;
            }
            return Heard::Keys(vec![event]);
        }
        let is_end = match event.code {
            KeyCode::Char('g') => event.modifiers.contains(KeyModifiers::CONTROL),
            KeyCode::Char('\\') => is_alt,
            _ => false,
        };
        if is_end {
            let ground = light(&self.text());
            self.held.clear();
            self.asked_at = None;
            return match ground {
                Some(is_light) if now - asked_at <= PATIENCE => Heard::Ground { is_light },
                _ => Heard::Nothing,
            };
        }
        self.held.push(event);
        let text = self.text();
        if BEGINNING.starts_with(&text) || is_answer(&text) {
            return Heard::Nothing;
        }
        let begun = text.starts_with(BEGINNING);
        let held = std::mem::take(&mut self.held);
        // Of an answer that broke off only what broke it was typed.
        Heard::Keys(if begun { vec![event] } else { held })
    }

    fn text(&self) -> String {
        let chars = self.held.iter().skip(1).map(|event| match event.code {
            KeyCode::Char(c) => c,
            _ => '\u{fffd}',
        });
        chars.collect()
    }
}

fn is_answer(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(BEGINNING) else { return false };
    rest.len() < 24 && rest.chars().all(|c| c.is_ascii_hexdigit() || ":a/".contains(c))
}

/// Reads `11;rgb:RRRR/GGGG/BBBB`: says whether that ground is light.
fn light(text: &str) -> Option<bool> {
    let (_, channels) = text.strip_prefix(BEGINNING)?.split_once(':')?;
    let mut shares = channels.split('/').map(|hex| {
        let most = 16_u32.checked_pow(u32::try_from(hex.len()).ok()?)?.checked_sub(1)?;
        let value = u32::from_str_radix(hex, 16).ok()?;
        (most > 0).then(|| f64::from(value) / f64::from(most))
    });
    let (red, green, blue) = (shares.next()??, shares.next()??, shares.next()??);
    Some(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::time;

    /// What crossterm makes of these bytes.
    fn events(text: &str) -> Vec<KeyEvent> {
        let mut events = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            events.push(match c {
                '\u{1b}' => KeyEvent::new(KeyCode::Char(chars.next().unwrap()), KeyModifiers::ALT),
                '\u{7}' => KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL),
                c if c.is_ascii_uppercase() => KeyEvent::new(KeyCode::Char(c), KeyModifiers::SHIFT),
                c => KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE),
            });
        }
        events
    }

    /// What was typed, and what was heard of the ground, `after` the question.
    fn heard(text: &str, after: u64) -> (String, Option<bool>) {
        let mut reply = Reply::default();
        let now = time::instant();
        reply.asked(now);
        let (mut typed, mut ground) = (String::new(), None);
        for event in events(text) {
            match reply.take(event, now + Duration::from_millis(after)) {
                Heard::Keys(keys) => typed.extend(keys.iter().filter_map(|key| match key.code {
                    KeyCode::Char(c) => Some(c),
                    _ => None,
                })),
                Heard::Ground { is_light } => ground = Some(is_light),
                Heard::Nothing => {}
            }
        }
        (typed, ground)
    }

    #[test]
    fn the_answer_is_heard_and_no_key_of_it_is_typed() {
        let light = "j\u{1b}]11;rgb:FFFF/ffff/ffff\u{1b}\\k";
        assert_eq!(heard(light, 20), ("jk".to_owned(), Some(true)));
        let dark = "\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{7}";
        assert_eq!(heard(dark, 20), (String::new(), Some(false)));
        assert_eq!(heard("\u{1b}]11;rgba:ff/ff/ff/ff\u{7}", 20).1, Some(true));
    }

    #[test]
    fn a_late_answer_is_dropped_but_not_typed() {
        assert_eq!(heard("\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\j", 400), ("j".to_owned(), None));
    }

    #[test]
    fn what_only_begins_like_an_answer_is_typed() {
        assert_eq!(heard("\u{1b}]jj", 20), ("]jj".to_owned(), None));
        assert_eq!(heard("\u{1b}]1:", 20), ("]1:".to_owned(), None));
        // An answer that breaks off takes nothing along.
        assert_eq!(heard("\u{1b}]11;rgb:ffjk", 20), ("jk".to_owned(), None));
    }
}
