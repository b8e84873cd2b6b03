//! Tables whose entries are made when a template names them.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Serde};
use minijinja::{Error, Value};

use crate::dag::Dag;
use crate::dag::template::wrong;
use crate::runtime::act::context::history::History;
use crate::runtime::act::secrets::Variables;
use crate::types::ids::UNMAPPED;
use crate::types::{AssetName, TaskId, TaskInstanceKey};

type Make = dyn Fn(&str) -> Result<Value, Error> + Send + Sync;

/// A table with these keys.
struct Lazy {
    keys: Vec<String>,
    make: Box<Make>,
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.keys).finish()
    }
}

/// A table with a key for each task.
struct OfTasks {
    dag: Arc<Dag>,
    make: Box<Make>,
}

impl fmt::Debug for OfTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.dag.tasks.keys()).finish()
    }
}

impl Object for OfTasks {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str().filter(|key| self.dag.tasks.contains_key(*key))?;
        Some((self.make)(key).unwrap_or_else(Value::from))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.dag.tasks.keys().map(|key| Value::from(key.as_str())).collect())
    }
}

impl Object for Lazy {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str().filter(|key| self.keys.iter().any(|known| known == key))?;
        Some((self.make)(key).unwrap_or_else(Value::from))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.keys.iter().map(|key| Value::from(key.as_str())).collect())
    }
}

fn lazy(
    keys: impl Iterator<Item = String>,
    make: impl Fn(&str) -> Result<Value, Error> + Send + Sync + 'static,
) -> Value {
    Value::from_object(Lazy { keys: keys.collect(), make: Box::new(make) })
}

/// Each task's output: null where it has none, a list in order of the map index where the task
/// is mapped. In a mapped group an instance sees those of its own index.
pub(super) fn outputs(dag: &Arc<Dag>, own: &TaskInstanceKey, history: &Arc<History>) -> Value {
    let (of, own, history) = (Arc::clone(dag), own.clone(), Arc::clone(history));
    let make = move |task_id: &str| {
        let task_id = TaskId::from(task_id);
        let is_parallel = own.map_index != UNMAPPED && of.is_parallel(&task_id, &own.task_id);
        let value = match is_parallel {
            true => history.output_at(&task_id, own.map_index)?,
            false => history.output_of(&of, &task_id)?,
        };
        Ok(Value::from(Serde(value)))
    };
    Value::from_object(OfTasks { dag: Arc::clone(dag), make: Box::new(make) })
}

/// The events of the assets that a task reads, oldest first.
pub(super) fn inlet_events(inlets: &[AssetName], history: &Arc<History>) -> Value {
    let history = Arc::clone(history);
    lazy(inlets.iter().map(ToString::to_string), move |name| {
        Ok(Value::from(Serde(history.events(&name.into())?)))
    })
}

/// `var.json`: variables whose text is JSON.
pub(super) fn json_variables(variables: &Variables) -> Value {
    let texts = variables.shown.clone();
    let secrets: Vec<String> = variables.secrets.keys().cloned().collect();
    lazy(variables.shown.keys().cloned(), move |name| {
        let text = texts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        if secrets.iter().any(|placeholder| placeholder == text) {
            let help = format!("hand it on whole: `var.value.{name}`");
            return Err(wrong(format!(
                "variable `{name}` is secret and cannot be taken apart; {help}"
            )));
        }
        let value: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| wrong(format!("variable `{name}` is no JSON: {error}")))?;
        Ok(Value::from(Serde(value)))
    })
}
