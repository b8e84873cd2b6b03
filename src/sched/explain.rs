//! Why a task, a run or a DAG does or does not go on, from the predicates by which it is decided:
//! what `judge` says, the room that `admit` looks for, `promote`'s turn, the timers.
//!
//! ```text
//! task ─► its state: ended | in flight | waits for a time | scheduled ─► room ─► turn
//!                    └─ no status ─► its run ─► its trigger rule over what is upstream
//! run  ─► queued ─► max_active_runs ─► turn;  running ─► what of it is open
//! dag  ─► stale | paused | schedule ─► max_active_runs
//! ```
//! It reads the state and changes nothing.

use crate::admit::Full;
use crate::command::instances;
use crate::index::{RunGroup, Touched};
use crate::judge::{Judgement, judge};
use crate::mapping::Length;
use crate::past;
use crate::state::{ActiveRun, State};
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::why::{Reason, ReasonKind, WhySubject, WhyView};
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState, Timestamp};
use crate::when;

mod dag;

/// How many names a text holds.
const NAMES_MAX: usize = 3;

/// Answers about a DAG, a run or the instances of a task that are in memory; empty where there is
/// none.
pub(super) fn why(state: &State, now: Timestamp, subject: &WhySubject) -> Vec<WhyView> {
    let Some(dag_run_id) = &subject.dag_run_id else {
        return vec![view(subject.clone(), None, None, dag::why(state, now, &subject.dag_id))];
    };
    let key = DagRunKey { dag_id: subject.dag_id.clone(), dag_run_id: dag_run_id.clone() };
    let Some(active) = state.runs.get(&key) else { return Vec::new() };
    let run_state = Some(active.run.state);
    let Some(task_id) = &subject.task_id else {
        return vec![view(subject.clone(), run_state, None, run(state, now, active))];
    };
    let is_meant =
        |ti: &&TaskInstance| subject.map_index.is_none_or(|wanted| wanted == ti.key.map_index);
    let of_task = instances(active, task_id).filter(is_meant);
    let views = of_task.map(|ti| {
        let subject = WhySubject { map_index: Some(ti.key.map_index), ..subject.clone() };
        view(subject, run_state, ti.state, task(state, now, active, ti))
    });
    views.collect()
}

fn view(
    subject: WhySubject,
    run_state: Option<DagRunState>,
    state: Option<TaskInstanceState>,
    reasons: Vec<Reason>,
) -> WhyView {
    WhyView { subject, run_state, state, reasons }
}

/// Says why a task instance of a run in memory stands where it stands.
pub(super) fn task(
    state: &State,
    now: Timestamp,
    active: &ActiveRun,
    ti: &TaskInstance,
) -> Vec<Reason> {
    use TaskInstanceState as S;
    match ti.state {
        None if active.run.state == DagRunState::Queued => {
            let text = format!("its run `{}` is queued", active.run.dag_run_id);
            let mut reasons = vec![Reason::new(ReasonKind::RunQueued, text)];
            reasons.extend(run(state, now, active));
            reasons
        }
        None => waits(state, now, active, ti),
        Some(S::Scheduled) => scheduled(state, now, active, ti),
        Some(S::Queued) => {
            let since = since(now, ti.queued_when);
            let text = match &ti.note {
                Some(note) => format!("it is queued{since}: {note}"),
                None => format!("it is being started{since}"),
            };
            vec![Reason::new(ReasonKind::InFlight, text)]
        }
        Some(S::Running | S::Restarting) => {
            let since = since(now, ti.start_date);
            let whereabouts = ti.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            let (number, of) = (ti.try_number, ti.max_tries);
            let text = format!("it is running{since}, try {number} of {of}{whereabouts}");
            vec![Reason::new(ReasonKind::InFlight, text)]
        }
        Some(S::UpForRetry) => vec![retries(now, ti)],
        Some(S::Deferred | S::UpForReschedule) => {
            let text = ti.note.clone().unwrap_or_else(|| "it waits for its trigger".to_owned());
            vec![Reason::new(ReasonKind::Deferred, text)]
        }
        Some(ended) => {
            let note = ti.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            let reason = Reason::new(ReasonKind::Ended, format!("it has ended as {ended}{note}"));
            vec![reason.remedy("clear it to have it run again")]
        }
    }
}

fn retries(now: Timestamp, ti: &TaskInstance) -> Reason {
    let at = ti.next_retry_at.unwrap_or(now);
    let text = format!(
        "try {} failed{}; the next one of {} comes {}",
        ti.try_number,
        ti.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default(),
        ti.max_tries,
        due(now, at),
    );
    Reason::new(ReasonKind::Retry, text).remedy("clear it to have it run at once")
}

/// Asks the trigger rule, as `settle` does, and names what it waits for.
fn waits(state: &State, now: Timestamp, active: &ActiveRun, ti: &TaskInstance) -> Vec<Reason> {
    let task_id = &ti.key.task_id;
    let Some(spec) = active.dag.tasks.get(task_id) else {
        return vec![Reason::new(ReasonKind::Stale, "the definition of its run does not have it")];
    };
    let upstream = active.dag.graph.upstream(task_id);
    let judgement = judge(active, task_id, ti.key.map_index);
    if judgement == Judgement::Run && !past::allows(state, active, spec) {
        let text = "the run before has not ended well for it (`depends_on_past`)";
        return vec![Reason::new(ReasonKind::Rule, text).remedy("clear or mark it there")];
    }
    let is_to_be_mapped = ti.key.map_index == UNMAPPED && active.dag.mapping(task_id).is_some();
    if judgement == Judgement::Run && is_to_be_mapped && active.length(task_id) == Length::Pending {
        let text = "what it is mapped over has not ended";
        return vec![Reason::new(ReasonKind::Rule, text)];
    }
    if judgement != Judgement::Wait {
        return vec![nothing()];
    }
    let mut reasons = Vec::new();
    for before in upstream {
        let open: Vec<&TaskInstance> = instances(active, before)
            .filter(|ti| !ti.state.is_some_and(TaskInstanceState::is_finished))
            .collect();
        if let Some(first) = open.first() {
            let of_many = match open.len() {
                1 => String::new(),
                n => format!(" and {} more of it", n - 1),
            };
            let text =
                format!("waits for {}{of_many} ({})", name(&first.key), standing(now, first));
            let rule = format!("its trigger rule is `{}`", spec.trigger_rule.as_str());
            reasons.push(Reason::new(ReasonKind::Upstream, text).remedy(rule));
        }
    }
    if reasons.is_empty() {
        let text = format!("`{}` is not met yet", spec.trigger_rule.as_str());
        reasons.push(Reason::new(ReasonKind::Rule, text));
    }
    reasons
}

/// Looks for room as `admit` does, and for whose turn it is.
fn scheduled(state: &State, now: Timestamp, active: &ActiveRun, ti: &TaskInstance) -> Vec<Reason> {
    let full = state.what_is_full(active, ti);
    if !full.is_empty() {
        return full.into_iter().map(|full| no_room(state, now, ti, full)).collect();
    }
    let next = match state.index.touched == Touched::default() {
        true => state.next_to_launch().map(|next| next.key.clone()),
        // Moves since the last launch have not been looked at yet: after a start, or a repair.
        false => {
            let mut fresh = state.clone();
            fresh.refresh_lanes();
            fresh.next_to_launch().map(|next| next.key.clone())
        }
    };
    match next {
        Some(next) if next != ti.key => {
            let text = format!("{} of run `{}` comes first", name(&next), next.dag_run_id);
            vec![Reason::new(ReasonKind::Turn, text).remedy("raise its `priority_weight`")]
        }
        _ => vec![nothing()],
    }
}

fn no_room(state: &State, now: Timestamp, ti: &TaskInstance, full: Full) -> Reason {
    match full {
        Full::Deck { used, limit } => {
            let text = format!("the deck has {used} of max_active_tasks {limit} in flight");
            Reason::new(ReasonKind::Parallelism, text)
                .remedy("raise `max_active_tasks` of `[deck]`")
        }
        Full::Run { used, limit } => {
            let dag_id = &ti.key.dag_id;
            let text = format!("its run has {used} of max_active_tasks {limit} in flight");
            let remedy = format!("raise `max_active_tasks` of `{dag_id}`");
            Reason::new(ReasonKind::MaxActiveTasks, text).remedy(remedy)
        }
        Full::Task { limit, key } => {
            let task_id = &ti.key.task_id;
            let text = format!("{limit} of `{task_id}` are in flight, as many as its {key} allows");
            Reason::new(ReasonKind::MaxActiveTasks, text)
                .remedy(format!("raise `{key}` of `{task_id}`"))
        }
        Full::Pool { used, slots, need } => {
            let pool = &ti.pool;
            let text = match slots {
                0 => format!("pool `{pool}` has no slots"),
                _ => {
                    let holders = holders(state, now, pool);
                    format!(
                        "pool `{pool}` is full: {used} of {slots} slots{holders}; {need} needed"
                    )
                }
            };
            let remedy = format!("`dagdeck pools set {pool} SLOTS` gives it more");
            Reason::new(ReasonKind::Pool, text).remedy(remedy)
        }
    }
}

/// Names who is in a pool, the one that came first first.
fn holders(state: &State, now: Timestamp, pool: &str) -> String {
    let all = state.runs.values().flat_map(|active| active.tasks.values());
    let in_flight = |ti: &&TaskInstance| {
        ti.pool == pool && ti.state.is_some_and(TaskInstanceState::is_in_flight)
    };
    let mut held: Vec<&TaskInstance> = all.filter(in_flight).collect();
    held.sort_by_key(|ti| (ti.queued_when, ti.key.clone()));
    let named: Vec<String> = held
        .iter()
        .take(NAMES_MAX)
        .map(|ti| format!("{} of `{}` ({})", name(&ti.key), ti.key.dag_id, standing(now, ti)))
        .collect();
    match (named.is_empty(), held.len() > NAMES_MAX) {
        (true, _) => String::new(),
        (false, false) => format!(", held by {}", named.join(", ")),
        (false, true) => {
            format!(", held by {} and {} more", named.join(", "), held.len() - NAMES_MAX)
        }
    }
}

/// Says why a run in memory stands where it stands.
pub(super) fn run(state: &State, now: Timestamp, active: &ActiveRun) -> Vec<Reason> {
    let dag_id = &active.run.dag_id;
    if active.run.state == DagRunState::Running {
        let open: Vec<&TaskInstance> =
            active.tasks.values().filter(|ti| ti.state.is_some_and(|s| !s.is_finished())).collect();
        let named: Vec<String> = open
            .iter()
            .take(NAMES_MAX)
            .map(|ti| format!("{} ({})", name(&ti.key), standing(now, ti)))
            .collect();
        let since = since(now, active.run.start_date);
        let more = match open.len().saturating_sub(NAMES_MAX) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let what = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
        let text = format!("it is running{since}{what}{more}");
        return vec![Reason::new(ReasonKind::Running, text)];
    }
    let runs = state.index.dag_runs.get(&RunGroup::of(&active.run));
    let running = runs.map_or(0, |runs| runs.running);
    let limit = state.runs_limit(active);
    if running >= limit {
        let text = format!("{running} of max_active_runs {limit} runs of `{dag_id}` are running");
        let remedy = format!("raise `max_active_runs` of `{dag_id}`, or let one of them end");
        return vec![Reason::new(ReasonKind::MaxActiveRuns, text).remedy(remedy)];
    }
    let first = runs.and_then(|runs| runs.queued.first()).map(|(_, _, id)| id);
    match first {
        Some(first) if *first != active.run.dag_run_id => {
            vec![Reason::new(ReasonKind::Turn, format!("run `{first}` comes first"))]
        }
        _ => vec![nothing()],
    }
}

fn nothing() -> Reason {
    Reason::new(ReasonKind::Nothing, "nothing holds it back: it goes on in the next step")
}

/// How a task instance stands, for people: `running for 3s`.
fn standing(now: Timestamp, ti: &TaskInstance) -> String {
    use TaskInstanceState as S;
    match ti.state {
        None => "not begun".to_owned(),
        Some(S::Running | S::Restarting) => format!("running{}", since(now, ti.start_date)),
        Some(S::UpForRetry) => {
            format!("up_for_retry, {}", due(now, ti.next_retry_at.unwrap_or(now)))
        }
        Some(state) => state.to_string(),
    }
}

fn name(key: &TaskInstanceKey) -> String {
    match key.map_index {
        UNMAPPED => format!("`{}`", key.task_id),
        index => format!("`{}[{index}]`", key.task_id),
    }
}

fn since(now: Timestamp, start: Option<Timestamp>) -> String {
    let Some(start) = start else { return String::new() };
    let passed = std::time::Duration::try_from(now.duration_since(start)).unwrap_or_default();
    format!(" for {}", when::humane(passed))
}

fn due(now: Timestamp, at: Timestamp) -> String {
    match std::time::Duration::try_from(at.duration_since(now)) {
        Ok(wait) if !wait.is_zero() => format!("in {} (at {at})", when::humane(wait)),
        _ => "now".to_owned(),
    }
}
