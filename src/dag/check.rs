//! From what is written to what is meant, collecting every diagnostic.
//!
//! ```text
//! read ──► sources ──► Names (what is declared) ──► systems, assets, DAGs ──► Deck
//!   └─ syntax errors end it here          └──────────────┴─ Reporter ──► Diagnostics
//! ```
//!
//! Names are collected before anything is judged, so that one error does not bring others about:
//! a task may name a connection whose own definition is broken.

use std::path::Path;

use crate::dag::diagnostic::Diagnostics;
use crate::dag::file::{SyntaxError, parse};
use crate::dag::spec::Deck;

mod argument;
mod asset;
mod dag;
mod deck;
mod edge;
mod fields;
mod names;
mod operator;
mod param;
mod reference;
mod report;
mod schedule;
mod source;
mod system;
mod task;
mod version;
mod wait;

use report::Reporter;

/// What every part of the check needs.
#[derive(Clone, Copy)]
struct Context<'a> {
    report: &'a Reporter,
    names: &'a names::Names,
    project: &'a Path,
}

/// Reads `dags.toml` in `project` and what it includes. `lookup` resolves `${env:NAME}`.
pub fn load(project: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Deck, Diagnostics> {
    let mut report = Reporter::default();
    let main = source::read_main(project, &mut report);
    let Some(main) = main else { return Err(report.into_diagnostics()) };
    let mut tables = vec![parsed(&report, main)];
    for file in source::read_included(project, tables[0].as_ref(), &mut report) {
        tables.push(parsed(&report, file));
    }
    // Where a part cannot be read, its absence would give errors that are none.
    let tables: Vec<_> = tables.into_iter().flatten().collect();
    if !report.is_clean() {
        return Err(report.into_diagnostics());
    }
    let deck = deck::check(&tables, project, lookup, &report);
    if report.is_clean() { Ok(deck) } else { Err(report.into_diagnostics()) }
}

fn parsed(report: &Reporter, file: usize) -> Option<crate::dag::file::Table> {
    let found = parse(file, &report.source(file).text);
    match found {
        Ok(table) => Some(table),
        Err(errors) => {
            for SyntaxError { span, message } in errors {
                report.error(span, "syntax", message, None);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests;
