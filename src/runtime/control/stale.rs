//! How one asset stands, for whoever tells of it: when it last changed, and what upstream made it
//! stale.

use rusqlite::Connection;

use crate::dag::Deck;
use crate::runtime::control::assets;
use crate::runtime::control::freshness::{Judge, Known, RUNS};
use crate::store::{StoreError, asset, dag, dag_run};
use crate::types::freshness::StaleCause;
use crate::types::{AssetName, DagId, Timestamp};

pub(in crate::runtime) struct Stands {
    pub(in crate::runtime) last: Option<Timestamp>,
    /// The root cause in a line; `None`: its age is all there is to say.
    pub(in crate::runtime) cause: Option<String>,
    /// From the root cause to the asset.
    pub(in crate::runtime) path: Vec<AssetName>,
}

pub(in crate::runtime) fn look(
    conn: &Connection,
    deck: &Deck,
    name: &AssetName,
    now: Timestamp,
) -> Result<Stands, StoreError> {
    let (summary, dag_states) = (asset::summary(conn)?, dag::list(conn)?);
    let dag_ids: Vec<DagId> = deck.dags.keys().cloned().collect();
    let runs = dag_run::recent(conn, &dag_ids, RUNS)?;
    let known = assets::known(deck, &summary);
    let mut judge = Judge::new(Known {
        deck,
        dag_states: &dag_states,
        assets: &known,
        summary: &summary,
        runs: &runs,
        now,
    });
    let way = assets::way(&mut judge, name);
    let root = way.first().filter(|root| {
        // That it is old was said already.
        root.asset != *name || root.cause.is_some_and(|cause| cause != StaleCause::TooOld)
    });
    let cause = root.map(|root| match root.asset == *name {
        true => root.text.clone(),
        false => format!("made of `{}`: {}", root.asset, root.text),
    });
    let last = judge.last(name).map(|event| event.timestamp);
    Ok(Stands { last, cause, path: way.into_iter().map(|step| step.asset).collect() })
}
