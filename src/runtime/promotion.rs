//! Moves an alias and says so: the registry's line first, then the asset event that follows from
//! it. A crash between the two is made good at start; the event's key makes it count once.

use serde_json::{Map, json};

use crate::runtime::blocking::blocking;
use crate::runtime::handle::Handle;
use crate::runtime::publish::Publisher;
use crate::store::{Store, meta};
use crate::tracking::alias;
use crate::tracking::registry::{self, MoveAlias};
use crate::types::Fault;
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::event::Event;
use crate::types::view::AliasMove;

/// Moves an alias. `None`: it stood there already.
pub async fn move_alias(
    store: &Store,
    handle: &Handle,
    publisher: &Publisher,
    wish: MoveAlias,
) -> Result<Option<AliasMove>, Fault> {
    let moved = {
        let store = store.clone();
        off_thread(move || registry::move_alias(&store, wish).map_err(Fault::from)).await?
    };
    if let Some(moved) = &moved {
        tracing::trace!(step = "alias moved", name = moved.name);
        if let Some(event) = event_of(moved) {
            handle.emit_asset(event).await?;
        }
        publisher.publish(Event::TrackingChanged);
    }
    Ok(moved)
}

/// Up to which move of an alias all have been reported, in `meta`. Retention keeps the events of
/// those after it.
pub(crate) const TOLD: &str = "alias_moves_told";

/// Reports the moves again that were made since this was last done; those that are known already
/// do not count.
pub async fn make_good(store: &Store, handle: &Handle) -> Result<(), Fault> {
    let told = store.read(|conn| meta::get(conn, TOLD)).await?;
    let told = told.and_then(|id| id.parse().ok()).unwrap_or(0);
    let moves = {
        let store = store.clone();
        off_thread(move || registry::moves_after(&store, told).map_err(Fault::from)).await?
    };
    let Some(last) = moves.last().map(|moved| moved.id) else { return Ok(()) };
    for event in moves.iter().filter_map(event_of) {
        handle.emit_asset(event).await?;
    }
    Ok(store.write(move |tx| meta::put(tx, TOLD, &last.to_string())).await?)
}

/// An alias that was taken away leads to no version: nothing is new. One that came over from
/// elsewhere was promoted there.
fn event_of(moved: &AliasMove) -> Option<AssetEventSpec> {
    moved.to_version.filter(|_| moved.action != alias::IMPORT)?;
    let uri = format!("models:/{}@{}", moved.name, moved.alias);
    let mut extra = Map::new();
    extra.insert("uri".into(), json!(uri));
    extra.insert("name".into(), json!(moved.name));
    extra.insert("alias".into(), json!(moved.alias));
    extra.insert("version".into(), json!(moved.to_version));
    extra.insert("previous_version".into(), json!(moved.from_version));
    extra.insert("action".into(), json!(moved.action));
    Some(AssetEventSpec {
        extra,
        dedupe_key: Some(format!("alias-move:{}", moved.id)),
        ..AssetEventSpec::new(uri, AssetEventSource::Registry)
    })
}

/// Runs what blocks, and may fail, off the async threads.
pub async fn off_thread<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
) -> Result<R, Fault> {
    blocking(work).await?
}
