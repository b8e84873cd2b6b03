//! `meta.yaml` as MLflow writes it: a table of plain values.

use std::path::Path;
use std::{fs, io};

use yaml_rust2::{Yaml, YamlLoader};

use crate::types::{Fault, Timestamp};

/// A `meta.yaml` longer than this is none.
const BYTES_MAX: u64 = 4 << 20;

/// What a `meta.yaml` says.
pub(super) struct Meta {
    path: String,
    content: Yaml,
}

impl Meta {
    /// Reads the `meta.yaml` of a folder; `None` where there is none.
    pub(super) fn of(folder: &Path) -> Result<Option<Self>, Fault> {
        let path = folder.join("meta.yaml");
        let told = path.display().to_string();
        let failed = |error: &(dyn std::error::Error + 'static)| {
            Fault::invalid(format!("read `{told}`")).caused_by(Some(error))
        };
        match path.metadata() {
            Ok(found) if found.len() > BYTES_MAX => {
                return Err(Fault::invalid(format!("`{told}` is longer than {BYTES_MAX} bytes")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        }
        let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
        let documents = YamlLoader::load_from_str(&text).map_err(|error| failed(&error))?;
        match documents.into_iter().next() {
            Some(content @ Yaml::Hash(_)) => Ok(Some(Self { path: told, content })),
            _ => Err(Fault::invalid(format!("`{told}` is no table of YAML"))),
        }
    }

    /// A text, also where it looks like a number; nothing where it is empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let text = match &self.content[key] {
            Yaml::String(text) | Yaml::Real(text) => text.clone(),
            Yaml::Integer(number) => number.to_string(),
            Yaml::Boolean(flag) => flag.to_string(),
            _ => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    pub(super) fn needed(&self, key: &str) -> Result<String, Fault> {
        self.text(key).ok_or_else(|| Fault::invalid(format!("`{}` has no `{key}`", self.path)))
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        self.text(key)?.parse().ok()
    }

    /// An instant in milliseconds since 1970.
    pub(super) fn millis(&self, key: &str) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.integer(key)?).ok()
    }

    /// The texts of a table within.
    pub(super) fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let Yaml::Hash(table) = &self.content[key] else { return Vec::new() };
        let text = |value: &Yaml| match value {
            Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
            Yaml::Integer(number) => Some(number.to_string()),
            Yaml::Boolean(flag) => Some(flag.to_string()),
            _ => None,
        };
        table.iter().filter_map(|(key, value)| Some((text(key)?, text(value)?))).collect()
    }
}
