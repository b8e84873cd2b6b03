//! `ti`: the task instance, and `ti.xcom_pull`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Serde};
use minijinja::{Error, ErrorKind, State, Value};

use crate::dag::template::{Arguments, wrong};
use crate::dag::{Dag, TaskSpec, suggest};
use crate::runtime::act::context::history::{History, Wanted};
use crate::sched::effect::Launch;
use crate::types::ids::UNMAPPED;
use crate::types::xcom::RETURN_VALUE;
use crate::types::{AttemptKey, DagId, MapIndex, TaskId};

#[derive(Debug)]
struct TaskInstanceObject {
    key: AttemptKey,
    operator: &'static str,
    pool: String,
    priority_weight: i64,
    more: BTreeMap<&'static str, Value>,
    dag: Arc<Dag>,
    history: Arc<History>,
}

/// Makes the object; `more` goes over what is usual.
pub(super) fn value(
    launch: &Launch,
    task: &TaskSpec,
    history: &Arc<History>,
    more: &BTreeMap<&'static str, serde_json::Value>,
) -> Value {
    let more = more.iter().map(|(name, value)| (*name, Value::from(Serde(value.clone()))));
    Value::from_object(TaskInstanceObject {
        key: launch.key.clone(),
        operator: task.operator.name(),
        pool: task.pool.clone(),
        priority_weight: task.priority_weight,
        more: more.collect(),
        dag: Arc::clone(&launch.dag),
        history: Arc::clone(history),
    })
}

impl Object for TaskInstanceObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if let Some(value) = self.more.get(key) {
            return Some(value.clone());
        }
        let task = &self.key.task;
        Some(match key {
            "task_id" => Value::from(task.task_id.as_str()),
            "dag_id" => Value::from(task.dag_id.as_str()),
            "run_id" => Value::from(task.dag_run_id.as_str()),
            "map_index" => Value::from(task.map_index),
            "try_number" => Value::from(self.key.try_number),
            "operator" => Value::from(self.operator),
            "pool" => Value::from(self.pool.as_str()),
            "priority_weight" => Value::from(self.priority_weight),
            "state" => Value::from("running"),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "xcom_pull" => self.xcom_pull(args),
            "xcom_push" => Err(wrong("a template cannot push: a task pushes while it runs")),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<TaskInstance: {} [running]>", self.key.task)
    }
}

/// The arguments of `xcom_pull`, in Airflow's order.
const PULL: &[&str] =
    &["task_ids", "dag_id", "key", "include_prior_dates", "map_indexes", "default", "run_id"];

impl TaskInstanceObject {
    /// As in Airflow: one task gives its value, or a list where it is mapped; several give a
    /// list; what is not there is `default`.
    fn xcom_pull(&self, args: &[Value]) -> Result<Value, Error> {
        let args = Arguments::read("xcom_pull", PULL, args)?;
        let default = args.value("default").cloned().unwrap_or(Value::from(()));
        let (tasks, one_task) = self.tasks(args.value("task_ids"))?;
        let indexes = args.value("map_indexes").map(indexes).transpose()?;
        let mut pulled = Vec::new();
        for task_id in tasks {
            let wanted = Wanted {
                dag_id: args.text("dag_id")?.map(DagId::from),
                dag_run_id: args.text("run_id")?.map(Into::into),
                key: args.text("key")?.unwrap_or(RETURN_VALUE).to_owned(),
                include_prior_dates: args.get::<bool>("include_prior_dates")?.unwrap_or(false),
                task_id,
            };
            self.check(&wanted)?;
            let found = self.history.pull(&wanted)?;
            let value = |value: &serde_json::Value| Value::from(Serde(value));
            match &indexes {
                None if found.is_empty() => pulled.push(default.clone()),
                None => pulled.extend(found.iter().map(|(_, found)| value(found))),
                Some((indexes, _)) => pulled.extend(indexes.iter().map(|index| {
                    let found = found.iter().find(|(found, _)| found == index);
                    found.map_or_else(|| default.clone(), |(_, found)| value(found))
                })),
            }
        }
        let one_index = indexes.is_none_or(|(_, is_one)| is_one);
        match pulled.as_slice() {
            [one] if one_task && one_index => Ok(one.clone()),
            _ => Ok(Value::from(pulled)),
        }
    }

    /// Returns the tasks, and whether it is one.
    fn tasks(&self, given: Option<&Value>) -> Result<(Vec<TaskId>, bool), Error> {
        let Some(given) = given.filter(|given| !given.is_none()) else {
            return Ok((vec![self.key.task.task_id.clone()], true));
        };
        if let Some(one) = given.as_str() {
            return Ok((vec![TaskId::from(one)], true));
        }
        let task_id = |item: Value| match item.as_str() {
            Some(text) => Ok(TaskId::from(text)),
            None => Err(wrong(format!("`task_ids` holds `{item}`, which is no task"))),
        };
        Ok((given.try_iter()?.map(task_id).collect::<Result<_, _>>()?, false))
    }

    /// A task of this DAG that there is not is a mistake; another DAG may have lost one.
    fn check(&self, wanted: &Wanted) -> Result<(), Error> {
        let is_own = wanted.dag_id.as_ref().is_none_or(|dag_id| dag_id == self.history.dag_id());
        if is_own && !self.dag.tasks.contains_key(&wanted.task_id) {
            let names = self.dag.tasks.keys().map(TaskId::as_str);
            let hint = suggest::hint(wanted.task_id.as_str(), "tasks", names);
            return Err(wrong(format!("there is no task `{}`; {hint}", wanted.task_id)));
        }
        Ok(())
    }
}

/// Returns the map indexes, and whether it is one. None is what is not mapped.
fn indexes(given: &Value) -> Result<(Vec<MapIndex>, bool), Error> {
    if given.is_none() {
        return Ok((vec![UNMAPPED], true));
    }
    if given.is_integer() {
        return Ok((vec![MapIndex::try_from(given.clone())?], true));
    }
    let all = given.try_iter()?.map(MapIndex::try_from).collect::<Result<_, _>>()?;
    Ok((all, false))
}
