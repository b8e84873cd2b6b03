//! Pools, variables and connections.

use crate::screen::settings::list;
use crate::state::{Level, State};
use crate::types::settings::{ConnectionView, SlotPoolView, VariableView};

/// Something that is set in `dags.toml` or at run time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Setting<'a> {
    Pool(&'a SlotPoolView),
    Variable(&'a VariableView),
    Connection(&'a ConnectionView),
}

impl Setting<'_> {
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Pool(pool) => format!("pool {}", pool.pool),
            Self::Variable(variable) => format!("variable {}", variable.key),
            Self::Connection(connection) => format!("connection {}", connection.conn_id),
        }
    }
}

/// Returns the pools, variables and connections.
pub(crate) fn all_settings(state: &State) -> impl Iterator<Item = Setting<'_>> {
    let pools = state.cache.pools().unwrap_or_default().iter().map(Setting::Pool);
    let variables = state.cache.variables().unwrap_or_default().iter().map(Setting::Variable);
    let connections = state.cache.connections().unwrap_or_default().iter().map(Setting::Connection);
    pools.chain(variables).chain(connections)
}

/// Returns those that pass the filter, in their order.
pub(crate) fn settings<'a>(state: &'a State, level: &Level) -> Vec<Setting<'a>> {
    list().arrange(state, level, all_settings(state))
}
