//! What keys do among assets: from pane to pane, along the lineage, to what made or uses one.

use crate::keymap::{Action, with_keys};
use crate::message::Effect;
use crate::rows::assets::{self as rows, AssetRow};
use crate::screen::assets::panes;
use crate::state::lineage::AssetPane;
use crate::state::{Screen, State, Tone, View};
use crate::types::asset::AssetEventSource;
use crate::types::freshness::StaleStep;
use crate::types::run::DagRunKey;
use crate::types::view::{LineageKind, LineageNode};
use crate::types::{AssetName, DagId};
use crate::update::form;
use crate::update::movement::Step;
use crate::update::sheet::open as sheets;

/// Does what a key stands for, where that is something about assets; says `false` where not.
pub(crate) fn perform(state: &mut State, action: Action, effects: &mut Vec<Effect>) -> bool {
    let is_about = matches!(state.level().screen, Screen::AssetWhy(_) | Screen::Impact(_));
    if !is_here(state) && !is_about {
        return false;
    }
    match action {
        Action::NextPane => next_pane(state, false),
        Action::PreviousPane => next_pane(state, true),
        Action::Left => sideways(state, false),
        Action::Right => sideways(state, true),
        Action::Recentre => refocus(state),
        Action::FewerHops => state.level_mut().lineage.reach(false),
        Action::MoreHops => state.level_mut().lineage.reach(true),
        Action::Open => open(state),
        Action::OpenRun => producing_run(state),
        Action::Why => why(state),
        Action::Impact => impact(state),
        Action::Materialise => materialise(state, effects),
        Action::Emit => sheets::emit(state, effects),
        Action::GoAsset => {
            if let Some(name) = rows::shown(state).map(|asset| asset.name.clone()) {
                open_asset(state, name);
            }
        }
        Action::GoModel => model(state),
        Action::GoEndpoint => endpoint(state),
        _ => return false,
    }
    true
}

/// Says whether the level shows assets in panes.
pub(crate) fn is_here(state: &State) -> bool {
    matches!(state.level().screen, Screen::Root(View::Assets) | Screen::Asset(_))
}

/// Goes to the next pane that there is, or to the one before.
fn next_pane(state: &mut State, backward: bool) {
    let all = panes(state);
    let here = all.iter().position(|pane| *pane == pane_of(state)).unwrap_or(0);
    let next = here + if backward { all.len() - 1 } else { 1 };
    if let Some(pane) = all.get(next % all.len().max(1)) {
        state.level_mut().lineage.pane = *pane;
    }
}

/// Returns the pane that has the keys: a page of one asset has no tree.
pub(crate) fn pane_of(state: &State) -> AssetPane {
    let level = state.level();
    match (&level.screen, level.lineage.pane) {
        (Screen::Asset(_), AssetPane::Tree) => AssetPane::Lineage,
        (_, pane) => pane,
    }
}

/// Moves in the pane, where that is not the tree's list; says `false` where it is.
pub(crate) fn step(state: &mut State, step: Step) -> bool {
    if !is_here(state) {
        return false;
    }
    match pane_of(state) {
        AssetPane::Tree => {
            // Another row is looked at from its own middle.
            state.level_mut().lineage.settle();
            false
        }
        AssetPane::Lineage => {
            sibling(state, step);
            true
        }
        AssetPane::Details => {
            let last = rows::events(state).map_or(0, |events| events.len().saturating_sub(1));
            let level = state.level_mut();
            let at = level.lineage.event.min(last);
            level.lineage.event = match step {
                Step::By(by) => at.saturating_add_signed(by).min(last),
                Step::Start => 0,
                Step::End => last,
            };
            true
        }
    }
}

/// Goes to another node as many hops away as the selected one.
fn sibling(state: &mut State, step: Step) {
    let Some((lineage, node)) = rows::lineage(state).zip(rows::node(state)) else { return };
    let column: Vec<&LineageNode> =
        lineage.nodes.iter().filter(|other| other.hop == node.hop).collect();
    let at = column.iter().position(|other| other.id == node.id).unwrap_or(0);
    let last = column.len().saturating_sub(1);
    let to = match step {
        Step::By(by) => at.saturating_add_signed(by).min(last),
        Step::Start => 0,
        Step::End => last,
    };
    let id = column.get(to).map(|node| node.id.clone());
    select(state, id);
}

fn select(state: &mut State, id: Option<String>) {
    if let Some(id) = id {
        let level = state.level_mut();
        level.lineage.cursor = Some(id);
        level.lineage.event = 0;
    }
}

/// Left and right: opens or closes a group of the tree; goes along the lineage.
fn sideways(state: &mut State, right: bool) {
    match pane_of(state) {
        _ if !is_here(state) => {}
        AssetPane::Tree => fold(state, right),
        AssetPane::Lineage => along(state, right),
        AssetPane::Details => {}
    }
}

fn fold(state: &mut State, opens: bool) {
    let level = state.level();
    match rows::selected(state, level) {
        Some(AssetRow::Group { path, is_open, .. }) if is_open != opens => toggle(state, path),
        // Inside a group: close it and stand on it.
        Some(AssetRow::Asset { asset, depth, .. }) if !opens && depth > 0 => {
            let group = asset.name.as_str().rsplit_once('/').map(|(group, _)| format!("{group}/"));
            let keys = crate::rows::keys(state, level);
            if let Some(group) = group.filter(|group| keys.contains(group)) {
                toggle(state, group.clone());
                state.level_mut().selected = Some(group);
            }
        }
        Some(_) | None => {}
    }
}

fn toggle(state: &mut State, path: String) {
    let level = state.level_mut();
    level.is_untouched = false;
    level.selected = Some(path.clone());
    if !level.toggled.remove(&path) {
        level.toggled.insert(path);
    }
}

/// Goes to the first node before or after the selected one.
fn along(state: &mut State, downstream: bool) {
    let Some((lineage, node)) = rows::lineage(state).zip(rows::node(state)) else { return };
    let next = lineage.edges.iter().find_map(|edge| match downstream {
        true => (edge.from == node.id).then_some(&edge.to),
        false => (edge.to == node.id).then_some(&edge.from),
    });
    let hidden = if downstream { node.hidden.1 } else { node.hidden.0 };
    match (next.cloned(), hidden) {
        (Some(id), _) => select(state, Some(id)),
        (None, 0) if downstream => state.say(Tone::Info, "nothing is made of it"),
        (None, 0) => state.say(Tone::Info, "it is made of nothing here"),
        (None, n) => {
            state.say(
                Tone::Info,
                with_keys!(
                    state,
                    "{n} more that way: {} shows them, {} goes on from here",
                    MoreHops,
                    Recentre
                ),
            );
        }
    }
}

/// Puts the selected node in the middle.
fn refocus(state: &mut State) {
    let Some(id) = rows::node(state).map(|node| node.id.clone()) else { return };
    let level = state.level_mut();
    level.lineage.focus = Some(id);
    level.lineage.cursor = None;
}

/// Drills into what is selected in the pane.
fn open(state: &mut State) {
    let level = state.level();
    match &level.screen {
        Screen::Impact(name) => {
            let nodes = rows::impact(state, level, name);
            let node = crate::rows::selected(level, &nodes);
            if let Some(id) = node.map(|node| node.id.clone()) {
                open_node(state, &id);
            }
        }
        Screen::AssetWhy(name) => {
            let at = level.cursor(&crate::rows::keys(state, level));
            let step = state.cache.asset_why(name).and_then(|why| why.path.get(at)).cloned();
            if let Some(step) = step {
                open_step(state, step);
            }
        }
        _ => open_in_pane(state),
    }
}

/// Shows the run that failed, else the DAG that would make it, else the asset.
fn open_step(state: &mut State, step: StaleStep) {
    match (step.dag_id, step.dag_run_id) {
        (Some(dag_id), Some(dag_run_id)) => {
            state.push(Screen::Run(DagRunKey { dag_id, dag_run_id }));
        }
        (Some(dag_id), None) => state.push(Screen::Dag(dag_id)),
        (None, _) => open_asset(state, step.asset),
    }
}

fn open_in_pane(state: &mut State) {
    match pane_of(state) {
        AssetPane::Tree => match rows::selected(state, state.level()) {
            Some(AssetRow::Group { path, .. }) => toggle(state, path),
            Some(AssetRow::Asset { asset, .. }) => {
                let name = asset.name.clone();
                open_asset(state, name);
            }
            None => {}
        },
        AssetPane::Lineage => {
            if let Some(id) = rows::node(state).map(|node| node.id.clone()) {
                open_node(state, &id);
            }
        }
        AssetPane::Details => open_event(state),
    }
}

/// Shows the page of an asset, unless that is what is shown.
fn open_asset(state: &mut State, name: AssetName) {
    let screen = Screen::Asset(name);
    if state.level().screen == screen {
        let level = state.level_mut();
        level.lineage.settle();
        level.lineage.pane = AssetPane::Details;
        return;
    }
    state.push(screen);
    state.level_mut().lineage.pane = AssetPane::Lineage;
}

/// Shows what a node of the lineage stands for; what has no page of its own, by its chain.
pub(crate) fn open_node(state: &mut State, id: &str) {
    let (kind, name) = id.split_once(':').unwrap_or_default();
    match LineageKind::ALL.into_iter().find(|one| one.as_str() == kind) {
        Some(LineageKind::Asset) => open_asset(state, AssetName::new(name)),
        Some(LineageKind::Dag) => state.push(Screen::Dag(DagId::new(name))),
        Some(LineageKind::Model) => state.push(Screen::Model(name.to_owned())),
        Some(LineageKind::Version) => {
            let model = name.rsplit_once('/').map_or(name, |(model, _)| model);
            state.push(Screen::Model(model.to_owned()));
        }
        Some(LineageKind::Endpoint) => state.switch(View::Serving),
        _ => state.push(Screen::Chain(id.to_owned())),
    }
}

/// Shows the first run that the selected event started, else the one that it came of.
fn open_event(state: &mut State) {
    let started = rows::event(state)
        .and_then(|view| view.started_runs.first())
        .map(|run| DagRunKey { dag_id: run.dag_id.clone(), dag_run_id: run.dag_run_id.clone() });
    match started {
        Some(run) => state.push(Screen::Run(run)),
        None => producing_run(state),
    }
}

/// Shows the run that the selected event came of, else the producer's last one.
fn producing_run(state: &mut State) {
    let from_event = rows::event(state).and_then(|view| match &view.event.source {
        AssetEventSource::Task(key) => {
            Some(DagRunKey { dag_id: key.dag_id.clone(), dag_run_id: key.dag_run_id.clone() })
        }
        _ => None,
    });
    let last = || {
        let producers = &rows::shown(state)?.producers;
        producers.iter().find_map(|producer| {
            let run = producer.last_run.as_ref()?;
            let (dag_id, dag_run_id) = (producer.dag_id.clone(), run.dag_run_id.clone());
            Some(DagRunKey { dag_id, dag_run_id })
        })
    };
    match from_event.or_else(last) {
        Some(run) => state.push(Screen::Run(run)),
        None => state.say(Tone::Info, "no run here made it"),
    }
}

/// Shows why the asset is old.
fn why(state: &mut State) {
    let Some(name) = rows::shown(state).map(|asset| asset.name.clone()) else { return };
    state.push(Screen::AssetWhy(name));
}

/// Lists what is made of the asset.
fn impact(state: &mut State) {
    let Some(name) = rows::shown(state).map(|asset| asset.name.clone()) else { return };
    state.push(Screen::Impact(name));
}

/// Opens the form of the DAG that makes the asset.
fn materialise(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(asset) = rows::shown(state) else { return };
    let (name, producers) = (asset.name.clone(), asset.producers.clone());
    let Some(producer) = producers.first() else {
        state.say(
            Tone::Info,
            with_keys!(state, "no DAG here makes {name}; {} says that it changed", Emit),
        );
        return;
    };
    if let [_, others @ ..] = producers.as_slice()
        && !others.is_empty()
    {
        let others: Vec<&str> = others.iter().map(|other| other.dag_id.as_str()).collect();
        state.say(Tone::Info, format!("also made by {}", others.join(", ")));
    }
    state.push(Screen::Form(producer.dag_id.clone()));
    form::changed(state, &producer.dag_id, 0, effects);
}

/// Returns the DAG that makes the asset.
pub(crate) fn producer(state: &State) -> Option<DagId> {
    rows::shown(state)?.producers.first().map(|producer| producer.dag_id.clone())
}

/// Shows the endpoint that the asset's model is served at.
fn endpoint(state: &mut State) {
    match rows::shown(state).and_then(|asset| model_of(&asset.uri)) {
        Some(_) => state.switch(View::Serving),
        None => state.say(Tone::Info, "it is no alias of a model: nothing serves it"),
    }
}

/// Shows the model whose alias the asset is.
fn model(state: &mut State) {
    let model = rows::shown(state).and_then(|asset| model_of(&asset.uri));
    match model {
        Some(model) => state.push(Screen::Model(model)),
        None => state.say(Tone::Info, "it is no alias of a model"),
    }
}

/// Takes the model out of `models:/NAME@ALIAS`.
fn model_of(uri: &str) -> Option<String> {
    let (name, _) = uri.strip_prefix("models:/")?.split_once('@')?;
    (!name.contains('*')).then(|| name.to_owned())
}
