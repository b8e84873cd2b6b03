//! The graph of the shown run as it is looked at: which of its nodes, how much of each, and where
//! they lie. Where they lie is worked out beside the deck's task; until that is there the nodes as
//! they lay before are shown, or nothing. A state that changes only colours a node anew.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::state::run::RowId;
use crate::widget::layered::{Direction, Layout};

pub(crate) mod ego;
pub(crate) mod plan;

pub(crate) use plan::{Plan, Spot};

/// Layouts that are kept: going back and forth costs nothing.
const KEPT: usize = 24;

/// How much a node shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Detail {
    Glyph,
    /// A name cut to its ends.
    Short,
    Name,
    Time,
}

impl Detail {
    /// From the most to the least.
    pub(crate) const ALL: [Self; 4] = [Self::Time, Self::Name, Self::Short, Self::Glyph];
}

/// What is to be laid out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    pub(crate) id: u64,
    /// Of each node its width, by how much it shows: as [`Detail::ALL`].
    pub(crate) widths: Vec<[i32; 4]>,
    pub(crate) edges: Vec<(usize, usize)>,
    /// Cells there are: across and down.
    pub(crate) room: (i32, i32),
    pub(crate) detail: Option<Detail>,
    pub(crate) direction: Option<Direction>,
}

/// Where everything lies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Laid {
    pub(crate) id: u64,
    pub(crate) layout: Layout,
    pub(crate) widths: Vec<i32>,
    pub(crate) detail: Detail,
}

/// What decides cheaply whether a graph is to be planned again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) stamp: Option<u64>,
    pub(crate) turn: u64,
    pub(crate) row: RowId,
    pub(crate) room: (i32, i32),
    pub(crate) asked: (Option<u32>, Option<Detail>, Option<Direction>, bool),
    pub(crate) centre: Option<String>,
}

/// The graph pane.
#[derive(Debug, Default)]
pub(crate) struct GraphPane {
    /// Hops round the centre, where somebody asked for some.
    pub(crate) hops: Option<u32>,
    /// What the graph is drawn round, by the key of its row.
    pub(crate) centre: Option<String>,
    pub(crate) detail: Option<Detail>,
    pub(crate) direction: Option<Direction>,
    /// Edges that only say what others say are drawn too.
    pub(crate) has_all_edges: bool,
    /// The critical path is drawn bright.
    pub(crate) is_critical: bool,
    pub(crate) plan: Option<Arc<Plan>>,
    /// What the plan was made of.
    pub(crate) made: Option<plan::Made>,
    /// What was looked at when it was planned: while that is the same, so is the plan.
    pub(crate) looked: Option<Looked>,
    laid: VecDeque<Arc<Laid>>,
    /// The plan that was seen last, with where it lay.
    seen: Option<(Arc<Plan>, Arc<Laid>)>,
    /// The graph that a screen draws whole: its shape, what is wanted of it, where it lay last.
    sketch: Option<(u64, u64, Option<Arc<Laid>>)>,
    pub(crate) asked: Option<u64>,
}

impl GraphPane {
    /// Takes a layout in.
    pub(crate) fn put(&mut self, laid: Laid) {
        if self.asked == Some(laid.id) {
            self.asked = None;
        }
        self.laid.retain(|other| other.id != laid.id);
        self.laid.push_back(Arc::new(laid));
        if self.laid.len() > KEPT {
            self.laid.pop_front();
        }
        self.look();
        if let Some((shape, id, _)) = self.sketch {
            self.sketch(shape, id);
        }
    }

    /// Notes which graph a screen draws whole; says whether it is to be laid out. One that lay
    /// otherwise before is seen as it lay until that is known.
    pub(crate) fn sketch(&mut self, shape: u64, id: u64) -> bool {
        let laid = self.laid.iter().find(|laid| laid.id == id).cloned();
        let is_laid = laid.is_some();
        let before = self.sketch.take().filter(|(other, ..)| *other == shape);
        self.sketch = Some((shape, id, laid.or_else(|| before.and_then(|(.., laid)| laid))));
        !is_laid && self.asked.replace(id) != Some(id)
    }

    /// Returns where the graph of that shape lies, where it is known.
    pub(crate) fn sketched(&self, shape: u64) -> Option<&Laid> {
        let (seen, _, laid) = self.sketch.as_ref()?;
        laid.as_deref().filter(|_| *seen == shape)
    }

    /// Says whether it is known where the nodes of the plan lie.
    pub(crate) fn is_laid(&self, id: u64) -> bool {
        self.laid.iter().any(|laid| laid.id == id)
    }

    /// Looks whether what is wanted can be seen.
    pub(crate) fn look(&mut self) {
        let Some(plan) = &self.plan else {
            self.seen = None;
            return;
        };
        if let Some(laid) = self.laid.iter().find(|laid| laid.id == plan.id) {
            self.seen = Some((Arc::clone(plan), Arc::clone(laid)));
        } else if self.seen.as_ref().is_some_and(|(seen, _)| seen.shape != plan.shape) {
            // Places of another shape mean other tasks.
            self.seen = None;
        }
    }

    /// Returns what can be seen.
    pub(crate) fn seen(&self) -> Option<(&Plan, &Laid)> {
        self.seen.as_ref().map(|(plan, laid)| (&**plan, &**laid))
    }

    /// Returns how many rows the graph takes.
    pub(crate) fn shown_height(&self) -> Option<u16> {
        let (_, laid) = self.seen()?;
        u16::try_from(laid.layout.height).ok()
    }
}
