//! Graphs that a screen draws whole, beside other things: a lineage, the tasks of a definition.
//! They are laid out beside the deck's task, as the graph of a run is.

use ratatui::layout::Rect;

use crate::message::Effect;
use crate::screen::{assets, dag, dag_preview};
use crate::state::{Screen, State, View};
use crate::widget::graph::{self, Sketch};

/// So few nodes are laid out sooner than anybody could be told to do it.
const AT_ONCE: usize = 12;

/// Has the graph of the shown screen laid out where it is not known how it lies.
pub(crate) fn lay_out(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((sketch, room)) = shown(state) else { return };
    if !sketch.is_drawable() || room.is_empty() {
        return;
    }
    let job = sketch.job(room);
    if !state.graph.sketch(sketch.shape(), job.id) {
        return;
    }
    if sketch.nodes.len() <= AT_ONCE {
        state.graph.put(graph::fit(&job, &|| false));
    } else {
        effects.push(Effect::Layout(Box::new(job)));
    }
}

/// Returns the graph that the shown screen draws, and the room for it.
fn shown(state: &State) -> Option<(Sketch, Rect)> {
    match &state.level().screen {
        Screen::Root(View::Assets) | Screen::Asset(_) => assets::sketch(state),
        Screen::Root(View::Dags) => dag_preview::sketch(state),
        Screen::Dag(dag_id) => dag::sketch(state, dag_id),
        _ => None,
    }
}
