//! `predict`: a model of the registry answers a file, with or without a daemon.

use std::io::Write;

use crate::cli::args::PredictArgs;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::runtime::Layout;
use crate::runtime::operator::{PredictFile, PredictedFile, predict_file};

/// Answers a file.
pub fn predict(layout: &Layout, args: &PredictArgs, output: &mut Output) -> Result<u8, CliError> {
    let asked = PredictFile {
        model: &args.model,
        input: &args.file,
        output: args.to.as_deref(),
        skips_bad_rows: args.skip_bad_rows,
    };
    // The answers may be on the standard output: people are told on the other one.
    let mut tell = |text: &str| {
        // Nobody may read it.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    };
    let done = predict_file(layout, &asked, &mut tell)?;
    match &args.to {
        None => tell(&summary(&done)),
        Some(_) => output.answer(&done, summary),
    }
    Ok(0)
}

fn summary(done: &PredictedFile) -> String {
    let PredictedFile { model, version, rows, skipped } = done;
    let skipped = match skipped {
        0 => String::new(),
        count => format!(", {count} passed over"),
    };
    let unit = if *rows == 1 { "row" } else { "rows" };
    format!("{rows} {unit} answered by `{model}` version {version}{skipped}")
}
