//! What is printed: tables for people, JSON for programs, errors on standard error.

use std::io::{self, Write};

use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

use crate::cli::args::Format;
use crate::cli::error::CliError;
use crate::types::{Timestamp, time};

/// Prints answers in the format that was asked for.
#[derive(Debug)]
pub struct Output {
    format: Format,
}

impl Output {
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// Says whether programs read this.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints `body` as JSON, or what `table` makes of it.
    pub fn answer<T: Serialize>(&mut self, body: &T, table: impl FnOnce(&T) -> String) {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(body)
                .unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}")),
            Format::Table => table(body),
        };
        self.line(&text);
    }

    /// Prints a line for people; nothing where programs read.
    pub fn say(&mut self, text: &str) {
        if !self.is_json() {
            self.line(text);
        }
    }

    /// Prints a line. A pipe that was closed at the other end is nobody's concern.
    pub fn line(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
        let _ = out.flush();
    }

    /// Prints an error with its causes and what to do instead.
    pub fn error(&mut self, error: &CliError) {
        let mut out = io::stderr().lock();
        if self.is_json() {
            let body = serde_json::json!({ "error": error.fault });
            let _ = writeln!(out, "{body}");
            return;
        }
        let _ = writeln!(out, "error: {}", error.fault.message);
        for cause in &error.fault.causes {
            let _ = writeln!(out, "  caused by: {cause}");
        }
        if let Some(hint) = &error.fault.hint {
            let _ = writeln!(out, "hint: {hint}");
        }
    }
}

/// Draws a table; says `empty` where there are no rows.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, empty: &str) -> String {
    let mut builder = Builder::default();
    builder.push_record(header.iter().map(|name| (*name).to_owned()));
    let mut is_empty = true;
    for row in rows {
        builder.push_record(row.iter().map(|cell| printable(cell)));
        is_empty = false;
    }
    if is_empty {
        return empty.to_owned();
    }
    let mut table = builder.build();
    table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Draws `key  value` lines.
pub fn fields(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let line = |(key, value): &(&str, String)| format!("{key:<width$}  {}", printable(value));
    pairs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Drops what would move the cursor or colour the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Writes an instant for people: `2026-01-01 12:00:00Z`.
pub fn instant(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// Writes how long ago an instant was: `3m ago`, `in 46m`.
pub fn ago(at: Option<Timestamp>) -> String {
    let Some(at) = at else { return "-".to_owned() };
    let secs = (time::now() - at).total(jiff::Unit::Second).unwrap_or(0.0);
    if secs < -0.5 { format!("in {}", duration(-secs)) } else { format!("{} ago", duration(secs)) }
}

/// Writes a duration in seconds: `0.4s`, `41s`, `2m14s`, `3h02m`, `6d`.
pub fn duration(secs: f64) -> String {
    let whole = secs.max(0.0) as u64;
    match whole {
        0..10 => format!("{secs:.1}s"),
        10..60 => format!("{whole}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        3600..172_800 => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
        _ => format!("{}d", whole / 86_400),
    }
}

/// Writes a size: `17 B`, `3.2 MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// Writes an optional text, `-` where there is none.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units_at_most() {
        let written: Vec<String> = [0.42, 41.0, 134.0, 10_920.0, 600_000.0].map(duration).to_vec();
        assert_eq!(written, ["0.4s", "41s", "2m14s", "3h02m", "6d"]);
    }

    #[test]
    fn a_table_without_rows_says_what_would_be_there() {
        assert_eq!(table(&["A"], Vec::new(), "nothing yet"), "nothing yet");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let text = table(&["A"], vec![vec!["x\u{1b}[31my".to_owned()]], "");
        assert!(!text.contains('\u{1b}'));
    }
}
