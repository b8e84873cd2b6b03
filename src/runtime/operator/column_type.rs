//! The types that a column of a table may have: as people write them, as the run's tables declare
//! them, and what a declaration means.
//!
//! SQLite keeps days and instants as text (ISO 8601), truth values as 0 and 1. A decimal of up to
//! 15 digits is a number there, exact and good to reckon with; a longer one is kept as text.

use super::tables::TableColumn;

/// SQLite's numbers keep so many digits of a decimal.
const EXACT_DIGITS_MAX: u8 = 15;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Int,
    Float,
    /// With so many digits, so many of them behind the point; of any length where it is not said.
    Decimal(Option<(u8, u8)>),
    Text,
    Date,
    /// A day and a time of some clock.
    Timestamp,
    /// An instant.
    TimestampTz,
    Bool,
    Bytes,
}

impl ColumnType {
    pub(super) const NAMES: &'static str = "int, float, decimal, decimal(DIGITS, SCALE), text, date, timestamp, timestamptz, bool, \
         bytes";

    /// Reads a type as people write it.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "int" | "integer" | "long" => Some(Self::Int),
            "float" | "double" | "number" => Some(Self::Float),
            "text" | "string" | "str" => Some(Self::Text),
            "date" => Some(Self::Date),
            "timestamp" | "datetime" => Some(Self::Timestamp),
            "timestamptz" => Some(Self::TimestampTz),
            "bool" | "boolean" => Some(Self::Bool),
            "bytes" | "blob" => Some(Self::Bytes),
            "decimal" => Some(Self::Decimal(None)),
            _ => digits(name.strip_prefix("decimal")?).map(|digits| Self::Decimal(Some(digits))),
        }
    }

    pub(super) fn name(self) -> String {
        let name = match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamptz",
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Decimal(None) => "decimal",
            Self::Decimal(Some((digits, scale))) => return format!("decimal({digits},{scale})"),
        };
        name.to_owned()
    }

    /// Returns the type as a table of SQLite declares it.
    pub(super) fn declared(self) -> String {
        let declared = match self {
            Self::Int => "INTEGER",
            Self::Float => "REAL",
            Self::Text => "TEXT",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::TimestampTz => "TIMESTAMPTZ",
            Self::Bool => "BOOLEAN",
            Self::Bytes => "BLOB",
            Self::Decimal(None) => "TEXT DECIMAL",
            Self::Decimal(Some((digits, scale))) => {
                let kept = if digits > EXACT_DIGITS_MAX { "TEXT " } else { "" };
                return format!("{kept}DECIMAL({digits},{scale})");
            }
        };
        declared.to_owned()
    }

    /// Reads a declaration of SQLite, by the rules of its affinities where it is none of ours.
    /// `None`: it says nothing, and the values tell.
    pub(super) fn of_declared(declared: &str) -> Option<Self> {
        let declared = declared.trim().to_ascii_uppercase();
        let plain = declared.strip_prefix("TEXT ").unwrap_or(&declared);
        if let Some(rest) = plain.strip_prefix("DECIMAL").or(plain.strip_prefix("NUMERIC")) {
            return match digits(rest) {
                Some(digits) => Some(Self::Decimal(Some(digits))),
                None => Some(Self::Decimal(None)).filter(|_| plain != declared),
            };
        }
        match declared.as_str() {
            "DATE" => return Some(Self::Date),
            "TIMESTAMP" | "DATETIME" => return Some(Self::Timestamp),
            "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => return Some(Self::TimestampTz),
            "BOOLEAN" | "BOOL" => return Some(Self::Bool),
            _ => {}
        }
        let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
        if has(&["INT"]) {
            Some(Self::Int)
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Some(Self::Text)
        } else if has(&["BLOB"]) {
            Some(Self::Bytes)
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Some(Self::Float)
        } else {
            None
        }
    }
}

/// Reads `(12, 2)`.
fn digits(text: &str) -> Option<(u8, u8)> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (digits, scale) = inner.split_once(',').unwrap_or((inner, "0"));
    let (digits, scale) = (digits.trim().parse().ok()?, scale.trim().parse().ok()?);
    (digits > 0 && scale <= digits).then_some((digits, scale))
}

/// A column whose type is known: by its declaration, else by its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypedColumn {
    pub(super) name: String,
    pub(super) column_type: ColumnType,
    /// Where not, the type is a guess that a database with types may know better.
    pub(super) is_declared: bool,
}

impl TypedColumn {
    /// Takes what a declaration says.
    pub(super) fn declared(column: &TableColumn) -> Option<Self> {
        let column_type = ColumnType::of_declared(&column.declared_type)?;
        Some(Self { name: column.name.clone(), column_type, is_declared: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_table_declares_is_read_as_what_it_was_made_from() {
        for name in [
            "int",
            "float",
            "text",
            "date",
            "timestamp",
            "timestamptz",
            "bool",
            "bytes",
            "decimal",
            "decimal(10,2)",
            "decimal(38,4)",
        ] {
            let column_type = ColumnType::parse(name).unwrap();
            assert_eq!(column_type.name(), name);
            assert_eq!(ColumnType::of_declared(&column_type.declared()), Some(column_type));
        }
    }

    #[test]
    fn declarations_of_others_are_read_by_their_affinity() {
        assert_eq!(ColumnType::of_declared("VARCHAR(20)"), Some(ColumnType::Text));
        assert_eq!(ColumnType::of_declared("bigint"), Some(ColumnType::Int));
        assert_eq!(ColumnType::of_declared("double precision"), Some(ColumnType::Float));
        assert_eq!(ColumnType::of_declared("numeric"), None);
        assert_eq!(ColumnType::of_declared(""), None);
    }

    #[test]
    fn a_decimal_that_cannot_be_is_none() {
        for name in ["decimal()", "decimal(2,3)", "decimal(0)", "decimal(x)", "money"] {
            assert_eq!(ColumnType::parse(name), None, "{name}");
        }
        assert_eq!(ColumnType::parse("decimal(9)"), Some(ColumnType::Decimal(Some((9, 0)))));
    }
}
