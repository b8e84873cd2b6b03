//! Definitions as JSON: what is read back is what was written.

use std::path::Path;

use super::load_text;
use crate::check::version;
use crate::types::settings::Settings;
use crate::{Dag, load};

fn again(dag: &Dag) -> Dag {
    let text = serde_json::to_string(dag).unwrap();
    let mut again: Dag = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    assert_eq!(version::digest(&again), dag.version);
    again.source.clone_from(&dag.source);
    again
}

#[test]
fn every_definition_of_the_sample_comes_back_whole() {
    let deck = load(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
        &|_| None,
        &Settings::default(),
    )
    .unwrap();
    for dag in deck.dags.values() {
        assert_eq!(format!("{:?}", again(dag)), format!("{dag:?}"));
    }
}

#[test]
fn every_kind_of_schedule_comes_back_whole() {
    let schedules = [
        "\"@daily\"",
        "\"30 2 * * *\"",
        "\"*/5 * * * *\"",
        "{ assets = \"one & (two | models:/*@production)\" }",
    ];
    for schedule in schedules {
        let text = format!(
            "[asset.one]\nuri = \"file:a\"\n[asset.two]\nuri = \"file:b\"\n[dag.d]\n\
             timezone = \"Europe/Berlin\"\nschedule = {schedule}\n\
             [dag.d.task.t]\noperator = \"empty\"\n"
        );
        let deck = load_text(&text).unwrap_or_else(|errors| panic!("{schedule}: {errors:?}"));
        let dag = &deck.dags["d"];
        assert_eq!(format!("{:?}", again(dag)), format!("{dag:?}"));
    }
}
