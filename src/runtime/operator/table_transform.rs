//! `table.transform`: one `select` over `input`, kept as a table of the run.

use rusqlite::TransactionBehavior;
use serde_json::json;

use super::args::Args;
use super::error::OperatorError;
use super::{observed, tables};
use crate::connection::sql::quote;
use crate::runtime::attempt::Order;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::io::Observed;

pub(super) fn run(order: &Order, log: &TaskLog) -> Result<Outcome, OperatorError> {
    let args = Args(&order.args);
    let (input, sql) = (args.text("input")?, args.text("sql")?);
    let sql = sql.trim().trim_end_matches(';');
    let table = tables::result_name(order);
    let mut database = tables::open(order)?;
    tables::expose_as_input(&database, &input)?;
    tables::check_reads_only(&mut database, "sql", sql)?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Not `create table … as`: that forgets that a column holds days or truth values.
    let (columns, origins) = {
        let statement = transaction.prepare(sql)?;
        let named = |_: &str, table: &str| observed::run_table(order, table, None, Vec::new());
        let origins = tables::result_origins(&transaction, sql, named)?;
        (tables::result_columns(&statement), origins)
    };
    tables::make(&transaction, "main", &table, &columns)?;
    let insert = format!("insert into main.{} {sql}", quote(&table));
    let rows =
        transaction.execute(&insert, []).map_err(|error| match OperatorError::from(error) {
            OperatorError::Fatal(text) => OperatorError::fatal(format!("`sql`: {text}")),
            other => other,
        })?;
    transaction.commit()?;
    let mut inputs = observed::origins_of(&origins);
    let read = observed::run_table(order, &input, None, Vec::new());
    if !inputs.iter().any(|known| known.name == read.name) {
        // Nothing of it is taken over as it is, but it was read.
        inputs.push(read);
    }
    let outputs = vec![observed::run_table(order, &table, Some(rows as u64), origins)];
    observed::write(order, &Observed { inputs, outputs, checks: Vec::new() }, log)?;
    log.say(&format!("{rows} rows in `{table}`"));
    Ok(Outcome::output(json!({ "table": table, "rows": rows })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::runtime::operator::tests::Bench;
    use crate::sched::Outcome;

    fn bench() -> Bench {
        let bench = Bench::new("table.transform");
        bench.tables(
            "create table extract (id integer, salary real);
             insert into extract values (1, 10.5), (2, -1), (3, 20)",
        );
        bench
    }

    #[test]
    fn a_select_over_the_input_becomes_a_table_of_the_run() {
        let bench = bench();
        let sql = "select *, salary * 12 as yearly from input where salary > 0";
        let outcome = bench.run(json!({ "input": "extract", "sql": sql }));
        assert_eq!(outcome, Outcome::output(json!({ "table": "work", "rows": 2 })));
        assert_eq!(bench.rows("select id, yearly from work"), ["1|126.0", "3|240.0"]);
    }

    #[test]
    fn what_is_read_is_told_with_where_each_column_comes_from() {
        let bench = bench();
        bench.tables("create table names (id integer, name text)");
        let sql = "select input.id, name as called, salary * 2 from input join names using (id)";
        bench.run(json!({ "input": "extract", "sql": sql }));
        let told = crate::runtime::operator::observed::read(&bench.order.folder).unwrap();
        let inputs: Vec<_> = told.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(inputs, ["d.extract", "d.names"]);
        let origins: Vec<_> = told.outputs[0]
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.origins.first().map(|o| o.column.as_str())))
            .collect();
        let expected =
            [("id", Some("id")), ("called", Some("name")), ("salary * 2", Some("salary"))];
        assert_eq!(origins, expected);
        let computed: Vec<bool> =
            told.outputs[0].columns.iter().map(|column| column.origins[0].computed).collect();
        assert_eq!(computed, [false, false, true]);
    }

    #[test]
    fn computed_columns_name_what_they_are_made_of_through_stars_and_subqueries() {
        let bench = bench();
        let sql = "with high as (select * from input where salary > 0)
            select h.*, round(h.salary / 12, 2) as monthly, count(*) as n, id || '' as text
            from high as h group by id order by 1";
        bench.run(json!({ "input": "extract", "sql": sql }));
        let told = crate::runtime::operator::observed::read(&bench.order.folder).unwrap();
        let origins: Vec<_> = told.outputs[0]
            .columns
            .iter()
            .map(|one| (one.name.as_str(), one.origins.first().map(|o| (&*o.name, &*o.column))))
            .collect();
        let from = |column| Some(("d.extract", column));
        let expected = [
            ("id", from("id")),
            ("salary", from("salary")),
            ("monthly", from("salary")),
            ("n", None),
            ("text", from("id")),
        ];
        assert_eq!(origins, expected);
    }

    #[test]
    fn columns_keep_the_types_that_they_had() {
        let bench = bench();
        bench.tables("create table days (day DATE, off BOOLEAN, price DECIMAL(10,2))");
        let sql = "select day, off as free, price, price * 2 as twice, day from input";
        bench.run(json!({ "input": "days", "sql": sql }));
        let types = "select group_concat(name || ' ' || type) from pragma_table_info('work')";
        let expected = "day DATE,free BOOLEAN,price DECIMAL(10,2),twice ,day:1 DATE";
        assert_eq!(bench.rows(types), [expected]);
    }

    #[test]
    fn a_second_try_replaces_what_the_first_left() {
        let bench = bench();
        let args = json!({ "input": "extract", "sql": "with a as (select id from input) select * from a;" });
        assert_eq!(bench.run(args.clone()), bench.run(args));
        assert_eq!(bench.rows("select count(*) from work"), ["3"]);
    }

    #[test]
    fn anything_but_one_select_is_refused() {
        let bench = bench();
        for (sql, words) in [
            ("delete from extract", "may only read"),
            ("drop table extract", "may only read"),
            ("select 1; select 2", "one statement"),
            ("select 1; drop table extract", "may only read"),
            ("pragma journal_mode = delete", "may only read"),
            ("attach 'x.db' as x", "may only read"),
            ("selekt 1", "near \"selekt\": syntax error"),
            ("select salry from input", "no such column: salry"),
            ("", "SQL is empty or comment only"),
            ("-- nothing", "SQL is empty or comment only"),
        ] {
            bench.is_fatal(json!({ "input": "extract", "sql": sql }), words);
        }
        assert_eq!(bench.rows("select count(*) from extract"), ["3"]);
    }

    #[test]
    fn an_input_that_is_not_there_is_named_with_what_was_meant() {
        let args = json!({ "input": "extrcat", "sql": "select 1" });
        bench().is_fatal(args, "no table `extrcat` (did you mean `extract`?)");
    }
}
