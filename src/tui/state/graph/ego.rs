//! The nodes near one of them, and how many more there are beyond.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::state::graph::plan::{Folded, Spot};

/// Hops round the centre where nobody asked for others.
pub(crate) const HOPS: u32 = 2;

/// The most hops that can be asked for.
pub(crate) const HOPS_MAX: u32 = 9;

/// The most nodes that are drawn round a centre.
const NODES_MAX: usize = 60;

/// What is looked at.
pub(crate) struct Around {
    pub(crate) centre: Spot,
    pub(crate) hops: u32,
}

/// Returns the nodes that so many edges lead to, the nearest first, no more than fit a screen.
pub(crate) fn near(folded: &Folded<'_>, around: &Around) -> Vec<Spot> {
    let mut seen = HashSet::from([around.centre]);
    let mut found = vec![around.centre];
    let mut queue = VecDeque::from([(around.centre, 0)]);
    while let Some((spot, hops)) = queue.pop_front() {
        if hops == around.hops {
            continue;
        }
        for is_down in [false, true] {
            for (_, other) in folded.beside(spot, is_down) {
                if found.len() >= NODES_MAX {
                    return found;
                }
                if seen.insert(other) {
                    found.push(other);
                    queue.push_back((other, hops + 1));
                }
            }
        }
    }
    found
}

/// Adds a stub to each node that has neighbours which are not drawn.
pub(crate) fn add_more(
    folded: &Folded<'_>,
    nodes: &mut Vec<Spot>,
    edges: &mut Vec<(usize, usize)>,
) {
    let places: HashMap<Spot, usize> = nodes.iter().copied().zip(0..).collect();
    let drawn = nodes.clone();
    for (spot, of) in drawn.into_iter().zip(0..) {
        for is_down in [false, true] {
            let beside = folded.beside(spot, is_down);
            let hidden = beside.iter().filter(|(_, other)| !places.contains_key(other)).count();
            let Ok(count @ 1..) = u32::try_from(hidden) else { continue };
            let stub = nodes.len();
            nodes.push(Spot::More { of, count, is_down });
            edges.push(if is_down { (of, stub) } else { (stub, of) });
        }
    }
}

/// Returns the node that a stub leads to: what failed or runs, else the first.
pub(crate) fn behind(
    folded: &Folded<'_>,
    nodes: &[Spot],
    of: usize,
    is_down: bool,
) -> Option<Spot> {
    let drawn: HashSet<&Spot> = nodes.iter().collect();
    let hidden: Vec<Spot> = folded
        .beside(*nodes.get(of)?, is_down)
        .into_iter()
        .map(|(_, spot)| spot)
        .filter(|spot| !drawn.contains(spot))
        .collect();
    let is_hot = |spot: &&Spot| {
        let tasks = folded.tasks(**spot).iter();
        tasks.clone().any(|at| folded.index.tasks[*at as usize].counts.is_hot())
    };
    hidden.iter().find(is_hot).or_else(|| hidden.first()).copied()
}
