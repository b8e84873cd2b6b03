//! Rows as COPY's text has them: fields apart by tabs, `\N` for null, a backslash before what would
//! be read as something else.

use std::borrow::Cow;
use std::io::Write;

use rusqlite::types::ValueRef;

use crate::runtime::operator::column_type::ColumnType;

/// Adds a field. A truth value is 0 or 1 in the run's tables.
pub(crate) fn write_field(into: &mut Vec<u8>, value: ValueRef<'_>, taken: ColumnType) {
    match value {
        ValueRef::Null => into.extend_from_slice(b"\\N"),
        ValueRef::Integer(flag @ (0 | 1)) if taken == ColumnType::Bool => {
            into.push(if flag == 1 { b't' } else { b'f' });
        }
        // To write into memory does not fail.
        ValueRef::Integer(number) => drop(write!(into, "{number}")),
        ValueRef::Real(number) => drop(write!(into, "{number}")),
        ValueRef::Text(text) => write_text(into, text),
        ValueRef::Blob(bytes) => {
            into.extend_from_slice(b"\\\\x");
            for byte in bytes {
                drop(write!(into, "{byte:02x}"));
            }
        }
    }
}

fn write_text(into: &mut Vec<u8>, mut text: &[u8]) {
    let is_special = |byte: &u8| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r');
    while let Some(at) = text.iter().position(is_special) {
        into.extend_from_slice(&text[..at]);
        into.extend_from_slice(match text[at] {
            b'\t' => b"\\t",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            _ => b"\\\\",
        });
        text = &text[at + 1..];
    }
    into.extend_from_slice(text);
}

/// Reads a line (without its end) field by field; `None` is null.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = Option<Cow<'_, [u8]>>> {
    line.split(|byte| *byte == b'\t').map(|field| (field != b"\\N").then(|| unescaped(field)))
}

fn unescaped(field: &[u8]) -> Cow<'_, [u8]> {
    if !field.contains(&b'\\') {
        return Cow::Borrowed(field);
    }
    let mut text = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        text.extend_from_slice(&rest[..at]);
        match rest.get(at + 1) {
            Some(b'b') => text.push(8),
            Some(b'f') => text.push(12),
            Some(b'n') => text.push(b'\n'),
            Some(b'r') => text.push(b'\r'),
            Some(b't') => text.push(b'\t'),
            Some(b'v') => text.push(11),
            Some(other) => text.push(*other),
            None => text.push(b'\\'),
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: ValueRef<'_>, taken: ColumnType) -> String {
        let mut into = Vec::new();
        write_field(&mut into, value, taken);
        String::from_utf8(into).unwrap()
    }

    #[test]
    fn fields_are_written_so_that_they_are_read_as_they_were() {
        let odd = "a\tb\\c\nd\re \\N ü";
        let line = written(ValueRef::Text(odd.as_bytes()), ColumnType::Text);
        assert_eq!(line, "a\\tb\\\\c\\nd\\re \\\\N ü");
        let read = |line: &[u8]| -> Vec<Option<Vec<u8>>> {
            fields(line).map(|field| field.map(Cow::into_owned)).collect()
        };
        assert_eq!(read(line.as_bytes()), [Some(odd.as_bytes().to_vec())]);
        assert_eq!(read(b"\\N\t\tx"), [None, Some(Vec::new()), Some(b"x".to_vec())]);
    }

    #[test]
    fn values_are_written_as_the_column_takes_them() {
        assert_eq!(written(ValueRef::Null, ColumnType::Int), "\\N");
        assert_eq!(written(ValueRef::Integer(1), ColumnType::Bool), "t");
        assert_eq!(written(ValueRef::Integer(1), ColumnType::Int), "1");
        assert_eq!(written(ValueRef::Integer(7), ColumnType::Bool), "7");
        assert_eq!(written(ValueRef::Real(0.1), ColumnType::Float), "0.1");
        assert_eq!(written(ValueRef::Blob(&[0, 255]), ColumnType::Bytes), "\\\\x00ff");
    }
}
