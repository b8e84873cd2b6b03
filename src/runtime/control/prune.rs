//! Deletes what retention lets go, or says what that would be.

use crate::runtime::control::{ControlParts, find, user};
use crate::runtime::retention::Retention;
use crate::store::event_log;
use crate::types::Fault;
use crate::types::ask::{Answer, Prune};
use crate::types::event::{EventLog, Severity};

pub(super) async fn prune(parts: &ControlParts, wish: Prune) -> Result<Answer, Fault> {
    if let Some(dag_id) = &wish.dag_id {
        find::known_dag(&parts.live(), dag_id)?;
    }
    if wish.older_than_secs.is_some_and(|secs| !secs.is_finite() || secs < 0.0) {
        return Err(Fault::invalid("prune what is older than a time to come"));
    }
    let retention = Retention {
        layout: parts.layout.clone(),
        store: parts.store.clone(),
        live: parts.live.clone(),
        clock: parts.clock.clone(),
        publisher: parts.publisher.clone(),
    };
    let dag_id = wish.dag_id.clone();
    let report = retention.prune(wish).await?;
    if !report.dry_run && !report.kinds.is_empty() {
        let what = report.kinds.iter().map(|kind| format!("{} {}", kind.count, kind.kind));
        let line = EventLog {
            id: 0,
            when: parts.clock.now(),
            severity: Severity::Info,
            event: "pruned".to_owned(),
            dag_id,
            dag_run_id: None,
            task_id: None,
            owner: Some(user::name()),
            message: format!("pruned {}", what.collect::<Vec<_>>().join(", ")),
        };
        parts.store.write(move |tx| event_log::insert(tx, &line).map(drop)).await?;
    }
    Ok(Answer::Pruned(report))
}
