//! Where the rows come from: files, or a table of the run.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::block::Block;
use crate::connection::sql::quote;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::extract::{Cell, Files};
use crate::runtime::operator::{observed, tables};
use crate::runtime::task_log::TaskLog;
use crate::types::io::DatasetRef;

/// The rows to answer.
pub(super) enum Input {
    Files(Files),
    Table(Table),
}

/// A table of the run, read in the order of its rows.
pub(super) struct Table {
    database: Connection,
    name: String,
    names: Vec<String>,
    /// The row that was read last.
    last: i64,
}

impl Input {
    /// Finds what a task names: files by their place, or a table of the run.
    pub(super) fn of_task(
        order: &Order,
        private: &Private,
        log: &TaskLog,
        named: &str,
    ) -> Result<Self, OperatorError> {
        // The name of a table has no colon, and a place has one.
        if named.contains(':') {
            return Ok(Self::Files(Files::of_task(order, private, log, named)?));
        }
        let database = tables::open(order)?;
        tables::find(&database, named).map_err(|error| {
            OperatorError::fatal(format!(
                "{error}; files are named `file:PATH` or `CONNECTION:PATH`"
            ))
        })?;
        let columns = tables::columns(&database, "main", named)?;
        let names = columns.into_iter().map(|column| column.name).collect();
        Ok(Self::Table(Table { database, name: named.to_owned(), names, last: 0 }))
    }

    /// Finds a file of this machine.
    pub(super) fn of_file(path: &Path) -> Result<Self, OperatorError> {
        Ok(Self::Files(Files::of_file(path)?))
    }

    /// Returns the names of the columns.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Files(files) => files.names(),
            Self::Table(table) => &table.names,
        }
    }

    /// What rows are counted as.
    pub(super) fn unit(&self) -> &'static str {
        match self {
            Self::Files(files) => files.unit(),
            Self::Table(_) => "row",
        }
    }

    pub(super) fn are_several(&self) -> bool {
        matches!(self, Self::Files(files) if files.len() > 1)
    }

    /// Returns the name of what is read now.
    pub(super) fn source(&self) -> &str {
        match self {
            Self::Files(files) => files.name(),
            Self::Table(table) => &table.name,
        }
    }

    /// Reads up to so many rows, of one file; none at the end.
    pub(super) fn read(&mut self, count: usize) -> Result<Block, OperatorError> {
        match self {
            Self::Files(files) => read_files(files, count),
            Self::Table(table) => table.read(count),
        }
    }

    /// Tells what was read.
    pub(super) fn observed(&self, order: &Order, private: &Private) -> Vec<DatasetRef> {
        match self {
            Self::Files(files) => files.observed(order, private),
            Self::Table(table) => {
                vec![observed::run_table(order, &table.name, None, Vec::new())]
            }
        }
    }
}

fn read_files(files: &mut Files, count: usize) -> Result<Block, OperatorError> {
    let (width, is_typed) = (files.names().len(), files.is_typed());
    let mut block = Block::new(width);
    while block.len() < count {
        // A block is of one file, whose name complaints have.
        let Some(cursor) = files.next(block.len() == 0)? else { break };
        match cursor.complaint() {
            Some(reason) => block.end_unreadable(cursor.position(), reason),
            None => {
                (0..width).for_each(|at| block.push(cursor.cell(at), is_typed));
                block.end_row(cursor.position());
            }
        }
    }
    Ok(block)
}

impl Table {
    fn read(&mut self, count: usize) -> Result<Block, OperatorError> {
        let mut block = Block::new(self.names.len());
        let mut statement = self.database.prepare_cached(&format!(
            "select rowid, * from main.{} where rowid > ?1 order by rowid limit ?2",
            quote(&self.name)
        ))?;
        let mut rows = statement.query((self.last, count as i64))?;
        while let Some(row) = rows.next()? {
            self.last = row.get(0)?;
            for at in 0..self.names.len() {
                block.push(cell(row.get_ref(at + 1)?), true);
            }
            block.end_row(self.last.unsigned_abs());
        }
        Ok(block)
    }
}

fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Float(value),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
    }
}
