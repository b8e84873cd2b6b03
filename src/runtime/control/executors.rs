//! The executors as they stand: what the store says is in their hands, and what they last heard.
//! No worker and no cluster is asked on a client's behalf.

use crate::dag::TaskSpec;
use crate::runtime::control::{ControlParts, user};
use crate::runtime::engine::Live;
use crate::store::event_log;
use crate::store::task_instance::{self, InFlight};
use crate::types::ask::Answer;
use crate::types::attention::{AttentionItem, AttentionKind, AttentionTarget};
use crate::types::event::{EventLog, Severity};
use crate::types::executor::{
    DEATHS_ARE_NEWS, ExecutorKind, ExecutorsView, InHand, SlurmHeard, SlurmView, WorkersHeard,
};
use crate::types::run::TaskInstance;
use crate::types::{DagId, Fault, TaskId, Timestamp};

/// So many workers that died lately are more than bad luck.
const DEATHS_MANY: usize = 3;

/// Lists them.
pub(super) async fn list(parts: &ControlParts) -> Result<Answer, Fault> {
    let in_flight = parts.read(task_instance::in_flight).await?;
    let heard = parts.slurm.borrow().clone();
    let workers = parts.workers.heard.borrow().clone();
    Ok(Answer::Executors(view(&parts.live(), &in_flight, workers, heard)))
}

/// Has a new worker take new attempts, and says how the executors stand then.
pub(super) async fn replace_worker(parts: &ControlParts) -> Result<Answer, Fault> {
    parts.workers.replace().await?;
    let heard = parts.workers.heard.borrow().clone();
    let (new, before) = (heard.workers.first(), heard.workers.get(1));
    let finishes = before.filter(|before| before.attempts > 0).map(|before| {
        format!("; worker {} finishes the {} that it holds", before.pid, before.attempts)
    });
    let message = format!(
        "worker {} takes new attempts{}",
        new.map_or_else(|| "-".to_owned(), |new| new.pid.to_string()),
        finishes.unwrap_or_default(),
    );
    let line = EventLog {
        id: 0,
        when: parts.clock.now(),
        severity: Severity::Info,
        event: "worker.replaced".to_owned(),
        dag_id: None,
        dag_run_id: None,
        task_id: None,
        owner: Some(user::name()),
        message,
    };
    parts.store.write(move |tx| event_log::insert(tx, &line).map(drop)).await?;
    list(parts).await
}

fn view(
    live: &Live,
    in_flight: &[InFlight],
    workers: WorkersHeard,
    heard: SlurmHeard,
) -> ExecutorsView {
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
    ExecutorsView { local, workers, slurm: is_used.then_some(SlurmView { tasks, dags, heard }) }
}

/// Where the definition in force has a task run.
fn kind(live: &Live, dag_id: &DagId, task_id: &TaskId) -> ExecutorKind {
    let task = live.deck.dags.get(dag_id).and_then(|dag| dag.tasks.get(task_id));
    task.map_or(ExecutorKind::Local, TaskSpec::executor)
}

/// Says of a task that was not launched yet, or by an older dagdeck, where it runs: as the
/// definition in force has it.
pub(super) fn place(live: &Live, task: &mut TaskInstance) {
    if task.place.executor.is_none() {
        task.place.executor = Some(kind(live, &task.key.dag_id, &task.key.task_id));
    }
}

/// Says that workers die, or that none can be started.
pub(super) fn workers(heard: &WorkersHeard, now: Timestamp) -> Option<AttentionItem> {
    let item = |severity, text, since| AttentionItem {
        kind: AttentionKind::Executor,
        severity,
        subject: "local".to_owned(),
        text,
        since: Some(since),
        target: AttentionTarget::System,
        remedy: "dagdeck executors".to_owned(),
    };
    if let Some(trouble) = &heard.trouble {
        let text = format!("no worker can be started, attempts wait or fail: {}", trouble.why);
        return Some(item(Severity::Error, text, trouble.since));
    }
    let died = heard.recent_deaths(now);
    let last = died.last()?;
    let text = format!("worker {} died; {}", last.pid, last.words());
    Some(match died.len() {
        n @ DEATHS_MANY.. => {
            let minutes = DEATHS_ARE_NEWS.as_mins();
            let text = format!("workers keep dying, {n} in {minutes} minutes; the last: {text}");
            item(Severity::Error, text, died[0].at)
        }
        _ => item(Severity::Warning, text, last.at),
    })
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
