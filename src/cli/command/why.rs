//! `why`: what holds a DAG, a run or a task back.

use crate::cli::command::{ask, expect_answer, operate};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::ids::UNMAPPED;
use crate::types::why::{WhySubject, WhyView};

/// Asks, and says the reasons.
pub async fn why(
    layout: &Layout,
    dag_id: String,
    dag_run_id: Option<String>,
    task: Option<String>,
    output: &mut Output,
) -> Result<u8, CliError> {
    let task = task.as_deref().map(operate::choice).transpose()?;
    let subject = WhySubject {
        dag_id: dag_id.into(),
        dag_run_id: dag_run_id.map(Into::into),
        map_index: task.as_ref().and_then(|task| task.map_indexes.first().copied()),
        task_id: task.map(|task| task.task_id),
    };
    let answer = ask(layout, Request::Explain(subject)).await?;
    let views = expect_answer!(answer, Answer::Why(views) => views, "why");
    output.answer(&views, |views| views.iter().map(show).collect::<Vec<_>>().join("\n\n"));
    Ok(0)
}

fn show(view: &WhyView) -> String {
    let subject = &view.subject;
    let mut name = format!("DAG {}", subject.dag_id);
    if let Some(run) = &subject.dag_run_id {
        name.push_str(&format!(", run {run}"));
    }
    if let Some(task) = &subject.task_id {
        name.push_str(&format!(", task {task}"));
    }
    if let Some(index) = subject.map_index.filter(|index| *index != UNMAPPED) {
        name.push_str(&format!("[{index}]"));
    }
    let state = view.state.map(|state| state.to_string());
    let state = state.or_else(|| match subject.task_id {
        Some(_) => Some("no status".to_owned()),
        None => view.run_state.map(|state| state.to_string()),
    });
    let mut text = match state {
        Some(state) => format!("{name}: {state}"),
        None => name,
    };
    for reason in &view.reasons {
        text.push_str(&format!("\n  - {}", reason.text));
        if let Some(remedy) = &reason.remedy {
            text.push_str(&format!("\n    ({remedy})"));
        }
    }
    text
}
