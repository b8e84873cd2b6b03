//! Tells the engine of a file that came; once for each state of the file.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::{Map, json};

use super::scan::{Look, look};
use super::target::Target;
use crate::runtime::handle::Handle;
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::{AssetName, Fault, Timestamp};

/// Reports files and remembers what it has reported, so that scans ask nothing twice.
#[derive(Debug)]
pub(super) struct Reporter {
    handle: Handle,
    /// Of each file that is there, as which asset it was reported, and how it looked.
    reported: HashMap<PathBuf, BTreeMap<AssetName, Look>>,
}

impl Reporter {
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle, reported: HashMap::new() }
    }

    /// Reports a complete file for every asset that it belongs to.
    pub(super) async fn report(&mut self, targets: &[Target], path: &Path) -> Result<(), Fault> {
        let Some(look) = look(path) else { return Ok(()) };
        for target in targets {
            let Some(uri) = target.uri_of(path) else { continue };
            let reported = self.reported.get(path);
            if reported.and_then(|assets| assets.get(&target.asset)) == Some(&look) {
                continue;
            }
            self.handle.emit_asset(event(target, path, uri, look)).await?;
            let assets = self.reported.entry(path.to_path_buf()).or_default();
            assets.insert(target.asset.clone(), look);
        }
        Ok(())
    }

    /// Forgets a file that went away.
    pub(super) fn forget(&mut self, path: &Path) {
        self.reported.remove(path);
    }
}

fn event(target: &Target, path: &Path, uri: String, look: Look) -> AssetEventSpec {
    let mut extra = Map::new();
    extra.insert("uri".into(), json!(uri));
    extra.insert("path".into(), json!(path));
    extra.insert("size".into(), json!(look.size));
    let mtime = Timestamp::from_nanosecond(look.mtime_ns).ok();
    extra.insert("mtime".into(), json!(mtime));
    AssetEventSpec {
        name: Some(target.asset.clone()),
        dedupe_key: Some(format!("file:{}:{uri}:{}:{}", target.asset, look.size, look.mtime_ns)),
        uri,
        source: AssetEventSource::Watcher,
        extra,
    }
}
