//! `sql.extract`: what a `select` in a database gives, as a table of the run. The rows go over one
//! by one; the columns are typed as the database has them.

mod postgres;
mod sqlite;

use serde_json::json;

use super::args::Args;
use super::error::OperatorError;
use super::{observed, tables};
use crate::connection::{OpenConnection, find, sql};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::io::{ColumnRef, Observed};

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let args = Args(&order.args);
    let connection = find(&private.connections, &args.text("connection")?)?;
    let sql = args.text("sql")?;
    let (rows, columns) = extract(order, connection, sql.trim().trim_end_matches(';'))?;
    let table = tables::result_name(order);
    let told = Observed {
        inputs: observed::origins_of(&columns),
        outputs: vec![observed::run_table(order, &table, Some(rows), columns)],
        checks: Vec::new(),
    };
    observed::write(order, &told, log)?;
    log.say(&format!("{rows} rows of `{}` in `{table}`", connection.name));
    Ok(Outcome::output(json!({ "table": table, "rows": rows })))
}

/// Brings what a `select` gives into the result table of the attempt.
pub(super) fn extract(
    order: &Order,
    connection: &OpenConnection,
    sql: &str,
) -> Result<(u64, Vec<ColumnRef>), OperatorError> {
    match sql::kind(connection)? {
        sql::Kind::Sqlite => sqlite::extract(order, connection, sql),
        sql::Kind::Postgres => postgres::extract(order, connection, sql),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::runtime::operator::tests::warehouse::{with_each, with_postgres};
    use crate::sched::Outcome;

    #[test]
    fn a_select_becomes_a_table_of_the_run_with_its_types() {
        let test = "a_select_becomes_a_table_of_the_run_with_its_types";
        with_each("sql.extract", test, |warehouse| {
            warehouse.execute(
                "create table t (id integer, pay double precision, day date, name text);
                 insert into t values (1, 0.5, '2026-01-31', 'a\tb'), (2, null, null, null)",
            );
            let args = json!({
                "connection": "warehouse", "sql": "select *, id from t order by id desc;",
            });
            let outcome = warehouse.run(args.clone());
            assert_eq!(outcome, Outcome::output(json!({ "table": "work", "rows": 2 })));
            assert_eq!(warehouse.run(args), outcome, "again");
            let told =
                crate::runtime::operator::observed::read(&warehouse.bench.order.folder).unwrap();
            let read = &told.inputs[0];
            assert!(read.name == "t" || read.name.ends_with(".public.t"), "{read:?}");
            let taken: Vec<_> = read.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(taken, ["id", "pay", "day", "name"]);
            let rows = warehouse.bench.rows("select * from work");
            assert_eq!(rows, ["2||||2", "1|0.5|2026-01-31|a\tb|1"]);
            let columns =
                "select group_concat(name || ' ' || lower(type)) from pragma_table_info('work')";
            let pay = if warehouse.is_postgres() { "real" } else { "double precision" };
            let expected = format!("id integer,pay {pay},day date,name text,id:1 integer");
            assert_eq!(warehouse.bench.rows(columns), [expected]);
        });
    }

    #[test]
    fn anything_but_one_select_is_refused() {
        let test = "anything_but_one_select_is_refused";
        with_each("sql.extract", test, |warehouse| {
            warehouse.execute("create table t (a int); insert into t values (1)");
            for sql in
                ["delete from t", "select 1; select 2", "selekt 1", "", "select 1) to stdout --"]
            {
                match warehouse.run(json!({ "connection": "warehouse", "sql": sql })) {
                    Outcome::Failed { retryable: false, .. } => {}
                    other => panic!("{sql}: {other:?}"),
                }
            }
            assert_eq!(warehouse.rows("select count(*) from t"), ["1"]);
        });
    }

    #[test]
    fn every_type_of_the_server_arrives() {
        with_postgres("sql.extract", "every_type_of_the_server_arrives", |warehouse| {
            let sql = "select 7::int2 as i, 12.50::numeric(10,2) as d, 1e20::numeric as w, true as b,
                              '2026-01-31 08:00'::timestamp as at,
                              '2026-01-31 08:00+02'::timestamptz as instant, '\\x00ff'::bytea as raw,
                              '{\"a\":1}'::json as j, array[1,2] as l, 'NaN'::float8 as n";
            warehouse.run(json!({ "connection": "warehouse", "sql": sql }));
            let rows =
                warehouse.bench.rows("select i, d, w, b, at, instant, hex(raw), j, l, n from work");
            assert_eq!(
                rows,
                ["7|12.5|100000000000000000000|1|2026-01-31T08:00:00|2026-01-31T06:00:00Z|00FF|\
                  {\"a\":1}|{1,2}|NaN"]
            );
        });
    }
}
