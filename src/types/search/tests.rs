//! What is a filter and what is not, as MLflow itself says: `mlflow.json` is what its parser took
//! and refused.

use serde_json::Value;

use super::*;

fn cases(kind: &str) -> Vec<(String, bool)> {
    let all: Value = serde_json::from_str(include_str!("mlflow.json")).unwrap();
    let list = all[kind].as_array().unwrap();
    list.iter()
        .map(|case| (case[0].as_str().unwrap().to_owned(), case[1].as_bool().unwrap()))
        .collect()
}

/// Where this reader means to differ: what MLflow's passes over in silence is a mistake here, and
/// blanks are no filter.
const STRICTER: [&str; 4] =
    ["metrics.a > 1 metrics.b > 2", "metrics.a > 1 and", "and metrics.a > 1", "metrics. > 1"];
const LAXER: [&str; 2] = ["   ", "attributes.`run name`"];

#[test]
fn filters_are_taken_and_refused_as_mlflow_does() {
    for (text, is_taken) in cases("filters") {
        let expected = match text.as_str() {
            text if STRICTER.contains(&text) => false,
            text if LAXER.contains(&text) => true,
            _ => is_taken,
        };
        let read = filter(&text);
        assert_eq!(read.is_ok(), expected, "`{text}`: {read:?}");
    }
}

#[test]
fn orders_are_taken_and_refused_as_mlflow_does() {
    for (text, is_taken) in cases("orders") {
        let expected = is_taken || LAXER.contains(&text.as_str());
        assert_eq!(order(&text).is_ok(), expected, "`{text}`: {:?}", order(&text));
    }
}

#[test]
fn a_filter_is_read_into_its_clauses() {
    let clauses = filter("metrics.a >= .5 and tags.`mlflow.x` ILIKE '%it''s%' and run_id IN ('a')");
    let clause = |subject, comparator, operand| Clause { subject, comparator, operand };
    assert_eq!(
        clauses.unwrap(),
        [
            clause(Subject::Metric("a".into()), Comparator::GreaterOrEqual, Operand::Number(0.5)),
            clause(
                Subject::Tag("mlflow.x".into()),
                Comparator::ILike,
                Operand::Text("%it's%".into())
            ),
            clause(
                Subject::Attribute(Attribute::RunId),
                Comparator::In,
                Operand::List(vec!["a".into()])
            ),
        ]
    );
}

#[test]
fn each_thing_has_words_of_its_own() {
    let own = |vocabulary: &'static Vocabulary, text: &str| vocabulary.filter(text).is_ok();
    for (text, expected) in [
        // Runs, experiments, logged models.
        ("name = 'x'", [false, true, true]),
        ("metrics.a > 1", [true, false, true]),
        ("params.a = 'x'", [true, false, true]),
        ("tags.a = 'x'", [true, true, true]),
        ("tags.a IS NULL", [true, true, false]),
        ("datasets.name = 'x'", [true, false, false]),
        ("run_id IN ('a')", [true, false, false]),
        ("experiment_id IN ('1')", [false, true, false]),
        ("creation_time > 1", [false, true, true]),
    ] {
        let found = [
            own(&vocabulary::RUNS, text),
            own(&vocabulary::EXPERIMENTS, text),
            own(&vocabulary::LOGGED_MODELS, text),
        ];
        assert_eq!(found, expected, "{text}");
    }
    assert!(vocabulary::MODEL_VERSIONS.order("creation_timestamp DESC").is_ok());
    assert!(vocabulary::MODEL_VERSIONS.order("run_id").is_err());
    assert!(vocabulary::RUNS.order("datasets.name").is_err());
}

#[test]
fn a_mistake_names_its_place_and_what_is_wanted() {
    for (text, at, words) in [
        ("metrics.a >", 11, "it ends where metrics.a is compared with a number"),
        ("metrics.a > 'x'", 12, "is compared with a number"),
        ("params.model = xgb", 15, "in quotes: 'xgb'"),
        ("metrics.train-logloss < 1", 13, "backticks"),
        ("metrics.a > 1 or metrics.b > 1", 14, "joined by AND"),
        ("metrics.a > 1 and", 17, "after AND"),
        ("metric > 1", 0, "metric.accuracy"),
        ("foo.bar = 'x'", 0, "there is no `foo.`"),
        ("statos = 'x'", 0, "there is no attribute `statos`"),
        ("params.a = 'x", 11, "never closed"),
        ("metrics.a == 1", 10, "`==` where"),
        ("params.a > 'x'", 9, "is a text"),
        ("metrics.a > 1e999", 12, "is not a number"),
        ("run_id IN ('a' 'b')", 15, "`,` or `)`"),
        ("métrics > 1", 0, "no attribute"),
    ] {
        let mistake = filter(text).unwrap_err();
        assert_eq!(mistake.at, at, "`{text}`: {}", mistake.message);
        assert!(mistake.message.contains(words), "`{text}`: {}", mistake.message);
    }
    let fault = filter("a b").unwrap_err().fault("filter", "a b");
    assert!(fault.to_string().contains("character 1"), "{fault}");
}

#[test]
fn what_is_meant_as_a_filter_is_told_from_plain_words() {
    for text in ["metrics.a", "params.model LIKE", "status = 'x'", " tags.`a", "loss<1"] {
        assert!(is_meant(text), "{text}");
    }
    for text in ["xgboost", "iris fast", "!failed", "metrics", "a.b", "run"] {
        assert!(!is_meant(text), "{text}");
    }
}

#[test]
fn an_order_is_written_as_it_is_read() {
    for name in ["accuracy", "train-logloss", "a.b", "a b", "x`y", "5"] {
        let order_by = Order { subject: Subject::Metric(name.into()), is_descending: true };
        assert_eq!(order(&order_by.to_string()), Ok(order_by));
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let pieces = [
        "metrics", ".", "`", "'", "\"", "(", ")", ",", "-", "1", "=", "<", " ", "é", "in", "not",
        "is", "and",
    ];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let text = format!("{a}{b}{c}{a}");
                let (_, _, _) = (filter(&text), order(&text), is_meant(&text));
            }
        }
    }
}
