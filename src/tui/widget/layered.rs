//! Lays a graph out in layers, on character cells.
//!
//! Longest-path layers; an edge over several layers passes through a dummy in each; median sweeps
//! order the layers; blocks of neighbours are placed by least squares; between two layers each
//! source has a rail of its own, so that a bend never looks like a crossing with another's.
//! Everything is computed along an axis (the way data flows) and across it; the direction only
//! says which is which.

mod route;

/// Sweeps over the layers; more change next to nothing on graphs that fit a screen.
const SWEEPS: usize = 6;

/// Which way data flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    LeftRight,
    TopDown,
}

/// A point in cells.
pub(crate) type Point = (i32, i32);

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) direction: Direction,
    /// The left cell of each node, by its index; nodes are one row high.
    pub(crate) nodes: Vec<Point>,
    /// Of each edge the corners of its way, in the order given.
    pub(crate) edges: Vec<Vec<Point>>,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// A node or a dummy while it is being placed.
struct Item {
    layer: usize,
    /// Cells across the flow.
    size: i32,
    /// The first cell across the flow.
    at: i32,
    up: Vec<usize>,
    down: Vec<usize>,
}

struct Graph {
    items: Vec<Item>,
    layers: Vec<Vec<usize>>,
    /// The items of each edge, source to target.
    chains: Vec<Vec<usize>>,
}

/// Lays out nodes of the given widths; edges are (from, to) indices without cycles. Where it is
/// told to stop, the layers stay in the order that they have come to.
pub(crate) fn layout_within(
    widths: &[i32],
    edges: &[(usize, usize)],
    direction: Direction,
    stop: &dyn Fn() -> bool,
) -> Layout {
    let mut graph = Graph::new(widths, edges, direction);
    graph.order(stop);
    graph.place(if direction == Direction::LeftRight { 1 } else { 3 });
    graph.route(widths, direction)
}

impl Graph {
    fn new(widths: &[i32], edges: &[(usize, usize)], direction: Direction) -> Self {
        let layer = longest_paths(widths.len(), edges);
        let size = |width: i32| if direction == Direction::LeftRight { 1 } else { width };
        let mut items: Vec<Item> = widths
            .iter()
            .zip(&layer)
            .map(|(width, layer)| Item {
                layer: *layer,
                size: size(*width),
                at: 0,
                up: Vec::new(),
                down: Vec::new(),
            })
            .collect();
        let mut chains = Vec::new();
        for (from, to) in edges {
            let mut chain = vec![*from];
            for between in layer[*from] + 1..layer[*to] {
                chain.push(items.len());
                let (up, down) = (Vec::new(), Vec::new());
                items.push(Item { layer: between, size: 1, at: 0, up, down });
            }
            chain.push(*to);
            for pair in chain.windows(2) {
                items[pair[0]].down.push(pair[1]);
                items[pair[1]].up.push(pair[0]);
            }
            chains.push(chain);
        }
        let mut layers =
            vec![Vec::new(); items.iter().map(|item| item.layer + 1).max().unwrap_or(0)];
        for (at, item) in items.iter().enumerate() {
            layers[item.layer].push(at);
        }
        Self { items, layers, chains }
    }

    /// Orders each layer by the median of its neighbours, down and up in turns, and keeps the
    /// order with the fewest crossings.
    fn order(&mut self, stop: &dyn Fn() -> bool) {
        let mut best = (self.crossings(), self.layers.clone());
        let mut places = vec![usize::MAX; self.items.len()];
        for sweep in 0..SWEEPS {
            if best.0 == 0 || stop() {
                break;
            }
            let count = self.layers.len();
            for step in 1..count {
                let (layer, upward) =
                    if sweep % 2 == 0 { (step, false) } else { (count - 1 - step, true) };
                let next = if upward { layer + 1 } else { layer - 1 };
                places.fill(usize::MAX);
                for (at, item) in self.layers[next].iter().enumerate() {
                    places[*item] = at;
                }
                let mut row: Vec<(f64, usize, usize)> = self.layers[layer]
                    .iter()
                    .enumerate()
                    .map(|(at, item)| {
                        let item_ref = &self.items[*item];
                        let ends = if upward { &item_ref.down } else { &item_ref.up };
                        (median(ends, &places).unwrap_or(at as f64), at, *item)
                    })
                    .collect();
                row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                self.layers[layer] = row.into_iter().map(|(_, _, item)| item).collect();
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    /// Counts the pairs of edges that cross: the inversions among the ends of each layer's edges.
    fn crossings(&self) -> usize {
        let mut count = 0;
        let mut places = vec![0_usize; self.items.len()];
        for pair in self.layers.windows(2) {
            for (at, item) in pair[1].iter().enumerate() {
                places[*item] = at;
            }
            // How many ends lie at a place or before it, as a tree of partial sums.
            let mut sums = vec![0_usize; pair[1].len() + 1];
            let mut seen = 0;
            for item in &pair[0] {
                let down = &self.items[*item].down;
                let ends: Vec<usize> =
                    down.iter().map(|to| places[*to]).filter(|at| *at < pair[1].len()).collect();
                for end in &ends {
                    let mut at = end + 1;
                    count += seen;
                    while at > 0 {
                        count -= sums[at];
                        at -= at & at.wrapping_neg();
                    }
                }
                for end in ends {
                    let mut at = end + 1;
                    while at < sums.len() {
                        sums[at] += 1;
                        at += at & at.wrapping_neg();
                    }
                    seen += 1;
                }
            }
        }
        count
    }

    /// Gives each item its place across the flow, near the middle of its neighbours.
    fn place(&mut self, gap: i32) {
        for layer in &self.layers {
            let mut at = 0;
            for item in layer {
                self.items[*item].at = at;
                at += self.items[*item].size + gap;
            }
        }
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            for step in 0..self.layers.len() {
                let layer = if down { step } else { self.layers.len() - 1 - step };
                self.place_layer(layer, down, gap);
            }
        }
        let least = self.items.iter().map(|item| item.at).min().unwrap_or(0);
        for item in &mut self.items {
            item.at -= least;
        }
    }

    fn place_layer(&mut self, layer: usize, down: bool, gap: i32) {
        let wanted: Vec<(f64, i32)> = self.layers[layer]
            .iter()
            .map(|at| {
                let item = &self.items[*at];
                let ends = if down { &item.up } else { &item.down };
                let middle =
                    |at: &usize| f64::from(2 * self.items[*at].at + self.items[*at].size - 1) / 2.0;
                let wish = match ends.len() {
                    0 => f64::from(item.at),
                    n => {
                        let mut middles: Vec<f64> = ends.iter().map(middle).collect();
                        middles.sort_by(f64::total_cmp);
                        let median = (middles[(n - 1) / 2] + middles[n / 2]) / 2.0;
                        median - f64::from(item.size - 1) / 2.0
                    }
                };
                (wish, item.size + gap)
            })
            .collect();
        for (item, at) in self.layers[layer].iter().zip(spread(&wanted)) {
            self.items[*item].at = at;
        }
    }
}

fn middle(item: &Item) -> i32 {
    item.at + (item.size - 1) / 2
}

fn median(ends: &[usize], places: &[usize]) -> Option<f64> {
    let there = ends.iter().map(|end| places[*end]).filter(|place| *place != usize::MAX);
    let mut found: Vec<usize> = there.collect();
    found.sort_unstable();
    let n = found.len();
    (n > 0).then(|| (found[(n - 1) / 2] + found[n / 2]) as f64 / 2.0)
}

/// Returns of each node the length of the longest way to it. What lies on a cycle, which a
/// checked DAG cannot have, is placed after the first of its nodes.
fn longest_paths(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let (mut waits, mut down) = (vec![0_usize; count], vec![Vec::new(); count]);
    for (from, to) in edges {
        waits[*to] += 1;
        down[*from].push(*to);
    }
    let mut layer = vec![0; count];
    let mut is_done = vec![false; count];
    let mut ready: Vec<usize> = (0..count).rev().filter(|at| waits[*at] == 0).collect();
    let mut rest = 0..count;
    loop {
        let next = ready.pop().or_else(|| rest.find(|at| !is_done[*at]));
        let Some(at) = next else { return layer };
        if std::mem::replace(&mut is_done[at], true) {
            continue;
        }
        for to in &down[at] {
            if is_done[*to] {
                continue;
            }
            layer[*to] = layer[*to].max(layer[at] + 1);
            waits[*to] = waits[*to].saturating_sub(1);
            if waits[*to] == 0 {
                ready.push(*to);
            }
        }
    }
}

/// Places items in their order, each `(wish, room)`, as near to their wishes as their rooms let:
/// items that push each other form a block, which stands at the mean of their wishes.
fn spread(wanted: &[(f64, i32)]) -> Vec<i32> {
    // A block: (sum of wishes less offsets, items, cells).
    let mut blocks: Vec<(f64, usize, i32)> = Vec::new();
    for (wish, room) in wanted {
        blocks.push((*wish, 1, *room));
        while let [.., before, last] = blocks.as_slice() {
            let start = before.0 / before.1 as f64;
            if start + f64::from(before.2) <= last.0 / last.1 as f64 {
                break;
            }
            let sum = before.0 + last.0 - f64::from(before.2) * last.1 as f64;
            let merged = (sum, before.1 + last.1, before.2 + last.2);
            blocks.truncate(blocks.len() - 2);
            blocks.push(merged);
        }
    }
    let mut places = Vec::new();
    let mut free = i32::MIN;
    let mut rooms = wanted.iter().map(|(_, room)| *room);
    for (sum, count, _) in blocks {
        let mut at = ((sum / count as f64).round() as i32).max(free);
        for room in rooms.by_ref().take(count) {
            places.push(at);
            at += room;
        }
        free = at;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(widths: &[i32], edges: &[(usize, usize)], direction: Direction) -> Layout {
        layout_within(widths, edges, direction, &|| false)
    }

    #[test]
    fn a_chain_is_a_straight_line() {
        let layout = layout(&[3, 4, 5], &[(0, 1), (1, 2)], Direction::LeftRight);
        assert_eq!(layout.height, 1);
        assert!(layout.nodes.iter().all(|(_, y)| *y == 0));
    }

    #[test]
    fn an_edge_over_a_layer_goes_round_what_lies_between() {
        let layout = layout(&[1, 1, 1], &[(0, 1), (1, 2), (0, 2)], Direction::LeftRight);
        assert!(layout.height > 1);
        let on_the_way = layout.edges[2].iter().any(|(_, y)| *y != layout.nodes[1].1);
        assert!(on_the_way);
    }

    #[test]
    fn edges_without_nodes_between_do_not_matter_and_nothing_gives_nothing() {
        let layout = layout(&[], &[], Direction::TopDown);
        assert_eq!((layout.width, layout.height), (0, 0));
    }

    proptest! {
        #[test]
        fn nodes_never_overlap_and_edges_only_go_straight(
            sizes in proptest::collection::vec(1_i32..12, 1..14),
            picks in proptest::collection::vec((0_usize..14, 0_usize..14), 0..30),
            top_down: bool,
        ) {
            let edges: Vec<_> = picks
                .into_iter()
                .filter(|(a, b)| a < b && *b < sizes.len())
                .collect();
            let direction = if top_down { Direction::TopDown } else { Direction::LeftRight };
            let layout = layout(&sizes, &edges, direction);
            for (a, (x, y)) in layout.nodes.iter().enumerate() {
                prop_assert!(*x >= 0 && *y >= 0 && x + sizes[a] <= layout.width && *y < layout.height);
                for (b, (u, v)) in layout.nodes.iter().enumerate().skip(a + 1) {
                    prop_assert!(y != v || x + sizes[a] <= *u || u + sizes[b] <= *x);
                }
            }
            for way in &layout.edges {
                for pair in way.windows(2) {
                    prop_assert!(pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1, "{:?}", way);
                }
            }
        }
    }
}
