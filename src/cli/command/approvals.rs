//! `approvals list|show|answer`.

use serde_json::Value;

use crate::cli::args::{AnswerArgs, ApprovalsCommand};
use crate::cli::command::{ask, expect_answer};
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, fields, instant, or_dash, table};
use crate::runtime::Layout;
use crate::types::TaskInstanceKey;
use crate::types::approval::{HitlDetail, Response};
use crate::types::ask::{Answer, Request};
use crate::types::ids::UNMAPPED;

/// Carries out a command about what people are asked.
pub async fn dispatch(
    layout: &Layout,
    command: ApprovalsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        ApprovalsCommand::List { dag_id, all, limit } => {
            let dag_id = dag_id.map(Into::into);
            let request = Request::ListApprovals { dag_id, only_pending: !all, limit };
            let answer = ask(layout, request).await?;
            let all = expect_answer!(answer, Answer::Approvals(all) => all, "approvals list");
            output.answer(&all, |all| list(all));
        }
        ApprovalsCommand::Show { dag_id, dag_run_id, task_id, map_index } => {
            let key = key(&dag_id, &dag_run_id, &task_id, map_index);
            let answer = ask(layout, Request::ShowApproval { key }).await?;
            let one = expect_answer!(answer, Answer::Approval(one) => one, "approvals show");
            output.answer(&one, |one| show(one));
        }
        ApprovalsCommand::Answer(args) => answer(layout, args, output).await?,
    }
    Ok(0)
}

async fn answer(layout: &Layout, args: AnswerArgs, output: &mut Output) -> Result<(), CliError> {
    let response = Response {
        key: key(&args.dag_id, &args.dag_run_id, &args.task_id, args.map_index),
        chosen_options: args.choose,
        params_input: args.params.into_iter().collect(),
        user: env::user(),
    };
    let answer = ask(layout, Request::AnswerApproval(response)).await?;
    let one = expect_answer!(answer, Answer::Approval(one) => one, "approvals answer");
    output.answer(&one, |one| {
        let chosen = one.response.as_ref().map(|given| given.chosen_options.join(", "));
        format!("{} is answered: {}", one.key.task, or_dash(chosen))
    });
    Ok(())
}

fn key(dag_id: &str, dag_run_id: &str, task_id: &str, map_index: Option<i32>) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: dag_id.into(),
        dag_run_id: dag_run_id.into(),
        task_id: task_id.into(),
        map_index: map_index.unwrap_or(UNMAPPED),
    }
}

fn task_name(key: &TaskInstanceKey) -> String {
    match key.map_index {
        UNMAPPED => key.task_id.to_string(),
        index => format!("{}[{index}]", key.task_id),
    }
}

fn list(all: &[HitlDetail]) -> String {
    let row = |one: &HitlDetail| {
        let answer = match &one.response {
            Some(given) => given.chosen_options.join(", "),
            None => "-".to_owned(),
        };
        vec![
            one.key.task.dag_id.to_string(),
            one.key.task.dag_run_id.to_string(),
            task_name(&one.key.task),
            one.question.subject.clone(),
            one.question.options.join(", "),
            ago(Some(one.created_at)),
            one.timeout_at.map_or_else(|| "never".to_owned(), |at| ago(Some(at))),
            answer,
        ]
    };
    let header = ["DAG", "RUN", "TASK", "QUESTION", "CHOICES", "ASKED", "TIMES OUT", "ANSWER"];
    table(&header, all.iter().map(row), "nothing waits for an answer")
}

fn show(one: &HitlDetail) -> String {
    let (key, question) = (&one.key, &one.question);
    let everyone = || "everyone".to_owned();
    let assignees =
        if question.assignees.is_empty() { everyone() } else { question.assignees.join(", ") };
    let form = |(name, schema): (&String, &Value)| format!("{name}: {schema}");
    let form: Vec<String> = question.params.iter().map(form).collect();
    let mut lines = vec![
        ("dag", key.task.dag_id.to_string()),
        ("run", key.task.dag_run_id.to_string()),
        ("task", task_name(&key.task)),
        ("question", question.subject.clone()),
        ("body", or_dash(question.body.clone())),
        ("choices", question.options.join(", ")),
        ("several", if question.multiple { "yes" } else { "no" }.to_owned()),
        ("default", or_dash(question.defaults.as_ref().map(|names| names.join(", ")))),
        ("form", if form.is_empty() { "-".to_owned() } else { form.join("; ") }),
        ("for", assignees),
        ("asked", instant(Some(one.created_at))),
        ("times out", instant(one.timeout_at)),
    ];
    if let Some(given) = &one.response {
        let by = if given.timed_out { "nobody: the time was up" } else { "-" };
        lines.push(("answer", given.chosen_options.join(", ")));
        lines.push(("filled in", Value::Object(given.params_input.clone()).to_string()));
        lines.push(("by", given.responded_by.clone().unwrap_or_else(|| by.to_owned())));
        lines.push(("at", instant(Some(given.responded_at))));
    }
    fields(&lines)
}
