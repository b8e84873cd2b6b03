//! Rows in a Parquet file, flat columns by their names.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{Field, Row};
use hyper::body::Bytes;
use jiff::Timestamp;

use crate::ml::Signature;
use crate::ml::batch::{Batch, Builder, Given, Rules};
use crate::ml::model::DataType;
use crate::serving::refusal::{Refusal, Refused};

/// What the columns of a file may grow to when they are unpacked.
const UNPACKED_BYTES_MAX: i64 = 1 << 28;

/// Reads a file.
pub(crate) fn rows(body: &Bytes, signature: &Signature, rules: Rules) -> Result<Batch, Refused> {
    let mut builder = Builder::new(signature, rules);
    // The library trusts files that were damaged with care.
    let read = catch_unwind(AssertUnwindSafe(|| read(body, &mut builder)));
    let read = read.unwrap_or_else(|_| Err(Refusal::bad_request("the Parquet file is broken")));
    read.map_err(Refused::unread)?;
    builder.finish().map_err(|faults| Refused::by_version(&faults))
}

fn read(body: &Bytes, builder: &mut Builder<'_>) -> Result<(), Refusal> {
    let reader = SerializedFileReader::new(body.clone()).map_err(|error| broken(&error))?;
    let metadata = reader.metadata();
    let count = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    if count == 0 {
        return Err(Refusal::bad_request("the Parquet file holds no rows"));
    }
    let sizes = metadata.row_groups().iter().map(|group| group.total_byte_size());
    if sizes.fold(0, i64::saturating_add) > UNPACKED_BYTES_MAX {
        return Err(Refusal::too_large(format!(
            "the Parquet file unpacks to more than {UNPACKED_BYTES_MAX} bytes"
        )));
    }
    let mut places: Vec<Option<usize>> = Vec::new();
    let mut found = 0;
    for row in reader.get_row_iter(None).map_err(|error| broken(&error))? {
        let row = row.map_err(|error| broken(&error))?;
        if found == count {
            return Err(Refusal::bad_request("the Parquet file holds more rows than it says"));
        }
        builder.add_rows(1).map_err(|fault| Refusal::of_input(&fault))?;
        if found == 0 {
            places = names(&row, builder);
        }
        for ((_, field), place) in row.get_column_iter().zip(&places) {
            if let Some(column) = *place {
                set(builder, found, column, field);
            }
        }
        found += 1;
    }
    match found == count {
        true => Ok(()),
        false => Err(Refusal::bad_request("the Parquet file holds less rows than it says")),
    }
}

/// Finds the columns; pandas's index is none.
fn names(row: &Row, builder: &mut Builder<'_>) -> Vec<Option<usize>> {
    let columns = row.get_column_iter().enumerate();
    columns
        .map(|(nth, (name, _))| match name.starts_with("__index_level_") {
            true => None,
            false => builder.column(0, nth, name),
        })
        .collect()
}

fn set(builder: &mut Builder<'_>, row: usize, column: usize, field: &Field) {
    let number = |number: f64| if number.is_nan() { Given::Null } else { Given::Number(number) };
    let given = match field {
        Field::Null => Given::Null,
        Field::Bool(value) => Given::Boolean(*value),
        Field::Byte(value) => Given::Whole(i64::from(*value)),
        Field::Short(value) => Given::Whole(i64::from(*value)),
        Field::Int(value) => Given::Whole(i64::from(*value)),
        Field::Long(_) if builder.data_type(column) == Some(DataType::Datetime) => {
            return set_text(builder, row, column, field);
        }
        Field::Long(value) => Given::Whole(*value),
        Field::UByte(value) => Given::Whole(i64::from(*value)),
        Field::UShort(value) => Given::Whole(i64::from(*value)),
        Field::UInt(value) => Given::Whole(i64::from(*value)),
        Field::ULong(value) => Given::Number(*value as f64),
        Field::Float16(value) => number(f64::from(value.to_f32())),
        Field::Float(value) => number(f64::from(*value)),
        Field::Double(value) => number(*value),
        Field::Str(text) => Given::Text(text),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Given::Text(text),
            Err(_) => Given::List,
        },
        other => return set_text(builder, row, column, other),
    };
    builder.set(row, column, given);
}

/// Dates and decimals, in the words that a column of theirs takes.
fn set_text(builder: &mut Builder<'_>, row: usize, column: usize, field: &Field) {
    let time = |time: Result<Timestamp, jiff::Error>| {
        time.map_or_else(|_| field.to_string(), |t| t.to_string())
    };
    let text = match field {
        Field::Date(days) => time(Timestamp::from_second(i64::from(*days) * 86_400)),
        Field::TimestampMillis(value) => time(Timestamp::from_millisecond(*value)),
        Field::TimestampMicros(value) => time(Timestamp::from_microsecond(*value)),
        // Of nanoseconds, which pandas writes, the library tells no more than the number.
        Field::Long(value) => {
            time(Ok(Timestamp::from_nanosecond(i128::from(*value)).unwrap_or(Timestamp::MAX)))
        }
        Field::Decimal(_) => match field.to_string().parse() {
            Ok(value) => return builder.set(row, column, Given::Number(value)),
            Err(_) => field.to_string(),
        },
        Field::ListInternal(_) => return builder.set(row, column, Given::List),
        Field::Group(_) | Field::MapInternal(_) => return builder.set(row, column, Given::Record),
        other => other.to_string(),
    };
    builder.set(row, column, Given::Text(&text));
}

fn broken(error: &ParquetError) -> Refusal {
    Refusal::bad_request(format!("the Parquet file is broken: {error}"))
}
