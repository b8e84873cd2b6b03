//! Trees as the attributes of `TreeEnsembleRegressor`.

use crate::writer::{Attribute, Element, Value, Writer};

/// When a branch's test holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    AtMost,
    Below,
}

/// A test of one column; where it holds, the walk goes on at `yes`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Branch {
    pub column: usize,
    pub value: f64,
    /// NaN goes to `yes`.
    pub missing: bool,
    pub yes: usize,
    pub no: usize,
}

/// Trees of which each leaf adds to some of the answers.
#[derive(Debug)]
pub struct Trees {
    test: Test,
    trees: i64,
    tree_ids: Vec<i64>,
    node_ids: Vec<i64>,
    branches: Vec<Option<Branch>>,
    /// Of which node of which tree, to which answer, how much.
    leaves: Vec<(i64, i64, i64, f64)>,
}

impl Trees {
    pub fn new(test: Test) -> Self {
        let (tree_ids, node_ids, branches, leaves) = Default::default();
        Self { test, trees: 0, tree_ids, node_ids, branches, leaves }
    }

    /// Begins the next tree; its nodes follow, the root first, and count from 0.
    pub fn tree(&mut self) {
        self.trees += 1;
    }

    pub fn branch(&mut self, branch: Branch) {
        self.push(Some(branch));
    }

    /// A leaf, by how much it adds to which answers.
    pub fn leaf(&mut self, adds: impl IntoIterator<Item = (usize, f64)>) {
        let (tree, node) = self.push(None);
        self.leaves.extend(adds.into_iter().map(|(to, much)| (tree, node, to as i64, much)));
    }

    fn push(&mut self, branch: Option<Branch>) -> (i64, i64) {
        let tree = self.trees - 1;
        let is_next = self.tree_ids.last() == Some(&tree);
        let node = self.node_ids.last().filter(|_| is_next).map_or(0, |last| last + 1);
        self.tree_ids.push(tree);
        self.node_ids.push(node);
        self.branches.push(branch);
        (tree, node)
    }

    /// Adds the trees to a graph: their leaves are summed, beginning with `start`, or averaged. Rows
    /// are `f64`, so are the answers, which have the precision of `f32`.
    pub fn write(self, rows: &Value, start: &[f64], averaged: bool, to: &mut Writer) -> Value {
        let mode = match self.test {
            Test::AtMost => "BRANCH_LEQ",
            Test::Below => "BRANCH_LT",
        };
        let nodes = &self.branches;
        let ints = |of: fn(&Branch) -> i64| -> Vec<i64> {
            nodes.iter().map(|branch| branch.as_ref().map_or(0, of)).collect()
        };
        let leaves = |of: fn(&(i64, i64, i64, f64)) -> i64| self.leaves.iter().map(of).collect();
        let mut attributes = vec![
            Attribute::int("n_targets", start.len() as i64),
            Attribute::text("aggregate_function", if averaged { "AVERAGE" } else { "SUM" }),
            Attribute::ints("nodes_featureids", ints(|branch| branch.column as i64)),
            Attribute::ints("nodes_truenodeids", ints(|branch| branch.yes as i64)),
            Attribute::ints("nodes_falsenodeids", ints(|branch| branch.no as i64)),
            Attribute::ints(
                "nodes_missing_value_tracks_true",
                ints(|branch| i64::from(branch.missing)),
            ),
            Attribute::texts(
                "nodes_modes",
                nodes.iter().map(|branch| branch.map_or("LEAF", |_| mode)),
            ),
            Attribute::doubles(
                "nodes_values_as_tensor",
                nodes.iter().map(|branch| branch.map_or(0.0, |branch| branch.value)).collect(),
            ),
            Attribute::ints("target_treeids", leaves(|leaf| leaf.0)),
            Attribute::ints("target_nodeids", leaves(|leaf| leaf.1)),
            Attribute::ints("target_ids", leaves(|leaf| leaf.2)),
            Attribute::doubles(
                "target_weights_as_tensor",
                self.leaves.iter().map(|leaf| leaf.3).collect(),
            ),
        ];
        attributes.push(Attribute::ints("nodes_treeids", self.tree_ids));
        attributes.push(Attribute::ints("nodes_nodeids", self.node_ids));
        if start.iter().any(|value| *value != 0.0) {
            attributes.push(Attribute::doubles("base_values_as_tensor", start.to_vec()));
        }
        let answers = to.node(("ai.onnx.ml", "TreeEnsembleRegressor"), &[rows], attributes);
        to.cast(&answers, Element::Double)
    }
}
