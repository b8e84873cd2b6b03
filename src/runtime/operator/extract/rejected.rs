//! The rows that did not fit: `rejected.csv` in the attempt's folder, with the reason of each.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::Cursor;
use crate::runtime::attempt::Order;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::task_log::TaskLog;

/// So many rejected rows are told in the log; all are in `rejected.csv`.
const TOLD_MAX: u64 = 20;

pub(super) struct Rejected {
    path: PathBuf,
    may_reject: bool,
    /// Where there are several files, each row says of which it is.
    are_several: bool,
    /// The file that is read now.
    source: String,
    writer: Option<::csv::Writer<File>>,
    count: u64,
}

impl Rejected {
    pub(super) fn new(order: &Order, may_reject: bool, are_several: bool) -> Self {
        let path = order.folder.join("rejected.csv");
        Self { path, may_reject, are_several, source: String::new(), writer: None, count: 0 }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Turns to the next file; the header is the first one's.
    pub(super) fn begin(&mut self, source: &str, cursor: &dyn Cursor) -> Result<(), OperatorError> {
        source.clone_into(&mut self.source);
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
        let own = ["file", cursor.unit(), "reason"];
        let own = if self.are_several { &own[..] } else { &own[1..] };
        let header = cursor.header();
        let columns = own.iter().copied().chain(header.iter().map(String::as_str));
        writer.write_record(columns).map_err(|error| unwritten(&error))?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Keeps the row that the cursor stands on; or ends the attempt.
    pub(super) fn take(
        &mut self,
        cursor: &dyn Cursor,
        reason: &str,
        log: &TaskLog,
    ) -> Result<(), OperatorError> {
        let (unit, line) = (cursor.unit(), cursor.position());
        if !self.may_reject {
            return Err(OperatorError::Fatal(format!(
                "`{}`, {unit} {line}: {reason}",
                self.source
            )));
        }
        self.count += 1;
        if self.count <= TOLD_MAX {
            let of =
                if self.are_several { format!(" of `{}`", self.source) } else { String::new() };
            log.say(&format!("rejected {unit} {line}{of}: {reason}"));
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let line = line.to_string();
        let own = [self.source.as_str(), line.as_str(), reason];
        let own = if self.are_several { &own[..] } else { &own[1..] };
        let raw = cursor.raw();
        let fields = own.iter().copied().chain(raw.iter().map(String::as_str));
        writer.write_record(fields).map_err(|error| unwritten(&error))
    }

    pub(super) fn finish(&mut self, log: &TaskLog) -> Result<(), OperatorError> {
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
