//! How models are named: `models:/NAME@ALIAS`, `models:/NAME/VERSION`.

use crate::store::Store;
use crate::types::Fault;
use crate::types::view::ModelVersionView;

/// What a model's URI names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelUri {
    Alias { name: String, alias: String },
    Version { name: String, version: u32 },
}

impl ModelUri {
    /// Reads `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
    pub fn parse(uri: &str) -> Option<Self> {
        Self::without_scheme(uri.strip_prefix("models:/")?.trim_start_matches('/'))
    }

    /// Reads the same with or without `models:/`.
    pub fn named(text: &str) -> Option<Self> {
        if text.starts_with("models:/") { Self::parse(text) } else { Self::without_scheme(text) }
    }

    fn without_scheme(text: &str) -> Option<Self> {
        let (name, found) = if let Some((name, alias)) = text.rsplit_once('@') {
            (name, (!alias.is_empty()).then(|| alias.to_owned()).map(Err))
        } else {
            let (name, version) = text.rsplit_once('/')?;
            (name, version.parse().ok().map(Ok))
        };
        let name = (!name.is_empty()).then(|| name.to_owned())?;
        Some(match found? {
            Ok(version) => Self::Version { name, version },
            Err(alias) => Self::Alias { name, alias },
        })
    }
}

/// Finds the version that a URI names now. Blocks.
///
/// # Errors
///
/// Where there is no such model, version or alias.
pub fn find(store: &Store, uri: &ModelUri) -> Result<ModelVersionView, Fault> {
    match uri {
        ModelUri::Version { name, version } => Ok(super::version(store, name, *version)?),
        ModelUri::Alias { name, alias } => super::by_alias(store, name, alias)?.ok_or_else(|| {
            Fault::not_found(format!("no version of model `{name}` bears the alias `{alias}`"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_alias_or_by_version() {
        let alias = ModelUri::Alias { name: "iris".into(), alias: "production".into() };
        assert_eq!(ModelUri::parse("models:/iris@production"), Some(alias.clone()));
        assert_eq!(ModelUri::named("iris@production"), Some(alias));
        let version = ModelUri::Version { name: "iris".into(), version: 3 };
        assert_eq!(ModelUri::parse("models:/iris/3"), Some(version.clone()));
        assert_eq!(ModelUri::named("iris/3"), Some(version));
        for wrong in ["iris", "models:/iris", "models:/iris@", "models:/@x", "models:/iris/three"] {
            assert_eq!(ModelUri::named(wrong), None, "{wrong}");
        }
    }
}
