//! Tells the engine of a file that came; once for each state of the file.

use std::collections::HashMap;
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
    reported: HashMap<(AssetName, PathBuf), Look>,
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
            let place = (target.asset.clone(), path.to_path_buf());
            if self.reported.get(&place) == Some(&look) {
                continue;
            }
            self.handle.emit_asset(event(target, path, uri, look)).await?;
            self.reported.insert(place, look);
        }
        Ok(())
    }

    /// Forgets a file that went away.
    pub(super) fn forget(&mut self, path: &Path) {
        self.reported.retain(|(_, reported), _| reported != path);
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
