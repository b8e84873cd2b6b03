//! What is kept how long.

use std::time::Duration;

use super::*;
use crate::retention::RunLimits;

#[test]
fn a_dag_says_its_own_over_what_the_deck_says() {
    let text = "[deck.retention]\nruns_max_age = \"90d\"\nlogs_max_age = \"30d\"\n\
                store_max_size = \"2GB\"\ndeleted_max_age = \"30d\"\n[dag.base.retention]\nruns_max_age = \"1d\"\n\
                runs_max_count = 7\n[dag.other.task.t]\noperator = \"empty\"\n";
    let deck = load_more(text).unwrap();
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    assert_eq!(deck.retention.store_max_size, Some(2_000_000_000));
    assert_eq!(deck.retention.deleted_max_age, days(30));
    assert_eq!(
        deck.retention.of(&"base".into()),
        RunLimits { runs_max_age: days(1), runs_max_count: Some(7), logs_max_age: days(30) }
    );
    let others = deck.retention.of(&"other".into());
    assert_eq!((others.runs_max_age, others.runs_max_count), (days(90), None));
}

#[test]
fn what_is_kept_makes_no_other_version_of_a_dag() {
    let plain = load_more("").unwrap();
    let kept = load_more("[dag.base.retention]\nruns_max_count = 7\n").unwrap();
    let version = |deck: &Deck| deck.dags["base"].version.clone();
    assert_eq!(version(&plain), version(&kept));
}
