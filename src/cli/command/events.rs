//! `events`: what happened, for people and for scripts.

use crate::cli::args::EventsArgs;
use crate::cli::command::{connect, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, instant, table};
use crate::runtime::Layout;
use crate::types::DagId;
use crate::types::ask::{Answer, Request};
use crate::types::event::EventLog;

/// Lines asked for at once.
const PAGE: u32 = 300;
/// Pages that are looked through for lines of a severity.
const PAGES_MAX: usize = 100;

/// Lists the last lines of the feed, the newest last, as a log is read.
pub async fn events(
    layout: &Layout,
    args: EventsArgs,
    output: &mut Output,
) -> Result<u8, CliError> {
    let client = connect(layout).await?;
    let dag_id = args.dag.map(DagId::from);
    let wanted = args.limit as usize;
    let mut lines: Vec<EventLog> = Vec::new();
    let mut before_id = None;
    for _ in 0..PAGES_MAX {
        let answer = client.ask(Request::ListEvents { limit: PAGE, before_id }).await?;
        let page = expect_answer!(answer, Answer::Events(events) => events, "events");
        before_id = page.last().map(|event| event.id);
        let is_last = page.len() < PAGE as usize;
        lines.extend(page.into_iter().filter(|event| {
            args.severity.is_none_or(|least| event.severity >= least.into())
                && dag_id.as_ref().is_none_or(|dag_id| event.dag_id.as_ref() == Some(dag_id))
        }));
        if is_last || lines.len() >= wanted {
            break;
        }
    }
    lines.truncate(wanted);
    lines.reverse();
    output.answer(&lines, |lines| list(lines));
    Ok(0)
}

fn list(lines: &[EventLog]) -> String {
    let row = |event: &EventLog| {
        vec![
            instant(Some(event.when)),
            format!("{:?}", event.severity).to_lowercase(),
            event.event.clone(),
            event.dag_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            event.message.clone(),
            event.owner.clone().unwrap_or_default(),
        ]
    };
    let header = ["WHEN", "SEVERITY", "EVENT", "DAG", "WHAT", "WHO"];
    table(&header, lines.iter().map(row), "nothing has happened")
}
