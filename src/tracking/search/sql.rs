//! SQL of a filter and an order, whatever is searched; what people wrote is only ever a bound
//! value.

use rusqlite::types::Value as SqlValue;

use crate::types::search::{Attribute, Clause, Comparator, DatasetField, Operand, Order, Subject};

/// Where the store keeps what one kind of thing is searched by. All of it is text of ours.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What is selected from, with its alias: `runs AS r`.
    pub(crate) from: &'static str,
    pub(crate) metrics: Option<Table>,
    pub(crate) params: Option<Table>,
    pub(crate) tags: Option<Table>,
    /// A column, or an expression, of an attribute; times in milliseconds.
    pub(crate) column: fn(Attribute) -> &'static str,
    /// What follows the order that was asked for, so that pages do not overlap.
    pub(crate) ties: &'static str,
}

/// A table of keys and values.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// How its rows, as `v`, belong to what is searched: `v.run_id = r.run_id`.
    pub(crate) join: &'static str,
}

/// A statement with its values.
pub(crate) struct Sql {
    shape: &'static Shape,
    pub(crate) text: String,
    pub(crate) values: Vec<SqlValue>,
}

impl Sql {
    /// Begins with `SELECT what FROM …`, where a `WHERE` is to come next.
    pub(crate) fn select(what: &str, shape: &'static Shape) -> Self {
        Self { shape, text: format!("SELECT {what} FROM {}", shape.from), values: Vec::new() }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn bind(&mut self, value: SqlValue) {
        self.values.push(value);
        self.text.push_str(&format!("?{}", self.values.len()));
    }

    /// Binds a list between brackets; an empty one holds nothing.
    pub(crate) fn bind_all(&mut self, values: impl IntoIterator<Item = SqlValue>) {
        self.push("(");
        for (at, value) in values.into_iter().enumerate() {
            self.push(if at == 0 { "" } else { ", " });
            self.bind(value);
        }
        self.push(")");
    }

    /// Adds ` AND …` for each clause.
    pub(crate) fn clauses(&mut self, clauses: &[Clause]) {
        for clause in clauses {
            self.push(" AND ");
            self.clause(clause);
        }
    }

    fn clause(&mut self, clause: &Clause) {
        match &clause.subject {
            Subject::Attribute(attribute) => {
                let column = (self.shape.column)(*attribute);
                self.test(column, clause);
            }
            Subject::Dataset(field) => {
                self.push("EXISTS (SELECT 1 FROM run_dataset AS v WHERE v.run_id = r.run_id AND ");
                self.test(of_dataset(*field), clause);
                self.push(")");
            }
            Subject::Metric(key) | Subject::Param(key) | Subject::Tag(key) => {
                // What lacks the key passes no comparison with it, `!=` included.
                let is_missing = clause.comparator == Comparator::IsNull;
                self.push(if is_missing { "NOT EXISTS (" } else { "EXISTS (" });
                self.value_of(&clause.subject, key, "1");
                if !matches!(clause.comparator, Comparator::IsNull | Comparator::IsNotNull) {
                    self.push(" AND ");
                    self.test("v.value", clause);
                }
                self.push(")");
            }
        }
    }

    /// Compares a column, or an expression, as a clause says.
    pub(crate) fn test(&mut self, column: &str, clause: &Clause) {
        let sign = match clause.comparator {
            Comparator::Equal | Comparator::IsNull | Comparator::IsNotNull => " = ",
            // NaN, kept as NULL, is unlike any number.
            Comparator::NotEqual if matches!(clause.subject, Subject::Metric(_)) => " IS NOT ",
            Comparator::NotEqual => " != ",
            Comparator::Less => " < ",
            Comparator::LessOrEqual => " <= ",
            Comparator::Greater => " > ",
            Comparator::GreaterOrEqual => " >= ",
            // SQLite's LIKE does not tell case; its GLOB does.
            Comparator::Like => " GLOB ",
            Comparator::ILike => " LIKE ",
            Comparator::In => " IN ",
            Comparator::NotIn => " NOT IN ",
        };
        self.push(column);
        self.push(sign);
        match &clause.operand {
            Operand::Nothing => self.push("NULL"),
            Operand::Number(number) => self.bind(SqlValue::Real(*number)),
            Operand::Text(text) if clause.comparator == Comparator::Like => {
                self.bind(SqlValue::Text(glob(text)));
            }
            Operand::Text(text) => self.bind(SqlValue::Text(text.clone())),
            Operand::List(items) => {
                self.bind_all(items.iter().map(|item| SqlValue::Text(item.clone())));
            }
        }
    }

    /// Adds ` ORDER BY …`: values first, then NaN, then what lacks the key, whichever the
    /// direction; then the ties.
    pub(crate) fn order(&mut self, order: &[Order]) {
        self.push(" ORDER BY ");
        for key in order {
            self.order_key(key);
        }
        self.push(self.shape.ties);
    }

    /// Adds one key of an order, with a comma behind it.
    pub(crate) fn order_key(&mut self, key: &Order) {
        let direction = if key.is_descending { "DESC" } else { "ASC" };
        match &key.subject {
            Subject::Attribute(attribute) => {
                let column = (self.shape.column)(*attribute);
                self.push(&format!("{column} IS NULL, {column} {direction}, "));
            }
            Subject::Dataset(_) => {}
            Subject::Metric(name) | Subject::Param(name) | Subject::Tag(name) => {
                self.push("ifnull((");
                self.value_of(&key.subject, name, "v.value IS NULL");
                self.push("), 2), (");
                self.value_of(&key.subject, name, "v.value");
                self.push(&format!(") {direction}, "));
            }
        }
    }

    /// Adds the end of a page.
    pub(crate) fn page(&mut self, limit: u32, offset: u32) {
        self.push(" LIMIT ");
        self.bind(SqlValue::Integer(limit.into()));
        self.push(" OFFSET ");
        self.bind(SqlValue::Integer(offset.into()));
    }

    /// Adds a query, without its brackets, for what is kept under a key.
    fn value_of(&mut self, subject: &Subject, key: &str, what: &str) {
        let table = match subject {
            Subject::Metric(_) => &self.shape.metrics,
            Subject::Param(_) => &self.shape.params,
            Subject::Tag(_) => &self.shape.tags,
            Subject::Attribute(_) | Subject::Dataset(_) => &None,
        };
        match table {
            Some(Table { name, join }) => {
                self.push(&format!("SELECT {what} FROM {name} AS v WHERE {join} AND v.key = "));
                self.bind(SqlValue::Text(key.to_owned()));
            }
            // The vocabulary has no such subject.
            None => self.push("SELECT NULL AS value WHERE 0"),
        }
    }
}

fn of_dataset(field: DatasetField) -> &'static str {
    match field {
        DatasetField::Name => "v.name",
        DatasetField::Digest => "v.digest",
        DatasetField::Context => "v.context",
    }
}

/// Writes a LIKE pattern as GLOB takes it.
fn glob(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '%' => out.push('*'),
            '_' => out.push('?'),
            '*' | '?' | '[' => out.extend(['[', c, ']']),
            c => out.push(c),
        }
    }
    out
}
