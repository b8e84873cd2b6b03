//! What is watched: a folder, and a pattern of the files below it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::connection::object::folder_of_url;
use crate::dag::spec::{AssetSpec, AssetUri, ConnectionKind, WatchSpec};
use crate::dag::{Deck, partition};
use crate::types::AssetName;

/// One asset that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) asset: AssetName,
    /// What the URIs of its files begin with, such as `lake:incoming/`.
    uri_prefix: String,
    /// The folder that is watched.
    pub(super) folder: PathBuf,
    /// Of the path below the folder, part by part: `*` any characters, `**` any parts.
    pattern: Vec<String>,
    pub(super) every: Duration,
    /// The content of its files is read.
    pub(super) hash: bool,
}

impl Target {
    /// Returns what the deck wants to be watched, and what cannot be, a line each.
    pub(super) fn all(deck: &Deck) -> (Vec<Self>, Vec<String>) {
        let mut problems = Vec::new();
        let mut targets = Vec::new();
        for asset in deck.assets.values() {
            let Some(watch) = asset.watch.filter(|_| is_local(deck, asset)) else { continue };
            match Self::new(deck, asset, watch) {
                Ok(target) => targets.push(target),
                Err(why) => problems.push(format!("asset `{}` is not watched: {why}", asset.name)),
            }
        }
        (targets, problems)
    }

    fn new(deck: &Deck, asset: &AssetSpec, watch: WatchSpec) -> Result<Self, String> {
        let (lake, root, key) = match &asset.uri {
            AssetUri::File(path) => match path.strip_prefix('/') {
                Some(below) => ("file:/".to_owned(), PathBuf::from("/"), below),
                None => ("file:".to_owned(), deck.project.clone(), path.as_str()),
            },
            AssetUri::Connection { connection, path } => {
                let (lake, root) = lake(deck, connection)?;
                (lake, root, path.trim_start_matches('/'))
            }
            AssetUri::Model { .. } => {
                return Err("a model's alias tells its changes by itself".into());
            }
            AssetUri::Other(uri) => return Err(format!("nothing is known of `{uri}`")),
        };
        if key.split('/').any(|part| part == "..") {
            return Err(format!("`{}` climbs out of its folder", asset.uri.as_text()));
        }
        let key = partition::glob(key);
        let mut parts: Vec<&str> = key.split('/').filter(|part| !part.is_empty()).collect();
        if key.ends_with('/') {
            // A folder: whatever comes into it.
            parts.push("*");
        }
        let last = parts.len().checked_sub(1).ok_or("it names no file")?;
        let fixed = parts.iter().position(|part| part.contains('*')).unwrap_or(last).min(last);
        let below = parts[..fixed].iter().map(|part| format!("{part}/")).collect::<String>();
        Ok(Self {
            asset: asset.name.clone(),
            uri_prefix: format!("{lake}{below}"),
            folder: root.join(below),
            pattern: parts[fixed..].iter().map(|part| (*part).to_owned()).collect(),
            every: watch.every,
            hash: watch.hash,
        })
    }

    /// Says whether folders below the folder are watched too.
    pub(super) fn is_recursive(&self) -> bool {
        self.pattern.len() > 1 || self.pattern.iter().any(|part| part == "**")
    }

    /// Returns where the file of a URI lies; `None`: it is not one that is meant.
    pub(super) fn path_of(&self, uri: &str) -> Option<PathBuf> {
        let path = self.folder.join(uri.strip_prefix(&self.uri_prefix)?);
        self.uri_of(&path).is_some().then_some(path)
    }

    /// Returns the URI of a file that is meant; `None`: it is not, or it is a temporary one.
    pub(super) fn uri_of(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.folder).ok()?;
        let parts: Vec<&str> = below.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
        let name = parts.last()?;
        if is_temporary(name) || !matches(&self.pattern, &parts) {
            return None;
        }
        Some(format!("{}{}", self.uri_prefix, parts.join("/")))
    }
}

/// Says whether its files are watched: not its messages, nor objects of a bucket.
fn is_local(deck: &Deck, asset: &AssetSpec) -> bool {
    let AssetUri::Connection { connection, .. } = &asset.uri else { return true };
    let spec = deck.connections.get(connection);
    spec.is_none_or(|spec| spec.kind != ConnectionKind::Bucket && !spec.kind.is_queue())
}

fn lake(deck: &Deck, connection: &str) -> Result<(String, PathBuf), String> {
    let spec = deck
        .connections
        .get(connection)
        .ok_or_else(|| format!("there is no connection `{connection}`"))?;
    let root = (spec.kind == ConnectionKind::Folder)
        .then(|| folder_of_url(spec.url.reveal(), &deck.project))
        .flatten()
        .ok_or_else(|| format!("connection `{connection}` is no folder"))?;
    Ok((format!("{connection}:"), root))
}

/// Says whether a name is one that programs give to what they have not finished.
pub(super) fn is_temporary(name: &str) -> bool {
    const ENDINGS: [&str; 5] = ["~", ".tmp", ".part", ".swp", ".crdownload"];
    name.starts_with('.') || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Says whether the parts of a path fit a pattern.
pub(crate) fn matches(pattern: &[String], parts: &[&str]) -> bool {
    match pattern.split_first() {
        None => parts.is_empty(),
        // At the end, `**` takes files at any depth.
        Some((any, [])) if any == "**" => !parts.is_empty(),
        Some((any, rest)) if any == "**" => {
            (0..=parts.len()).any(|skipped| matches(rest, &parts[skipped..]))
        }
        Some((first, rest)) => parts
            .split_first()
            .is_some_and(|(part, parts)| matches_part(first, part) && matches(rest, parts)),
    }
}

fn matches_part(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| matches_part(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::watch::tests::deck;

    fn target(uri: &str) -> Result<Target, String> {
        let deck = deck(Path::new("/p"), &[("a", uri)]);
        let (mut targets, mut problems) = Target::all(&deck);
        targets.pop().ok_or_else(|| problems.pop().unwrap())
    }

    #[test]
    fn a_pattern_watches_its_folder() {
        let target = target("lake:incoming/*.csv").unwrap();
        assert_eq!(target.folder, Path::new("/p/data/lake/incoming/"));
        assert!(!target.is_recursive());
        let uri = |path: &str| target.uri_of(Path::new(path));
        assert_eq!(uri("/p/data/lake/incoming/a.csv").unwrap(), "lake:incoming/a.csv");
        assert_eq!(uri("/p/data/lake/incoming/a.txt"), None);
        assert_eq!(uri("/p/data/lake/incoming/sub/a.csv"), None);
        assert_eq!(uri("/p/data/lake/a.csv"), None);
    }

    #[test]
    fn a_single_file_watches_the_folder_it_lies_in() {
        let target = target("file:data/employees.csv").unwrap();
        assert_eq!(target.folder, Path::new("/p/data/"));
        let uri = target.uri_of(Path::new("/p/data/employees.csv"));
        assert_eq!(uri.unwrap(), "file:data/employees.csv");
        assert_eq!(target.uri_of(Path::new("/p/data/other.csv")), None);
    }

    #[test]
    fn two_stars_watch_folders_at_any_depth() {
        let target = target("lake:incoming/**/*.csv").unwrap();
        assert!(target.is_recursive());
        for path in ["a.csv", "x/a.csv", "x/y/a.csv"] {
            let uri = target.uri_of(&Path::new("/p/data/lake/incoming").join(path));
            assert_eq!(uri.unwrap(), format!("lake:incoming/{path}"));
        }
        assert!(!target_matches("lake:in/*/a.csv", "in/a.csv"));
        assert!(target_matches("lake:in/*/a.csv", "in/x/a.csv"));
        assert!(target_matches("lake:in/", "in/any.thing"));
        assert!(target_matches("lake:in/**", "in/x/y"));
    }

    fn target_matches(uri: &str, key: &str) -> bool {
        target(uri).unwrap().uri_of(&Path::new("/p/data/lake").join(key)).is_some()
    }

    #[test]
    fn names_of_partitions_watch_what_they_stand_for() {
        let target = target("lake:{year}/{month}/sum-{region}.csv").unwrap();
        assert!(target.is_recursive());
        assert_eq!(target.folder, Path::new("/p/data/lake/"));
        let uri = "lake:2026/03/sum-eu.csv";
        let path = target.path_of(uri).unwrap();
        assert_eq!(path, Path::new("/p/data/lake/2026/03/sum-eu.csv"));
        assert_eq!(target.uri_of(&path).unwrap(), uri);
        assert_eq!(target.path_of("lake:2026/sum-eu.csv"), None);
    }

    #[test]
    fn temporary_names_are_passed_over() {
        for name in [".a.csv", "a.csv~", "a.csv.tmp", "a.csv.part", ".a.csv.swp"] {
            assert!(!target_matches("lake:in/*", &format!("in/{name}")), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_watched_is_told() {
        let problem = |uri: &str| target(uri).unwrap_err();
        assert_eq!(
            problem("warehouse:employees"),
            "asset `a` is not watched: connection `warehouse` is no folder"
        );
        assert!(problem("pond:x").contains("no connection `pond`"));
        assert!(problem("models:/iris@production").contains("by itself"));
        assert!(problem("lake:../x").contains("climbs out"));
    }
}
