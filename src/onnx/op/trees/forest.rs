//! Trees in arrays: checked once, then only walked.

use std::collections::HashMap;

use ndarray::ArrayView2;

use crate::attribute::Attributes;

/// Trees whose leaves add to scores.
#[derive(Debug)]
pub(super) struct Forest {
    roots: Vec<usize>,
    nodes: Vec<Node>,
    /// Which score, and how much.
    leaves: Vec<(usize, f64)>,
    scores: usize,
    /// Columns that it looks at, at least.
    width: usize,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Branch {
        column: usize,
        test: Test,
        value: f64,
        missing: bool,
        yes: usize,
        no: usize,
    },
    /// A range of `leaves`.
    Leaf {
        from: usize,
        to: usize,
    },
}

#[derive(Debug, Clone, Copy)]
enum Test {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    Unequal,
}

impl Test {
    fn read(mode: &str) -> Result<Option<Self>, String> {
        Ok(Some(match mode {
            "BRANCH_LEQ" => Self::AtMost,
            "BRANCH_LT" => Self::Below,
            "BRANCH_GTE" => Self::AtLeast,
            "BRANCH_GT" => Self::Above,
            "BRANCH_EQ" => Self::Equal,
            "BRANCH_NEQ" => Self::Unequal,
            "LEAF" => return Ok(None),
            other => return Err(format!("nodes of mode `{other}` are not known here")),
        }))
    }

    fn holds(self, found: f64, value: f64) -> bool {
        match self {
            Self::AtMost => found <= value,
            Self::Below => found < value,
            Self::AtLeast => found >= value,
            Self::Above => found > value,
            Self::Equal => found == value,
            Self::Unequal => found != value,
        }
    }
}

impl Forest {
    /// Reads the nodes, and the leaves under `prefix_ids` and so on.
    pub(super) fn read(
        attributes: Attributes<'_>,
        prefix: &str,
        scores: usize,
    ) -> Result<Self, String> {
        let trees = attributes.ints("nodes_treeids");
        let ids = attributes.ints("nodes_nodeids");
        let count = ids.len();
        let places: HashMap<(i64, i64), usize> =
            trees.iter().copied().zip(ids.iter().copied()).zip(0..).collect();
        if places.len() != count || trees.len() != count {
            return Err("its nodes are not each one of a tree".to_owned());
        }
        let mut forest =
            Self { roots: Vec::new(), nodes: Vec::new(), leaves: Vec::new(), scores, width: 0 };
        let mut weights = weights(attributes, prefix, scores, &places)?;
        let table = Table::read(attributes, count)?;
        for at in 0..count {
            let node = match Test::read(&table.modes[at])? {
                None => {
                    let from = forest.leaves.len();
                    forest.leaves.append(&mut weights[at]);
                    Node::Leaf { from, to: forest.leaves.len() }
                }
                Some(test) => {
                    let child = |id: i64| {
                        let found = places.get(&(trees[at], id)).copied();
                        found.ok_or_else(|| format!("node {id} of tree {} is missing", trees[at]))
                    };
                    let column = usize::try_from(table.columns[at]);
                    let column = column.map_err(|_| "a column below 0".to_owned())?;
                    forest.width = forest.width.max(column + 1);
                    Node::Branch {
                        column,
                        test,
                        value: table.values[at],
                        missing: table.missing.get(at).is_some_and(|tracks| *tracks != 0),
                        yes: child(table.yes[at])?,
                        no: child(table.no[at])?,
                    }
                }
            };
            forest.nodes.push(node);
        }
        forest.find_roots()?;
        Ok(forest)
    }

    /// A node that no other leads to is a root. Each other one has one that leads to it, or a walk
    /// could go round for ever.
    fn find_roots(&mut self) -> Result<(), String> {
        let mut led_to = vec![0_u32; self.nodes.len()];
        for node in &self.nodes {
            if let Node::Branch { yes, no, .. } = node {
                led_to[*yes] += 1;
                led_to[*no] += 1;
            }
        }
        self.roots = (0..led_to.len()).filter(|at| led_to[*at] == 0).collect();
        let mut reached = 0;
        let mut open = self.roots.clone();
        while let Some(at) = open.pop() {
            reached += 1;
            if let Node::Branch { yes, no, .. } = self.nodes[at] {
                open.extend([yes, no]);
            }
        }
        match led_to.iter().all(|count| *count <= 1) && reached == self.nodes.len() {
            true => Ok(()),
            false => Err("its nodes are no trees".to_owned()),
        }
    }

    pub(super) fn trees(&self) -> usize {
        self.roots.len().max(1)
    }

    /// All leaves add to the same score.
    pub(super) fn scores_one(&self) -> bool {
        let mut all = self.leaves.iter().map(|(score, _)| *score);
        let first = all.next();
        all.all(|score| Some(score) == first)
    }

    /// No leaf takes anything away.
    pub(super) fn is_positive(&self) -> bool {
        self.leaves.iter().all(|(_, weight)| *weight >= 0.0)
    }

    /// Adds up the leaves that each row comes to: the scores of the first row, then of the next.
    pub(super) fn sums(&self, rows: ArrayView2<'_, f64>) -> Result<Vec<f64>, String> {
        if rows.ncols() < self.width {
            return Err(format!("{} columns where {} are needed", rows.ncols(), self.width));
        }
        let mut sums = vec![0.0; rows.nrows() * self.scores];
        for (row, sums) in rows.rows().into_iter().zip(sums.chunks_exact_mut(self.scores.max(1))) {
            for root in &self.roots {
                let mut at = *root;
                loop {
                    match self.nodes[at] {
                        Node::Branch { column, test, value, missing, yes, no } => {
                            let found = row[column];
                            let holds = test.holds(found, value) || (missing && found.is_nan());
                            at = if holds { yes } else { no };
                        }
                        Node::Leaf { from, to } => {
                            for (score, weight) in &self.leaves[from..to] {
                                sums[*score] += weight;
                            }
                            break;
                        }
                    }
                }
            }
        }
        Ok(sums)
    }
}

/// The columns of the table of nodes, each as long as the table.
struct Table<'a> {
    modes: Vec<String>,
    columns: &'a [i64],
    values: Vec<f64>,
    yes: &'a [i64],
    no: &'a [i64],
    missing: &'a [i64],
}

impl<'a> Table<'a> {
    fn read(attributes: Attributes<'a>, count: usize) -> Result<Self, String> {
        let table = Self {
            modes: attributes.texts("nodes_modes"),
            columns: attributes.ints("nodes_featureids"),
            values: attributes.floats("nodes_values")?,
            yes: attributes.ints("nodes_truenodeids"),
            no: attributes.ints("nodes_falsenodeids"),
            missing: attributes.ints("nodes_missing_value_tracks_true"),
        };
        let lengths = [
            table.modes.len(),
            table.columns.len(),
            table.values.len(),
            table.yes.len(),
            table.no.len(),
        ];
        match lengths.iter().all(|length| *length == count) {
            true => Ok(table),
            false => Err(format!("{count} nodes, and lists of {lengths:?} about them")),
        }
    }
}

/// What each node adds to which score.
fn weights(
    attributes: Attributes<'_>,
    prefix: &str,
    scores: usize,
    places: &HashMap<(i64, i64), usize>,
) -> Result<Vec<Vec<(usize, f64)>>, String> {
    let of = |name: &str| attributes.ints(&format!("{prefix}_{name}"));
    let (trees, nodes, ids) = (of("treeids"), of("nodeids"), of("ids"));
    let weights = attributes.floats(&format!("{prefix}_weights"))?;
    if [nodes.len(), ids.len(), weights.len()].iter().any(|length| *length != trees.len()) {
        return Err("its leaves are not each a tree, a node, a score and a weight".to_owned());
    }
    let mut found = vec![Vec::new(); places.len()];
    for (((tree, node), id), weight) in trees.iter().zip(nodes).zip(ids).zip(weights) {
        let place = places
            .get(&(*tree, *node))
            .ok_or_else(|| format!("a leaf at node {node} of tree {tree}, which is missing"))?;
        let score = usize::try_from(*id).ok().filter(|score| *score < scores);
        let score = score.ok_or_else(|| format!("score {id} of {scores}"))?;
        found[*place].push((score, weight));
    }
    Ok(found)
}
