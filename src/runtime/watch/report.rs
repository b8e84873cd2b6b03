//! Tells the engine of files that came, changed, were moved, or are gone; once for each state of
//! a file. What was told lies in the store with the event, so that the next daemon knows it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use serde_json::{Map, json};

use super::digest::Content;
use super::scan::{Look, Seen, see};
use super::target::Target;
use crate::runtime::handle::Handle;
use crate::types::asset::{AssetEventKind, AssetEventSource, AssetEventSpec, WatchedObject};
use crate::types::{AssetName, Fault, Timestamp};

/// Of each asset the URIs of what was told to be there, with their versions.
pub(super) type Known = BTreeMap<AssetName, BTreeMap<String, String>>;

/// What is to be told of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Telling {
    /// It is complete. Assets that want its content are told with it, the others without.
    There {
        path: PathBuf,
        moved_from: Option<PathBuf>,
        content: Content,
    },
    Gone(PathBuf),
}

/// Reports files, and remembers what it has reported.
#[derive(Debug)]
pub(super) struct Reporter {
    handle: Handle,
    known: Known,
    /// The keys of reports that may or may not have come through: told again, they count once.
    unsure: HashMap<(AssetName, String, Option<String>), String>,
    /// Makes the keys of this daemon's reports differ from all others.
    session: String,
    count: u64,
}

impl Reporter {
    pub(super) fn new(handle: Handle, known: Known) -> Self {
        let session = uuid::Uuid::new_v4().simple().to_string();
        Self { handle, known, unsure: HashMap::new(), session, count: 0 }
    }

    /// Says whether a file was reported as it looks.
    pub(super) fn knows(&self, target: &Target, path: &Path, look: Look) -> bool {
        let version = target.uri_of(path).and_then(|uri| self.version(&target.asset, &uri));
        version.is_some_and(|version| parts(version).0 == look.to_string())
    }

    /// Returns the files that were told of as this asset.
    pub(super) fn paths<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = PathBuf> + 'a {
        let uris = self.known.get(&target.asset).into_iter().flat_map(BTreeMap::keys);
        uris.filter_map(|uri| target.path_of(uri))
    }

    fn version(&self, asset: &AssetName, uri: &str) -> Option<&String> {
        self.known.get(asset)?.get(uri)
    }

    /// Reports files for every asset that they belong to. They go to the engine together, in
    /// their order: it commits many at once.
    pub(super) async fn report(
        &mut self,
        targets: &[Target],
        tellings: Vec<Telling>,
    ) -> Result<(), Fault> {
        let mut specs = Vec::new();
        for telling in &tellings {
            for target in targets {
                specs.extend(self.spec(target, telling));
            }
        }
        let told = specs.iter().map(|spec| self.handle.emit_asset(spec.clone()));
        let told = join_all(told).await;
        let mut failed = None;
        for (spec, told) in specs.into_iter().zip(told) {
            match told {
                Ok(_) => self.remember(spec),
                Err(fault) => {
                    failed.get_or_insert(fault);
                    let key = key_of(&spec);
                    self.unsure.extend(key.zip(spec.dedupe_key));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Makes the event; `None`: the file is no concern of the asset, or nothing is new.
    fn spec(&mut self, target: &Target, telling: &Telling) -> Option<AssetEventSpec> {
        let (path, moved_from, look, content) = match telling {
            Telling::Gone(path) => (path, None, None, None),
            Telling::There { path, moved_from, content } => {
                if target.hash == (*content == Content::NotRead) {
                    return None;
                }
                let Seen::File(look) = see(path) else { return None };
                let from = moved_from.as_deref().and_then(|from| target.uri_of(from));
                (path, from, Some(look), digest(content))
            }
        };
        let uri = target.uri_of(path)?;
        let before = self.version(&target.asset, &uri).cloned();
        let moved_from = moved_from.filter(|from| self.version(&target.asset, from).is_some());
        let version = look.map(|look| version(look, content));
        if moved_from.is_none()
            && let (Some(version), Some(before)) = (&version, &before)
            && is_same(version, before)
        {
            // Its time may be another one: it need not be read again.
            let version = version.clone();
            self.known.entry(target.asset.clone()).or_default().insert(uri, version);
            return None;
        }
        let kind = match (&version, &before, &moved_from) {
            (None, None, _) => return None,
            (None, Some(_), _) => AssetEventKind::Deleted,
            (Some(_), _, Some(_)) => AssetEventKind::Moved,
            (Some(_), Some(_), None) => AssetEventKind::Changed,
            (Some(_), None, None) => AssetEventKind::Created,
        };
        let object = WatchedObject { version, moved_from };
        let mut spec = AssetEventSpec {
            name: Some(target.asset.clone()),
            kind,
            extra: extra(&uri, path, (look, content), &object),
            object: Some(object),
            ..AssetEventSpec::new(uri, AssetEventSource::Watcher)
        };
        spec.dedupe_key = Some(self.dedupe_key(&spec));
        Some(spec)
    }

    /// A file may come to look as it did before, and that is a change: a key is of one report.
    fn dedupe_key(&mut self, spec: &AssetEventSpec) -> String {
        if let Some(unsure) = key_of(spec).and_then(|key| self.unsure.get(&key)) {
            return unsure.clone();
        }
        self.count += 1;
        let asset = spec.name.as_ref().map_or("", |name| name.as_str());
        let version = spec.object.as_ref().and_then(|object| object.version.as_deref());
        let (uri, version) = (&spec.uri, version.unwrap_or("gone"));
        format!("file:{asset}:{uri}:{version}:{}.{}", self.session, self.count)
    }

    fn remember(&mut self, spec: AssetEventSpec) {
        if let Some(key) = key_of(&spec) {
            self.unsure.remove(&key);
        }
        let (Some(name), Some(object)) = (spec.name, spec.object) else { return };
        let uris = self.known.entry(name).or_default();
        if let Some(before) = object.moved_from {
            uris.remove(&before);
        }
        match object.version {
            Some(version) => uris.insert(spec.uri, version),
            None => uris.remove(&spec.uri),
        };
    }
}

fn digest(content: &Content) -> Option<&str> {
    match content {
        Content::Sha256(digest) => Some(digest),
        Content::NotRead | Content::Unreadable => None,
    }
}

/// Between how a file looks and what it holds.
const MARK: &str = ":sha256:";

fn version(look: Look, content: Option<&str>) -> String {
    content.map_or_else(|| look.to_string(), |digest| format!("{look}{MARK}{digest}"))
}

/// How a file looked, and what it held where that was read.
fn parts(version: &str) -> (&str, Option<&str>) {
    version.split_once(MARK).map_or((version, None), |(look, digest)| (look, Some(digest)))
}

/// Says whether nothing is new: it holds the same, or looks the same where nobody has read it.
fn is_same(version: &str, before: &str) -> bool {
    match (parts(version), parts(before)) {
        ((_, Some(now)), (_, Some(then))) => now == then,
        ((now, _), (then, _)) => now == then,
    }
}

fn key_of(spec: &AssetEventSpec) -> Option<(AssetName, String, Option<String>)> {
    let version = spec.object.as_ref()?.version.clone();
    Some((spec.name.clone()?, spec.uri.clone(), version))
}

fn extra(
    uri: &str,
    path: &Path,
    (look, content): (Option<Look>, Option<&str>),
    object: &WatchedObject,
) -> Map<String, serde_json::Value> {
    let mut extra = Map::new();
    extra.insert("uri".into(), json!(uri));
    extra.insert("path".into(), json!(path));
    if let Some(look) = look {
        extra.insert("size".into(), json!(look.size));
        extra.insert("mtime".into(), json!(Timestamp::from_nanosecond(look.mtime_ns).ok()));
    }
    if let Some(digest) = content {
        extra.insert("sha256".into(), json!(digest));
    }
    if let Some(from) = &object.moved_from {
        extra.insert("moved_from".into(), json!(from));
    }
    extra
}
