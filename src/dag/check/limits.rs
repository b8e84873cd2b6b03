//! `limits` of a task, and `killed_task_cleanup_time`.

use std::time::Duration;

use crate::check::Context;
use crate::check::fields::Fields;
use crate::check::retention::size;
use crate::limits::TaskLimits;

/// What a log keeps at least: less would cut off what says why a task failed.
const LOG_SIZE_MIN: u64 = 4 << 10;
/// A program needs as much to begin with.
const MEMORY_MIN: u64 = 1 << 20;

/// Reads both from a task or from `default_args`.
pub(super) fn of_task(context: Context<'_>, parent: &mut Fields<'_>) -> TaskLimits {
    let killed_task_cleanup_time = parent.duration("killed_task_cleanup_time");
    let what = format!("`limits` of {}", parent.what());
    let Some((table, place)) = parent.table("limits") else {
        return TaskLimits { killed_task_cleanup_time, ..TaskLimits::default() };
    };
    let mut fields = Fields::new(context.report, what, table, place);
    let found = TaskLimits {
        memory: at_least(context, &mut fields, "memory", MEMORY_MIN),
        cpu_time: cpu_time(context, &mut fields),
        nice: fields.integer("nice", 0..=19),
        open_files: fields.integer("open_files", 16..=1_048_576),
        log_size: at_least(context, &mut fields, "log_size", LOG_SIZE_MIN),
        killed_task_cleanup_time,
    };
    fields.finish();
    found
}

fn at_least(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    key: &'static str,
    min: u64,
) -> Option<u64> {
    let found = size(context, fields, key)?;
    if found < min {
        let message = format!("`{key}` of {} is {found} bytes", fields.what());
        let help = format!("at least {min} bytes are needed");
        let span = fields.node(key).map_or(fields.place(), |node| node.span);
        context.report.error(span, "bad-value", message, help);
    }
    Some(found)
}

/// The kernel counts whole seconds.
fn cpu_time(context: Context<'_>, fields: &mut Fields<'_>) -> Option<Duration> {
    const KEY: &str = "cpu_time";
    let found = fields.duration(KEY)?;
    if found < Duration::from_secs(1) {
        let message = format!("`{KEY}` of {} is less than a second", fields.what());
        let span = fields.node(KEY).map_or(fields.place(), |node| node.span);
        context.report.error(span, "bad-value", message, "at least `1s` is allowed".to_owned());
    }
    Some(found)
}
