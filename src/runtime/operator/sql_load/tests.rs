//! Append, replace and merge, and loads that leave the table as it was.

use serde_json::{Value, json};

use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;

fn bench() -> Bench {
    let mut bench = Bench::new("sql.load");
    bench.connect("warehouse", "sqlite:data/warehouse.db");
    bench.connect("lake", "file:data/lake");
    bench.tables(
        "create table t (id integer, name text, hired_on date);
         insert into t values (1, 'ada', '2026-01-02'), (2, 'bob', null)",
    );
    bench
}

fn args(mode: &str) -> Value {
    json!({
        "input": "t", "connection": "warehouse", "table": "employees", "mode": mode, "key": ["id"],
    })
}

fn loaded(bench: &Bench) -> Vec<String> {
    bench.rows_of("data/warehouse.db", "select id, name, hired_on from employees order by id, name")
}

#[test]
fn the_table_is_made_from_the_inputs_columns() {
    let bench = bench();
    let outcome = bench.run(args("merge"));
    assert_eq!(outcome, Outcome::output(json!({ "table": "employees", "rows": 2 })));
    assert_eq!(loaded(&bench), ["1|ada|2026-01-02", "2|bob|"]);
    let types = "select group_concat(type) from pragma_table_info('employees')";
    assert_eq!(bench.rows_of("data/warehouse.db", types), ["INTEGER,TEXT,date"]);
}

#[test]
fn merging_twice_leaves_the_same_table_and_takes_new_values() {
    let bench = bench();
    bench.run(args("merge"));
    let first = loaded(&bench);
    bench.run(args("merge"));
    assert_eq!(loaded(&bench), first);
    bench.tables("update t set name = 'eve' where id = 2; insert into t values (3, 'cy', null)");
    bench.run(args("merge"));
    assert_eq!(loaded(&bench), ["1|ada|2026-01-02", "2|eve|", "3|cy|"]);
}

#[test]
fn replace_leaves_only_the_input_and_append_adds_it() {
    let bench = bench();
    bench.run(args("append"));
    bench.run(args("append"));
    assert_eq!(loaded(&bench).len(), 4);
    bench.run(args("replace"));
    assert_eq!(loaded(&bench).len(), 2);
}

#[test]
fn of_two_rows_with_one_key_the_later_wins() {
    let bench = bench();
    bench.tables("insert into t values (1, 'ann', null)");
    bench.run(args("merge"));
    assert_eq!(loaded(&bench), ["1|ann|", "2|bob|"]);
}

#[test]
fn a_failing_load_changes_nothing() {
    let bench = bench();
    bench.run(args("append"));
    bench.run(args("append"));
    bench.is_fatal(args("merge"), "already holds several rows with the same id");
    assert_eq!(loaded(&bench).len(), 4);
}

#[test]
fn columns_that_do_not_fit_are_named() {
    let bench = bench();
    bench.run(args("append"));
    bench.tables("alter table t add column age integer");
    bench.is_fatal(args("append"), "table `employees` has no column `age`");
}

#[test]
fn a_key_must_be_a_column_with_values() {
    let bench = bench();
    let mut wrong = args("merge");
    wrong["key"] = json!(["nmae"]);
    bench.is_fatal(wrong, "no column `nmae` (did you mean `name`?)");
    bench.tables("insert into t values (null, 'x', null)");
    bench.is_fatal(args("merge"), "1 rows have no value in `id`");
    let mut none = args("merge");
    none["key"] = json!(null);
    bench.is_fatal(none, "`key` is missing");
}

#[test]
fn names_are_quoted_whatever_they_hold() {
    let bench = bench();
    bench.tables("create table \"o\"\"dd\" (\"select\" integer, \"a b\" text); insert into \"o\"\"dd\" values (1, 'x')");
    let outcome = bench.run(json!({
        "input": "o\"dd", "connection": "warehouse", "table": "t\"; drop table x; --",
        "mode": "merge", "key": ["select"],
    }));
    assert!(matches!(outcome, Outcome::Success { .. }), "{outcome:?}");
}

#[test]
fn wrong_connections_modes_and_inputs_are_fatal() {
    let bench = bench();
    let with = |key: &str, value: &str| {
        let mut args = args("append");
        args[key] = json!(value);
        args
    };
    bench.is_fatal(with("connection", "warehose"), "did you mean `warehouse`?");
    bench.is_fatal(with("connection", "lake"), "where a database (`sqlite:PATH`) is needed");
    bench.is_fatal(with("mode", "upsert"), "expected `append`, `replace` or `merge`");
    bench.is_fatal(with("input", "u"), "this run has no table `u`");
}
