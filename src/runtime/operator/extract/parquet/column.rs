//! The values of a column, a batch at a time, and what each means.

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use ::parquet::errors::ParquetError;
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};

use super::schema::FileColumn;
use crate::runtime::operator::extract::field::Cell;

/// What the numbers and bytes of a column stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What they are.
    Plain,
    Unsigned,
    /// With so many digits behind the point.
    Decimal(u8),
    Text,
    Date,
    TimeOfDay(Unit),
    /// Of some clock.
    Civil(Unit),
    Instant(Unit),
    Uuid,
    Half,
}

/// What a time is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    fn nanos(self, count: i64) -> i128 {
        let each = match self {
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        };
        i128::from(count) * each
    }
}

/// A column of the group that is read.
pub(super) trait Column {
    /// Decodes the next rows; returns how many there are.
    fn fill(&mut self, rows: usize) -> Result<usize, ParquetError>;
    /// Moves to a row of the batch: each in its turn, from 0.
    fn step(&mut self, row: usize);
    /// The value of the row that it stands on. What is none of its kind (a day that no calendar
    /// has, bytes that are no text) is given as it stands in the file.
    fn cell(&self) -> Cell<'_>;
}

/// Makes a column of its reader.
pub(super) fn over(reader: ColumnReader, column: &FileColumn) -> Box<dyn Column> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            Batch::boxed(reader, column, |flag, _| Cell::Bool(*flag))
        }
        ColumnReader::Int32ColumnReader(reader) => Batch::boxed(reader, column, of_i32),
        ColumnReader::Int64ColumnReader(reader) => Batch::boxed(reader, column, of_i64),
        ColumnReader::Int96ColumnReader(reader) => Batch::boxed(reader, column, of_i96),
        ColumnReader::FloatColumnReader(reader) => {
            Batch::boxed(reader, column, |number, _| Cell::Float(f64::from(*number)))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            Batch::boxed(reader, column, |number, _| Cell::Float(*number))
        }
        ColumnReader::ByteArrayColumnReader(reader) => Batch::boxed(reader, column, of_byte_array),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            Batch::boxed(reader, column, of_fixed)
        }
    }
}

type ToCell<T> = for<'a> fn(&'a T, Meaning) -> Cell<'a>;

struct Batch<T: DataType> {
    reader: ColumnReaderImpl<T>,
    meaning: Meaning,
    to_cell: ToCell<T::T>,
    is_optional: bool,
    /// Of each row whether it has a value (1) or none (0); where it is optional.
    levels: Vec<i16>,
    values: Vec<T::T>,
    /// Values of the rows before the next.
    passed: usize,
    /// Where the value of this row lies.
    at: Option<usize>,
}

impl<T: DataType> Batch<T> {
    fn boxed(
        reader: ColumnReaderImpl<T>,
        column: &FileColumn,
        to_cell: ToCell<T::T>,
    ) -> Box<dyn Column>
    where
        T: 'static,
    {
        Box::new(Self {
            reader,
            meaning: column.meaning,
            to_cell,
            is_optional: column.is_optional,
            levels: Vec::new(),
            values: Vec::new(),
            passed: 0,
            at: None,
        })
    }
}

impl<T: DataType> Column for Batch<T> {
    fn fill(&mut self, rows: usize) -> Result<usize, ParquetError> {
        self.levels.clear();
        self.values.clear();
        self.passed = 0;
        let levels = Some(&mut self.levels);
        let (records, ..) = self.reader.read_records(rows, levels, None, &mut self.values)?;
        Ok(records)
    }

    fn step(&mut self, row: usize) {
        let has_value = !self.is_optional || self.levels.get(row).is_some_and(|level| *level > 0);
        self.at = has_value.then_some(self.passed);
        self.passed += usize::from(has_value);
    }

    fn cell(&self) -> Cell<'_> {
        let value = self.at.and_then(|at| self.values.get(at));
        value.map_or(Cell::Null, |value| (self.to_cell)(value, self.meaning))
    }
}

fn of_i32(number: &i32, meaning: Meaning) -> Cell<'static> {
    match meaning {
        Meaning::Unsigned => Cell::Int(i64::from(number.cast_unsigned())),
        Meaning::Date => day(*number).map_or(Cell::Int(i64::from(*number)), Cell::Date),
        other => of_i64(&i64::from(*number), other),
    }
}

fn of_i64(number: &i64, meaning: Meaning) -> Cell<'static> {
    let as_it_stands = Cell::Int(*number);
    match meaning {
        Meaning::Unsigned => match i64::try_from(number.cast_unsigned()) {
            Ok(number) => Cell::Int(number),
            Err(_) => Cell::Text(number.cast_unsigned().to_string().into()),
        },
        Meaning::Decimal(scale) => Cell::Text(decimal(i128::from(*number), scale).into()),
        Meaning::TimeOfDay(unit) => {
            let since = i64::try_from(unit.nanos(*number)).ok();
            let time = since.and_then(|nanos| {
                Time::midnight().checked_add(SignedDuration::from_nanos(nanos)).ok()
            });
            time.map_or(as_it_stands, |time| Cell::Text(time.to_string().into()))
        }
        Meaning::Civil(unit) => civil(unit.nanos(*number)).map_or(as_it_stands, Cell::Civil),
        Meaning::Instant(unit) => {
            let at = Timestamp::from_nanosecond(unit.nanos(*number));
            at.map_or(as_it_stands, Cell::Instant)
        }
        Meaning::Plain | Meaning::Text | Meaning::Date | Meaning::Uuid | Meaning::Half => {
            as_it_stands
        }
    }
}

/// A day (Julian, the third word) and the nanoseconds in it: what old programs wrote for a time.
fn of_i96(value: &Int96, _: Meaning) -> Cell<'static> {
    const EPOCH: i64 = 2_440_588;
    let [low, high, day] = value.data() else { return Cell::Null };
    let nanos = i128::from((u64::from(*high) << 32) | u64::from(*low));
    let day = i64::from(*day) - EPOCH;
    let at = civil(i128::from(day) * 86_400_000_000_000 + nanos);
    at.map_or(Cell::Int(day), Cell::Civil)
}

fn of_byte_array(value: &ByteArray, meaning: Meaning) -> Cell<'_> {
    let bytes = value.data();
    match meaning {
        Meaning::Text => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text.into()),
            Err(_) => Cell::Bytes(bytes),
        },
        Meaning::Decimal(scale) => match big_endian(bytes) {
            Some(unscaled) => Cell::Text(decimal(unscaled, scale).into()),
            None => Cell::Bytes(bytes),
        },
        Meaning::Uuid => match uuid::Uuid::from_slice(bytes) {
            Ok(id) => Cell::Text(id.to_string().into()),
            Err(_) => Cell::Bytes(bytes),
        },
        Meaning::Half => match bytes {
            [low, high] => Cell::Float(half::f16::from_le_bytes([*low, *high]).to_f64()),
            _ => Cell::Bytes(bytes),
        },
        Meaning::Plain
        | Meaning::Unsigned
        | Meaning::Date
        | Meaning::TimeOfDay(_)
        | Meaning::Civil(_)
        | Meaning::Instant(_) => Cell::Bytes(bytes),
    }
}

fn of_fixed(value: &FixedLenByteArray, meaning: Meaning) -> Cell<'_> {
    of_byte_array(value, meaning)
}

fn day(since_epoch: i32) -> Option<Date> {
    let days = SignedDuration::from_hours(i64::from(since_epoch) * 24);
    jiff::civil::date(1970, 1, 1).checked_add(days).ok()
}

/// Of what has no zone: the time that a clock showed.
fn civil(since_epoch: i128) -> Option<DateTime> {
    let as_utc = Timestamp::from_nanosecond(since_epoch).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(as_utc))
}

/// Reads a number of up to sixteen bytes, in two's complement.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let fill = if first & 0x80 == 0 { 0 } else { 0xff };
    let mut whole = [fill; 16];
    let at = whole.len().checked_sub(bytes.len())?;
    whole[at..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(whole))
}

/// Writes a number that has so many digits behind the point.
fn decimal(unscaled: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    if scale == 0 {
        return unscaled.to_string();
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_written_with_all_its_digits() {
        assert_eq!(decimal(1250, 2), "12.50");
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(big_endian(&[0xff, 0x85]), Some(-123));
        assert_eq!(big_endian(&[0; 17]), None);
    }

    #[test]
    fn what_no_calendar_has_is_given_as_it_stands() {
        assert_eq!(of_i32(&i32::MAX, Meaning::Date), Cell::Int(i64::from(i32::MAX)));
        let at = Meaning::Instant(Unit::Millis);
        assert_eq!(of_i64(&i64::MAX, at), Cell::Int(i64::MAX));
        let at = Meaning::TimeOfDay(Unit::Micros);
        assert_eq!(of_i64(&90_000_000_000, at), Cell::Int(90_000_000_000));
        assert_eq!(of_i64(&-1, Meaning::Unsigned), Cell::Text(u64::MAX.to_string().into()));
    }
}
