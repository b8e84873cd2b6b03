//! A Parquet file read row by row: one group of rows after another, and of each column a thousand
//! values at a time. In memory is a page of each column that is taken, whatever the file's size.
//!
//! The file says the types of its columns. Only flat columns are read; nested ones are named with
//! what to do instead.

mod column;
mod schema;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};

use self::column::Column;
use self::schema::FileColumn;
pub(super) use self::schema::infer;
use super::field::Cell;
use super::files::SourceFile;
use super::{Cursor, Wanted, place_of};
use crate::runtime::operator::error::OperatorError;

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 1024;

/// With which a file begins and ends.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";
/// … whose list of columns is encrypted.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";

/// An open file.
pub(super) struct Rows {
    name: String,
    reader: SerializedFileReader<File>,
    /// The columns that are taken, and where each stands in the file.
    taken: Vec<(FileColumn, usize)>,
    columns: Vec<Box<dyn Column>>,
    next_group: usize,
    /// Rows of the group that have not been decoded.
    left: usize,
    /// Rows that are decoded, and the one that it stands on; from 1.
    batch: usize,
    row: usize,
    position: u64,
}

impl Rows {
    /// Opens the file and finds the columns; refuses those that it cannot read.
    pub(super) fn open(
        file: &SourceFile,
        wanted: Option<&[Wanted]>,
    ) -> Result<Self, OperatorError> {
        let reader = open(file)?;
        let columns = schema::columns(&file.name, reader.metadata())?;
        let taken = match wanted {
            None => columns,
            Some(wanted) => {
                let header: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
                let place = |wanted: &Wanted| place_of(&wanted.name, &file.name, &header);
                let places = wanted.iter().map(place).collect::<Result<Vec<_>, _>>()?;
                places.into_iter().map(|at| columns[at].clone()).collect()
            }
        };
        let mut rows = Self {
            name: file.name.clone(),
            reader,
            taken: Vec::with_capacity(taken.len()),
            columns: Vec::new(),
            next_group: 0,
            left: 0,
            batch: 0,
            row: 0,
            position: 0,
        };
        for column in taken {
            let leaf = column.leaf(&file.name)?;
            rows.can_unpack(leaf, &column.name)?;
            rows.taken.push((column, leaf));
        }
        Ok(rows)
    }

    /// What all columns of the file are called, whether they can be read or not.
    pub(super) fn names(file: &SourceFile) -> Result<Vec<String>, OperatorError> {
        let columns = schema::columns(&file.name, open(file)?.metadata())?;
        Ok(columns.into_iter().map(|column| column.name).collect())
    }

    fn can_unpack(&self, leaf: usize, column: &str) -> Result<(), OperatorError> {
        let groups = self.reader.metadata().row_groups().iter();
        let chunks = groups.filter_map(|group| group.columns().get(leaf));
        for chunk in chunks {
            let by = match chunk.compression() {
                Compression::BROTLI(_) => "Brotli",
                Compression::LZO => "LZO",
                Compression::UNCOMPRESSED
                | Compression::SNAPPY
                | Compression::GZIP(_)
                | Compression::LZ4
                | Compression::ZSTD(_)
                | Compression::LZ4_RAW => continue,
            };
            return Err(OperatorError::fatal(format!(
                "`{}`: column `{column}` is compressed with {by}; write the file with snappy, \
                 zstd, gzip or lz4",
                self.name
            )));
        }
        Ok(())
    }

    /// Turns to the next group that has rows; false: there is none.
    fn turn_to_group(&mut self) -> Result<bool, OperatorError> {
        while self.left == 0 {
            let at = self.next_group;
            let Some(metadata) = self.reader.metadata().row_groups().get(at) else {
                return Ok(false);
            };
            self.left = usize::try_from(metadata.num_rows())
                .map_err(|_| broken(&self.name, "it has less than no rows"))?;
            self.next_group += 1;
            let group = guarded(&self.name, || self.reader.get_row_group(at))?;
            self.columns.clear();
            for (column, leaf) in &self.taken {
                let reader = guarded(&self.name, || group.get_column_reader(*leaf))?;
                self.columns.push(column::over(reader, column));
            }
        }
        Ok(true)
    }

    fn decode(&mut self) -> Result<(), OperatorError> {
        self.batch = self.left.min(BATCH_ROWS);
        for (column, (known, _)) in self.columns.iter_mut().zip(&self.taken) {
            let rows = guarded(&self.name, || column.fill(self.batch))?;
            if rows != self.batch {
                let what = format!("column `{}` ends before its group of rows does", known.name);
                return Err(broken(&self.name, &what));
            }
        }
        self.left -= self.batch;
        self.row = 0;
        Ok(())
    }
}

impl Cursor for Rows {
    fn header(&self) -> Vec<String> {
        self.taken.iter().map(|(column, _)| column.name.clone()).collect()
    }

    fn advance(&mut self) -> Result<bool, OperatorError> {
        if self.row == self.batch {
            if !self.turn_to_group()? {
                return Ok(false);
            }
            self.decode()?;
        }
        for column in &mut self.columns {
            column.step(self.row);
        }
        self.row += 1;
        self.position += 1;
        Ok(true)
    }

    fn complaint(&self) -> Option<String> {
        None
    }

    fn cell(&self, at: usize) -> Cell<'_> {
        self.columns[at].cell()
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn unit(&self) -> &'static str {
        "row"
    }

    fn raw(&self) -> Vec<String> {
        let text = |column: &dyn Column| match column.cell() {
            Cell::Null => String::new(),
            cell => cell.to_string(),
        };
        self.columns.iter().map(|column| text(column.as_ref())).collect()
    }
}

/// Opens a file whose beginning and end say that it is one.
fn open(file: &SourceFile) -> Result<SerializedFileReader<File>, OperatorError> {
    let mut opened = file.open()?;
    let name = &file.name;
    let is_whole = |edges: &[[u8; 4]; 2]| edges.iter().all(|edge| edge == MAGIC);
    let edges =
        edges(&mut opened).map_err(|error| OperatorError::io(&format!("read `{name}`"), &error))?;
    match edges {
        Some(edges) if is_whole(&edges) => {}
        Some(edges) if edges.contains(MAGIC_ENCRYPTED) => {
            return Err(OperatorError::fatal(format!(
                "`{name}` is encrypted; write it without, and let its disk or bucket encrypt it"
            )));
        }
        Some([begin, _]) if begin == *MAGIC => {
            return Err(OperatorError::fatal(format!(
                "`{name}` is cut off: it begins as Parquet does, and does not end so"
            )));
        }
        _ => {
            return Err(OperatorError::fatal(format!(
                "`{name}` is no Parquet file: it does not begin with `PAR1`"
            )));
        }
    }
    guarded(name, || SerializedFileReader::new(opened))
}

/// Has the crate read: of some broken files it panics in the middle.
fn guarded<R>(
    name: &str,
    read: impl FnOnce() -> Result<R, ParquetError>,
) -> Result<R, OperatorError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| unread(name, &error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            Err(broken(name, text.unwrap_or("the reader gave it up")))
        }
    }
}

/// Reads the first and the last four bytes; `None`: it has not so many.
fn edges(file: &mut File) -> std::io::Result<Option<[[u8; 4]; 2]>> {
    if file.metadata()?.len() < 12 {
        return Ok(None);
    }
    let mut edges = [[0; 4]; 2];
    file.read_exact(&mut edges[0])?;
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut edges[1])?;
    file.rewind()?;
    Ok(Some(edges))
}

fn unread(name: &str, error: &ParquetError) -> OperatorError {
    match error {
        ParquetError::External(source) => match source.downcast_ref::<std::io::Error>() {
            Some(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                OperatorError::io(&format!("read `{name}`"), error)
            }
            _ => broken(name, &source.to_string()),
        },
        other => broken(name, &other.to_string()),
    }
}

fn broken(name: &str, what: &str) -> OperatorError {
    let what = what.strip_prefix("Parquet error: ").unwrap_or(what);
    OperatorError::fatal(format!("`{name}` is broken, or has columns that are encrypted: {what}"))
}

#[cfg(test)]
mod tests;
