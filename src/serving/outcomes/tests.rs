//! Verdicts on versions.

use super::arms::Arms;
use super::*;
use crate::types::Timestamp;

fn told(arms: &Arms, version: u32, hour: i64, scores: &[f64]) {
    for score in scores {
        arms.add(&Outcome {
            id: String::new(),
            row: 0,
            kind: Kind::Truth,
            model: "iris".to_owned(),
            version,
            predicted_at: Timestamp::from_second(hour * 3600).unwrap(),
            metric: Metric::Accuracy,
            score: *score,
        });
    }
}

fn scores(right: usize, of: usize) -> Vec<f64> {
    (0..of).map(|n| f64::from(u8::from(n < right))).collect()
}

#[test]
fn of_little_truth_it_is_said_how_much_is_missing() {
    let arms = Arms::default();
    told(&arms, 1, 5, &scores(50, 60));
    told(&arms, 2, 5, &scores(12, 12));
    let (figures, verdicts) = arms.view("iris", Some(1));
    assert_eq!((figures[0].version, figures[0].outcomes), (1, 60));
    assert_eq!((verdicts[0].verdict.as_str(), verdicts[0].more), ("unclear", Some(18)));
    assert_eq!(
        verdicts[0].text,
        "v2 and v1: not enough yet: 12 and 60 outcomes of the same hours, and 30 of each is the \
         least"
    );
}

#[test]
fn a_clear_lead_is_called_one_and_says_how_sure_it_is() {
    let arms = Arms::default();
    told(&arms, 1, 5, &scores(300, 400));
    told(&arms, 2, 5, &scores(360, 400));
    let (_, verdicts) = arms.view("iris", Some(1));
    assert_eq!(verdicts[0].verdict, "better");
    assert_eq!(
        verdicts[0].text,
        "v2 is better than v1: accuracy 0.900 against 0.750, +0.150 (95 %: +0.098 to +0.201; p \
         below 0.001)"
    );
    let (_, verdicts) = arms.view("iris", Some(2));
    assert_eq!((verdicts[0].version, verdicts[0].verdict.as_str()), (1, "worse"));
}

#[test]
fn a_small_lead_is_not_called_one() {
    let arms = Arms::default();
    told(&arms, 1, 5, &scores(90, 100));
    told(&arms, 2, 5, &scores(93, 100));
    let (_, verdicts) = arms.view("iris", Some(1));
    assert_eq!(verdicts[0].verdict, "unclear");
    let more = verdicts[0].more.unwrap();
    assert!((1000..3000).contains(&more), "{more}");
    assert!(verdicts[0].text.contains("not to be told apart yet"), "{}", verdicts[0].text);
}

#[test]
fn only_hours_in_which_both_predicted_are_compared() {
    let arms = Arms::default();
    // An easy day that the new version did not see.
    told(&arms, 1, 5, &scores(1000, 1000));
    told(&arms, 1, 9, &scores(50, 100));
    told(&arms, 2, 9, &scores(90, 100));
    let (_, verdicts) = arms.view("iris", Some(1));
    assert_eq!(verdicts[0].verdict, "better");
    assert!(verdicts[0].text.contains("0.900 against 0.500"), "{}", verdicts[0].text);
}

#[test]
fn of_errors_less_is_better() {
    let arms = Arms::default();
    for (version, error) in [(1, 2.0), (2, 1.0)] {
        for n in 0..40 {
            arms.add(&Outcome {
                id: String::new(),
                row: 0,
                kind: Kind::Truth,
                model: "housing".to_owned(),
                version,
                predicted_at: Timestamp::UNIX_EPOCH,
                metric: Metric::AbsoluteError,
                score: error + f64::from(n % 5) / 10.0,
            });
        }
    }
    let (figures, verdicts) = arms.view("housing", Some(1));
    let names: Vec<_> = figures.iter().map(|arm| (arm.version, arm.metric.as_str())).collect();
    assert_eq!(names, [(1, "mae"), (1, "rmse"), (2, "mae"), (2, "rmse")]);
    assert_eq!((verdicts[0].verdict.as_str(), verdicts[0].metric.as_str()), ("better", "mae"));
    assert!(arms.view("iris", None).0.is_empty());
}
