//! `dags.toml` as written: its values in the order of the file, each with its place.
//!
//! Nothing is judged here but the syntax. Places are byte offsets into the text of one source.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde_json::Value;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Source {
    pub path: PathBuf,
    /// As diagnostics name it: relative to the project.
    pub shown: String,
    pub text: String,
}

/// A stretch of a source, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which source, by its number.
    pub file: usize,
    pub start: usize,
    pub end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Written,
    pub span: Span,
}

/// A value as written.
#[derive(Debug, Clone)]
pub enum Written {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Datetime(Datetime),
    List(Vec<Node>),
    Table(Table),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where the key stands.
    pub key: Span,
    pub node: Node,
}

/// A table, in the order written.
#[derive(Debug, Clone, Default)]
pub struct Table(pub IndexMap<String, Entry>);

/// Text that is not TOML, or a number that is out of range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub span: Span,
    pub message: String,
}

/// Parses the text of source number `file`.
pub fn parse(file: usize, text: &str) -> Result<Table, Vec<SyntaxError>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut found: Vec<SyntaxError> = errors
        .iter()
        .map(|error| SyntaxError {
            span: error.span().map_or(Span { file, start: text.len(), end: text.len() }, |range| {
                Span { file, start: range.start, end: range.end }
            }),
            message: error.message().to_owned(),
        })
        .collect();
    if !found.is_empty() {
        return Err(found);
    }
    let table = table(file, root.get_ref(), &mut found);
    if found.is_empty() { Ok(table) } else { Err(found) }
}

fn place(file: usize, range: std::ops::Range<usize>) -> Span {
    Span { file, start: range.start, end: range.end }
}

fn table(file: usize, written: &DeTable<'_>, found: &mut Vec<SyntaxError>) -> Table {
    let mut entries: Vec<(String, Entry)> = written
        .iter()
        .map(|(key, value)| {
            let entry = Entry { key: place(file, key.span()), node: node(file, value, found) };
            (key.get_ref().to_string(), entry)
        })
        .collect();
    // The parser's map may be in alphabetical order; the file's order is what people mean.
    entries.sort_by_key(|(_, entry)| entry.key.start);
    Table(entries.into_iter().collect())
}

fn node(file: usize, written: &Spanned<DeValue<'_>>, found: &mut Vec<SyntaxError>) -> Node {
    let span = place(file, written.span());
    let value = match written.get_ref() {
        DeValue::String(text) => Written::Text(text.to_string()),
        DeValue::Integer(number) => Written::Integer(
            i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
                let message = format!("`{number}` does not fit into 64 bits");
                found.push(SyntaxError { span, message });
                0
            }),
        ),
        DeValue::Float(number) => Written::Float(number.as_str().parse().unwrap_or_else(|_| {
            let message = format!("`{number}` is not a number");
            found.push(SyntaxError { span, message });
            0.0
        })),
        DeValue::Boolean(flag) => Written::Bool(*flag),
        DeValue::Datetime(at) => Written::Datetime(*at),
        DeValue::Array(items) => {
            Written::List(items.iter().map(|item| node(file, item, found)).collect())
        }
        DeValue::Table(entries) => Written::Table(table(file, entries, found)),
    };
    Node { value, span }
}

impl Node {
    /// Names the kind of value, for people.
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Written::Text(_) => "text",
            Written::Integer(_) => "an integer",
            Written::Float(_) => "a number",
            Written::Bool(_) => "true or false",
            Written::Datetime(_) => "a date",
            Written::List(_) => "a list",
            Written::Table(_) => "a table",
        }
    }

    /// Returns the text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Written::Text(text) = &self.value { Some(text) } else { None }
    }

    /// Returns the table, where it is one.
    pub const fn as_table(&self) -> Option<&Table> {
        if let Written::Table(table) = &self.value { Some(table) } else { None }
    }

    /// Returns the value as JSON; dates become text.
    pub fn to_json(&self) -> Value {
        match &self.value {
            Written::Text(text) => Value::from(text.as_str()),
            Written::Integer(number) => Value::from(*number),
            Written::Float(number) => Value::from(*number),
            Written::Bool(flag) => Value::from(*flag),
            Written::Datetime(at) => Value::from(at.to_string()),
            Written::List(items) => items.iter().map(Self::to_json).collect(),
            Written::Table(table) => table.to_json(),
        }
    }

    /// Calls `visit` with every text in it, at any depth.
    pub fn each_text<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Span)) {
        match &self.value {
            Written::Text(text) => visit(text, self.span),
            Written::List(items) => items.iter().for_each(|item| item.each_text(visit)),
            Written::Table(table) => {
                table.0.values().for_each(|entry| entry.node.each_text(visit));
            }
            Written::Integer(_) | Written::Float(_) | Written::Bool(_) | Written::Datetime(_) => {}
        }
    }
}

impl Table {
    /// Returns the table as a JSON object, in the order written.
    pub fn to_json(&self) -> Value {
        Value::Object(
            self.0.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_the_file_and_know_their_places() {
        let text = "[b]\nz = 1\na = 2.5\n[a.y]\nx = [true]\n[a.b]\n";
        let table = parse(0, text).unwrap();
        assert_eq!(table.0.keys().collect::<Vec<_>>(), ["b", "a"]);
        let b = table.0["b"].node.as_table().unwrap();
        assert_eq!(b.0.keys().collect::<Vec<_>>(), ["z", "a"]);
        let key = b.0["z"].key;
        assert_eq!(&text[key.start..key.end], "z");
        let a = table.0["a"].node.as_table().unwrap();
        assert_eq!(a.0.keys().collect::<Vec<_>>(), ["y", "b"]);
        assert_eq!(a.to_json(), serde_json::json!({"y": {"x": [true]}, "b": {}}));
    }

    #[test]
    fn every_syntax_error_is_found() {
        let errors = parse(0, "a = \nb = 1\nb = 2\n").unwrap_err();
        assert!(errors.len() >= 2, "{errors:?}");
    }

    #[test]
    fn a_number_beyond_64_bits_is_an_error() {
        let errors = parse(3, "a = 99999999999999999999").unwrap_err();
        assert_eq!(errors[0].span, Span { file: 3, start: 4, end: 24 });
    }
}
