//! Searches that find, stop, go on, and spaces that make no sense.

use serde_json::json;

use super::*;
use crate::sample::{housing, iris, quick, titanic};
use crate::train::train;

fn spec(sampler: Sampler, trials: usize, space: Value) -> SearchSpec {
    let Value::Object(space) = space else { panic!("not an object") };
    SearchSpec { trials, sampler, metric: None, space, prune: true }
}

fn run(search: &mut Search<'_>) {
    while search.next_trial(&mut |_| {}).is_some() {}
}

#[test]
fn a_search_is_the_same_again_and_goes_on_where_it_was_stopped() {
    let (dataset, train) = (iris(), quick("k_neighbors"));
    let wanted = spec(Sampler::Tpe, 16, json!({}));
    let mut whole = Search::new(&dataset, &train, &wanted, Vec::new()).unwrap();
    run(&mut whole);
    assert_eq!(whole.trials().len(), 16);
    let mut first = Search::new(&dataset, &train, &wanted, Vec::new()).unwrap();
    for _ in 0..11 {
        first.next_trial(&mut |_| {}).unwrap();
    }
    // As they are written and read, and in any order; what lies behind a gap is done again.
    let text = serde_json::to_string(first.trials()).unwrap();
    let mut kept: Vec<Trial> = serde_json::from_str(&text).unwrap();
    kept.reverse();
    kept.push(Trial { number: 14, ..kept[0].clone() });
    let mut rest = Search::new(&dataset, &train, &wanted, kept).unwrap();
    assert_eq!(rest.trials().len(), 11);
    run(&mut rest);
    assert_eq!(rest.trials(), whole.trials());
    assert_eq!(rest.best(), whole.best());
}

#[test]
fn what_is_found_is_better_than_what_is_there_without_a_search() {
    let dataset = titanic();
    let given = json!({ "max_depth": { "low": 1, "high": 20 } });
    let wanted = spec(Sampler::Tpe, 20, given);
    let base = quick("decision_tree");
    let mut search = Search::new(&dataset, &base, &wanted, Vec::new()).unwrap();
    run(&mut search);
    let best = search.best().unwrap();
    let plain = train(&dataset, &base, &mut |_| {}).unwrap();
    assert!(best.value().unwrap() < plain.metrics["cv_log_loss_mean"]);
    // The trial's figure is the one that the folds of a training with it give.
    let chosen = TrainSpec { hyperparameters: best.hyperparameters.clone(), ..base.clone() };
    let again = train(&dataset, &chosen, &mut |_| {}).unwrap();
    assert_eq!(again.metrics["cv_log_loss_mean"], best.value().unwrap());
}

#[test]
fn hopeless_trials_are_pruned_and_never_the_best() {
    let dataset = housing();
    let given = json!({ "alpha": { "low": 0.001, "high": 100.0, "log": true } });
    let wanted = spec(Sampler::Random, 30, given);
    let base = quick("elastic_net");
    let mut search = Search::new(&dataset, &base, &wanted, Vec::new()).unwrap();
    run(&mut search);
    let pruned: Vec<&Trial> =
        search.trials().iter().filter(|trial| trial.state == TrialState::Pruned).collect();
    assert!(!pruned.is_empty());
    let best = search.best().unwrap().value().unwrap();
    assert!(pruned.iter().all(|trial| trial.values.len() == 1 && trial.values[0] > best));
    let all = SearchSpec { prune: false, ..wanted };
    let mut search = Search::new(&dataset, &base, &all, Vec::new()).unwrap();
    run(&mut search);
    assert!(search.trials().iter().all(|trial| trial.state == TrialState::Complete));
}

#[test]
fn a_grid_tries_every_combination_once() {
    let dataset = iris();
    let given = json!({ "weights": ["uniform", "distance"], "n_neighbors": [1, 3, 5] });
    let wanted = spec(Sampler::Grid, 100, given);
    let base = quick("k_neighbors");
    let mut search = Search::new(&dataset, &base, &wanted, Vec::new()).unwrap();
    assert_eq!(search.total(), 6);
    run(&mut search);
    let tried: std::collections::BTreeSet<String> = search
        .trials()
        .iter()
        .map(|trial| Value::Object(trial.hyperparameters.clone()).to_string())
        .collect();
    assert_eq!(tried.len(), 6);
}

#[test]
fn a_trial_that_cannot_be_fitted_has_failed_and_the_search_goes_on() {
    let dataset = iris();
    let wanted = spec(Sampler::Grid, 3, json!({ "n_neighbors": [500, 5] }));
    let base = quick("k_neighbors");
    let mut search = Search::new(&dataset, &base, &wanted, Vec::new()).unwrap();
    run(&mut search);
    let [failed, fine] = search.trials() else { panic!("two trials") };
    assert_eq!(failed.state, TrialState::Failed);
    assert!(failed.fault.as_deref().unwrap().contains("`n_neighbors` is 500"));
    assert_eq!(search.best(), Some(fine));
}

#[test]
fn a_space_that_makes_no_sense_is_refused() {
    let dataset = iris();
    let refusal = |model: &str, space: Value, fixed: Value| {
        let wanted = spec(Sampler::Tpe, 3, space);
        let mut base = quick(model);
        base.hyperparameters = fixed.as_object().unwrap().clone();
        Search::new(&dataset, &base, &wanted, Vec::new()).unwrap_err().to_string()
    };
    let none = json!({});
    assert_eq!(
        refusal("xgboost", json!({ "max_dept": [3] }), none.clone()),
        "model `xgboost` has no hyperparameter `max_dept` (did you mean `max_depth`?)"
    );
    let cases = [
        (json!({ "max_depth": { "low": 9, "high": 3 } }), "9 to 3"),
        (json!({ "max_depth": { "low": 0, "high": 3, "log": true } }), "0 to 3"),
        (json!({ "max_depth": { "low": 1, "high": 300 } }), "300, where it takes an integer"),
        (json!({ "max_depth": { "low": 1, "height": 3 } }), "a table with `height`"),
        (json!({ "max_depth": [] }), "[]"),
        (json!({ "max_depth": 3 }), "3"),
    ];
    for (space, found) in cases {
        let error = refusal("xgboost", space, none.clone());
        assert!(
            error.starts_with(&format!("hyperparameter `search.max_depth` is {found}")),
            "{error}"
        );
    }
    let error = refusal("xgboost", json!({ "eta": [0.1] }), json!({ "learning_rate": 0.2 }));
    assert!(error.contains("given twice"), "{error}");
    assert!(refusal("logistic_regression", none.clone(), json!({ "C": 1 })).contains("is empty"));
    let wanted = SearchSpec { metric: Some("rmse".into()), ..spec(Sampler::Tpe, 3, none) };
    let error = Search::new(&dataset, &quick("xgboost"), &wanted, Vec::new()).unwrap_err();
    assert!(error.to_string().starts_with("hyperparameter `metric` is `rmse`; expected one of"));
}
