//! A digest of a DAG's definition, which changes when what it does changes.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::dag::flow::GroupSpec;
use crate::dag::spec::{Dag, TaskSpec};

const HEX_DIGITS: usize = 12;

/// Returns the first hex digits of the SHA-256 of the definition. Where it stands in the file,
/// comments and spaces do not count.
pub(super) fn digest(dag: &Dag) -> String {
    let digest = Sha256::digest(canonical(dag).to_string());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..HEX_DIGITS].to_owned()
}

fn canonical(dag: &Dag) -> Value {
    json!({
        "dag_id": dag.dag_id,
        "description": dag.description,
        "doc_md": dag.doc_md,
        "tags": dag.tags,
        "owner": dag.owner,
        "schedule": dag.schedule.summary(),
        "timezone": dag.timezone.iana_name(),
        "start_date": dag.start_date,
        "end_date": dag.end_date,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "max_active_tasks": dag.max_active_tasks,
        "dagrun_timeout": dag.dagrun_timeout.map(millis),
        "callbacks": dag.callbacks,
        "deadlines": dag.deadlines,
        "paused": dag.is_paused_upon_creation,
        "params": dag.params.schema,
        "groups": dag.groups.values().map(group).collect::<Value>(),
        "tasks": dag.tasks.values().map(task).collect::<Value>(),
    })
}

fn task(task: &TaskSpec) -> Value {
    json!({
        "task_id": task.task_id,
        "operator": task.operator.name(),
        "args": task.args,
        "upstream": task.upstream,
        "trigger_rule": task.trigger_rule.as_str(),
        "flow": task.flow,
        "retries": task.retries,
        "retry_delay": millis(task.retry_delay),
        "retry_exponential_backoff": task.retry_exponential_backoff,
        "max_retry_delay": task.max_retry_delay.map(millis),
        "no_retry_exit_codes": task.no_retry_exit_codes,
        "execution_timeout": task.execution_timeout.map(millis),
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "priority_weight": task.priority_weight,
        "weight_rule": task.weight_rule.as_str(),
        "callbacks": task.callbacks,
        "env": task.env,
        "inlets": task.inlets,
        "outlets": task.outlets,
        "doc_md": task.doc_md,
    })
}

fn group(group: &GroupSpec) -> Value {
    json!({
        "group_id": group.group_id,
        "parent": group.parent,
        "tooltip": group.tooltip,
        "expand": group.expand,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
