//! From what is written to what is meant, collecting every diagnostic.
//!
//! ```text
//! read ──► sources ──► Names (what is declared) ──► systems, assets, DAGs ──► Deck
//!   └─ syntax errors end it here          └──────────────┴─ Reporter ──► Diagnostics
//! ```
//!
//! Names are collected before anything is judged, so that one error does not bring others about:
//! a task may name a connection whose own definition is broken.

use std::path::{Path, PathBuf};

use crate::check::system::Secrets;
use crate::diagnostic::Diagnostics;
use crate::file::{Source, SyntaxError, parse};
use crate::secret::Lookup;
use crate::serving::ServingSpec;
use crate::spec::Deck;
use crate::types::settings::Settings;

mod argument;
mod asset;
mod callback;
mod dag;
mod date;
mod deadline;
mod deck;
mod edge;
mod expand;
mod fields;
mod flow;
mod group;
mod limits;
mod names;
mod object;
mod openlineage;
mod operator;
mod param;
mod reference;
mod report;
mod retention;
mod schedule;
mod serving;
mod slurm;
mod source;
mod source_text;
mod system;
mod task;
mod tracking;
mod version;
mod wait;

pub use names::id_problem;
use report::Reporter;

/// What every part of the check needs.
#[derive(Clone, Copy)]
struct Context<'a> {
    report: &'a Reporter,
    names: &'a names::Names,
    project: &'a Path,
}

/// Reads `dags.toml` in `project` and what it includes, and lays `settings` over it. `lookup`
/// resolves `${env:NAME}`.
pub fn load(project: &Path, lookup: Lookup<'_>, settings: &Settings) -> Result<Deck, Diagnostics> {
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
    let mut deck = deck::check(&tables, project, lookup, settings, &report);
    if !report.is_clean() {
        return Err(report.into_diagnostics());
    }
    deck.warnings = report.into_warnings();
    Ok(deck.with_settings(settings.clone(), lookup))
}

/// Reads a file that has nothing but `[serving]`: the settings of a model server beside or without
/// a project. Relative paths start at `project`.
pub fn load_serving(
    project: &Path,
    path: &Path,
    text: &str,
    lookup: Lookup<'_>,
) -> Result<ServingSpec, Diagnostics> {
    let mut report = Reporter::default();
    let shown = path.display().to_string();
    let text = text.to_owned();
    let file = report.add_source(Source { path: path.to_owned(), shown, text });
    let Some(table) = parsed(&report, file) else { return Err(report.into_diagnostics()) };
    for (name, entry) in table.0.iter().filter(|(name, _)| *name != "serving") {
        let message = format!("`{name}` does not belong here");
        report.error(entry.key, "unknown-key", message, "write `[serving]`".to_owned());
    }
    let names = names::Names::default();
    let context = Context { report: &report, names: &names, project };
    let spec = deck::serving(context, Secrets { report: &report, project, lookup }, &table);
    if report.is_clean() { Ok(spec) } else { Err(report.into_diagnostics()) }
}

/// Returns the files that make up a project's definitions, be they right or broken.
pub fn sources(project: &Path) -> Vec<PathBuf> {
    let mut report = Reporter::default();
    if let Some(main) = source::read_main(project, &mut report) {
        let table = parsed(&report, main);
        source::read_included(project, table.as_ref(), &mut report);
    }
    report.sources().iter().map(|source| source.path.clone()).collect()
}

fn parsed(report: &Reporter, file: usize) -> Option<crate::file::Table> {
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
