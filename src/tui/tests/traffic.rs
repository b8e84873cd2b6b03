//! A rollout is steered and a model's traffic is split from the serving screen.

use crate::DeckOptions;
use crate::tests::{Driver, snapshots};
use crate::types::ask::Request;
use crate::types::serving::{RolloutWish, TrafficChange};

snapshots! {
    split_dialog: "6s";
    advance_dialog: "6n";
}

fn steered(driver: &Driver) -> Vec<RolloutWish> {
    let wish = |request: &Request| match request {
        Request::ChangeTraffic { model, change: TrafficChange::Rollout { wish } } => {
            assert_eq!(model, "iris");
            *wish
        }
        other => panic!("{other:?}"),
    };
    driver.mutations.iter().map(wish).collect()
}

#[test]
fn a_rollout_is_paused_advanced_and_aborted_after_a_question_that_names_it() {
    let mut driver = Driver::new(100, 30);
    driver.keys("6p");
    assert!(driver.text().contains("Pause the rollout of iris v4?"), "{}", driver.text());
    assert!(driver.mutations.is_empty());
    driver.keys("y");
    assert_eq!(steered(&driver), [RolloutWish::Pause]);
    assert!(driver.said().contains("paused the rollout of iris v4"), "{}", driver.said());
    driver.keys("n");
    let text = driver.text();
    assert!(text.contains("50 % of the requests go to it now, whatever the figures say"), "{text}");
    driver.keys("<esc>");
    driver.keys("x");
    assert!(driver.text().contains("The traffic goes back to where it was"), "{}", driver.text());
    driver.keys("y");
    assert_eq!(steered(&driver), [RolloutWish::Pause, RolloutWish::Abort]);
}

#[test]
fn percents_are_sent_only_where_they_are_100_together() {
    let mut driver = Driver::new(100, 30);
    driver.keys("6s<ctrl-u>80<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("the percents sum to 90, not to 100"), "{}", driver.said());
    driver.keys("<tab><ctrl-u>20<ctrl-y><ctrl-s>");
    assert_eq!(driver.copied, ["dagdeck serving traffic iris 3=80 4=20"]);
    assert!(matches!(
        &driver.mutations[..],
        [Request::ChangeTraffic { change: TrafficChange::Weights { weights }, .. }]
            if weights[..] == [(3, 80), (4, 20)]
    ));
}

#[test]
fn without_a_rollout_there_is_nothing_to_steer() {
    use crate::sample;
    use crate::types::ask::Answer;
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, |request| {
        let Request::ServingStatus = request else { return None };
        let Ok(Answer::Serving(mut status)) = sample::answer(request) else { return None };
        status.traffic.clear();
        Some(Ok(Answer::Serving(status)))
    });
    driver.keys("6x");
    assert!(!driver.is_asking());
    assert!(driver.said().contains("no version of this model is being rolled out"));
}
