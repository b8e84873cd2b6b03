//! Draws the whole state into a buffer. Pure: the same state gives the same cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::hit::{self, Target};
use crate::screen::{
    approvals, assets, attention, backfill, backfills, commands, compare, dag, definitions,
    details, drift, events, executors, experiments, form, frame, hints, home, log, logged_models,
    models, operation, operations, run, runs, serving, small, system, tracking_run, tracking_runs,
    trials, versions, why,
};
use crate::state::popup::Gate;
use crate::state::{Popup, Screen, State, View};
use crate::theme;
use crate::widget::{chord, dialog, menu, paint, palette, sheet, tour};

/// Draws everything.
pub(crate) fn draw(state: &State, buf: &mut Buffer) {
    let area = buf.area;
    if small::is_small(area) {
        small::draw(buf, area, state, &|buf, area| screen(state, buf, area));
        over(state, buf, area);
        state.theme.finish(buf);
        return;
    }
    let row = |y: u16| Rect { y, height: 1, ..area };
    frame::context(buf, row(0), state);
    frame::tabs(buf, row(1), state);
    for (at, line) in banner_rows(state).zip(frame::banners(state)) {
        paint::put(buf, row(at), 0, line);
    }
    let body = body(state, area);
    screen(state, buf, body);
    let (_, rail) = events::beside_rail(state, whole_body(state, area));
    if !rail.is_empty() {
        events::draw_rail(buf, rail, state);
    }
    if !is_asked_on_a_line(state) {
        frame::flash(buf, row(area.height - 2), state);
    }
    hints::draw(buf, row(area.height - 1), state);
    tour::draw(buf, body, state);
    over(state, buf, body);
    state.theme.finish(buf);
}

/// Draws what lies over the screen.
fn over(state: &State, buf: &mut Buffer, body: Rect) {
    match &state.popup {
        None => chord::draw(buf, body, state),
        Some(Popup::Keys { scroll }) => palette::keys(buf, body, state, *scroll),
        Some(Popup::Palette(palette)) => palette::draw(buf, body, state, palette),
        Some(Popup::Confirm(confirm)) if is_asked_on_a_line(state) => {
            let row = Rect { y: buf.area.height - 2, height: 1, ..buf.area };
            dialog::question(buf, row, confirm);
        }
        Some(Popup::Confirm(confirm)) => dialog::confirm(buf, body, confirm),
        Some(Popup::Task { scroll }) => details::popup(buf, body, state, *scroll),
        Some(Popup::Worker { pid, scroll }) => {
            executors::popup(buf, body, state, *pid, *scroll);
        }
        Some(Popup::Run { key, scroll }) => run::page::popup(buf, body, state, key, *scroll),
        Some(Popup::RunDiff { before, key, scroll }) => {
            run::page::diff(buf, body, state, (before, key), *scroll);
        }
        Some(Popup::Why { subject, scroll }) => why::popup(buf, body, state, subject, *scroll),
        Some(Popup::Events { scroll }) => events::popup(buf, body, state, *scroll),
        Some(Popup::Sheet(sheet)) => sheet::draw(buf, body, sheet),
        Some(Popup::Menu(menu)) => menu::draw(buf, body, menu),
    }
}

/// Says whether a question stands on the row above the hints, which small terminals have no room for.
fn is_asked_on_a_line(state: &State) -> bool {
    matches!(&state.popup, Some(Popup::Confirm(confirm)) if matches!(confirm.gate, Gate::Line))
        && !small::is_small(state.size)
}

fn banner_rows(state: &State) -> std::ops::Range<u16> {
    2..2 + u16::try_from(frame::banners(state).len()).unwrap_or(0)
}

/// Returns the area between the frame's upper and lower rows.
pub(crate) fn body(state: &State, area: Rect) -> Rect {
    events::beside_rail(state, whole_body(state, area)).0
}

/// As `body`, with the rail of events.
fn whole_body(state: &State, area: Rect) -> Rect {
    let top = banner_rows(state).end;
    Rect { y: top, height: area.height.saturating_sub(top + 2), ..area }
}

fn screen(state: &State, buf: &mut Buffer, area: Rect) {
    match &state.level().screen {
        Screen::Root(View::Dags) => home::draw(buf, area, state),
        Screen::Attention => attention::draw(buf, area, state),
        Screen::Root(View::Runs) => runs::draw(buf, area, state, None),
        Screen::DagRuns(dag_id) => runs::draw(buf, area, state, Some(dag_id)),
        Screen::Root(View::Assets) => assets::draw(buf, area, state),
        Screen::Root(View::Experiments) => experiments::draw(buf, area, state),
        Screen::Root(View::Models) => models::draw(buf, area, state),
        Screen::Root(View::Serving) => serving::draw(buf, area, state),
        Screen::Drift(model, version) => drift::draw(buf, area, state, model, *version),
        Screen::Root(View::Events) => events::draw(buf, area, state),
        Screen::Root(View::System) => system::draw(buf, area, state),
        Screen::Dag(dag_id) => dag::draw(buf, area, state, dag_id),
        Screen::Run(key) => run::draw(buf, area, state, key),
        Screen::Log(_) | Screen::DaemonLog => log::draw(buf, area, state, true),
        Screen::Form(dag_id) => form::draw(buf, area, state, dag_id),
        Screen::Asset(name) => assets::draw_page(buf, area, state, name),
        Screen::Experiment(name) => tracking_runs::draw(buf, area, state, name),
        Screen::TrackingRun(run_id) => tracking_run::draw(buf, area, state, run_id),
        Screen::Trials(_) | Screen::TaskTrials(_) => trials::draw(buf, area, state),
        Screen::LoggedModels(of) => logged_models::draw(buf, area, state, of),
        Screen::LoggedModel(model_id) => logged_models::draw_page(buf, area, state, model_id),
        Screen::Artifact(run_id, path) => {
            tracking_run::draw_artifact(buf, area, state, &(run_id.clone(), path.clone()));
        }
        Screen::CompareRuns(ids) => compare::draw(buf, area, state, ids),
        Screen::AssetWhy(name) => assets::draw_why(buf, area, state, name),
        Screen::Impact(name) => assets::draw_impact(buf, area, state, name),
        Screen::Chain(id) => assets::draw_chain(buf, area, state, id),
        Screen::Columns(id) => assets::draw_columns(buf, area, state, id),
        Screen::Model(name) => models::draw_page(buf, area, state, name),
        Screen::Compare(left, right) => {
            models::compare::draw_page(buf, area, state, left, right);
        }
        Screen::Versions(dag_id) => versions::draw(buf, area, state, dag_id),
        Screen::Diff(dag_id, from, to) => {
            versions::draw_page(buf, area, state, (dag_id, *from, *to));
        }
        Screen::Backfills(dag_id) => backfills::draw(buf, area, state, dag_id),
        Screen::Backfill(_, id) => backfill::draw(buf, area, state, *id),
        Screen::Operations => operations::draw(buf, area, state),
        Screen::Operation(id) => operation::draw(buf, area, state, *id),
        Screen::Commands => commands::draw(buf, area, state),
        Screen::Approvals => approvals::draw(buf, area, state),
        Screen::Definitions => definitions::draw(buf, area, state),
    }
}

/// Returns what lies where on the screen, for the mouse.
pub(crate) fn regions(state: &State) -> Vec<(Rect, Target)> {
    hit::collect(|| {
        drawn(state);
    })
}

/// Draws into a new buffer of the state's size.
pub(crate) fn drawn(state: &State) -> Buffer {
    let mut buf = Buffer::empty(state.size);
    buf.set_style(buf.area, theme::PLAIN);
    draw(state, &mut buf);
    buf
}
