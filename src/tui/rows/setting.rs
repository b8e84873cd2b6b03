//! Pools, variables, workers and connections.

use crate::screen::settings::list;
use crate::state::{Level, Screen, State, View};
use crate::types::executor::WorkerView;
use crate::types::settings::{ConnectionView, SlotPoolView, VariableView};

/// Something that the system view lists: a worker, or what is set in `dags.toml` or at run time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Setting<'a> {
    Worker(&'a WorkerView),
    Pool(&'a SlotPoolView),
    Variable(&'a VariableView),
    Connection(&'a ConnectionView),
}

impl Setting<'_> {
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Worker(worker) => format!("worker {}", worker.pid),
            Self::Pool(pool) => format!("pool {}", pool.pool),
            Self::Variable(variable) => format!("variable {}", variable.key),
            Self::Connection(connection) => format!("connection {}", connection.conn_id),
        }
    }
}

/// Returns the pools, variables, workers and connections.
pub(crate) fn all_settings(state: &State) -> impl Iterator<Item = Setting<'_>> {
    let workers = state.cache.executors().map(|view| view.workers.workers.as_slice());
    let workers = workers.unwrap_or_default().iter().map(Setting::Worker);
    let pools = state.cache.pools().unwrap_or_default().iter().map(Setting::Pool);
    let variables = state.cache.variables().unwrap_or_default().iter().map(Setting::Variable);
    let connections = state.cache.connections().unwrap_or_default().iter().map(Setting::Connection);
    pools.chain(variables).chain(workers).chain(connections)
}

/// Returns the worker that is selected.
pub(crate) fn worker_here(state: &State) -> Option<&WorkerView> {
    let level = state.level();
    if level.screen != Screen::Root(View::System) {
        return None;
    }
    let keys = super::keys(state, level);
    match settings(state, level).get(level.cursor(&keys)) {
        Some(Setting::Worker(worker)) => Some(worker),
        _ => None,
    }
}

/// Returns those that pass the filter, in their order.
pub(crate) fn settings<'a>(state: &'a State, level: &Level) -> Vec<Setting<'a>> {
    list().arrange(state, level, all_settings(state))
}
