//! What may be said of each kind of thing that is searched: MLflow's `SearchUtils`,
//! `SearchExperimentsUtils`, `SearchModelUtils`, `SearchModelVersionUtils` and
//! `SearchLoggedModelsUtils`.

use super::read::is_numeric;
use super::{Attribute, Comparator, DatasetField, Subject};

/// By what one kind of thing is searched.
#[derive(Debug)]
pub struct Vocabulary {
    pub(super) metrics: bool,
    pub(super) params: bool,
    pub(super) datasets: bool,
    attributes: &'static [Word],
    /// Which attributes are compared with lists.
    lists: &'static [Attribute],
    /// Whether params and tags may be asked for as missing.
    nulls: bool,
    /// What a clause begins with, for a mistake.
    pub(super) expected: &'static str,
}

/// A name of an attribute; the first of several is the one that is told.
#[derive(Debug)]
struct Word {
    names: &'static [&'static str],
    attribute: Attribute,
    used: Used,
}

/// What an attribute is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    Anywhere,
    InFilters,
    InOrders,
}

const fn word(names: &'static [&'static str], attribute: Attribute, used: Used) -> Word {
    Word { names, attribute, used }
}

/// Runs.
pub static RUNS: Vocabulary = Vocabulary {
    metrics: true,
    params: true,
    datasets: true,
    attributes: &[
        word(&["run_id"], Attribute::RunId, Used::Anywhere),
        word(&["run_name", "run name", "Run name", "Run Name"], Attribute::RunName, Used::Anywhere),
        word(&["status"], Attribute::Status, Used::Anywhere),
        word(&["start_time", "created", "Created"], Attribute::StartTime, Used::Anywhere),
        word(&["end_time"], Attribute::EndTime, Used::Anywhere),
        word(&["artifact_uri"], Attribute::ArtifactUri, Used::Anywhere),
        word(&["user_id"], Attribute::UserId, Used::Anywhere),
    ],
    lists: &[Attribute::RunId],
    nulls: true,
    expected: "metrics.NAME, params.NAME, tags.NAME or an attribute is expected",
};

/// Experiments.
pub static EXPERIMENTS: Vocabulary = Vocabulary {
    metrics: false,
    params: false,
    datasets: false,
    attributes: &[
        word(&["name"], Attribute::Name, Used::Anywhere),
        word(&["experiment_id"], Attribute::ExperimentId, Used::Anywhere),
        word(&["creation_time"], Attribute::CreationTime, Used::Anywhere),
        word(&["last_update_time"], Attribute::LastUpdateTime, Used::Anywhere),
    ],
    lists: &[Attribute::ExperimentId],
    nulls: true,
    expected: "tags.NAME or an attribute is expected",
};

/// Registered models.
pub static REGISTERED_MODELS: Vocabulary = Vocabulary {
    metrics: false,
    params: false,
    datasets: false,
    attributes: &[
        word(&["name"], Attribute::Name, Used::Anywhere),
        word(&["creation_timestamp"], Attribute::CreationTime, Used::InOrders),
        word(&["last_updated_timestamp", "timestamp"], Attribute::LastUpdateTime, Used::InOrders),
    ],
    lists: &[],
    nulls: false,
    expected: "tags.NAME or an attribute is expected",
};

/// Versions of registered models.
pub static MODEL_VERSIONS: Vocabulary = Vocabulary {
    metrics: false,
    params: false,
    datasets: false,
    attributes: &[
        word(&["name"], Attribute::Name, Used::Anywhere),
        word(&["version_number"], Attribute::VersionNumber, Used::Anywhere),
        word(&["run_id"], Attribute::RunId, Used::InFilters),
        word(&["source_path"], Attribute::SourcePath, Used::InFilters),
        word(&["creation_timestamp"], Attribute::CreationTime, Used::InOrders),
        word(&["last_updated_timestamp"], Attribute::LastUpdateTime, Used::InOrders),
    ],
    lists: &[Attribute::RunId],
    nulls: false,
    expected: "tags.NAME or an attribute is expected",
};

/// Logged models.
pub static LOGGED_MODELS: Vocabulary = Vocabulary {
    metrics: true,
    params: true,
    datasets: false,
    attributes: &[
        word(&["name"], Attribute::Name, Used::Anywhere),
        word(&["model_id"], Attribute::ModelId, Used::Anywhere),
        word(&["model_type"], Attribute::ModelType, Used::Anywhere),
        word(&["status"], Attribute::Status, Used::Anywhere),
        word(&["source_run_id"], Attribute::SourceRunId, Used::Anywhere),
        word(&["creation_timestamp", "creation_time"], Attribute::CreationTime, Used::Anywhere),
        word(
            &["last_updated_timestamp", "last_updated_time"],
            Attribute::LastUpdateTime,
            Used::Anywhere,
        ),
    ],
    lists: &[Attribute::Name, Attribute::ModelId, Attribute::ModelType, Attribute::SourceRunId],
    nulls: false,
    expected: "metrics.NAME, params.NAME, tags.NAME or an attribute is expected",
};

impl Vocabulary {
    /// Finds an attribute by one of its names.
    pub(super) fn attribute(&self, name: &str, is_order: bool) -> Option<Attribute> {
        self.words(is_order).find(|word| word.names.contains(&name)).map(|word| word.attribute)
    }

    /// Names the attributes, for a mistake.
    pub(super) fn known(&self, is_order: bool) -> String {
        let names = self.words(is_order).filter_map(|word| word.names.first().copied());
        names.collect::<Vec<_>>().join(", ")
    }

    fn words(&self, is_order: bool) -> impl Iterator<Item = &Word> {
        let elsewhere = if is_order { Used::InFilters } else { Used::InOrders };
        self.attributes.iter().filter(move |word| word.used != elsewhere)
    }

    /// Says why a subject cannot be compared in this way.
    pub(super) fn check(&self, subject: &Subject, comparator: Comparator) -> Result<(), String> {
        use Comparator as C;
        let is_taken = match comparator {
            C::Equal | C::NotEqual => true,
            C::Less | C::LessOrEqual | C::Greater | C::GreaterOrEqual => is_numeric(subject),
            C::Like | C::ILike => !is_numeric(subject),
            C::In | C::NotIn => self.is_listed(subject),
            C::IsNull | C::IsNotNull => {
                self.nulls && matches!(subject, Subject::Param(_) | Subject::Tag(_))
            }
        };
        if is_taken {
            return Ok(());
        }
        Err(match comparator {
            C::In | C::NotIn => {
                let lists: Vec<&str> = self.lists.iter().map(|one| one.name()).collect();
                format!("{subject} is not compared with a list; there are {}", lists.join(", "))
            }
            C::IsNull | C::IsNotNull => "only params and tags may be missing".to_owned(),
            _ if is_numeric(subject) => {
                format!("{subject} is a number: compare it by =, !=, >, >=, <, <=")
            }
            _ => format!("{subject} is a text: compare it by =, !=, LIKE, ILIKE"),
        })
    }

    fn is_listed(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Attribute(attribute) => self.lists.contains(attribute),
            Subject::Dataset(DatasetField::Name | DatasetField::Digest | DatasetField::Context) => {
                true
            }
            Subject::Metric(_) | Subject::Param(_) | Subject::Tag(_) => false,
        }
    }
}
