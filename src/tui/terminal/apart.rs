//! Keys whose bytes came apart. An arrow key is an escape and two letters: over a slow line the
//! escape may come alone, and its letters would then do what they do as keys. There a lone esc
//! waits a moment for what belongs to it; on this machine nothing waits.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Longer than the bytes of one key are apart, shorter than anybody presses two keys.
const WAIT: Duration = Duration::from_millis(40);

/// A key's letters are not more than these.
const LONGEST: usize = 24;

/// Puts keys together again.
#[derive(Debug)]
pub(crate) struct Apart {
    waits: bool,
    /// An esc, and the letters that came behind it.
    held: Vec<KeyEvent>,
    /// When the last of them came.
    at: Option<Instant>,
}

impl Apart {
    /// Waits for what comes apart, or leaves everything as it comes.
    pub(crate) const fn new(waits: bool) -> Self {
        Self { waits, held: Vec::new(), at: None }
    }

    /// Takes a key; returns those that are whole now.
    pub(crate) fn take(&mut self, key: KeyEvent, now: Instant) -> Vec<KeyEvent> {
        let is_over = self.pause(now).is_some_and(|pause| pause.is_zero());
        let mut whole = if is_over { self.give() } else { Vec::new() };
        if !self.waits {
            return vec![key];
        }
        if self.held.is_empty() && !is(&key, KeyCode::Esc) {
            whole.push(key);
            return whole;
        }
        self.held.push(key);
        match read(&self.held) {
            Read::Begun => self.at = Some(now),
            Read::Whole(keys) => {
                self.held.clear();
                self.at = None;
                whole.extend(keys);
            }
            Read::Again => {
                // Esc twice: the first stands for itself.
                whole.push(self.held.remove(0));
                self.at = Some(now);
            }
        }
        whole
    }

    /// Returns how long what is held waits for more; `None` where nothing is held.
    pub(crate) fn pause(&self, now: Instant) -> Option<Duration> {
        Some(WAIT.saturating_sub(now.saturating_duration_since(self.at?)))
    }

    /// Gives what is held: nothing more belongs to it.
    pub(crate) fn give(&mut self) -> Vec<KeyEvent> {
        self.at = None;
        std::mem::take(&mut self.held)
    }
}

/// What an esc and what came behind it make.
enum Read {
    Begun,
    Whole(Vec<KeyEvent>),
    Again,
}

fn read(held: &[KeyEvent]) -> Read {
    let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
    match held {
        [_] => Read::Begun,
        [_, second] if is(second, KeyCode::Esc) => Read::Again,
        [_, KeyEvent { code: KeyCode::Char('[' | 'O'), modifiers: m, .. }]
            if (*m - KeyModifiers::SHIFT).is_empty() =>
        {
            Read::Begun
        }
        [_, KeyEvent { code: KeyCode::Char(_), .. }] => {
            let mut alt = held[1];
            alt.modifiers |= KeyModifiers::ALT;
            Read::Whole(vec![alt])
        }
        [_, _] => Read::Whole(held.to_vec()),
        [_, first, rest @ ..] => {
            let letters: Option<String> = rest.iter().map(letter).collect();
            match letters {
                // What has no letter ends it; the letters before it are those of no key.
                None => Read::Whole(held.last().copied().into_iter().collect()),
                Some(letters) if is(first, KeyCode::Char('[')) => csi(&letters),
                Some(letters) => Read::Whole(named(&letters).map(key).into_iter().collect()),
            }
        }
        [] => Read::Whole(Vec::new()),
    }
}

fn is(key: &KeyEvent, code: KeyCode) -> bool {
    key.code == code && key.modifiers.is_empty()
}

fn letter(key: &KeyEvent) -> Option<char> {
    match key.code {
        KeyCode::Char(c) if c.is_ascii() => Some(c),
        _ => None,
    }
}

/// Reads what comes behind `esc [`: figures, then a letter. What is no key, such as a report of the
/// mouse, is dropped.
fn csi(letters: &str) -> Read {
    let Some(last) = letters.chars().last() else { return Read::Begun };
    if matches!(last, '0'..='9' | ';' | '<' | '?' | ':') && letters.len() < LONGEST {
        return Read::Begun;
    }
    let figures = &letters[..letters.len() - last.len_utf8()];
    let mut figures = figures.split(';').map(str::parse::<u8>);
    let (first, second) = (figures.next(), figures.next());
    let code = match (last, first) {
        ('~', Some(Ok(1 | 7))) => Some(KeyCode::Home),
        ('~', Some(Ok(2))) => Some(KeyCode::Insert),
        ('~', Some(Ok(3))) => Some(KeyCode::Delete),
        ('~', Some(Ok(4 | 8))) => Some(KeyCode::End),
        ('~', Some(Ok(5))) => Some(KeyCode::PageUp),
        ('~', Some(Ok(6))) => Some(KeyCode::PageDown),
        ('Z', _) => Some(KeyCode::BackTab),
        ('A'..='H', _) => named(&last.to_string()),
        _ => None,
    };
    let modifiers = match second {
        Some(Ok(n @ 2..=8)) => held_down(n - 1),
        _ => KeyModifiers::NONE,
    };
    Read::Whole(code.map(|code| KeyEvent::new(code, modifiers)).into_iter().collect())
}

fn named(letter: &str) -> Option<KeyCode> {
    Some(match letter {
        "A" => KeyCode::Up,
        "B" => KeyCode::Down,
        "C" => KeyCode::Right,
        "D" => KeyCode::Left,
        "F" => KeyCode::End,
        "H" => KeyCode::Home,
        _ => return None,
    })
}

/// Reads the figure of the keys that are held down with another.
fn held_down(bits: u8) -> KeyModifiers {
    let known = [KeyModifiers::SHIFT, KeyModifiers::ALT, KeyModifiers::CONTROL];
    let down = known.into_iter().zip(0..).filter(|(_, bit)| bits >> bit & 1 == 1);
    down.fold(KeyModifiers::NONE, |all, (key, _)| all | key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::time;

    const MS: Duration = Duration::from_millis(1);

    /// Takes letters that come so far apart, `␛` for esc; returns the keys and those that come when
    /// the wait is over.
    fn heard(letters: &str, apart: Duration) -> (Vec<KeyEvent>, Vec<KeyEvent>) {
        let (mut keys, mut now) = (Apart::new(true), time::instant());
        let mut whole = Vec::new();
        for c in letters.chars() {
            now += apart;
            let code = if c == '␛' { KeyCode::Esc } else { KeyCode::Char(c) };
            whole.extend(keys.take(KeyEvent::new(code, KeyModifiers::NONE), now));
        }
        (whole, keys.give())
    }

    fn plain(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    #[test]
    fn a_key_whose_letters_come_apart_is_that_key() {
        for (letters, key) in [
            ("␛[A", plain(KeyCode::Up)),
            ("␛OB", plain(KeyCode::Down)),
            ("␛[6~", plain(KeyCode::PageDown)),
            ("␛[Z", plain(KeyCode::BackTab)),
            ("␛[1;5C", KeyEvent::new(KeyCode::Right, KeyModifiers::CONTROL)),
            ("␛3", KeyEvent::new(KeyCode::Char('3'), KeyModifiers::ALT)),
        ] {
            assert_eq!(heard(letters, 5 * MS), (vec![key], vec![]), "{letters}");
        }
    }

    #[test]
    fn what_people_type_stays_as_it_is() {
        let (whole, left) = heard("j␛[x", 300 * MS);
        let keys = ['j', '[', 'x'].map(|c| plain(KeyCode::Char(c)));
        assert_eq!(whole, [keys[0], plain(KeyCode::Esc), keys[1], keys[2]]);
        assert_eq!(left, []);
        assert_eq!(heard("␛", MS), (vec![], vec![plain(KeyCode::Esc)]));
        assert_eq!(heard("␛␛", MS), (vec![plain(KeyCode::Esc)], vec![plain(KeyCode::Esc)]));
    }

    #[test]
    fn the_letters_of_what_is_no_key_do_nothing() {
        assert_eq!(heard("␛[<35;12;7M", MS), (vec![], vec![]));
        assert_eq!(heard("␛[I", MS), (vec![], vec![]));
        assert_eq!(heard("␛OP", MS), (vec![], vec![]));
    }

    #[test]
    fn here_an_esc_is_there_at_once_and_elsewhere_after_a_moment() {
        let now = time::instant();
        let esc = plain(KeyCode::Esc);
        let mut here = Apart::new(false);
        assert_eq!((here.take(esc, now), here.pause(now)), (vec![esc], None));
        let mut there = Apart::new(true);
        assert_eq!((there.take(esc, now), there.pause(now)), (vec![], Some(WAIT)));
        assert_eq!(there.pause(now + WAIT), Some(Duration::ZERO));
        assert_eq!(there.give(), [esc]);
        assert_eq!(there.pause(now + WAIT), None);
    }
}
