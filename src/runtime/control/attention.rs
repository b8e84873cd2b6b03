//! What somebody should look at, the most urgent first; how busy the deck was; a run in short.
//!
//! All of it is looked up when asked: nothing is kept, so nothing can be out of date.

use std::io::{Read, Seek, SeekFrom};

use jiff::SignedDuration;

use crate::runtime::control::assets::Summary;
use crate::runtime::control::freshness::{RUNS, Runs};
use crate::runtime::control::{ControlParts, executors, find, mirror, openlineage};
use crate::runtime::engine::Live;
use crate::runtime::layout::Layout;
use crate::store::attention::{self, Failure, SlowTask, WaitingRuns, WaitingTasks};
use crate::store::{StoreError, asset, dag_run, hitl, trouble};
use crate::types::approval::HitlDetail;
use crate::types::ask::Answer;
use crate::types::attention::{
    AttentionItem, AttentionKind, AttentionTarget, FailedTask, PulseView, RunBrief,
};
use crate::types::event::Severity;
use crate::types::run::DagRunKey;
use crate::types::serving::ServingStatus;
use crate::types::trouble::{Trouble, TroubleKey, TroubleKind};
use crate::types::{AttemptKey, DagId, DagRunId, Fault, Timestamp};

mod stale;

/// More than this nobody reads.
const ITEMS_MAX: usize = 200;
/// Of so many failed runs the failed task is looked up.
const EXPLAINED_MAX: usize = 50;
/// A task is slow when it takes longer than so many times what is usual.
const SLOW_TIMES: f64 = 3.0;
/// Nothing that runs shorter is called slow.
const SLOW_MIN: SignedDuration = SignedDuration::from_mins(1);
/// How long tasks and runs may wait before it is told.
const WAIT_MAX: SignedDuration = SignedDuration::from_mins(10);
/// How late the schedule may be: the engine may be busy.
const LATE_MAX: SignedDuration = SignedDuration::from_mins(2);
/// How long an error of the model server is news.
const NEWS: SignedDuration = SignedDuration::from_mins(10);
/// How many hours the pulse looks back.
const PULSE_HOURS: u32 = 24;
/// How much of the end of a log is looked through for its last line.
const TAIL_BYTES: u64 = 4096;

/// What the store knows of it.
struct Found {
    failures: Vec<(Failure, Option<FailedTask>)>,
    slow: Vec<SlowTask>,
    waiting: Vec<WaitingTasks>,
    queued: Vec<WaitingRuns>,
    missed: Vec<(DagRunKey, Timestamp)>,
    asked: Vec<HitlDetail>,
    troubles: Vec<Trouble>,
    /// What last happened to assets, and the last runs of what makes them.
    made: (Summary, Runs),
}

/// Lists what somebody should look at.
pub(super) async fn list(parts: &ControlParts) -> Result<Answer, Fault> {
    let live = parts.live();
    let now = parts.clock.now();
    let dag_ids: Vec<DagId> = live.deck.dags.keys().cloned().collect();
    let makers = stale::makers(&live);
    let found = parts.read(move |conn| find(conn, &dag_ids, &makers, now)).await?;
    let mut items = broken(parts);
    items.extend(executors::unreachable(&parts.slurm.borrow()));
    items.extend(executors::workers(&parts.workers.heard.borrow(), now));
    items.extend(found.failures.iter().map(failed));
    items.extend(found.missed.iter().map(missed));
    items.extend(found.slow.iter().map(slow));
    items.extend(found.waiting.iter().map(waiting));
    items.extend(found.queued.iter().map(queued));
    items.extend(overdue(&live, now));
    items.extend(stale::items(&live, &found.made, now));
    items.extend(found.asked.iter().map(asked));
    items.extend(in_trouble(&found.troubles));
    match parts.serving.status().await {
        Ok(status) => items.extend(serving(&status, now)),
        Err(fault) => items.push(of_serving(Severity::Error, fault.to_string(), None)),
    }
    // The model server's listener is told once, as the model server's.
    let told: Vec<String> = items
        .iter()
        .filter(|item| item.kind == AttentionKind::Serving)
        .map(|item| item.text.clone())
        .collect();
    items.retain(|item| item.kind != AttentionKind::Problem || !told.contains(&item.text));
    // A stable sort: within one severity the kinds stay as they were added, the newest first.
    items.sort_by_key(|item| std::cmp::Reverse(item.severity));
    items.truncate(ITEMS_MAX);
    Ok(Answer::Attention(items))
}

fn find(
    conn: &rusqlite::Connection,
    dag_ids: &[DagId],
    makers: &[DagId],
    now: Timestamp,
) -> Result<Found, StoreError> {
    let mut failures = attention::failures(conn, dag_ids)?;
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.end_date));
    let explain = |(at, failure): (usize, Failure)| {
        let task = match at < EXPLAINED_MAX {
            true => attention::failed(conn, &key_of(&failure))?.into_iter().next(),
            false => None,
        };
        Ok((failure, task))
    };
    let failures = failures.into_iter().enumerate().map(explain);
    Ok(Found {
        failures: failures.collect::<Result<_, StoreError>>()?,
        slow: attention::slow_tasks(conn, now - SLOW_MIN, now, SLOW_TIMES)?,
        waiting: attention::waiting_tasks(conn, now - WAIT_MAX)?,
        queued: attention::waiting_runs(conn, now - WAIT_MAX)?,
        missed: attention::missed_deadlines(conn)?,
        asked: hitl::list(conn, None, true, 50)?,
        troubles: trouble::list(conn)?,
        // Where nothing makes an asset, none can be stale.
        made: match makers {
            [] => (Summary::new(), Runs::new()),
            makers => (asset::summary(conn)?, dag_run::recent(conn, makers, RUNS)?),
        },
    })
}

fn key_of(failure: &Failure) -> DagRunKey {
    DagRunKey { dag_id: failure.dag_id.clone(), dag_run_id: failure.dag_run_id.clone() }
}

/// Errors of `dags.toml`, and what could not begin.
fn broken(parts: &ControlParts) -> Vec<AttentionItem> {
    let mut items = Vec::new();
    let definitions = parts.definitions.borrow();
    if let Some(first) = definitions.diagnostics.first() {
        let more = match definitions.diagnostics.len() {
            1 => String::new(),
            n => format!(" (+{} more)", n - 1),
        };
        items.push(AttentionItem {
            kind: AttentionKind::Definitions,
            severity: Severity::Error,
            subject: format!("{}:{}", first.file, first.line),
            text: format!("{}{more}; the last good version stays in force", first.message),
            since: None,
            target: AttentionTarget::Definitions,
            remedy: "dagdeck check".to_owned(),
        });
    }
    let watching = parts.watch_problems.borrow();
    let of_daemon = |problem: &String, severity, since| AttentionItem {
        kind: AttentionKind::Problem,
        severity,
        subject: "daemon".to_owned(),
        text: problem.clone(),
        since,
        target: AttentionTarget::System,
        remedy: "dagdeck status".to_owned(),
    };
    let trouble = parts.live().trouble.clone();
    items.extend(trouble.iter().map(|problem| of_daemon(problem, Severity::Error, None)));
    let telling =
        parts.openlineage.borrow().iter().flat_map(openlineage::problems).collect::<Vec<_>>();
    items.extend(telling.iter().map(|problem| of_daemon(problem, Severity::Warning, None)));
    let telling = parts.mirror.borrow().iter().flat_map(mirror::problems).collect::<Vec<_>>();
    items.extend(telling.iter().map(|problem| of_daemon(problem, Severity::Warning, None)));
    let since = Some(parts.started_at);
    let began = parts.listen_problems.iter().chain(watching.iter());
    items.extend(began.map(|problem| of_daemon(problem, Severity::Warning, since)));
    items
}

fn failed((failure, task): &(Failure, Option<FailedTask>)) -> AttentionItem {
    let mut text = match task {
        Some(task) => {
            let why = task.note.as_deref().unwrap_or("failed");
            let tries = match task.max_tries {
                0 | 1 => String::new(),
                max => format!(", try {}/{max}", task.try_number),
            };
            format!("task {}: {why}{tries}", name(task))
        }
        None => "the run failed".to_owned(),
    };
    match failure.in_a_row {
        1 => {}
        n @ 100.. => text.push_str(&format!(", at least {n} failed in a row")),
        n => text.push_str(&format!(", {n} failed in a row")),
    }
    let run = key_of(failure);
    AttentionItem {
        kind: AttentionKind::FailedRun,
        severity: Severity::Error,
        subject: failure.dag_id.to_string(),
        text,
        since: failure.end_date,
        remedy: command("runs clear", &run),
        target: AttentionTarget::Run(run),
    }
}

fn name(task: &FailedTask) -> String {
    match task.key.map_index {
        crate::types::ids::UNMAPPED => task.key.task_id.to_string(),
        index => format!("{}[{index}]", task.key.task_id),
    }
}

fn command(verb: &str, run: &DagRunKey) -> String {
    format!("dagdeck {verb} {} '{}'", run.dag_id, run.dag_run_id)
}

fn missed((run, deadline): &(DagRunKey, Timestamp)) -> AttentionItem {
    AttentionItem {
        kind: AttentionKind::MissedDeadline,
        severity: Severity::Error,
        subject: run.dag_id.to_string(),
        text: "has missed its deadline and still runs".to_owned(),
        since: Some(*deadline),
        remedy: command("why", run),
        target: AttentionTarget::Run(run.clone()),
    }
}

fn slow(task: &SlowTask) -> AttentionItem {
    let run =
        DagRunKey { dag_id: task.key.dag_id.clone(), dag_run_id: task.key.dag_run_id.clone() };
    let usual = SignedDuration::try_from_secs_f64(task.median_secs).unwrap_or_default();
    AttentionItem {
        kind: AttentionKind::SlowTask,
        severity: Severity::Warning,
        subject: task.key.dag_id.to_string(),
        text: format!("task {} still runs; usually it takes {usual:#.0}", task.key.task_id),
        since: Some(task.start_date),
        remedy: format!("{} {}", command("logs", &run), task.key.task_id),
        target: AttentionTarget::Task(task.key.clone()),
    }
}

fn waiting(tasks: &WaitingTasks) -> AttentionItem {
    let what = match tasks.count {
        1 => "a task waits".to_owned(),
        n => format!("{n} tasks wait"),
    };
    let text = format!("{what} for a slot of pool {}", tasks.pool);
    held_up(AttentionKind::WaitingTasks, &tasks.run, tasks.since, text)
}

fn queued(runs: &WaitingRuns) -> AttentionItem {
    let text = match runs.count {
        1 => "a run is queued and does not begin".to_owned(),
        n => format!("{n} runs are queued and do not begin"),
    };
    held_up(AttentionKind::WaitingRuns, &runs.run, runs.since, text)
}

/// Something of a run that does not go on: `why` says what holds it.
fn held_up(kind: AttentionKind, run: &DagRunKey, since: Timestamp, text: String) -> AttentionItem {
    AttentionItem {
        kind,
        severity: Severity::Warning,
        subject: run.dag_id.to_string(),
        text,
        since: Some(since),
        remedy: command("why", run),
        target: AttentionTarget::Run(run.clone()),
    }
}

/// Scheduled runs that are due and were not made: as many run already as may, or the engine hangs.
fn overdue(live: &Live, now: Timestamp) -> Vec<AttentionItem> {
    let late = live.dag_states.iter().filter_map(|state| {
        let due = state.next_run_after.filter(|due| *due + LATE_MAX < now)?;
        let dag = live.deck.dags.get(&state.dag_id).filter(|_| !state.is_paused)?;
        let at_most = dag.max_active_runs;
        Some(AttentionItem {
            kind: AttentionKind::OverdueRun,
            severity: Severity::Warning,
            subject: state.dag_id.to_string(),
            text: format!("the next run is overdue: at most {at_most} may be under way"),
            since: Some(due),
            target: AttentionTarget::Dag { dag_id: state.dag_id.clone() },
            remedy: format!("dagdeck why {}", state.dag_id),
        })
    });
    late.collect()
}

fn asked(detail: &HitlDetail) -> AttentionItem {
    let key = &detail.key.task;
    let run = DagRunKey { dag_id: key.dag_id.clone(), dag_run_id: key.dag_run_id.clone() };
    AttentionItem {
        kind: AttentionKind::Approval,
        severity: Severity::Info,
        subject: key.dag_id.to_string(),
        text: format!("{} asks: {}", key.task_id, detail.question.subject),
        since: Some(detail.created_at),
        remedy: format!("{} {}", command("approvals show", &run), key.task_id),
        target: AttentionTarget::Approval(key.clone()),
    }
}

/// What the model server says of itself, and what it lately refused or failed.
/// Served versions that are in trouble, a line each.
fn in_trouble(troubles: &[Trouble]) -> Vec<AttentionItem> {
    let same = |a: &Trouble, b: &Trouble| {
        (&a.key.model, a.key.version, a.key.kind) == (&b.key.model, b.key.version, b.key.kind)
    };
    let of_one = |alike: &[Trouble]| {
        let first = alike.iter().min_by_key(|trouble| trouble.since)?;
        let more = match alike.len() {
            1 => String::new(),
            n => format!(" (+{} more)", n - 1),
        };
        let TroubleKey { model, version, kind, .. } = &first.key;
        let remedy = match kind {
            TroubleKind::Drift => format!("dagdeck serving drift {model}/{version}"),
            TroubleKind::ErrorRate | TroubleKind::Latency => "dagdeck serving status".to_owned(),
        };
        Some(AttentionItem {
            kind: AttentionKind::Serving,
            severity: Severity::Warning,
            subject: format!("{model} v{version}"),
            text: format!("{}{more}", first.text),
            since: Some(first.since),
            target: AttentionTarget::Serving,
            remedy,
        })
    };
    troubles.chunk_by(same).filter_map(of_one).collect()
}

fn serving(status: &ServingStatus, now: Timestamp) -> Vec<AttentionItem> {
    let mut items = Vec::new();
    if let Some(problem) = &status.problem {
        items.push(of_serving(Severity::Error, problem.clone(), None));
    }
    let news: Vec<_> = status.recent_errors.iter().filter(|e| e.when + NEWS > now).collect();
    if let (Some(last), Some(first)) = (news.first(), news.last()) {
        let what = match (&last.model, last.version) {
            (Some(model), Some(version)) => format!(" of {model} v{version}"),
            (Some(model), None) => format!(" of {model}"),
            (None, _) => String::new(),
        };
        let count = match news.len() {
            1 => "a request".to_owned(),
            n => format!("{n} requests"),
        };
        let text = format!("{count} failed; the last{what}: {} {}", last.status, last.message);
        items.push(of_serving(Severity::Warning, text, Some(first.when)));
    }
    items
}

fn of_serving(severity: Severity, text: String, since: Option<Timestamp>) -> AttentionItem {
    AttentionItem {
        kind: AttentionKind::Serving,
        severity,
        subject: "model server".to_owned(),
        text,
        since,
        target: AttentionTarget::Serving,
        remedy: "dagdeck serving status".to_owned(),
    }
}

/// Says how busy the deck was.
pub(super) async fn pulse(parts: &ControlParts) -> Result<Answer, Fault> {
    let now = parts.clock.now();
    let hours = parts.read(move |conn| attention::pulse(conn, now, PULSE_HOURS)).await?;
    Ok(Answer::Pulse(PulseView { hours }))
}

/// Returns a run in short.
pub(super) async fn brief(
    parts: &ControlParts,
    dag_id: DagId,
    dag_run_id: DagRunId,
) -> Result<Answer, Fault> {
    let run = DagRunKey { dag_id, dag_run_id };
    let (wanted, layout) = (run.clone(), parts.layout.clone());
    let brief = parts.read(move |conn| of_run(conn, &layout, &wanted)).await?;
    match brief.counts.is_empty() {
        true => Err(find::no_run(&parts.live(), &run)),
        false => Ok(Answer::RunBrief(Box::new(brief))),
    }
}

/// Reads a run in short, with the last lines of what failed.
pub(super) fn of_run(
    conn: &rusqlite::Connection,
    layout: &Layout,
    run: &DagRunKey,
) -> Result<RunBrief, StoreError> {
    let mut brief = attention::brief(conn, run)?;
    for task in &mut brief.failed {
        let attempt = AttemptKey { task: task.key.clone(), try_number: task.try_number };
        task.last_line = last_line(layout, &attempt);
    }
    Ok(brief)
}

/// Returns the last line of a log that is not empty; `None` where there is no log.
fn last_line(layout: &Layout, attempt: &AttemptKey) -> Option<String> {
    let mut file = std::fs::File::open(layout.attempt_dir(attempt).join("task.log")).ok()?;
    let len = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}
