//! What the files declare, before it is judged.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use crate::check::fields::Text;
use crate::check::report::Reporter;
use crate::file::{Node, Span, Table};
use crate::spec::ConnectionKind;
use crate::suggest;
use crate::types::settings::Settings;

/// The pool of tasks that name none.
pub(super) const DEFAULT_POOL: &str = "default_pool";

const ID_BYTES_MAX: usize = 250;

/// All names that something may refer to.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// `None`: its own definition is broken.
    pub(super) connections: IndexMap<String, Option<ConnectionKind>>,
    pub(super) pools: IndexMap<String, u32>,
    pub(super) variables: IndexSet<String>,
    /// Each with whether its URI has partitions.
    pub(super) assets: IndexMap<String, bool>,
    pub(super) asset_aliases: IndexSet<String>,
    pub(super) datasets: IndexSet<String>,
    /// Each with the names of its tasks.
    pub(super) dags: IndexMap<String, IndexSet<String>>,
    /// Of each DAG, the names of its groups.
    pub(super) groups: IndexMap<String, IndexSet<String>>,
}

/// An entry of a section such as `[dag.*]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared<'a> {
    pub(super) name: &'a str,
    pub(super) key: Span,
    pub(super) node: &'a Node,
}

/// Collects the entries of a section over all files. A name that is taken, or is none, is
/// reported; what bears it is returned all the same, to be checked.
pub(super) fn declared<'a>(
    report: &Reporter,
    tables: &'a [Table],
    section: &str,
) -> Vec<Declared<'a>> {
    let mut found: Vec<Declared<'a>> = Vec::new();
    let mut first_places: HashMap<&str, Span> = HashMap::new();
    for entry in tables.iter().filter_map(|table| table.0.get(section)) {
        let Some(table) = entry.node.as_table() else {
            let message = format!("`{section}` is {}; expected a table", entry.node.kind());
            let help = format!("write `[{section}.NAME]`");
            report.error(entry.node.span, "wrong-type", message, help);
            continue;
        };
        for (name, entry) in &table.0 {
            check_id(report, section, name, entry.key);
            if let Some(first) = first_places.get(name.as_str()) {
                let source = report.source(first.file);
                let line = report.line(*first);
                let message = format!("{section} `{name}` is declared twice");
                let help = format!("the other one is at {}:{line}", source.shown);
                report.error(entry.key, "duplicate-id", message, help);
            }
            first_places.entry(name).or_insert(entry.key);
            found.push(Declared { name, key: entry.key, node: &entry.node });
        }
    }
    found
}

/// Reports a name that is none.
pub(super) fn check_id(report: &Reporter, kind: &str, name: &str, span: Span) {
    let Some(reason) = id_problem(name) else { return };
    let help = "letters, digits, `_`, `-` and `.` are allowed".to_owned();
    report.error(span, "invalid-id", format!("`{name}` is no name for a {kind}: {reason}"), help);
}

/// Says why a name is none: Airflow's rule, and not one that a folder cannot have.
pub fn id_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("it is empty".to_owned())
    } else if name.len() > ID_BYTES_MAX {
        Some(format!("it is longer than {ID_BYTES_MAX} bytes"))
    } else if let Some(c) = name.chars().find(|c| !is_id_char(*c)) {
        Some(format!("it holds {c:?}"))
    } else if name.chars().all(|c| c == '.') {
        Some("it is only dots".to_owned())
    } else {
        None
    }
}

fn is_id_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Reports a reference to something that nobody declared.
pub(super) fn unknown<'n>(
    report: &Reporter,
    at: Text<'_>,
    kind: &str,
    code: &'static str,
    names: impl IntoIterator<Item = &'n str>,
) {
    let help = suggest::hint(at.text, &format!("{kind}s"), names);
    report.error(at.span, code, format!("there is no {kind} `{}`", at.text), help);
}

impl Names {
    /// Adds what is set at run time. What the files declare stays as it is; slots of a pool that
    /// is set at run time are no concern of a definition: they may change at any time.
    pub(super) fn add_settings(
        &mut self,
        settings: &Settings,
        resolve: impl Fn(&str) -> Option<String>,
    ) {
        for variable in &settings.variables {
            self.variables.insert(variable.key.clone());
        }
        for connection in &settings.connections {
            self.connections.entry(connection.conn_id.clone()).or_insert_with(|| {
                resolve(&connection.url).and_then(|url| ConnectionKind::of_url(&url))
            });
        }
        for pool in &settings.pools {
            self.pools.entry(pool.pool.clone()).or_insert(u32::MAX);
        }
    }

    pub(super) fn connection(
        &self,
        report: &Reporter,
        at: Text<'_>,
    ) -> Option<Option<ConnectionKind>> {
        let found = self.connections.get(at.text).copied();
        if found.is_none() {
            let names = self.connections.keys().map(String::as_str);
            unknown(report, at, "connection", "unknown-connection", names);
        }
        found
    }

    pub(super) fn dataset(&self, report: &Reporter, at: Text<'_>) {
        if !self.datasets.contains(at.text) {
            let names = self.datasets.iter().map(String::as_str);
            unknown(report, at, "dataset", "unknown-dataset", names);
        }
    }

    /// Returns the names of a DAG's tasks.
    pub(super) fn dag(&self, report: &Reporter, at: Text<'_>) -> Option<&IndexSet<String>> {
        let found = self.dags.get(at.text);
        if found.is_none() {
            unknown(report, at, "DAG", "unknown-dag", self.dags.keys().map(String::as_str));
        }
        found
    }

    pub(super) fn asset(&self, report: &Reporter, at: Text<'_>) {
        if !self.assets.contains_key(at.text) && !self.asset_aliases.contains(at.text) {
            let names = self.assets.keys().chain(&self.asset_aliases).map(String::as_str);
            unknown(report, at, "asset", "unknown-asset", names);
        }
    }

    pub(super) fn variable(&self, report: &Reporter, at: Text<'_>) {
        if !self.variables.contains(at.text) {
            let names = self.variables.iter().map(String::as_str);
            unknown(report, at, "variable", "unknown-variable", names);
        }
    }
}
