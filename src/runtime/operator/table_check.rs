//! `table.check`: expectations as SQL expressions over `input`, each of them told.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Value, json};

use super::args::Args;
use super::error::OperatorError;
use super::{observed, tables};
use crate::runtime::attempt::Order;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::io::{CheckResult, Observed, OnFail};

/// What an expectation came to. An aggregate gives one row; any other expression is asked of
/// every row, and must hold for each.
#[derive(Debug, Clone, PartialEq)]
struct Checked {
    rows: u64,
    failed: u64,
    /// The value of the first row that failed, else of the first row.
    value: Value,
}

pub(super) fn run(order: &Order, log: &TaskLog) -> Result<Outcome, OperatorError> {
    let args = Args(&order.args);
    let input = args.text("input")?;
    let expect = args.texts_or_none("expect")?.unwrap_or_default();
    if expect.is_empty() {
        return Err(OperatorError::fatal("`expect` is empty: there is nothing to check"));
    }
    let mut database = tables::open(order)?;
    tables::expose_as_input(&database, &input)?;
    let on_fail = match args.text_or_none("on_fail")?.as_deref() {
        None | Some("fail") => OnFail::Fail,
        Some("warn") => OnFail::Warn,
        Some(other) => {
            let text = format!("`on_fail` is `{other}`; expected `fail` or `warn`");
            return Err(OperatorError::Fatal(text));
        }
    };
    let mut checks = Vec::new();
    let mut failures = Vec::new();
    let mut results = Vec::new();
    for expression in &expect {
        let checked = check(&mut database, expression)?;
        let is_met = checked.failed == 0;
        let figures = (!is_met).then(|| figures(&mut database, expression, &checked));
        match &figures {
            None => log.say(&format!("ok      {expression}")),
            Some(figures) => {
                let word = if on_fail == OnFail::Warn { "WARNING" } else { "FAILED " };
                log.say(&format!("{word} {expression}: {figures}"));
                failures.push(format!("`{expression}` does not hold ({figures})"));
            }
        }
        results.push(CheckResult {
            table: input.clone(),
            expect: expression.clone(),
            passed: is_met,
            value: checked.value.clone(),
            figures,
            on_fail,
        });
        checks.push(json!({ "expect": expression, "passed": is_met, "value": checked.value }));
    }
    let read = observed::run_table(order, &input, None, Vec::new());
    let told = Observed { inputs: vec![read], checks: results, ..Observed::default() };
    observed::write(order, &told, log)?;
    if failures.is_empty() || on_fail == OnFail::Warn {
        return Ok(Outcome::output(json!({ "table": input, "checks": checks })));
    }
    Err(OperatorError::Fatal(failures.join("; ")))
}

fn check(database: &mut Connection, expression: &str) -> Result<Checked, OperatorError> {
    // The line break ends a comment that the expression may end with.
    let sql = format!("select ({expression}\n) from input");
    let key = format!("expect` `{expression}");
    tables::check_reads_only(database, &key, &sql)?;
    let failed = |error: rusqlite::Error| match OperatorError::from(error) {
        OperatorError::Fatal(text) => {
            OperatorError::Fatal(format!("`expect` `{expression}`: {text}"))
        }
        other => other,
    };
    let mut statement = database.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut checked = Checked { rows: 0, failed: 0, value: Value::Null };
    while let Some(row) = rows.next().map_err(failed)? {
        let value = row.get_ref(0).map_err(failed)?;
        let holds = is_true(value);
        if checked.rows == 0 || (!holds && checked.failed == 0) {
            checked.value = as_json(value);
        }
        checked.rows += 1;
        checked.failed += u64::from(!holds);
    }
    Ok(checked)
}

/// Returns what an operator wants to see of a failure: the two sides of a comparison, or how
/// many rows failed.
fn figures(database: &mut Connection, expression: &str, checked: &Checked) -> String {
    if checked.rows != 1 {
        return format!("{} of {} rows fail", checked.failed, checked.rows);
    }
    sides(database, expression).unwrap_or_else(|| format!("it is {}", checked.value))
}

fn sides(database: &mut Connection, expression: &str) -> Option<String> {
    let (left, sign, right) = split_comparison(expression)?;
    let sql = format!("select ({left}), ({right}) from input");
    tables::check_reads_only(database, "expect", &sql).ok()?;
    let (left, right) = database
        .query_row(&sql, [], |row| Ok((as_json(row.get_ref(0)?), as_json(row.get_ref(1)?))))
        .ok()?;
    Some(format!("{left} {sign} {right}"))
}

/// Splits at the only comparison outside of parentheses and quotes.
fn split_comparison(expression: &str) -> Option<(&str, &str, &str)> {
    const SIGNS: [&str; 9] = [">=", "<=", "<>", "!=", "==", "=", ">", "<", " is "];
    let mut depth = 0_i32;
    let mut quote = None;
    let mut found = None;
    let mut skip_until = 0;
    for (at, c) in expression.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) if depth == 0 && at >= skip_until => {
                if let Some(sign) = SIGNS.iter().find(|sign| expression[at..].starts_with(**sign)) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some((at, *sign));
                    skip_until = at + sign.len();
                }
            }
            (None, _) => {}
        }
    }
    let (at, sign) = found?;
    Some((&expression[..at], sign.trim(), &expression[at + sign.len()..]))
}

fn is_true(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Integer(number) => number != 0,
        ValueRef::Real(number) => number != 0.0,
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => false,
    }
}

fn as_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => json!(format!("{} bytes", bytes.len())),
        ValueRef::Null => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::split_comparison;
    use crate::runtime::operator::tests::Bench;
    use crate::sched::Outcome;

    fn bench() -> Bench {
        let bench = Bench::new("table.check");
        bench.tables("create table t (id, pay); insert into t values (1, 5), (2, 7), (2, -1)");
        bench
    }

    #[test]
    fn expectations_that_hold_are_told_with_their_values() {
        let expect = ["count(*) > 0", "max(pay) = 7"];
        let outcome = bench().run(json!({ "input": "t", "expect": expect }));
        let checks = json!([
            { "expect": "count(*) > 0", "passed": true, "value": 1 },
            { "expect": "max(pay) = 7", "passed": true, "value": 1 },
        ]);
        assert_eq!(outcome, Outcome::output(json!({ "table": "t", "checks": checks })));
    }

    #[test]
    fn a_failing_expectation_shows_both_sides_and_the_others_are_checked_too() {
        let bench = bench();
        let expect = ["count(*) = count(distinct id)", "count(*) > 0", "min(pay) >= 0"];
        let words = "`count(*) = count(distinct id)` does not hold (3 = 2); \
                     `min(pay) >= 0` does not hold (-1 >= 0)";
        bench.is_fatal(json!({ "input": "t", "expect": expect }), words);
        assert!(bench.log().contains("ok      count(*) > 0"));
    }

    #[test]
    fn what_only_warns_is_told_and_kept_and_lets_the_task_go_on() {
        let bench = bench();
        let expect = ["count(*) > 0", "min(pay) >= 0"];
        let args = json!({ "input": "t", "expect": expect, "on_fail": "warn" });
        assert!(matches!(bench.run(args), Outcome::Success { .. }));
        assert!(bench.log().contains("WARNING min(pay) >= 0: -1 >= 0"), "{}", bench.log());
        let observed = crate::runtime::operator::observed::read(&bench.order.folder).unwrap();
        let told: Vec<_> = observed
            .checks
            .iter()
            .map(|check| (check.expect.as_str(), check.passed, check.figures.as_deref()))
            .collect();
        let expected = [("count(*) > 0", true, None), ("min(pay) >= 0", false, Some("-1 >= 0"))];
        assert_eq!(told, expected);
        bench.is_fatal(
            json!({ "input": "t", "expect": expect, "on_fail": "shrug" }),
            "`on_fail` is `shrug`; expected `fail` or `warn`",
        );
    }

    #[test]
    fn an_expression_without_an_aggregate_is_asked_of_every_row() {
        bench().is_fatal(json!({ "input": "t", "expect": ["pay > 0"] }), "1 of 3 rows fail");
    }

    #[test]
    fn an_expression_that_makes_no_sense_is_named() {
        let bench = bench();
        let wrong = |expression, words| {
            bench.is_fatal(json!({ "input": "t", "expect": [expression] }), words);
        };
        wrong("nope > 0", "no such column: nope");
        wrong("count(*", "`expect` `count(*`");
        wrong("1) from t; delete from t --", "syntax error");
        bench.is_fatal(json!({ "input": "t", "expect": [] }), "nothing to check");
    }

    #[test]
    fn a_comparison_is_split_only_where_it_is_the_only_one() {
        assert_eq!(split_comparison("a >= b"), Some(("a ", ">=", " b")));
        assert_eq!(split_comparison("sum(a > 1) = 2"), Some(("sum(a > 1) ", "=", " 2")));
        assert_eq!(split_comparison("'x=y' = b"), Some(("'x=y' ", "=", " b")));
        assert_eq!(split_comparison("a > 1 and b > 1"), None);
        assert_eq!(split_comparison("abs(a)"), None);
    }
}
