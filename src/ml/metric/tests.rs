//! The expected figures are scikit-learn 1.9.1's on the same numbers.

use super::*;

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
}

fn three_classes() -> (Vec<usize>, Vec<Vec<f64>>) {
    let rows = [
        [0.7, 0.2, 0.1],
        [0.3, 0.4, 0.3],
        [0.1, 0.8, 0.1],
        [0.2, 0.5, 0.3],
        [0.1, 0.1, 0.8],
        [0.2, 0.5, 0.3],
        [0.0, 0.0, 1.0],
        [0.4, 0.3, 0.3],
    ];
    (vec![0, 0, 1, 1, 2, 2, 2, 1], rows.map(|row| row.to_vec()).to_vec())
}

#[test]
fn classification_figures_are_scikit_learns() {
    let (truth, probabilities) = three_classes();
    let metrics = classification(&truth, &probabilities);
    close(metrics["accuracy"], 0.625);
    close(metrics["balanced_accuracy"], 0.611111111111111);
    close(metrics["precision_macro"], 0.6666666666666666);
    close(metrics["recall_macro"], 0.611111111111111);
    close(metrics["f1_macro"], 0.6238095238095238);
    close(metrics["f1_weighted"], 0.6392857142857143);
    close(metrics["log_loss"], 0.6385034550131132);
    close(metrics["roc_auc"], 0.8833333333333333);
    close(metrics["precision_weighted"], 0.6875);
    close(metrics["recall_weighted"], 0.625);
    close(metrics["brier"], 0.3625);
    close(metrics["pr_auc"], 0.8074074074074074);
}

#[test]
fn confidence_is_compared_with_what_came_true() {
    // Two of three answers of confidence 0.75 are right.
    let rows = vec![vec![0.75, 0.25]; 3];
    let metrics = classification(&[0, 0, 1], &rows);
    close(metrics["calibration_error"], 0.75 - 2.0 / 3.0);
}

#[test]
fn a_precision_recall_curve_begins_at_recall_0_and_is_thinned() {
    let positive = [false, false, true, true];
    let curve = precision_recall_curve(&[0.1, 0.4, 0.35, 0.8], &positive, 200);
    let third = 2.0 / 3.0;
    assert_eq!(curve, [(0.0, 1.0), (0.5, 1.0), (0.5, 0.5), (1.0, third), (1.0, 0.5)]);
    let scores: Vec<f64> = (0..1000).map(f64::from).collect();
    let positive: Vec<bool> = (0..1000).map(|n| n % 3 == 0).collect();
    assert!(precision_recall_curve(&scores, &positive, 50).len() <= 52);
    assert!(precision_recall_curve(&[0.1], &[false], 9).is_empty());
}

#[test]
fn two_classes_have_the_area_of_the_second_and_ties_count_half() {
    let scores = [0.1, 0.4, 0.35, 0.4, 0.8, 0.0];
    let probabilities: Vec<_> = scores.iter().map(|p| vec![1.0 - p, *p]).collect();
    let metrics = classification(&[0, 1, 1, 0, 1, 0], &probabilities);
    close(metrics["roc_auc"], 0.8333333333333334);
    close(metrics["pr_auc"], 0.8055555555555556);
    close(metrics["brier"], 0.16541666666666666);
    close(metrics["log_loss"], 0.4675737578518098);
}

#[test]
fn the_area_is_left_out_where_a_class_was_not_seen() {
    let metrics = classification(&[1, 1], &[vec![0.5, 0.5], vec![0.1, 0.9]]);
    assert!(!metrics.contains_key("roc_auc"));
    close(metrics["accuracy"], 0.5);
    close(metrics["balanced_accuracy"], 0.5);
}

#[test]
fn a_certain_mistake_has_a_finite_log_loss() {
    let metrics = classification(&[0, 1], &[vec![0.0, 1.0], vec![0.0, 1.0]]);
    assert!(metrics["log_loss"] > 18.0 && metrics["log_loss"].is_finite());
}

#[test]
fn the_confusion_matrix_counts_truth_by_prediction() {
    let (truth, probabilities) = three_classes();
    let matrix = confusion_matrix(&truth, &probabilities);
    assert_eq!(matrix, [[1, 1, 0], [1, 2, 0], [0, 1, 2]]);
}

#[test]
fn regression_figures_are_scikit_learns() {
    let metrics = regression(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0]);
    close(metrics["r2"], 0.9486081370449679);
    close(metrics["rmse"], 0.6123724356957945);
    close(metrics["mae"], 0.5);
    close(metrics["mape"], 0.3273809523809524);
    close(metrics["pinball_10"], 0.35);
    close(metrics["pinball_50"], 0.25);
    close(metrics["pinball_90"], 0.15);
}

#[test]
fn a_constant_truth_has_a_finite_r2() {
    close(regression(&[2.0, 2.0], &[2.0, 2.0])["r2"], 1.0);
    close(regression(&[2.0, 2.0], &[2.0, 3.0])["r2"], 0.0);
}

#[test]
fn a_roc_curve_goes_from_corner_to_corner_and_is_thinned() {
    // By scikit-learn: roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).
    let curve = roc_curve(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true], 200);
    assert_eq!(curve, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
    assert!(roc_curve(&[0.1, 0.2], &[true, true], 9).is_empty());
    assert_eq!(roc_curve(&[0.5; 4], &[true, false, true, false], 9), [(0.0, 0.0), (1.0, 1.0)]);
    let scores: Vec<f64> = (0..5000).map(|n| f64::from(n * 7919 % 5000) / 5000.0).collect();
    let positive: Vec<bool> = (0..5000).map(|n| n % 3 == 0).collect();
    let curve = roc_curve(&scores, &positive, 200);
    assert!(curve.len() <= 200, "{}", curve.len());
    assert_eq!((curve[0], curve[curve.len() - 1]), ((0.0, 0.0), (1.0, 1.0)));
    assert!(curve.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
}

#[test]
fn calibration_bins_hold_each_row_once() {
    let bins = calibration(&[0.05, 0.15, 0.12, 1.0], &[false, true, false, true], 10);
    assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [1, 2, 1]);
    assert!((bins[1].mean_predicted - 0.135).abs() < 1e-12);
    assert!((bins[1].fraction_of_positives - 0.5).abs() < 1e-12);
    assert!(calibration(&[], &[], 10).is_empty());
}
