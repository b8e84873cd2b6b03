//! Definitions for stories, written short.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::world::project;
use crate::dag::flow::Teardown;
use crate::dag::graph::Graph;
use crate::dag::mapping::{Expand, Source};
use crate::dag::operator::Operator;
use crate::dag::params::Params;
use crate::dag::plan::Plan;
use crate::dag::schedule::{AssetExpression, Cron, Schedule, Timetable};
use crate::dag::spec::{AssetSpec, AssetUri, Callbacks};
use crate::dag::trigger_rule::TriggerRule;
use crate::dag::weight::WeightRule;
use crate::dag::{Dag, Deck, Flow, GroupSpec, TaskSpec};

/// A task under construction.
#[derive(Debug, Clone)]
pub(crate) struct TaskBuilder(TaskSpec);

/// A command without upstream tasks and retries.
pub(crate) fn task(task_id: &str) -> TaskBuilder {
    TaskBuilder(TaskSpec {
        task_id: task_id.into(),
        operator: Operator::Command,
        args: Map::new(),
        upstream: Vec::new(),
        trigger_rule: TriggerRule::AllSuccess,
        flow: Flow::default(),
        retries: 0,
        retry_delay: Duration::from_secs(10),
        retry_exponential_backoff: 0.0,
        max_retry_delay: None,
        no_retry_exit_codes: Vec::new(),
        execution_timeout: None,
        limits: Default::default(),
        pool: "default_pool".into(),
        pool_slots: 1,
        priority_weight: 1,
        weight_rule: WeightRule::Absolute,
        priority_weight_total: 1,
        callbacks: Callbacks::default(),
        env: IndexMap::new(),
        inlets: Vec::new(),
        outlets: Vec::new(),
        doc_md: None,
        slurm: None,
        line: 1,
    })
}

impl TaskBuilder {
    pub(crate) fn after(mut self, upstream: &[&str]) -> Self {
        self.0.upstream = upstream.iter().map(|task| (*task).into()).collect();
        self
    }

    pub(crate) fn rule(mut self, rule: TriggerRule) -> Self {
        self.0.trigger_rule = rule;
        self
    }

    pub(crate) fn operator(mut self, operator: Operator) -> Self {
        self.0.operator = operator;
        self
    }

    pub(crate) fn retries(mut self, retries: u32) -> Self {
        self.0.retries = retries;
        self
    }

    pub(crate) fn timeout(mut self, secs: u64) -> Self {
        self.0.execution_timeout = Some(Duration::from_secs(secs));
        self
    }

    pub(crate) fn pool(mut self, pool: &str, slots: u32) -> Self {
        self.0.pool = pool.into();
        self.0.pool_slots = slots;
        self
    }

    pub(crate) fn weight(mut self, weight: i64) -> Self {
        self.0.priority_weight = weight;
        self.0.priority_weight_total = weight;
        self
    }

    pub(crate) fn outlets(mut self, outlets: &[&str]) -> Self {
        self.0.outlets = outlets.iter().map(|asset| (*asset).into()).collect();
        self
    }

    /// Changes how it stands among the others.
    pub(crate) fn flow(mut self, change: impl FnOnce(&mut Flow)) -> Self {
        change(&mut self.0.flow);
        self
    }

    /// Maps it over one key or several: a list, or the name of a task for its output.
    pub(crate) fn over(self, keys: &[(&str, Value)]) -> Self {
        let expand = expand(keys);
        self.flow(|flow| flow.expand = Some(expand))
    }

    pub(crate) fn group(self, group: &str) -> Self {
        let group = group.into();
        self.flow(|flow| flow.group = Some(group))
    }

    pub(crate) fn setup(self) -> Self {
        self.flow(|flow| flow.is_setup = true)
    }

    pub(crate) fn teardown(self, on_failure_fail_dagrun: bool) -> Self {
        let teardown = Teardown { on_failure_fail_dagrun };
        let marked = self.flow(|flow| flow.teardown = Some(teardown));
        marked.rule(TriggerRule::AllDoneSetupSuccess)
    }

    /// Sets one thing of the task.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut TaskSpec)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn build(self) -> TaskSpec {
        self.0
    }
}

/// Makes an `expand`: a list as it is, or the name of a task for its output.
pub(crate) fn expand(keys: &[(&str, Value)]) -> Expand {
    let source = |value: &Value| match value {
        Value::String(task) => Source::Output { task: task.as_str().into(), path: Vec::new() },
        other => Source::Literal(other.clone()),
    };
    Expand::Keys(keys.iter().map(|(key, value)| ((*key).to_owned(), source(value))).collect())
}

/// Builds a DAG that is run by hand.
pub(crate) fn dag(dag_id: &str, tasks: Vec<TaskBuilder>) -> Dag {
    let tasks: IndexMap<_, _> =
        tasks.into_iter().map(|task| (task.0.task_id.clone(), task.build())).collect();
    let upstream = tasks.values().map(|t| (t.task_id.clone(), t.upstream.clone())).collect();
    Dag {
        dag_id: dag_id.into(),
        description: None,
        doc_md: None,
        tags: Vec::new(),
        owner: None,
        schedule: Schedule::Manual,
        asset_rule: Default::default(),
        timezone: jiff::tz::TimeZone::UTC,
        start_date: None,
        end_date: None,
        catchup: false,
        max_active_runs: 16,
        max_active_tasks: 16,
        dagrun_timeout: None,
        max_consecutive_failed_dag_runs: 0,
        callbacks: Callbacks::default(),
        deadlines: Vec::new(),
        is_paused_upon_creation: false,
        params: Params { schema: object(&json!({}), &[]), defaults: Map::new() },
        graph: Graph::new(upstream).unwrap(),
        tasks,
        fileloc: project().join("dags.toml"),
        line: 1,
        version: "v1".into(),
        groups: IndexMap::new(),
        plan: Plan::default(),
        source: String::new(),
    }
    .with_plan()
}

/// Sets one thing of a DAG after another.
pub(crate) trait Shape: Sized {
    fn with(self, change: impl FnOnce(&mut Dag)) -> Self;

    fn cron(self, text: &str) -> Self {
        self.crons(&[text])
    }

    fn crons(self, texts: &[&str]) -> Self {
        let crons = texts.iter().map(|text| Cron::parse(text, &TimeZone::UTC).unwrap());
        self.on_time(Timetable::CronTrigger(crons.collect()))
    }

    /// With data intervals from one firing to the next.
    fn intervals(self, text: &str) -> Self {
        self.on_time(Timetable::CronDataInterval(Cron::parse(text, &TimeZone::UTC).unwrap()))
    }

    fn on_time(self, timetable: Timetable) -> Self {
        self.with(|dag| dag.schedule = Schedule::Time(timetable))
    }

    fn start(self, at: &str) -> Self {
        self.with(|dag| dag.start_date = Some(at.parse().unwrap()))
    }

    fn on(self, expression: AssetExpression) -> Self {
        self.with(|dag| dag.schedule = Schedule::Assets(expression))
    }

    /// Adds a group, mapped where `keys` is not empty.
    fn grouped(self, group: &str, keys: &[(&str, Value)]) -> Self {
        let spec = GroupSpec {
            group_id: group.into(),
            parent: None,
            tooltip: None,
            expand: (!keys.is_empty()).then(|| expand(keys)),
            line: 1,
        };
        self.with(|dag| {
            dag.groups.insert(spec.group_id.clone(), spec);
            dag.plan = Plan::of(dag);
        })
    }

    /// A param without a default.
    fn required(self, param: &str) -> Self {
        self.with(|dag| {
            let schema = object(&json!({ param: { "type": "string" } }), &[param]);
            dag.params = Params { schema, defaults: Map::new() };
        })
    }

    /// A text param with a default.
    fn param(self, param: &str, default: &str) -> Self {
        self.with(|dag| {
            let schema = object(&json!({ param: { "type": "string", "default": default } }), &[]);
            let defaults = [(param.to_owned(), Value::from(default))].into_iter().collect();
            dag.params = Params { schema, defaults };
        })
    }
}

impl Shape for Dag {
    fn with(mut self, change: impl FnOnce(&mut Dag)) -> Self {
        change(&mut self);
        self
    }
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Puts DAGs on a deck with room for 16 tasks, a pool `narrow` of two slots, and the assets
/// `a`, `b`, `incoming` (a pattern) and `model`.
pub(crate) fn deck(dags: Vec<Dag>) -> Deck {
    let uri = |path: &str| AssetUri::Connection { connection: "lake".into(), path: path.into() };
    let assets = [
        ("a", uri("a.csv")),
        ("b", uri("b.csv")),
        ("incoming", uri("incoming/*.csv")),
        ("model", AssetUri::Model { name: "iris".into(), alias: "production".into() }),
    ];
    Deck {
        project: project(),
        name: "test".into(),
        timezone: jiff::tz::TimeZone::UTC,
        max_active_tasks: 16,
        max_map_length: 1024,
        dags: dags.into_iter().map(|dag| (dag.dag_id.clone(), Arc::new(dag))).collect(),
        assets: assets
            .into_iter()
            .map(|(name, uri)| {
                let (name, group) = (crate::types::AssetName::from(name), "asset".to_owned());
                let callbacks = Callbacks::default();
                let (watch, freshness) = (None, None);
                (name.clone(), AssetSpec { name, uri, watch, group, freshness, callbacks })
            })
            .collect(),
        datasets: IndexMap::new(),
        asset_aliases: IndexMap::new(),
        connections: IndexMap::new(),
        variables: IndexMap::new(),
        pools: [("default_pool".to_owned(), 128), ("narrow".to_owned(), 2)].into(),
        api_listen: None,
        pools_with_deferred: std::collections::BTreeSet::new(),
        serving: Default::default(),
        xcom: crate::dag::spec::XcomLimits::default(),
        retention: Default::default(),
        overlay: Default::default(),
        sources: Vec::new(),
        slurm: Default::default(),
        openlineage: Default::default(),
        tracking: Default::default(),
        warnings: Vec::new(),
    }
}
