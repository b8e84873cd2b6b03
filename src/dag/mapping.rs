//! Dynamic mapping: what a task or a group runs over, how many instances that makes, and what
//! each of them is given. As in Airflow several keys make their cross product, the last key
//! running fastest, and a table gives its entries as pairs of key and value.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::types::TaskId;

/// What `expand` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expand {
    /// Each key with what it takes its values from.
    Keys(IndexMap<String, Source>),
    /// A list of tables, each of which fills several keys (Airflow's `expand_kwargs`).
    Tables(Source),
}

/// Where values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A list or a table, as written.
    Literal(Value),
    /// The output of a task, or what `path` leads to in it.
    Output { task: TaskId, path: Vec<String> },
}

/// One value that an instance is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub key: String,
    pub value: Value,
    /// As written in the definition: templates in it are rendered, others are not.
    pub is_literal: bool,
}

impl Expand {
    /// Returns what it takes values from.
    pub fn sources(&self) -> Vec<&Source> {
        match self {
            Self::Keys(keys) => keys.values().collect(),
            Self::Tables(source) => vec![source],
        }
    }

    /// Returns the tasks whose outputs it needs.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskId> {
        self.sources().into_iter().filter_map(|source| match source {
            Source::Output { task, .. } => Some(task),
            Source::Literal(_) => None,
        })
    }

    /// Returns how many instances it makes; `None` where a length is not known.
    pub fn count(&self, length_of: impl Fn(&TaskId, &[String]) -> Option<usize>) -> Option<usize> {
        self.sources().into_iter().try_fold(1_usize, |product, source| {
            let length = match source {
                Source::Literal(value) => length(value)?,
                Source::Output { task, path } => length_of(task, path)?,
            };
            Some(product.saturating_mul(length))
        })
    }

    /// Returns what the instance `index` is given. `output_of` returns a task's whole output.
    pub fn given(
        &self,
        index: usize,
        output_of: impl Fn(&TaskId) -> Value,
    ) -> Result<Vec<Given>, String> {
        let values = |source: &Source| match source {
            Source::Literal(value) => Ok((value.clone(), true)),
            Source::Output { task, path } => {
                let output = output_of(task);
                let found = at_path(&output, path).cloned();
                let name = || shown(task, path);
                found.map(|value| (value, false)).ok_or_else(|| format!("{} is gone", name()))
            }
        };
        match self {
            Self::Keys(keys) => {
                let mut rest = index;
                let mut given = Vec::with_capacity(keys.len());
                for (key, source) in keys.iter().rev() {
                    let (all, is_literal) = values(source)?;
                    let length = length(&all).unwrap_or(0);
                    let value = rest
                        .checked_rem(length)
                        .and_then(|at| element(&all, at))
                        .ok_or_else(|| format!("`{key}` has no element any more"))?;
                    rest /= length;
                    given.push(Given { key: key.clone(), value, is_literal });
                }
                given.reverse();
                Ok(given)
            }
            Self::Tables(source) => {
                let (all, is_literal) = values(source)?;
                match element(&all, index) {
                    Some(Value::Object(table)) => Ok(table
                        .into_iter()
                        .map(|(key, value)| Given { key, value, is_literal })
                        .collect()),
                    Some(other) => Err(format!("element {index} is `{other}`, not a table")),
                    None => Err(format!("there is no element {index} any more")),
                }
            }
        }
    }
}

/// Returns how many elements a value has to run over; `None`: it is neither list nor table.
pub fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Object(table) => Some(table.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Follows keys into a value.
pub fn at_path<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// For people: `output.list_files.names`.
pub fn shown(task: &TaskId, path: &[String]) -> String {
    let path: String = path.iter().map(|key| format!(".{key}")).collect();
    format!("`output.{task}{path}`")
}

fn element(value: &Value, index: usize) -> Option<Value> {
    match value {
        Value::Array(items) => items.get(index).cloned(),
        Value::Object(table) => table.iter().nth(index).map(|(key, value)| json!([key, value])),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(value: Value) -> Source {
        Source::Literal(value)
    }

    fn given(expand: &Expand, index: usize) -> Vec<(String, Value)> {
        let output = json!({"rows": [{"a": 1}, {"a": 2, "b": 3}], "n": 7});
        let given = expand.given(index, |_| output.clone()).unwrap();
        given.into_iter().map(|one| (one.key, one.value)).collect()
    }

    #[test]
    fn several_keys_make_their_cross_product_the_last_one_fastest() {
        let keys = [("x", literal(json!([1, 2]))), ("y", literal(json!(["a", "b", "c"])))];
        let expand = Expand::Keys(keys.map(|(key, source)| (key.to_owned(), source)).into());
        assert_eq!(expand.count(|_, _| None), Some(6));
        let all: Vec<String> = (0..6)
            .map(|i| given(&expand, i).iter().map(|(_, value)| value.to_string()).collect())
            .collect();
        assert_eq!(all, ["1\"a\"", "1\"b\"", "1\"c\"", "2\"a\"", "2\"b\"", "2\"c\""]);
    }

    #[test]
    fn a_table_gives_its_entries_as_pairs() {
        let keys = [("x".to_owned(), literal(json!({"a": 1, "b": 2})))];
        let expand = Expand::Keys(keys.into());
        assert_eq!(expand.count(|_, _| None), Some(2));
        assert_eq!(given(&expand, 1), [("x".to_owned(), json!(["b", 2]))]);
    }

    #[test]
    fn a_list_of_tables_fills_several_keys() {
        let rows = Source::Output { task: "t".into(), path: vec!["rows".to_owned()] };
        let expand = Expand::Tables(rows);
        assert_eq!(expand.count(|_, path| Some(path.len() + 1)), Some(2));
        assert_eq!(given(&expand, 1), [("a".to_owned(), json!(2)), ("b".to_owned(), json!(3))]);
        let error = expand.given(0, |_| json!({"rows": [7]})).unwrap_err();
        assert_eq!(error, "element 0 is `7`, not a table");
        let error = expand.given(0, |_| json!({})).unwrap_err();
        assert_eq!(error, "`output.t.rows` is gone");
    }

    #[test]
    fn an_empty_list_makes_nothing_and_an_unknown_length_nothing_yet() {
        let output = Source::Output { task: "t".into(), path: Vec::new() };
        let keys = [("x".to_owned(), literal(json!([]))), ("y".to_owned(), output)];
        let expand = Expand::Keys(keys.into());
        assert_eq!(expand.count(|_, _| Some(3)), Some(0));
        assert_eq!(expand.count(|_, _| None), None);
        assert!(expand.given(0, |_| json!([1])).is_err());
    }
}
