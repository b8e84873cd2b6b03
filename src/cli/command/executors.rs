//! `executors`: where attempts run, and what was last heard of the cluster.

use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::executor::{ExecutorsView, SlurmView};

/// Shows them.
pub async fn executors(layout: &Layout, output: &mut Output) -> Result<u8, CliError> {
    let answer = ask(layout, Request::ListExecutors).await?;
    let view = expect_answer!(answer, Answer::Executors(view) => view, "executors");
    output.answer(&view, show);
    Ok(0)
}

fn show(view: &ExecutorsView) -> String {
    let local = view.local;
    let mut rows = vec![vec![
        "local".to_owned(),
        local.running.to_string(),
        local.queued.to_string(),
        "processes of this machine".to_owned(),
    ]];
    if let Some(slurm) = &view.slurm {
        rows.push(vec![
            "slurm".to_owned(),
            slurm.tasks.running.to_string(),
            slurm.tasks.queued.to_string(),
            standing(slurm),
        ]);
    }
    let mut text = table(&["EXECUTOR", "RUNNING", "QUEUED", ""], rows, "no executors");
    for waits in view.slurm.iter().flat_map(|slurm| &slurm.heard.jobs.reasons) {
        text.push_str(&format!("\n{} pending: {}", waits.jobs, waits.reason));
    }
    text
}

fn standing(slurm: &SlurmView) -> String {
    let heard = &slurm.heard;
    let jobs = &heard.jobs;
    let counts =
        format!("jobs: {} running, {} pending, {} held", jobs.running, jobs.pending, jobs.held);
    match (heard.trouble(), heard.heard_at) {
        (Some(silence), _) => {
            format!("has not answered since {}: {}", ago(Some(silence.since)), silence.why)
        }
        (None, Some(at)) => format!("{counts} (heard {})", ago(Some(at))),
        (None, None) => "not asked yet: no job was submitted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::executor::{PendingReason, SlurmHeard, SlurmJobs};
    use crate::types::time;

    #[test]
    fn a_cluster_is_shown_only_where_a_task_goes_there() {
        let mut view = ExecutorsView::default();
        assert!(!show(&view).contains("slurm"));
        view.slurm = Some(SlurmView::default());
        assert!(show(&view).contains("not asked yet"));
        let reasons = vec![PendingReason { reason: "Resources".into(), jobs: 2 }];
        let jobs = SlurmJobs { pending: 2, running: 1, held: 0, reasons };
        let heard = SlurmHeard { heard_at: Some(time::now()), jobs, ..SlurmHeard::default() };
        view.slurm = Some(SlurmView { heard, ..SlurmView::default() });
        let text = show(&view);
        assert!(text.contains("jobs: 1 running, 2 pending, 0 held"), "{text}");
        assert!(text.ends_with("2 pending: Resources"), "{text}");
    }
}
