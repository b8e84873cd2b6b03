//! Migrations by `user_version`. They are append-only: what has been released is never edited.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::fault::StoreError;

/// Every migration, in order; the n-th leads to schema n.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_backfill.sql"),
    include_str!("migrations/0003_task_map.sql"),
    include_str!("migrations/0004_waiting.sql"),
    include_str!("migrations/0005_callbacks_and_deadlines.sql"),
    include_str!("migrations/0006_versions_and_operations.sql"),
    include_str!("migrations/0007_xcom_files.sql"),
    include_str!("migrations/0008_keep.sql"),
    include_str!("migrations/0009_alias_reason.sql"),
    include_str!("migrations/0010_operation_moves.sql"),
    include_str!("migrations/0011_where_tries_run.sql"),
    include_str!("migrations/0012_observed.sql"),
    include_str!("migrations/0013_watched_assets.sql"),
    include_str!("migrations/0014_lineage.sql"),
    include_str!("migrations/0015_openlineage.sql"),
    include_str!("migrations/0016_callbacks_of_assets.sql"),
    include_str!("migrations/0017_mlflow.sql"),
    include_str!("migrations/0018_registry.sql"),
    include_str!("migrations/0019_made_by.sql"),
    include_str!("migrations/0020_nested_runs.sql"),
    include_str!("migrations/0021_mirror.sql"),
    include_str!("migrations/0022_task_runs.sql"),
    include_str!("migrations/0023_webhooks.sql"),
    include_str!("migrations/0024_traffic.sql"),
    include_str!("migrations/0025_serving_troubles.sql"),
];

/// Brings the database to the schema that this dagdeck knows.
pub(crate) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    migrate_with(conn, path, MIGRATIONS)
}

fn migrate_with(conn: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let found = version(conn).map_err(open)?;
    if found == known {
        return Ok(());
    }
    if found > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    // Another process may migrate at the same time: the version counts inside the transaction.
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = usize::try_from(version(&tx)?).unwrap_or(0);
    for migration in migrations.iter().skip(found) {
        tx.execute_batch(migration)?;
    }
    if i64::try_from(found).unwrap_or(0) < known {
        tx.pragma_update(None, "user_version", known)?;
    }
    Ok(tx.commit()?)
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: i64 = MIGRATIONS.len() as i64;

    /// The digest of every released migration. Append; never edit a line.
    const RELEASED: &[&str] = &[
        "e81b6b2e1edf95ef8f1ee599a0f823327ba251da71ff8d7db84f3a1687d247a0",
        "db1dbffa28d9d02bdc36e7cb915a971c170c41bcd18cbe5ed6d028c21d5a7fc6",
        "92276ae4e3ee39f9fb125f2c1fe85af520e34abd4cdc372936f28dc142def9df",
        "9a77a01e49351646c9487a360dc7285e177caba04f95970c15818b89ae65d274",
        "9307b702c0f788474dc662ce65aaf26c86f7e9924a9bd53a2f7ae6cf7c6c4143",
        "9c760725f3e233ea2404e85bbc2c78eb28f83be1445ef1cfd22c12488e49cb49",
        "789f3bef76180ac8e9950935ca6f45ecd4162200cea6fb0caa9196d5b297d65b",
        "108f0a8529197ae44553c9680fa7408b9a2416ca2dc19dc97a0d40dcde754f2b",
        "8ef49e8afb1bdf55846e02e98ce78c3eaa18c05504da200d6fd6251f0b19c54a",
        "033f21e156fdf88f39abc310c1dda25d97fea13208e034c44178e7703d612924",
        "e1fb1e7196c374c6c261256c71fb8beeff4ad3e2f28b4547a3ca085c3080e339",
        "6fb51c4958fc259bb40e1497137cd44a7a362ccdee7d31d0c9d8c48b3e33141f",
        "a0157971a0b28073d7827e2dcb7287cf0a450de6c94a369a6a2bc61618f45d7a",
        "92c40381399006199e9365aee30fa9d0c4580a8502f2793755d32829ce42647f",
        "7ad2f6dcfa4c11428c488fecb65e368e37a283e57b7c589be32a1a317101f8aa",
        "14daeea2c6b3e28b409d6cfd7954bfa6bad3f927d9e6cdb02f09222a7d7197e9",
        "703d4bc9185e0e6fb5e87973447927c34330c75f1a8cc8767c1721ee620743cd",
        "651786e0b0dc874e044223cbb7264480e6cf4768c12c245165245331ce805375",
        "dac936f70ea1d5e919ea860e3c4e13323caac25a9cf14fe109c9dbe8f8e063e3",
        "adfce75275cf25f56c1723462a91aee06f149c9cf25b3e9563fcd0374b715bdd",
        "d84c9e7e50d093a0ba92cc31efee8b81f48ab43679bf4fbc1c651b6e4a410dda",
        "6f8fe3d99082b00cd75d72c6633b929d819a7a9fa20cada469bf997ecaa45ebc",
        "3f4fe873e73efdc49df5bc5fcf70f2ff8fa53c05c5d885048cf12d0b4bf14752",
        "811a86dfdee1806ef23e8118a3626740262addafe372759d4c3ac71b683c816e",
        "4160d4092d02f7959494267d387233ce89bfc8221c5ff9680c71d2687efe2c47",
    ];

    #[test]
    fn released_migrations_are_never_edited() {
        use sha2::{Digest, Sha256};
        let digests: Vec<String> = MIGRATIONS
            .iter()
            .map(|sql| Sha256::digest(sql.as_bytes()).iter().map(|b| format!("{b:02x}")).collect())
            .collect();
        assert_eq!(digests, RELEASED);
    }

    #[test]
    fn every_schema_from_none_on_leads_to_the_one_known() {
        let dir = tempfile::tempdir().unwrap();
        for from in 0..=MIGRATIONS.len() {
            let path = dir.path().join(format!("{from}.db"));
            let mut conn = Connection::open(&path).unwrap();
            migrate_with(&mut conn, &path, &MIGRATIONS[..from]).unwrap();
            assert_eq!(version(&conn).unwrap(), i64::try_from(from).unwrap());
            migrate(&mut conn, &path).unwrap();
            assert_eq!(version(&conn).unwrap(), KNOWN);
            migrate(&mut conn, &path).unwrap();
        }
    }

    #[test]
    fn what_was_seen_before_there_was_a_lineage_is_in_it() {
        use crate::store::{dag_run, lineage, sample};
        use crate::types::DagRunState;
        use crate::types::lineage::Direction;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let mut conn = Connection::open(&path).unwrap();
        migrate_with(&mut conn, &path, &MIGRATIONS[..13]).unwrap();
        for (id, secs) in [("r1", 1), ("r2", 2)] {
            dag_run::put(&conn, &sample::run("etl", id, secs, DagRunState::Success)).unwrap();
        }
        let file = r#"{"namespace": "file", "name": "/p/a.csv", "rows": N}"#;
        for (run, rows) in [("r2", "20"), ("r1", "10")] {
            let observed = format!(r#"{{"inputs": [{}]}}"#, file.replace('N', rows));
            let sql = "INSERT INTO task_io VALUES ('etl', ?1, 'extract', -1, 1, ?2)";
            conn.execute(sql, [run, &observed]).unwrap();
        }
        let source = r#"{"kind": "task", "dag_id": "etl", "dag_run_id": "r1", "task_id": "load", "map_index": -1}"#;
        let sql = "INSERT INTO asset_event (id, name, uri, timestamp, source, extra)
            VALUES (1, 'x', 'w:x', 5, ?1, '{}')";
        conn.execute(sql, [source]).unwrap();
        migrate(&mut conn, &path).unwrap();
        let links = lineage::links(&conn, 9).unwrap();
        let found: Vec<_> = links
            .iter()
            .map(|l| (l.job.to_string(), l.direction, l.dataset.name.as_str(), l.dataset.rows))
            .collect();
        let expected = [
            ("etl.extract".to_owned(), Direction::Read, "/p/a.csv", Some(20)),
            ("etl.load".to_owned(), Direction::Wrote, "x", None),
        ];
        assert_eq!(found, expected, "the last run's");
        let read = lineage::attempts(&conn, &links[0].dataset, Direction::Read, 9).unwrap();
        let runs: Vec<_> = read.iter().map(|(key, _)| key.task.dag_run_id.as_str()).collect();
        assert_eq!(runs, ["r2", "r1"]);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_schema_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let mut conn = Connection::open(&path).unwrap();
        let broken = ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"];
        migrate_with(&mut conn, &path, &broken[..1]).unwrap();
        assert!(migrate_with(&mut conn, &path, &broken).is_err());
        assert_eq!(version(&conn).unwrap(), 1);
        let tables: i64 =
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn a_newer_schema_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let mut conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "user_version", KNOWN + 7).unwrap();
        let error = migrate(&mut conn, &path).unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found, known, .. }
            if found == KNOWN + 7 && known == KNOWN));
    }
}
