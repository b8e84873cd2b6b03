//! The table that is printed.

use std::process::ExitCode;
use std::time::Duration;

/// Its lines so far.
#[derive(Default)]
pub(crate) struct Sheet {
    lines: Vec<[String; 5]>,
    is_missed: bool,
}

impl Sheet {
    pub(crate) fn line(&mut self, what: &str, own: &str, beside: &str, limit: &str, is_met: bool) {
        self.is_missed |= !is_met;
        let verdict = if is_met { "met" } else { "MISSED" };
        println!("{what}: {own}  {beside}  (limit {limit}: {verdict})");
        self.lines.push([what, own, beside, limit, verdict].map(str::to_owned));
    }

    /// Prints all of it, and fails where a limit is missed.
    pub(crate) fn print(self) -> ExitCode {
        let mut table =
            vec![["figure", "dagdeck", "beside it", "limit", "verdict"].map(str::to_owned)];
        table.extend(self.lines);
        let width = |column: usize| table.iter().map(|line| line[column].chars().count()).max();
        let widths: [usize; 5] = std::array::from_fn(|column| width(column).unwrap_or_default());
        println!();
        for line in &table {
            let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        if self.is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

pub(crate) fn ms(took: Duration) -> String {
    format!("{:.2} ms", took.as_secs_f64() * 1e3)
}
