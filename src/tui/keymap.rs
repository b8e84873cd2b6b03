//! The keys: one table from which dispatch, the hint row and the help are all made.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::state::{Pane, Screen, State, View};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Help,
    Palette,
    Filter,
    Back,
    Leave,
    Down,
    Up,
    Left,
    Right,
    Top,
    Bottom,
    HalfDown,
    HalfUp,
    Open,
    NextPane,
    Zoom,
    Copy,
    Refetch,
    Suspend,
    Show(View),
    ShowErrors,
    Attention,
    Trigger,
    Pause,
    DagRuns,
    DagPage,
    Clear,
    ClearFailed,
    Cancel,
    Mark,
    Note,
    Delete,
    Undo,
    MarkRow,
    MarkAll,
    Why,
    Approvals,
    Answer,
    OpenRun,
    Versions,
    Backfills,
    Backfill,
    Edit,
    Test,
    OlderRun,
    NewerRun,
    NextFailed,
    PreviousFailed,
    Bars,
    FailedFirst,
    Recentre,
    MoreHops,
    FewerHops,
    MoreDetail,
    LessDetail,
    Turn,
    CriticalPath,
    AllEdges,
    OpenTask,
    TaskDetails,
    Follow,
    Wrap,
    Times,
    Search,
    NextMatch,
    PreviousMatch,
    OlderTry,
    NewerTry,
    Emit,
    Promote,
    Rollback,
}

/// Where a key is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Dags,
    DagPage,
    Runs,
    Tasks,
    Graph,
    Log,
    Form,
    Assets,
    AssetPage,
    Experiments,
    TrackingRuns,
    TrackingRun,
    Models,
    ModelPage,
    Serving,
    Events,
    System,
    Errors,
    Versions,
    Diff,
    Backfills,
    Approvals,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) action: Action,
    /// The keys as they are written, the one to show first.
    pub(crate) keys: &'static [&'static str],
    /// The word in the hint row; empty where the row does not need it.
    pub(crate) hint: &'static str,
    /// The line in the help.
    pub(crate) help: &'static str,
    /// Where it is valid; empty means everywhere.
    pub(crate) places: &'static [Place],
    /// It leads to a change: not there when the deck is read-only.
    pub(crate) mutates: bool,
}

use Place::{
    Approvals, AssetPage, Assets, Backfills, DagPage, Dags, Diff, Errors, Events, Experiments,
    Graph, Log, ModelPage, Models, Runs, Serving, System, Tasks, TrackingRun, TrackingRuns,
    Versions,
};

const LISTS: &[Place] =
    &[Dags, Runs, Tasks, Assets, Experiments, TrackingRuns, Models, ModelPage, Events, Approvals, System];
const OPENABLE: &[Place] =
    &[Dags, Runs, Assets, Experiments, TrackingRuns, Models, Events, Versions];
const RUN_AND_RUNS: &[Place] = &[Tasks, Graph, Log, Runs];
const RUN: &[Place] = &[Tasks, Graph, Log];
const NOT_LOG: &[Place] = &[
    Dags,
    DagPage,
    Runs,
    Tasks,
    Graph,
    Assets,
    AssetPage,
    Experiments,
    TrackingRuns,
    TrackingRun,
    Models,
    ModelPage,
    Serving,
    Events,
    System,
    Errors,
    Versions,
    Diff,
    Backfills,
    Approvals,
];

const fn key(
    action: Action,
    keys: &'static [&'static str],
    hint: &'static str,
    help: &'static str,
    places: &'static [Place],
) -> Binding {
    Binding { action, keys, hint, help, places, mutates: false }
}

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
    key(Action::Open, &["enter"], "open", "open what is selected", OPENABLE),
    key(Action::NextPane, &["tab"], "pane", "next pane: tasks, graph, log", RUN),
    key(Action::Follow, &["f"], "follow", "follow the log's end, or stop", &[Log]),
    key(Action::Search, &["/"], "search", "search in the log", &[Log]),
    key(Action::NextMatch, &["n"], "", "next match", &[Log]),
    key(Action::PreviousMatch, &["N"], "", "previous match", &[Log]),
    key(Action::Wrap, &["w"], "wrap", "wrap long lines, or cut them", &[Log]),
    key(Action::Times, &["T"], "times", "show the time of each line, or not", &[Log]),
    key(
        Action::OpenTask,
        &["enter"],
        "",
        "open or close a group or a mapped task; else the task in full",
        &[Tasks, Graph],
    ),
    key(Action::TaskDetails, &["i"], "details", "the task in full: arguments, output, tries", RUN),
    change(
        Action::Clear,
        &["c"],
        "clear",
        "clear what is selected or marked, so that it runs again; says first what that touches",
        RUN_AND_RUNS,
    ),
    change(
        Action::ClearFailed,
        &["C"],
        "",
        "clear every failed task of the run",
        &[Runs, Tasks, Log],
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
    key(
        Action::Why,
        &["W"],
        "why",
        "why the task, the run or the DAG does or does not go on",
        &[Dags, DagPage, Runs, Tasks, Graph, Log],
    ),
    change(
        Action::Note,
        &["n"],
        "note",
        "write a note on the task or the run",
        &[Runs, Tasks, Graph],
    ),
    change(Action::Delete, &["D"], "", "delete the run: asks for a name typed", RUN_AND_RUNS),
    key(
        Action::MarkRow,
        &["space"],
        "select",
        "mark the row for the next operation, or not",
        &[Runs, Tasks, Versions],
    ),
    key(Action::MarkAll, &["*"], "", "mark all rows, or none", &[Runs, Tasks]),
    change(Action::Answer, &["enter"], "answer", "answer the question", &[Approvals]),
    key(Action::OpenRun, &["o"], "run", "open the run that waits", &[Approvals]),
    change(Action::Edit, &["e"], "edit", "set the pool's slots or the variable's value", &[System]),
    key(Action::Test, &["T"], "test", "try whether the connection can be used", &[System]),
    change(
        Action::Backfill,
        &["b"],
        "backfill",
        "begin a backfill: runs for dates of the past",
        &[Backfills, DagPage, Dags],
    ),
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
    key(Action::OlderRun, &["["], "", "the run before this one (in the grid also h)", RUN),
    key(Action::NewerRun, &["]"], "", "the run after this one (in the grid also l)", RUN),
    key(Action::PreviousFailed, &["{"], "failed", "the task before that failed", &[Tasks, Graph]),
    key(Action::NextFailed, &["}"], "", "the next task that failed", &[Tasks, Graph]),
    key(Action::Recentre, &["."], "recentre", "draw the graph round what is selected", &[Graph]),
    key(Action::FewerHops, &["("], "hops", "fewer hops round the selection", &[Graph]),
    key(Action::MoreHops, &[")"], "", "more hops; beyond the most the whole graph", &[Graph]),
    key(Action::LessDetail, &["<"], "detail", "less of each node: names, only states", &[Graph]),
    key(Action::MoreDetail, &[">"], "", "more of each node: names, times", &[Graph]),
    key(Action::Turn, &["O"], "turn", "left to right, top down, as it fits", &[Graph]),
    key(Action::CriticalPath, &["C"], "critical", "the critical path bright, or not", &[Graph]),
    key(Action::AllEdges, &["&"], "", "draw edges that others together say, or not", &[Graph]),
    key(Action::FailedFirst, &["F"], "", "what failed first, or in the graph's order", &[Tasks]),
    key(Action::Bars, &["B"], "bars", "bars over time in place of the runs, or the runs", &[Tasks]),
    key(Action::OlderTry, &["("], "", "log of the try before", &[Tasks, Log]),
    key(Action::NewerTry, &[")"], "", "log of the try after", &[Tasks, Log]),
    key(
        Action::Zoom,
        &["z"],
        "zoom",
        "show only this pane, or all again",
        &[Tasks, Graph, Log, System],
    ),
    change(
        Action::Emit,
        &["e"],
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
    key(
        Action::Filter,
        &["/"],
        "filter",
        "filter the list: every word must occur, !word must not",
        LISTS,
    ),
    key(
        Action::DagRuns,
        &["r"],
        "runs",
        "the runs of this DAG",
        &[Dags, DagPage, Tasks, Graph, Log],
    ),
    key(
        Action::DagPage,
        &["d"],
        "definition",
        "the DAG's definition: graph, params, doc",
        &[Dags, Runs, Tasks, Graph, Log],
    ),
    key(
        Action::Versions,
        &["v"],
        "versions",
        "the versions of the DAG and what changed between them",
        &[DagPage, Dags],
    ),
    key(Action::Backfills, &["B"], "backfills", "the backfills of the DAG", &[DagPage, Dags, Runs]),
    change(
        Action::Undo,
        &["u"],
        "undo",
        "undo the last operation: says first what that takes back",
        &[Runs, Tasks, Graph, Log, Dags, DagPage, Events],
    ),
    key(
        Action::Attention,
        &["A"],
        "attention",
        "show only what needs attention, or all again",
        &[Dags, Tasks],
    ),
    key(Action::ShowErrors, &["E"], "", "the errors of dags.toml with their drawings", NOT_LOG),
    key(Action::Down, &["j", "down"], "", "down; in the graph to the next node", &[]),
    key(Action::Up, &["k", "up"], "", "up; in the graph to the node before", &[]),
    key(Action::Left, &["h", "left"], "", "left; in the grid the older run, in the graph upstream", &[]),
    key(Action::Right, &["l", "right"], "", "right; in the grid the newer run, in the graph downstream", &[]),
    key(Action::Top, &["g", "home"], "", "to the top", &[]),
    key(Action::Bottom, &["G", "end"], "", "to the bottom", &[]),
    key(Action::HalfDown, &["ctrl-d", "pagedown"], "", "half a page down", &[]),
    key(Action::HalfUp, &["ctrl-u", "pageup"], "", "half a page up", &[]),
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
    key(Action::Show(View::Dags), &["1"], "", "DAGs", &[]),
    key(Action::Show(View::Runs), &["2"], "", "runs of all DAGs", &[]),
    key(Action::Show(View::Assets), &["3"], "", "assets and their lineage", &[]),
    key(Action::Show(View::Experiments), &["4"], "", "experiments and their tracked runs", &[]),
    key(Action::Show(View::Models), &["5"], "", "registered models", &[]),
    key(Action::Show(View::Serving), &["6"], "", "the model server", &[]),
    key(Action::Show(View::Events), &["7"], "", "what happened", &[]),
    key(Action::Show(View::System), &["8"], "", "the daemon", &[]),
    key(Action::Refetch, &["ctrl-l"], "", "fetch and draw everything again", &[]),
    key(Action::Suspend, &["ctrl-z"], "", "suspend the deck (fg brings it back)", &[]),
    key(Action::Palette, &[":", "ctrl-p"], "command", "go to a view or run a command by name", &[]),
    key(Action::Help, &["?"], "help", "the keys that are valid here", &[]),
];

impl Binding {
    /// Says whether it is valid at `place`.
    pub(crate) fn is_valid(&self, place: Place, read_only: bool) -> bool {
        (self.places.is_empty() || self.places.contains(&place)) && !(self.mutates && read_only)
    }
}

/// Returns where the operator is, as far as keys are concerned.
pub(crate) fn place(state: &State) -> Place {
    let level = state.level();
    match &level.screen {
        Screen::Root(View::Dags) => Dags,
        Screen::Root(View::Runs) | Screen::DagRuns(_) => Runs,
        Screen::Root(View::Assets) => Assets,
        Screen::Root(View::Experiments) => Experiments,
        Screen::Root(View::Models) => Models,
        Screen::Root(View::Serving) => Serving,
        Screen::Root(View::Events) => Events,
        Screen::Root(View::System) => System,
        Screen::Dag(_) => DagPage,
        Screen::Run(_) => match level.pane {
            Pane::Tasks => Tasks,
            Pane::Graph => Graph,
            Pane::Log => Log,
        },
        Screen::Form(_) => Place::Form,
        Screen::Asset(_) => AssetPage,
        Screen::Experiment(_) => TrackingRuns,
        Screen::TrackingRun(_) => TrackingRun,
        Screen::Model(_) => ModelPage,
        Screen::Definitions => Errors,
        Screen::Versions(_) => Versions,
        Screen::Diff(..) => Diff,
        Screen::Backfills(_) => Backfills,
        Screen::Approvals => Approvals,
    }
}

/// Returns the bindings that are valid here.
pub(crate) fn valid(state: &State) -> impl Iterator<Item = &'static Binding> + use<> {
    let (place, read_only) = (place(state), state.is_read_only());
    BINDINGS.iter().filter(move |binding| binding.is_valid(place, read_only))
}

/// Returns what a key does here.
pub(crate) fn action(state: &State, event: &KeyEvent) -> Option<Action> {
    let name = name(event)?;
    valid(state).find(|binding| binding.keys.contains(&name.as_str())).map(|b| b.action)
}

/// Writes a key as the table does: `j`, `G`, `enter`, `ctrl-d`.
pub(crate) fn name(event: &KeyEvent) -> Option<String> {
    let base = match event.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab => "tab".to_owned(),
        KeyCode::BackTab => "shift-tab".to_owned(),
        KeyCode::Backspace => "backspace".to_owned(),
        KeyCode::Delete => "delete".to_owned(),
        KeyCode::Up => "up".to_owned(),
        KeyCode::Down => "down".to_owned(),
        KeyCode::Left => "left".to_owned(),
        KeyCode::Right => "right".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        KeyCode::PageUp => "pageup".to_owned(),
        KeyCode::PageDown => "pagedown".to_owned(),
        _ => return None,
    };
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return Some(format!("ctrl-{base}"));
    }
    if event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER) {
        return None;
    }
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_key_and_a_line_of_help() {
        for binding in BINDINGS {
            assert!(!binding.keys.is_empty(), "{:?} has no key", binding.action);
            assert!(binding.help.len() > 3, "{:?} has no help", binding.action);
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let places = [
            Dags,
            DagPage,
            Runs,
            Tasks,
            Graph,
            Log,
            Assets,
            AssetPage,
            Experiments,
            TrackingRuns,
            TrackingRun,
            Models,
            ModelPage,
            Serving,
            Events,
            System,
            Errors,
            Versions,
            Diff,
            Backfills,
            Approvals,
        ];
        for place in places {
            let mut seen = std::collections::HashMap::new();
            for binding in BINDINGS.iter().filter(|binding| binding.is_valid(place, false)) {
                for key in binding.keys {
                    let other = seen.insert(*key, binding.action);
                    assert!(
                        other.is_none(),
                        "`{key}` in {place:?}: {other:?}, {:?}",
                        binding.action
                    );
                }
            }
        }
    }

    #[test]
    fn a_read_only_deck_has_no_key_that_changes_something() {
        for binding in BINDINGS.iter().filter(|binding| binding.mutates) {
            assert!(!binding.is_valid(binding.places[0], true));
        }
    }
}
