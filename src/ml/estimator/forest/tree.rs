//! A grown tree as arrays: small in the file, quick to walk.

use dagdeck_onnx::{Branch, Trees};
use serde::{Deserialize, Serialize};

/// A binary tree; node 0 is the root, and the children of a node are neighbours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// Which number a node asks for; of a leaf, its place in `answers`.
    feature: Vec<u32>,
    /// Not greater goes to the first child.
    threshold: Vec<f64>,
    /// The first child, the second follows it; 0 for a leaf, as the root is no child.
    child: Vec<u32>,
    /// What the leaves answer, one after the other.
    answers: Vec<f64>,
}

impl Tree {
    /// Adds a node, a leaf without an answer until [`Tree::split`] or [`Tree::close`].
    pub(super) fn push(&mut self) -> usize {
        self.feature.push(0);
        self.threshold.push(0.0);
        self.child.push(0);
        self.child.len() - 1
    }

    /// Makes a node ask; returns its children.
    pub(super) fn split(&mut self, node: usize, feature: usize, threshold: f64) -> [usize; 2] {
        let children = [self.push(), self.push()];
        // Rows and columns fit in `u32`, and there are fewer than two nodes for each row.
        self.feature[node] = feature as u32;
        self.threshold[node] = threshold;
        self.child[node] = children[0] as u32;
        children
    }

    /// Makes a node a leaf with an answer.
    pub(super) fn close(&mut self, node: usize, answer: impl ExactSizeIterator<Item = f64>) {
        self.feature[node] = (self.answers.len() / answer.len()) as u32;
        self.answers.extend(answer);
    }

    /// Returns the answer to a row.
    pub(super) fn answer(&self, row: &[f64], outputs: usize) -> &[f64] {
        let mut node = 0;
        loop {
            let feature = self.feature[node] as usize;
            let child = self.child[node] as usize;
            if child == 0 {
                return &self.answers[feature * outputs..(feature + 1) * outputs];
            }
            node = child + usize::from(row[feature] > self.threshold[node]);
        }
    }

    /// Adds the tree to those of an ONNX graph.
    pub(super) fn onnx(&self, outputs: usize, trees: &mut Trees) {
        trees.tree();
        for ((feature, value), child) in self.feature.iter().zip(&self.threshold).zip(&self.child) {
            let (feature, child) = (*feature as usize, *child as usize);
            match child {
                0 => {
                    let answer = &self.answers[feature * outputs..(feature + 1) * outputs];
                    trees.leaf(answer.iter().copied().enumerate().filter(|(_, much)| *much != 0.0));
                }
                yes => trees.branch(Branch {
                    column: feature,
                    value: *value,
                    missing: true,
                    yes,
                    no: yes + 1,
                }),
            }
        }
    }

    /// Returns why a tree that was read from a file cannot be walked.
    pub(super) fn fault(&self, width: usize, outputs: usize) -> Option<String> {
        let nodes = self.child.len();
        if nodes == 0 || self.feature.len() != nodes || self.threshold.len() != nodes {
            return Some("a tree whose arrays differ in length".to_owned());
        }
        for node in 0..nodes {
            let (feature, child) = (self.feature[node] as usize, self.child[node] as usize);
            let sound = match child {
                0 => (feature + 1) * outputs <= self.answers.len(),
                // Children come later, so that every walk ends.
                _ => child > node && child + 1 < nodes && feature < width,
            };
            if !sound {
                return Some(format!("a tree whose node {node} leads nowhere"));
            }
        }
        None
    }
}
