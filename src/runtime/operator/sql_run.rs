//! `sql.run`: statements in a database, all of them in one transaction unless it is said otherwise.

use futures_util::TryStreamExt;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection};
use serde_json::json;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::args::Args;
use super::error::OperatorError;
use super::postgres;
use crate::connection::sql::{self, sqlite};
use crate::connection::{OpenConnection, find};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

struct RunArgs {
    sql: String,
    /// What cannot be in a transaction (`vacuum`) says `transaction = false`.
    in_transaction: bool,
}

/// What was done: a statement that gives rows changes none.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    statements: u64,
    rows: u64,
}

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let args = Args(&order.args);
    let connection = find(&private.connections, &args.text("connection")?)?;
    let in_transaction = args.flag("transaction", true)?;
    let args = RunArgs { sql: args.text("sql")?, in_transaction };
    let done = match sql::kind(connection)? {
        sql::Kind::Sqlite => in_file(order, connection, &args)?,
        sql::Kind::Postgres => {
            let target = postgres::target(order, connection)?;
            postgres::with_session(&target, async |client| on_server(client, &args).await)?
        }
    };
    log.say(&format!("{} statements changed {} rows", done.statements, done.rows));
    Ok(Outcome::output(json!({ "rows": done.rows })))
}

fn in_file(
    order: &Order,
    connection: &OpenConnection,
    args: &RunArgs,
) -> Result<Done, OperatorError> {
    let mut database = sqlite::open(connection, &order.project)?;
    if !args.in_transaction {
        return each_statement(&database, &args.sql);
    }
    let transaction = database.transaction()?;
    let done = each_statement(&transaction, &args.sql)?;
    transaction.commit()?;
    Ok(done)
}

fn each_statement(database: &Connection, sql: &str) -> Result<Done, OperatorError> {
    let failed = |error: rusqlite::Error| match OperatorError::from(error) {
        OperatorError::Fatal(text) => OperatorError::fatal(format!("`sql`: {text}")),
        other => other,
    };
    let mut done = Done::default();
    let mut batch = Batch::new(database, sql);
    while let Some(mut statement) = batch.next().map_err(failed)? {
        done.statements += 1;
        if statement.column_count() > 0 {
            let mut rows = statement.query([]).map_err(failed)?;
            while rows.next().map_err(failed)?.is_some() {}
            continue;
        }
        let before = database.total_changes();
        statement.execute([]).map_err(failed)?;
        done.rows += database.total_changes() - before;
    }
    Ok(done)
}

async fn on_server(client: &mut Client, args: &RunArgs) -> Result<Done, OperatorError> {
    if !args.in_transaction {
        return each_answer(client, &args.sql).await;
    }
    client.batch_execute("begin").await?;
    let done = each_answer(client, &args.sql).await?;
    client.batch_execute("commit").await?;
    Ok(done)
}

/// The rows of a `select` are let go one by one: nobody asked for them.
async fn each_answer(client: &Client, sql: &str) -> Result<Done, OperatorError> {
    let mut done = Done::default();
    let mut answers = std::pin::pin!(client.simple_query_raw(sql).await?);
    let mut gives_rows = false;
    while let Some(answer) = answers.try_next().await? {
        match answer {
            SimpleQueryMessage::RowDescription(_) => gives_rows = true,
            SimpleQueryMessage::CommandComplete(rows) => {
                done.statements += 1;
                done.rows += if gives_rows { 0 } else { rows };
                gives_rows = false;
            }
            _ => {}
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::runtime::operator::tests::warehouse::with_each;
    use crate::sched::Outcome;

    #[test]
    fn statements_run_in_one_transaction() {
        with_each("sql.run", "statements_run_in_one_transaction", |warehouse| {
            let args = |sql: &str| json!({ "connection": "warehouse", "sql": sql });
            let outcome = warehouse.run(args(
                "create table t (a int); insert into t values (1), (2); select * from t;
                 update t set a = 3 where a = 2; -- done",
            ));
            assert_eq!(outcome, Outcome::output(json!({ "rows": 3 })));
            assert_eq!(warehouse.rows("select a from t order by a"), ["1", "3"]);
            warehouse.is_fatal(args("delete from t; insert into t valuse (1)"), "valuse");
            assert_eq!(warehouse.rows("select count(*) from t"), ["2"]);
        });
    }

    #[test]
    fn what_cannot_be_in_a_transaction_says_so() {
        with_each("sql.run", "what_cannot_be_in_a_transaction_says_so", |warehouse| {
            let mut args = json!({ "connection": "warehouse", "sql": "vacuum" });
            match warehouse.run(args.clone()) {
                Outcome::Failed { error, .. } => assert!(error.contains("transaction"), "{error}"),
                other => panic!("{other:?}"),
            }
            args["transaction"] = json!(false);
            assert_eq!(warehouse.run(args), Outcome::output(json!({ "rows": 0 })));
        });
    }
}
