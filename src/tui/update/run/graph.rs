//! The graph of the shown run: what is planned, laid out and walked along.

use std::sync::Arc;

use crate::message::Effect;
use crate::rows;
use crate::screen::run::{graph as drawn, graph_room};
use crate::state::graph::plan::{self, Folded, Made};
use crate::state::graph::{Detail, Job, Looked, Spot, ego};
use crate::state::run::{RowId, RunIndex};
use crate::state::{GraphPane, State, Tone};
use crate::update::run::select;
use crate::widget::layered::{Direction, Point};

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Left,
    Right,
    Up,
    Down,
}

/// Plans the graph anew where what it is made of has changed, and has it laid out where that is
/// not known.
pub(crate) fn plan(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(job) = planned(state) else {
        if rows::run::shown(state).is_none() {
            state.graph.plan = None;
            state.graph.made = None;
            state.graph.looked = None;
            state.graph.look();
        }
        return;
    };
    effects.push(Effect::Layout(Box::new(job)));
}

/// Returns what is to be laid out.
fn planned(state: &mut State) -> Option<Job> {
    let (run, index) = rows::run::shown(state)?;
    let row = rows::run::selected(state)?.id;
    let level = state.level();
    let room = drawn::room(graph_room(state), index);
    if room.width < 8 || room.height < 1 {
        return None;
    }
    let room = (i32::from(room.width), i32::from(room.height));
    let pane = &state.graph;
    let looked = Looked {
        stamp: index.stamp,
        turn: index.fold.turn,
        row,
        room,
        asked: (pane.hops, pane.detail, pane.direction, pane.has_all_edges),
        centre: pane.centre.clone(),
    };
    if pane.looked.as_ref() == Some(&looked) && pane.plan.is_some() {
        return None;
    }
    let closed = plan::closed(index, |at| index.is_group_open(run, level, at), row);
    let folded = Folded::new(index, &closed);
    let here = folded.of_row(row)?;
    // The centre stays while what is selected can be seen.
    let stays = pane
        .plan
        .as_ref()
        .is_some_and(|plan| plan.shape == index.shape && plan.nodes.contains(&here));
    let centre = pane.centre.as_ref().filter(|_| stays).and_then(|key| index.find(run, key));
    let kept = centre.and_then(|row| folded.of_row(row));
    let centre = kept.unwrap_or(here);
    let made = Made {
        shape: index.shape,
        closed,
        centre: Some(centre),
        hops: pane.hops,
        detail: pane.detail,
        direction: pane.direction,
        has_all_edges: pane.has_all_edges,
        room,
    };
    let centre_key = match kept {
        Some(_) => pane.centre.clone(),
        None => Some(index.key(run, row)),
    };
    let is_same = pane.made.as_ref() == Some(&made) && pane.plan.is_some();
    let next = if is_same { None } else { Some(plan::plan(index, &made)) };
    let widths = next.as_ref().map(|plan| drawn::nodes(state, plan));
    let pane = &mut state.graph;
    pane.looked = Some(Looked { centre: centre_key.clone(), ..looked });
    pane.centre = centre_key;
    let (Some(next), Some(nodes)) = (next, widths) else { return None };
    let job = Job {
        id: next.id,
        widths: nodes.iter().map(crate::widget::graph::Node::widths).collect(),
        edges: next.edges.clone(),
        room,
        detail: made.detail,
        direction: made.direction,
    };
    pane.made = Some(made);
    pane.plan = Some(Arc::new(next));
    pane.look();
    if pane.is_laid(job.id) || pane.asked == Some(job.id) {
        return None;
    }
    pane.asked = Some(job.id);
    Some(job)
}

/// Goes to the nearest node: with the flow along edges, across it among those beside.
pub(crate) fn walk(state: &mut State, way: Way) {
    let Some((plan, laid)) = state.graph.seen() else { return };
    let Some(row) = rows::run::selected(state) else { return };
    let Some(here) = state.graph.place(row.index, row.id) else { return };
    let points = &laid.layout.nodes;
    let Some(from) = points.get(here).copied() else { return };
    let is_lr = laid.layout.direction == Direction::LeftRight;
    let along = match (way, is_lr) {
        (Way::Right, true) | (Way::Down, false) => Some(true),
        (Way::Left, true) | (Way::Up, false) => Some(false),
        _ => None,
    };
    let next = match along {
        Some(is_down) => {
            let ends = plan.edges.iter().filter_map(|(a, b)| match is_down {
                true => (*a == here).then_some(*b),
                false => (*b == here).then_some(*a),
            });
            ends.min_by_key(|at| points.get(*at).map_or(i32::MAX, |point| far(from, *point, is_lr)))
        }
        None => beside(points, here, way),
    };
    match next.and_then(|at| plan.nodes.get(at)).copied() {
        Some(spot) => go(state, spot),
        None => state.say(Tone::Info, "no node lies that way"),
    }
}

/// How far two nodes are apart: first across the flow, then along it.
fn far(a: Point, b: Point, is_lr: bool) -> i32 {
    let (x, y) = ((a.0 - b.0).abs(), (a.1 - b.1).abs());
    if is_lr { y * 1000 + x } else { x * 1000 + y }
}

/// Returns the nearest node on one side.
fn beside(points: &[Point], here: usize, way: Way) -> Option<usize> {
    let from = points[here];
    let ahead = |point: Point| match way {
        Way::Left => (from.0 - point.0, (from.1 - point.1).abs() * 8),
        Way::Right => (point.0 - from.0, (from.1 - point.1).abs() * 8),
        Way::Up => (from.1 - point.1, (from.0 - point.0).abs()),
        Way::Down => (point.1 - from.1, (from.0 - point.0).abs()),
    };
    let others = points.iter().enumerate().filter(|(at, _)| *at != here);
    others
        .map(|(at, point)| (ahead(*point), at))
        .filter(|((ahead, _), _)| *ahead > 0)
        .min_by_key(|((ahead, aside), _)| ahead * 4 + aside)
        .map(|(_, at)| at)
}

/// Selects the row that a node stands for; behind a stub what it stands for.
fn go(state: &mut State, spot: Spot) {
    let Some((_, index)) = rows::run::shown(state) else { return };
    let found = match spot {
        Spot::More { of, is_down, .. } => behind(&state.graph, index, of, is_down),
        other => Some(other),
    };
    match found {
        Some(Spot::Group(at)) => select(state, RowId::Group(at)),
        Some(Spot::Task(at)) => select(state, RowId::Task(at)),
        Some(Spot::More { .. }) | None => {}
    }
}

fn behind(pane: &GraphPane, index: &RunIndex, of: usize, is_down: bool) -> Option<Spot> {
    let (plan, _) = pane.seen()?;
    let folded = Folded::new(index, &pane.made.as_ref()?.closed);
    ego::behind(&folded, &plan.nodes, of, is_down)
}

/// Draws the graph round what is selected.
pub(crate) fn recentre(state: &mut State) {
    let key = rows::run::selected(state).map(|row| row.key());
    state.graph.centre = key;
    state.graph.hops = Some(state.graph.hops.unwrap_or(ego::HOPS));
    let hops = state.graph.hops.unwrap_or(0);
    state.say(Tone::Info, format!("{hops} hops round what is selected; 0 hops shows all"));
}

/// Draws more or fewer hops round the centre; fewer than one means all there are.
pub(crate) fn hops(state: &mut State, more: bool) {
    let Some((plan, _)) = state.graph.seen() else { return };
    let before = plan.hops;
    let next = match (before, more) {
        (None, true) => None,
        (None, false) => Some(ego::HOPS),
        (Some(hops), true) => Some(hops + 1).filter(|hops| *hops <= ego::HOPS_MAX),
        (Some(hops), false) => Some(hops.saturating_sub(1).max(1)),
    };
    state.graph.hops = next;
    match next {
        Some(hops) => state.say(Tone::Info, format!("{hops} hops round the selection")),
        None => state.say(Tone::Info, "the whole graph, where it is small enough"),
    }
}

/// Shows more or less of each node.
pub(crate) fn detail(state: &mut State, more: bool) {
    let Some((_, laid)) = state.graph.seen() else { return };
    let all = Detail::ALL;
    let at = all.iter().position(|detail| *detail == laid.detail).unwrap_or(0);
    let next = if more { at.checked_sub(1) } else { Some(at + 1) };
    match next.and_then(|at| all.get(at)) {
        Some(detail) => state.graph.detail = Some(*detail),
        // Beyond the ends the room decides again.
        None => state.graph.detail = None,
    }
}

/// Turns the graph: left to right, top down, as it fits.
pub(crate) fn turn(state: &mut State) {
    let next = match state.graph.direction {
        None => Some(Direction::LeftRight),
        Some(Direction::LeftRight) => Some(Direction::TopDown),
        Some(Direction::TopDown) => None,
    };
    state.graph.direction = next;
    let words = match next {
        None => "the graph runs as it fits",
        Some(Direction::LeftRight) => "the graph runs left to right",
        Some(Direction::TopDown) => "the graph runs top down",
    };
    state.say(Tone::Info, words);
}
