//! Append, replace and merge, and loads that leave the table as it was; each with SQLite and with
//! PostgreSQL.

use serde_json::{Value, json};

use crate::runtime::operator::tests::warehouse::{Warehouse, with_each, with_postgres};
use crate::sched::Outcome;

fn each(test: &str, check: impl Fn(&mut Warehouse)) {
    with_each("sql.load", test, |warehouse| {
        warehouse.bench.connect("lake", "file:data/lake");
        warehouse.bench.tables(
            "create table t (id integer, name text, hired_on date);
             insert into t values (1, 'ada', '2026-01-02'), (2, 'bob', null)",
        );
        check(warehouse);
    });
}

fn args(mode: &str) -> Value {
    json!({
        "input": "t", "connection": "warehouse", "table": "employees", "mode": mode, "key": ["id"],
    })
}

fn loaded(warehouse: &Warehouse) -> Vec<String> {
    warehouse.rows("select id, name, hired_on from employees order by id, name")
}

#[test]
fn the_table_is_made_from_the_inputs_columns() {
    each("the_table_is_made_from_the_inputs_columns", |warehouse| {
        let outcome = warehouse.run(args("merge"));
        assert_eq!(outcome, Outcome::output(json!({ "table": "employees", "rows": 2 })));
        assert_eq!(loaded(warehouse), ["1|ada|2026-01-02", "2|bob|"]);
        let (types, expected) = if warehouse.is_postgres() {
            let types = "select string_agg(format_type(atttypid, atttypmod), ',' order by attnum)
                         from pg_attribute where attrelid = 'employees'::regclass and attnum > 0";
            (types, "bigint,text,date")
        } else {
            ("select group_concat(type) from pragma_table_info('employees')", "INTEGER,TEXT,DATE")
        };
        assert_eq!(warehouse.rows(types), [expected]);
    });
}

#[test]
fn merging_twice_leaves_the_same_table_and_takes_new_values() {
    each("merging_twice_leaves_the_same_table_and_takes_new_values", |warehouse| {
        warehouse.run(args("merge"));
        let first = loaded(warehouse);
        warehouse.run(args("merge"));
        assert_eq!(loaded(warehouse), first);
        warehouse
            .bench
            .tables("update t set name = 'eve' where id = 2; insert into t values (3, 'cy', null)");
        warehouse.run(args("merge"));
        assert_eq!(loaded(warehouse), ["1|ada|2026-01-02", "2|eve|", "3|cy|"]);
    });
}

#[test]
fn replace_leaves_only_the_input_and_append_adds_it() {
    each("replace_leaves_only_the_input_and_append_adds_it", |warehouse| {
        warehouse.run(args("append"));
        warehouse.run(args("append"));
        assert_eq!(loaded(warehouse).len(), 4);
        warehouse.run(args("replace"));
        assert_eq!(loaded(warehouse).len(), 2);
    });
}

#[test]
fn of_two_rows_with_one_key_the_later_wins() {
    each("of_two_rows_with_one_key_the_later_wins", |warehouse| {
        warehouse.bench.tables("insert into t values (1, 'ann', null)");
        let outcome = warehouse.run(args("merge"));
        assert_eq!(outcome, Outcome::output(json!({ "table": "employees", "rows": 3 })));
        assert_eq!(loaded(warehouse), ["1|ann|", "2|bob|"]);
    });
}

#[test]
fn a_failing_load_changes_nothing() {
    each("a_failing_load_changes_nothing", |warehouse| {
        warehouse.run(args("append"));
        warehouse.run(args("append"));
        warehouse.is_fatal(args("merge"), "already holds several rows with the same id");
        assert_eq!(loaded(warehouse).len(), 4);
    });
}

#[test]
fn columns_that_do_not_fit_are_named() {
    each("columns_that_do_not_fit_are_named", |warehouse| {
        warehouse.run(args("append"));
        warehouse.bench.tables("alter table t add column age integer");
        warehouse.is_fatal(
            args("append"),
            "table `employees` has no column `age` (it has id, name, hired_on): add it",
        );
        warehouse.execute("alter table employees add column age date");
        warehouse.is_fatal(
            args("append"),
            "column `age` of table `employees` is date; in the input it is int",
        );
        assert_eq!(loaded(warehouse).len(), 2);
    });
}

#[test]
fn a_column_without_a_type_takes_that_of_its_values() {
    each("a_column_without_a_type_takes_that_of_its_values", |warehouse| {
        warehouse.bench.tables(
            "create table u as select id, id * 1.5 as pay, upper(name) as loud, null as none from t",
        );
        let mut args = args("append");
        args["input"] = json!("u");
        warehouse.run(args.clone());
        let rows = warehouse.rows("select id, pay, loud, none from employees order by id");
        let pay = if warehouse.is_postgres() { "3" } else { "3.0" };
        assert_eq!(rows, ["1|1.5|ADA|".to_owned(), format!("2|{pay}|BOB|")]);
        // What the database knows better is left to it.
        warehouse.execute(
            "drop table employees; create table employees (id int, pay int, loud date, none int)",
        );
        if warehouse.is_postgres() {
            warehouse.is_fatal(args, "invalid input syntax for type integer: \"1.5\"");
        } else {
            warehouse.run(args);
            assert_eq!(warehouse.rows("select count(*) from employees"), ["2"]);
        }
    });
}

#[test]
fn a_key_must_be_a_column_with_values() {
    each("a_key_must_be_a_column_with_values", |warehouse| {
        let mut wrong = args("merge");
        wrong["key"] = json!(["nmae"]);
        warehouse.is_fatal(wrong, "no column `nmae` (did you mean `name`?)");
        warehouse.bench.tables("insert into t values (null, 'x', null)");
        warehouse.is_fatal(args("merge"), "1 rows have no value in `id`");
        let mut none = args("merge");
        none["key"] = json!(null);
        warehouse.is_fatal(none, "`key` is missing");
    });
}

#[test]
fn names_are_quoted_whatever_they_hold() {
    each("names_are_quoted_whatever_they_hold", |warehouse| {
        warehouse.bench.tables("create table \"o\"\"dd\" (\"select\" integer, \"a b\" text); insert into \"o\"\"dd\" values (1, 'x')");
        let outcome = warehouse.run(json!({
            "input": "o\"dd", "connection": "warehouse", "table": "t\"; drop table x; --",
            "mode": "merge", "key": ["select"],
        }));
        assert!(matches!(outcome, Outcome::Success { .. }), "{outcome:?}");
    });
}

#[test]
fn wrong_connections_modes_and_inputs_are_fatal() {
    each("wrong_connections_modes_and_inputs_are_fatal", |warehouse| {
        let with = |key: &str, value: &str| {
            let mut args = args("append");
            args[key] = json!(value);
            args
        };
        warehouse.is_fatal(with("connection", "warehose"), "did you mean `warehouse`?");
        warehouse.is_fatal(with("connection", "lake"), "where a database (`sqlite:PATH` or");
        warehouse.is_fatal(with("mode", "upsert"), "expected `append`, `replace` or `merge`");
        warehouse.is_fatal(with("input", "u"), "this run has no table `u`");
    });
}

#[test]
fn every_type_arrives_as_what_it_is() {
    let test = "every_type_arrives_as_what_it_is";
    with_postgres("sql.load", test, |warehouse| {
        warehouse.bench.tables(
            "create table t (i integer, f real, d decimal(10,2), w text decimal, t text, day date,
                             at timestamp, instant timestamptz, b boolean, raw blob);
             insert into t values
                 (1, 0.1, '12.50', '12345678901234567890.123', 'a\tb\\c', '2026-01-31',
                  '2026-01-31T08:00:00.5', '2026-01-31T06:00:00Z', 1, x'00ff'),
                 (null, null, null, null, null, null, null, null, null, null)",
        );
        warehouse.run(args("append"));
        let types = "select string_agg(format_type(atttypid, atttypmod), ',' order by attnum)
                     from pg_attribute where attrelid = 'employees'::regclass and attnum > 0";
        assert_eq!(
            warehouse.rows(types),
            ["bigint,double precision,numeric(10,2),numeric,text,date,\
              timestamp without time zone,timestamp with time zone,boolean,bytea"]
        );
        warehouse.execute("set timezone = 'UTC'");
        let rows = warehouse.rows(
            "select i, f, d, w, t, day, at, instant at time zone 'UTC', b, raw from employees
             order by i",
        );
        assert_eq!(
            rows[0],
            "1|0.1|12.50|12345678901234567890.123|a\tb\\c|2026-01-31|2026-01-31 08:00:00.5|\
             2026-01-31 06:00:00|t|\\x00ff"
        );
        assert_eq!(rows[1], "|||||||||");
    });
}

#[test]
fn what_the_servers_own_types_read_goes_into_them() {
    let test = "what_the_servers_own_types_read_goes_into_them";
    with_postgres("sql.load", test, |warehouse| {
        warehouse.execute(
            "create schema s; create type mood as enum ('glad', 'sad');
             create table s.t (id serial primary key, j jsonb, u uuid, m mood, l int[], v varchar(3))",
        );
        warehouse.bench.tables(
            "create table t (j text, u text, m text, l text, v text);
             insert into t values ('{\"a\": 1}', '00000000-0000-0000-0000-000000000001', 'glad',
                                   '{1,2}', 'abc')",
        );
        let mut args = args("append");
        args["table"] = json!("s.t");
        warehouse.run(args.clone());
        let rows = warehouse.rows("select id, j->'a', m, l[2], v from s.t");
        assert_eq!(rows, ["1|1|glad|2|abc"]);
        warehouse.bench.tables("update t set v = 'abcd'");
        warehouse.is_fatal(args, "value too long for type character varying(3) (COPY t, line 1");
        assert_eq!(warehouse.rows("select count(*) from s.t"), ["1"]);
    });
}
