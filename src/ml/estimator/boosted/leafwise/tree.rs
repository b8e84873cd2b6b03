//! One tree, grown leaf by leaf.

use rayon::prelude::*;

use super::bins::{Binned, Codes};
use super::histogram::{Gradient, Histogram, Sums, histogram, subtract};
use super::split::{Split, Whole, best};
use super::{Params, block};

/// A node; those that a tree is cut at have children.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) parent: Option<usize>,
    pub(super) cut: Option<Cut>,
    /// What a leaf here answers, the learning rate in it.
    pub(super) value: f64,
    /// Sum of the second derivatives of its rows.
    pub(super) hessian: f64,
}

/// Where a node is cut.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cut {
    pub(super) column: usize,
    /// Values below it go left.
    pub(super) below: f32,
    pub(super) is_missing_left: bool,
    pub(super) children: [usize; 2],
    pub(super) gain: f64,
}

/// A grown tree; the first node is its root.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    /// Returns the answer to a row.
    pub(super) fn answer(&self, row: &[f64]) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(cut) = &node.cut {
            let value = row[cut.column] as f32;
            let is_left = if value.is_nan() { cut.is_missing_left } else { value < cut.below };
            node = &self.nodes[cut.children[usize::from(!is_left)]];
        }
        node.value
    }
}

/// What a tree learns from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) binned: &'a Binned,
    pub(super) gradients: &'a [Gradient],
    /// The columns it may be cut at.
    pub(super) columns: &'a [usize],
    pub(super) params: &'a Params,
}

/// A leaf that may be cut still.
struct Leaf {
    node: usize,
    depth: usize,
    /// Its part of the rows.
    rows: std::ops::Range<usize>,
    sums: Sums,
    histogram: Histogram,
    best: Option<Split>,
}

/// Grows a tree on some rows, and brings them into the order of its leaves; returns with it each
/// leaf's part of the rows and what it answers.
pub(super) fn grow(
    ground: Ground<'_>,
    rows: &mut [u32],
) -> (Tree, Vec<(std::ops::Range<usize>, f64)>) {
    let params = ground.params;
    let sums = sum(ground.gradients, rows);
    let mut tree = Tree { nodes: vec![node(None, sums, params)] };
    let mut leaves = vec![ground.leaf(0, 0, 0..rows.len(), sums)];
    let root = ground.histogram(rows);
    ground.look(&mut leaves[0], root);
    while leaves.len() < params.num_leaves {
        let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |best| best.gain);
        // Of equal gains the first leaf's.
        let first =
            (0..leaves.len()).rev().max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b])));
        let Some((at, split)) = first.and_then(|at| Some((at, leaves[at].best.take()?))) else {
            break;
        };
        let is_last = leaves.len() + 1 == params.num_leaves;
        let (left, right) = ground.cut(&mut tree, &mut leaves[at], split, rows, is_last);
        leaves[at] = left;
        leaves.push(right);
    }
    let parts = leaves.into_iter().map(|leaf| (leaf.rows, tree.nodes[leaf.node].value)).collect();
    (tree, parts)
}

impl Ground<'_> {
    fn leaf(&self, node: usize, depth: usize, rows: std::ops::Range<usize>, sums: Sums) -> Leaf {
        Leaf { node, depth, rows, sums, histogram: Vec::new(), best: None }
    }

    fn histogram(&self, rows: &[u32]) -> Histogram {
        histogram(self.binned, self.columns, self.gradients, rows)
    }

    /// Finds the leaf's best cut.
    fn look(&self, leaf: &mut Leaf, histogram: Histogram) {
        let whole = Whole { sums: leaf.sums, rows: leaf.rows.len() };
        leaf.best = best(self.binned, self.columns, &histogram, whole, self.params);
        if leaf.best.is_some() {
            leaf.histogram = histogram;
        }
    }

    /// Cuts a leaf in two.
    fn cut(
        &self,
        tree: &mut Tree,
        leaf: &mut Leaf,
        split: Split,
        rows: &mut [u32],
        is_last: bool,
    ) -> (Leaf, Leaf) {
        let column = &self.binned.columns[split.column];
        let below = column.cut_after(split.bin);
        let children = [tree.nodes.len(), tree.nodes.len() + 1];
        // Where nothing was missing, what is missing later counts as 0, as in LightGBM.
        let is_missing_left = if column.has_missing { split.is_missing_left } else { 0.0 < below };
        tree.nodes[leaf.node].cut =
            Some(Cut { column: split.column, below, is_missing_left, children, gain: split.gain });
        let right = [leaf.sums[0] - split.left[0], leaf.sums[1] - split.left[1]];
        tree.nodes.push(node(Some(leaf.node), split.left, self.params));
        tree.nodes.push(node(Some(leaf.node), right, self.params));
        let (begin, end, depth) = (leaf.rows.start, leaf.rows.end, leaf.depth + 1);
        let middle = begin + self.part(&mut rows[begin..end], split);
        let mut left = self.leaf(children[0], depth, begin..middle, split.left);
        let mut right = self.leaf(children[1], depth, middle..end, right);
        if !is_last && self.params.max_depth.is_none_or(|most| depth < most) {
            // Only the smaller part is summed; the other one is what remains.
            let is_left = left.rows.len() <= right.rows.len();
            let (small, large) =
                if is_left { (&mut left, &mut right) } else { (&mut right, &mut left) };
            let of_small = self.histogram(&rows[small.rows.clone()]);
            let mut of_large = std::mem::take(&mut leaf.histogram);
            subtract(&mut of_large, &of_small);
            rayon::join(|| self.look(small, of_small), || self.look(large, of_large));
        }
        (left, right)
    }

    /// Brings the rows that go left before the others, each in their order; returns how many.
    fn part(&self, rows: &mut [u32], split: Split) -> usize {
        let missing = self.binned.columns[split.column].values();
        let is_left = |code: usize| match code == missing {
            true => split.is_missing_left,
            false => code <= split.bin,
        };
        let len = self.gradients.len();
        let column = split.column * len..(split.column + 1) * len;
        match &self.binned.codes {
            Codes::Narrow(codes) => {
                let codes = &codes[column];
                part(rows, |row| is_left(codes[row].into()))
            }
            Codes::Wide(codes) => {
                let codes = &codes[column];
                part(rows, |row| is_left(codes[row].into()))
            }
        }
    }
}

fn part(rows: &mut [u32], is_left: impl Fn(usize) -> bool + Sync) -> usize {
    let len = block(rows.len());
    let blocks: Vec<Parted> = match rows.len() <= len {
        true => vec![Parted::of(rows, &is_left)],
        false => rows.par_chunks(len).map(|rows| Parted::of(rows, &is_left)).collect(),
    };
    let sides = [Parted::left, Parted::right];
    let parts = sides.iter().flat_map(|side| blocks.iter().map(side));
    let mut at = 0;
    for part in parts {
        rows[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    blocks.iter().map(|block| block.left).sum()
}

/// Rows in two parts: the left ones from the front, the right ones behind.
struct Parted {
    rows: Vec<u32>,
    left: usize,
}

impl Parted {
    fn of(rows: &[u32], is_left: impl Fn(usize) -> bool) -> Self {
        // Where rows go cannot be foretold: so each is written to both parts, and one is kept.
        let mut parted = vec![0; 2 * rows.len()];
        let (front, back) = parted.split_at_mut(rows.len());
        let (mut left, mut right) = (0, 0);
        for row in rows {
            let goes_left = is_left(*row as usize);
            front[left] = *row;
            back[right] = *row;
            left += usize::from(goes_left);
            right += usize::from(!goes_left);
        }
        front[left..].copy_from_slice(&back[..right]);
        parted.truncate(rows.len());
        Self { rows: parted, left }
    }

    fn left(&self) -> &[u32] {
        &self.rows[..self.left]
    }

    fn right(&self) -> &[u32] {
        &self.rows[self.left..]
    }
}

fn node(parent: Option<usize>, sums: Sums, params: &Params) -> Node {
    let value = params.learning_rate * params.output(sums);
    Node { parent, cut: None, value, hessian: sums[1] }
}

fn sum(gradients: &[Gradient], rows: &[u32]) -> Sums {
    let of_block = |rows: &[u32]| {
        rows.iter().fold([0.0; 2], |sum: Sums, row| {
            let [first, second] = gradients[*row as usize];
            [sum[0] + f64::from(first), sum[1] + f64::from(second)]
        })
    };
    let blocks: Vec<Sums> = rows.par_chunks(block(rows.len())).map(of_block).collect();
    blocks.into_iter().fold([0.0; 2], |sum, block| [sum[0] + block[0], sum[1] + block[1]])
}
