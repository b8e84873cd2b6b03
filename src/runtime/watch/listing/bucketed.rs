//! Which assets lie in buckets, and where.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::connection::object::{Lake, Location, Manner, Patience};
use crate::connection::{OpenConnection, chain};
use crate::dag::spec::{AssetSpec, AssetUri, ConnectionKind};
use crate::dag::{Deck, partition};
use crate::types::AssetName;

/// An asset in a bucket that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bucketed {
    pub(super) asset: AssetName,
    pub(super) every: Duration,
    uri: String,
    connection: OpenConnection,
}

/// Returns those of a deck.
pub(super) fn bucketed(deck: &Deck) -> Vec<Bucketed> {
    let one = |asset: &AssetSpec| {
        let every = asset.watch?.every;
        let AssetUri::Connection { connection, .. } = &asset.uri else { return None };
        let spec = deck.connections.get(connection)?;
        (spec.kind == ConnectionKind::Bucket).then(|| Bucketed {
            asset: asset.name.clone(),
            every,
            uri: asset.uri.as_text(),
            connection: OpenConnection::of(spec),
        })
    };
    deck.assets.values().filter_map(one).collect()
}

impl Bucketed {
    /// Opens the bucket; returns with it the pattern that keys are to fit, part by part.
    pub(super) fn open(&self, project: &Path) -> Result<(Lake, Vec<String>), String> {
        let connections = BTreeMap::from([(self.connection.name.clone(), self.connection.clone())]);
        let place =
            Location::parse(&self.uri, &connections, project).map_err(|error| chain(&error))?;
        let glob = partition::glob(&place.key);
        let parts = glob.split('/').filter(|part| !part.is_empty());
        let mut pattern: Vec<String> = parts.map(str::to_owned).collect();
        if place.is_folder() {
            // Whatever comes into it.
            pattern.push("*".to_owned());
        }
        let manner = Manner { project, patience: Patience::Look, memory: None };
        let lake = place.open(manner).map_err(|error| chain(&error))?;
        Ok((lake, pattern))
    }
}
