//! Boosted trees as an ONNX graph, by way of XGBoost's JSON.

use dagdeck_onnx::{Attribute, Branch, Element, Test, Trees, Value, Writer};
use serde::Deserialize;
use serde_json::Value as Json;

/// What of XGBoost's JSON answers rows.
#[derive(Deserialize)]
struct Tree {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<usize>,
    /// Of a leaf, what it adds.
    split_conditions: Vec<f64>,
    default_left: Vec<u8>,
}

/// Adds the trees; the answer has a probability for each class, or the value. `None` where the JSON
/// is not as it is written here.
pub(super) fn write(json: &Json, rows: &Value, outputs: usize, to: &mut Writer) -> Option<Value> {
    let learner = json.get("learner")?;
    let model = learner.get("gradient_booster")?.get("model")?;
    let of_trees = Vec::<usize>::deserialize(model.get("tree_info")?).ok()?;
    let all = Vec::<Tree>::deserialize(model.get("trees")?).ok()?;
    let base = learner.get("learner_model_param")?.get("base_score")?.as_str()?;
    let mut base: Vec<f64> = base
        .trim_matches(['[', ']'])
        .split(',')
        .filter_map(|text| text.trim().parse().ok())
        .collect();
    let objective = learner.get("objective")?.get("name")?.as_str()?;
    if objective == "binary:logistic" {
        // Kept as a probability, added as a margin.
        base.iter_mut().for_each(|score| *score = (*score / (1.0 - *score)).ln());
    }
    let margins = if outputs == 2 { 1 } else { outputs };
    if base.len() == 1 {
        base = vec![base[0]; margins];
    }
    let mut trees = Trees::new(Test::Below);
    for (tree, answer) in all.iter().zip(of_trees) {
        trees.tree();
        for node in 0..tree.left_children.len() {
            match usize::try_from(tree.left_children[node]) {
                Err(_) => trees.leaf([(answer, tree.split_conditions[node])]),
                Ok(yes) => trees.branch(Branch {
                    column: tree.split_indices[node],
                    value: tree.split_conditions[node],
                    missing: tree.default_left[node] != 0,
                    yes,
                    no: usize::try_from(tree.right_children[node]).ok()?,
                }),
            }
        }
    }
    // The engine compares as `f32`.
    let rows = to.cast(rows, Element::Float);
    let rows = to.cast(&rows, Element::Double);
    let margins = trees.write(&rows, &base, false, to);
    Some(match objective {
        "reg:squarederror" => margins,
        "binary:logistic" => {
            let second = to.node(("", "Sigmoid"), &[&margins], Vec::new());
            let one = to.doubles(&[1, 1], vec![1.0]);
            let first = to.node(("", "Sub"), &[&one, &second], Vec::new());
            to.node(("", "Concat"), &[&first, &second], vec![Attribute::int("axis", 1)])
        }
        "multi:softprob" => to.softmax(&margins),
        _ => return None,
    })
}
