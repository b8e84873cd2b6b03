//! A table of the configuration read key by key; what nobody asked for is an error with its line
//! and the name that was probably meant.

use std::cell::RefCell;
use std::path::Path;

use crate::dag::file::{Entry, Node, Table, Written};
use crate::dag::suggest;
use crate::types::Fault;

/// The text that is read, and what is wrong with it so far.
pub(super) struct Report {
    /// The file as messages name it.
    file: String,
    text: String,
    /// Line, message and what to do instead.
    found: RefCell<Vec<(usize, String, Option<String>)>>,
}

impl Report {
    pub(super) fn new(file: &Path, text: &str) -> Self {
        Self {
            file: file.display().to_string(),
            text: text.to_owned(),
            found: RefCell::new(Vec::new()),
        }
    }

    /// Returns the line of a place, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(&self.text);
        before.matches('\n').count() + 1
    }

    /// Names a place: `deck.toml:3`.
    pub(super) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.file, self.line(at))
    }

    pub(super) fn error(&self, at: usize, message: impl Into<String>, hint: Option<String>) {
        self.found.borrow_mut().push((self.line(at), message.into(), hint));
    }

    /// Returns everything that is wrong in one fault: the first error leads, the others follow.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let mut found = self.found.into_inner();
        found.sort();
        let mut found = found.into_iter();
        let Some((line, message, hint)) = found.next() else { return Ok(()) };
        let mut fault = Fault::invalid(format!("{}:{line}: {message}", self.file));
        fault.hint = hint;
        fault.causes = found
            .map(|(line, message, hint)| {
                let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("also line {line}: {message}{hint}")
            })
            .collect();
        Err(fault)
    }
}

/// A table that is being read. The keys it is asked for are those that it may have.
pub(super) struct Fields<'a> {
    pub(super) report: &'a Report,
    /// As messages name it: "profile `prod`".
    pub(super) what: String,
    table: &'a Table,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(report: &'a Report, what: impl Into<String>, table: &'a Table) -> Self {
        Self { report, what: what.into(), table, known: RefCell::default() }
    }

    /// Returns a key with its value, whatever that is.
    pub(super) fn entry(&self, key: &'static str) -> Option<&'a Entry> {
        self.known.borrow_mut().push(key);
        self.table.0.get(key)
    }

    /// Returns where a key stands, such as `deck.toml:3`.
    pub(super) fn origin(&self, key: &str) -> Option<String> {
        self.table.0.get(key).map(|entry| self.report.place(entry.key.start))
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        let node = &self.entry(key)?.node;
        match node.as_text() {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            Some(_) => {
                self.bad(key, format!("`{key}` of {} is empty", self.what), None);
                None
            }
            None => {
                self.wrong_type(key, node, "text");
                None
            }
        }
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let node = &self.entry(key)?.node;
        if let Written::Bool(flag) = node.value {
            return Some(flag);
        }
        self.wrong_type(key, node, "true or false");
        None
    }

    /// Returns a whole number from `least` to `most`.
    pub(super) fn whole(&self, key: &'static str, least: u16, most: u16) -> Option<u16> {
        let node = &self.entry(key)?.node;
        let Written::Integer(written) = node.value else {
            self.wrong_type(key, node, "a whole number");
            return None;
        };
        let found = u16::try_from(written).ok().filter(|n| (least..=most).contains(n));
        if found.is_none() {
            let message = format!("`{key}` of {} is {written}", self.what);
            self.bad(key, message, Some(format!("between {least} and {most} is allowed")));
        }
        found
    }

    /// Returns one of some words.
    pub(super) fn word(&self, key: &'static str, words: &[&str]) -> Option<String> {
        let text = self.text(key)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let hint = suggest::hint(&text, "words", words.iter().copied());
        self.bad(key, format!("`{key}` of {} is `{text}`", self.what), Some(hint));
        None
    }

    /// Returns the texts of a list.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        let node = &self.entry(key)?.node;
        let texts = match &node.value {
            Written::List(items) => {
                items.iter().map(|item| item.as_text().map(str::to_owned)).collect()
            }
            _ => None,
        };
        if texts.is_none() {
            self.wrong_type(key, node, "a list of texts");
        }
        texts
    }

    /// Returns a command: a list of words, or a text that is split as a shell would split it.
    pub(super) fn command(&self, key: &'static str) -> Option<Vec<String>> {
        let node = &self.entry(key)?.node;
        let words = match node.as_text() {
            Some(text) => super::words::split(text),
            None => self.texts(key),
        };
        match words {
            Some(words) if words.first().is_some_and(|word| !word.is_empty()) => Some(words),
            _ => {
                let hint = "such as [\"less\", \"-R\"] or \"less -R\"".to_owned();
                self.bad(key, format!("`{key}` of {} is no command", self.what), Some(hint));
                None
            }
        }
    }

    /// Returns the tables below `key`, by name.
    pub(super) fn tables(&self, key: &'static str) -> Vec<(&'a str, &'a Entry, &'a Table)> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let Some(table) = entry.node.as_table() else {
            self.wrong_type(key, &entry.node, "tables");
            return Vec::new();
        };
        let named = table.0.iter().filter_map(|(name, entry)| {
            let table = entry.node.as_table();
            if table.is_none() {
                let message = format!("`{key}.{name}` is {}; expected a table", entry.node.kind());
                self.report.error(entry.key.start, message, Some(format!("[{key}.{name}]")));
            }
            table.map(|table| (name.as_str(), entry, table))
        });
        named.collect()
    }

    /// Notes that the value of a key will not do.
    pub(super) fn bad(&self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let at = self.table.0.get(key).map_or(0, |entry| entry.key.start);
        self.report.error(at, message, hint);
    }

    fn wrong_type(&self, key: &str, node: &Node, expected: &str) {
        let message = format!("`{key}` of {} is {}; expected {expected}", self.what, node.kind());
        self.bad(key, message, None);
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let known = self.known.into_inner();
        for (key, entry) in &self.table.0 {
            if !known.contains(&key.as_str()) {
                let hint = suggest::hint(key, "keys here", known.iter().copied());
                let message = format!("{} has no key `{key}`", self.what);
                self.report.error(entry.key.start, message, Some(hint));
            }
        }
    }
}
