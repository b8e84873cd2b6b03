//! `prune`.

use crate::cli::args::PruneArgs;
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, bytes, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Prune, PruneReport, PrunedKind, Request};

/// Prunes, or says what would go.
pub async fn prune(layout: &Layout, args: PruneArgs, output: &mut Output) -> Result<u8, CliError> {
    let wish = Prune {
        dry_run: args.dry_run,
        older_than_secs: args.older_than.map(|age| age.as_secs_f64()),
        dag_id: args.dag.map(Into::into),
        only_deleted: args.deleted,
    };
    let answer = ask(layout, Request::Prune(wish)).await?;
    let report = expect_answer!(answer, Answer::Pruned(report) => report, "prune");
    output.answer(&report, draw);
    Ok(0)
}

fn draw(report: &PruneReport) -> String {
    let row = |kind: &PrunedKind| {
        let size = if kind.bytes == 0 { "-".to_owned() } else { bytes(kind.bytes) };
        vec![kind.kind.clone(), kind.count.to_string(), size]
    };
    let empty = "nothing to prune: [deck.retention] in dags.toml says what is kept how long";
    let mut text = table(&["KIND", "COUNT", "FILES"], report.kinds.iter().map(row), empty);
    if report.dry_run && !report.kinds.is_empty() {
        text.push_str("\nthis would go; without --dry-run it does");
    }
    text
}
