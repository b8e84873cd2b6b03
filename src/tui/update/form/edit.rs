//! What a key does to one field; the same in the trigger form and in the forms that ask.

use crossterm::event::{KeyCode, KeyEvent};

use crate::state::form::{Field, Kind};
use crate::types::Timestamp;
use crate::update::key;

/// What came of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edited {
    /// The value may be another now.
    Value,
    /// Only where the cursor of a set stands.
    Look,
    /// The focus is to go on, or back.
    Leave {
        backward: bool,
    },
    Nothing,
}

/// Hands a key to a field.
pub(crate) fn edit(field: &mut Field, event: &KeyEvent, now: Timestamp) -> Edited {
    let edited = match field.kind {
        Kind::Choice(_) | Kind::Bool | Kind::Tabs(_) => choose(field, event.code),
        Kind::Set(_) => pick(field, event.code),
        Kind::Integer | Kind::Number => match event.code {
            KeyCode::Left => step(field, true),
            KeyCode::Right => step(field, false),
            _ => write(field, event),
        },
        Kind::Date | Kind::DateTime => match event.code {
            KeyCode::Up => go(field, (1, 0), now),
            KeyCode::Down => go(field, (-1, 0), now),
            KeyCode::PageUp => go(field, (0, 1), now),
            KeyCode::PageDown => go(field, (0, -1), now),
            _ => write(field, event),
        },
        Kind::Text | Kind::Secret | Kind::Json => write(field, event),
    };
    if edited == Edited::Value {
        field.is_touched = true;
        field.count_from(now);
    }
    edited
}

fn step(field: &mut Field, backward: bool) -> Edited {
    field.step(backward);
    Edited::Value
}

fn go(field: &mut Field, by: (i64, i64), now: Timestamp) -> Edited {
    field.move_date(by, now);
    Edited::Value
}

fn choose(field: &mut Field, code: KeyCode) -> Edited {
    match code {
        KeyCode::Right | KeyCode::Char(' ' | 'l') => step(field, false),
        KeyCode::Left | KeyCode::Char('h') => step(field, true),
        KeyCode::Char('j') => Edited::Leave { backward: false },
        KeyCode::Char('k') => Edited::Leave { backward: true },
        _ => Edited::Nothing,
    }
}

fn pick(field: &mut Field, code: KeyCode) -> Edited {
    match code {
        KeyCode::Char(' ' | 'x') => {
            field.toggle();
            Edited::Value
        }
        KeyCode::Right | KeyCode::Char('l') => {
            field.step(false);
            Edited::Look
        }
        KeyCode::Left | KeyCode::Char('h') => {
            field.step(true);
            Edited::Look
        }
        KeyCode::Char('j') => Edited::Leave { backward: false },
        KeyCode::Char('k') => Edited::Leave { backward: true },
        _ => Edited::Nothing,
    }
}

fn write(field: &mut Field, event: &KeyEvent) -> Edited {
    let before = field.input.value().to_owned();
    key::type_into(&mut field.input, event);
    if before == field.input.value() { Edited::Look } else { Edited::Value }
}
