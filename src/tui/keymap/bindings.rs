//! The keys that the deck comes with: one table from which dispatch, the hint row, `?`, the
//! palette and the keymap file are all made.

use crate::keymap::Place::{
    Approvals, AssetDetails, AssetWhy, Assets, Attention, BackfillPage, Backfills, Chain, Columns,
    Commands, Compare, CompareRuns, DagPage, Dags, Diff, Errors, Events, Experiments, Graph,
    Impact, Lineage, Log, LoggedModel, LoggedModels, ModelDetails, ModelPage, Models,
    OperationPage, Operations, Runs, Serving, System, Tasks, TrackingRun, TrackingRuns, Trials,
    Versions,
};
use crate::keymap::{Action, Binding, Place};

mod everywhere;
mod lists;
mod run;
mod views;

/// Lists, which have an order and columns to choose.
const LISTS: &[Place] = &[
    Dags,
    Attention,
    Runs,
    Assets,
    Impact,
    Experiments,
    TrackingRuns,
    Trials,
    LoggedModels,
    Models,
    ModelPage,
    Serving,
    Events,
    System,
    Versions,
    Backfills,
    BackfillPage,
    Approvals,
    Operations,
    OperationPage,
    Commands,
];
/// Lists, and the tasks of a run and the columns of a table, which stand in an order of their own.
const FILTERED: &[Place] = &{
    let mut filtered = [Tasks; LISTS.len() + 2];
    filtered[LISTS.len() + 1] = Columns;
    let mut at = 0;
    while at < LISTS.len() {
        filtered[at] = LISTS[at];
        at += 1;
    }
    filtered
};
/// Lists whose rows can be marked for the next operation.
const MARKABLE: &[Place] = &[Runs, Tasks, Versions, Models, ModelPage, TrackingRuns, Trials];
const OPENABLE: &[Place] = &[
    Dags,
    Attention,
    Runs,
    Experiments,
    TrackingRuns,
    TrackingRun,
    Trials,
    LoggedModels,
    Events,
    Versions,
    Backfills,
    Operations,
];
const EDITABLE: &[Place] = &[
    Dags,
    DagPage,
    Runs,
    Tasks,
    Graph,
    Log,
    Versions,
    Backfills,
    BackfillPage,
    Assets,
    Lineage,
    AssetDetails,
    Errors,
];
/// Places about a version of a model.
const OF_A_VERSION: &[Place] = &[Models, ModelDetails, ModelPage, Compare];
/// The panes of assets.
const ASSETS: &[Place] = &[Assets, Lineage, AssetDetails];
/// Places about one asset.
const OF_AN_ASSET: &[Place] = &[Assets, Lineage, AssetDetails, AssetWhy, Impact];
/// Places about something that has a chain from file to answer.
const WITH_A_CHAIN: &[Place] = &[
    Assets,
    Lineage,
    AssetDetails,
    AssetWhy,
    Impact,
    Chain,
    Columns,
    Models,
    ModelDetails,
    ModelPage,
    Serving,
];
/// Places about something that has columns.
const WITH_COLUMNS: &[Place] =
    &[Assets, Lineage, AssetDetails, Impact, Chain, Models, ModelDetails, ModelPage, Serving];
const RUN: &[Place] = &[Tasks, Graph, Log];
/// Places about a DAG that has its page and its list of runs elsewhere.
const OF_A_DAG: &[Place] = &[Runs, Tasks, Graph, Log, Versions, Diff, Backfills, BackfillPage];
/// Places with charts of metrics.
const CHARTED: &[Place] = &[TrackingRun, CompareRuns];
/// Places about a logged model.
const LOGGED: &[Place] = &[LoggedModels, LoggedModel];
/// Places with charts of any kind.
const DRAWN: &[Place] = &[TrackingRun, CompareRuns, Trials];
const RUN_AND_RUNS: &[Place] = &[Tasks, Graph, Log, Runs];
const fn key(
    action: Action,
    keys: &'static [&'static str],
    hint: &'static str,
    help: &'static str,
    places: &'static [Place],
) -> Binding {
    Binding { action, keys, hint, help, places, mutates: false }
}

/// A key that leads to a change: not there when the deck is read-only.
const fn change(
    action: Action,
    keys: &'static [&'static str],
    hint: &'static str,
    help: &'static str,
    places: &'static [Place],
) -> Binding {
    Binding { action, keys, hint, help, places, mutates: true }
}

/// The parts of the table in their order, those of a screen first: hints are shown in it until the
/// row is full.
const PARTS: &[&[Binding]] =
    &[run::BINDINGS, views::BINDINGS, lists::BINDINGS, everywhere::BINDINGS];

/// Every key.
pub(crate) const BINDINGS: &[Binding] = &joined::<{ count(PARTS) }>(PARTS);

const fn count(parts: &[&[Binding]]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < parts.len() {
        count += parts[at].len();
        at += 1;
    }
    count
}

/// Makes one table of the parts; a loop over an iterator cannot be constant yet.
const fn joined<const N: usize>(parts: &[&[Binding]]) -> [Binding; N] {
    let mut joined = [parts[0][0]; N];
    let (mut next, mut part) = (0, 0);
    while part < parts.len() {
        let mut at = 0;
        while at < parts[part].len() {
            joined[next] = parts[part][at];
            next += 1;
            at += 1;
        }
        part += 1;
    }
    joined
}
