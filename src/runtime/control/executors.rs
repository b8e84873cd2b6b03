//! The executors as they stand: what the store says is in their hands, and what they last heard.
//! No cluster is asked on a client's behalf.

use crate::dag::operator::Placement;
use crate::runtime::attempt::AttemptFolder;
use crate::runtime::control::ControlParts;
use crate::runtime::engine::Live;
use crate::runtime::executor::slurm::Whereabouts;
use crate::store::task_instance::{self, InFlight};
use crate::types::ask::Answer;
use crate::types::attention::{AttentionItem, AttentionKind, AttentionTarget};
use crate::types::event::Severity;
use crate::types::executor::{
    AttemptPlace, ExecutorKind, ExecutorsView, InHand, SlurmHeard, SlurmView,
};
use crate::types::run::TaskInstance;
use crate::types::{DagId, Fault, TaskId, Timestamp};

/// Lists them.
pub(super) async fn list(parts: &ControlParts) -> Result<Answer, Fault> {
    let in_flight = parts.read(task_instance::in_flight).await?;
    let heard = parts.slurm.borrow().clone();
    Ok(Answer::Executors(view(&parts.live(), &in_flight, heard)))
}

fn view(live: &Live, in_flight: &[InFlight], heard: SlurmHeard) -> ExecutorsView {
    let (mut local, mut tasks) = (InHand::default(), InHand::default());
    for found in in_flight {
        let in_hand = match kind(live, &found.dag_id, &found.task_id) {
            ExecutorKind::Local => &mut local,
            ExecutorKind::Slurm => &mut tasks,
            ExecutorKind::Daemon => continue,
        };
        in_hand.queued += found.queued;
        in_hand.running += found.running;
    }
    let goes_there = |dag: &crate::dag::Dag| dag.tasks.values().any(|task| task.slurm.is_some());
    let dags = live.deck.dags.iter().filter(|(_, dag)| goes_there(dag));
    let dags: Vec<DagId> = dags.map(|(dag_id, _)| dag_id.clone()).collect();
    let is_used = !dags.is_empty() || heard != SlurmHeard::default();
    ExecutorsView { local, slurm: is_used.then_some(SlurmView { tasks, dags, heard }) }
}

/// Where the definition in force has a task run.
fn kind(live: &Live, dag_id: &DagId, task_id: &TaskId) -> ExecutorKind {
    let task = live.deck.dags.get(dag_id).and_then(|dag| dag.tasks.get(task_id));
    match task {
        Some(task) if task.operator.placement() == Placement::Daemon => ExecutorKind::Daemon,
        Some(task) if task.slurm.is_some() => ExecutorKind::Slurm,
        Some(_) | None => ExecutorKind::Local,
    }
}

/// Says where an attempt is, or was. What its folder says counts for more than the definition,
/// which may be another one by now.
pub(super) fn place(
    live: &Live,
    started_at: Timestamp,
    task: &TaskInstance,
    folder: &AttemptFolder,
) -> AttemptPlace {
    let at = task.token.as_ref().and_then(|token| Whereabouts::of(folder, token));
    let is_adopted = task.end_date.is_none() && task.start_date.is_some_and(|at| at < started_at);
    match at {
        Some(at) => AttemptPlace {
            executor: ExecutorKind::Slurm,
            node: Some(at.node),
            job: Some(at.job),
            pid: Some(at.pid),
            is_adopted,
        },
        None => AttemptPlace {
            executor: kind(live, &task.key.dag_id, &task.key.task_id),
            pid: task.pid,
            is_adopted,
            ..AttemptPlace::default()
        },
    }
}

/// Says that attempts wait for a cluster that does not answer.
pub(super) fn unreachable(heard: &SlurmHeard) -> Option<AttentionItem> {
    let silence = heard.trouble()?;
    Some(AttentionItem {
        kind: AttentionKind::Executor,
        severity: Severity::Error,
        subject: "slurm".to_owned(),
        text: format!("does not answer, nothing is given up: {}", silence.why),
        since: Some(silence.since),
        target: AttentionTarget::System,
        remedy: "dagdeck executors".to_owned(),
    })
}
