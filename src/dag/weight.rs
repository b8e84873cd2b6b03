//! Priority weights: how much of its DAG a task holds up, by its `weight_rule`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::types::TaskId;

/// What is added to a task's own `priority_weight`, in Airflow's spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightRule {
    /// Nothing.
    Absolute,
    /// The weights of all tasks after it, at any distance, each once.
    #[default]
    Downstream,
    /// The weights of all tasks before it, at any distance, each once.
    Upstream,
}

impl WeightRule {
    /// Every rule with its spelling.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Absolute, "absolute"),
        (Self::Downstream, "downstream"),
        (Self::Upstream, "upstream"),
    ];

    /// Returns the spelling on the wire.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(rule, _)| *rule == self).map_or("downstream", |(_, text)| text)
    }

    /// Finds the rule that is spelled so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, spelled)| *spelled == text).map(|(rule, _)| *rule)
    }
}

/// How many tasks are looked for at once: a word has 64, a cache line eight words.
const WORDS: usize = 8;
const BLOCK: usize = WORDS * 64;

/// Returns each task's weight with what its rule adds, in topological order; `own` gives a task's
/// own weight and its rule. Exact, and cheap for graphs of 10,000 tasks: what each task reaches is
/// gathered for a block of targets at a time, in bits.
pub(crate) fn totals(graph: &Graph, own: impl Fn(&TaskId) -> (i64, WeightRule)) -> Vec<i64> {
    let own: Vec<(i64, WeightRule)> = graph.topological().iter().map(own).collect();
    let mut totals: Vec<i64> = own.iter().map(|(weight, _)| *weight).collect();
    for rule in [WeightRule::Downstream, WeightRule::Upstream] {
        if own.iter().any(|(_, of)| *of == rule) {
            let sums = sums(graph, &own, rule);
            for ((total, (_, of)), sum) in totals.iter_mut().zip(&own).zip(sums) {
                if *of == rule {
                    *total = total.saturating_add(sum);
                }
            }
        }
    }
    totals
}

/// Returns for each task, in topological order, the weights of all that it reaches.
fn sums(graph: &Graph, own: &[(i64, WeightRule)], rule: WeightRule) -> Vec<i64> {
    let order = graph.topological();
    let places: HashMap<&TaskId, usize> = order.iter().zip(0..).collect();
    // Numbered so that what a task reaches comes before it.
    let is_up = rule == WeightRule::Upstream;
    let number = |place: usize| if is_up { place } else { order.len() - 1 - place };
    let next = |task| if is_up { graph.upstream(task) } else { graph.downstream(task) };
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    let mut weights = vec![0; order.len()];
    for (place, task) in order.iter().enumerate() {
        edges[number(place)] = next(task).iter().map(|other| number(places[other])).collect();
        weights[number(place)] = own[place].0;
    }
    let mut sums = vec![0_i64; order.len()];
    for start in (0..order.len()).step_by(BLOCK) {
        add_block(start, &edges, &weights, &mut sums);
    }
    (0..order.len()).map(|place| sums[number(place)]).collect()
}

/// Adds to `sums` the weights of those of the tasks `start..start + BLOCK` that each reaches.
fn add_block(start: usize, edges: &[Vec<usize>], weights: &[i64], sums: &mut [i64]) {
    let targets = &weights[start..weights.len().min(start + BLOCK)];
    let same = targets.iter().all(|weight| *weight == targets[0]).then_some(targets[0]);
    let mut reached = vec![[0_u64; WORDS]; edges.len() - start];
    for task in start..edges.len() {
        let mut bits = [0_u64; WORDS];
        for other in edges[task].iter().filter(|other| **other >= start) {
            let offset = other - start;
            for (word, more) in bits.iter_mut().zip(&reached[offset]) {
                *word |= more;
            }
            if offset < BLOCK {
                bits[offset / 64] |= 1 << (offset % 64);
            }
        }
        reached[task - start] = bits;
        let sum = match same {
            Some(weight) => {
                let count: u32 = bits.iter().map(|word| word.count_ones()).sum();
                weight.saturating_mul(i64::from(count))
            }
            None => weigh(&bits, targets),
        };
        sums[task] = sums[task].saturating_add(sum);
    }
}

fn weigh(bits: &[u64; WORDS], targets: &[i64]) -> i64 {
    let mut sum = 0_i64;
    for (word, weights) in bits.iter().zip(targets.chunks(64)) {
        let mut left = *word;
        while left != 0 {
            sum = sum.saturating_add(weights[left.trailing_zeros() as usize]);
            left &= left - 1;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(edges: &[(String, Vec<String>)]) -> Graph {
        let upstream = edges.iter().map(|(task, before)| {
            (TaskId::from(task.as_str()), before.iter().map(|b| TaskId::from(b.as_str())).collect())
        });
        Graph::new(upstream.collect()).unwrap()
    }

    fn diamond() -> Graph {
        let edges = [("a", vec![]), ("b", vec!["a"]), ("c", vec!["a"]), ("z", vec!["b", "c"])];
        let owned = edges.map(|(task, before)| {
            (task.to_owned(), before.into_iter().map(str::to_owned).collect())
        });
        graph(&owned)
    }

    fn weight(task: &TaskId) -> i64 {
        match task.as_str() {
            "a" => 1,
            "b" => 10,
            "c" => 100,
            _ => 1000,
        }
    }

    #[test]
    fn each_rule_counts_every_task_once() {
        let of = |rule| totals(&diamond(), |task| (weight(task), rule));
        assert_eq!(of(WeightRule::default()), [1111, 1010, 1100, 1000]);
        assert_eq!(of(WeightRule::Upstream), [1, 11, 101, 1111]);
        assert_eq!(of(WeightRule::Absolute), [1, 10, 100, 1000]);
    }

    #[test]
    fn each_task_has_a_rule_of_its_own() {
        let mixed = totals(&diamond(), |task| {
            let is_first = task.as_str() == "a";
            (weight(task), if is_first { WeightRule::Downstream } else { WeightRule::Absolute })
        });
        assert_eq!(mixed, [1111, 10, 100, 1000]);
    }

    #[test]
    fn a_chain_of_ten_thousand_is_weighed() {
        let name = |n: usize| format!("t{n}");
        let before = |n: usize| (n > 0).then(|| name(n - 1)).into_iter().collect();
        let edges: Vec<(String, Vec<String>)> = (0..10_000).map(|n| (name(n), before(n))).collect();
        let found = totals(&graph(&edges), |_| (1, WeightRule::Downstream));
        assert!(found.into_iter().eq((1..=10_000).rev()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn a_total_is_what_a_walk_over_the_graph_counts(
            pairs in proptest::collection::vec((0_usize..700, 0_usize..700), 0..1500),
            weights in proptest::collection::vec(-3_i64..9, 700),
        ) {
            let name = |n: usize| format!("{n:03}");
            let mut edges: Vec<(String, Vec<String>)> =
                (0..700).map(|n| (name(n), Vec::new())).collect();
            for (a, b) in pairs {
                let before = name(a.min(b));
                if a != b && !edges[a.max(b)].1.contains(&before) {
                    edges[a.max(b)].1.push(before);
                }
            }
            let graph = graph(&edges);
            let weight = |task: &TaskId| weights[task.as_str().parse::<usize>().unwrap()];
            let found = totals(&graph, |task| (weight(task), WeightRule::Downstream));
            for (task, total) in graph.topological().iter().zip(found).step_by(17) {
                let sum: i64 = graph.all_downstream(task).iter().map(weight).sum();
                prop_assert_eq!(total, weight(task) + sum);
            }
        }
    }
}
