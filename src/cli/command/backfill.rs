//! `backfill create|list|show|pause|unpause|cancel`.

use crate::cli::args::{BackfillArgs, BackfillCommand};
use crate::cli::command::{ask, expect_answer};
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, fields, instant, or_dash, table};
use crate::runtime::Layout;
use crate::types::Timestamp;
use crate::types::ask::{Answer, Request};
use crate::types::backfill::{
    BackfillDetailView, BackfillId, BackfillPlan, BackfillSpec, BackfillView,
};

/// Carries out a command about backfills.
pub async fn dispatch(
    layout: &Layout,
    command: BackfillCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        BackfillCommand::Create(args) if args.dry_run => {
            let answer = ask(layout, Request::PlanBackfill(wish(&args))).await?;
            let plan =
                expect_answer!(answer, Answer::BackfillPlan(plan) => plan, "backfill create");
            output.answer(&plan, plan_table);
        }
        BackfillCommand::Create(args) => {
            let answer = ask(layout, Request::CreateBackfill(wish(&args))).await?;
            detail(answer, output, |detail| {
                let backfill = &detail.backfill.backfill;
                let dates = or_dash(detail.total_dates);
                let held = if detail.is_dag_paused { "; it waits: the DAG is paused" } else { "" };
                format!("backfill {} of {} has {dates} dates{held}", backfill.id, backfill.dag_id)
            })?;
        }
        BackfillCommand::List { dag_id, limit, offset } => {
            let dag_id = dag_id.map(Into::into);
            let answer = ask(layout, Request::ListBackfills { dag_id, limit, offset }).await?;
            let (backfills, total) = expect_answer!(
                answer, Answer::Backfills { backfills, total } => (backfills, total),
                "backfill list"
            );
            let body = serde_json::json!({ "backfills": backfills, "total_entries": total });
            output.answer(&body, |_| list(&backfills, total));
        }
        BackfillCommand::Show { backfill_id, limit, offset } => {
            let answer = ask(layout, Request::ShowBackfill { backfill_id, limit, offset }).await?;
            detail(answer, output, show)?;
        }
        BackfillCommand::Pause { backfill_id } => {
            set_paused(layout, backfill_id, true, output).await?;
        }
        BackfillCommand::Unpause { backfill_id } => {
            set_paused(layout, backfill_id, false, output).await?;
        }
        BackfillCommand::Cancel { backfill_id } => {
            let answer = ask(layout, Request::CancelBackfill { backfill_id }).await?;
            detail(answer, output, |detail| {
                format!(
                    "backfill {backfill_id} is cancelled; {} runs go on",
                    detail.backfill.running
                )
            })?;
        }
    }
    Ok(0)
}

fn wish(args: &BackfillArgs) -> BackfillSpec {
    BackfillSpec {
        dag_id: args.dag_id.as_str().into(),
        from_date: args.from_date,
        to_date: args.to_date,
        reprocess_behavior: args.reprocess,
        run_backwards: args.run_backwards,
        max_active_runs: args.max_active_runs,
        dag_run_conf: args.conf(),
        user: env::user(),
    }
}

async fn set_paused(
    layout: &Layout,
    backfill_id: BackfillId,
    is_paused: bool,
    output: &mut Output,
) -> Result<(), CliError> {
    let answer = ask(layout, Request::SetBackfillPaused { backfill_id, is_paused }).await?;
    let word = if is_paused { "is paused" } else { "goes on" };
    detail(answer, output, |_| format!("backfill {backfill_id} {word}"))
}

fn detail(
    answer: Answer,
    output: &mut Output,
    text: impl FnOnce(&BackfillDetailView) -> String,
) -> Result<(), CliError> {
    let detail = expect_answer!(answer, Answer::Backfill(detail) => detail, "backfill");
    output.answer(&detail, |detail| text(detail));
    Ok(())
}

fn list(backfills: &[BackfillView], total: u64) -> String {
    let row = |view: &BackfillView| {
        let backfill = &view.backfill;
        vec![
            backfill.id.to_string(),
            backfill.dag_id.to_string(),
            state_word(view).to_owned(),
            instant(Some(backfill.from_date)),
            instant(Some(backfill.to_date)),
            (view.queued + view.running).to_string(),
            view.success.to_string(),
            view.failed.to_string(),
            view.skipped.to_string(),
            ago(Some(backfill.created_at)),
        ]
    };
    let header =
        ["ID", "DAG", "STATE", "FROM", "TO", "ACTIVE", "SUCCESS", "FAILED", "SKIPPED", "CREATED"];
    let empty = "no backfills: `dagdeck backfill create DAG` makes one";
    let mut text = table(&header, backfills.iter().map(row), empty);
    if total > backfills.len() as u64 {
        text.push_str(&format!("\n{} of {total}; more with --limit and --offset", backfills.len()));
    }
    text
}

fn state_word(view: &BackfillView) -> &'static str {
    match (view.backfill.completed_at, view.backfill.is_paused) {
        // One that has ended by itself is not paused.
        (Some(_), true) => "cancelled",
        (Some(_), false) => "completed",
        (None, true) => "paused",
        (None, false) => "running",
    }
}

fn show(detail: &BackfillDetailView) -> String {
    let view = &detail.backfill;
    let backfill = &view.backfill;
    let conf = backfill.dag_run_conf.clone().map(serde_json::Value::Object);
    let is_held = detail.is_dag_paused && backfill.completed_at.is_none();
    let state = state_word(view).to_owned() + if is_held { " (the DAG is paused)" } else { "" };
    let total = detail.total_dates.map_or_else(|| "?".to_owned(), |total| total.to_string());
    let mut text = fields(&[
        ("backfill", backfill.id.to_string()),
        ("dag", backfill.dag_id.to_string()),
        ("state", state),
        ("from", instant(Some(backfill.from_date))),
        ("to", instant(Some(backfill.to_date))),
        ("order", if backfill.run_backwards { "newest first" } else { "oldest first" }.to_owned()),
        ("reprocess", backfill.reprocess_behavior.to_string()),
        ("max active runs", backfill.max_active_runs.to_string()),
        ("dates", format!("{} of {total}", backfill.position)),
        (
            "runs",
            format!(
                "{} queued, {} running, {} success, {} failed, {} skipped",
                view.queued, view.running, view.success, view.failed, view.skipped
            ),
        ),
        ("conf", or_dash(conf)),
        ("by", or_dash(backfill.triggering_user_name.clone())),
        ("created", instant(Some(backfill.created_at))),
        ("ended", instant(backfill.completed_at)),
    ]);
    let rows = detail.dag_runs.iter().map(|line| {
        vec![
            line.dag_run.sort_ordinal.to_string(),
            instant(Some(line.dag_run.logical_date)),
            or_dash(line.dag_run.dag_run_id.clone()),
            or_dash(line.state),
            instant(line.start_date),
            instant(line.end_date),
            line.dag_run.exception_reason.map(|r| r.to_string()).unwrap_or_default(),
        ]
    });
    text.push_str("\n\n");
    text.push_str(&table(
        &["#", "LOGICAL DATE", "RUN", "STATE", "STARTED", "ENDED", "REASON"],
        rows,
        "no dates yet",
    ));
    text
}

fn plan_table(plan: &BackfillPlan) -> String {
    let rows = plan.dag_runs.iter().map(|planned| {
        let what = match (&planned.dag_run_id, planned.exception_reason) {
            (_, Some(_)) => "skip",
            (Some(_), None) => "clear",
            (None, None) => "make",
        };
        vec![
            instant(Some(planned.logical_date)),
            instant(Some(planned.data_interval_end)),
            what.to_owned(),
            or_dash(planned.dag_run_id.clone()),
            planned.exception_reason.map(|r| r.to_string()).unwrap_or_default(),
        ]
    });
    let header = ["LOGICAL DATE", "INTERVAL END", "WOULD", "RUN", "REASON"];
    let mut text = table(&header, rows, "no dates");
    let shown = plan.dag_runs.len() as u64;
    match plan.total_dates {
        Some(total) if total > shown => text.push_str(&format!("\n{shown} of {total} dates")),
        Some(_) => {}
        None => text.push_str(&format!("\n{shown} of very many dates")),
    }
    text
}

/// Reads an instant: `2026-01-31T06:00:00Z`, or a day, which begins at midnight in UTC.
pub fn date(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let civil: Result<jiff::civil::DateTime, _> = text.parse();
    let zoned = civil.ok().and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::UTC).ok());
    zoned
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| format!("`{text}` is no date: write 2026-01-31 or 2026-01-31T06:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let read = |text: &str| date(text).map(|at| at.to_string());
        assert_eq!(read("2026-01-31"), Ok("2026-01-31T00:00:00Z".to_owned()));
        assert_eq!(read("2026-01-31T06:30"), Ok("2026-01-31T06:30:00Z".to_owned()));
        assert_eq!(read("2026-01-31T06:00:00+02:00"), Ok("2026-01-31T04:00:00Z".to_owned()));
        assert!(read("soon").unwrap_err().contains("2026-01-31"));
    }
}
