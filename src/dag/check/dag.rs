//! A DAG: its own keys, then its tasks.

use std::path::PathBuf;

use indexmap::IndexSet;

use crate::check::expand::Expandable;
use crate::check::fields::Fields;
use crate::check::group::{Groups, groups};
use crate::check::names::{Declared, check_id};
use crate::check::schedule::Meaning;
use crate::check::task::{Defaults, Draft, Scope, task};
use crate::check::{
    Context, callback, date, deadline, edge, flow, param, schedule, source_text, version,
};
use crate::file::{Entry, Table};
use crate::plan::Plan;
use crate::schedule::{Schedule, Timetable};
use crate::spec::{Callbacks, Dag};
use crate::types::{DagId, TaskId, Timestamp};
use crate::weight::{self, WeightRule};

/// More runs are not looked back on.
pub(super) const FAILED_RUNS_MAX: u32 = 100;

/// What a DAG inherits from the deck.
pub(super) struct Inherited<'a> {
    /// What a schedule means where the DAG does not say otherwise.
    pub(super) meaning: Meaning<'a>,
    pub(super) max_consecutive_failed_dag_runs: u32,
    pub(super) defaults: &'a Defaults,
    pub(super) max_map_length: usize,
}

/// Checks a `[dag.*]`.
pub(super) fn dag(
    context: Context<'_>,
    inherited: &Inherited<'_>,
    declared: Declared<'_>,
) -> Option<Dag> {
    let what = format!("DAG `{}`", declared.name);
    let Some(table) = declared.node.as_table() else {
        let message = format!("{what} is {}; expected a table", declared.node.kind());
        context.report.error(declared.node.span, "wrong-type", message, None);
        return None;
    };
    let mut fields = Fields::new(context.report, what, table, declared.key);
    let mut dag = own_keys(context, inherited, declared, &mut fields);
    dag.callbacks = callback::of_dag(context, &dag.params, &mut fields);
    dag.deadlines = deadline::deadlines(context, &dag, &mut fields);
    let defaults = Defaults::of(context, &mut fields).over(inherited.defaults);
    let table = fields.table("task").map(|(table, _)| table);
    let group_table = fields.table("group").map(|(table, _)| table);
    let names = |table: Option<&Table>| -> IndexSet<String> {
        table.iter().flat_map(|table| table.0.keys().cloned()).collect()
    };
    let scope = Scope {
        tasks: &names(table),
        groups: &names(group_table),
        params: &dag.params,
        defaults: &defaults,
        given: &Expandable::Nothing,
        max_map_length: inherited.max_map_length,
    };
    let groups = groups(context, scope, group_table);
    let mut drafts = tasks(context, scope, &groups, table);
    groups.check(context, &drafts);
    if table.is_none_or(|table| table.0.is_empty()) {
        let message = format!("{} has no tasks", fields.what());
        let help = format!("write `[dag.{}.task.NAME]`", declared.name);
        context.report.error(declared.key, "empty-dag", message, help);
    }
    // `retention` reads it: how long runs are kept makes no other version of the DAG.
    fields.entry("retention");
    fields.finish();
    flow::mark_setups(&mut drafts);
    dag.graph = edge::connect(context, &mut drafts, &groups)?;
    flow::check_rules(context, &drafts, &dag.graph);
    dag.tasks = drafts.into_iter().map(|draft| (draft.spec.task_id.clone(), draft.spec)).collect();
    dag.groups = groups.specs;
    let mut dag = dag.with_plan();
    let own = |task: &TaskId| {
        dag.tasks
            .get(task)
            .map_or((0, WeightRule::Absolute), |t| (t.priority_weight, t.weight_rule))
    };
    let totals = weight::totals(&dag.graph, own);
    for (task, total) in dag.graph.topological().iter().zip(totals) {
        if let Some(task) = dag.tasks.get_mut(task) {
            task.priority_weight_total = total;
        }
    }
    dag.version = version::digest(&dag);
    dag.source = source_text::of(context.report.source(declared.key.file), declared);
    Some(dag)
}

fn tasks(
    context: Context<'_>,
    scope: Scope<'_>,
    groups: &Groups,
    table: Option<&Table>,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (name, entry) in table.iter().flat_map(|table| &table.0) {
        check_id(context.report, "task", name, entry.key);
        let group = group_of(entry);
        let scope = Scope {
            defaults: groups.defaults_of(group).unwrap_or(scope.defaults),
            given: &groups.given(group),
            ..scope
        };
        drafts.extend(task(context, scope, name, entry));
    }
    drafts
}

/// Looks ahead: what a task inherits depends on its group.
fn group_of(entry: &Entry) -> Option<&str> {
    entry.node.as_table()?.0.get("group")?.node.as_text()
}

/// Reads all keys of a DAG but its tasks.
fn own_keys(
    context: Context<'_>,
    inherited: &Inherited<'_>,
    declared: Declared<'_>,
    fields: &mut Fields<'_>,
) -> Dag {
    let timezone = schedule::timezone(context, fields, inherited.meaning.timezone);
    let meaning = Meaning { timezone: &timezone, ..inherited.meaning };
    let (schedule, asset_rule) = schedule::schedule(context, fields, meaning);
    let start_date = date::date(context, fields, "start_date", &timezone);
    let end_date = date::date(context, fields, "end_date", &timezone);
    let catchup = fields.flag("catchup").unwrap_or(false);
    check_dates(context, fields, &schedule, (start_date, end_date), catchup);
    let max_active_runs = fields.integer("max_active_runs", 1..=10_000).unwrap_or(16);
    check_continuous(context, fields, &schedule, max_active_runs);
    let tags = fields.texts("tags").iter().map(|at| at.text.to_owned()).collect();
    let fileloc: PathBuf = context.report.source(declared.key.file).path.clone();
    Dag {
        dag_id: DagId::from(declared.name),
        description: fields.owned_text("description"),
        doc_md: fields.owned_text("doc_md"),
        tags,
        owner: fields.owned_text("owner"),
        schedule,
        asset_rule,
        start_date,
        end_date,
        catchup,
        max_active_runs,
        max_active_tasks: fields.integer("max_active_tasks", 1..=100_000).unwrap_or(16),
        dagrun_timeout: fields.duration("dagrun_timeout"),
        max_consecutive_failed_dag_runs: fields
            .integer("max_consecutive_failed_dag_runs", 0..=FAILED_RUNS_MAX)
            .unwrap_or(inherited.max_consecutive_failed_dag_runs),
        callbacks: Callbacks::default(),
        deadlines: Vec::new(),
        is_paused_upon_creation: fields.flag("paused").unwrap_or(false),
        params: param::params(context, fields),
        timezone,
        tasks: indexmap::IndexMap::new(),
        graph: crate::graph::Graph::default(),
        groups: indexmap::IndexMap::new(),
        plan: Plan::default(),
        fileloc,
        line: context.report.line(declared.key),
        version: String::new(),
        source: String::new(),
    }
}

fn check_dates(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    schedule: &Schedule,
    (start, end): (Option<Timestamp>, Option<Timestamp>),
    catchup: bool,
) {
    if let (Some(start), Some(end)) = (start, end)
        && end <= start
        && let Some(node) = fields.node("end_date")
    {
        let message = format!("{} ends before it starts", fields.what());
        context.report.error(node.span, "bad-date", message, None);
    }
    let has_start = fields.entry("start_date").is_some();
    let is_periodic = schedule.timetable().is_some_and(Timetable::is_periodic);
    if catchup && !has_start && is_periodic {
        fields.missing("start_date", "`catchup` runs all intervals since then");
    }
}

/// As Airflow: runs that follow each other cannot run beside each other.
fn check_continuous(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    schedule: &Schedule,
    max_active_runs: u32,
) {
    if matches!(schedule.timetable(), Some(Timetable::Continuous))
        && max_active_runs > 1
        && let Some(node) = fields.node("schedule")
    {
        let message = format!("`@continuous` of {} has one run at a time", fields.what());
        let help = "write `max_active_runs = 1` beside it".to_owned();
        context.report.error(node.span, "bad-schedule", message, help);
    }
}
