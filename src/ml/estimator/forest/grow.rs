//! Growing a tree: the cut that leaves the least impurity, again and again.
//!
//! Classes are taken as one 0/1 target each: then Gini impurity is the sum of their variances,
//! and one rule grows both kinds of tree. With `n` the weight of a node and `s` the sums of its
//! targets, the decrease by a cut into `l` and `r` is `Σ s_l²/n_l + Σ s_r²/n_r - Σ s²/n`.

use super::super::Labels;
use super::levels::Levels;
use super::tree::Tree;
use crate::random::Random;

/// When a node is not cut any further, and how many columns a cut is chosen from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_depth: usize,
    pub(super) min_samples_split: usize,
    pub(super) min_samples_leaf: usize,
    pub(super) max_features: usize,
}

/// A part of the rows: how many, their weight, the sums of their targets.
#[derive(Debug, Clone, Default)]
struct Part {
    rows: usize,
    weight: f64,
    sums: Vec<f64>,
}

/// A cut and what it gains.
#[derive(Debug, Clone, Copy)]
struct Cut {
    feature: usize,
    /// Ranks up to this go to the first child.
    rank: u32,
    threshold: f64,
    gain: f64,
}

/// A node still to be cut: its rows are `start..end` of the grower's order.
#[derive(Debug, Clone, Copy)]
struct Open {
    node: usize,
    start: usize,
    end: usize,
    depth: usize,
}

/// Grows trees on one matrix; keeps its buffers from tree to tree.
#[derive(Debug)]
pub(super) struct Grower<'a> {
    levels: &'a Levels,
    labels: Labels<'a>,
    mean: f64,
    limits: Limits,
    importance: Vec<f64>,
    features: Vec<usize>,
    order: Vec<u32>,
    moved: Vec<u32>,
    /// The parts of a node by rank, the ranks that occur, and their order.
    parts: Vec<Part>,
    seen: Vec<u32>,
}

impl<'a> Grower<'a> {
    /// Starts growing; `mean` is taken off the targets.
    pub(super) fn new(levels: &'a Levels, labels: Labels<'a>, mean: f64, limits: Limits) -> Self {
        let width = levels.width();
        let most = (0..width).map(|column| levels.count(column)).max().unwrap_or(0);
        let empty = Part { sums: vec![0.0; labels.outputs()], ..Part::default() };
        Self {
            levels,
            labels,
            mean,
            limits,
            importance: vec![0.0; width],
            features: (0..width).collect(),
            order: Vec::new(),
            moved: Vec::new(),
            parts: vec![empty; most],
            seen: Vec::new(),
        }
    }

    /// Returns the decrease of impurity by each column over all trees.
    pub(super) fn into_importance(self) -> Vec<f64> {
        self.importance
    }

    /// Grows a tree on the rows whose weight is not 0.
    pub(super) fn grow(&mut self, weights: &[u32], random: &mut Random) -> Tree {
        // Rows fit in `u32`: the forest checks.
        self.order = (0..weights.len() as u32).filter(|row| weights[*row as usize] > 0).collect();
        let mut tree = Tree::default();
        let root = Open { node: tree.push(), start: 0, end: self.order.len(), depth: 0 };
        let mut open = vec![root];
        while let Some(at) = open.pop() {
            let whole = self.sum(at, weights);
            match self.best_cut(at, &whole, weights, random) {
                None => {
                    let answer = whole.sums.iter().map(|sum| sum / whole.weight + self.mean);
                    tree.close(at.node, answer);
                }
                Some(cut) => {
                    self.importance[cut.feature] += cut.gain;
                    let middle = self.partition(at, cut);
                    let [first, second] = tree.split(at.node, cut.feature, cut.threshold);
                    let depth = at.depth + 1;
                    open.push(Open { node: second, start: middle, end: at.end, depth });
                    open.push(Open { node: first, start: at.start, end: middle, depth });
                }
            }
        }
        tree
    }

    fn sum(&self, at: Open, weights: &[u32]) -> Part {
        let mut whole = Part { sums: vec![0.0; self.labels.outputs()], ..Part::default() };
        for row in &self.order[at.start..at.end] {
            whole.add(*row as usize, weights, self.labels, self.mean);
        }
        whole
    }

    fn is_pure(&self, at: Open) -> bool {
        let rows = &self.order[at.start..at.end];
        let first = rows[0] as usize;
        match self.labels {
            Labels::Classes { rows: classes, .. } => {
                rows.iter().all(|row| classes[*row as usize] == classes[first])
            }
            Labels::Numbers(values) => {
                rows.iter().all(|row| values[*row as usize] == values[first])
            }
        }
    }

    /// Returns the best cut over a random choice of columns; columns that are constant in the
    /// node count, but the choice goes on until one is not, as in scikit-learn.
    fn best_cut(
        &mut self,
        at: Open,
        whole: &Part,
        weights: &[u32],
        random: &mut Random,
    ) -> Option<Cut> {
        let limits = self.limits;
        if at.depth >= limits.max_depth
            || whole.rows < limits.min_samples_split.max(2 * limits.min_samples_leaf)
            || self.is_pure(at)
        {
            return None;
        }
        let (mut best, mut varied): (Option<Cut>, bool) = (None, false);
        for drawn in 0..self.features.len() {
            if drawn >= limits.max_features && varied {
                break;
            }
            let pick = drawn + random.below(self.features.len() - drawn);
            self.features.swap(drawn, pick);
            let feature = self.features[drawn];
            self.gather(feature, at, weights);
            varied |= self.seen.len() > 1;
            best = self.best_of_feature(feature, whole, best);
        }
        best
    }

    /// Sorts the node's rows into parts by their rank in a column.
    fn gather(&mut self, feature: usize, at: Open, weights: &[u32]) {
        for rank in self.seen.drain(..) {
            self.parts[rank as usize].clear();
        }
        let ranks = self.levels.ranks(feature);
        for row in &self.order[at.start..at.end] {
            let row = *row as usize;
            let part = &mut self.parts[ranks[row] as usize];
            if part.rows == 0 {
                self.seen.push(ranks[row]);
            }
            part.add(row, weights, self.labels, self.mean);
        }
        self.seen.sort_unstable();
    }

    /// Tries every cut between the parts; returns the better of the best one and `best`.
    fn best_of_feature(&self, feature: usize, whole: &Part, mut best: Option<Cut>) -> Option<Cut> {
        let base = whole.score();
        let mut below = Part { sums: vec![0.0; whole.sums.len()], ..Part::default() };
        for ranks in self.seen.windows(2) {
            below.join(&self.parts[ranks[0] as usize]);
            let least = self.limits.min_samples_leaf;
            if below.rows < least || whole.rows - below.rows < least {
                continue;
            }
            let gain = below.score() + below.rest_score(whole) - base;
            // Rounding may leave a trace of gain where there is none.
            let bar = best.map_or(whole.weight * 1e-15, |best| best.gain);
            if gain > bar || best.is_none() && gain >= -bar {
                let threshold = self.levels.between(feature, ranks[0], ranks[1]);
                best = Some(Cut { feature, rank: ranks[0], threshold, gain: gain.max(0.0) });
            }
        }
        best
    }

    /// Brings the rows up to the cut before the others, keeping their order; returns the border.
    fn partition(&mut self, at: Open, cut: Cut) -> usize {
        let ranks = self.levels.ranks(cut.feature);
        self.moved.clear();
        let mut border = at.start;
        for place in at.start..at.end {
            let row = self.order[place];
            if ranks[row as usize] <= cut.rank {
                self.order[border] = row;
                border += 1;
            } else {
                self.moved.push(row);
            }
        }
        self.order[border..at.end].copy_from_slice(&self.moved);
        border
    }
}

impl Part {
    fn add(&mut self, row: usize, weights: &[u32], labels: Labels<'_>, mean: f64) {
        let weight = f64::from(weights[row]);
        self.rows += 1;
        self.weight += weight;
        match labels {
            Labels::Classes { rows, .. } => self.sums[rows[row]] += weight,
            Labels::Numbers(values) => self.sums[0] += weight * (values[row] - mean),
        }
    }

    fn join(&mut self, other: &Part) {
        self.rows += other.rows;
        self.weight += other.weight;
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += other;
        }
    }

    fn clear(&mut self) {
        self.rows = 0;
        self.weight = 0.0;
        self.sums.fill(0.0);
    }

    /// `Σ s²/n`.
    fn score(&self) -> f64 {
        self.sums.iter().map(|sum| sum * sum).sum::<f64>() / self.weight
    }

    /// The score of what is in `whole` and not in this part.
    fn rest_score(&self, whole: &Part) -> f64 {
        let sums = whole.sums.iter().zip(&self.sums);
        sums.map(|(whole, sum)| (whole - sum).powi(2)).sum::<f64>() / (whole.weight - self.weight)
    }
}
