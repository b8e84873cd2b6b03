//! The daemon as it stands, and its event feed.

use crate::runtime::control::{ControlParts, find, mirror, openlineage};
use crate::store::event_log;
use crate::types::Fault;
use crate::types::ask::Answer;
use crate::types::view::StatusView;

/// Returns the daemon as it stands.
pub(super) async fn status(parts: &ControlParts) -> Result<Answer, Fault> {
    let live = parts.live();
    // A model server that does not answer is a problem to be shown, not a reason to show none.
    let serving = parts.serving.status().await;
    let mut problems = parts.listen_problems.clone();
    problems.extend(parts.watch_problems.borrow().iter().cloned());
    let openlineage = parts.openlineage.borrow().clone();
    problems.extend(openlineage.iter().flat_map(openlineage::problems));
    let mirrored = mirror::now(parts).await;
    problems.extend(mirrored.iter().flat_map(mirror::problems));
    problems.extend(live.trouble.clone());
    let serving_listen = match serving {
        Ok(serving) => {
            // The one that kept it from listening is among them already.
            problems
                .extend(serving.problem.filter(|problem| !parts.listen_problems.contains(problem)));
            serving.listen
        }
        Err(fault) => {
            problems.push(fault.to_string());
            None
        }
    };
    let definition_errors = parts.definitions.borrow().diagnostics.len();
    Ok(Answer::Status(Box::new(StatusView {
        deck_name: live.deck.name.clone(),
        project: parts.layout.project().display().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: parts.started_at,
        api_listen: parts.api_listen.clone(),
        serving_listen,
        openlineage,
        mirror: mirrored,
        problems,
        slots_used: live.slots_used,
        slots_total: live.slots_total,
        runs_running: live.runs_running,
        runs_queued: live.runs_queued,
        pools: live.pools.clone(),
        dag_count: live.deck.dags.len(),
        definition_errors,
        store_bytes: parts.store.size_bytes(),
        memory_bytes: memory_bytes(),
        now: parts.clock.now(),
    })))
}

/// Returns the last lines of the feed, newest first.
pub(super) async fn events(
    parts: &ControlParts,
    limit: u32,
    before_id: Option<i64>,
) -> Result<Answer, Fault> {
    let limit = limit.min(find::PAGE_LEN_MAX);
    let lines = parts.read(move |conn| event_log::list(conn, limit, before_id)).await?;
    Ok(Answer::Events(lines))
}

/// Returns the resident memory of this process; `None` where the system does not say.
fn memory_bytes() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Reads the line `VmRSS:   1234 kB`.
fn resident(status: &str) -> Option<u64> {
    let figure = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = figure.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_its_line() {
        assert_eq!(resident("VmHWM:\t9 kB\nVmRSS:\t   7 kB\n"), Some(7168));
        assert_eq!(resident("VmRSS:\n"), None);
        assert!(memory_bytes().is_none_or(|bytes| bytes > 1 << 16));
    }
}
