//! Splits, folds and figures, and what cannot be trained.

mod data;

use serde_json::json;

use crate::dag::spec::TableSpec;

use super::*;
use crate::dataset::Target;
use crate::sample::{FAMILIES, full, holes, housing, iris, quick, titanic};

fn run(dataset: &Dataset, spec: &TrainSpec) -> Result<Trained, TrainError> {
    train(dataset, spec, &mut |_| {})
}

fn with(model: &str, hyperparameters: Value) -> TrainSpec {
    let Value::Object(hyperparameters) = hyperparameters else { panic!("not an object") };
    TrainSpec { hyperparameters, ..quick(model) }
}

fn refusal(model: &str, hyperparameters: Value) -> String {
    run(&iris(), &with(model, hyperparameters)).unwrap_err().to_string()
}

#[test]
fn a_split_holds_out_a_fifth_of_every_class_and_no_row_twice() {
    for (dataset, test) in [(iris(), 30), (titanic(), 440), (housing(), 101)] {
        let (train_rows, test_rows) = split(&dataset, 7, 0.2);
        assert_eq!(test_rows.len(), test);
        let mut all: Vec<usize> = train_rows.iter().chain(&test_rows).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..dataset.rows()).collect::<Vec<_>>());
        if let Target::Classes { classes, rows } = &dataset.target_values {
            for class in 0..classes.len() {
                let of = |part: &[usize]| part.iter().filter(|row| rows[**row] == class).count();
                let whole = of(&train_rows) + of(&test_rows);
                assert_eq!(of(&test_rows), (whole as f64 * 0.2).round() as usize);
            }
        }
    }
}

#[test]
fn folds_cover_the_rows_once_and_hold_each_class_evenly() {
    let dataset = titanic();
    let (rows, _) = split(&dataset, 7, 0.2);
    let folds = split::folds(&dataset, &rows, 7, 5);
    assert!(folds.iter().all(|(others, fold)| others.len() + fold.len() == rows.len()));
    let folds: Vec<Vec<usize>> = folds.into_iter().map(|(_, fold)| fold).collect();
    let mut all: Vec<usize> = folds.iter().flatten().copied().collect();
    all.sort_unstable();
    assert_eq!(all, rows);
    let Target::Classes { rows: of, .. } = &dataset.target_values else { panic!("classes") };
    let yes: Vec<usize> =
        folds.iter().map(|fold| fold.iter().filter(|row| of[**row] == 1).count()).collect();
    assert!(yes.iter().max().unwrap() - yes.iter().min().unwrap() <= 1, "{yes:?}");
}

#[test]
fn the_same_seed_gives_the_same_model_to_the_last_bit_and_another_seed_another() {
    for dataset in [iris(), housing()] {
        for model in FAMILIES {
            let Ok(one) = run(&dataset, &quick(model)) else { continue };
            let again = run(&dataset, &quick(model)).unwrap();
            assert_eq!(one.model.to_bytes(), again.model.to_bytes(), "{model}");
            assert_eq!(one.metrics, again.metrics, "{model}");
            let other = run(&dataset, &TrainSpec { seed: 43, ..quick(model) }).unwrap();
            assert_ne!(one.model.to_bytes(), other.model.to_bytes(), "{model}");
        }
    }
}

#[test]
fn held_out_and_cross_validated_figures_are_all_recorded() {
    let trained = run(&iris(), &full("logistic_regression")).unwrap();
    let names = [
        "accuracy",
        "balanced_accuracy",
        "precision_macro",
        "recall_macro",
        "f1_macro",
        "f1_weighted",
        "log_loss",
        "roc_auc",
    ];
    for name in names {
        assert!(trained.metrics.contains_key(name), "{name}");
        let values = &trained.fold_metrics[name];
        assert_eq!(values.len(), 5, "{name}");
        let mean = values.iter().sum::<f64>() / 5.0;
        assert!((trained.metrics[&format!("cv_{name}_mean")] - mean).abs() < 1e-12);
        assert!(trained.metrics[&format!("cv_{name}_std")] >= 0.0);
    }
    assert_eq!((trained.train_rows, trained.test_rows), (120, 30));
    let trained = run(&housing(), &quick("linear_regression")).unwrap();
    for name in ["r2", "rmse", "mae", "mape", "cv_r2_mean", "cv_rmse_std"] {
        assert!(trained.metrics[name].is_finite(), "{name}");
    }
}

#[test]
fn what_was_used_is_recorded_defaults_included() {
    let trained = run(&iris(), &with("lightgbm", json!({ "n_estimators": 3, "seed": 9 }))).unwrap();
    assert_eq!(trained.params["n_estimators"], "3");
    assert_eq!(trained.params["num_leaves"], "31");
    assert_eq!(trained.params["seed"], "9");
    assert_eq!(trained.params["split_seed"], "42");
    assert_eq!(trained.tags["engine"], "dagdeck");
    assert_eq!(trained.tags["dataset_digest"], iris().digest);
    let trained = run(&iris(), &quick("random_forest")).unwrap();
    assert_eq!(trained.params["max_features"], "sqrt");
    assert_eq!(trained.params["max_depth"], "none");
}

#[test]
fn the_engines_recorded_are_the_ones_that_are_linked() {
    let lock = include_str!("../../../Cargo.lock");
    for model in FAMILIES {
        let (engine, version) = crate::estimator::family(model).unwrap().engine;
        let package = format!("name = \"{engine}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&package), "{engine} {version} is not what is linked");
    }
}

#[test]
fn artifacts_show_mistakes_and_what_matters() {
    let trained = run(&titanic(), &quick("random_forest")).unwrap();
    let read = |name: &str| serde_json::from_slice::<Value>(&trained.artifacts[name]).unwrap();
    let confusion = read("confusion_matrix.json");
    assert_eq!(confusion["classes"], json!(["no", "yes"]));
    let counts = confusion["matrix"].as_array().unwrap().iter().flat_map(|r| r.as_array().unwrap());
    assert_eq!(counts.map(|count| count.as_u64().unwrap()).sum::<u64>(), 440);
    let roc = &read("roc_curve.json")["classes"];
    assert_eq!((roc.as_array().unwrap().len(), &roc[0]["class"]), (1, &json!("yes")));
    let area = roc[0]["auc"].as_f64().unwrap();
    assert!((area - trained.metrics["roc_auc"]).abs() < 1e-12);
    let calibration = &read("calibration_curve.json")["classes"][0];
    let counts = calibration["count"].as_array().unwrap();
    assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 440);
    let importance = read("feature_importance.json");
    let shares = importance["importance"].as_object().unwrap();
    assert_eq!(shares.keys().next().unwrap(), "sex");
    let sum: f64 = shares.values().map(|share| share.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    let trained = run(&housing(), &quick("linear_regression")).unwrap();
    let files: Vec<_> = trained.artifacts.keys().collect();
    assert_eq!(
        files,
        [
            "feature_importance.json",
            "permutation_importance.json",
            "slices.json",
            HELD_OUT,
            PROFILE,
        ]
    );
}

#[test]
fn what_is_learnt_in_rounds_is_judged_after_each() {
    let trained = run(&titanic(), &quick("xgboost")).unwrap();
    let names: Vec<&String> = trained.round_metrics.keys().collect();
    assert_eq!(names, ["train-logloss", "test-logloss"]);
    let losses = &trained.round_metrics["test-logloss"];
    assert_eq!(losses.len(), 5);
    assert!((losses[4] - trained.metrics["log_loss"]).abs() < 1e-4, "{losses:?}");
    let trained = run(&iris(), &quick("lightgbm")).unwrap();
    let losses = &trained.round_metrics["test-mlogloss"];
    assert!((losses[4] - trained.metrics["log_loss"]).abs() < 1e-4, "{losses:?}");
    let trained = run(&housing(), &quick("lightgbm")).unwrap();
    assert!(trained.round_metrics.contains_key("test-rmse"));
    assert!(run(&iris(), &quick("random_forest")).unwrap().round_metrics.is_empty());
}

#[test]
fn progress_is_told_stage_by_stage() {
    let mut lines = Vec::new();
    let spec = quick("logistic_regression");
    train(&iris(), &spec, &mut |line| lines.push(line.to_owned())).unwrap();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0], "split 150 rows of `iris`: 120 to learn from, 30 held out");
    assert!(lines[1].starts_with("fold 1 of 2: accuracy 0."));
    assert!(lines[4].starts_with("held out: accuracy 0."));
}

#[test]
fn every_family_learns_from_columns_with_holes() {
    for task in [LearningTask::Classification, LearningTask::Regression] {
        for model in FAMILIES {
            match run(&holes(task), &quick(model)) {
                Ok(trained) => assert!(trained.metrics.values().all(|v| v.is_finite()), "{model}"),
                Err(error) => assert!(matches!(error, TrainError::WrongTask { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn an_unknown_model_is_refused_with_those_there_are() {
    assert_eq!(
        refusal("catboost", json!({})),
        "model `catboost` is unknown (there are xgboost, lightgbm, random_forest, extra_trees, decision_tree, logistic_regression, linear_regression, elastic_net, svm, naive_bayes, k_neighbors)"
    );
}

#[test]
fn a_model_for_another_task_is_refused_with_what_does_it() {
    assert_eq!(
        refusal("linear_regression", json!({})),
        "model `linear_regression` does not do classification (use one of xgboost, lightgbm, random_forest, extra_trees, decision_tree, logistic_regression, svm, naive_bayes, k_neighbors)"
    );
    let error = run(&housing(), &quick("logistic_regression")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "model `logistic_regression` does not do regression (use one of xgboost, lightgbm, random_forest, extra_trees, decision_tree, linear_regression, elastic_net, svm, k_neighbors)"
    );
}

#[test]
fn an_unknown_hyperparameter_is_refused_with_what_was_meant() {
    assert_eq!(
        refusal("xgboost", json!({ "max_dept": 3 })),
        "model `xgboost` has no hyperparameter `max_dept` (did you mean `max_depth`?)"
    );
    assert_eq!(
        refusal("logistic_regression", json!({ "zzz": 3 })),
        "model `logistic_regression` has no hyperparameter `zzz`"
    );
}

#[test]
fn a_hyperparameter_of_a_wrong_type_or_range_is_refused() {
    let cases = [
        (
            "xgboost",
            json!({ "n_estimators": 0 }),
            "`n_estimators` is 0; expected an integer from 1 to 10000",
        ),
        (
            "xgboost",
            json!({ "n_estimators": 2.5 }),
            "`n_estimators` is 2.5; expected an integer from 1 to 10000",
        ),
        (
            "xgboost",
            json!({ "learning_rate": "fast" }),
            "`learning_rate` is \"fast\"; expected a number above 0 and up to 1",
        ),
        ("xgboost", json!({ "eta": 0 }), "`eta` is 0; expected a number above 0 and up to 1"),
        (
            "xgboost",
            json!({ "eta": 0.1, "learning_rate": 0.1 }),
            "`learning_rate` is another name of `eta`, which is given too; expected one of them",
        ),
        (
            "lightgbm",
            json!({ "reg_alpha": -1 }),
            "`reg_alpha` is -1; expected a number from 0 to 1000000000",
        ),
        (
            "random_forest",
            json!({ "max_depth": "deep" }),
            "`max_depth` is \"deep\"; expected an integer from 1 to 10000 or null",
        ),
        ("random_forest", json!({ "bootstrap": 1 }), "`bootstrap` is 1; expected true or false"),
        (
            "random_forest",
            json!({ "max_features": "all" }),
            "`max_features` is \"all\"; expected sqrt, log2 or a number above 0 and up to 1",
        ),
        (
            "random_forest",
            json!({ "seed": -1 }),
            "`seed` is -1; expected an integer from 0 or null",
        ),
        (
            "logistic_regression",
            json!({ "C": null }),
            "`C` is null; expected a number above 0 and up to 1000000",
        ),
        (
            "svm",
            json!({ "kernel": "wavelet" }),
            "`kernel` is \"wavelet\"; expected one of rbf, linear, poly",
        ),
        ("svm", json!({ "gamma": -1 }), "`gamma` is -1; expected scale, auto or a number above 0"),
        (
            "random_forest",
            json!({ "class_weight": { "setosa": 0 } }),
            "`class_weight` is {\"setosa\":0}; expected balanced, a number above 0 for each class by name, or null",
        ),
        (
            "random_forest",
            json!({ "class_weight": { "rose": 2 } }),
            "`class_weight` is a table that names `rose`; expected classes of the data set: setosa, versicolor, virginica",
        ),
    ];
    for (model, given, expected) in cases {
        assert_eq!(refusal(model, given), format!("hyperparameter {expected}"));
    }
}

#[test]
fn whole_numbers_written_with_a_fraction_and_other_names_are_taken() {
    let trained =
        run(&iris(), &with("xgboost", json!({ "n_estimators": 3.0, "eta": 1, "max_depth": 0 })));
    let trained = trained.unwrap();
    assert_eq!(trained.params["learning_rate"], "1");
    let spec =
        with("random_forest", json!({ "n_estimators": 3, "max_depth": null, "bootstrap": false }));
    run(&iris(), &spec).unwrap();
}

#[test]
fn a_split_that_makes_no_sense_is_refused() {
    let spec = TrainSpec { test_size: 1.0, ..quick("xgboost") };
    let error = run(&iris(), &spec).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hyperparameter `test_size` is 1; expected a number between 0 and 1"
    );
    let error = run(&iris(), &TrainSpec { folds: 1, ..quick("xgboost") }).unwrap_err();
    assert_eq!(error.to_string(), "hyperparameter `folds` is 1; expected 2 or more");
}

#[test]
fn a_class_too_rare_for_the_folds_is_refused_with_how_many_are_needed() {
    let error = run(&iris(), &TrainSpec { folds: 41, ..full("xgboost") }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data set `iris`: class `setosa` has 50 rows; at least 51 are needed to split"
    );
    let spec = TrainSpec { folds: 500, ..full("xgboost") };
    let error = run(&housing(), &spec).unwrap_err();
    assert_eq!(error.to_string(), "data set `housing` has 506 rows; at least 625 are needed");
}

#[test]
fn a_table_without_any_value_says_so() {
    let text = (0..20).fold("gone,y\n".to_owned(), |text, n| text + &format!(",{}\n", n % 2));
    let task = LearningTask::Classification;
    let dataset =
        crate::dataset::read_csv("void", &TableSpec::new(task, "y"), text.as_bytes()).unwrap();
    let error = run(&dataset, &TrainSpec { folds: 2, ..full("linear_regression") }).unwrap_err();
    assert!(matches!(error, TrainError::WrongTask { .. }));
    // The missing indicator of a text column is all there is, and it is constant.
    let trained = run(&dataset, &quick("random_forest")).unwrap();
    assert!(trained.metrics["accuracy"] <= 0.5);
}

#[test]
fn a_regression_has_no_class_weights() {
    let error = run(&housing(), &with("xgboost", json!({ "class_weight": "balanced" })));
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("model `xgboost` has no hyperparameter `class_weight`"), "{error}");
    let trained = run(&housing(), &quick("xgboost")).unwrap();
    assert!(!trained.params.contains_key("class_weight"));
}

#[test]
fn balanced_classes_are_found_more_often_where_one_is_rare() {
    let dataset = rare();
    for model in FAMILIES {
        // A tree that may grow to its end answers for each row on its own.
        let shallow = match model {
            "random_forest" | "extra_trees" | "decision_tree" => json!({ "max_depth": 3 }),
            _ => json!({}),
        };
        let plain = run(&dataset, &with_also(model, &shallow));
        if let Err(TrainError::WrongTask { .. }) = plain {
            continue;
        }
        let mut balanced = shallow;
        balanced["class_weight"] = json!("balanced");
        let Ok(even) = run(&dataset, &with_also(model, &balanced)) else {
            assert_eq!(model, "k_neighbors");
            continue;
        };
        let found = |trained: &Trained| trained.metrics["recall_macro"];
        let plain = plain.unwrap();
        assert!(found(&even) > found(&plain), "{model}: {} {}", found(&even), found(&plain));
    }
}

/// Two classes that overlap; the second is rare.
fn rare() -> Dataset {
    let mut text = "x,z,y\n".to_owned();
    let mut random = crate::random::Random::new(3, crate::random::Stream::Split);
    for n in 0..600 {
        let is_rare = n % 12 == 0;
        let around = if is_rare { 1.0 } else { 0.0 };
        let (x, z) = (around + 2.0 * random.unit(), around + 2.0 * random.unit());
        text += &format!("{x:.2},{z:.2},{}\n", if is_rare { "yes" } else { "no" });
    }
    crate::dataset::read_csv(
        "rare",
        &TableSpec::new(LearningTask::Classification, "y"),
        text.as_bytes(),
    )
    .unwrap()
}

fn with_also(model: &str, more: &Value) -> TrainSpec {
    let mut spec = quick(model);
    spec.hyperparameters.extend(more.as_object().unwrap().clone());
    spec
}

#[test]
fn early_stopping_keeps_the_best_round_and_never_looks_at_held_out_rows() {
    for model in ["xgboost", "lightgbm"] {
        let given = json!({ "n_estimators": 400, "early_stopping_rounds": 5 });
        let trained = run(&titanic(), &with(model, given.clone())).unwrap();
        let rounds = trained.round_metrics["validation-logloss"].len();
        assert!(rounds < 400, "{model} ran {rounds} rounds");
        // Other answers in the held-out rows leave the model as it is.
        let (_, test) = split(&titanic(), 42, 0.2);
        let mut other = titanic();
        let Target::Classes { rows, .. } = &mut other.target_values else { panic!("classes") };
        for pair in test.chunks_exact(2) {
            rows.swap(pair[0], pair[1]);
        }
        // The strata stay as large as they were; which rows are drawn hangs on the classes, so
        // the parts are given.
        let part = |set: &Dataset| {
            let (train, _) = split(&titanic(), 42, 0.2);
            let known = family_for(model, set.task).unwrap();
            let given = given.as_object().unwrap();
            let settings = Settings::resolve(known, given, set.task, 42).unwrap();
            let fit = evaluate::fit(set, &train, &test, known, &settings, 42).unwrap();
            fit.estimator.to_json()
        };
        assert_eq!(part(&titanic()), part(&other), "{model}");
    }
}

#[test]
fn nothing_is_learnt_from_held_out_rows() {
    for (dataset, text) in [(titanic(), true), (housing(), false)] {
        let (train, test) = split(&dataset, 42, 0.2);
        // What only the held-out rows hold would show in every mean, width and category.
        let mut other = dataset.clone();
        for column in &mut other.features {
            for row in &test {
                match &mut column.values {
                    crate::dataset::ColumnValues::Number { values, .. } => values[*row] = Some(1e6),
                    crate::dataset::ColumnValues::Boolean(values) => values[*row] = None,
                    crate::dataset::ColumnValues::Text(values)
                    | crate::dataset::ColumnValues::Words(values) => {
                        values[*row] = Some("unheard of".to_owned());
                    }
                    crate::dataset::ColumnValues::Date(values) => values[*row] = Some(1e9),
                }
            }
        }
        assert_eq!(
            text,
            other.features.iter().any(|c| c.data_type() == crate::model::DataType::String)
        );
        for model in FAMILIES {
            let Ok(known) = family_for(model, dataset.task) else { continue };
            let spec = quick(model);
            let settings =
                Settings::resolve(known, &spec.hyperparameters, dataset.task, 42).unwrap();
            let fit = |set: &Dataset| {
                let fit = evaluate::fit(set, &train, &test, known, &settings, 42).unwrap();
                (serde_json::to_value(&fit.preprocess).unwrap(), fit.estimator.to_json())
            };
            assert!(fit(&dataset) == fit(&other), "{model} has seen held-out rows");
        }
    }
}

#[test]
fn one_thread_and_two_give_the_same_bytes() {
    for dataset in [titanic(), housing()] {
        for model in FAMILIES {
            if family_for(model, dataset.task).is_err() {
                continue;
            }
            let of = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| run(&dataset, &quick(model)).unwrap().model.to_bytes())
            };
            assert!(of(1) == of(2), "{model}");
        }
    }
}

#[test]
fn what_a_model_rests_on_is_told_in_three_ways() {
    let trained = run(&titanic(), &full("xgboost")).unwrap();
    let read = |file: &str| -> Value { serde_json::from_slice(&trained.artifacts[file]).unwrap() };
    for file in ["feature_importance.json", "permutation_importance.json", "shap_importance.json"] {
        let told = read(file);
        let shares = told["importance"].as_object().unwrap();
        assert_eq!(shares.len(), 3, "{file}");
        assert_eq!(shares.keys().next().unwrap(), "sex", "{file}");
    }
    let dropped = read("permutation_importance.json")["importance"]["sex"].as_f64().unwrap();
    assert!(dropped > 0.1 && dropped < 0.6, "{dropped}");
    // Who cannot say what it rests on is asked all the same.
    let trained = run(&iris(), &quick("k_neighbors")).unwrap();
    assert!(!trained.artifacts.contains_key("feature_importance.json"));
    assert!(trained.artifacts.contains_key("permutation_importance.json"));
}

#[test]
fn slices_have_figures_of_their_own_that_make_up_the_whole() {
    let trained = run(&titanic(), &full("logistic_regression")).unwrap();
    let read: Value = serde_json::from_slice(&trained.artifacts["slices.json"]).unwrap();
    let slices: Vec<Slice> = serde_json::from_value(read["slices"].clone()).unwrap();
    let of_sex: Vec<&Slice> = slices.iter().filter(|slice| slice.column == "sex").collect();
    assert_eq!(of_sex.iter().map(|s| s.rows).sum::<usize>(), trained.test_rows);
    let hits: f64 = of_sex.iter().map(|s| s.metrics["accuracy"] * s.rows as f64).sum();
    assert!((hits / 440.0 - trained.metrics["accuracy"]).abs() < 1e-12);
}
