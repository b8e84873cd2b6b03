//! `sensor.task`: waits for a run of another DAG, or for tasks of it; also how
//! `trigger_dag_run` waits for the run that it brought about.

use serde_json::{Map, Value, json};

use super::{Look, OperatorError, Poke};
use crate::dag::{TaskSpec, flow};
use crate::runtime::operator::DaemonContext;
use crate::runtime::operator::args::{Args, unfit};
use crate::store::{dag_run, task_instance};
use crate::types::run::{DagRun, TaskInstance};
use crate::types::{DagId, DagRunId, Timestamp};

/// Settles which run is waited for.
pub(super) async fn resolve(context: &DaemonContext) -> Result<Map<String, Value>, OperatorError> {
    let args = Args(&context.order.args);
    let mut kept = Map::new();
    kept.insert("dag_id".to_owned(), json!(args.text("dag_id")?));
    let mut tasks = args.texts_or_none("task_ids")?.unwrap_or_default();
    tasks.extend(args.text_or_none("task_id")?);
    if let Some(group) = args.text_or_none("task_group_id")? {
        tasks.extend(of_group(context, &args.text("dag_id")?, &group)?);
    }
    kept.insert("task_ids".to_owned(), json!(tasks));
    for (key, default) in
        [("allowed_states", &["success"][..]), ("failed_states", &[]), ("skipped_states", &[])]
    {
        let given = args.texts_or_none(key)?;
        let states = given.unwrap_or_else(|| default.iter().map(|s| (*s).to_owned()).collect());
        kept.insert(key.to_owned(), json!(states));
    }
    if let Some(id) = args.text_or_none("dag_run_id")? {
        kept.insert("dag_run_id".to_owned(), json!(id));
    } else {
        kept.insert("logical_date".to_owned(), json!(logical_date(context).await?));
    }
    Ok(kept)
}

/// Returns the tasks of a group of another DAG, also those of the groups in it.
fn of_group(
    context: &DaemonContext,
    dag_id: &str,
    group: &str,
) -> Result<Vec<String>, OperatorError> {
    let dag = context.deck.dags.get(dag_id);
    let dag = dag.ok_or_else(|| OperatorError::Fatal(format!("there is no DAG `{dag_id}`")))?;
    let is_inside = |task: &&TaskSpec| {
        let mut around = flow::ancestry(&dag.groups, task.flow.group.as_ref());
        around.any(|one| one.group_id.as_str() == group)
    };
    let tasks: Vec<String> =
        dag.tasks.values().filter(is_inside).map(|task| task.task_id.to_string()).collect();
    if tasks.is_empty() {
        return Err(OperatorError::Fatal(format!("DAG `{dag_id}` has no group `{group}`")));
    }
    Ok(tasks)
}

async fn logical_date(context: &DaemonContext) -> Result<Timestamp, OperatorError> {
    let args = Args(&context.order.args);
    if let Some(text) = args.text_or_none("logical_date")? {
        return text.trim().parse().map_err(|_| {
            unfit("logical_date", &Value::from(text), "an instant such as `2026-01-01T00:00:00Z`")
        });
    }
    let task = context.order.key.task.clone();
    let read =
        move |conn: &rusqlite::Connection| dag_run::get(conn, &task.dag_id, &task.dag_run_id);
    let own = context.store.read(read).await?.and_then(|run| run.logical_date);
    let own = own.ok_or_else(|| {
        OperatorError::fatal(
            "this run has no logical date: say which run is meant by `logical_date` or `dag_run_id`",
        )
    })?;
    let delta = args.duration_or_none("execution_delta")?.unwrap_or_default();
    Ok(own.saturating_sub(delta).unwrap_or(Timestamp::MIN))
}

pub(super) async fn poke(look: &Look<'_>) -> Result<Poke, OperatorError> {
    let wanted = Wanted::read(look)?;
    let Some((run, tasks)) = wanted.find(look).await? else {
        return Ok(Poke::waits(format!("there is no run {} yet", wanted.named())));
    };
    Ok(wanted.judge(&run, &tasks))
}

/// As `poke`, of a run that was there.
pub(super) async fn poke_triggered(look: &Look<'_>) -> Result<Poke, OperatorError> {
    let wanted = Wanted::read(look)?;
    Ok(match wanted.find(look).await? {
        Some((run, _)) => wanted.judge(&run, &[]),
        None => Poke::Failed(format!("the run {} is gone", wanted.named())),
    })
}

struct Wanted {
    dag_id: DagId,
    dag_run_id: Option<DagRunId>,
    logical_date: Option<Timestamp>,
    task_ids: Vec<String>,
    allowed: Vec<String>,
    failed: Vec<String>,
    skipped: Vec<String>,
}

impl Wanted {
    fn read(look: &Look<'_>) -> Result<Self, OperatorError> {
        let args = Args(look.args);
        let texts = |key: &str| args.texts_or_none(key).map(Option::unwrap_or_default);
        let date = args.text_or_none("logical_date")?;
        Ok(Self {
            dag_id: args.text("dag_id")?.into(),
            dag_run_id: args.text_or_none("dag_run_id")?.map(DagRunId::from),
            logical_date: date.and_then(|text| text.parse().ok()),
            task_ids: texts("task_ids")?,
            allowed: texts("allowed_states")?,
            failed: texts("failed_states")?,
            skipped: texts("skipped_states")?,
        })
    }

    fn named(&self) -> String {
        match (&self.dag_run_id, self.logical_date) {
            (Some(id), _) => format!("`{id}` of DAG `{}`", self.dag_id),
            (None, Some(date)) => format!("of DAG `{}` for {date}", self.dag_id),
            (None, None) => format!("of DAG `{}`", self.dag_id),
        }
    }

    async fn find(
        &self,
        look: &Look<'_>,
    ) -> Result<Option<(DagRun, Vec<TaskInstance>)>, OperatorError> {
        let (dag_id, dag_run_id) = (self.dag_id.clone(), self.dag_run_id.clone());
        let (date, has_tasks) = (self.logical_date, !self.task_ids.is_empty());
        let read = move |conn: &rusqlite::Connection| {
            let run = match (&dag_run_id, date) {
                (Some(id), _) => dag_run::get(conn, &dag_id, id)?,
                (None, Some(date)) => dag_run::of_logical_date(conn, &dag_id, date)?.pop(),
                (None, None) => None,
            };
            let Some(run) = run else { return Ok(None) };
            let tasks =
                if has_tasks { task_instance::for_run(conn, &run.key())? } else { Vec::new() };
            Ok(Some((run, tasks)))
        };
        Ok(look.store.read(read).await?)
    }

    fn judge(&self, run: &DagRun, tasks: &[TaskInstance]) -> Poke {
        let run_state = run.state.as_str();
        let mut states: Vec<(&str, &str)> = Vec::new();
        for task_id in &self.task_ids {
            let of_task = tasks.iter().filter(|ti| ti.key.task_id.as_str() == task_id.as_str());
            let before = states.len();
            states.extend(
                of_task.map(|ti| (task_id.as_str(), ti.state.map_or("no status", |s| s.as_str()))),
            );
            if states.len() == before {
                let run = &run.dag_run_id;
                return Poke::waits(format!(
                    "run `{run}` of `{}` has no task `{task_id}`",
                    self.dag_id
                ));
            }
        }
        let (dag_id, id) = (&self.dag_id, &run.dag_run_id);
        let all: Vec<(String, &str)> = if states.is_empty() {
            vec![(format!("run `{id}` of DAG `{dag_id}`"), run_state)]
        } else {
            let named = |task: &str| format!("`{task}` of run `{id}` of DAG `{dag_id}`");
            states.iter().map(|(task, state)| (named(task), *state)).collect()
        };
        let first = |wanted: &[String]| {
            let found = all.iter().find(|(_, state)| wanted.iter().any(|w| w == state));
            found.map(|(name, state)| format!("{name} is {state}"))
        };
        if let Some(text) = first(&self.failed) {
            return Poke::Failed(text);
        }
        if let Some(text) = first(&self.skipped) {
            return Poke::Skipped(text);
        }
        match all.iter().find(|(_, state)| !self.allowed.iter().any(|w| w == state)) {
            Some((name, state)) => Poke::waits(format!("{name} is {state}")),
            None => {
                let mut output = json!({ "dag_id": dag_id, "dag_run_id": id, "state": run_state });
                if !states.is_empty() {
                    let states: Map<String, Value> =
                        states.iter().map(|(t, s)| ((*t).to_owned(), json!(s))).collect();
                    output["tasks"] = Value::Object(states);
                }
                Poke::Found(output)
            }
        }
    }
}
