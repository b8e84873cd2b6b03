//! How far served versions have drifted, for people: a table of columns each, the worst first.

use crate::cli::output::{ago, fields, table};
use crate::types::drift::{ColumnDrift, DriftFigureKind, DriftReport};

/// Cells that a whole share takes.
const BAR: usize = 30;

pub(super) fn draw(reports: &[DriftReport], with_bins: bool) -> String {
    if reports.is_empty() {
        return "nothing is served: promote a model to production".to_owned();
    }
    let texts: Vec<String> = reports.iter().map(|report| one(report, with_bins)).collect();
    texts.join("\n\n")
}

fn one(report: &DriftReport, with_bins: bool) -> String {
    let mut pairs = vec![
        ("model", format!("{} version {}", report.model, report.version)),
        ("rows", format!("{} since {}", report.rows, ago(Some(report.since)))),
    ];
    if report.trained_rows > 0 {
        pairs.push(("learnt from", format!("{} rows", report.trained_rows)));
    }
    if let Some(problem) = &report.problem {
        pairs.push(("but", problem.clone()));
    }
    if report.rows < report.limits.min_rows && !report.columns.is_empty() {
        let least = report.limits.min_rows;
        pairs.push(("verdict", format!("none yet: it takes {least} rows to judge")));
    }
    let mut text = fields(&pairs);
    if report.columns.is_empty() {
        return text;
    }
    let rows = report.columns.iter().map(row);
    let header = ["COLUMN", "PSI", "KS", "MISSING", "UNSEEN", "STATE"];
    text = format!("{text}\n\n{}", table(&header, rows, ""));
    if with_bins {
        for column in &report.columns {
            text.push_str(&format!("\n\n{}", bins(column)));
        }
    }
    text
}

fn row(column: &ColumnDrift) -> Vec<String> {
    let figure = |kind| {
        column.figure(kind).map_or("—".to_owned(), |figure| {
            let mark = if figure.is_crossed() { " !" } else { "" };
            format!("{:.3}{mark}", figure.value)
        })
    };
    let name = match column.is_answer {
        true => format!("{} (answers)", column.column),
        false => column.column.clone(),
    };
    let state = match column.trouble_since {
        Some(since) => format!("drifts since {}", ago(Some(since))),
        None => "—".to_owned(),
    };
    let [psi, ks, missing, unseen] = DriftFigureKind::ALL.map(figure);
    vec![name, psi, ks, missing, unseen, state]
}

/// Draws a column's bins: in training `░`, now `█`.
fn bins(column: &ColumnDrift) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share as cells of a bar"
    )]
    let bar = |share: f64, cell: &str| cell.repeat((share * BAR as f64).round() as usize);
    let rows = column.bins.iter().map(|bin| {
        vec![
            bin.label.clone(),
            format!("{:.1} %", bin.trained * 100.0),
            format!("{:.1} %", bin.live * 100.0),
            format!("{}\n{}", bar(bin.trained, "░"), bar(bin.live, "█")),
        ]
    });
    let header = [column.column.as_str(), "TRAINED", "NOW", "░ TRAINED  █ NOW"];
    table(&header, rows, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timestamp;
    use crate::types::drift::{DriftBin, DriftFigure, DriftLimits};

    fn report(rows: u64) -> DriftReport {
        DriftReport {
            model: "iris".into(),
            version: 3,
            rows,
            since: Timestamp::UNIX_EPOCH,
            window_secs: 3600.0,
            limits: DriftLimits::default(),
            trained_rows: 105,
            problem: None,
            columns: vec![ColumnDrift {
                column: "petal_width".into(),
                is_answer: false,
                rows,
                missing: 0.0,
                figures: vec![DriftFigure {
                    kind: DriftFigureKind::Psi,
                    value: 0.834,
                    limit: 0.2,
                    chance: 0.1,
                }],
                bins: vec![DriftBin { label: "≤ 0.2".into(), trained: 0.2, live: 0.9 }],
                trouble_since: None,
            }],
        }
    }

    #[test]
    fn the_worst_figure_is_marked_and_few_rows_give_no_verdict() {
        let text = draw(&[report(900)], true);
        assert!(text.contains("0.834 !") && text.contains("90.0 %"), "{text}");
        assert!(!text.contains("none yet"), "{text}");
        assert!(draw(&[report(20)], false).contains("none yet: it takes 200 rows to judge"));
        let bare =
            DriftReport { columns: Vec::new(), problem: Some("no profile".into()), ..report(0) };
        assert!(draw(&[bare], true).contains("no profile"));
        assert!(draw(&[], false).contains("nothing is served"));
    }
}
