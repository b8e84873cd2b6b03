//! The chain through one thing and its columns, as rows.

use crate::rows;
use crate::state::{Screen, State, View};
use crate::types::view::{ColumnTrace, LineageKind, TraceStep, TraceView};

/// A row of the chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChainRow<'a> {
    /// It was made of that; else that was made of it.
    pub(crate) is_upstream: bool,
    pub(crate) step: &'a TraceStep,
}

/// Returns the steps of a chain, those upstream first.
pub(crate) fn chain(trace: &TraceView) -> Vec<ChainRow<'_>> {
    let up = trace.upstream.iter().map(|step| ChainRow { is_upstream: true, step });
    let down = trace.downstream.iter().map(|step| ChainRow { is_upstream: false, step });
    up.chain(down).collect()
}

/// Returns the keys of the shown chain, or of the shown columns.
pub(crate) fn keys(state: &State, screen: &Screen) -> Vec<String> {
    match screen {
        Screen::Chain(id) => {
            let count = state.cache.trace(id).map_or(0, |trace| chain(trace).len());
            (0..count).map(|at| at.to_string()).collect()
        }
        Screen::Columns(id) => columns(state, id).iter().map(|one| one.name.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Returns the selected step of the shown chain.
pub(crate) fn selected_step(state: &State) -> Option<&TraceStep> {
    let level = state.level();
    let Screen::Chain(id) = &level.screen else { return None };
    let rows = chain(state.cache.trace(id)?);
    rows.get(level.cursor(&keys(state, &level.screen))).map(|row| row.step)
}

/// Returns the columns that pass the filter.
pub(crate) fn columns<'a>(state: &'a State, id: &str) -> Vec<&'a ColumnTrace> {
    let all = state.cache.columns(id).map(|view| view.columns.as_slice()).unwrap_or_default();
    let level = state.level();
    let words = |column: &ColumnTrace| {
        let origins = column.origins.iter().map(|step| format!("{}.{}", step.dataset, step.column));
        let origins: Vec<String> = origins.collect();
        format!("{} {} {}", column.name, column.column_type, origins.join(" "))
    };
    all.iter().filter(|column| level.admits(&words(column))).collect()
}

/// Returns the id, in the lineage, of what is selected.
pub(crate) fn node_here(state: &State) -> Option<String> {
    let level = state.level();
    match &level.screen {
        Screen::Chain(id) => {
            selected_step(state).and_then(|step| step.node.clone()).or_else(|| Some(id.clone()))
        }
        Screen::Columns(id) => Some(id.clone()),
        Screen::Root(View::Assets) | Screen::Asset(_) | Screen::AssetWhy(_) | Screen::Impact(_) => {
            let shown = || {
                let asset = rows::assets::shown(state)?;
                Some(LineageKind::Asset.id(asset.name.as_str()))
            };
            let is_in_lineage = rows::assets::is_in_lineage(state);
            let node = rows::assets::node(state).filter(|_| is_in_lineage);
            node.map(|node| node.id.clone()).or_else(shown)
        }
        Screen::Root(View::Models) | Screen::Model(_) | Screen::Compare(..) => {
            let version = rows::models::version_here(state)
                .map(|one| LineageKind::Version.id(&format!("{}/{}", one.name, one.version)));
            version.or_else(|| Some(LineageKind::Model.id(&rows::models::model_here(state)?)))
        }
        Screen::Root(View::Serving) => {
            rows::served_here(state).map(|served| LineageKind::Endpoint.id(&served.model))
        }
        _ => None,
    }
}
