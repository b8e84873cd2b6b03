//! Which type of PostgreSQL stands for which of ours, both ways.

use tokio_postgres::types::Type;

use crate::runtime::operator::column_type::ColumnType;

/// Returns the type that a new table is given.
pub(crate) fn declared(column_type: ColumnType) -> String {
    let declared = match column_type {
        ColumnType::Int => "bigint",
        ColumnType::Float => "double precision",
        ColumnType::Decimal(None) => "numeric",
        ColumnType::Decimal(Some((digits, scale))) => return format!("numeric({digits},{scale})"),
        ColumnType::Text => "text",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
        ColumnType::TimestampTz => "timestamptz",
        ColumnType::Bool => "boolean",
        ColumnType::Bytes => "bytea",
    };
    declared.to_owned()
}

/// Returns what a column of the server is to us; all that we do not reckon with (JSON, UUIDs, lists,
/// enumerations, ranges …) is its text.
pub(crate) fn of_server(kind: &Type, modifier: i32) -> ColumnType {
    match *kind {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => ColumnType::Int,
        Type::FLOAT4 | Type::FLOAT8 => ColumnType::Float,
        Type::NUMERIC => ColumnType::Decimal(digits(modifier)),
        Type::BOOL => ColumnType::Bool,
        Type::DATE => ColumnType::Date,
        Type::TIMESTAMP => ColumnType::Timestamp,
        Type::TIMESTAMPTZ => ColumnType::TimestampTz,
        Type::BYTEA => ColumnType::Bytes,
        _ => ColumnType::Text,
    }
}

/// Reads the modifier of a `numeric`, as the server packs it; a scale below zero is none of ours.
fn digits(modifier: i32) -> Option<(u8, u8)> {
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    let digits = u8::try_from((packed >> 16) & 0xffff).ok()?;
    let scale = u8::try_from(packed & 0x7ff).ok()?;
    (scale <= digits).then_some((digits, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_tells_its_digits() {
        assert_eq!(digits(-1), None);
        assert_eq!(digits((12 << 16 | 2) + 4), Some((12, 2)));
        assert_eq!(digits((2 << 16 | 5) + 4), None);
    }
}
