//! Hyperparameters: the names a family knows, their ranges and defaults, and what was given.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Family;
use crate::dag::spec::LearningTask;
use crate::train::TrainError;

/// A hyperparameter of a family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hyperparameter {
    pub(crate) name: &'static str,
    /// Other names for it that the original library takes.
    pub(super) aliases: &'static [&'static str],
    pub(super) kind: Kind,
    pub(super) default: fn(LearningTask) -> Value,
}

/// What values are taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Integer {
        min: i64,
        max: i64,
    },
    /// An integer, or null for none.
    OptionalInteger {
        min: i64,
        max: i64,
    },
    /// A number from `min` to `max`; `min` itself only if `closed`.
    Number {
        min: f64,
        max: f64,
        closed: bool,
    },
    Boolean,
    /// One of the words, or a share above 0 and up to 1.
    Share(&'static [&'static str]),
    /// One of the words.
    Word(&'static [&'static str]),
    /// One of the words, or a number above 0.
    WordOrPositive(&'static [&'static str]),
    /// `balanced`, a weight for each class by name, or null. A regression has none.
    ClassWeight,
}

/// The numbers above 0 and up to 1.
pub(super) const SHARE: Kind = Kind::Number { min: 0.0, max: 1.0, closed: false };
/// The numbers that are not negative.
pub(super) const NOT_NEGATIVE: Kind = Kind::Number { min: 0.0, max: 1e9, closed: true };
/// What draws random numbers, unless given, draws them from the seed of the run.
pub(super) const SEED: Hyperparameter = Hyperparameter {
    name: "seed",
    aliases: &["random_state"],
    kind: Kind::OptionalInteger { min: 0, max: i64::MAX },
    default: |_| Value::Null,
};

/// How much the rows of each class count.
pub(super) const CLASS_WEIGHT: Hyperparameter = Hyperparameter {
    name: "class_weight",
    aliases: &[],
    kind: Kind::ClassWeight,
    default: |_| Value::Null,
};
/// The numbers above 0 that a tolerance, a penalty or a width may be.
pub(super) const POSITIVE: Kind = Kind::Number { min: 0.0, max: 1e9, closed: false };

/// All hyperparameters of a family, checked, defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings(IndexMap<&'static str, Value>);

impl Settings {
    /// Checks what was given and adds the defaults.
    pub(crate) fn resolve(
        family: &Family,
        given: &Map<String, Value>,
        task: LearningTask,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let (model, known) = (family.name, family.of_task(task));
        let mut chosen: IndexMap<&'static str, (&str, &Value)> = IndexMap::new();
        for (name, value) in given {
            let Some(hyperparameter) = known.iter().find(|known| known.is_called(name)) else {
                return Err(unknown(model, &known, name));
            };
            if let Some(found) = hyperparameter.kind.fault(value) {
                return Err(TrainError::Hyperparameter {
                    name: name.clone(),
                    found,
                    expected: hyperparameter.kind.expected(),
                });
            }
            if let Some((earlier, _)) = chosen.insert(hyperparameter.name, (name, value)) {
                return Err(TrainError::Hyperparameter {
                    name: name.clone(),
                    found: format!("another name of `{earlier}`, which is given too"),
                    expected: "one of them".to_owned(),
                });
            }
        }
        let settings = known.iter().map(|hyperparameter| {
            let given = chosen.get(hyperparameter.name).map(|(_, value)| (*value).clone());
            let value = given.unwrap_or_else(|| (hyperparameter.default)(task));
            let name = hyperparameter.name;
            if name == "seed" && value.is_null() { (name, seed.into()) } else { (name, value) }
        });
        Ok(Self(settings.collect()))
    }

    /// Returns all as text, for the tracker.
    pub(crate) fn params(&self) -> IndexMap<String, String> {
        self.0
            .iter()
            .map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                ((*name).to_owned(), if value.is_null() { "none".to_owned() } else { text })
            })
            .collect()
    }

    pub(super) fn value(&self, name: &str) -> &Value {
        self.0.get(name).expect("a family asks for its own hyperparameters")
    }

    /// Returns what is said of classes and their weights; `None` where nothing is.
    pub(crate) fn class_weight(&self) -> Option<&Value> {
        self.0.get("class_weight").filter(|value| !value.is_null())
    }

    /// Returns after how many rounds without gain learning stops, and the share of the rows that
    /// the gain is judged by; `None` where nothing is learnt in rounds, or all rounds are.
    pub(crate) fn early_stopping(&self) -> Option<(usize, f64)> {
        let rounds = self.0.get("early_stopping_rounds")?.as_f64()?;
        let share = self.0.get("validation_fraction")?.as_f64()?;
        Some((rounds as usize, share))
    }

    /// Returns the word it is, if it is one.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.value(name).as_str()
    }

    /// Returns an integer; `None` where it is null or negative.
    pub(super) fn count(&self, name: &str) -> Option<usize> {
        let value = self.value(name).as_f64().filter(|value| *value >= 0.0);
        // Checked to be whole and within its range.
        value.map(|value| value as usize)
    }

    pub(super) fn number(&self, name: &str) -> f64 {
        self.value(name).as_f64().expect("it was checked to be a number")
    }

    pub(super) fn boolean(&self, name: &str) -> bool {
        self.value(name).as_bool().expect("it was checked to be a boolean")
    }

    pub(super) fn seed(&self) -> u64 {
        self.value("seed").as_u64().unwrap_or_default()
    }
}

impl Family {
    /// Returns the hyperparameters that mean something in a task.
    pub(crate) fn of_task(&self, task: LearningTask) -> Vec<Hyperparameter> {
        let means = |known: &&Hyperparameter| {
            task == LearningTask::Classification || !matches!(known.kind, Kind::ClassWeight)
        };
        self.hyperparameters.iter().filter(means).copied().collect()
    }
}

/// Says whether it takes whole numbers only.
pub(crate) fn is_whole(hyperparameter: &Hyperparameter) -> bool {
    matches!(hyperparameter.kind, Kind::Integer { .. } | Kind::OptionalInteger { .. })
}

impl Hyperparameter {
    /// Returns what is wrong with a value: the value itself, as it was given.
    pub(crate) fn fault(&self, value: &Value) -> Option<String> {
        self.kind.fault(value)
    }

    /// Returns what it takes, in words.
    pub(crate) fn expected(&self) -> String {
        self.kind.expected()
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

fn unknown(model: &str, known: &[Hyperparameter], name: &str) -> TrainError {
    TrainError::UnknownHyperparameter {
        model: model.to_owned(),
        name: name.to_owned(),
        meant: nearest(name, known.iter().map(|known| known.name)),
    }
}

/// Returns the name that was probably meant, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = known.map(|known| (strsim::jaro_winkler(name, known), known));
    let best = near.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then(|| best.1.to_owned())
}

impl Kind {
    /// Returns what is wrong with a value: the value itself, as it was given.
    fn fault(self, value: &Value) -> Option<String> {
        let whole = |min: i64, max: i64| {
            let whole = value.as_i64().or_else(|| {
                // Forms and TOML may write a whole number as `100.0`.
                value.as_f64().filter(|v| v.fract() == 0.0 && v.abs() < 1e15).map(|v| v as i64)
            });
            whole.is_some_and(|number| (min..=max).contains(&number))
        };
        let fits = match self {
            Kind::Integer { min, max } => whole(min, max),
            Kind::OptionalInteger { min, max } => value.is_null() || whole(min, max),
            Kind::Number { min, max, closed } => value
                .as_f64()
                .is_some_and(|number| number <= max && (number > min || closed && number == min)),
            Kind::Boolean => value.is_boolean(),
            Kind::Share(words) => match value.as_str() {
                Some(word) => words.contains(&word),
                None => value.as_f64().is_some_and(|share| share > 0.0 && share <= 1.0),
            },
            Kind::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Kind::WordOrPositive(words) => match value.as_str() {
                Some(word) => words.contains(&word),
                None => value.as_f64().is_some_and(|number| number > 0.0 && number <= 1e9),
            },
            Kind::ClassWeight => match value {
                Value::Null => true,
                Value::String(word) => word == "balanced",
                Value::Object(weights) => {
                    let sound =
                        |weight: &Value| weight.as_f64().is_some_and(|w| w > 0.0 && w <= 1e9);
                    !weights.is_empty() && weights.values().all(sound)
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
            },
        };
        (!fits).then(|| value.to_string())
    }

    pub(super) fn expected(self) -> String {
        match self {
            Kind::Integer { min, max } | Kind::OptionalInteger { min, max } => {
                let or_null =
                    if matches!(self, Kind::OptionalInteger { .. }) { " or null" } else { "" };
                match max {
                    i64::MAX => format!("an integer from {min}{or_null}"),
                    _ => format!("an integer from {min} to {max}{or_null}"),
                }
            }
            Kind::Number { min, max, closed: true } => format!("a number from {min} to {max}"),
            Kind::Number { min, max, closed: false } => {
                format!("a number above {min} and up to {max}")
            }
            Kind::Boolean => "true or false".to_owned(),
            Kind::Share(words) => {
                format!("{} or a number above 0 and up to 1", words.join(", "))
            }
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::WordOrPositive(words) => format!("{} or a number above 0", words.join(", ")),
            Kind::ClassWeight => {
                "balanced, a number above 0 for each class by name, or null".to_owned()
            }
        }
    }
}
