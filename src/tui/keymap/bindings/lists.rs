//! Of lists: filtered, marked, sorted; what is done to what is selected in one.

use crate::keymap::Place::{
    AssetDetails, Assets, Attention, DagPage, Dags, Events, Graph, Lineage, Log, ModelDetails,
    Models, OperationPage, Operations, Runs, System, Tasks, TrackingRun,
};
use crate::keymap::bindings::{FILTERED, LISTS, MARKABLE, change, key};
use crate::keymap::{Action, Binding};

pub(super) const BINDINGS: &[Binding] = &[
    // Lists.
    key(
        Action::Filter,
        &["/"],
        "filter",
        "filter the list: word, !word, column:value, ~loose",
        FILTERED,
    ),
    key(
        Action::MarkRow,
        &["space"],
        "select",
        "mark the row for the next operation, or not",
        MARKABLE,
    ),
    key(
        Action::MarkRange,
        &["v"],
        "",
        "mark the rows from here to where you go; again ends it",
        MARKABLE,
    ),
    key(Action::MarkAll, &["*"], "", "mark all rows that pass the filter, or none", MARKABLE),
    key(
        Action::Sort,
        &["S"],
        "sort",
        "sort the list; by the same column again the other way round",
        LISTS,
    ),
    key(Action::Columns, &["W"], "", "choose the columns of the list", FILTERED),
    key(
        Action::Attention,
        &["A"],
        "attention",
        "all that needs attention; in a list of runs only those that failed, or all again",
        &[Dags, Runs, Tasks],
    ),
    key(
        Action::AttentionBox,
        &["tab", "shift-tab"],
        "",
        "into the box of what needs attention, and back to the DAGs",
        &[Dags, Attention],
    ),
    key(Action::FailedLog, &["L"], "log", "the log of what failed last", &[Dags, Attention, Runs]),
    key(
        Action::Why,
        &["w"],
        "why",
        "why the task, the run or the DAG does or does not go on",
        &[Dags, Attention, DagPage, Runs, Tasks, Graph],
    ),
    change(
        Action::Undo,
        &["u"],
        "undo",
        "undo the last operation or pause: says first what that takes back",
        &[Runs, Tasks, Graph, Log, Dags, DagPage, Events, Operations, OperationPage],
    ),
    change(
        Action::Redo,
        &["ctrl-r"],
        "",
        "do again what this deck undid",
        &[Runs, Tasks, Graph, Log, Dags, DagPage, Events, Operations, OperationPage],
    ),
    key(
        Action::Zoom,
        &["z"],
        "zoom",
        "most of the screen for this pane, all of it, all panes again",
        &[
            Tasks,
            Graph,
            Log,
            System,
            Assets,
            Lineage,
            AssetDetails,
            Models,
            ModelDetails,
            TrackingRun,
        ],
    ),
];
