//! `trigger_dag_run`: brings a run of another DAG about, once, and waits for it where that is
//! wanted.
//!
//! The engine remembers what an attempt brought about by its token, in the transaction that makes
//! the run: an attempt that is launched again after a crash finds it there.

use serde_json::{Map, Value, json};

use super::args::{Args, unfit};
use super::error::OperatorError;
use super::sensor::{self, Look, Step};
use super::{DaemonContext, Work};
use crate::sched::state::EndedRun;
use crate::sched::{Command, Input, Outcome, Reply, TriggerBy};
use crate::store::{dag_run, recover, task_instance};
use crate::types::ask::Trigger;
use crate::types::deferral::{AtTimeout, Deferral, OnError, TriggerSpec};
use crate::types::run::DagRunKey;
use crate::types::state::TriggeredBy;
use crate::types::{DagId, DagRunId, FaultKind, Timestamp, time};

pub(super) async fn run(context: &DaemonContext) -> Result<Work, OperatorError> {
    let args = Args(&context.order.args);
    let dag_id = DagId::from(args.text("dag_id")?);
    let waits = args.flag("wait", false)?;
    let spec = TriggerSpec {
        operator: context.order.operator.clone(),
        args: Map::new(),
        at_timeout: AtTimeout::Fail,
        on_error: OnError::Fail,
        poke_interval: 0.0,
        max_wait: None,
        approval: None,
    };
    let run = match remembered(context).await? {
        Some(run) => run,
        None => match bring_about(context, &dag_id).await? {
            Some(run) => run,
            None => {
                let reason = "a run of that id exists already".to_owned();
                return Ok(Work::Done(Outcome::Skipped { reason }));
            }
        },
    };
    let named = format!("run `{}` of DAG `{}`", run.dag_run_id, run.dag_id);
    context.log.say(&format!("brought {named} about"));
    tracing::trace!(step = "run triggered");
    if !waits {
        let output = json!({ "dag_id": run.dag_id, "dag_run_id": run.dag_run_id });
        return Ok(Work::Done(Outcome::output(output)));
    }
    let spec = TriggerSpec { args: kept(args, &run)?, ..spec };
    let look = Look {
        args: &spec.args,
        private: &context.private,
        project: &context.order.project,
        store: &context.store,
        now: time::now(),
    };
    match sensor::look_again(&spec, &look).await {
        Step::Done(outcome) => Ok(Work::Done(outcome)),
        Step::Wait { seen, .. } => {
            context.log.say(&format!("waits for it: {seen}"));
            let trigger = spec.to_text();
            Ok(Work::Deferred(Deferral { trigger, timeout_at: None, note: seen }))
        }
    }
}

/// What is needed to wait for a run.
fn kept(args: Args<'_>, run: &DagRunKey) -> Result<Map<String, Value>, OperatorError> {
    let states = |key: &str, default: &str| {
        let given = args.texts_or_none(key)?;
        Ok::<_, OperatorError>(given.unwrap_or_else(|| vec![default.to_owned()]))
    };
    let kept = json!({
        "dag_id": run.dag_id,
        "dag_run_id": run.dag_run_id,
        "allowed_states": states("allowed_states", "success")?,
        "failed_states": states("failed_states", "failed")?,
    });
    Ok(kept.as_object().cloned().unwrap_or_default())
}

/// Returns the run that an earlier launch with this token brought about.
async fn remembered(context: &DaemonContext) -> Result<Option<DagRunKey>, OperatorError> {
    let token = context.order.token.clone();
    Ok(context.store.read(move |conn| dag_run::triggered_by(conn, &token)).await?)
}

/// `None`: there is one already, and it is to be passed over.
async fn bring_about(
    context: &DaemonContext,
    dag_id: &DagId,
) -> Result<Option<DagRunKey>, OperatorError> {
    let args = Args(&context.order.args);
    let resets = args.flag("reset_dag_run", false)?;
    let skips = args.flag("skip_when_already_exists", false)?;
    let given = args.text_or_none("dag_run_id")?.map(DagRunId::from);
    let mut ended = None;
    if let Some(id) = &given
        && let Some(found) = existing(context, dag_id, id).await?
    {
        match (found.run.state.is_finished(), resets, skips) {
            (true, true, _) => ended = Some(Box::new(found)),
            (false, true, _) => {}
            (_, false, true) => return Ok(None),
            (_, false, false) => {
                return Err(OperatorError::Fatal(format!(
                    "a run `{id}` of DAG `{dag_id}` exists already; `reset_dag_run = true` clears \
                     it, `skip_when_already_exists = true` skips this task"
                )));
            }
        }
    }
    let trigger = Trigger {
        dag_id: dag_id.clone(),
        conf: conf(context)?,
        dag_run_id: Some(match given {
            Some(id) => id,
            None => made_up(context).await?,
        }),
        logical_date: logical_date(args)?,
        note: None,
        triggered_by: TriggeredBy::Operator,
        user: Some(context.order.user.clone()),
        partition_key: None,
    };
    let wish = TriggerBy {
        trigger,
        by: context.order.key.clone(),
        token: context.order.token.clone(),
        resets,
        ended,
    };
    match context.handle.ask(Input::Command(Command::TriggerBy(Box::new(wish)))).await {
        Ok(Reply::Run(run)) => Ok(Some(run.key())),
        Ok(_) => Err(OperatorError::passing("the engine made no run")),
        Err(fault) if fault.kind == FaultKind::Exists && skips => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}

/// A run that has ended is in the store only: its rows are needed to clear it.
async fn existing(
    context: &DaemonContext,
    dag_id: &DagId,
    id: &DagRunId,
) -> Result<Option<EndedRun>, OperatorError> {
    let key = DagRunKey { dag_id: dag_id.clone(), dag_run_id: id.clone() };
    let read = move |conn: &rusqlite::Connection| {
        let Some(run) = dag_run::get(conn, &key.dag_id, &key.dag_run_id)? else { return Ok(None) };
        recover::run(conn, run).map(Some)
    };
    Ok(context.store.read(read).await?)
}

/// An id that no other attempt makes up: of when this one was launched, and its token.
async fn made_up(context: &DaemonContext) -> Result<DagRunId, OperatorError> {
    let key = context.order.key.task.clone();
    let task = context.store.read(move |conn| task_instance::get(conn, &key)).await?;
    let at = task.and_then(|task| task.queued_when).unwrap_or_else(time::now);
    let at = at.strftime("%Y-%m-%dT%H:%M:%S+00:00");
    Ok(DagRunId::new(format!("manual__{at}_{}", context.order.token)))
}

/// As written, with placeholders in the place of secrets: the conf of a run is in the store.
fn conf(context: &DaemonContext) -> Result<Map<String, Value>, OperatorError> {
    match context.written.get("conf") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(conf)) => Ok(conf.clone()),
        Some(other) => Err(unfit("conf", other, "a table")),
    }
}

fn logical_date(args: Args<'_>) -> Result<Option<Timestamp>, OperatorError> {
    let Some(text) = args.text_or_none("logical_date")? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| {
        unfit("logical_date", &Value::from(text), "an instant such as `2026-01-01T00:00:00Z`")
    })
}
