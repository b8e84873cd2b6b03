//! Growing a tree: the cut that leaves the least impurity, again and again.
//!
//! Classes are taken as one 0/1 target each: then Gini impurity is the sum of their variances,
//! and one rule grows both kinds of tree. With `n` the weight of a node and `s` the sums of its
//! targets, the decrease by a cut into `l` and `r` is `Σ s_l²/n_l + Σ s_r²/n_r - Σ s²/n`.

use super::super::Labels;
use super::levels::Levels;
use super::tree::Tree;
use crate::random::Random;

/// When a node is not cut any further, how many columns a cut is chosen from, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_depth: usize,
    pub(super) min_samples_split: usize,
    pub(super) min_samples_leaf: usize,
    pub(super) max_features: usize,
    /// In each column one cut is drawn by chance, as in extremely randomised trees.
    pub(super) by_chance: bool,
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

/// Grows one tree.
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

    /// Grows a tree on the rows whose weight is not 0; returns also the decrease of impurity by
    /// each column.
    pub(super) fn grow(mut self, weights: &[f64], random: &mut Random) -> (Tree, Vec<f64>) {
        // Rows fit in `u32`: the forest checks.
        self.order = (0..weights.len() as u32).filter(|row| weights[*row as usize] > 0.0).collect();
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
        (tree, self.importance)
    }

    fn sum(&self, at: Open, weights: &[f64]) -> Part {
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
        weights: &[f64],
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
            best = match limits.by_chance {
                true => self.chance_of_feature(feature, whole, best, random),
                false => self.best_of_feature(feature, whole, best),
            };
        }
        best
    }

    /// Sorts the node's rows into parts by their rank in a column.
    fn gather(&mut self, feature: usize, at: Open, weights: &[f64]) {
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
            if let Some(gain) = self.gain(&below, whole, base, best) {
                let threshold = self.levels.between(feature, ranks[0], ranks[1]);
                best = Some(Cut { feature, rank: ranks[0], threshold, gain });
            }
        }
        best
    }

    /// Tries one cut anywhere between the least and the greatest value.
    fn chance_of_feature(
        &self,
        feature: usize,
        whole: &Part,
        best: Option<Cut>,
        random: &mut Random,
    ) -> Option<Cut> {
        let [first, .., last] = self.seen.as_slice() else { return best };
        let value = |rank: u32| self.levels.value(feature, rank);
        let (least, greatest) = (value(*first), value(*last));
        let drawn = least + random.unit() * (greatest - least);
        // Rounding may draw the greatest value, and a range of all floats has no width.
        let threshold = if drawn >= least && drawn < greatest { drawn } else { least };
        let count = self.seen.partition_point(|rank| value(*rank) <= threshold);
        let mut below = Part { sums: vec![0.0; whole.sums.len()], ..Part::default() };
        for rank in &self.seen[..count] {
            below.join(&self.parts[*rank as usize]);
        }
        match self.gain(&below, whole, whole.score(), best) {
            Some(gain) => Some(Cut { feature, rank: self.seen[count - 1], threshold, gain }),
            None => best,
        }
    }

    /// Returns what a cut gains, if it is allowed and better than `best`.
    fn gain(&self, below: &Part, whole: &Part, base: f64, best: Option<Cut>) -> Option<f64> {
        let least = self.limits.min_samples_leaf;
        if below.rows < least || whole.rows - below.rows < least {
            return None;
        }
        let gain = below.score() + below.rest_score(whole) - base;
        // Rounding may leave a trace of gain where there is none.
        let bar = best.map_or(whole.weight * 1e-15, |best| best.gain);
        (gain > bar || best.is_none() && gain >= -bar).then_some(gain.max(0.0))
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
    fn add(&mut self, row: usize, weights: &[f64], labels: Labels<'_>, mean: f64) {
        let weight = weights[row];
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
