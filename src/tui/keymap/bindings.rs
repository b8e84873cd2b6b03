//! The keys that the deck comes with: one table from which dispatch, the hint row, `?`, the
//! palette and the keymap file are all made.

use crate::keymap::Place::{
    Approvals, AssetPage, Assets, Attention, Backfills, DagPage, Dags, Diff, Events, Experiments,
    Graph, Log, ModelPage, Models, Operations, Runs, System, Tasks, TrackingRuns, Versions,
};
use crate::keymap::{Action, Binding, Place};
use crate::state::View;

const LISTS: &[Place] = &[
    Dags,
    Attention,
    Runs,
    Assets,
    Experiments,
    TrackingRuns,
    Models,
    ModelPage,
    Events,
    Approvals,
    System,
];
/// Lists whose columns are described once: sorted, filtered and chosen alike.
const SORTED: &[Place] = &[Dags, Runs];
/// Lists whose rows can be marked for the next operation.
const MARKABLE: &[Place] = &[Runs, Tasks, Versions];
const OPENABLE: &[Place] =
    &[Dags, Attention, Runs, Assets, Experiments, TrackingRuns, Models, Events, Versions];
const RUN: &[Place] = &[Tasks, Graph, Log];
/// Places about a DAG that has its page and its list of runs elsewhere.
const OF_A_DAG: &[Place] = &[Runs, Tasks, Graph, Log, Versions, Diff, Backfills];
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

/// Every key, those of a screen first: hints are shown in this order until the row is full.
pub(crate) const BINDINGS: &[Binding] = &[
    // What is here.
    key(Action::Open, &["enter"], "open", "open what is selected", OPENABLE),
    key(
        Action::OpenTask,
        &["enter"],
        "",
        "open or close a group or a mapped task (also l h); else the task in full",
        &[Tasks, Graph],
    ),
    change(Action::Answer, &["enter"], "answer", "answer the question", &[Approvals]),
    change(
        Action::EditSetting,
        &["enter"],
        "edit",
        "set the pool's slots or the variable's value",
        &[System],
    ),
    key(Action::NextPane, &["tab"], "pane", "next pane: tasks, graph, log", RUN),
    key(Action::PreviousPane, &["shift-tab"], "", "the pane before", RUN),
    // The log.
    key(Action::Follow, &["f"], "follow", "follow the log's end, or stop", &[Log]),
    key(Action::Search, &["/"], "search", "search in the log", &[Log]),
    key(Action::NextMatch, &["n"], "", "next match", &[Log]),
    key(Action::PreviousMatch, &["N"], "", "previous match", &[Log]),
    key(Action::OnlyMatches, &["&"], "", "show only lines that match, or all again", &[Log]),
    key(Action::NextError, &["}"], "", "next error", &[Log]),
    key(Action::PreviousError, &["{"], "errors", "previous error", &[Log]),
    key(Action::LogLevel, &["L"], "level", "leave out lines below INFO, WARN, ERROR", &[Log]),
    key(Action::Wrap, &["w"], "wrap", "wrap long lines, or cut them (h l sideways)", &[Log]),
    key(Action::Times, &["T"], "times", "show the time of each line, or not", &[Log]),
    key(Action::PrettyJson, &["J"], "json", "spread lines of JSON out, or not", &[Log]),
    key(Action::Beside, &["="], "", "the try before beside this one, or not", &[Log]),
    key(Action::GoToTime, &["@"], "", "go to a time", &[Log]),
    key(Action::Marker, &["M"], "", "mark this place, or take the mark away", &[Log]),
    key(Action::CopyLines, &["Y"], "", "copy the lines that are seen, or those from the mark", &[Log]),
    key(Action::SaveLog, &["s"], "save", "save the whole log to a file", &[Log]),
    key(Action::PipeLog, &["|"], "", "hand the log to a program, such as a pager", &[Log]),
    key(Action::LogWindow(0), &["0"], "", "all lines, however old", &[Log]),
    key(Action::LogWindow(1), &["1"], "", "the last minute", &[Log]),
    key(Action::LogWindow(2), &["2"], "", "the last 5 minutes", &[Log]),
    key(Action::LogWindow(3), &["3"], "", "the last 15 minutes", &[Log]),
    key(Action::LogWindow(4), &["4"], "", "the last hour", &[Log]),
    key(Action::LogWindow(5), &["5"], "", "the last 6 hours", &[Log]),
    key(Action::LogWindow(6), &["6"], "", "the last 24 hours", &[Log]),
    key(
        Action::OpenLog,
        &["L", "g l"],
        "log",
        "the log on the whole screen: of the task, or the daemon's",
        &[Tasks, Graph, System, Events],
    ),
    // Runs and their tasks.
    change(
        Action::Trigger,
        &["t"],
        "trigger",
        "trigger a run: opens the form of its params",
        &[Dags, DagPage, Runs, Tasks, Graph, Log],
    ),
    change(
        Action::Pause,
        &["p"],
        "pause",
        "pause or unpause the DAG, or the backfill",
        &[Dags, DagPage, Backfills],
    ),
    change(
        Action::Clear,
        &["c"],
        "clear",
        "clear what is selected or marked, so that it runs again; says first what that touches",
        &[Tasks, Graph, Log, Runs, Attention],
    ),
    change(
        Action::ClearFailed,
        &["C"],
        "",
        "clear every failed task of the run",
        &[Runs, Tasks, Graph, Log],
    ),
    change(
        Action::Mark,
        &["m"],
        "mark",
        "mark the task or the run a success, failed or skipped",
        RUN_AND_RUNS,
    ),
    change(
        Action::Cancel,
        &["x"],
        "cancel",
        "cancel the run, or the backfill",
        &[Runs, Tasks, Graph, Log, Backfills],
    ),
    key(Action::TaskDetails, &["i"], "details", "the task in full: arguments, output, tries", RUN),
    change(
        Action::Note,
        &["n"],
        "note",
        "write a note on the task or the run",
        &[Runs, Tasks, Graph],
    ),
    change(Action::Delete, &["D"], "", "delete the run: asks for a name typed", RUN_AND_RUNS),
    key(Action::OlderRun, &["h", "left"], "", "close the group; else the run before", &[Tasks]),
    key(Action::NewerRun, &["l", "right"], "", "open the group; else the run after", &[Tasks]),
    key(Action::OlderTry, &["("], "", "log of the try before", &[Tasks, Log]),
    key(Action::NewerTry, &[")"], "", "log of the try after", &[Tasks, Log]),
    // DAGs.
    key(Action::DagRuns, &["r", "g r"], "runs", "the runs of the DAG", &[Dags, DagPage]),
    key(Action::DagRuns, &["g r"], "", "the runs of the DAG", OF_A_DAG),
    key(
        Action::DagPage,
        &["d", "g d"],
        "definition",
        "the DAG's definition: graph, params, doc",
        &[Dags],
    ),
    key(Action::DagPage, &["g d"], "", "the DAG's definition: graph, params, doc", OF_A_DAG),
    key(
        Action::Versions,
        &["V"],
        "versions",
        "the versions of the DAG and what changed between them",
        &[Dags, DagPage],
    ),
    change(
        Action::Backfill,
        &["b"],
        "backfill",
        "begin a backfill: runs for dates of the past",
        &[Backfills, DagPage, Dags],
    ),
    key(Action::Backfills, &["B"], "backfills", "the backfills of the DAG", &[DagPage, Dags, Runs]),
    // Elsewhere.
    key(Action::OpenRun, &["o", "g r"], "run", "open the run that waits", &[Approvals]),
    key(Action::Test, &["T"], "test", "try whether the connection can be used", &[System]),
    change(
        Action::Prune,
        &["P"],
        "prune",
        "delete what is no longer kept: says first what that would free",
        &[System],
    ),
    key(
        Action::Answered,
        &["A"],
        "answered",
        "show the questions that were answered as well, or not",
        &[Approvals],
    ),
    change(
        Action::Emit,
        &["m"],
        "emit event",
        "say that the asset changed: starts the DAGs that wait for it",
        &[Assets, AssetPage],
    ),
    change(
        Action::Promote,
        &["P"],
        "promote",
        "move the alias `production` to the selected version",
        &[ModelPage],
    ),
    change(
        Action::Rollback,
        &["R"],
        "roll back",
        "move the alias `production` back to where it stood",
        &[Models, ModelPage],
    ),
    // Lists.
    key(
        Action::Filter,
        &["/"],
        "filter",
        "filter the list: word, !word, column:value, ~loose",
        LISTS,
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
        SORTED,
    ),
    key(Action::Columns, &["W"], "", "choose the columns of the list", SORTED),
    key(
        Action::Attention,
        &["A"],
        "attention",
        "all that needs attention; in a list of runs only those that failed, or all again",
        &[Dags, Runs],
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
        "undo the last operation: says first what that takes back",
        &[Runs, Tasks, Graph, Log, Dags, DagPage, Events, Operations],
    ),
    key(
        Action::Zoom,
        &["z"],
        "zoom",
        "show only this pane, or all again",
        &[Tasks, Graph, Log, System],
    ),
    // Everywhere. A key of a place goes before these.
    key(Action::EventRail, &["E"], "", "the events at the right of every view, or not", &[]),
    key(Action::Operations, &["g o"], "", "what was done to runs, by whom; undo", &[]),
    key(Action::ShowErrors, &["g e"], "", "the errors of dags.toml with their drawings", &[]),
    key(Action::Down, &["j", "down"], "", "down; in the graph to the next node", &[]),
    key(Action::Up, &["k", "up"], "", "up; in the graph to the node before", &[]),
    key(Action::Left, &["h", "left"], "", "left; in the graph upstream", &[]),
    key(Action::Right, &["l", "right"], "", "right; in the graph downstream", &[]),
    key(Action::Top, &["g g", "home"], "", "to the top", &[]),
    key(Action::Bottom, &["G", "end"], "", "to the bottom", &[]),
    key(Action::HalfDown, &["ctrl-d", "pagedown"], "", "half a page down", &[]),
    key(Action::HalfUp, &["ctrl-u", "pageup"], "", "half a page up", &[]),
    key(Action::PlaceBefore, &["["], "", "back to the place before", &[]),
    key(Action::PlaceAfter, &["]"], "", "forward again", &[]),
    key(Action::OtherView, &["-"], "", "the view before this one, and back", &[]),
    key(
        Action::Approvals,
        &["a"],
        "",
        "what waits for an answer; on a task that asks, its question",
        &[],
    ),
    key(Action::Copy, &["y"], "", "copy the command that does or shows the same", &[]),
    key(Action::Back, &["esc"], "", "close, clear the filter, or go back; never leaves", &[]),
    key(Action::Leave, &["q"], "", "go back; at the first level leave the deck: runs go on", &[]),
    key(Action::Quit, &["ctrl-q"], "", "leave the deck at once; runs go on", &[]),
    key(Action::Show(View::Dags), &["1", "alt-1"], "", "DAGs", &[]),
    key(Action::Show(View::Runs), &["2", "alt-2"], "", "runs of all DAGs", &[]),
    key(Action::Show(View::Assets), &["3", "alt-3"], "", "assets and their lineage", &[]),
    key(
        Action::Show(View::Experiments),
        &["4", "alt-4"],
        "",
        "experiments and their tracked runs",
        &[],
    ),
    key(Action::Show(View::Models), &["5", "alt-5"], "", "registered models", &[]),
    key(Action::Show(View::Serving), &["6", "alt-6"], "", "the model server", &[]),
    key(Action::Show(View::Events), &["7", "alt-7"], "", "what happened", &[]),
    key(Action::Show(View::System), &["8", "alt-8"], "", "the daemon", &[]),
    key(Action::Refetch, &["ctrl-l"], "", "fetch and draw everything again", &[]),
    key(
        Action::Mouse,
        &["ctrl-t"],
        "",
        "take the mouse, or leave it to the terminal to select text",
        &[],
    ),
    key(Action::Suspend, &["ctrl-z"], "", "suspend the deck (fg brings it back)", &[]),
    key(Action::Palette, &[":", "ctrl-p"], "command", "go to a view or run a command by name", &[]),
    key(Action::Help, &["?"], "help", "the keys that are valid here", &[]),
];
