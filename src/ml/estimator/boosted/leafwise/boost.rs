//! Round after round: gradients, a tree for each output, new scores.

use super::Params;
use super::bins::Binned;
use super::loss::Loss;
use super::tree::{Ground, Tree, grow};
use crate::estimator::{Labels, Problem};
use crate::preprocess::Matrix;
use crate::random::{Random, Stream};

/// What was learnt: trees, round after round and in it one for each output.
#[derive(Debug)]
pub(in crate::estimator::boosted) struct Learnt {
    pub(super) trees: Vec<Tree>,
    pub(super) outputs: usize,
    pub(super) width: usize,
    /// A figure's name and its value after each round.
    pub(in crate::estimator::boosted) rounds: Vec<(String, Vec<f64>)>,
}

/// Rows that are judged after each round.
struct Judged<'a> {
    name: String,
    matrix: &'a Matrix,
    loss: Loss<'a>,
    scores: Vec<f64>,
    history: Vec<f64>,
}

impl<'a> Judged<'a> {
    fn new(name: &str, (matrix, labels): (&'a Matrix, Labels<'a>), start: &[f64]) -> Self {
        let loss = Loss::new(labels, None);
        let name = format!("{name}-{}", loss.metric());
        Self { name, matrix, loss, scores: start.repeat(matrix.len()), history: Vec::new() }
    }

    fn take(&mut self, trees: &[Tree]) {
        for (row, scores) in self.matrix.rows().zip(self.scores.chunks_exact_mut(trees.len())) {
            scores.iter_mut().zip(trees).for_each(|(score, tree)| *score += tree.answer(row));
        }
        self.history.push(self.loss.judge(&self.scores));
    }
}

/// Learns.
pub(in crate::estimator::boosted) fn learn(problem: &Problem<'_>, params: &Params) -> Learnt {
    let binned = Binned::of(problem.matrix, params);
    let loss = Loss::new(problem.labels, problem.weights);
    let (start, outputs) = (loss.start(), loss.outputs());
    let mut scores = start.repeat(loss.rows());
    let mut watched = problem.watched.map(|of| Judged::new("test", of, &start));
    let mut validation = problem.validation.map(|of| Judged::new("validation", of, &start));
    let mut history = Vec::new();
    let mut trees = Vec::new();
    for round in 0..params.n_estimators {
        let gradients = loss.gradients(&scores);
        let mut random = Random::new(params.seed, Stream::Tree(round as u32));
        let bag = bag(loss.rows(), params.subsample, &mut random);
        let mut grown = Vec::with_capacity(outputs);
        for (output, gradients) in gradients.iter().enumerate() {
            let columns = columns(binned.width(), params.colsample_bytree, &mut random);
            let ground = Ground { binned: &binned, gradients, columns: &columns, params };
            let mut scores = Scores { all: &mut scores, outputs, output };
            grown.push(one(ground, bag.clone(), problem.matrix, &mut scores));
        }
        let is_over = grown.iter().all(|tree| tree.nodes.len() == 1);
        if is_over && round > 0 {
            break;
        }
        if let Some(watched) = &mut watched {
            history.push(loss.judge(&scores));
            watched.take(&grown);
        }
        if let Some(validation) = &mut validation {
            validation.take(&grown);
        }
        if round == 0 {
            // The scores without any tree are part of the first ones.
            for (tree, start) in grown.iter_mut().zip(&start) {
                tree.nodes.iter_mut().for_each(|node| node.value += start);
            }
        }
        trees.extend(grown);
        let patience = validation.as_ref().zip(params.patience);
        if patience.is_some_and(|(judged, patience)| is_stale(&judged.history, patience)) || is_over
        {
            break;
        }
    }
    if let (Some(validation), Some(_)) = (&validation, params.patience) {
        trees.truncate((least(&validation.history) + 1) * outputs);
    }
    let own = watched.is_some().then(|| (format!("train-{}", loss.metric()), history));
    let others = watched.into_iter().chain(validation).map(|of| (of.name, of.history));
    Learnt {
        trees,
        outputs,
        width: binned.width(),
        rounds: own.into_iter().chain(others).collect(),
    }
}

/// The scores of one output.
struct Scores<'a> {
    all: &'a mut [f64],
    outputs: usize,
    output: usize,
}

impl Scores<'_> {
    fn add(&mut self, row: usize, value: f64) {
        self.all[row * self.outputs + self.output] += value;
    }
}

/// Grows a tree and adds its answers to the scores.
fn one(ground: Ground<'_>, mut bag: Vec<u32>, matrix: &Matrix, scores: &mut Scores<'_>) -> Tree {
    let (tree, leaves) = grow(ground, &mut bag);
    if bag.len() < matrix.len() {
        matrix.rows().enumerate().for_each(|(row, of)| scores.add(row, tree.answer(of)));
        return tree;
    }
    for (rows, value) in leaves {
        bag[rows].iter().for_each(|row| scores.add(*row as usize, value));
    }
    tree
}

fn bag(rows: usize, share: f64, random: &mut Random) -> Vec<u32> {
    let rows = rows as u32;
    if share < 1.0 {
        let bag: Vec<u32> = (0..rows).filter(|_| random.unit() < share).collect();
        if !bag.is_empty() {
            return bag;
        }
    }
    (0..rows).collect()
}

fn columns(width: usize, share: f64, random: &mut Random) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..width).collect();
    if share < 1.0 {
        random.shuffle(&mut columns);
        columns.truncate(((width as f64 * share).round() as usize).max(1));
        columns.sort_unstable();
    }
    columns
}

/// Returns the round with the least figure; of equal ones the first.
fn least(history: &[f64]) -> usize {
    (0..history.len()).min_by(|a, b| history[*a].total_cmp(&history[*b])).unwrap_or_default()
}

fn is_stale(history: &[f64], patience: usize) -> bool {
    history.len() > least(history) + patience
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dag::spec::LearningTask;
    use crate::estimator::{Settings, family};

    pub(in super::super) const PARAMS: Params = Params {
        n_estimators: 10,
        num_leaves: 31,
        max_depth: None,
        learning_rate: 0.1,
        min_child_samples: 1.0,
        min_child_weight: 1e-3,
        min_split_gain: 0.0,
        subsample: 1.0,
        colsample_bytree: 1.0,
        reg_lambda: 0.0,
        reg_alpha: 0.0,
        max_bin: 255,
        min_data_in_bin: 1,
        seed: 1,
        patience: None,
    };

    /// Rows enough for each thing that is done by blocks or by columns.
    #[test]
    fn large_tables_give_the_same_trees_on_one_thread_and_three() {
        let (rows, width) = (40_000, 4);
        let mut random = Random::new(1, Stream::Split);
        let values: Vec<f64> = (0..rows * width).map(|_| random.unit()).collect();
        let matrix = Matrix::new(values, width);
        let classes: Vec<usize> =
            matrix.rows().map(|row| usize::from(row[0] * row[1] + row[2] > 0.7)).collect();
        let settings = Settings::resolve(
            family("lightgbm").unwrap(),
            &serde_json::Map::new(),
            LearningTask::Classification,
            1,
        );
        let problem = Problem {
            matrix: &matrix,
            labels: Labels::Classes { rows: &classes, count: 2 },
            weights: None,
            settings: &settings.unwrap(),
            validation: None,
            watched: None,
        };
        let trees = |threads: usize, params: &Params| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| learn(&problem, params)).trees
        };
        let bagged = Params { subsample: 0.5, colsample_bytree: 0.5, ..PARAMS };
        for params in [PARAMS, bagged] {
            assert_eq!(trees(1, &params), trees(3, &params));
        }
        assert_ne!(trees(1, &PARAMS), trees(1, &bagged));
    }
}
