//! Why a DAG, a run or a task does or does not go on: the engine says so of what is under way; of
//! what has ended its rows do.

use crate::runtime::control::{ControlParts, find, runs};
use crate::sched::{Input, Reply};
use crate::store::task_instance;
use crate::types::ask::Answer;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::why::{Reason, ReasonKind, WhySubject, WhyView};
use crate::types::{DagRunState, Fault, FaultKind, TaskInstanceKey};

/// Answers; refuses what there is not.
pub(super) async fn explain(parts: &ControlParts, subject: WhySubject) -> Result<Answer, Fault> {
    find::known_dag(&parts.live(), &subject.dag_id)?;
    match parts.handle.ask(Input::Explain(subject.clone())).await? {
        Reply::Why(views) if !views.is_empty() => return Ok(Answer::Why(views)),
        Reply::Why(_) => {}
        _ => {
            return Err(Fault::new(FaultKind::Internal, "the engine's answer makes no sense"));
        }
    }
    let Some(dag_run_id) = subject.dag_run_id.clone() else { return Ok(Answer::Why(Vec::new())) };
    let key = DagRunKey { dag_id: subject.dag_id.clone(), dag_run_id };
    let run = runs::get(parts, &key).await?;
    let Some(task_id) = subject.task_id.clone() else {
        return Ok(Answer::Why(vec![ended_run(subject, run.state)]));
    };
    let of_run = {
        let key = key.clone();
        parts.read(move |conn| task_instance::for_run(conn, &key)).await?
    };
    let is_meant = |ti: &&TaskInstance| {
        ti.key.task_id == task_id
            && subject.map_index.is_none_or(|wanted| wanted == ti.key.map_index)
    };
    let of_task: Vec<&TaskInstance> = of_run.iter().filter(is_meant).collect();
    if of_task.is_empty() {
        let map_index = subject.map_index.unwrap_or(crate::types::ids::UNMAPPED);
        let DagRunKey { dag_id, dag_run_id } = key;
        let key = TaskInstanceKey { dag_id, dag_run_id, task_id, map_index };
        return Err(runs::no_task(parts, key).await);
    }
    let views = of_task.into_iter().map(|ti| ended_task(&subject, run.state, ti));
    Ok(Answer::Why(views.collect()))
}

fn ended_run(subject: WhySubject, state: DagRunState) -> WhyView {
    let reason = Reason::new(ReasonKind::Ended, format!("it has ended as {state}"))
        .remedy("clear what is to run again: `dagdeck runs clear`");
    WhyView { subject, run_state: Some(state), state: None, reasons: vec![reason] }
}

fn ended_task(subject: &WhySubject, run_state: DagRunState, ti: &TaskInstance) -> WhyView {
    let state = ti.state.map_or("no status", |state| state.as_str());
    let note = ti.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    let text = format!("its run has ended as {run_state}; it is {state}{note}");
    let reason = Reason::new(ReasonKind::Ended, text)
        .remedy("clear it to have it run again: `dagdeck tasks clear`");
    WhyView {
        subject: WhySubject { map_index: Some(ti.key.map_index), ..subject.clone() },
        run_state: Some(run_state),
        state: ti.state,
        reasons: vec![reason],
    }
}
