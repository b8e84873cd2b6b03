//! How a key is written: `j`, `G`, `enter`, `ctrl-d`, `alt-1`; a chord is two of them, `g g`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Writes a key as the table does; `None` where it has no name.
pub(crate) fn name(event: &KeyEvent) -> Option<String> {
    let base = match event.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab => "tab".to_owned(),
        KeyCode::BackTab => "shift-tab".to_owned(),
        KeyCode::Backspace => "backspace".to_owned(),
        KeyCode::Delete => "delete".to_owned(),
        KeyCode::Insert => "insert".to_owned(),
        KeyCode::Up => "up".to_owned(),
        KeyCode::Down => "down".to_owned(),
        KeyCode::Left => "left".to_owned(),
        KeyCode::Right => "right".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        KeyCode::PageUp => "pageup".to_owned(),
        KeyCode::PageDown => "pagedown".to_owned(),
        KeyCode::F(n) => format!("f{n}"),
        _ => return None,
    };
    if event.modifiers.contains(KeyModifiers::SUPER) {
        return None;
    }
    let alt = if event.modifiers.contains(KeyModifiers::ALT) { "alt-" } else { "" };
    let control = if event.modifiers.contains(KeyModifiers::CONTROL) { "ctrl-" } else { "" };
    Some(format!("{control}{alt}{base}"))
}

/// Names of keys that are not one character.
const NAMED: &[&str] = &[
    "space",
    "enter",
    "esc",
    "tab",
    "shift-tab",
    "backspace",
    "delete",
    "insert",
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "pageup",
    "pagedown",
];

/// Reads a key or a chord as people write it and returns it as the table has it; says what is
/// wrong where it is none.
pub(crate) fn read(written: &str) -> Result<String, String> {
    let strokes: Vec<&str> = written.split_whitespace().collect();
    match strokes.as_slice() {
        [] => Err("a key is missing".to_owned()),
        [_, _, _, ..] => Err(format!("`{written}` has more than two keys")),
        strokes => {
            let read: Result<Vec<String>, String> = strokes.iter().map(|one| stroke(one)).collect();
            Ok(read?.join(" "))
        }
    }
}

fn stroke(written: &str) -> Result<String, String> {
    let (mut control, mut alt) = (false, false);
    let mut base = written;
    loop {
        let lower = base.to_ascii_lowercase();
        let rest = |prefixes: [&str; 3]| {
            prefixes.iter().find(|prefix| lower.starts_with(**prefix)).map(|prefix| prefix.len())
        };
        if base.chars().count() < 3 {
            break;
        }
        if let Some(cut) = rest(["ctrl-", "control-", "c-"]) {
            (control, base) = (true, &base[cut..]);
        } else if let Some(cut) = rest(["alt-", "meta-", "m-"]) {
            (alt, base) = (true, &base[cut..]);
        } else {
            break;
        }
    }
    let lower = base.to_ascii_lowercase();
    let is_function =
        lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| n <= 24);
    let base = match lower.as_str() {
        _ if base.chars().count() == 1 && control => lower,
        _ if base.chars().count() == 1 => base.to_owned(),
        "return" => "enter".to_owned(),
        "escape" => "esc".to_owned(),
        "backtab" | "s-tab" => "shift-tab".to_owned(),
        "page-up" | "pgup" => "pageup".to_owned(),
        "page-down" | "pgdn" => "pagedown".to_owned(),
        name if NAMED.contains(&name) || is_function => lower,
        _ => return Err(format!("there is no key `{written}`")),
    };
    let alt = if alt { "alt-" } else { "" };
    let control = if control { "ctrl-" } else { "" };
    Ok(format!("{control}{alt}{base}"))
}

/// Says whether one is what the other begins with, so that both cannot be keys in one place.
pub(crate) fn collide(one: &str, other: &str) -> bool {
    one == other || begins(one, other) || begins(other, one)
}

/// Says whether `chord` goes on after `typed`.
pub(crate) fn begins(chord: &str, typed: &str) -> bool {
    chord.strip_prefix(typed).is_some_and(|rest| rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_named_and_as_people_write_them() {
        for (written, is) in [
            ("k", "k"),
            ("G", "G"),
            ("g  k", "g k"),
            ("Ctrl-D", "ctrl-d"),
            ("C-x", "ctrl-x"),
            ("alt-1", "alt-1"),
            ("Return", "enter"),
            ("PgUp", "pageup"),
            ("-", "-"),
            ("f12", "f12"),
            ("ctrl-space", "ctrl-space"),
        ] {
            assert_eq!(read(written).unwrap(), is);
        }
        assert_eq!(read("").unwrap_err(), "a key is missing");
        assert_eq!(read("hyper-k").unwrap_err(), "there is no key `hyper-k`");
        assert_eq!(read("g g g").unwrap_err(), "`g g g` has more than two keys");
    }

    #[test]
    fn a_chord_collides_with_the_key_it_begins_with() {
        assert!(collide("g", "g g"));
        assert!(collide("g g", "g"));
        assert!(!collide("g g", "g r"));
        assert!(!collide("ctrl-g", "g"));
    }
}
