//! Draws the edges of a graph whose layers are in order: where each layer begins, which rail each
//! source has between two layers, and the corners on its way.

use std::collections::HashMap;

use super::{Direction, Graph, Item, Layout, Point, middle};

impl Graph {
    /// Gives each layer its place along the flow and draws the edges.
    pub(super) fn route(&self, widths: &[i32], direction: Direction) -> Layout {
        let is_lr = direction == Direction::LeftRight;
        let (starts, rails, along) = self.lay_rails(widths, is_lr);
        let across = self.items.iter().map(|item| item.at + item.size).max().unwrap_or(0);
        let turn = |along: i32, across: i32| if is_lr { (along, across) } else { (across, along) };
        let place = |item: &Item| turn(starts[item.layer], item.at);
        let nodes: Vec<Point> = self.items.iter().take(widths.len()).map(place).collect();
        let mut edges = Vec::new();
        for chain in &self.chains {
            let mut way = Vec::new();
            for pair in chain.windows(2) {
                let (from, to) = (&self.items[pair[0]], &self.items[pair[1]]);
                let depth = if is_lr { widths.get(pair[0]).copied().unwrap_or(1) } else { 1 };
                // In rows a cell of air parts a name from its line.
                let air = |item: usize| i32::from(is_lr && item < widths.len());
                let (a, b) = (middle(from), self.entry(pair[0], pair[1]));
                way.push(turn(starts[from.layer] + depth + air(pair[0]), a));
                if let Some(rail) = rails.get(&pair[0]).filter(|_| a != b) {
                    way.extend([turn(*rail, a), turn(*rail, b)]);
                }
                way.push(turn(starts[to.layer] - 1 - air(pair[1]), b));
                // Through a dummy the line goes on.
                if pair[1] >= widths.len() {
                    way.push(turn(starts[to.layer], b));
                }
            }
            edges.push(way);
        }
        let (width, height) = turn(along, across);
        Layout { direction, nodes, edges, width, height }
    }

    /// Returns where each layer begins, where the rail of each item that bends is, and the end.
    fn lay_rails(&self, widths: &[i32], is_lr: bool) -> (Vec<i32>, HashMap<usize, i32>, i32) {
        let (mut starts, mut rails) = (Vec::new(), HashMap::new());
        let mut along = 0;
        for (n, layer) in self.layers.iter().enumerate() {
            starts.push(along);
            along += match is_lr {
                true => layer.iter().filter_map(|at| widths.get(*at)).copied().max().unwrap_or(1),
                false => 1,
            };
            if n + 1 == self.layers.len() {
                break;
            }
            let groups = self.rail_order(layer);
            let lead = if is_lr { 2 } else { 0 };
            for (rail, group) in (along + lead..).zip(&groups) {
                rails.extend(group.iter().map(|item| (*item, rail)));
            }
            let count = i32::try_from(groups.len()).unwrap_or(0).max(1);
            along += if is_lr { count + 4 } else { count };
        }
        (starts, rails, along)
    }

    /// Returns where across the flow an edge enters `to`: in its middle; or straight on, where it
    /// is the only one and that is a cell or two beside.
    fn entry(&self, from: usize, to: usize) -> i32 {
        let (source, target) = (middle(&self.items[from]), middle(&self.items[to]));
        let item = &self.items[to];
        let is_inside = (item.at..item.at + item.size).contains(&source);
        if item.up.len() == 1 && is_inside && (source - target).abs() <= 2 {
            return source;
        }
        target
    }

    /// Groups the items that bend, each group on one rail, and orders the rails. Items share a
    /// rail where they go to the very same places. Where one's bend ends on the row of another's
    /// source, that other turns off before.
    fn rail_order(&self, layer: &[usize]) -> Vec<Vec<usize>> {
        let ends = |item: usize| self.items[item].down.iter().map(move |to| self.entry(item, *to));
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for item in layer {
            if ends(*item).all(|end| end == middle(&self.items[*item])) {
                continue;
            }
            let down = |at: usize| {
                let mut down = self.items[at].down.clone();
                down.sort_unstable();
                down
            };
            match groups.iter_mut().find(|group| down(group[0]) == down(*item)) {
                Some(group) => group.push(*item),
                None => groups.push(vec![*item]),
            }
        }
        let mut order = Vec::new();
        while !groups.is_empty() {
            let waits = |group: &Vec<usize>| {
                let others = groups.iter().filter(|other| *other != group).flatten();
                let rows: Vec<i32> = others.map(|other| middle(&self.items[*other])).collect();
                group.iter().any(|item| ends(*item).any(|end| rows.contains(&end)))
            };
            let next = groups.iter().position(|group| !waits(group)).unwrap_or(0);
            order.push(groups.remove(next));
        }
        order
    }
}
