//! Settings as they are shown: where each comes from, secrets masked.

use std::collections::BTreeMap;

use crate::dag::Deck;
use crate::dag::secret::{self, MASK, Secret};
use crate::dag::spec::ConnectionKind;
use crate::runtime::engine::Live;
use crate::types::settings::{ConnectionView, Origin, SlotPoolView, VariableView};

pub(super) fn variables(deck: &Deck) -> Vec<VariableView> {
    let declared = deck.variables.iter().filter(|(key, _)| deck.declares_variable(key));
    let declared = declared.map(|(key, value)| VariableView {
        key: key.clone(),
        value: shown(key, value.as_written()),
        description: None,
        origin: Origin::DagsToml,
        problem: None,
    });
    let set = deck.overlay.settings.variables.iter().map(|one| VariableView {
        key: one.key.clone(),
        value: shown(&one.key, &one.value),
        description: one.description.clone(),
        origin: Origin::RunTime,
        problem: deck.overlay.variable_problems.get(&one.key).cloned(),
    });
    declared.chain(set).collect()
}

pub(super) fn connections(deck: &Deck) -> Vec<ConnectionView> {
    let declared = deck.connections.values().filter(|spec| deck.declares_connection(&spec.name));
    let declared = declared.map(|spec| ConnectionView {
        conn_id: spec.name.clone(),
        conn_type: spec.kind.as_str().to_owned(),
        url: secret::shown_url(spec.url.as_written()),
        options: options(spec.options.iter().map(|(key, value)| (key, Secret::as_written(value)))),
        description: None,
        origin: Origin::DagsToml,
        problem: None,
    });
    let set = deck.overlay.settings.connections.iter().map(|one| ConnectionView {
        conn_id: one.conn_id.clone(),
        conn_type: ConnectionKind::of_url(&one.url)
            .or_else(|| deck.connections.get(&one.conn_id).map(|spec| spec.kind))
            .map_or("unknown", ConnectionKind::as_str)
            .to_owned(),
        url: secret::shown_url(&one.url),
        options: options(one.options.iter().map(|(key, value)| (key, value.as_str()))),
        description: one.description.clone(),
        origin: Origin::RunTime,
        problem: deck.overlay.connection_problems.get(&one.conn_id).cloned(),
    });
    declared.chain(set).collect()
}

fn options<'a>(options: impl Iterator<Item = (&'a String, &'a str)>) -> BTreeMap<String, String> {
    options.map(|(key, value)| (key.clone(), shown(key, value))).collect()
}

/// A reference is fit to be shown; a plain value of a sensitive name is not.
fn shown(name: &str, written: &str) -> String {
    if secret::is_sensitive_name(name) && !secret::is_reference(written) {
        MASK.to_owned()
    } else {
        written.to_owned()
    }
}

pub(super) fn pools(live: &Live) -> Vec<SlotPoolView> {
    let overlay = &live.deck.overlay;
    let view = |pool: &crate::types::view::PoolView| {
        let set = overlay.settings.pools.iter().find(|one| one.pool == pool.name);
        SlotPoolView {
            pool: pool.name.clone(),
            slots: pool.slots,
            running_slots: pool.running,
            queued_slots: pool.queued,
            open_slots: pool.slots.saturating_sub(pool.running),
            description: set.and_then(|one| one.description.clone()),
            origin: if set.is_some() { Origin::RunTime } else { Origin::DagsToml },
            declared_slots: set.and_then(|_| overlay.declared_pools.get(&pool.name).copied()),
        }
    };
    live.pools.iter().map(view).collect()
}
