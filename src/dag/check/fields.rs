//! A table read key by key; what nobody asked for is unknown.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::check::report::Reporter;
use crate::file::{Entry, Node, Span, Table, Written};
use crate::suggest;
use crate::types::duration;

/// A table that is being read. The keys it is asked for are those that it may have.
pub(super) struct Fields<'a> {
    report: &'a Reporter,
    /// As messages name it: "task `train`".
    what: String,
    table: &'a Table,
    /// Where its name stands.
    place: Span,
    known: Vec<&'static str>,
    /// Where among them those begin that only a table of this kind has.
    special_from: usize,
}

/// A text and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        report: &'a Reporter,
        what: impl Into<String>,
        table: &'a Table,
        place: Span,
    ) -> Self {
        Self { report, what: what.into(), table, place, known: Vec::new(), special_from: 0 }
    }

    pub(super) fn what(&self) -> &str {
        &self.what
    }

    pub(super) const fn place(&self) -> Span {
        self.place
    }

    /// Says that from here on keys are asked for that not every such table has: they are listed
    /// first.
    pub(super) fn special_keys_follow(&mut self) {
        self.special_from = self.known.len();
    }

    /// Returns a key with its value, whatever that is.
    pub(super) fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.0.get(key)
    }

    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Text<'a>> {
        let node = self.node(key)?;
        match node.as_text() {
            Some(text) => Some(Text { text, span: node.span }),
            None => {
                self.wrong_type(key, node, "text");
                None
            }
        }
    }

    pub(super) fn owned_text(&mut self, key: &'static str) -> Option<String> {
        self.text(key).map(|found| found.text.to_owned())
    }

    /// Returns a text that must be there and not be empty.
    pub(super) fn needed_text(&mut self, key: &'static str, help: &str) -> Option<Text<'a>> {
        let is_missing = !self.table.0.contains_key(key);
        let found = self.text(key);
        if is_missing {
            self.missing(key, help);
        }
        if let Some(found) = found.filter(|found| found.text.trim().is_empty()) {
            self.report.error(
                found.span,
                "bad-value",
                format!("`{key}` of {} is empty", self.what),
                help.to_owned(),
            );
            return None;
        }
        found
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        if let Written::Bool(flag) = node.value {
            return Some(flag);
        }
        self.wrong_type(key, node, "true or false");
        None
    }

    pub(super) fn integer<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let node = self.node(key)?;
        let Written::Integer(written) = node.value else {
            self.wrong_type(key, node, "an integer");
            return None;
        };
        let found = T::try_from(written).ok().filter(|number| range.contains(number));
        if found.is_none() {
            let message = format!("`{key}` of {} is {written}", self.what);
            let help = format!("between {} and {} is allowed", range.start(), range.end());
            self.report.error(node.span, "bad-value", message, help);
        }
        found
    }

    /// Reads a number from 0 to 1.
    pub(super) fn share(&mut self, key: &'static str) -> Option<f64> {
        let node = self.node(key)?;
        #[allow(clippy::cast_precision_loss, reason = "what is in range is 0 or 1")]
        let written = match node.value {
            Written::Float(written) => written,
            Written::Integer(written) => written as f64,
            _ => {
                self.wrong_type(key, node, "a number");
                return None;
            }
        };
        if (0.0..=1.0).contains(&written) {
            return Some(written);
        }
        let message = format!("`{key}` of {} is {written}", self.what);
        self.report.error(node.span, "bad-value", message, "between 0 and 1 is allowed".to_owned());
        None
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let node = self.node(key)?;
        as_duration(self.report, &format!("`{key}` of {}", self.what), node)
    }

    /// Returns the texts of a list, each with its place.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<Text<'a>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Written::List(items) = &node.value else {
            self.wrong_type(key, node, "a list of texts");
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in items {
            match item.as_text() {
                Some(text) => found.push(Text { text, span: item.span }),
                None => self.wrong_type(key, item, "text in the list"),
            }
        }
        found
    }

    pub(super) fn table(&mut self, key: &'static str) -> Option<(&'a Table, Span)> {
        let entry = self.entry(key)?;
        match entry.node.as_table() {
            Some(table) => Some((table, entry.key)),
            None => {
                self.wrong_type(key, &entry.node, "a table");
                None
            }
        }
    }

    pub(super) fn missing(&self, key: &str, help: &str) {
        let message = format!("{} lacks `{key}`", self.what);
        self.report.error(self.place, "missing-key", message, help.to_owned());
    }

    pub(super) fn wrong_type(&self, key: &str, node: &Node, expected: &str) {
        let message = format!("`{key}` of {} is {}; expected {expected}", self.what, node.kind());
        self.report.error(node.span, "wrong-type", message, None);
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let (general, special) = self.known.split_at(self.special_from);
        for (key, entry) in &self.table.0 {
            if !self.known.contains(&key.as_str()) {
                let keys = special.iter().chain(general).copied();
                let help = suggest::hint(key, "keys here", keys);
                let message = format!("{} has no key `{key}`", self.what);
                self.report.error(entry.key, "unknown-key", message, help);
            }
        }
    }
}

/// Reads `10s` or a number of seconds.
pub(super) fn as_duration(report: &Reporter, what: &str, node: &Node) -> Option<Duration> {
    let found = match &node.value {
        Written::Text(text) => duration::parse(text),
        Written::Integer(secs) => u64::try_from(*secs).ok().map(Duration::from_secs),
        Written::Float(secs) => duration::from_secs(*secs),
        Written::Bool(_) | Written::Datetime(_) | Written::List(_) | Written::Table(_) => None,
    };
    if found.is_none() {
        let help = "write `10s`, `5m`, `1h30m`, `2d`, or a number of seconds".to_owned();
        report.error(node.span, "bad-duration", format!("{what} is no duration"), help);
    }
    found
}
