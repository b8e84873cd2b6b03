//! The types that a column of a file may have.

use rusqlite::types::Value as Sql;

/// What a field is read as. An empty field is null, whatever the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Int,
    Float,
    Text,
    Date,
    Bool,
}

impl ColumnType {
    pub(super) const NAMES: &'static str = "int, float, text, date, bool";

    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "int" | "integer" | "long" => Some(Self::Int),
            "float" | "double" | "number" => Some(Self::Float),
            "text" | "string" | "str" => Some(Self::Text),
            "date" => Some(Self::Date),
            "bool" | "boolean" => Some(Self::Bool),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
            Self::Date => "date",
            Self::Bool => "bool",
        }
    }

    /// Returns the type as a table declares it.
    pub(super) fn declared(self) -> &'static str {
        match self {
            Self::Int => "INTEGER",
            Self::Float => "REAL",
            Self::Text => "TEXT",
            Self::Date => "DATE",
            Self::Bool => "BOOLEAN",
        }
    }

    /// Reads a field; `None`: it is not of this type. Text is kept as it is.
    pub(super) fn read(self, field: &str) -> Option<Sql> {
        let trimmed = field.trim();
        if trimmed.is_empty() {
            return Some(Sql::Null);
        }
        match self {
            Self::Int => trimmed.parse().ok().map(Sql::Integer),
            Self::Float => {
                trimmed.parse().ok().filter(|number: &f64| number.is_finite()).map(Sql::Real)
            }
            Self::Text => Some(Sql::Text(field.to_owned())),
            Self::Date => is_date(trimmed).then(|| Sql::Text(trimmed.to_owned())),
            Self::Bool => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(Sql::Integer(1)),
                "false" | "no" | "0" => Some(Sql::Integer(0)),
                _ => None,
            },
        }
    }
}

/// Says whether it is a day of the calendar, written `2026-01-31`.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Narrows down what the fields of a column have in common.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inference {
    seen: bool,
    not_int: bool,
    not_float: bool,
    not_date: bool,
    not_bool: bool,
}

impl Inference {
    pub(super) fn see(&mut self, field: &str) {
        let field = field.trim();
        if field.is_empty() {
            return;
        }
        self.seen = true;
        let reads = |column_type: ColumnType| column_type.read(field).is_some();
        // A number with a leading zero is a code, such as a postal one.
        let is_code = field.len() > 1
            && field.starts_with('0')
            && field.bytes().all(|byte| byte.is_ascii_digit());
        self.not_int = self.not_int || is_code || !reads(ColumnType::Int);
        self.not_float = self.not_float || is_code || !reads(ColumnType::Float);
        self.not_date = self.not_date || !reads(ColumnType::Date);
        self.not_bool = self.not_bool || !matches!(field, "true" | "false" | "True" | "False");
    }

    pub(super) fn column_type(self) -> ColumnType {
        match self {
            Self { seen: false, .. } => ColumnType::Text,
            Self { not_int: false, .. } => ColumnType::Int,
            Self { not_float: false, .. } => ColumnType::Float,
            Self { not_date: false, .. } => ColumnType::Date,
            Self { not_bool: false, .. } => ColumnType::Bool,
            _ => ColumnType::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_their_type_or_refused() {
        assert_eq!(ColumnType::Int.read(" 42 "), Some(Sql::Integer(42)));
        assert_eq!(ColumnType::Int.read("4.2"), None);
        assert_eq!(ColumnType::Float.read("1e3"), Some(Sql::Real(1000.0)));
        assert_eq!(ColumnType::Float.read("inf"), None);
        assert_eq!(ColumnType::Date.read("2026-02-30"), None);
        assert_eq!(ColumnType::Date.read("02/03/2026"), None);
        assert_eq!(ColumnType::Bool.read("YES"), Some(Sql::Integer(1)));
        assert_eq!(ColumnType::Text.read(" a "), Some(Sql::Text(" a ".into())));
        assert_eq!(ColumnType::Date.read(" "), Some(Sql::Null));
    }

    #[test]
    fn a_column_is_inferred_as_the_narrowest_type_that_takes_all() {
        let infer = |fields: &[&str]| {
            let mut inference = Inference::default();
            fields.iter().for_each(|field| inference.see(field));
            inference.column_type()
        };
        assert_eq!(infer(&["1", "", "-2"]), ColumnType::Int);
        assert_eq!(infer(&["1", "2.5"]), ColumnType::Float);
        assert_eq!(infer(&["2026-01-01", ""]), ColumnType::Date);
        assert_eq!(infer(&["true", "false"]), ColumnType::Bool);
        assert_eq!(infer(&["1", "x"]), ColumnType::Text);
        assert_eq!(infer(&["01234", "98765"]), ColumnType::Text);
        assert_eq!(infer(&["", ""]), ColumnType::Text);
    }
}
