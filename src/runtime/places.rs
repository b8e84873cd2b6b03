//! Which node a data set is: the asset that lies there, else the file, object or table itself.

use std::collections::BTreeMap;
use std::path::Path;

use crate::connection::OpenConnection;
use crate::connection::dataset::{self, FILES};
use crate::dag::{Deck, partition};
use crate::runtime::watch::matches;
use crate::types::AssetName;
use crate::types::io::{ASSETS, DATASETS, ENDPOINTS, MODELS, RUN_TABLES, TRACKED};
use crate::types::view::{DatasetName, LineageKind};

/// Whose names begin with these hold objects; whatever else is no file is taken for a table.
const BUCKETS: [&str; 8] = ["s3:", "gs:", "abfs:", "abfss:", "wasb:", "wasbs:", "hdfs:", "dbfs:"];

/// What a data set is in the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: LineageKind,
    /// What it is found by.
    pub(crate) name: String,
    /// What people see.
    pub(crate) shown: String,
}

/// Knows where assets and connections lie.
pub(crate) struct Places {
    project: String,
    exact: BTreeMap<DatasetName, AssetName>,
    patterns: Vec<(DatasetName, Vec<String>, AssetName)>,
    /// What the data of each connection begins with, the longest first.
    connections: Vec<(DatasetName, String)>,
}

impl Places {
    /// Looks where assets lie, given each with its URI.
    pub(crate) fn new(deck: &Deck, project: &Path, assets: &[(AssetName, String)]) -> Self {
        let open = deck.connections.values();
        let open: BTreeMap<String, OpenConnection> =
            open.map(|spec| (spec.name.clone(), OpenConnection::of(spec))).collect();
        let mut places = Self {
            project: format!("{}/", project.display()),
            exact: BTreeMap::new(),
            patterns: Vec::new(),
            connections: Vec::new(),
        };
        for (name, uri) in assets {
            let Some(found) = dataset::of_uri(uri, &open, project) else { continue };
            let glob = partition::glob(&found.name);
            if glob.contains('*') {
                let parts = glob.split('/').map(str::to_owned).collect();
                places.patterns.push((found, parts, name.clone()));
            } else {
                places.exact.entry(found).or_insert_with(|| name.clone());
            }
        }
        for (name, connection) in &open {
            if let Some(base) = dataset::of_connection(connection, "", project) {
                places.connections.push((base, name.clone()));
            }
        }
        places.connections.sort_by_key(|(base, _)| std::cmp::Reverse(base.name.len()));
        places
    }

    /// Says what a data set is; nothing of the tables between the tasks of a run.
    pub(crate) fn of(&self, namespace: &str, name: &str) -> Option<Place> {
        let own = |kind| Some(Place { kind, name: name.to_owned(), shown: name.to_owned() });
        match namespace {
            RUN_TABLES | TRACKED => return None,
            ASSETS => return own(LineageKind::Asset),
            DATASETS => return own(LineageKind::Dataset),
            ENDPOINTS => return own(LineageKind::Endpoint),
            MODELS => {
                let shown = name.replacen('/', " v", 1);
                return Some(Place { shown, ..own(LineageKind::Version)? });
            }
            _ => {}
        }
        if let Some(asset) = self.asset(namespace, name) {
            let name = asset.to_string();
            return Some(Place { kind: LineageKind::Asset, shown: name.clone(), name });
        }
        let shown = self.shown(namespace, name);
        Some(match namespace {
            FILES => Place { kind: LineageKind::File, name: name.to_owned(), shown },
            _ => {
                let is_bucket = BUCKETS.iter().any(|scheme| namespace.starts_with(scheme));
                let kind = if is_bucket { LineageKind::Object } else { LineageKind::Table };
                Place { kind, name: format!("{namespace}/{name}"), shown }
            }
        })
    }

    /// Returns the asset that a data set is, or is a part of.
    pub(crate) fn asset(&self, namespace: &str, name: &str) -> Option<&AssetName> {
        let exact = DatasetName { namespace: namespace.to_owned(), name: name.to_owned() };
        if let Some(found) = self.exact.get(&exact) {
            return Some(found);
        }
        let mut parts: Option<Vec<&str>> = None;
        let fits = |(at, pattern, _): &&(DatasetName, Vec<String>, AssetName)| {
            let parts = parts.get_or_insert_with(|| name.split('/').collect());
            at.namespace == namespace && matches(pattern, parts)
        };
        self.patterns.iter().find(fits).map(|(.., asset)| asset)
    }

    /// Names it as `dags.toml` would: by its connection, or from the project's folder on.
    fn shown(&self, namespace: &str, name: &str) -> String {
        for (base, connection) in &self.connections {
            if base.namespace != namespace {
                continue;
            }
            let within = match namespace {
                // `file:data/lake` is a connection; a folder beside it is not within it.
                FILES => name.strip_prefix(base.name.as_str()).and_then(|rest| {
                    rest.strip_prefix('/').or(base.name.ends_with('/').then_some(rest))
                }),
                _ => name.strip_prefix(base.name.trim_end_matches("public.")),
            };
            if let Some(within) = within {
                let within = within.strip_prefix("public.").unwrap_or(within);
                return format!("{connection}:{within}");
            }
        }
        match namespace {
            FILES => name.strip_prefix(&self.project).unwrap_or(name).to_owned(),
            _ => format!("{namespace}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
