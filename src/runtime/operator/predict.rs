//! `predict`: a registered model answers all rows of files, or of a table of the run, in bounded
//! memory and in their order.
//!
//! ```text
//! input ─rows─► block ─┬─► batch ─► answers ─► text ─┐ (all cores)
//!                      └─► …                         ┴─► file or table
//! ```
//! Columns that the model does not take are passed over, and stand in the output as they were.

mod block;
mod input;
mod score;
mod target;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::json;

use self::input::Input;
use self::score::score;
use self::target::Target;
use super::args::Args;
use super::error::OperatorError;
use super::extract::{BadRow, Rejected, rejects};
use super::{observed, tables};
use crate::connection::object::Location;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::layout::Layout;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::store::Store;
use crate::tracking::model_folder::Registered;
use crate::types::Fault;
use crate::types::io::{DatasetRef, MODELS, Observed};

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let args = Args(&order.args);
    let rejects = rejects(args, false)?;
    let layout = Layout::new(&order.project);
    let store = Store::open(&layout.database())?;
    let found = Registered::by_uri(&store, &layout.artifacts_dir(), &args.text("model")?)?;
    log.say(&format!("`{}` version {} answers", found.name, found.version));
    let mut input = Input::of_task(order, private, log, &args.text("input")?)?;
    let output = args.text_or_none("output")?;
    let placed = |uri: String| Ok::<_, OperatorError>((place(order, private, &uri)?, uri));
    let output = output.map(placed).transpose()?;
    let mut target = match &output {
        Some((path, _)) => Target::file(path)?,
        None => Target::table(order)?,
    };
    let mut rejected = Rejected::new(order, rejects, input.are_several());
    rejected.begin(input.names(), input.unit())?;
    let mut reject = |bad: &BadRow<'_>| rejected.take(bad, log);
    let rows = score(&*found.model, &mut input, &mut target, &mut reject, &mut |rows| {
        log.say(&format!("{rows} rows so far"));
    })?;
    rejected.finish(log)?;
    target.finish()?;
    let version = DatasetRef::new(MODELS, format!("{}/{}", found.name, found.version));
    let inputs = input.observed(order, private).into_iter().chain([version]).collect();
    let written = match &output {
        Some((path, uri)) => {
            let file = observed::file_read(order, private, uri, path);
            DatasetRef { rows: Some(rows), ..file }
        }
        None => observed::run_table(order, &tables::result_name(order), Some(rows), Vec::new()),
    };
    let told = Observed { inputs, outputs: vec![written], checks: Vec::new() };
    observed::write(order, &told, log)?;
    log.say(&format!("{rows} rows answered, {} rejected", rejected.count()));
    let mut result = json!({
        "model": found.name, "version": found.version, "rows": rows, "rejected": rejected.count(),
    });
    match output {
        Some((_, uri)) => result["output"] = json!(uri),
        None => result["table"] = json!(tables::result_name(order)),
    }
    Ok(Outcome::output(result))
}

fn place(
    order: &Order,
    private: &Private,
    output: &str,
) -> Result<std::path::PathBuf, OperatorError> {
    let location = Location::parse(output, &private.connections, &order.project)?;
    location.path().filter(|_| !location.is_folder()).ok_or_else(|| {
        OperatorError::fatal(format!(
            "`output`: `{output}` is no file of this machine; write one, and bring it there with \
             `object.upload`"
        ))
    })
}

/// What `dagdeck predict` asks for.
#[derive(Debug, Clone)]
pub struct PredictFile<'a> {
    /// `NAME@ALIAS` or `NAME/VERSION`.
    pub model: &'a str,
    pub input: &'a Path,
    /// Named by its end; the standard output in CSV where there is none.
    pub output: Option<&'a Path>,
    /// Rows that do not fit are told and passed over.
    pub skips_bad_rows: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PredictedFile {
    pub model: String,
    pub version: u32,
    pub rows: u64,
    pub skipped: u64,
}

/// Has a model of the project's registry answer the rows of a file; `tell` is told, for people, of
/// rows that were passed over and how far it has come. Blocks.
///
/// # Errors
///
/// Where there is no such model, the file cannot be read, or a row does not fit.
pub fn predict_file(
    layout: &Layout,
    asked: &PredictFile<'_>,
    tell: &mut dyn FnMut(&str),
) -> Result<PredictedFile, Fault> {
    let store = Store::open(&layout.database()).map_err(Fault::from)?;
    let found = Registered::by_uri(&store, &layout.artifacts_dir(), asked.model)?;
    let invalid = |error: OperatorError| Fault::invalid(error.to_string());
    let mut input = Input::of_file(asked.input).map_err(invalid)?;
    let target = asked.output.map_or_else(|| Ok(Target::standard_output()), Target::file);
    let mut target = target.map_err(invalid)?;
    let mut skipped = 0;
    let said = std::cell::RefCell::new(tell);
    let mut skip = |bad: &BadRow<'_>| {
        if !asked.skips_bad_rows {
            return Err(OperatorError::fatal(bad.to_string()));
        }
        skipped += 1;
        (said.borrow_mut())(&format!("passed over {bad}"));
        Ok(())
    };
    let rows = score(&*found.model, &mut input, &mut target, &mut skip, &mut |rows| {
        (said.borrow_mut())(&format!("{rows} rows so far"));
    });
    let rows = rows.and_then(|rows| target.finish().map(|()| rows)).map_err(invalid)?;
    Ok(PredictedFile { model: found.name, version: found.version, rows, skipped })
}
