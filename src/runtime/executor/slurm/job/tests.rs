//! Listings as Slurm printed them: 22.05 as it was asked here, and the shape of 24.05.

use super::*;

const OLD: &[u8] = include_bytes!("../fixtures/squeue-22.05.json");
const NEW: &[u8] = include_bytes!("../fixtures/squeue-24.05.json");

fn job(text: &[u8], id: &str) -> Job {
    let listing = parse(text).unwrap();
    assert!(listing.is_whole);
    listing.jobs.into_iter().find(|job| job.id == id).unwrap()
}

#[test]
fn both_shapes_say_the_same() {
    for text in [OLD, NEW] {
        let running = job(text, "1");
        assert_eq!((running.stage(), running.comment.as_str()), (Stage::Active, "dagdeck:one"));
        assert_eq!(running.standing(), "Slurm job 1 on n1");
        assert!(running.holds(None) && !running.holds(Some(0)));
        let failed = job(text, "2_0");
        assert_eq!((failed.stage(), failed.exit_code), (Stage::Over, Some(3)));
        assert_eq!(failed.how(), "Slurm says FAILED (exit code 3)");
        assert!(failed.holds(Some(0)) && !failed.holds(Some(1)) && !failed.holds(None));
        let waits = job(text, "19");
        assert_eq!(waits.stage(), Stage::Pending);
        assert!(waits.holds(Some(6)) && !waits.holds(Some(7)) && waits.holds(Some(499)));
        let never = job(text, "4");
        assert!(never.standing().starts_with("Slurm job 4 is pending (PartitionConfig: no node"));
        let killed = job(text, "5");
        assert_eq!(killed.how(), "it was cancelled in Slurm (signal 15)");
    }
}

#[test]
fn what_ends_still_has_processes_and_a_failed_node_is_not_the_end_of_what_is_queued_again() {
    let base = job(OLD, "2_0");
    let with = |states: &[&str], requeues| Job {
        states: states.iter().map(|state| (*state).to_owned()).collect(),
        requeues,
        ..base.clone()
    };
    assert_eq!(with(&["FAILED", "COMPLETING"], false).stage(), Stage::Active);
    assert_eq!(with(&["NODE_FAIL"], true).stage(), Stage::Active);
    assert_eq!(with(&["NODE_FAIL"], false).stage(), Stage::Over);
    assert_eq!(with(&["A_STATE_OF_TOMORROW"], false).stage(), Stage::Active);
}

#[test]
fn a_job_that_could_not_be_launched_is_stuck() {
    let held = |reason: &str, description: &str| Job {
        states: vec!["PENDING".into()],
        reason: reason.into(),
        description: description.into(),
        ..job(OLD, "1")
    };
    assert_eq!(held("None", "launch failed requeued held").stage(), Stage::Stuck);
    assert_eq!(held("launch_failed_requeued_held", "").stage(), Stage::Stuck);
    assert_eq!(held("JobHeldUser", "").stage(), Stage::Pending);
}

#[test]
fn a_job_beyond_reading_makes_the_listing_no_proof_of_what_is_missing() {
    let listing = parse(br#"{"jobs": [{"job_id": "?"}, {"job_id": 1, "job_state": "RUNNING"}]}"#);
    let listing = listing.unwrap();
    assert_eq!((listing.jobs.len(), listing.is_whole), (1, false));
    assert!(parse(b"slurm_load_jobs error").is_err());
}

#[test]
fn indices_that_are_cut_short_may_be_any() {
    assert_eq!(ranges("0-3,7,9-11%4"), [(0, 3), (7, 7), (9, 11)]);
    assert_eq!(ranges("0-3,7,..."), [(0, u32::MAX)]);
}
