//! The families and their hyperparameters, as people look them up.

use serde_json::Value;

use super::FAMILIES;
use super::hyperparameter::{Hyperparameter, Kind};
use crate::dag::spec::LearningTask;

/// A family of models.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Estimator {
    pub name: &'static str,
    pub tasks: &'static [LearningTask],
    /// What does the work.
    pub engine: &'static str,
    /// Whose hyperparameters, defaults and results it has.
    pub source: &'static str,
    pub hyperparameters: Vec<Setting>,
}

/// A hyperparameter.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Setting {
    pub name: &'static str,
    /// Other names for it that the original library takes.
    pub aliases: &'static [&'static str],
    /// In words.
    pub expected: String,
    /// In words; what differs between the tasks is told for both.
    pub default: String,
}

/// Returns all families.
pub fn estimators() -> Vec<Estimator> {
    let of = |family: &&'static super::Family| Estimator {
        name: family.name,
        tasks: family.tasks,
        engine: family.engine.0,
        source: family.source,
        hyperparameters: family.hyperparameters.iter().map(setting).collect(),
    };
    FAMILIES.iter().map(of).collect()
}

fn setting(hyperparameter: &Hyperparameter) -> Setting {
    let default = |task| match (hyperparameter.default)(task) {
        Value::Null if hyperparameter.name == "seed" => "the run's".to_owned(),
        Value::Null => "none".to_owned(),
        Value::String(word) => word,
        other => other.to_string(),
    };
    let [one, other] = [LearningTask::Classification, LearningTask::Regression].map(default);
    let is_of_classes = matches!(hyperparameter.kind, Kind::ClassWeight);
    Setting {
        name: hyperparameter.name,
        aliases: hyperparameter.aliases,
        expected: hyperparameter.expected(),
        default: match one == other || is_of_classes {
            true => one,
            false => format!("{one}, of a regression {other}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(estimator: &Estimator) -> String {
        let tasks: Vec<&str> = estimator
            .tasks
            .iter()
            .map(|task| match task {
                LearningTask::Classification => "classification",
                LearningTask::Regression => "regression",
            })
            .collect();
        let mut text = format!(
            "### {}\n\nFor {}. As {}; done by {}.\n",
            estimator.name,
            tasks.join(" and "),
            estimator.source,
            estimator.engine
        );
        if !estimator.hyperparameters.is_empty() {
            text += "\n| hyperparameter | takes | default |\n|---|---|---|\n";
        }
        for setting in &estimator.hyperparameters {
            let names = std::iter::once(&setting.name).chain(setting.aliases);
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            text +=
                &format!("| {} | {} | {} |\n", names.join(", "), setting.expected, setting.default);
        }
        text
    }

    #[test]
    fn the_documents_tell_every_hyperparameter_with_its_default() {
        let document = include_str!("../../../docs/training.md");
        let sections: Vec<String> = estimators().iter().map(section).collect();
        assert!(
            document.contains(&sections.join("\n")),
            "docs/training.md shall hold this:\n{}",
            sections.join("\n")
        );
    }
}
