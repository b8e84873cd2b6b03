//! Opens definitions in the operator's editor, and tells what came of it.

use crate::keymap::with_keys;
use crate::message::{Effect, Errand, Handover, Opening, Spot};
use crate::rows;
use crate::state::{Screen, State, Tone, View};
use crate::types::DagId;
use crate::types::event::Event;
use crate::types::ids::TaskId;
use crate::update::action;

/// How long after an edit a change of the definitions is taken for its effect.
const HEARD_WITHIN_SECS: i64 = 10;

/// Opens what is selected where it is defined.
pub(crate) fn open(state: &mut State, effects: &mut Vec<Effect>) {
    let station = &state.options.station;
    let Some(folder) = &station.site.folder else {
        let place = station.site.name.clone();
        state.say(Tone::Info, format!("the files are on another machine: edit them at {place}"));
        return;
    };
    let Some((file, spot)) = spot(state) else {
        state.say(Tone::Info, "nothing here has a definition");
        return;
    };
    if station.editor.is_empty() {
        state.say(Tone::Bad, "there is no editor: set $EDITOR, or `editor` in deck.toml");
        return;
    }
    let file = folder.join(file).display().to_string();
    effects.push(Effect::Open(Opening { editor: station.editor.clone(), file, spot }));
}

/// Returns the file and the place of what is selected.
fn spot(state: &State) -> Option<(String, Spot)> {
    let level = state.level();
    match &level.screen {
        Screen::Definitions => {
            let first = state.definitions().and_then(|found| found.diagnostics.first())?;
            Some((first.file.clone(), Spot::Line(first.line)))
        }
        Screen::Root(View::Assets) | Screen::Asset(_) => {
            let table = rows::assets::shown(state).map(|asset| format!("asset.{}", asset.name));
            Some(("dags.toml".to_owned(), table.map_or(Spot::Line(1), Spot::Table)))
        }
        Screen::Run(key) => {
            let task = rows::selected_task(state).map(|task| task.key.task_id.clone());
            Some(of_dag(state, &key.dag_id, task.as_ref()))
        }
        Screen::Dag(dag_id) => {
            let tasks = rows::dag_tasks(state, dag_id);
            let task = tasks.get(level.cursor(&rows::keys(state, level)));
            // At the top the DAG itself is meant.
            let task = task.filter(|_| !level.is_untouched).map(|task| task.task_id.clone());
            Some(of_dag(state, dag_id, task.as_ref()))
        }
        Screen::Root(View::Dags) if state.cache.dags().is_some_and(<[_]>::is_empty) => {
            Some(("dags.toml".to_owned(), Spot::Line(1)))
        }
        _ => action::dag_here(state).map(|dag_id| of_dag(state, &dag_id, None)),
    }
}

/// Returns where a DAG, or a task of it, is defined.
fn of_dag(state: &State, dag_id: &DagId, task_id: Option<&TaskId>) -> (String, Spot) {
    let Some(dag) = state.cache.dag(dag_id) else {
        return ("dags.toml".to_owned(), Spot::Table(format!("dag.{dag_id}")));
    };
    let task = dag.tasks.iter().find(|task| Some(&task.task_id) == task_id);
    (dag.fileloc.clone(), Spot::Line(task.map_or(dag.line, |task| task.line)))
}

/// Makes the errand of an editor of what was found; without a program there is none.
pub(crate) fn errand(opening: &Opening, line: Option<usize>) -> Option<Handover> {
    let (program, args) = crate::editor::command(&opening.editor, &opening.file, line)?;
    let errand = Errand::Edit;
    Some(Handover { program, args, input: None, errand })
}

/// Takes the terminal back from the editor: what the daemon makes of the file is awaited.
pub(crate) fn handed_back(state: &mut State) {
    state.edited_at = Some(state.now);
}

/// Tells what became of an edit: it is in force, or its first error is shown.
pub(crate) fn heard(state: &mut State, event: &Event) {
    let Event::DefinitionsChanged { broken } = event else { return };
    let Some(at) = state.edited_at.take() else { return };
    if state.now.as_second() - at.as_second() > HEARD_WITHIN_SECS {
        return;
    }
    if !broken {
        state.say(Tone::Good, "the edit is in force");
        // The errors that were mended are what this was about.
        if state.level().screen == Screen::Definitions {
            state.pop();
        }
        return;
    }
    if state.level().screen != Screen::Definitions {
        state.push(Screen::Definitions);
    }
    let text = with_keys!(
        state,
        "the edit has errors: the last good version stays in force; {} goes back",
        Edit
    );
    state.say(Tone::Bad, text);
}
