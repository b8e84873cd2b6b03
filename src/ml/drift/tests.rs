//! What a gauge counts and what is made of it: on models of the sample data.

use serde_json::{Map, Value, json};

use super::*;
use crate::sample::{housing, iris, titanic};
use crate::types::drift::DriftFigureKind as Kind;
use crate::{Model, Predictor, TrainSpec, train};

fn trained(dataset: &crate::Dataset, model: &str) -> (Model, Profile) {
    let spec = TrainSpec {
        model: model.to_owned(),
        hyperparameters: Map::new(),
        seed: 1,
        test_size: 0.3,
        folds: 2,
    };
    let trained = train(dataset, &spec, &mut |_| {}).unwrap();
    let profile = &trained.artifacts[crate::train::PROFILE];
    (trained.model, serde_json::from_slice(profile).unwrap())
}

fn gauge(model: &Model, profile: &Profile) -> Gauge {
    Gauge::of(profile, model.signature(), Predictor::classes(model))
}

/// Asks all rows of a data set, each as `change` has it.
fn ask(
    model: &Model,
    gauge: &Gauge,
    dataset: &crate::Dataset,
    change: impl Fn(&mut Map<String, Value>),
) -> Vec<ColumnDrift> {
    let rows: Vec<Value> = (0..dataset.rows())
        .map(|row| {
            let cells = dataset.features.iter().map(|c| (c.name.clone(), c.json(row)));
            let mut record: Map<String, Value> = cells.collect();
            change(&mut record);
            Value::Object(record)
        })
        .collect();
    let batch = Batch::of_json(model.signature(), &rows).unwrap();
    gauge.count(&batch, &Predictor::answer(model, &batch).unwrap());
    let counts = gauge.drain();
    assert_eq!(gauge.rows(&counts), dataset.rows() as u64);
    gauge.judge(&counts, &DriftLimits::default())
}

fn crossed(columns: &[ColumnDrift]) -> Vec<(&str, Kind)> {
    let of = |column: &'_ ColumnDrift| {
        let over = column.figures.iter().filter(|figure| figure.is_crossed());
        over.map(|figure| figure.kind).collect::<Vec<_>>()
    };
    columns.iter().flat_map(|c| of(c).into_iter().map(|kind| (c.column.as_str(), kind))).collect()
}

#[test]
fn rows_of_the_training_data_have_not_drifted() {
    for (set, model) in [
        (iris(), "logistic_regression"),
        (titanic(), "naive_bayes"),
        (housing(), "linear_regression"),
    ] {
        let (model, profile) = trained(&set, model);
        let columns = ask(&model, &gauge(&model, &profile), &set, |_| {});
        assert_eq!(columns.len(), set.features.len() + 1, "all columns, and the answers");
        assert!(columns.iter().any(|column| column.is_answer));
        assert_eq!(crossed(&columns), [], "{columns:#?}");
        for column in &columns {
            let sum: f64 = column.bins.iter().map(|bin| bin.trained).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{column:?}");
        }
    }
}

#[test]
fn numbers_that_moved_are_told_first_and_the_others_not() {
    let set = iris();
    let (model, profile) = trained(&set, "logistic_regression");
    let columns = ask(&model, &gauge(&model, &profile), &set, |row| {
        let moved = row["sepal_length"].as_f64().unwrap() + 2.0;
        row.insert("sepal_length".to_owned(), json!(moved));
    });
    assert_eq!(columns[0].column, "sepal_length");
    let found = crossed(&columns);
    assert!(found.contains(&("sepal_length", Kind::Psi)), "{found:?}");
    assert!(found.contains(&("sepal_length", Kind::Ks)), "{found:?}");
    assert!(found.iter().all(|(name, _)| *name == "sepal_length" || *name == "species"));
}

#[test]
fn categories_that_were_never_seen_and_values_that_are_missing_have_figures() {
    let set = titanic();
    let (model, profile) = trained(&set, "naive_bayes");
    let columns = ask(&model, &gauge(&model, &profile), &set, |row| {
        row.insert("class".to_owned(), json!("steerage"));
    });
    let found = crossed(&columns);
    assert!(found.contains(&("class", Kind::Unseen)), "{found:?}");
    let unseen = columns.iter().find(|c| c.column == "class").unwrap();
    assert!((unseen.figure(Kind::Unseen).unwrap().value - 1.0).abs() < 1e-9);
    assert_eq!(
        unseen.bins.last().map(|bin| (bin.label.as_str(), bin.live)),
        Some(("(other)", 1.0))
    );

    let rows: Vec<Value> =
        (0..300).map(|n| json!({ "x": if n % 2 == 0 { Value::Null } else { json!(n) } })).collect();
    let profile = Profile {
        rows: 1000,
        columns: [("x".to_owned(), crate::profile::numbers((0..1000).map(|n| Some(f64::from(n)))))]
            .into_iter()
            .collect(),
        answers: None,
    };
    let signature: Signature = serde_json::from_value(json!({
        "inputs": [{ "name": "x", "type": "double", "required": false }], "outputs": [],
    }))
    .unwrap();
    let gauge = Gauge::of(&profile, &signature, &[]);
    let batch = Batch::of_json(&signature, &rows).unwrap();
    gauge.count(&batch, &Answers::new(1, vec![0.0; 300]));
    let columns = gauge.judge(&gauge.drain(), &DriftLimits::default());
    let missing = columns[0].figure(Kind::Missing).unwrap();
    assert!(missing.is_crossed() && (missing.value - 0.5).abs() < 1e-9, "{missing:?}");
    assert_eq!(columns[0].rows, 300);
}

#[test]
fn answers_that_moved_are_drift_too() {
    let set = iris();
    let (model, profile) = trained(&set, "logistic_regression");
    let columns = ask(&model, &gauge(&model, &profile), &set, |row| {
        for name in ["petal_length", "petal_width"] {
            row.insert(name.to_owned(), json!(0.2));
        }
    });
    let answers = columns.iter().find(|column| column.is_answer).unwrap();
    assert!(answers.figure(Kind::Psi).unwrap().is_crossed(), "{answers:?}");
    assert_eq!(answers.column, "species");
}

#[test]
fn what_chance_may_bring_is_no_drift() {
    // Forty rows of a hundred and five: an index above the limit means nothing yet.
    let set = iris();
    let (model, profile) = trained(&set, "logistic_regression");
    let gauge = gauge(&model, &profile);
    let record = |row: usize| {
        let cells = set.features.iter().map(|c| (c.name.clone(), c.json(row)));
        Value::Object(cells.collect())
    };
    let rows: Vec<Value> = (0..150).step_by(4).map(record).collect();
    let batch = Batch::of_json(model.signature(), &rows).unwrap();
    gauge.count(&batch, &Predictor::answer(&model, &batch).unwrap());
    let columns =
        gauge.judge(&gauge.drain(), &DriftLimits { psi: 0.01, ks: 0.01, ..DriftLimits::default() });
    let psi = columns[0].figure(Kind::Psi).unwrap();
    assert!(psi.value > psi.limit && psi.value < psi.chance, "{psi:?}");
    assert_eq!(crossed(&columns), []);
}

#[test]
fn nothing_is_counted_twice_or_lost_by_threads() {
    let set = housing();
    let (model, profile) = trained(&set, "linear_regression");
    let gauge = gauge(&model, &profile);
    let cells = set.features.iter().map(|c| (c.name.clone(), c.json(0)));
    let batch = Batch::of_json(model.signature(), &[Value::Object(cells.collect())]).unwrap();
    let answers = Predictor::answer(&model, &batch).unwrap();
    let mut drained = Counts::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|_| gauge.count(&batch, &answers)));
        }
        (0..50).for_each(|_| drained.add(&gauge.drain()));
    });
    drained.add(&gauge.drain());
    assert_eq!(gauge.rows(&drained), 4000);
}

#[test]
fn of_very_many_rows_some_are_looked_at() {
    let set = housing();
    let (model, profile) = trained(&set, "linear_regression");
    let gauge = gauge(&model, &profile);
    let cells = set.features.iter().map(|c| (c.name.clone(), c.json(0)));
    let row = Value::Object(cells.collect());
    let batch = Batch::of_json(model.signature(), &vec![row; 50_000]).unwrap();
    gauge.count(&batch, &Answers::new(1, vec![0.0; 50_000]));
    let rows = gauge.rows(&gauge.drain());
    assert!((3_000..=4_096).contains(&rows), "{rows}");
    // Every other row is another one: both are seen.
    let row = |n: usize| if n.is_multiple_of(2) { json!({"x": 1}) } else { json!({"x": 9}) };
    let rows: Vec<Value> = (0..20_000).map(row).collect();
    let values = (0..100).map(|n| Some(if n % 2 == 0 { 1.0 } else { 9.0 }));
    let columns = [("x".to_owned(), crate::profile::numbers(values))].into_iter().collect();
    let profile = Profile { rows: 100, columns, answers: None };
    let signature: Signature = serde_json::from_value(json!({
        "inputs": [{ "name": "x", "type": "double", "required": true }], "outputs": [],
    }))
    .unwrap();
    let gauge = Gauge::of(&profile, &signature, &[]);
    let batch = Batch::of_json(&signature, &rows).unwrap();
    gauge.count(&batch, &Answers::new(1, vec![0.0; rows.len()]));
    let columns = gauge.judge(&gauge.drain(), &DriftLimits::default());
    assert_eq!(crossed(&columns), [], "{columns:#?}");
}

#[test]
fn what_another_gauge_has_counted_is_counted_once() {
    let set = housing();
    let (model, profile) = trained(&set, "linear_regression");
    let cells = set.features.iter().map(|c| (c.name.clone(), c.json(0)));
    let row = Value::Object(cells.collect());
    let batch = Batch::of_json(model.signature(), &vec![row; 10]).unwrap();
    let [here, there] = [(); 2].map(|()| gauge(&model, &profile));
    for gauge in [&here, &there] {
        gauge.count(&batch, &Answers::new(1, vec![0.0; 10]));
    }
    here.put(&there.drain());
    here.put(&there.drain());
    // Of another model: it has other places.
    here.put(&Counts(vec![1]));
    assert_eq!(here.rows(&here.drain()), 20);
}

#[test]
fn a_profile_without_bins_is_told() {
    let set = housing();
    let (model, mut profile) = trained(&set, "linear_regression");
    for column in profile.columns.values_mut() {
        if let crate::profile::ColumnProfile::Numbers { shares, .. } = column {
            shares.clear();
        }
    }
    let old = gauge(&model, &profile);
    assert!(!old.is_watching());
    assert_eq!(old.problem(), Some("the model's training profile has no bins: train it again"));
    profile.columns.shift_remove("rm");
    assert!(Gauge::without("no profile").drain().0.is_empty());
}
