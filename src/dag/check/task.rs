//! A task: the keys that every task has, and what it inherits.

use std::time::Duration;

use indexmap::{IndexMap, IndexSet};

use crate::check::expand::{Expandable, expand};
use crate::check::fields::{Fields, Text};
use crate::check::flow::FlowDefaults;
use crate::check::names::{DEFAULT_POOL, unknown};
use crate::check::slurm::Placed;
use crate::check::{Context, argument, callback, flow, group, limits, operator, reference};
use crate::file::{Entry, Span, Written};
use crate::limits::TaskLimits;
use crate::operator::Operator;
use crate::params::Params;
use crate::spec::{Callbacks, TaskSpec};
use crate::suggest;
use crate::trigger_rule::TriggerRule;
use crate::types::{AssetName, TaskId};
use crate::weight::WeightRule;

/// What a task inherits where it says nothing itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    trigger_rule: Option<TriggerRule>,
    retries: Option<u32>,
    retry_delay: Option<Duration>,
    retry_exponential_backoff: Option<f64>,
    max_retry_delay: Option<Duration>,
    no_retry_exit_codes: Option<Vec<i32>>,
    execution_timeout: Option<Duration>,
    limits: TaskLimits,
    pool: Option<String>,
    pool_slots: Option<u32>,
    priority_weight: Option<i64>,
    flow: FlowDefaults,
    weight_rule: Option<WeightRule>,
    callbacks: Callbacks,
    env: IndexMap<String, String>,
    pub(super) placed: Placed,
    /// Keys of `python` tasks that the file's defaults may have, as JSON.
    pub(super) python: serde_json::Map<String, serde_json::Value>,
}

/// The DAG around a task.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) tasks: &'a IndexSet<String>,
    pub(super) groups: &'a IndexSet<String>,
    pub(super) params: &'a Params,
    pub(super) defaults: &'a Defaults,
    /// What mapping gives the task.
    pub(super) given: &'a Expandable,
    pub(super) max_map_length: usize,
}

/// A task as far as it can be told by itself.
#[derive(Debug)]
pub(super) struct Draft {
    /// Its `upstream` is still empty.
    pub(super) spec: TaskSpec,
    /// What it waits for, and where that is said.
    pub(super) edges: Vec<Edge>,
    /// What waits for it because it chooses it.
    pub(super) targets: Vec<Edge>,
    /// The setups that it tears down.
    pub(super) setups: Vec<Edge>,
    /// Where its name stands.
    pub(super) place: Span,
    /// Where its `expand` stands.
    pub(super) expand: Option<Span>,
}

/// The other end of an edge.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) task: TaskId,
    pub(super) span: Span,
}

/// Checks a task; `None` where it has no operator.
pub(super) fn task(
    context: Context<'_>,
    scope: Scope<'_>,
    name: &str,
    entry: &Entry,
) -> Option<Draft> {
    let what = format!("task `{name}`");
    let Some(table) = entry.node.as_table() else {
        let message = format!("{what} is {}; expected a table", entry.node.kind());
        context.report.error(entry.node.span, "wrong-type", message, None);
        return None;
    };
    let mut fields = Fields::new(context.report, what, table, entry.key);
    let operator = named_operator(context, &mut fields);
    let expand = expand(context, scope, &mut fields);
    let given = expand.as_ref().map(|(expand, _)| Expandable::of(expand));
    let scope = Scope { given: given.as_ref().unwrap_or(scope.given), ..scope };
    let own = Defaults::read(context, &mut fields).over(scope.defaults);
    let own_executor = fields.node("executor").map(|node| node.span);
    let mut edges = depends_on(context, scope, name, &mut fields);
    let inlets = assets(context, &mut fields, "inlets");
    let outlets = assets(context, &mut fields, "outlets");
    let doc_md = fields.owned_text("doc_md");
    let env = fields.node("env");
    let mut flow = own.flow.of_task();
    flow.group = group::parent(context, scope, "group", &mut fields);
    let setups = flow::setup_and_teardown(context, scope, name, &mut fields, &mut flow);
    let trigger_rule = flow::rule(context, &mut fields, &flow, own.trigger_rule);
    let run_if = fields.entry("run_if").map(|entry| &entry.node);
    flow.run_if = flow::run_if(&mut fields);
    let expand_node = expand.as_ref().map(|(_, entry)| &entry.node);
    let expand_span = expand.as_ref().map(|(_, entry)| entry.key);
    flow.expand = expand.map(|(expand, _)| expand);
    callback::check_references(context, scope, &mut fields);
    let operator = operator?;
    let mut arguments = argument::arguments(context, scope, name, operator, &mut fields);
    if operator == Operator::Python {
        for (key, value) in &own.python {
            arguments.args.entry(key.as_str()).or_insert_with(|| value.clone());
        }
    }
    let written = arguments.nodes.iter().copied().chain(env).chain(run_if).chain(expand_node);
    edges.extend(reference::check(context, scope, name, written));
    edges.extend(inherited_env(context, scope, name, entry));
    let place = fields.place();
    fields.finish();
    let spec = TaskSpec {
        task_id: TaskId::from(name),
        operator,
        args: arguments.args,
        upstream: Vec::new(),
        trigger_rule,
        flow,
        retries: own.retries.unwrap_or(0),
        retry_delay: own.retry_delay.unwrap_or(Duration::from_secs(300)),
        retry_exponential_backoff: own.retry_exponential_backoff.unwrap_or(0.0),
        max_retry_delay: own.max_retry_delay,
        no_retry_exit_codes: own.no_retry_exit_codes.unwrap_or_default(),
        execution_timeout: own.execution_timeout,
        limits: own.limits,
        pool: own.pool.unwrap_or_else(|| DEFAULT_POOL.to_owned()),
        pool_slots: own.pool_slots.unwrap_or(1),
        priority_weight: own.priority_weight.unwrap_or(1),
        weight_rule: own.weight_rule.unwrap_or_default(),
        // Told by the whole graph, once there is one.
        priority_weight_total: 0,
        callbacks: own.callbacks,
        env: own.env,
        inlets,
        outlets,
        doc_md,
        slurm: own
            .placed
            .of_task(context, own_executor, operator, own.execution_timeout)
            .map(Box::new),
        line: context.report.line(place),
    };
    check_slots(context, &spec, place);
    Some(Draft { spec, edges, targets: arguments.targets, setups, place, expand: expand_span })
}

/// Checks the templates in the environment that comes from `default_args`.
fn inherited_env(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    entry: &Entry,
) -> Vec<Edge> {
    let own = entry.node.as_table().and_then(|table| table.0.get("env"));
    let own = own.and_then(|env| env.node.as_table());
    let inherited = scope.defaults.env.iter();
    inherited
        .filter(|(variable, _)| own.is_none_or(|own| !own.0.contains_key(*variable)))
        .flat_map(|(_, text)| {
            reference::check_text(context, scope, task_name, Text { text, span: entry.key })
        })
        .collect()
}

fn named_operator(context: Context<'_>, fields: &mut Fields<'_>) -> Option<Operator> {
    let at = fields.needed_text("operator", "such as `operator = \"command\"`")?;
    let found = Operator::ALL.iter().copied().find(|operator| operator.name() == at.text);
    if found.is_none() {
        let names = Operator::ALL.iter().map(|operator| operator.name());
        unknown(context.report, at, "operator", "unknown-operator", names);
    }
    found
}

fn depends_on(
    context: Context<'_>,
    scope: Scope<'_>,
    name: &str,
    fields: &mut Fields<'_>,
) -> Vec<Edge> {
    let before = fields.texts("depends_on");
    before.into_iter().filter_map(|at| task_or_group(context, scope, name, at)).collect()
}

/// Takes the id of another task of the same DAG, or of a group, which stands for its first or
/// last tasks.
pub(super) fn task_or_group(
    context: Context<'_>,
    scope: Scope<'_>,
    own_name: &str,
    at: Text<'_>,
) -> Option<Edge> {
    if at.text != own_name && scope.groups.contains(at.text) && !scope.tasks.contains(at.text) {
        return Some(Edge { task: TaskId::from(at.text), span: at.span });
    }
    other_task(context, scope, own_name, at)
}

/// Takes the id of another task of the same DAG.
pub(super) fn other_task(
    context: Context<'_>,
    scope: Scope<'_>,
    own_name: &str,
    at: Text<'_>,
) -> Option<Edge> {
    if at.text == own_name {
        let message = format!("task `{own_name}` depends on itself");
        context.report.error(at.span, "self-dependency", message, None);
        return None;
    }
    if !scope.tasks.contains(at.text) {
        let names = scope.tasks.iter().map(String::as_str).filter(|task| *task != own_name);
        unknown(context.report, at, "task", "unknown-task", names);
        return None;
    }
    Some(Edge { task: TaskId::from(at.text), span: at.span })
}

fn assets(context: Context<'_>, fields: &mut Fields<'_>, key: &'static str) -> Vec<AssetName> {
    let names = fields.texts(key);
    names.iter().for_each(|at| context.names.asset(context.report, *at));
    names.iter().map(|at| AssetName::from(at.text)).collect()
}

/// A task that needs more slots than its pool has would wait for ever.
fn check_slots(context: Context<'_>, spec: &TaskSpec, place: Span) {
    let Some(slots) = context.names.pools.get(&spec.pool).copied() else { return };
    if spec.pool_slots > slots {
        let message = format!(
            "task `{}` takes {} slots of pool `{}`, which has {slots}",
            spec.task_id, spec.pool_slots, spec.pool
        );
        let help = "give the pool more slots, or the task fewer `pool_slots`".to_owned();
        context.report.error(place, "pool-too-small", message, help);
    }
}

impl Defaults {
    /// Reads the keys that can be inherited, from a task or from `default_args`.
    pub(super) fn read(context: Context<'_>, fields: &mut Fields<'_>) -> Self {
        Self {
            trigger_rule: trigger_rule(context, fields),
            retries: fields.integer("retries", 0..=1_000),
            retry_delay: fields.duration("retry_delay"),
            retry_exponential_backoff: backoff(context, fields),
            max_retry_delay: fields.duration("max_retry_delay"),
            no_retry_exit_codes: exit_codes(context, fields, "no_retry_exit_codes"),
            execution_timeout: fields.duration("execution_timeout"),
            limits: limits::of_task(context, fields),
            pool: pool(context, fields),
            pool_slots: fields.integer("pool_slots", 1..=100_000),
            priority_weight: fields.integer("priority_weight", -1_000_000_000..=1_000_000_000),
            flow: FlowDefaults::read(fields),
            weight_rule: weight_rule(context, fields),
            callbacks: callback::of_task(context, fields),
            env: env(context, fields),
            placed: Placed::read(context, fields),
            python: serde_json::Map::new(),
        }
    }

    /// Fills what it does not say from `below`.
    pub(super) fn over(self, below: &Self) -> Self {
        let mut env = below.env.clone();
        env.extend(self.env);
        let mut python = below.python.clone();
        python.extend(self.python);
        Self {
            python,
            trigger_rule: self.trigger_rule.or(below.trigger_rule),
            retries: self.retries.or(below.retries),
            retry_delay: self.retry_delay.or(below.retry_delay),
            retry_exponential_backoff: self
                .retry_exponential_backoff
                .or(below.retry_exponential_backoff),
            max_retry_delay: self.max_retry_delay.or(below.max_retry_delay),
            no_retry_exit_codes: self
                .no_retry_exit_codes
                .or_else(|| below.no_retry_exit_codes.clone()),
            execution_timeout: self.execution_timeout.or(below.execution_timeout),
            limits: self.limits.over(below.limits),
            pool: self.pool.or_else(|| below.pool.clone()),
            pool_slots: self.pool_slots.or(below.pool_slots),
            priority_weight: self.priority_weight.or(below.priority_weight),
            flow: self.flow.over(below.flow),
            weight_rule: self.weight_rule.or(below.weight_rule),
            callbacks: callback::over(self.callbacks, &below.callbacks),
            env,
            placed: self.placed.over(&below.placed),
        }
    }

    /// Reads a `default_args` table.
    pub(super) fn of(context: Context<'_>, parent: &mut Fields<'_>) -> Self {
        let what = format!("`default_args` of {}", parent.what());
        let Some((table, place)) = parent.table("default_args") else { return Self::default() };
        let mut fields = Fields::new(context.report, what, table, place);
        let mut found = Self::read(context, &mut fields);
        found.python = python(&mut fields);
        fields.finish();
        found
    }
}

/// Reads what `python` tasks inherit: their interpreter, and what it needs.
fn python(fields: &mut Fields<'_>) -> serde_json::Map<String, serde_json::Value> {
    let mut found = serde_json::Map::new();
    if let Some(text) = fields.owned_text("python") {
        found.insert("python".to_owned(), text.into());
    }
    let requirements = fields.texts("requirements");
    if !requirements.is_empty() {
        let texts = requirements.iter().map(|at| serde_json::Value::from(at.text));
        found.insert("requirements".to_owned(), texts.collect());
    }
    if let Some(node) = fields.node("warm") {
        operator::warm(fields, node);
        found.insert("warm".to_owned(), node.to_json());
    }
    found
}

fn trigger_rule(context: Context<'_>, fields: &mut Fields<'_>) -> Option<TriggerRule> {
    let at = fields.text("trigger_rule")?;
    let found = TriggerRule::parse(at.text);
    if found.is_none() {
        let names = TriggerRule::ALL.iter().map(|(_, name)| *name);
        let help = suggest::hint(at.text, "trigger rules", names);
        let message = format!("there is no trigger rule `{}`", at.text);
        context.report.error(at.span, "bad-trigger-rule", message, help);
    }
    found
}

fn weight_rule(context: Context<'_>, fields: &mut Fields<'_>) -> Option<WeightRule> {
    let at = fields.text("weight_rule")?;
    let found = WeightRule::parse(at.text);
    if found.is_none() {
        let names = WeightRule::ALL.iter().map(|(_, name)| *name);
        let help = suggest::hint(at.text, "weight rules", names);
        let message = format!("there is no weight rule `{}`", at.text);
        context.report.error(at.span, "bad-weight-rule", message, help);
    }
    found
}

/// As in Airflow: `true` doubles each wait, a number multiplies it, `false` and 0 leave it.
fn backoff(context: Context<'_>, fields: &mut Fields<'_>) -> Option<f64> {
    const KEY: &str = "retry_exponential_backoff";
    let node = fields.node(KEY)?;
    let factor = match node.value {
        Written::Bool(flag) => return Some(if flag { 2.0 } else { 0.0 }),
        Written::Integer(number) => number as f64,
        Written::Float(number) => number,
        Written::Text(_) | Written::Datetime(_) | Written::List(_) | Written::Table(_) => {
            fields.wrong_type(KEY, node, "true, false or a number");
            return None;
        }
    };
    if !(0.0..=1_000.0).contains(&factor) {
        let message = format!("`{KEY}` of {} is {factor}", fields.what());
        let help = "between 0 and 1000 is allowed; `true` means 2".to_owned();
        context.report.error(node.span, "bad-value", message, help);
        return None;
    }
    Some(factor)
}

fn exit_codes(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    key: &'static str,
) -> Option<Vec<i32>> {
    let node = fields.node(key)?;
    let Written::List(items) = &node.value else {
        fields.wrong_type(key, node, "a list of exit codes");
        return None;
    };
    let mut codes = Vec::new();
    for item in items {
        match item.value {
            Written::Integer(code @ 1..=255) => codes.push(code as i32),
            Written::Integer(code) => {
                let message = format!("`{key}` of {} holds {code}", fields.what());
                let help = "between 1 and 255 is allowed".to_owned();
                context.report.error(item.span, "bad-value", message, help);
            }
            _ => fields.wrong_type(key, item, "an integer in the list"),
        }
    }
    Some(codes)
}

fn pool(context: Context<'_>, fields: &mut Fields<'_>) -> Option<String> {
    let at = fields.text("pool")?;
    if !context.names.pools.contains_key(at.text) {
        let names = context.names.pools.keys().map(String::as_str);
        unknown(context.report, at, "pool", "unknown-pool", names);
    }
    Some(at.text.to_owned())
}

fn env(context: Context<'_>, fields: &mut Fields<'_>) -> IndexMap<String, String> {
    let Some((table, _)) = fields.table("env") else { return IndexMap::new() };
    let mut found = IndexMap::new();
    for (name, entry) in &table.0 {
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("`{name}` is no name of an environment variable");
            context.report.error(entry.key, "invalid-id", message, None);
        }
        match entry.node.as_text() {
            Some(text) => {
                found.insert(name.clone(), text.to_owned());
            }
            None => fields.wrong_type(name, &entry.node, "text"),
        }
    }
    found
}
