//! Registered models as a tree, and which versions keys are about.

use crate::screen::models::{registry, versions};
use crate::state::{Level, Screen, State, View};
use crate::types::Timestamp;
use crate::types::view::{ModelVersionView, ModelView};

/// With more models than these, they are closed until somebody opens them.
const OPEN_MAX: usize = 8;
/// Versions of so many open models are fetched.
const FETCHED_MAX: usize = 24;

/// A row of the registry.
#[derive(Debug)]
pub(crate) enum ModelRow<'a> {
    Model { model: &'a ModelView, is_open: bool },
    Version(&'a ModelVersionView),
}

impl<'a> ModelRow<'a> {
    /// Returns the version, where it is one.
    pub(crate) const fn version(&self) -> Option<&'a ModelVersionView> {
        match self {
            Self::Model { .. } => None,
            Self::Version(version) => Some(version),
        }
    }

    /// Returns when it was changed last.
    pub(crate) const fn changed(&self) -> Timestamp {
        match self {
            Self::Model { model, .. } => model.last_updated_timestamp,
            Self::Version(version) => version.creation_timestamp,
        }
    }

    /// Returns what the selection and the marks are kept by.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Model { model, .. } => model.name.clone(),
            Self::Version(version) => key_of(version),
        }
    }
}

/// Names a version by what the selection and the marks are kept by.
pub(crate) fn version_key(name: &str, version: u32) -> String {
    format!("{name}\n{version}")
}

/// Returns what the selection and the marks of a version are kept by.
pub(crate) fn key_of(version: &ModelVersionView) -> String {
    version_key(&version.name, version.version)
}

fn parse(key: &str) -> Option<(&str, u32)> {
    let (name, version) = key.split_once('\n')?;
    Some((name, version.parse().ok()?))
}

/// Returns the models that pass the filter, as they come.
pub(crate) fn models<'a>(state: &'a State, level: &Level) -> Vec<&'a ModelView> {
    let all = state.cache.models().unwrap_or_default();
    all.iter().filter(|model| level.admits(&model_words(model))).collect()
}

/// Returns what a row is found by: a version by its model.
pub(crate) fn words(row: &ModelRow<'_>) -> String {
    match row {
        ModelRow::Model { model, .. } => model_words(model),
        ModelRow::Version(version) => version.name.clone(),
    }
}

fn model_words(model: &ModelView) -> String {
    let aliases = model.aliases.iter().map(|(alias, version)| format!("{alias} v{version}"));
    format!("{} {}", model.name, aliases.collect::<Vec<_>>().join(" "))
}

/// Returns the models whose versions are shown.
pub(crate) fn open<'a>(state: &'a State, level: &Level) -> Vec<&'a ModelView> {
    let models = models(state, level);
    let is_open = models.len() <= OPEN_MAX;
    let open = models.into_iter().filter(|model| is_open != level.toggled.contains(&model.name));
    open.take(FETCHED_MAX).collect()
}

/// Returns the rows of the registry: models in their order, below each its versions in theirs.
pub(crate) fn tree<'a>(state: &'a State, level: &Level) -> Vec<ModelRow<'a>> {
    let opened = open(state, level);
    let list = registry::list(state);
    let models = models(state, level).into_iter().map(|model| {
        let is_open = opened.iter().any(|open| open.name == model.name);
        ModelRow::Model { model, is_open }
    });
    let mut rows = Vec::new();
    for row in list.sorted(state, models) {
        let versions = match &row {
            ModelRow::Model { model, is_open: true } => state.cache.model(&model.name),
            ModelRow::Model { .. } | ModelRow::Version(_) => None,
        };
        rows.push(row);
        let versions = versions.map(|model| model.versions.as_slice()).unwrap_or_default();
        rows.extend(list.sorted(state, versions.iter().map(ModelRow::Version)));
    }
    rows
}

/// Returns the versions of one model that pass the filter, newest first.
pub(crate) fn versions<'a>(
    state: &'a State,
    level: &Level,
    name: &str,
) -> Vec<&'a ModelVersionView> {
    let all = state.cache.model(name).map(|model| model.versions.as_slice()).unwrap_or_default();
    versions::list(name, all).arrange(state, level, all)
}

/// Returns the model that the level is about.
pub(crate) fn model_here(state: &State) -> Option<String> {
    if let Some(served) = super::served_here(state) {
        return Some(served.model.clone());
    }
    let level = state.level();
    match &level.screen {
        Screen::Model(name) => Some(name.clone()),
        Screen::Compare(left, _) => Some(left.0.clone()),
        Screen::Root(View::Models) => {
            let rows = tree(state, level);
            let keys: Vec<String> = rows.iter().map(ModelRow::key).collect();
            Some(match rows.into_iter().nth(level.cursor(&keys))? {
                ModelRow::Model { model, .. } => model.name.clone(),
                ModelRow::Version(version) => version.name.clone(),
            })
        }
        _ => None,
    }
}

/// Returns the version that is selected; of a model the newest.
pub(crate) fn version_here(state: &State) -> Option<&ModelVersionView> {
    let level = state.level();
    match &level.screen {
        Screen::Model(name) => {
            let versions = versions(state, level, name);
            crate::rows::selected(level, &versions)
        }
        Screen::Compare(_, right) => find(state, &right.0, right.1),
        Screen::Root(View::Models) => {
            let rows = tree(state, level);
            let keys: Vec<String> = rows.iter().map(ModelRow::key).collect();
            match rows.into_iter().nth(level.cursor(&keys))? {
                ModelRow::Version(version) => Some(version),
                ModelRow::Model { model, .. } => state.cache.model(&model.name)?.versions.first(),
            }
        }
        _ => None,
    }
}

/// Returns a version that was fetched.
pub(crate) fn find<'a>(state: &'a State, name: &str, version: u32) -> Option<&'a ModelVersionView> {
    state.cache.model(name)?.versions.iter().find(|found| found.version == version)
}

/// Which two versions are compared, by name and number.
pub(crate) type Pair = ((String, u32), (String, u32));

/// Returns the two marked versions, the older first; where one is marked, it and the selected
/// one; else what is in production, or the version before, and the selected one.
pub(crate) fn pair(state: &State) -> Option<Pair> {
    let level = state.level();
    let mut marked: Vec<(String, u32)> = level
        .marks
        .iter()
        .filter_map(|key| parse(key))
        .map(|(name, version)| (name.to_owned(), version))
        .collect();
    marked.sort();
    if let [left, right] = marked.as_slice() {
        return Some((left.clone(), right.clone()));
    }
    let here = version_here(state)?;
    let right = (here.name.clone(), here.version);
    let left = match marked.as_slice() {
        [one] if *one != right => one.clone(),
        _ => (here.name.clone(), standard(state, here)?),
    };
    Some((left, right))
}

/// Returns the version that one is measured by: production, else the version before it.
fn standard(state: &State, version: &ModelVersionView) -> Option<u32> {
    let versions = &state.cache.model(&version.name)?.versions;
    let bears = |other: &&ModelVersionView| {
        other.version != version.version && other.aliases.iter().any(|alias| alias == "production")
    };
    let before = || versions.iter().find(|other| other.version < version.version);
    versions.iter().find(bears).or_else(before).map(|other| other.version)
}

/// Returns the two versions that are marked, where two are.
pub(crate) fn marked_pair(state: &State) -> Option<[&ModelVersionView; 2]> {
    let marks = state.level().marks.iter().filter_map(|key| parse(key)).count();
    let (left, right) = pair(state).filter(|_| marks == 2)?;
    Some([find(state, &left.0, left.1)?, find(state, &right.0, right.1)?])
}
