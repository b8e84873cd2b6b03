//! Reads `dags.toml` and what it includes.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::check::report::Reporter;
use crate::file::{Node, Source, Table, Written};
use crate::schedule::matches_pattern;

/// The file that makes a folder a project.
const MAIN: &str = "dags.toml";

/// Reads `dags.toml` and returns its number; `None` where it cannot be read.
pub(super) fn read_main(project: &Path, report: &mut Reporter) -> Option<usize> {
    let path = project.join(MAIN);
    match std::fs::read(&path) {
        Ok(bytes) => decode(path, MAIN, bytes, report),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            report.file_error(
                MAIN,
                "no-dags-toml",
                format!("there is no `{MAIN}` in `{}`", project.display()),
                format!(
                    "run this in the folder that holds `{MAIN}`, name that folder with \
                     `--project DIR`, or write a `{MAIN}` here"
                ),
            );
            None
        }
        Err(error) => {
            report.file_error(MAIN, "unreadable", format!("read `{MAIN}`: {error}"), None);
            None
        }
    }
}

/// Reads what `include` names, in the order of the patterns, then of the file names.
pub(super) fn read_included(
    project: &Path,
    main: Option<&Table>,
    report: &mut Reporter,
) -> Vec<usize> {
    let Some(include) = main.and_then(|table| table.0.get("include")) else { return Vec::new() };
    let Written::List(patterns) = &include.node.value else {
        let help = "write `include = [\"dags/*.toml\"]`".to_owned();
        report.error(
            include.node.span,
            "wrong-type",
            format!("`include` is {}; expected a list of file names", include.node.kind()),
            help,
        );
        return Vec::new();
    };
    let mut read: Vec<PathBuf> = vec![project.join(MAIN)];
    let mut files = Vec::new();
    for pattern in patterns {
        for path in matching(project, pattern, report) {
            if read.contains(&path) {
                continue;
            }
            let shown = path.strip_prefix(project).unwrap_or(&path).display().to_string();
            match std::fs::read(&path) {
                Ok(bytes) => files.extend(decode(path.clone(), &shown, bytes, report)),
                Err(error) => {
                    report.error(
                        pattern.span,
                        "bad-include",
                        format!("read `{shown}`: {error}"),
                        None,
                    );
                }
            }
            read.push(path);
        }
    }
    files
}

/// Lists the files that a pattern names; `*` may stand in the last part of the path.
fn matching(project: &Path, pattern: &Node, report: &Reporter) -> Vec<PathBuf> {
    let Some(text) = pattern.as_text() else {
        let message = format!("a file name in `include` is {}; expected text", pattern.kind());
        report.error(pattern.span, "wrong-type", message, None);
        return Vec::new();
    };
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", text));
    if folder.contains('*') {
        let help = "`*` may stand for the name of a file, not of a folder".to_owned();
        let message = format!("`{text}` holds `*` before the last `/`");
        report.error(pattern.span, "bad-include", message, help);
        return Vec::new();
    }
    if !name.contains('*') {
        return vec![project.join(text)];
    }
    let Ok(entries) = std::fs::read_dir(project.join(folder)) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let file_name = entry.file_name();
            let file_name = file_name.to_string_lossy();
            // As in a shell, `*` does not find hidden files, such as an editor's swap files.
            !file_name.starts_with('.') && matches_pattern(name, &file_name)
        })
        .map(|entry| project.join(folder).join(entry.file_name()))
        .collect();
    found.sort();
    found
}

fn decode(path: PathBuf, shown: &str, bytes: Vec<u8>, report: &mut Reporter) -> Option<usize> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            // A byte order mark is not part of the text.
            let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
            Some(report.add_source(Source { path, shown: shown.to_owned(), text }))
        }
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
            report.file_error(
                shown,
                "not-utf8",
                format!("`{shown}` is not UTF-8: line {line} holds a byte that is no character"),
                "save the file as UTF-8".to_owned(),
            );
            None
        }
    }
}
