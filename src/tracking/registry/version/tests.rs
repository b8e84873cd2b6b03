//! Models and versions as MLflow's clients make, describe, stage and delete them.

use super::*;
use crate::store::sample::{self, at};
use crate::store::{Store, serving};
use crate::tracking::registry::{self, MoveAlias, record};
use crate::types::FaultKind;

fn new(source: &str) -> NewVersion {
    NewVersion { name: "iris".into(), source: source.into(), ..NewVersion::default() }
}

/// A store, and a connection of our own to it.
fn empty() -> (tempfile::TempDir, Store, Connection) {
    let (dir, store) = sample::store();
    let conn = Connection::open(dir.path().join("dagdeck.db")).unwrap();
    conn.pragma_update(None, "foreign_keys", true).unwrap();
    (dir, store, conn)
}

/// A model `iris` with so many versions.
fn with_versions(count: u32) -> (tempfile::TempDir, Store, Connection) {
    let (dir, store, conn) = empty();
    record::create(&conn, "iris", None, &[], at(0)).unwrap();
    for n in 1..=count {
        let made = create(&conn, new("s3://b/m"), at(i64::from(n))).unwrap();
        assert_eq!(made.version, n);
    }
    (dir, store, conn)
}

fn bear(store: &Store, alias: &str, version: u32) {
    let wish = MoveAlias {
        name: "iris".into(),
        alias: alias.into(),
        version,
        expected_current: None,
        user: "ada".into(),
        action: "promote",
        reason: None,
        now: at(50),
    };
    registry::move_alias(store, wish).unwrap();
}

fn deploy(store: &Store, version: u32) {
    store.write_blocking(move |tx| serving::replace(tx, "iris", &[(version, 100)])).unwrap();
}

fn refusal<R: std::fmt::Debug>(result: Result<R, StoreError>) -> Fault {
    match result {
        Err(StoreError::Refused(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_is_made_described_tagged_renamed_and_deleted() {
    let (_dir, store, conn) = empty();
    let tags = [("owner".to_owned(), "ada".to_owned())];
    let made = record::create(&conn, "iris", Some("leaves"), &tags, at(1)).unwrap();
    assert_eq!((made.description.as_deref(), made.tags.as_slice()), (Some("leaves"), &tags[..]));
    let fault = refusal(record::create(&conn, "iris", None, &[], at(1)));
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (FaultKind::Exists, "Registered Model (name=iris) already exists.")
    );
    for name in ["", "a/b", "a:b"] {
        let refused = record::create(&conn, name, None, &[], at(1));
        assert_eq!(refusal(refused).kind, FaultKind::Invalid, "{name}");
    }
    record::describe(&conn, "iris", Some("three species"), at(2)).unwrap();
    record::set_tag(&conn, "iris", "owner", "grace").unwrap();
    record::set_tag(&conn, "iris", "team", "garden").unwrap();
    record::delete_tag(&conn, "iris", "team").unwrap();
    record::delete_tag(&conn, "iris", "never there").unwrap();
    create(&conn, new("s3://b/m"), at(3)).unwrap();
    bear(&store, "challenger", 1);
    let renamed = record::rename(&conn, "iris", "flower", at(9)).unwrap();
    assert_eq!(renamed.description.as_deref(), Some("three species"));
    assert_eq!(renamed.tags, [("owner".to_owned(), "grace".to_owned())]);
    assert_eq!(renamed.aliases, [("challenger".to_owned(), 1)]);
    assert_eq!(renamed.latest_versions.len(), 1);
    assert_eq!((renamed.creation_timestamp, renamed.last_updated_timestamp), (at(1), at(9)));
    assert_eq!(registry::show(&store, "flower").unwrap().history.len(), 1, "it goes along");
    let fault = refusal(record::of(&conn, "iris"));
    assert_eq!(fault.message, "Registered Model with name=iris not found");
    record::delete(&conn, "flower").unwrap();
    assert_eq!(refusal(of(&conn, "flower", 1)).kind, FaultKind::NotFound);
}

#[test]
fn a_name_that_is_taken_is_given_to_no_other() {
    let (_dir, _store, conn) = with_versions(1);
    record::create(&conn, "wine", None, &[], at(0)).unwrap();
    assert_eq!(refusal(record::rename(&conn, "wine", "iris", at(1))).kind, FaultKind::Exists);
    record::rename(&conn, "wine", "wine", at(1)).unwrap();
    assert_eq!(refusal(record::rename(&conn, "none", "x", at(1))).kind, FaultKind::NotFound);
}

#[test]
fn the_number_of_a_version_that_was_deleted_is_not_given_again() {
    let (_dir, _store, conn) = with_versions(3);
    delete(&conn, ("iris", 3), "ada", at(5)).unwrap();
    assert_eq!(create(&conn, new("s3://b/m"), at(6)).unwrap().version, 4);
    let fault = refusal(of(&conn, "iris", 3));
    assert_eq!(fault.message, "Model Version (name=iris, version=3) not found");
}

#[test]
fn what_serves_or_is_in_production_is_not_deleted() {
    let (_dir, store, conn) = with_versions(3);
    deploy(&store, 1);
    bear(&store, PRODUCTION, 2);
    for (version, why) in [(1, "serves"), (2, "`production`")] {
        let fault = refusal(delete(&conn, ("iris", version), "ada", at(60)));
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(fault.message.contains(why), "{fault}");
    }
    assert_eq!(refusal(record::delete(&conn, "iris")).kind, FaultKind::Conflict);
    assert!(refusal(record::rename(&conn, "iris", "x", at(60))).message.contains("serves"));
    bear(&store, PRODUCTION, 3);
    delete(&conn, ("iris", 2), "ada", at(61)).unwrap();
    deploy(&store, 3);
    delete(&conn, ("iris", 1), "ada", at(62)).unwrap();
    assert_eq!(latest_in(&conn, "iris", &[]).unwrap().len(), 1);
}

#[test]
fn aliases_go_with_their_version_and_leave_a_line() {
    let (_dir, store, conn) = with_versions(2);
    bear(&store, "challenger", 1);
    bear(&store, "old", 1);
    delete(&conn, ("iris", 1), "grace", at(60)).unwrap();
    let shown = registry::show(&store, "iris").unwrap();
    assert!(shown.model.aliases.is_empty());
    let lines: Vec<_> = shown
        .history
        .iter()
        .map(|line| {
            (line.alias.as_str(), line.to_version, line.user.as_str(), line.action.as_str())
        })
        .collect();
    assert_eq!(
        lines[..2],
        [("old", None, "grace", "delete"), ("challenger", None, "grace", "delete")]
    );
    assert_eq!(delete_alias(&conn, ("iris", "nobody"), "ada", at(61)).unwrap(), None);
    let fault = refusal(by_alias(&conn, "iris", "challenger"));
    assert_eq!(fault.message, "Registered model alias challenger not found.");
}

#[test]
fn a_rollback_passes_over_what_was_deleted() {
    let (_dir, store, conn) = with_versions(3);
    for version in [1, 2, 3] {
        bear(&store, PRODUCTION, version);
    }
    delete(&conn, ("iris", 2), "ada", at(60)).unwrap();
    assert_eq!(registry::rollback_target(&store, "iris", PRODUCTION).unwrap(), 1);
}

#[test]
fn stages_are_labels_of_which_each_has_a_newest_version() {
    let (_dir, store, conn) = with_versions(3);
    bear(&store, PRODUCTION, 1);
    transition_stage(&conn, ("iris", 1), "staging", false, at(10)).unwrap();
    let moved = transition_stage(&conn, ("iris", 2), "Staging", true, at(11)).unwrap();
    assert_eq!((moved.current_stage.as_str(), moved.last_updated_timestamp), ("Staging", at(11)));
    let latest = latest_in(&conn, "iris", &[]).unwrap();
    let latest: Vec<_> = latest.iter().map(|v| (v.version, v.current_stage.as_str())).collect();
    assert_eq!(latest, [(1, "Archived"), (2, "Staging"), (3, "None")]);
    let staging = latest_in(&conn, "iris", &["staging".into()]).unwrap();
    assert_eq!(staging.iter().map(|v| v.version).collect::<Vec<_>>(), [2]);
    let bearer = by_alias(&conn, "iris", PRODUCTION).unwrap();
    assert_eq!(bearer.version, 1, "a stage moves no alias");
    for (stage, archive) in [("Nowhere", false), ("None", true), ("Archived", true)] {
        let refused = transition_stage(&conn, ("iris", 1), stage, archive, at(12));
        assert_eq!(refusal(refused).kind, FaultKind::Invalid, "{stage}");
    }
}

#[test]
fn a_source_that_names_a_logged_model_leads_to_its_files() {
    let (_dir, _store, conn) = with_versions(0);
    let logged = crate::tracking::logged_model::create(
        &conn,
        &crate::tracking::logged_model::NewLoggedModel {
            experiment_id: "0".into(),
            ..Default::default()
        },
        at(0),
    );
    let logged = logged.unwrap();
    let by_id = new(&format!("models:/{}", logged.model_id));
    assert_eq!(refusal(create(&conn, by_id.clone(), at(1))).kind, FaultKind::Invalid);
    let by_id = NewVersion { model_id: Some(logged.model_id.clone()), ..by_id };
    create(&conn, by_id, at(1)).unwrap();
    create(&conn, new("s3://b/m"), at(1)).unwrap();
    let third = create(&conn, new("models:/iris/1"), at(1)).unwrap();
    assert_eq!(third.model_id, Some(logged.model_id));
    assert_eq!(download_uri(&conn, "iris", 1).unwrap(), logged.artifact_uri);
    assert_eq!(download_uri(&conn, "iris", 2).unwrap(), "s3://b/m");
    assert_eq!(download_uri(&conn, "iris", 3).unwrap(), logged.artifact_uri);
    for source in ["runs:/other/m", "mlflow-artifacts:/0/other/artifacts/m", "/etc", "models:/x/1"]
    {
        assert!(create(&conn, new(source), at(1)).is_err(), "{source}");
    }
}
