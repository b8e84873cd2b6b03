//! Asks for what is shown and not there yet, or old. This runs after every message, so no other
//! place needs to know what a screen is made of.

use crate::message::{Effect, Purpose, Timer};
use crate::rows::{self, tracking};
use crate::screen::assets;
use crate::screen::events::has_rail;
use crate::screen::figures;
use crate::screen::home::shows_events;
use crate::screen::run::shows_details;
use crate::state::backfill::{self, PAGES_MAX as DATE_PAGES_MAX};
use crate::state::lineage::AssetPane;
use crate::state::popup::Scope;
use crate::state::run::RowId;
use crate::state::runs::{PAGE_LEN, PAGES_MAX, RunsQuery};
use crate::state::session;
use crate::state::{Form, Link, Popup, Screen, Slot, State, View};
use crate::types::TaskInstanceState;
use crate::types::backfill::BackfillId;
use crate::types::run::TaskInstance;
use crate::types::view::TrackingRunView;
use crate::update::{feed, form, log, run, sketch};

/// How long the cursor rests before what is shown of its row is asked for.
const PREVIEW_MILLIS: u64 = 120;

/// Returns what the shown screen is made of.
fn needs(state: &State) -> Vec<Slot> {
    let level = state.level();
    let mut slots = vec![Slot::Status, Slot::Definitions, Slot::Approvals];
    match &state.popup {
        // Everything that has a name can be gone to.
        Some(Popup::Palette(palette)) if palette.scope == Scope::All => {
            slots.extend([Slot::Dags, Slot::Runs(None), Slot::Assets, Slot::Models]);
            slots.extend([Slot::Experiments, Slot::Variables]);
        }
        Some(Popup::Why { subject, .. }) => slots.push(Slot::Why(subject.clone())),
        Some(Popup::Run { key, .. }) => {
            slots.extend([Slot::Run(key.clone()), Slot::Callbacks(key.clone())]);
        }
        Some(Popup::RunDiff { before, key, .. }) => {
            slots.extend([Slot::Run(before.clone()), Slot::Run(key.clone())]);
        }
        _ => {}
    }
    match &level.screen {
        Screen::Root(View::Dags) => {
            slots.extend([Slot::Dags, Slot::Attention, Slot::Pulse, Slot::Serving]);
            if shows_events(state) {
                slots.push(Slot::Events);
            }
        }
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            let (query, _) = RunsQuery::read(level);
            slots.extend(rows::runs_slots(level, &query));
        }
        Screen::Dag(dag_id) => slots.push(Slot::Dag(dag_id.clone())),
        Screen::Form(dag_id) => {
            slots.extend([Slot::Dag(dag_id.clone()), Slot::Runs(Some(dag_id.clone()))]);
        }
        Screen::Run(key) => {
            slots.push(Slot::Run(key.clone()));
            slots.push(Slot::Dag(key.dag_id.clone()));
            let around = state.run_view.around(&key.dag_id).cloned();
            slots.push(Slot::Grid(key.dag_id.clone(), around));
        }
        Screen::Root(View::Assets) | Screen::Asset(_) => {
            slots.push(Slot::Assets);
        }
        Screen::AssetWhy(name) => slots.push(Slot::AssetWhy(name.clone())),
        Screen::Impact(name) => slots.push(rows::assets::impact_slot(name)),
        Screen::Chain(id) => slots.push(Slot::Trace(id.clone())),
        Screen::Columns(id) => slots.push(Slot::Columns(id.clone())),
        Screen::Root(View::Experiments) => {
            slots.push(Slot::Experiments);
        }
        Screen::Experiment(name) => {
            let queries = tracking::tree::queries(state, level, name);
            slots.extend(queries.into_iter().map(Slot::TrackingRuns));
        }
        Screen::TrackingRun(run_id) => {
            slots.push(Slot::TrackingRun(run_id.clone()));
            if let Some(run) = state.cache.tracking_run(run_id) {
                slots.extend(histories(run));
                let file = |path: &str| Slot::Artifact((run_id.clone(), path.to_owned()));
                slots.extend(figures::of(run).into_iter().map(file));
            }
        }
        Screen::LoggedModels(of) => slots.push(rows::logged::slot(of)),
        Screen::LoggedModel(model_id) => slots.push(Slot::LoggedModel(model_id.clone())),
        Screen::Trials(run_id) => slots.push(Slot::Trials(run_id.clone())),
        Screen::TaskTrials(key) => {
            slots.push(Slot::Task(key.clone()));
            slots.extend(rows::trials::run_id(state, level).map(Slot::Trials));
        }
        Screen::Artifact(run_id, path) => {
            slots.push(Slot::Artifact((run_id.clone(), path.clone())));
        }
        Screen::CompareRuns(ids) => {
            for run_id in ids {
                slots.push(Slot::TrackingRun(run_id.clone()));
                slots.extend(state.cache.tracking_run(run_id).into_iter().flat_map(histories));
            }
        }
        Screen::Root(View::Models) => {
            slots.extend([Slot::Models, Slot::Serving]);
            let open = rows::models::open(state, level);
            slots.extend(open.into_iter().map(|model| Slot::Model(model.name.clone())));
        }
        Screen::Model(name) => {
            slots.extend([Slot::Model(name.clone()), Slot::Serving, Slot::Assets]);
        }
        Screen::Compare(left, right) => {
            slots.extend([Slot::Model(left.0.clone()), Slot::Model(right.0.clone())]);
        }
        Screen::Root(View::Serving) => {
            slots.push(Slot::Serving);
        }
        Screen::Drift(model, version) => slots.push(Slot::Drift(model.clone(), *version)),
        Screen::Root(View::Events) => slots.push(Slot::Events),
        Screen::Root(View::System) => {
            slots.extend([Slot::Executors, Slot::Pools, Slot::Variables, Slot::Connections]);
        }
        Screen::Versions(dag_id) => {
            slots.push(Slot::Versions(dag_id.clone()));
        }
        Screen::Diff(dag_id, from, to) => slots.push(Slot::Diff(dag_id.clone(), *from, *to)),
        Screen::Backfills(dag_id) => {
            slots.push(Slot::Backfills(dag_id.clone()));
        }
        Screen::Attention => slots.push(Slot::Attention),
        Screen::Backfill(_, id) => slots.push(backfill::slot(level, *id)),
        Screen::Operations => slots.push(Slot::Operations),
        Screen::Operation(id) => slots.push(Slot::Operation(*id)),
        Screen::Approvals if level.attention_only => slots.push(Slot::AllApprovals),
        Screen::Log(key) => slots.push(Slot::Task(key.clone())),
        Screen::Approvals | Screen::Commands | Screen::Definitions | Screen::DaemonLog => {}
    }
    let has_feed = has_rail(state) || matches!(state.popup, Some(Popup::Events { .. }));
    if has_feed && !slots.contains(&Slot::Events) {
        slots.push(Slot::Events);
    } else if !slots.contains(&Slot::Events) {
        slots.push(Slot::Glance);
    }
    slots
}

/// Returns what is shown of the selected row.
fn previews(state: &State) -> Vec<Slot> {
    let level = state.level();
    let one: Option<Slot> = match &level.screen {
        Screen::Root(View::Dags) => {
            let dag = rows::selected(level, &rows::dags(state, level));
            dag.map(|dag| Slot::Dag(dag.dag_id.clone()))
        }
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            let run = rows::selected(level, &rows::runs(state, level));
            run.map(|run| Slot::Brief(run.key()))
        }
        Screen::Run(_) => {
            let is_shown = shows_details(state) || matches!(state.popup, Some(Popup::Task { .. }));
            let task = rows::selected_task(state).filter(|_| is_shown);
            task.map(|task| Slot::Task(task.key.clone()))
        }
        Screen::Root(View::Assets) | Screen::Asset(_) => return asset_panes(state),
        Screen::Root(View::Experiments) => {
            let experiment = rows::selected(level, &rows::experiments(state, level));
            experiment.map(|e| Slot::TrackingRuns(tracking::preview(state, &e.name)))
        }
        Screen::LoggedModels(of) => {
            let here = rows::selected(level, &rows::logged::models(state, level, of));
            here.map(|model| Slot::LoggedModel(model.model_id.clone()))
        }
        Screen::Root(View::Models) => rows::models::model_here(state).map(Slot::Model),
        Screen::Root(View::Serving) => {
            // The form that asks it is made from its signature.
            rows::served_here(state).map(|served| Slot::Model(served.model.clone()))
        }
        Screen::Versions(dag_id) => {
            let compared = rows::compared(state, dag_id);
            compared.map(|(from, to)| Slot::Diff(dag_id.clone(), from, to))
        }
        Screen::Backfills(dag_id) => {
            let here = rows::selected(level, &rows::backfills(state, level, dag_id));
            here.map(|view| Slot::Backfill(view.backfill.id, 1))
        }
        _ => None,
    };
    one.into_iter().collect()
}

/// Returns what the panes beside the tree of assets are drawn from.
fn asset_panes(state: &State) -> Vec<Slot> {
    let is_drawn = |pane| !assets::area_of(state, pane).is_empty();
    let mut slots = Vec::new();
    let has_details = is_drawn(AssetPane::Details);
    // Which node the details are of is known by the lineage.
    if is_drawn(AssetPane::Lineage) || has_details {
        slots.extend(rows::assets::lineage_slot(state));
    }
    if let Some(asset) = rows::assets::shown(state).filter(|_| has_details) {
        slots.push(Slot::AssetEvents(Some(asset.name.clone())));
        slots.push(Slot::AssetWhy(asset.name.clone()));
        if asset.partitions > 0 {
            slots.push(Slot::Partitions(asset.name.clone()));
        }
    }
    slots
}

/// Returns what the charts of a run are made of.
pub(super) fn histories(run: &TrackingRunView) -> impl Iterator<Item = Slot> + '_ {
    let slot = |key: &str| Slot::Metric((run.run_id.clone(), key.to_owned()));
    tracking::wanted_histories(run).into_iter().map(slot)
}

/// Brings what is under way in line with what is shown.
pub(crate) fn reconcile(state: &mut State, effects: &mut Vec<Effect>) {
    run::arrange(state);
    if !matches!(state.link, Link::Down { .. }) {
        fetch(state, effects);
    }
    turn_page(state);
    make_form(state, effects);
    select_what_matters(state);
    run::graph::plan(state, effects);
    sketch::lay_out(state, effects);
    log::read::follow(state, effects);
    feed::keep(state, effects);
}

fn fetch(state: &mut State, effects: &mut Vec<Effect>) {
    let mut slots = needs(state);
    let beside = previews(state);
    let is_step = state.previews.want(&state.level().screen.clone(), beside.clone());
    if is_step && beside.iter().any(|slot| state.cache.wants(slot)) {
        let generation = state.next_generation();
        state.previews.wait(generation);
        let timer = Timer::PreviewRested(generation);
        effects.push(Effect::After { millis: PREVIEW_MILLIS, timer });
    }
    if state.previews.may_ask() {
        slots.extend(beside);
    }
    // While a burst of events runs, only what was never fetched is asked for.
    for slot in slots {
        let is_new = state.cache.is_new(&slot);
        let may_ask = is_new || !state.refetch_is_due;
        let is_run = matches!(slot, Slot::Run(_));
        if state.cache.wants(&slot) && may_ask && (is_new || !is_run || run::may_ask(state)) {
            if let Slot::Run(key) = &slot {
                run::rest(state, key, effects);
            }
            let generation = state.next_generation();
            state.cache.ask(slot.clone(), generation);
            let request = slot.request();
            effects.push(Effect::Ask { purpose: Purpose::Fetch(slot), generation, request });
        }
    }
}

/// Keeps the cursor of a run on the task that failed, else on one that runs or waits, else, when the run is
/// over, on the one that ended last, until somebody moves it.
fn select_what_matters(state: &mut State) {
    if !state.level().is_untouched {
        return;
    }
    let Some(run) = state.shown_run() else { return };
    let here = rows::selected_task(state).and_then(|task| task.state);
    if state.level().selected.is_some() && here.is_some_and(|state| !state.is_finished()) {
        return;
    }
    let find = |wanted: TaskInstanceState| run.tasks.iter().find(|t| t.state == Some(wanted));
    let task = find(TaskInstanceState::Failed)
        .or_else(|| find(TaskInstanceState::UpForRetry))
        .or_else(|| find(TaskInstanceState::Running))
        .or_else(|| find(TaskInstanceState::Deferred))
        .or_else(|| run.run.state.is_finished().then(|| last_ended(&run.tasks)).flatten());
    let Some((run, index)) = rows::run::shown(state) else { return };
    let slot = task.and_then(|task| index.slot(run, &task.key));
    let row = slot.and_then(|slot| index.shown(RowId::Instance(slot)));
    if let Some(row) = row.and_then(|at| index.fold.rows.get(at)) {
        let key = index.key(run, row.id);
        state.level_mut().selected = Some(key);
    }
}

/// Returns the task that ended last of those that were started.
fn last_ended(tasks: &[TaskInstance]) -> Option<&TaskInstance> {
    tasks.iter().filter(|task| task.try_number > 0).max_by_key(|task| task.end_date)
}

/// Asks for one page more of a list of runs where the cursor comes near the end of what is there.
fn turn_page(state: &mut State) {
    let level = state.level();
    if let Screen::Backfill(_, id) = level.screen {
        return more_dates(state, id);
    }
    if !matches!(level.screen, Screen::Root(View::Runs) | Screen::DagRuns(_)) {
        return;
    }
    let (query, _) = RunsQuery::read(level);
    let slots = rows::runs_slots(level, &query);
    let total = slots.first().and_then(|slot| state.cache.runs_total(slot)).unwrap_or(0);
    let loaded = u64::from(level.pages) * u64::from(PAGE_LEN);
    let is_there = slots.last().is_some_and(|slot| state.cache.runs_of(slot).is_some());
    let near = level.index + 40 >= loaded as usize;
    if is_there && near && total > loaded && level.pages < PAGES_MAX {
        state.level_mut().pages += 1;
    }
}

/// The same of the dates of a backfill.
fn more_dates(state: &mut State, id: BackfillId) {
    let level = state.level();
    let Some(detail) = state.cache.backfill(id, level.pages) else { return };
    let loaded = detail.dag_runs.len();
    let near = level.cursor(&rows::keys(state, level)) + 40 >= loaded;
    if near && (detail.backfill.backfill.position as usize) > loaded && level.pages < DATE_PAGES_MAX
    {
        state.level_mut().pages += 1;
    }
}

/// Makes the form of the shown DAG once its params are known.
fn make_form(state: &mut State, effects: &mut Vec<Effect>) {
    let Screen::Form(dag_id) = &state.level().screen else { return };
    if state.forms.contains_key(dag_id) {
        return;
    }
    let Some(dag) = state.cache.dag(dag_id) else { return };
    let mut form = Form::new(dag, None);
    session::refill(&mut state.drafts, &mut form);
    let dag_id = form.dag_id.clone();
    state.forms.insert(dag_id.clone(), form);
    form::changed(state, &dag_id, 0, effects);
}
