//! Registered models and their versions by MLflow's filter and order.

use rusqlite::{Connection, Row};

use crate::store::StoreError;
use crate::tracking::registry::record::{self, RegisteredModel};
use crate::tracking::registry::version::{self, Version};
use crate::tracking::search::sql::{Shape, Sql, Table};
use crate::tracking::search::{self, Wanted};
use crate::types::search::{Attribute, Clause, Comparator, Operand, Subject, vocabulary};

/// The tag that makes a registered model a prompt of MLflow's, which is searched for on its own.
const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// Times are asked for in milliseconds and kept in microseconds.
static MODELS: Shape = Shape {
    from: "registered_models AS m",
    metrics: None,
    params: None,
    tags: Some(Table { name: "registered_model_tags", join: "v.name = m.name" }),
    column: |attribute| match attribute {
        Attribute::CreationTime => "m.creation_timestamp / 1000",
        Attribute::LastUpdateTime => "m.last_updated_timestamp / 1000",
        _ => "m.name",
    },
    ties: "m.name",
};

static VERSIONS: Shape = Shape {
    from: "model_versions AS o",
    metrics: None,
    params: None,
    tags: Some(Table {
        name: "model_version_tags",
        join: "v.name = o.name AND v.version = o.version",
    }),
    column: |attribute| match attribute {
        Attribute::VersionNumber => "o.version",
        Attribute::RunId => "o.run_id",
        Attribute::SourcePath => "o.source",
        Attribute::ModelId => "o.model_id",
        Attribute::CreationTime => "o.creation_timestamp / 1000",
        Attribute::LastUpdateTime => "o.last_updated_timestamp / 1000",
        _ => "o.name",
    },
    ties: "o.last_updated_timestamp DESC, o.name, o.version DESC",
};

/// Finds registered models, one more than the limit where there are more. Prompts are found only by
/// a filter that asks for them.
pub fn models(conn: &Connection, wanted: &Wanted) -> Result<Vec<RegisteredModel>, StoreError> {
    let vocabulary = &vocabulary::REGISTERED_MODELS;
    let (clauses, order) = search::read(vocabulary, &wanted.filter, &wanted.order_by)?;
    let (prompts, clauses) = of_prompts(clauses);
    let restrict = |sql: &mut Sql| {
        sql.push(prompts.word());
        sql.push("EXISTS (SELECT 1 FROM registered_model_tags AS t WHERE t.name = m.name");
        sql.push(&format!(" AND t.key = '{PROMPT_TAG}' AND t.value = 'true')"));
    };
    let page = (wanted.limit.saturating_add(1), wanted.offset);
    let read = |row: &Row<'_>| record::read(conn, row);
    search::page(conn, &MODELS, (&clauses, &order), &restrict, page, read)
}

/// Finds versions, one more than the limit where there are more; those of prompts as above.
pub fn versions(conn: &Connection, wanted: &Wanted) -> Result<Vec<Version>, StoreError> {
    let vocabulary = &vocabulary::MODEL_VERSIONS;
    let (clauses, order) = search::read(vocabulary, &wanted.filter, &wanted.order_by)?;
    let (prompts, clauses) = of_prompts(clauses);
    let restrict = |sql: &mut Sql| {
        sql.push(prompts.word());
        sql.push("EXISTS (SELECT 1 FROM model_version_tags AS t WHERE t.name = o.name");
        sql.push(&format!(" AND t.key = '{PROMPT_TAG}' AND t.value = 'true')"));
    };
    let page = (wanted.limit.saturating_add(1), wanted.offset);
    let read = |row: &Row<'_>| version::read(conn, row);
    search::page(conn, &VERSIONS, (&clauses, &order), &restrict, page, read)
}

/// Whether prompts are searched, or models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompts {
    Only,
    No,
}

impl Prompts {
    const fn word(self) -> &'static str {
        match self {
            Self::Only => " WHERE ",
            Self::No => " WHERE NOT ",
        }
    }
}

/// Takes what a filter says of prompts out of it: a model has no such tag, and would pass nothing
/// that is said of it.
fn of_prompts(clauses: Vec<Clause>) -> (Prompts, Vec<Clause>) {
    let (said, others): (Vec<Clause>, Vec<Clause>) = clauses
        .into_iter()
        .partition(|clause| matches!(&clause.subject, Subject::Tag(key) if key == PROMPT_TAG));
    let asks = |clause: &Clause| match (clause.comparator, &clause.operand) {
        (Comparator::Equal, Operand::Text(text)) => text.eq_ignore_ascii_case("true"),
        (Comparator::NotEqual, Operand::Text(text)) => text.eq_ignore_ascii_case("false"),
        _ => false,
    };
    let prompts = if said.iter().any(asks) { Prompts::Only } else { Prompts::No };
    (prompts, others)
}

#[cfg(test)]
mod tests;
