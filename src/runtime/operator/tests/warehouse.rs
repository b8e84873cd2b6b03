//! A bench with a database beside it: the same test runs with SQLite and with a real PostgreSQL.

use serde_json::Value;

use super::Bench;
use super::peer::peer;
use super::postgres::Postgres;
use crate::sched::Outcome;

/// The file of the SQLite database.
const FILE: &str = "data/warehouse.db";

/// A bench whose connection `warehouse` leads to an empty database.
pub(crate) struct Warehouse {
    pub(crate) bench: Bench,
    server: Option<(&'static Postgres, String)>,
}

/// Runs a test with each kind of database; with PostgreSQL only where there is one.
pub(crate) fn with_each(operator: &str, test: &str, check: impl Fn(&mut Warehouse)) {
    check(&mut in_a_file(operator));
    with_postgres(operator, test, check);
}

/// Runs a test with PostgreSQL, where there is one.
pub(crate) fn with_postgres(operator: &str, test: &str, check: impl Fn(&mut Warehouse)) {
    let Some(initdb) = peer("DAGDECK_TEST_POSTGRES", test) else { return };
    let server = Postgres::shared(&initdb);
    let url = server.database();
    let mut bench = Bench::new(operator);
    bench.connect("warehouse", &url);
    check(&mut Warehouse { bench, server: Some((server, url)) });
}

fn in_a_file(operator: &str) -> Warehouse {
    let mut bench = Bench::new(operator);
    bench.connect("warehouse", &format!("sqlite:{FILE}"));
    bench.write("data/keep", "");
    Warehouse { bench, server: None }
}

impl Warehouse {
    pub(crate) fn is_postgres(&self) -> bool {
        self.server.is_some()
    }

    /// Returns the rows of a query in the database, their fields apart by `|`. Or changes it.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        match &self.server {
            Some((server, url)) => server.rows(url, sql),
            None => self.bench.rows_of(FILE, sql),
        }
    }

    /// Runs statements in the database.
    pub(crate) fn execute(&self, sql: &str) {
        match &self.server {
            Some((server, url)) => drop(server.rows(url, sql)),
            None => {
                let database = rusqlite::Connection::open(self.bench.project().join(FILE)).unwrap();
                database.execute_batch(sql).unwrap();
            }
        }
    }

    pub(crate) fn run(&self, args: Value) -> Outcome {
        self.bench.run(args)
    }

    pub(crate) fn is_fatal(&self, args: Value, words: &str) {
        self.bench.is_fatal(args, words);
    }
}
