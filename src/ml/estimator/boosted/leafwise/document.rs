//! What was learnt, as XGBoost writes its models.

use serde_json::{Value, json};

use super::boost::Learnt;
use super::tree::{Node, Tree};
use crate::dag::spec::LearningTask;

/// The version of XGBoost whose format it is.
const VERSION: [u32; 3] = [3, 1, 0];
/// What XGBoost has for the parent of a root.
const NO_PARENT: i64 = 2_147_483_647;

/// Returns XGBoost's document.
pub(in crate::estimator::boosted) fn document(learnt: &Learnt, task: LearningTask) -> Value {
    let outputs = learnt.outputs;
    let trees = learnt.trees.iter().enumerate();
    let trees: Vec<Value> = trees.map(|(id, of)| tree(id, of, learnt.width)).collect();
    let rounds = learnt.trees.len() / outputs;
    // A probability of one half, or nothing, is a score of zero; the trees hold all there is.
    let (base_score, objective) = match (task, outputs) {
        (LearningTask::Regression, _) => {
            ("[0E0]", json!({ "name": "reg:squarederror", "reg_loss_param": loss_param() }))
        }
        (LearningTask::Classification, 1) => {
            ("[5E-1]", json!({ "name": "binary:logistic", "reg_loss_param": loss_param() }))
        }
        (LearningTask::Classification, classes) => (
            "[5E-1]",
            json!({
                "name": "multi:softprob",
                "softmax_multiclass_param": { "num_class": classes.to_string() },
            }),
        ),
    };
    let classes = if outputs == 1 { 0 } else { outputs };
    json!({
        "version": VERSION,
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {
                "name": "gbtree",
                "model": {
                    "gbtree_model_param": {
                        "num_parallel_tree": "1",
                        "num_trees": trees.len().to_string(),
                    },
                    "iteration_indptr": (0..=rounds).map(|n| n * outputs).collect::<Vec<_>>(),
                    "tree_info": (0..trees.len()).map(|n| n % outputs).collect::<Vec<_>>(),
                    "trees": trees,
                },
            },
            "learner_model_param": {
                "base_score": base_score,
                "boost_from_average": "1",
                "num_class": classes.to_string(),
                "num_feature": learnt.width.to_string(),
                "num_target": "1",
            },
            "objective": objective,
        },
    })
}

fn loss_param() -> Value {
    json!({ "scale_pos_weight": "1" })
}

fn tree(id: usize, tree: &Tree, width: usize) -> Value {
    let nodes = &tree.nodes;
    let of_cuts = |of: &dyn Fn(&Node) -> Value| nodes.iter().map(of).collect::<Vec<_>>();
    let child = |side: usize| {
        of_cuts(&|node| node.cut.as_ref().map_or(json!(-1), |cut| json!(cut.children[side])))
    };
    let number = |number: f64| json!(f64::from(number as f32));
    json!({
        "id": id,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": width.to_string(),
            "num_nodes": nodes.len().to_string(),
            "size_leaf_vector": "1",
        },
        "parents": of_cuts(&|node| node.parent.map_or(json!(NO_PARENT), |parent| json!(parent))),
        "left_children": child(0),
        "right_children": child(1),
        "split_indices": of_cuts(&|node| json!(node.cut.as_ref().map_or(0, |cut| cut.column))),
        // A leaf keeps its value where others keep their cut.
        "split_conditions": of_cuts(&|node| match &node.cut {
            Some(cut) => json!(f64::from(cut.below)),
            None => number(node.value),
        }),
        "split_type": vec![0; nodes.len()],
        "default_left": of_cuts(&|node| {
            json!(u8::from(node.cut.as_ref().is_some_and(|cut| cut.is_missing_left)))
        }),
        "loss_changes": of_cuts(&|node| number(node.cut.as_ref().map_or(0.0, |cut| cut.gain))),
        "sum_hessian": of_cuts(&|node| number(node.hessian)),
        "base_weights": of_cuts(&|node| number(node.value)),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
    })
}
