//! Finds what a request names, or says what was probably meant.

use std::sync::Arc;

use crate::dag::spec::AssetSpec;
use crate::dag::{Dag, suggest};
use crate::runtime::engine::Live;
use crate::sched::Rejected;
use crate::sched::change::DagState;
use crate::types::run::DagRunKey;
use crate::types::{AssetName, DagId, Fault};

/// Lists are read by the page; nobody needs more at once.
pub(super) const PAGE_LEN_MAX: u32 = 1000;

/// Returns a DAG of the definitions in force; refuses with `NotFound`.
pub(super) fn dag<'a>(live: &'a Live, dag_id: &DagId) -> Result<&'a Arc<Dag>, Fault> {
    live.deck.dags.get(dag_id).ok_or_else(|| no_dag(live, dag_id))
}

/// Refuses a DAG that is neither defined nor remembered.
pub(super) fn known_dag(live: &Live, dag_id: &DagId) -> Result<(), Fault> {
    if live.deck.dags.contains_key(dag_id) || dag_state(live, dag_id).is_some() {
        return Ok(());
    }
    Err(no_dag(live, dag_id))
}

/// Returns what is kept of a DAG beyond its definition.
pub(super) fn dag_state<'a>(live: &'a Live, dag_id: &DagId) -> Option<&'a DagState> {
    live.dag_states.iter().find(|state| state.dag_id == *dag_id)
}

fn no_dag(live: &Live, dag_id: &DagId) -> Fault {
    if dag_state(live, dag_id).is_some() {
        let text = format!("DAG `{dag_id}` is no longer defined");
        return Fault::not_found(text).hint("its runs are kept: `dagdeck runs list`");
    }
    let meant = suggest::closest(dag_id.as_str(), live.deck.dags.keys().map(DagId::as_str));
    Rejected::NoDag { dag_id: dag_id.clone(), meant: meant.map(str::to_owned) }.into()
}

/// Refuses a run that there is not.
pub(super) fn no_run(live: &Live, run: &DagRunKey) -> Fault {
    if let Err(fault) = known_dag(live, &run.dag_id) {
        return fault;
    }
    let text = format!("there is no run `{}` of DAG `{}`", run.dag_run_id, run.dag_id);
    Fault::not_found(text).hint("`dagdeck runs list` shows what there is")
}

/// Returns a declared asset; refuses with `NotFound`.
pub(super) fn asset<'a>(live: &'a Live, name: &AssetName) -> Result<&'a AssetSpec, Fault> {
    live.deck.assets.get(name).ok_or_else(|| no_asset(live, name))
}

/// Refuses an asset that there is not.
pub(super) fn no_asset(live: &Live, name: &AssetName) -> Fault {
    let names = live.deck.assets.keys().map(AssetName::as_str);
    let hint = match suggest::closest(name.as_str(), names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`dagdeck assets list` shows what there is".to_owned(),
    };
    Fault::not_found(format!("there is no asset `{name}`")).hint(hint)
}
