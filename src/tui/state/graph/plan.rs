//! Which nodes of a run are drawn: all of them where they are few, groups closed where that makes
//! them few, else those near the one that is looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::state::graph::ego::{self, Around};
use crate::state::graph::{Detail, GraphPane};
use crate::state::run::{RowId, RunIndex, SMALL};
use crate::widget::layered::Direction;

/// A node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Spot {
    Group(u32),
    Task(u32),
    /// So many more that are not drawn, before or behind the node of that place.
    More {
        of: usize,
        count: u32,
        is_down: bool,
    },
}

/// What a plan was made of; while that is the same the plan is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Made {
    pub(crate) shape: u64,
    pub(crate) closed: Vec<bool>,
    pub(crate) centre: Option<Spot>,
    pub(crate) hops: Option<u32>,
    pub(crate) detail: Option<Detail>,
    pub(crate) direction: Option<Direction>,
    pub(crate) has_all_edges: bool,
    pub(crate) room: (i32, i32),
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) id: u64,
    pub(crate) shape: u64,
    pub(crate) nodes: Vec<Spot>,
    pub(crate) edges: Vec<(usize, usize)>,
    /// The hops that are drawn, where that is not all.
    pub(crate) hops: Option<u32>,
    /// How many nodes there would be in all.
    pub(crate) total: usize,
}

/// The tasks seen through closed groups.
pub(crate) struct Folded<'a> {
    pub(crate) index: &'a RunIndex,
    /// Of each group the outermost closed one that it stands in.
    outer: Vec<Option<u32>>,
}

impl<'a> Folded<'a> {
    pub(crate) fn new(index: &'a RunIndex, closed: &[bool]) -> Self {
        let outer = |at: usize| {
            let mut found = None;
            let mut next = Some(at);
            while let Some(at) = next {
                if closed.get(at) == Some(&true) {
                    found = u32::try_from(at).ok();
                }
                next = index.groups[at].parent.map(|parent| parent as usize);
            }
            found
        };
        Self { index, outer: (0..index.groups.len()).map(outer).collect() }
    }

    /// Returns the node that stands for a task.
    pub(crate) fn spot(&self, task: u32) -> Spot {
        let group = self.index.tasks[task as usize].group;
        match group.and_then(|group| self.outer[group as usize]) {
            Some(group) => Spot::Group(group),
            None => Spot::Task(task),
        }
    }

    /// Returns the node that stands for a row: of an open group its first one.
    pub(crate) fn of_row(&self, row: RowId) -> Option<Spot> {
        self.index.tasks_of(row).first().map(|task| self.spot(*task))
    }

    /// Returns the tasks that a node stands for.
    pub(crate) fn tasks(&self, spot: Spot) -> &[u32] {
        match spot {
            Spot::Group(at) => self.index.tasks_of(RowId::Group(at)),
            Spot::Task(at) => self.index.tasks_of(RowId::Task(at)),
            Spot::More { .. } => &[],
        }
    }

    /// Returns the nodes right before or behind a node, in order.
    pub(crate) fn beside(&self, spot: Spot, is_down: bool) -> BTreeSet<(u32, Spot)> {
        let ends = if is_down { &self.index.down } else { &self.index.up };
        let next = self.tasks(spot).iter().flat_map(|task| &ends[*task as usize]);
        next.map(|task| self.spot(*task))
            .filter(|other| *other != spot)
            .map(|other| (self.first(other), other))
            .collect()
    }

    /// Returns the place of a node in the order of the run.
    pub(crate) fn first(&self, spot: Spot) -> u32 {
        self.tasks(spot).first().copied().unwrap_or(u32::MAX)
    }

    /// Returns every node, in the order of the run.
    fn all(&self) -> Vec<Spot> {
        let mut seen = HashSet::new();
        let tasks = 0..u32::try_from(self.index.tasks.len()).unwrap_or(u32::MAX);
        tasks.map(|task| self.spot(task)).filter(|spot| seen.insert(*spot)).collect()
    }
}

impl PartialOrd for Spot {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Spot {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |spot: &Self| match spot {
            Self::Group(at) => (0, *at as usize, 0),
            Self::Task(at) => (1, *at as usize, 0),
            Self::More { of, is_down, .. } => (2, *of, u8::from(*is_down)),
        };
        rank(self).cmp(&rank(other))
    }
}

/// Says which groups are closed in the graph, so that what is left is few where that can be.
pub(crate) fn closed(index: &RunIndex, open: impl Fn(u32) -> bool, row: RowId) -> Vec<bool> {
    let count = index.groups.len();
    if index.tasks.len() <= SMALL || count == 0 {
        return vec![false; count];
    }
    let by_rows: Vec<bool> = (0..count).map(|at| !open(u32::try_from(at).unwrap_or(0))).collect();
    if Folded::new(index, &by_rows).all().len() <= SMALL {
        return by_rows;
    }
    // All but those that what is selected stands in.
    let mut closed = vec![true; count];
    let mut next = match row {
        RowId::Group(_) => index.above(row),
        _ => Some(row),
    };
    while let Some(row) = next {
        if let RowId::Group(at) = row {
            closed[at as usize] = false;
        }
        next = index.above(row);
    }
    closed
}

/// Plans what is drawn.
pub(crate) fn plan(index: &RunIndex, made: &Made) -> Plan {
    let folded = Folded::new(index, &made.closed);
    let all = folded.all();
    let total = all.len();
    let around = match made.hops {
        None if total <= SMALL => None,
        hops => made
            .centre
            .or_else(|| all.first().copied())
            .map(|centre| Around { centre, hops: hops.unwrap_or(ego::HOPS) }),
    };
    let (mut nodes, hops) = match &around {
        None => (all, None),
        Some(around) => (ego::near(&folded, around), Some(around.hops)),
    };
    nodes.sort_by_key(|spot| folded.first(*spot));
    let mut edges = edges(&folded, &nodes);
    if !made.has_all_edges {
        edges = reduced(nodes.len(), &edges);
    }
    if around.is_some() {
        ego::add_more(&folded, &mut nodes, &mut edges);
    }
    let mut hasher = DefaultHasher::new();
    (&nodes, &edges, made.shape, made.room, made.detail, made.direction).hash(&mut hasher);
    Plan { id: hasher.finish(), shape: made.shape, nodes, edges, hops, total }
}

/// Returns the edges between nodes, each once. Groups may stand before and behind each other: an
/// edge that runs against the order of the run is left out.
fn edges(folded: &Folded<'_>, nodes: &[Spot]) -> Vec<(usize, usize)> {
    let places: HashMap<Spot, usize> = nodes.iter().copied().zip(0..).collect();
    let mut edges = BTreeSet::new();
    for (spot, from) in nodes.iter().zip(0..) {
        let next = folded.beside(*spot, true);
        let next = next.iter().filter_map(|(_, other)| places.get(other));
        edges.extend(next.filter(|to| from < **to).map(|to| (from, *to)));
    }
    edges.into_iter().collect()
}

/// Leaves out edges that only say what others together say. `edges` go from lower to higher.
pub(crate) fn reduced(count: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let words = count.div_ceil(64);
    let mut reach = vec![vec![0_u64; words]; count];
    let mut down = vec![Vec::new(); count];
    for (from, to) in edges {
        down[*from].push(*to);
    }
    let mut kept = Vec::new();
    for from in (0..count).rev() {
        down[from].sort_unstable();
        let mut seen = vec![0_u64; words];
        for to in &down[from] {
            // A nearer node leads there already.
            if seen[to / 64] & (1 << (to % 64)) == 0 {
                kept.push((from, *to));
            }
            seen[to / 64] |= 1 << (to % 64);
            for (word, more) in seen.iter_mut().zip(&reach[*to]) {
                *word |= more;
            }
        }
        reach[from] = seen;
    }
    kept.sort_unstable();
    kept
}

impl GraphPane {
    /// Returns the place of the node that stands for a row, among those that are planned.
    pub(crate) fn place(&self, index: &RunIndex, row: RowId) -> Option<usize> {
        let (plan, _) = self.seen()?;
        let wanted = index.tasks_of(row);
        let stands_for = |spot: &Spot| match spot {
            Spot::Task(at) => wanted.first() == Some(at),
            Spot::Group(at) => wanted.first().is_some_and(|task| {
                let mut next = index.tasks[*task as usize].group;
                while let Some(group) = next {
                    if group == *at {
                        return true;
                    }
                    next = index.groups[group as usize].parent;
                }
                false
            }),
            Spot::More { .. } => false,
        };
        plan.nodes.iter().position(stands_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_others_together_say_is_left_out() {
        let edges = [(0, 1), (0, 2), (1, 2), (2, 3), (0, 3)];
        assert_eq!(reduced(4, &edges), [(0, 1), (1, 2), (2, 3)]);
        assert_eq!(reduced(3, &[(0, 2), (1, 2)]), [(0, 2), (1, 2)]);
    }
}
