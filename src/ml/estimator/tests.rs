//! Each family of models on small tables, and hyperparameters that are refused.

use serde_json::json;

use super::*;

fn fit(
    model: &str,
    hyperparameters: Value,
    rows: &[&[f64]],
    labels: Labels<'_>,
) -> Arc<dyn Estimator> {
    let family = family(model).unwrap();
    let task = match labels {
        Labels::Classes { .. } => LearningTask::Classification,
        Labels::Numbers(_) => LearningTask::Regression,
    };
    let Value::Object(given) = hyperparameters else { panic!("not an object") };
    let settings = Settings::resolve(family, &given, task, 1).unwrap();
    let matrix = Matrix::new(rows.concat(), rows[0].len());
    let problem = Problem {
        matrix: &matrix,
        labels,
        weights: None,
        settings: &settings,
        validation: None,
        watched: None,
    };
    (family.fit)(&problem).unwrap()
}

fn value(estimator: &dyn Estimator, row: &[f64]) -> f64 {
    let mut out = [0.0];
    estimator.predict(row, &mut out);
    out[0]
}

fn probabilities(estimator: &dyn Estimator, row: &[f64], count: usize) -> Vec<f64> {
    let mut out = vec![0.0; count];
    estimator.predict(row, &mut out);
    out
}

const SQUARE: [&[f64]; 4] = [&[0.0, 0.0], &[0.0, 1.0], &[1.0, 0.0], &[1.0, 1.0]];
const EXCLUSIVE: Labels<'static> = Labels::Classes { rows: &[0, 1, 1, 0], count: 2 };

/// No chance: every tree sees all rows and all columns.
fn certain() -> Value {
    json!({ "n_estimators": 1, "bootstrap": false, "max_features": 1.0 })
}

#[test]
fn a_tree_learns_what_no_single_cut_improves() {
    let forest = fit("random_forest", certain(), &SQUARE, EXCLUSIVE);
    for (row, expected) in SQUARE.iter().zip([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]) {
        assert_eq!(probabilities(&*forest, row, 2), expected);
    }
}

#[test]
fn a_shallow_or_large_leaved_tree_answers_with_shares() {
    for limit in [("max_depth", 1), ("min_samples_leaf", 2), ("min_samples_split", 3)] {
        let mut given = certain();
        given[limit.0] = json!(limit.1);
        let forest = fit("random_forest", given, &SQUARE, EXCLUSIVE);
        assert_eq!(probabilities(&*forest, SQUARE[0], 2), [0.5, 0.5], "{limit:?}");
    }
}

#[test]
fn a_cut_is_half_way_between_its_neighbours() {
    let rows: [&[f64]; 3] = [&[0.0], &[2.0], &[4.0]];
    let forest = fit("random_forest", certain(), &rows, Labels::Numbers(&[1.0, 1.0, 7.0]));
    assert_eq!(value(&*forest, &[2.9]), 1.0);
    assert_eq!(value(&*forest, &[3.1]), 7.0);
    assert_eq!(forest.importance(), [24.0]);
}

#[test]
fn a_forest_regression_on_a_large_offset_keeps_its_precision() {
    let rows: Vec<[f64; 1]> = (0..20).map(|n| [f64::from(n)]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 1]>::as_slice).collect();
    let targets: Vec<f64> = (0..20).map(|n| 1e12 + f64::from(n)).collect();
    let forest = fit("random_forest", certain(), &rows, Labels::Numbers(&targets));
    for (row, target) in rows.iter().zip(&targets) {
        assert!((value(&*forest, row) - target).abs() < 1e-3);
    }
}

#[test]
fn constant_columns_do_not_use_up_a_trees_choice() {
    let rows: Vec<[f64; 9]> = (0..8)
        .map(|n| {
            let mut row = [5.0; 9];
            row[8] = f64::from(n);
            row
        })
        .collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 9]>::as_slice).collect();
    let labels = Labels::Classes { rows: &[0, 0, 0, 0, 1, 1, 1, 1], count: 2 };
    let given = json!({ "n_estimators": 1, "bootstrap": false, "max_features": "log2" });
    let forest = fit("random_forest", given, &rows, labels);
    assert_eq!(probabilities(&*forest, rows[0], 2), [1.0, 0.0]);
    assert_eq!(probabilities(&*forest, rows[7], 2), [0.0, 1.0]);
}

#[test]
fn columns_that_depend_on_each_other_have_a_least_squares_solution() {
    // y = 3 a + 10; the second column is twice the first, the third is constant.
    let rows: [&[f64]; 4] =
        [&[0.0, 0.0, 1.0], &[1.0, 2.0, 1.0], &[2.0, 4.0, 1.0], &[5.0, 10.0, 1.0]];
    let line =
        fit("linear_regression", json!({}), &rows, Labels::Numbers(&[10.0, 13.0, 16.0, 25.0]));
    assert!((value(&*line, &[3.0, 6.0, 1.0]) - 19.0).abs() < 1e-6);
}

#[test]
fn more_columns_than_rows_have_a_least_squares_solution() {
    let rows: [&[f64]; 2] = [&[0.0, 1.0, 2.0, 3.0], &[1.0, 0.0, 5.0, 1.0]];
    let line = fit("linear_regression", json!({}), &rows, Labels::Numbers(&[1.0, 2.0]));
    assert!((value(&*line, rows[0]) - 1.0).abs() < 1e-6);
    assert!((value(&*line, rows[1]) - 2.0).abs() < 1e-6);
}

#[test]
fn logistic_regression_gives_each_class_its_own_side() {
    let rows: [&[f64]; 6] = [&[-3.0], &[-2.0], &[-0.1], &[0.1], &[2.0], &[3.0]];
    // Of two classes, the engine names the larger one first: both ways round.
    for (classes, count) in
        [([0, 0, 0, 0, 1, 1], 2), ([0, 0, 1, 1, 1, 1], 2), ([0, 0, 1, 1, 2, 2], 3)]
    {
        let labels = Labels::Classes { rows: &classes, count };
        let fitted = fit("logistic_regression", json!({ "C": 100.0 }), &rows, labels);
        assert!(probabilities(&*fitted, &[-3.0], count)[0] > 0.9);
        assert!(probabilities(&*fitted, &[3.0], count)[count - 1] > 0.9);
    }
}

#[test]
fn min_child_samples_is_the_least_number_of_rows_in_a_leaf() {
    let rows: Vec<[f64; 1]> = (0..40).map(|n| [f64::from(n)]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 1]>::as_slice).collect();
    let targets: Vec<f64> = (0..40).map(|n| if n < 5 { 100.0 } else { 0.0 }).collect();
    let answer = |least: u64| {
        let given = json!({
            "n_estimators": 1,
            "learning_rate": 1,
            "min_child_samples": least,
            "min_data_in_bin": 1,
        });
        value(&*fit("lightgbm", given, &rows, Labels::Numbers(&targets)), &[0.0])
    };
    assert!((answer(5) - 100.0).abs() < 1e-3);
    assert!((answer(20) - 25.0).abs() < 1e-3);
    assert!((answer(21) - 12.5).abs() < 1e-3);
}

#[test]
fn num_leaves_limits_the_leaves() {
    let rows: Vec<[f64; 1]> = (0..64).map(|n| [f64::from(n)]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 1]>::as_slice).collect();
    let targets: Vec<f64> = (0..64).map(f64::from).collect();
    let given = json!({ "n_estimators": 1, "num_leaves": 4, "min_child_samples": 1 });
    let fitted = fit("lightgbm", given, &rows, Labels::Numbers(&targets));
    let mut answers: Vec<u64> = rows.iter().map(|row| value(&*fitted, row).to_bits()).collect();
    answers.dedup();
    assert_eq!(answers.len(), 4);
}

#[test]
fn boosted_trees_have_a_branch_for_missing_numbers() {
    let rows: Vec<[f64; 1]> =
        (0..40).map(|n| [if n % 2 == 0 { f64::NAN } else { f64::from(n) }]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 1]>::as_slice).collect();
    let classes: Vec<usize> = (0..40).map(|n| n % 2).collect();
    let labels = Labels::Classes { rows: &classes, count: 2 };
    for model in ["xgboost", "lightgbm"] {
        let fitted = fit(model, json!({}), &rows, labels);
        assert!(probabilities(&*fitted, &[f64::NAN], 2)[0] > 0.9, "{model}");
        assert!(probabilities(&*fitted, &[7.0], 2)[1] > 0.9, "{model}");
    }
}

#[test]
fn extra_trees_cut_anywhere_between_the_least_and_the_greatest_value() {
    let rows: [&[f64]; 2] = [&[0.0], &[10.0]];
    let labels = Labels::Numbers(&[1.0, 7.0]);
    let mut cuts = Vec::new();
    for seed in 0..20 {
        let given = json!({ "n_estimators": 1, "seed": seed });
        let fitted = fit("extra_trees", given, &rows, labels);
        assert_eq!((value(&*fitted, &[0.0]), value(&*fitted, &[10.0])), (1.0, 7.0));
        cuts.push((0..100).filter(|n| value(&*fitted, &[f64::from(*n) / 10.0]) == 1.0).count());
    }
    cuts.sort_unstable();
    assert!(cuts[0] < 30 && cuts[19] > 70, "{cuts:?}");
}

#[test]
fn the_nearest_rows_answer_and_a_row_that_is_known_answers_alone() {
    let rows: [&[f64]; 4] = [&[0.0], &[1.0], &[2.0], &[10.0]];
    let labels = Labels::Numbers(&[1.0, 2.0, 3.0, 50.0]);
    let near = fit("k_neighbors", json!({ "n_neighbors": 3 }), &rows, labels);
    assert!((value(&*near, &[0.4]) - 2.0).abs() < 1e-12);
    let given = json!({ "n_neighbors": 2, "weights": "distance", "p": 1 });
    let near = fit("k_neighbors", given, &rows, labels);
    assert_eq!(value(&*near, &[2.0]), 3.0);
    // One is three times as far as the other.
    assert!((value(&*near, &[1.25]) - 2.25).abs() < 1e-12);
}

#[test]
fn more_neighbours_than_rows_are_refused() {
    let matrix = Matrix::new(vec![0.0, 1.0], 1);
    let family = family("k_neighbors").unwrap();
    let settings = Settings::resolve(family, &serde_json::Map::new(), LearningTask::Regression, 1);
    let problem = Problem {
        matrix: &matrix,
        labels: Labels::Numbers(&[0.0, 1.0]),
        weights: None,
        settings: &settings.unwrap(),
        validation: None,
        watched: None,
    };
    let error = (family.fit)(&problem).unwrap_err();
    assert_eq!(error, "`n_neighbors` is 5, and there are 2 rows to learn from");
}

#[test]
fn the_elastic_net_drops_what_says_nothing() {
    // y = 3 a, and noise that has nothing to do with it.
    let rows: Vec<[f64; 2]> =
        (0..40).map(|n| [f64::from(n) / 10.0, f64::from((n * 7) % 5) - 2.0]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 2]>::as_slice).collect();
    let targets: Vec<f64> = rows.iter().map(|row| 3.0 * row[0]).collect();
    let given = json!({ "alpha": 0.1, "l1_ratio": 1.0 });
    let line = fit("elastic_net", given, &rows, Labels::Numbers(&targets));
    let [used, dropped] = line.importance()[..] else { panic!("two columns") };
    assert!(dropped == 0.0 && used > 2.8 && used < 3.0, "{used} {dropped}");
    for given in [json!({ "alpha": 0.0 }), json!({ "l1_ratio": 0.0, "alpha": 1e-6 })] {
        let line = fit("elastic_net", given, &rows, Labels::Numbers(&targets));
        assert!((value(&*line, &[2.0, 0.0]) - 6.0).abs() < 1e-2);
    }
}

#[test]
fn a_support_vector_machine_learns_a_ring_and_a_wave() {
    let rows: Vec<[f64; 2]> = (0..80)
        .map(|n| {
            let (angle, far) = (f64::from(n) * 0.7, if n % 2 == 0 { 0.5 } else { 2.0 });
            [far * angle.cos(), far * angle.sin()]
        })
        .collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 2]>::as_slice).collect();
    let classes: Vec<usize> = (0..80).map(|n| n % 2).collect();
    let labels = Labels::Classes { rows: &classes, count: 2 };
    let ring = fit("svm", json!({}), &rows, labels);
    assert!(probabilities(&*ring, &[0.0, 0.0], 2)[0] > 0.9);
    assert!(probabilities(&*ring, &[2.0, 0.1], 2)[1] > 0.9);
    let rows: Vec<[f64; 1]> = (0..60).map(|n| [f64::from(n) / 10.0]).collect();
    let targets: Vec<f64> = rows.iter().map(|row| row[0].sin()).collect();
    let rows: Vec<&[f64]> = rows.iter().map(<[f64; 1]>::as_slice).collect();
    let given = json!({ "epsilon": 0.01, "C": 100 });
    let wave = fit("svm", given, &rows, Labels::Numbers(&targets));
    for row in &rows {
        assert!((value(&*wave, row) - row[0].sin()).abs() < 0.05, "{row:?}");
    }
    let given = json!({ "kernel": "linear", "C": 10 });
    let straight = fit("svm", given, &rows, Labels::Numbers(&targets));
    assert!(straight.importance()[0] > 0.0);
}
