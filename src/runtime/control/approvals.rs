//! What people are asked, and their answers.

use crate::runtime::control::{ControlParts, find, runs, user};
use crate::sched::{Command, Input};
use crate::store::hitl;
use crate::types::approval::{HitlDetail, Response};
use crate::types::ask::Answer;
use crate::types::{DagId, Fault, FaultKind, TaskInstanceKey};

/// Returns the questions, newest first.
pub(super) async fn list(
    parts: &ControlParts,
    dag_id: Option<DagId>,
    only_pending: bool,
    limit: u32,
) -> Result<Answer, Fault> {
    if let Some(dag_id) = &dag_id {
        find::known_dag(&parts.live(), dag_id)?;
    }
    let limit = limit.min(find::PAGE_LEN_MAX);
    let read =
        move |conn: &rusqlite::Connection| hitl::list(conn, dag_id.as_ref(), only_pending, limit);
    Ok(Answer::Approvals(parts.read(read).await?))
}

/// Returns the last question of a task.
pub(super) async fn show(parts: &ControlParts, key: TaskInstanceKey) -> Result<Answer, Fault> {
    match last(parts, &key).await? {
        Some(detail) => Ok(Answer::Approval(Box::new(detail))),
        None => Err(asks_nothing(parts, key).await),
    }
}

/// Gives the answer to a question, once.
pub(super) async fn answer(parts: &ControlParts, mut response: Response) -> Result<Answer, Fault> {
    let key = response.key.clone();
    response.user.get_or_insert_with(user::name);
    match parts.handle.ask(Input::Command(Command::Answer(response))).await {
        Ok(_) => show(parts, key).await,
        // The engine knows only what waits; the store knows who was faster.
        Err(fault) if fault.kind == FaultKind::Conflict => match last(parts, &key).await? {
            Some(detail) => Err(answered(&detail).unwrap_or(fault)),
            None => Err(asks_nothing(parts, key).await),
        },
        Err(fault) => Err(fault),
    }
}

async fn last(parts: &ControlParts, key: &TaskInstanceKey) -> Result<Option<HitlDetail>, Fault> {
    let key = key.clone();
    parts.read(move |conn| hitl::last(conn, &key)).await
}

/// Says who has answered already.
fn answered(detail: &HitlDetail) -> Option<Fault> {
    let response = detail.response.as_ref()?;
    let chosen = response.chosen_options.join(", ");
    let at = response.responded_at;
    let task = &detail.key.task;
    let text = match &response.responded_by {
        Some(user) => format!("{task} was answered by `{user}` at {at}: {chosen}"),
        None => format!("nobody answered {task} in time; {chosen} was taken at {at}"),
    };
    Some(
        Fault::conflict(text)
            .hint("an answer is given once; clear the task to have it asked again"),
    )
}

async fn asks_nothing(parts: &ControlParts, key: TaskInstanceKey) -> Fault {
    // The task that there is not is named; one that there is asks nothing.
    if let Err(fault) = runs::show_task(parts, key.clone()).await {
        return fault;
    }
    Fault::not_found(format!("{key} asks nothing"))
        .hint("`dagdeck approvals list` shows what is asked")
}
