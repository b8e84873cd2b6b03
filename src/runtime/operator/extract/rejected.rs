//! The rows that did not fit: `rejected.csv` in the attempt's folder, with the reason of each.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::runtime::attempt::Order;
use crate::runtime::operator::args::Args;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::task_log::TaskLog;

/// So many rejected rows are told in the log; all are in `rejected.csv`.
const TOLD_MAX: u64 = 20;

/// Reads `on_bad_row`: whether rows that do not fit are rejected, or end the attempt.
pub(in crate::runtime::operator) fn rejects(
    args: Args<'_>,
    default: bool,
) -> Result<bool, OperatorError> {
    match args.text_or_none("on_bad_row")?.as_deref() {
        None => Ok(default),
        Some("reject") => Ok(true),
        Some("fail") => Ok(false),
        Some(other) => {
            let expected = if default { "`reject` or `fail`" } else { "`fail` or `reject`" };
            Err(OperatorError::fatal(format!("`on_bad_row` is `{other}`; expected {expected}")))
        }
    }
}

/// A row that does not fit.
#[derive(Debug, Clone)]
pub(in crate::runtime::operator) struct BadRow<'a> {
    /// The file, or the table.
    pub(in crate::runtime::operator) source: &'a str,
    /// What is counted: lines, rows.
    pub(in crate::runtime::operator) unit: &'static str,
    pub(in crate::runtime::operator) position: u64,
    /// As it stands there.
    pub(in crate::runtime::operator) raw: Vec<String>,
    pub(in crate::runtime::operator) reason: &'a str,
}

impl std::fmt::Display for BadRow<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`, {} {}: {}", self.source, self.unit, self.position, self.reason)
    }
}

pub(in crate::runtime::operator) struct Rejected {
    path: PathBuf,
    may_reject: bool,
    /// Where there are several files, each row says of which it is.
    are_several: bool,
    writer: Option<::csv::Writer<File>>,
    count: u64,
}

impl Rejected {
    pub(in crate::runtime::operator) fn new(
        order: &Order,
        may_reject: bool,
        are_several: bool,
    ) -> Self {
        let path = order.folder.join("rejected.csv");
        Self { path, may_reject, are_several, writer: None, count: 0 }
    }

    pub(in crate::runtime::operator) fn count(&self) -> u64 {
        self.count
    }

    /// Makes the file, for rows with these columns; those of the first input count.
    pub(in crate::runtime::operator) fn begin(
        &mut self,
        header: &[String],
        unit: &'static str,
    ) -> Result<(), OperatorError> {
        if self.writer.is_some() {
            return Ok(());
        }
        let file = std::fs::OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|error| {
                OperatorError::io(&format!("write `{}`", self.path.display()), &error)
            })?;
        let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(file);
        let own = ["file", unit, "reason"];
        let own = if self.are_several { &own[..] } else { &own[1..] };
        let columns = own.iter().copied().chain(header.iter().map(String::as_str));
        writer.write_record(columns).map_err(|error| unwritten(&error))?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Keeps a row; or ends the attempt.
    pub(in crate::runtime::operator) fn take(
        &mut self,
        bad: &BadRow<'_>,
        log: &TaskLog,
    ) -> Result<(), OperatorError> {
        if !self.may_reject {
            return Err(OperatorError::Fatal(bad.to_string()));
        }
        let BadRow { source, unit, position, raw, reason } = bad;
        self.count += 1;
        if self.count <= TOLD_MAX {
            let of = if self.are_several { format!(" of `{source}`") } else { String::new() };
            log.say(&format!("rejected {unit} {position}{of}: {reason}"));
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let position = position.to_string();
        let own = [source, position.as_str(), reason];
        let own = if self.are_several { &own[..] } else { &own[1..] };
        let fields = own.iter().copied().chain(raw.iter().map(String::as_str));
        writer.write_record(fields).map_err(|error| unwritten(&error))
    }

    pub(in crate::runtime::operator) fn finish(
        &mut self,
        log: &TaskLog,
    ) -> Result<(), OperatorError> {
        if self.count > TOLD_MAX {
            log.say(&format!("… and {} more, all in rejected.csv", self.count - TOLD_MAX));
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.flush().map_err(|error| OperatorError::io("write `rejected.csv`", &error))
    }
}

fn unwritten(error: &::csv::Error) -> OperatorError {
    OperatorError::passing(format!("write `rejected.csv`: {error}"))
}
