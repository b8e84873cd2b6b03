//! The language in which runs, experiments and models are searched: MLflow's filter and its order,
//! read into clauses by the vocabulary of what is searched. Whoever asks can tell a mistake from a
//! filter without a daemon.
//!
//! ```text
//! metrics.accuracy > 0.9 and params.model = "xgb" and tags.`mlflow.source` LIKE '%x%'
//! ```

use crate::fault::Fault;

mod lex;
mod read;
#[cfg(test)]
mod tests;
pub mod vocabulary;

pub use vocabulary::Vocabulary;

/// Reads a filter of runs; an empty one has no clauses.
pub fn filter(text: &str) -> Result<Vec<Clause>, Mistake> {
    vocabulary::RUNS.filter(text)
}

/// Reads one key of an order of runs.
pub fn order(text: &str) -> Result<Order, Mistake> {
    vocabulary::RUNS.order(text)
}

/// What a clause is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The latest value of a metric.
    Metric(String),
    Param(String),
    Tag(String),
    /// Something of the data that a run learnt from.
    Dataset(DatasetField),
    Attribute(Attribute),
}

/// What is known of the data that a run learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatasetField {
    Name,
    Digest,
    /// What it was for, such as `training`.
    Context,
}

impl DatasetField {
    /// Returns its name as MLflow writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Digest => "digest",
            Self::Context => "context",
        }
    }
}

/// What each of the things that are searched has; which of them has what, its vocabulary says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    RunId,
    RunName,
    Status,
    UserId,
    ArtifactUri,
    StartTime,
    EndTime,
    Name,
    ExperimentId,
    CreationTime,
    LastUpdateTime,
    VersionNumber,
    SourcePath,
    ModelId,
    ModelType,
    SourceRunId,
}

impl Attribute {
    /// Returns its name as MLflow writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunId => "run_id",
            Self::RunName => "run_name",
            Self::Status => "status",
            Self::UserId => "user_id",
            Self::ArtifactUri => "artifact_uri",
            Self::StartTime => "start_time",
            Self::EndTime => "end_time",
            Self::Name => "name",
            Self::ExperimentId => "experiment_id",
            Self::CreationTime => "creation_time",
            Self::LastUpdateTime => "last_update_time",
            Self::VersionNumber => "version_number",
            Self::SourcePath => "source_path",
            Self::ModelId => "model_id",
            Self::ModelType => "model_type",
            Self::SourceRunId => "source_run_id",
        }
    }

    /// Says whether it is a number and no text; times are milliseconds since 1970.
    pub const fn is_number(self) -> bool {
        matches!(
            self,
            Self::StartTime
                | Self::EndTime
                | Self::CreationTime
                | Self::LastUpdateTime
                | Self::VersionNumber
        )
    }
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    ILike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

/// What it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Nothing,
    Number(f64),
    Text(String),
    List(Vec<String>),
}

/// One comparison; all of a filter must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    pub subject: Subject,
    pub comparator: Comparator,
    pub operand: Operand,
}

/// One key that runs are ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Order {
    pub subject: Subject,
    pub is_descending: bool,
}

/// Why a text is no filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// In characters from the start, from 0.
    pub at: usize,
    pub message: String,
}

impl Mistake {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// Makes a refusal of it; `what` is `filter` or `order`.
    pub fn fault(&self, what: &str, text: &str) -> Fault {
        let place = self.at + 1;
        Fault::invalid(format!("{what} `{text}`, character {place}: {}", self.message))
            .hint("such as: metrics.accuracy > 0.9 and params.model = 'xgboost'")
    }
}

/// Says whether a text is meant as a filter, be it right or not, and not as plain words: it names
/// something of a run, or compares.
pub fn is_meant(text: &str) -> bool {
    let first = text.trim_start().split(['.', ' ', '`', '"']).next().unwrap_or_default();
    let names_something = text.trim_start().starts_with(&format!("{first}."))
        && read::ENTITIES.contains(&first.to_ascii_lowercase().as_str());
    names_something || text.contains(['=', '<', '>'])
}

/// Writes a name as the language takes it: bare where it can be, else in backticks or quotes.
pub fn quoted(name: &str) -> String {
    let is_bare = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if name.split('.').all(is_bare) {
        name.to_owned()
    } else if name.contains('`') {
        format!("\"{name}\"")
    } else {
        format!("`{name}`")
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Metric(key) => write!(f, "metrics.{}", quoted(key)),
            Self::Param(key) => write!(f, "params.{}", quoted(key)),
            Self::Tag(key) => write!(f, "tags.{}", quoted(key)),
            Self::Dataset(field) => write!(f, "datasets.{}", field.name()),
            Self::Attribute(attribute) => write!(f, "attributes.{}", attribute.name()),
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.subject, if self.is_descending { "DESC" } else { "ASC" })
    }
}
