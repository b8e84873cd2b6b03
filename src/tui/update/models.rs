//! What keys do among models: panes, two versions compared, to what a version came of.

use crate::keymap::{Action, with_keys};
use crate::message::Effect;
use crate::rows::models::{self as rows, ModelRow};
use crate::state::models::ModelPane;
use crate::state::{Screen, State, Tone, View};
use crate::types::DagId;
use crate::types::view::ModelVersionView;
use crate::update::movement::Step;
use crate::update::sheet::alias;

/// Does what a key stands for, where that is something about models; says `false` where not.
pub(crate) fn perform(state: &mut State, action: Action, effects: &mut Vec<Effect>) -> bool {
    if !is_here(state) {
        return false;
    }
    match action {
        Action::NextPane => next_pane(state, false),
        Action::PreviousPane => next_pane(state, true),
        Action::Left => fold(state, false),
        Action::Right => fold(state, true),
        Action::Open => open(state),
        Action::Compare => compare(state),
        Action::OnlyDifferent => {
            let models = &mut state.level_mut().models;
            models.shows_same = !models.shows_same;
        }
        Action::Promote => alias::promote(state, effects),
        Action::Rollback => alias::roll_back(state, effects),
        Action::OpenRun => {
            let run = rows::version_here(state).and_then(|version| version.origin.clone());
            match run {
                Some(origin) => state.push(Screen::Run(origin.run)),
                None => state.say(Tone::Info, "no run of a DAG made it"),
            }
        }
        Action::GoAsset => alias_asset(state),
        Action::GoEndpoint => state.switch(View::Serving),
        _ => return false,
    }
    true
}

fn is_here(state: &State) -> bool {
    matches!(
        state.level().screen,
        Screen::Root(View::Models) | Screen::Model(_) | Screen::Compare(..)
    )
}

fn next_pane(state: &mut State, backward: bool) {
    let level = state.level_mut();
    let all = ModelPane::ALL;
    let here = all.iter().position(|pane| *pane == level.models.pane).unwrap_or(0);
    let next = here + if backward { all.len() - 1 } else { 1 };
    level.models.pane = all[next % all.len()];
    level.scroll = 0;
}

/// Scrolls where text has the keys; says `false` where a list has them.
pub(crate) fn step(state: &mut State, step: Step) -> bool {
    let is_text = match state.level().screen {
        Screen::Compare(..) => true,
        Screen::Root(View::Models) => state.level().models.pane != ModelPane::Registry,
        _ => false,
    };
    if is_text {
        let level = state.level_mut();
        level.scroll = match step {
            Step::By(by) => level.scroll.saturating_add_signed(by).min(500),
            Step::Start => 0,
            Step::End => 500,
        };
    }
    is_text
}

/// Opens or closes a model of the registry.
fn fold(state: &mut State, opens: bool) {
    if state.level().screen != Screen::Root(View::Models) {
        return;
    }
    let level = state.level();
    let Some(name) = rows::model_here(state) else { return };
    let is_open = rows::open(state, level).iter().any(|model| model.name == name);
    if is_open != opens {
        toggle(state, name);
    }
}

fn toggle(state: &mut State, name: String) {
    let level = state.level_mut();
    level.selected = Some(name.clone());
    if !level.toggled.remove(&name) {
        level.toggled.insert(name);
    }
}

/// A model opens its page; a version, the page at it; on the page, the tracked run.
fn open(state: &mut State) {
    let level = state.level();
    match &level.screen {
        Screen::Root(View::Models) => {
            let shown = rows::tree(state, level);
            let keys: Vec<String> = shown.iter().map(ModelRow::key).collect();
            let Some(row) = shown.into_iter().nth(level.cursor(&keys)) else { return };
            let (name, selected) = match &row {
                ModelRow::Model { model, .. } => (model.name.clone(), None),
                ModelRow::Version(version) => (version.name.clone(), Some(row.key())),
            };
            state.push(Screen::Model(name));
            state.level_mut().selected = selected;
        }
        _ => {
            let run_id = rows::version_here(state).and_then(|version| version.run_id.clone());
            match run_id {
                Some(run_id) => state.push(Screen::TrackingRun(run_id)),
                None => state.say(Tone::Info, "it was not tracked as a run"),
            }
        }
    }
}

fn compare(state: &mut State) {
    if matches!(state.level().screen, Screen::Compare(..)) {
        return;
    }
    match rows::pair(state) {
        Some((left, right)) => state.push(Screen::Compare(left, right)),
        None => state.say(Tone::Info, with_keys!(state, "mark two versions: {}", MarkRow)),
    }
}

/// Shows the asset that changes when an alias of the version is moved.
fn alias_asset(state: &mut State) {
    let uris: Vec<String> = rows::version_here(state).map(uris).unwrap_or_default();
    let assets = state.cache.assets().unwrap_or_default();
    let found = assets.iter().find(|asset| uris.contains(&asset.uri)).map(|a| a.name.clone());
    match (found, uris.is_empty()) {
        (Some(name), _) => state.push(Screen::Asset(name)),
        (None, true) => state.say(Tone::Info, "it bears no alias, so no asset follows it"),
        (None, false) => state.say(Tone::Info, format!("no asset is {}", uris.join(", "))),
    }
}

fn uris(version: &ModelVersionView) -> Vec<String> {
    version.aliases.iter().map(|alias| format!("models:/{}@{alias}", version.name)).collect()
}

/// Returns the DAG that made the selected version.
pub(crate) fn maker(state: &State) -> Option<DagId> {
    Some(rows::version_here(state)?.origin.as_ref()?.run.dag_id.clone())
}
