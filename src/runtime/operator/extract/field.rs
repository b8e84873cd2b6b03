//! A cell of a file read as a type, and the type that the cells of a column have in common.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};

use crate::runtime::operator::column_type::ColumnType;

/// What stands in a file.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::runtime::operator) enum Cell<'a> {
    Null,
    Int(i64),
    Float(f64),
    Bool(bool),
    /// With a format that has types of its own, a text is never meant as a number.
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Date(Date),
    /// A day and a time of some clock.
    Civil(DateTime),
    Instant(Timestamp),
}

impl std::fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => write!(f, "{}", bytes.escape_ascii()),
            Self::Date(day) => write!(f, "{day}"),
            Self::Civil(at) => write!(f, "{at}"),
            Self::Instant(at) => write!(f, "{at}"),
        }
    }
}

/// Reads a cell; `None`: it is not of this type.
pub(super) fn read<'a>(column_type: ColumnType, cell: &'a Cell<'_>) -> Option<ToSqlOutput<'a>> {
    let number = |number: i64| Some(ToSqlOutput::Owned(Sql::Integer(number)));
    let text = |text: String| Some(ToSqlOutput::Owned(Sql::Text(text)));
    let real = |number: f64| Some(ToSqlOutput::Owned(Sql::Real(number)));
    match (cell, column_type) {
        (Cell::Null, _) => Some(ToSqlOutput::Owned(Sql::Null)),
        (Cell::Text(text), _) => read_text(column_type, text),
        (Cell::Bool(flag), ColumnType::Bool) => number(i64::from(*flag)),
        (Cell::Int(found), ColumnType::Int) => number(*found),
        (Cell::Int(found @ (0 | 1)), ColumnType::Bool) => number(*found),
        (Cell::Int(found), ColumnType::Float) => real(*found as f64),
        (Cell::Float(found), ColumnType::Float) if found.is_finite() => real(*found),
        // Whole, and so small that a float holds it.
        (Cell::Float(found), ColumnType::Int) if found.fract() == 0.0 && found.abs() < 9.0e15 => {
            number(*found as i64)
        }
        (Cell::Int(_) | Cell::Float(_), ColumnType::Decimal(digits)) => {
            let written = cell.to_string();
            if is_decimal(&written, digits) { text(written) } else { None }
        }
        (Cell::Date(day), ColumnType::Timestamp) => text(day.at(0, 0, 0, 0).to_string()),
        (Cell::Date(_), ColumnType::Date)
        | (Cell::Civil(_), ColumnType::Timestamp)
        | (Cell::Instant(_), ColumnType::TimestampTz) => text(cell.to_string()),
        (Cell::Bytes(bytes), ColumnType::Bytes) => {
            Some(ToSqlOutput::Borrowed(ValueRef::Blob(bytes)))
        }
        (Cell::Bytes(bytes), ColumnType::Text) => {
            let is_text = std::str::from_utf8(bytes).is_ok();
            is_text.then_some(ToSqlOutput::Borrowed(ValueRef::Text(bytes)))
        }
        (Cell::Bytes(_), _) => None,
        (_, ColumnType::Text) => text(cell.to_string()),
        _ => None,
    }
}

/// Reads a field of text. An empty one is null, whatever the type; text is kept as it is.
fn read_text(column_type: ColumnType, field: &str) -> Option<ToSqlOutput<'_>> {
    let trimmed = field.trim();
    if trimmed.is_empty() {
        return Some(ToSqlOutput::Owned(Sql::Null));
    }
    let as_is = |text| ToSqlOutput::Borrowed(ValueRef::Text(str::as_bytes(text)));
    match column_type {
        ColumnType::Text => Some(as_is(field)),
        ColumnType::Bytes => Some(ToSqlOutput::Borrowed(ValueRef::Blob(field.as_bytes()))),
        ColumnType::Decimal(digits) => is_decimal(trimmed, digits).then(|| as_is(trimmed)),
        ColumnType::Date => is_date(trimmed).then(|| as_is(trimmed)),
        _ => read_owned(column_type, trimmed).map(ToSqlOutput::Owned),
    }
}

/// Of the types that are kept otherwise than they are written.
fn read_owned(column_type: ColumnType, trimmed: &str) -> Option<Sql> {
    match column_type {
        ColumnType::Int => trimmed.parse().ok().map(Sql::Integer),
        ColumnType::Float => {
            trimmed.parse().ok().filter(|number: &f64| number.is_finite()).map(Sql::Real)
        }
        ColumnType::Timestamp => civil(trimmed).map(|at| Sql::Text(at.to_string())),
        ColumnType::TimestampTz => {
            let at: jiff::Timestamp = trimmed.parse().ok()?;
            Some(Sql::Text(at.to_string()))
        }
        ColumnType::Bool if is_any(trimmed, &["true", "yes", "1"]) => Some(Sql::Integer(1)),
        ColumnType::Bool if is_any(trimmed, &["false", "no", "0"]) => Some(Sql::Integer(0)),
        _ => None,
    }
}

fn is_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Says whether it is a number in plain digits that a decimal of such a size holds.
fn is_decimal(text: &str, digits: Option<(u8, u8)>) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = is_digits(whole) && is_digits(fraction) && whole.len() + fraction.len() > 0;
    let Some((digits, scale)) = digits else { return is_number };
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    is_number && whole.len() <= usize::from(digits - scale) && fraction.len() <= usize::from(scale)
}

/// Reads a time of some clock: with an offset it is an instant, which is something else.
fn civil(text: &str) -> Option<jiff::civil::DateTime> {
    let at = text.parse().ok()?;
    text.parse::<jiff::Timestamp>().is_err().then_some(at)
}

/// Says whether it is a day of the calendar, written `2026-01-31`.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Narrows down what the cells of a column have in common: all the types that it may still have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inference {
    seen: bool,
    /// Of the types in question, those that take all that was seen.
    open: [bool; CANDIDATES.len()],
}

/// The narrowest first.
const CANDIDATES: [ColumnType; 6] = [
    ColumnType::Int,
    ColumnType::Float,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::TimestampTz,
    ColumnType::Bool,
];

impl Default for Inference {
    fn default() -> Self {
        Self { seen: false, open: [true; CANDIDATES.len()] }
    }
}

impl Inference {
    /// `is_typed`: of a format where a text is a text.
    pub(super) fn see(&mut self, cell: &Cell<'_>, is_typed: bool) {
        if *cell == Cell::Null || matches!(cell, Cell::Text(text) if text.trim().is_empty()) {
            return;
        }
        self.seen = true;
        for (open, candidate) in self.open.iter_mut().zip(CANDIDATES) {
            *open = *open && may_be(cell, candidate, is_typed);
        }
    }

    pub(super) fn column_type(self) -> ColumnType {
        let narrowest = CANDIDATES.into_iter().zip(self.open).find(|(_, open)| *open);
        narrowest.filter(|_| self.seen).map_or(ColumnType::Text, |(column_type, _)| column_type)
    }
}

fn may_be(cell: &Cell<'_>, candidate: ColumnType, is_typed: bool) -> bool {
    match (cell, candidate) {
        (Cell::Text(_), ColumnType::Int | ColumnType::Float | ColumnType::Bool) if is_typed => {
            false
        }
        // A number with a leading zero is a code, such as a postal one.
        (Cell::Text(text), ColumnType::Int | ColumnType::Float) if is_code(text.trim()) => false,
        // Zeros and ones are numbers.
        (Cell::Text(text), ColumnType::Bool) => is_any(text.trim(), &["true", "false"]),
        (Cell::Int(_), ColumnType::Bool) | (Cell::Float(_), ColumnType::Int) => false,
        _ => read(candidate, cell).is_some(),
    }
}

fn is_code(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(column_type: ColumnType, field: &str) -> Option<Sql> {
        let cell = Cell::Text(field.into());
        read(column_type, &cell).map(|found| match found {
            ToSqlOutput::Owned(value) => value,
            ToSqlOutput::Borrowed(ValueRef::Text(text)) => {
                Sql::Text(String::from_utf8_lossy(text).into_owned())
            }
            other => panic!("{other:?}"),
        })
    }

    fn kept(text: &str) -> Option<Sql> {
        Some(Sql::Text(text.to_owned()))
    }

    #[test]
    fn fields_are_read_as_their_type_or_refused() {
        assert_eq!(text(ColumnType::Int, " 42 "), Some(Sql::Integer(42)));
        assert_eq!(text(ColumnType::Int, "4.2"), None);
        assert_eq!(text(ColumnType::Float, "1e3"), Some(Sql::Real(1000.0)));
        assert_eq!(text(ColumnType::Float, "inf"), None);
        assert_eq!(text(ColumnType::Date, "2026-02-30"), None);
        assert_eq!(text(ColumnType::Date, "02/03/2026"), None);
        assert_eq!(text(ColumnType::Bool, "YES"), Some(Sql::Integer(1)));
        assert_eq!(text(ColumnType::Text, " a "), kept(" a "));
        assert_eq!(text(ColumnType::Date, " "), Some(Sql::Null));
        let at = text(ColumnType::Timestamp, "2026-01-31 08:00:00.5");
        assert_eq!(at, kept("2026-01-31T08:00:00.5"));
        assert_eq!(text(ColumnType::Timestamp, "2026-01-31T08:00:00+02:00"), None);
        let at = text(ColumnType::TimestampTz, "2026-01-31T08:00:00+02:00");
        assert_eq!(at, kept("2026-01-31T06:00:00Z"));
        assert_eq!(text(ColumnType::TimestampTz, "2026-01-31T08:00:00"), None);
    }

    #[test]
    fn a_decimal_must_have_room_for_its_digits() {
        assert!(is_decimal("-0012.5000", Some((4, 2))));
        assert!(!is_decimal("123.4", Some((4, 2))));
        assert!(!is_decimal("1.234", Some((4, 2))));
        assert!(is_decimal("12345678901234567890.5", None));
        assert!(!is_decimal("1e3", None) && !is_decimal("", None) && !is_decimal(".", None));
    }

    #[test]
    fn a_column_is_inferred_as_the_narrowest_type_that_takes_all() {
        let infer = |fields: &[&str]| {
            let mut inference = Inference::default();
            fields.iter().for_each(|field| inference.see(&Cell::Text((*field).into()), false));
            inference.column_type()
        };
        assert_eq!(infer(&["1", "", "-2"]), ColumnType::Int);
        assert_eq!(infer(&["1", "2.5"]), ColumnType::Float);
        assert_eq!(infer(&["2026-01-01", ""]), ColumnType::Date);
        assert_eq!(infer(&["2026-01-01", "2026-01-01 08:00:00"]), ColumnType::Timestamp);
        assert_eq!(infer(&["2026-01-01T08:00:00Z", ""]), ColumnType::TimestampTz);
        assert_eq!(infer(&["true", "false"]), ColumnType::Bool);
        assert_eq!(infer(&["1", "x"]), ColumnType::Text);
        assert_eq!(infer(&["01234", "98765"]), ColumnType::Text);
        assert_eq!(infer(&["", ""]), ColumnType::Text);
    }

    #[test]
    fn where_a_format_has_types_a_text_is_no_number() {
        let infer = |cells: &[Cell<'_>]| {
            let mut inference = Inference::default();
            cells.iter().for_each(|cell| inference.see(cell, true));
            inference.column_type()
        };
        assert_eq!(infer(&[Cell::Text("1".into())]), ColumnType::Text);
        assert_eq!(infer(&[Cell::Text("2026-01-01".into()), Cell::Null]), ColumnType::Date);
        assert_eq!(infer(&[Cell::Int(1), Cell::Float(1.0)]), ColumnType::Float);
        assert_eq!(infer(&[Cell::Bool(true)]), ColumnType::Bool);
        assert_eq!(infer(&[Cell::Int(1), Cell::Bool(true)]), ColumnType::Text);
    }
}
