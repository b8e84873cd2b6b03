//! What the palette offers: commands, what the keys do here, and everything that has a name.

use std::borrow::Cow;

use crate::fuzzy;
use crate::keymap::{self, Action, Bound, Place};
use crate::rows;
use crate::state::popup::Scope;
use crate::state::{Screen, State, View};
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::{DagId, DagRunId};
use crate::update::palette::Offers;
use crate::update::{plugin, theme};

/// What an entry of the palette does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Show(View),
    Trigger(DagId),
    Runs(DagId),
    Open(View, Screen),
    /// Puts the cursor on a row of a view's first list.
    Select(View, String),
    /// Puts the cursor on a task of the shown run, by its number there.
    Task(usize),
    Filter(String),
    /// What a key of the present screen does.
    Do(Action),
    /// Go to the project of a profile.
    Env(String),
    Theme(String),
    /// Run the operator's own command of this number.
    Plugin(usize),
    Tour,
    Keys,
    Quit,
    QuitAtOnce,
}

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) help: Cow<'static, str>,
    /// The key that does the same.
    pub(crate) key: String,
    pub(crate) command: Command,
    /// Why it cannot be done now.
    pub(crate) reason: Option<&'static str>,
    /// What it is for, where entries are grouped.
    pub(crate) group: &'static str,
}

fn entry(name: impl Into<String>, help: impl Into<Cow<'static, str>>, command: Command) -> Entry {
    Entry {
        name: name.into(),
        help: help.into(),
        key: String::new(),
        command,
        reason: None,
        group: "",
    }
}

/// Commands that take what is typed after them as it is.
pub(super) fn with_arguments(typed: &str) -> Option<Entry> {
    let (command, rest) = typed.split_once(' ')?;
    let rest = rest.trim();
    match (command, rest.split_once(' ')) {
        ("filter", _) => Some(entry(typed, "filter the list", Command::Filter(rest.to_owned()))),
        ("run", Some((dag_id, run_id))) => {
            let key = DagRunKey {
                dag_id: DagId::from(dag_id),
                dag_run_id: DagRunId::from(run_id.trim()),
            };
            let command = Command::Open(View::Runs, Screen::Run(key));
            Some(entry(typed, "open the run", command))
        }
        _ => None,
    }
}

/// Returns the commands, with what the keys do here; of the keys of a pane also those that cannot
/// be used now.
pub(super) fn commands(state: &State, scope: Scope) -> Vec<Entry> {
    if scope == Scope::Here {
        return here(state);
    }
    let key = |action| {
        let bound = keymap::valid(state).find(|bound| bound.action == action);
        bound.map_or(String::new(), |bound| bound.key().to_owned())
    };
    let mut all: Vec<Entry> = View::ALL
        .iter()
        .map(|view| Entry {
            key: key(Action::Show(*view)),
            ..entry(view.command(), "view", Command::Show(*view))
        })
        .collect();
    all.extend(here(state).into_iter().filter(|entry| entry.reason.is_none()));
    all.extend([
        entry("keys", "every key, and what says so", Command::Keys),
        entry("tour", "the six keys that matter, one after the other", Command::Tour),
        entry("q", "leave the deck; runs go on", Command::Quit),
        entry("q!", "leave the deck without asking", Command::QuitAtOnce),
    ]);
    all.extend(theme::names(state).into_iter().map(|name| {
        let is_now = name == state.theme.name;
        let help = if is_now { "the theme in force" } else { "draw in this theme" };
        entry(format!("theme {name}"), help, Command::Theme(name))
    }));
    all.extend(state.options.station.profiles.iter().map(|profile| {
        let help = "go to this profile's project";
        entry(format!("env {profile}"), help, Command::Env(profile.clone()))
    }));
    all
}

/// Returns everything that has a name and is at hand, but for the tasks.
pub(super) fn named(state: &State) -> Vec<Entry> {
    let mut all = Vec::new();
    for dag in state.cache.dags().unwrap_or_default() {
        let dag_id = &dag.dag_id;
        let page = Command::Open(View::Dags, Screen::Dag(dag_id.clone()));
        all.push(entry(format!("dag {dag_id}"), "its definition", page));
        if !state.is_read_only() {
            let command = Command::Trigger(dag_id.clone());
            all.push(entry(format!("trigger {dag_id}"), "open the form of its params", command));
        }
        all.push(entry(format!("runs {dag_id}"), "its runs", Command::Runs(dag_id.clone())));
    }
    for run in state.cache.runs(None).unwrap_or_default() {
        let name = format!("run {} {}", run.dag_id, run.dag_run_id);
        let help = crate::theme::run_mark(run.state).word;
        all.push(entry(name, help, Command::Open(View::Runs, Screen::Run(run.key()))));
    }
    for asset in state.cache.assets().unwrap_or_default() {
        let screen = Screen::Asset(asset.name.clone());
        let command = Command::Open(View::Assets, screen);
        all.push(entry(format!("asset {}", asset.name), "its lineage and events", command));
    }
    for model in state.cache.models().unwrap_or_default() {
        let command = Command::Open(View::Models, Screen::Model(model.name.clone()));
        all.push(entry(format!("model {}", model.name), "its versions", command));
    }
    for experiment in state.cache.experiments().unwrap_or_default() {
        let name = experiment.name.clone();
        let label = format!("experiment {name}");
        let command = Command::Open(View::Experiments, Screen::Experiment(name));
        all.push(entry(label, "its tracked runs", command));
    }
    for variable in state.cache.variables().unwrap_or_default() {
        let name = format!("variable {}", variable.key);
        all.push(entry(name.clone(), "its value", Command::Select(View::System, name)));
    }
    all
}

/// Returns the tasks of the run that is shown. How one stands changes with every event and is looked
/// up when it is drawn.
pub(super) fn tasks(state: &State) -> Vec<Entry> {
    let tasks = state.shown_run().map(|run| run.tasks.as_slice()).unwrap_or_default();
    let name = |task: &TaskInstance| format!("task {}", rows::task_key(&task.key));
    tasks.iter().zip(0..).map(|(task, at)| entry(name(task), "", Command::Task(at))).collect()
}

/// The groups of a pane's keys in their order.
pub(crate) const GROUPS: [&str; 6] = ["here", "change", "list", "move", "go", "deck"];

fn group(bound: &Bound) -> &'static str {
    match bound.action {
        _ if bound.mutates => "change",
        Action::Filter
        | Action::Sort
        | Action::Columns
        | Action::MarkRow
        | Action::MarkAll
        | Action::MarkRange => "list",
        Action::Down
        | Action::Up
        | Action::Left
        | Action::Right
        | Action::Top
        | Action::Bottom
        | Action::HalfDown
        | Action::HalfUp => "move",
        Action::Back
        | Action::Leave
        | Action::PlaceBefore
        | Action::PlaceAfter
        | Action::OtherView
        | Action::Approvals
        | Action::ShowErrors
        | Action::Show(_) => "go",
        _ if bound.places.is_empty() => "deck",
        _ => "here",
    }
}

/// What the keys do here; those that cannot be used now say why.
fn here(state: &State) -> Vec<Entry> {
    let place = keymap::place(state);
    let is_list = !matches!(place, Place::Tasks | Place::Graph | Place::Log | Place::Serving);
    let has_rows = !is_list || !rows::keys(state, state.level()).is_empty();
    let plugins = plugin::valid(state).map(|(at, plugin)| Entry {
        key: plugin.key.clone(),
        group: "here",
        ..entry(plugin.name.clone(), plugin.description.clone(), Command::Plugin(at))
    });
    let bound = state.keymap.at(place).iter();
    bound
        .map(|bound| {
            let is_denied = bound.mutates && state.is_read_only();
            let needs_row = is_list && !bound.places.is_empty() && of_a_row(bound.action);
            Entry {
                key: bound.keys.join(", "),
                reason: match (is_denied, needs_row && !has_rows) {
                    (true, _) => Some("this deck is read-only"),
                    (false, true) => Some("nothing is selected"),
                    (false, false) => None,
                },
                group: group(bound),
                ..entry(bound.command(), bound.help, Command::Do(bound.action))
            }
        })
        .chain(plugins)
        .collect()
}

/// Says whether an action is about the selected row of a list.
fn of_a_row(action: Action) -> bool {
    matches!(
        action,
        Action::Open
            | Action::Answer
            | Action::EditSetting
            | Action::Test
            | Action::OpenRun
            | Action::Trigger
            | Action::Pause
            | Action::Clear
            | Action::ClearFailed
            | Action::Mark
            | Action::Cancel
            | Action::Note
            | Action::Delete
            | Action::DagRuns
            | Action::DagPage
            | Action::Versions
            | Action::Emit
            | Action::Promote
            | Action::Rollback
            | Action::MarkRow
            | Action::MarkAll
            | Action::MarkRange
            | Action::Why
    )
}

/// Returns the nearest commands to what was typed and fits nothing.
pub(super) fn near(offers: &Offers, typed: &str) -> Vec<String> {
    let typed = typed.trim().split(' ').next().unwrap_or_default();
    let mut near: Vec<(usize, &str)> = offers
        .all()
        .filter_map(|entry| entry.name.split(' ').next())
        .map(|word| (fuzzy::distance(word, typed), word))
        .filter(|(distance, word)| *distance <= 2 && *distance < word.chars().count())
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, word)| word.to_owned()).collect()
}
