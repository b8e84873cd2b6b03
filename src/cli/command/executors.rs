//! `executors`: where attempts run, by which workers, and what was last heard of the cluster; and
//! the order to replace a worker.

use crate::cli::args::{ExecutorsCommand, RestartableExecutor};
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::executor::{ExecutorsView, SlurmView, WorkerView, WorkersHeard};
use crate::types::time;

/// Shows them, after it has had a worker replaced where that is asked.
pub async fn executors(
    layout: &Layout,
    command: Option<ExecutorsCommand>,
    output: &mut Output,
) -> Result<u8, CliError> {
    let request = match command {
        None => Request::ListExecutors,
        Some(ExecutorsCommand::Restart { executor: RestartableExecutor::Local }) => {
            Request::ReplaceWorker
        }
    };
    let answer = ask(layout, request).await?;
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
    text.push_str(&workers(&view.workers));
    for waits in view.slurm.iter().flat_map(|slurm| &slurm.heard.jobs.reasons) {
        text.push_str(&format!("\n{} pending: {}", waits.jobs, waits.reason));
    }
    text
}

fn workers(heard: &WorkersHeard) -> String {
    let row = |worker: &WorkerView| {
        vec![
            worker.pid.to_string(),
            ago(Some(worker.since)),
            or_dash(worker.version.clone()),
            worker.build.clone(),
            worker.attempts.to_string(),
            match worker.is_current {
                true => "takes new attempts".to_owned(),
                false => "finishes what it has".to_owned(),
            },
        ]
    };
    let header = ["WORKER", "STARTED", "VERSION", "BUILD", "ATTEMPTS", ""];
    let none = "no worker runs: one is started with the next attempt";
    let mut text = format!("\n\n{}", table(&header, heard.workers.iter().map(row), none));
    if let Some(trouble) = &heard.trouble {
        let since = ago(Some(trouble.since));
        text.push_str(&format!("\nno worker can be started since {since}: {}", trouble.why));
    }
    for death in heard.recent_deaths(time::now()) {
        let when = ago(Some(death.at));
        text.push_str(&format!("\nworker {} died {when}; {}", death.pid, death.words()));
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
    use crate::types::executor::{PendingReason, SlurmHeard, SlurmJobs, WorkerDeath};

    #[test]
    fn workers_are_listed_with_what_they_hold_and_the_dead_are_named() {
        let mut view = ExecutorsView::default();
        assert!(show(&view).contains("no worker runs"));
        let worker = |pid, version: Option<&str>, is_current| WorkerView {
            pid,
            since: time::now(),
            version: version.map(str::to_owned),
            build: "ab12".to_owned(),
            attempts: 3,
            is_current,
        };
        view.workers.workers = vec![worker(7, Some("0.1.0"), true), worker(5, None, false)];
        view.workers.deaths = vec![WorkerDeath { at: time::now(), pid: 4, attempts: 2 }];
        let text = show(&view);
        let line = |pid: &str| text.lines().find(|line| line.starts_with(pid)).unwrap();
        assert!(line("7").ends_with("0.1.0    ab12   3         takes new attempts"), "{text}");
        assert!(line("5").ends_with("-        ab12   3         finishes what it has"), "{text}");
        assert!(
            text.contains("worker 4 died") && text.contains("2 attempts that it held"),
            "{text}"
        );
    }

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
