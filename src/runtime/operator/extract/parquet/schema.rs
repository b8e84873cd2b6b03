//! What a Parquet file says of its columns, as the types of our tables.

use ::parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::FileReader;
use ::parquet::schema::types::{ColumnDescriptor, Type};

use super::column::{Meaning, Unit};
use super::open;
use crate::runtime::operator::column_type::ColumnType;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::extract::Wanted;
use crate::runtime::operator::extract::files::SourceFile;

/// More digits than this are in no number of ours.
const DIGITS_MAX: i32 = 38;

/// A column of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileColumn {
    pub(super) name: String,
    pub(super) meaning: Meaning,
    pub(super) is_optional: bool,
    column_type: ColumnType,
    /// Where it stands among all that have values; or why it cannot be read.
    leaf: Result<usize, String>,
}

impl FileColumn {
    /// Returns its place among the file's columns that have values; refuses what is none.
    pub(super) fn leaf(&self, file: &str) -> Result<usize, OperatorError> {
        self.leaf.clone().map_err(|why| {
            OperatorError::fatal(format!(
                "`{file}`: column `{}` {why}; name the columns to take in `schema`, or write it \
                 as columns of its own",
                self.name
            ))
        })
    }
}

/// Lists the columns of a file in its order; refuses a file that has none, or two of one name.
pub(super) fn columns(
    file: &str,
    metadata: &ParquetMetaData,
) -> Result<Vec<FileColumn>, OperatorError> {
    let schema = metadata.file_metadata().schema_descr();
    let mut columns: Vec<FileColumn> = Vec::new();
    for field in schema.root_schema().get_fields() {
        let name = field.name();
        if columns.iter().any(|before| before.name.eq_ignore_ascii_case(name)) {
            return Err(OperatorError::fatal(format!("`{file}` has two columns `{name}`")));
        }
        let leaf = (0..schema.num_columns()).find(|leaf| {
            let column = schema.column(*leaf);
            matches!(column.path().parts(), [only] if only == name)
        });
        columns.push(match leaf.filter(|_| field.is_primitive()) {
            Some(leaf) => flat(name, leaf, &schema.column(leaf), repetition(field)),
            None => unreadable(name, format!("is {}", nested(field))),
        });
    }
    if columns.is_empty() {
        return Err(OperatorError::fatal(format!("`{file}` has no columns")));
    }
    Ok(columns)
}

fn repetition(field: &Type) -> Repetition {
    let info = field.get_basic_info();
    if info.has_repetition() { info.repetition() } else { Repetition::REQUIRED }
}

fn nested(field: &Type) -> &'static str {
    let info = field.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::List), _) | (_, ConvertedType::LIST) => "a list",
        (Some(LogicalType::Map), _) | (_, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
            "a map"
        }
        _ => "a struct",
    }
}

fn unreadable(name: &str, why: String) -> FileColumn {
    FileColumn {
        name: name.to_owned(),
        meaning: Meaning::Plain,
        is_optional: true,
        column_type: ColumnType::Text,
        leaf: Err(why),
    }
}

fn flat(name: &str, leaf: usize, column: &ColumnDescriptor, repetition: Repetition) -> FileColumn {
    if repetition == Repetition::REPEATED {
        return unreadable(name, "is a list".to_owned());
    }
    match meaning(column) {
        Ok((meaning, column_type)) => FileColumn {
            name: name.to_owned(),
            meaning,
            is_optional: repetition == Repetition::OPTIONAL,
            column_type,
            leaf: Ok(leaf),
        },
        Err(why) => unreadable(name, why),
    }
}

/// Says what a column's values mean, by the newer word where the file has it, else by the older.
fn meaning(column: &ColumnDescriptor) -> Result<(Meaning, ColumnType), String> {
    let plain = |column_type| Ok((Meaning::Plain, column_type));
    let text = || Ok((Meaning::Text, ColumnType::Text));
    match column.logical_type_ref() {
        Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => text(),
        Some(LogicalType::Decimal(decimal)) => digits(decimal.precision, decimal.scale),
        Some(LogicalType::Date) => Ok((Meaning::Date, ColumnType::Date)),
        Some(LogicalType::Time(time)) => {
            Ok((Meaning::TimeOfDay(unit(&time.unit)), ColumnType::Text))
        }
        Some(LogicalType::Timestamp(at)) if at.is_adjusted_to_u_t_c => {
            Ok((Meaning::Instant(unit(&at.unit)), ColumnType::TimestampTz))
        }
        Some(LogicalType::Timestamp(at)) => {
            Ok((Meaning::Civil(unit(&at.unit)), ColumnType::Timestamp))
        }
        Some(LogicalType::Integer(int)) if int.is_signed => plain(ColumnType::Int),
        Some(LogicalType::Integer(_)) => Ok(unsigned(column)),
        Some(LogicalType::Uuid) => Ok((Meaning::Uuid, ColumnType::Text)),
        Some(LogicalType::Float16) => Ok((Meaning::Half, ColumnType::Float)),
        // A column that has no value at all.
        Some(LogicalType::Unknown) => plain(ColumnType::Text),
        Some(
            LogicalType::Bson
            | LogicalType::Geometry(_)
            | LogicalType::Geography(_)
            | LogicalType::Map
            | LogicalType::List
            | LogicalType::Variant(_)
            | LogicalType::File
            | LogicalType::_Unknown { .. },
        )
        | None => older(column),
    }
}

fn older(column: &ColumnDescriptor) -> Result<(Meaning, ColumnType), String> {
    use ConvertedType as Converted;
    let instant = |unit| Ok((Meaning::Instant(unit), ColumnType::TimestampTz));
    let time = |unit| Ok((Meaning::TimeOfDay(unit), ColumnType::Text));
    match column.converted_type() {
        Converted::UTF8 | Converted::ENUM | Converted::JSON => {
            Ok((Meaning::Text, ColumnType::Text))
        }
        Converted::DECIMAL => digits(column.type_precision(), column.type_scale()),
        Converted::DATE => Ok((Meaning::Date, ColumnType::Date)),
        Converted::TIME_MILLIS => time(Unit::Millis),
        Converted::TIME_MICROS => time(Unit::Micros),
        Converted::TIMESTAMP_MILLIS => instant(Unit::Millis),
        Converted::TIMESTAMP_MICROS => instant(Unit::Micros),
        Converted::UINT_8 | Converted::UINT_16 | Converted::UINT_32 | Converted::UINT_64 => {
            Ok(unsigned(column))
        }
        Converted::INTERVAL => Err("is a stretch of time in months, days and milliseconds".into()),
        Converted::NONE
        | Converted::MAP
        | Converted::MAP_KEY_VALUE
        | Converted::LIST
        | Converted::INT_8
        | Converted::INT_16
        | Converted::INT_32
        | Converted::INT_64
        | Converted::BSON => Ok((Meaning::Plain, by_bytes(column.physical_type()))),
    }
}

/// What the values of a column are that says nothing further.
fn by_bytes(physical: Physical) -> ColumnType {
    match physical {
        Physical::BOOLEAN => ColumnType::Bool,
        Physical::INT32 | Physical::INT64 => ColumnType::Int,
        Physical::INT96 => ColumnType::Timestamp,
        Physical::FLOAT | Physical::DOUBLE => ColumnType::Float,
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => ColumnType::Bytes,
    }
}

/// One of 64 bits has numbers that no `int` has.
fn unsigned(column: &ColumnDescriptor) -> (Meaning, ColumnType) {
    let column_type = match column.physical_type() {
        Physical::INT64 => ColumnType::Decimal(Some((20, 0))),
        _ => ColumnType::Int,
    };
    (Meaning::Unsigned, column_type)
}

fn digits(precision: i32, scale: i32) -> Result<(Meaning, ColumnType), String> {
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(digits), Ok(scale)) if precision <= DIGITS_MAX && 0 < digits && scale <= digits => {
            Ok((Meaning::Decimal(scale), ColumnType::Decimal(Some((digits, scale)))))
        }
        _ => Err(format!(
            "is a decimal of {precision} digits, {scale} of them behind the point; up to \
             {DIGITS_MAX} are read"
        )),
    }
}

fn unit(unit: &TimeUnit) -> Unit {
    match unit {
        TimeUnit::MILLIS => Unit::Millis,
        TimeUnit::MICROS => Unit::Micros,
        TimeUnit::NANOS => Unit::Nanos,
    }
}

/// Takes the columns of the first file, with types that hold those of all.
pub(in crate::runtime::operator::extract) fn infer(
    files: &[SourceFile],
) -> Result<Vec<Wanted>, OperatorError> {
    let mut common: Vec<Wanted> = Vec::new();
    for file in files {
        let columns = columns(&file.name, open(file)?.metadata())?;
        for column in &columns {
            column.leaf(&file.name)?;
        }
        if common.is_empty() {
            let wanted = columns
                .into_iter()
                .map(|column| Wanted { name: column.name, column_type: column.column_type });
            common = wanted.collect();
            continue;
        }
        for known in &mut common {
            // Whether it has all of them is told when it is read.
            let Some(found) = columns.iter().find(|column| column.name == known.name) else {
                continue;
            };
            known.column_type = both(known.column_type, found.column_type).ok_or_else(|| {
                OperatorError::fatal(format!(
                    "`{}`: column `{}` is {}, and {} in `{}`; say in `schema` what it is to be",
                    file.name,
                    known.name,
                    found.column_type.name(),
                    known.column_type.name(),
                    files[0].name
                ))
            })?;
        }
    }
    Ok(common)
}

/// The type that holds the values of either.
fn both(one: ColumnType, other: ColumnType) -> Option<ColumnType> {
    use ColumnType::{Decimal, Float, Int};
    match (one, other) {
        _ if one == other => Some(one),
        (Int, Float) | (Float, Int) => Some(Float),
        (Decimal(Some((a, b))), Decimal(Some((c, d)))) => {
            let (scale, whole) = (b.max(d), (a - b).max(c - d));
            Some(Decimal(Some((whole + scale, scale))))
        }
        _ => None,
    }
}
