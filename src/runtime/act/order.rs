//! From a launch to an order: templates rendered, names resolved, the folder begun.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use rusqlite::Transaction;
use serde_json::{Map, Value};

use crate::connection::{OpenConnection, dataset};
use crate::dag::operator::{KeyKind, Operator};
use crate::dag::spec::{AssetSpec, AssetUri, ConnectionSpec};
use crate::dag::template::{self, Names};
use crate::dag::{Dag, Deck, TaskSpec};
use crate::runtime::act::context::{self, Connections, History, Sources};
use crate::runtime::act::{Shared, mapping, secrets};
use crate::runtime::attempt::{AttemptFolder, DatasetOrder, Order, Private};
use crate::runtime::blocking::blocking;
use crate::runtime::executor::{Handover, process_table};
use crate::runtime::openlineage;
use crate::runtime::operator::is_true;
use crate::runtime::pass;
use crate::runtime::places::Places;
use crate::sched::Outcome;
use crate::sched::effect::Launch;
use crate::store;
use crate::types::{AssetName, TaskId, Timestamp};

/// Characters of a rendered text that are kept, as Airflow's `max_templated_field_length`.
const RENDERED_LEN_MAX: usize = 4_096;

/// Prepares the attempt; where it `begins` the folder, writes its order, but for one that only
/// decides. What goes wrong is the attempt's outcome: fatal where another try would meet the same.
pub(super) async fn prepare(
    shared: &Shared,
    deck: Arc<Deck>,
    launch: &Launch,
    begins: bool,
) -> Result<(Order, Handover), Outcome> {
    let task = launch.dag.tasks.get(&launch.task_id).ok_or_else(|| {
        Outcome::fatal(format!("DAG `{}` has no task `{}`", launch.dag.dag_id, launch.task_id))
    })?;
    let begins = begins && !task.operator.only_decides();
    let history = History::new(shared.store.clone(), shared.layout.clone(), launch.run.clone());
    let (own, layout, now) = (launch.clone(), shared.layout.clone(), shared.clock.now());
    let (tracking, server) = (shared.tracking.clone(), deck.tracking.server.clone());
    let work = move || {
        let task = own.dag.tasks.get(&own.task_id).expect("it was there a moment ago");
        let (mut order, mut handover) = compose(&deck, task, &own, &Arc::new(history), now)?;
        order.project = layout.project().to_owned();
        order.folder = layout.attempt_dir(&own.key);
        order.run_folder = layout.run_dir(&own.key);
        pass::hand(tracking.as_ref(), server.as_ref(), &order, &mut handover.private);
        if begins {
            begin(&order)?;
        }
        Ok((order, handover))
    };
    // Templates look things up in the store, and a folder is made.
    let prepared = match begins || looks_up(&launch.dag, task) {
        true => blocking(work)
            .await
            .unwrap_or_else(|fault| Err(Outcome::failed(format!("prepare the attempt: {fault}")))),
        false => work(),
    };
    if let Ok((order, _)) = &prepared
        && as_written(&launch.dag, &launch.task_id).is_none()
    {
        keep_rendered(shared, order, task).await;
    }
    prepared
}

/// Says whether the store may be asked for the sake of a task.
fn looks_up(dag: &Dag, task: &TaskSpec) -> bool {
    let is_mapped = dag.mapping(&task.task_id).is_some();
    is_mapped || task.operator == Operator::Python || task.has_templates()
}

/// Returns the arguments of a task whose attempts have them as they are written, for people to
/// look at.
pub(crate) fn as_written(dag: &Dag, task_id: &TaskId) -> Option<Map<String, Value>> {
    let task = dag.tasks.get(task_id)?;
    let is_other = task.has_templates() || dag.mapping(task_id).is_some();
    (!is_other).then(|| shown(task.args.clone(), task, &task.env))
}

fn begin(order: &Order) -> Result<(), Outcome> {
    let begun = AttemptFolder::new(order.folder.clone()).begin(order);
    begun.map_err(|error| {
        let folder = order.folder.display();
        Outcome::failed(format!("prepare the attempt's folder `{folder}`: {error}"))
    })
}

/// Makes the order in memory; its folders are left for the caller. Blocks where a template looks
/// something up.
pub(super) fn compose(
    deck: &Deck,
    task: &TaskSpec,
    launch: &Launch,
    history: &Arc<History>,
    now: Timestamp,
) -> Result<(Order, Handover), Outcome> {
    let dag = &launch.dag;
    let mut variables = secrets::Variables::new(deck);
    let conn = Connections::new(deck);
    let given = mapping::given(dag, &launch.key.task, history)?;
    let sources = Sources {
        deck,
        dag,
        task: Some(task),
        launch,
        history,
        variables: &variables,
        connections: &conn,
        given: &given,
        now,
        ti: BTreeMap::new(),
        happened: BTreeMap::new(),
    };
    let context = LazyCell::new(|| context::build(&sources));
    check_run_if(task, &context)?;
    let python = (task.operator == Operator::Python).then(|| {
        context::for_python(&sources, task).map_err(|error| Outcome::failed(error.to_string()))
    });
    let mut args = render(&mapping::with_literals(task, &given), &context)?;
    mapping::with_outputs(&mut args, task, &given);
    let mut env = environment(deck, task, launch, &context)?;
    for (name, one) in mapping::environment(&given) {
        let rendered = match one.is_literal {
            true => render(&Map::from_iter([(name.to_owned(), one.value.clone())]), &context)?,
            false => Map::from_iter([(name.to_owned(), one.value.clone())]),
        };
        env.extend(rendered.into_iter().map(|(name, value)| (name, as_text(value))));
    }
    for text in args.values().flat_map(texts).chain(env.values().map(String::as_str)) {
        variables.add(conn.secrets_in(text));
    }
    let dataset = dataset_order(deck, task, &args)?;
    let mut connections = connections(deck, &args)?;
    let scheme = dataset.as_ref().and_then(|dataset| dataset.uri.as_ref()?.split_once(':'));
    if let Some(spec) = scheme.and_then(|(scheme, _)| deck.connections.get(scheme)) {
        connections.push(spec);
    }
    let mut mask = variables.mask;
    mask.extend(connections.iter().flat_map(|spec| secrets::of_connection(spec)));
    let order = Order {
        key: launch.key.clone(),
        token: launch.token.clone(),
        operator: task.operator.name().to_owned(),
        dataset,
        connections: connections.iter().map(|spec| spec.name.clone()).collect(),
        args,
        env,
        project: deck.project.clone(),
        folder: deck.project.clone(),
        run_folder: deck.project.clone(),
        execution_timeout_secs: task.execution_timeout.map(|d| d.as_secs_f64()),
        inlets: task.inlets.clone(),
        outlets: task.outlets.clone(),
        triggering_asset_events: launch.triggering_asset_events.clone(),
        user: user(dag, launch),
        slurm: task.slurm.as_deref().cloned(),
        xcom: deck.xcom,
        limits: task.limits,
        context: python.transpose()?,
    };
    let open =
        connections.iter().map(|spec| (spec.name.clone(), OpenConnection::of(spec))).collect();
    let private = Private { connections: open, env: BTreeMap::new(), mask };
    Ok((order, Handover { private, secrets: variables.secrets }))
}

/// Renders; what templates may name is made where there is one.
fn render<F: FnOnce() -> Names>(
    args: &Map<String, Value>,
    context: &LazyCell<Names, F>,
) -> Result<Map<String, Value>, Outcome> {
    if !args.values().any(template::holds_template) {
        return Ok(args.clone());
    }
    template::render(args, context).map_err(|error| Outcome::fatal(error.to_string()))
}

/// A task whose `run_if` gives a falsehood is skipped, before anything else of it is rendered.
fn check_run_if<F: FnOnce() -> Names>(
    task: &TaskSpec,
    context: &LazyCell<Names, F>,
) -> Result<(), Outcome> {
    let Some(condition) = &task.flow.run_if else { return Ok(()) };
    let key = "run_if".to_owned();
    let rendered = render(&Map::from_iter([(key, condition.as_str().into())]), context)?;
    if rendered.values().all(is_true) {
        return Ok(());
    }
    Err(Outcome::Skipped { reason: format!("`run_if` does not hold: {condition}") })
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn user(dag: &Dag, launch: &Launch) -> String {
    let asked = launch.run.triggering_user_name.clone();
    asked.or_else(|| dag.owner.clone()).unwrap_or_else(|| "dagdeck".to_owned())
}

/// The names that tasks find themselves by, then the task's own.
fn environment<F: FnOnce() -> Names>(
    deck: &Deck,
    task: &TaskSpec,
    launch: &Launch,
    context: &LazyCell<Names, F>,
) -> Result<IndexMap<String, String>, Outcome> {
    let (key, run) = (&launch.key, &launch.run);
    let try_number = key.try_number.to_string();
    let mut env: IndexMap<String, String> = IndexMap::new();
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    set("DAGDECK_DAG_ID", key.task.dag_id.as_str());
    set("DAGDECK_TASK_ID", key.task.task_id.as_str());
    set("DAGDECK_RUN_ID", key.task.dag_run_id.as_str());
    set("DAGDECK_TRY_NUMBER", &try_number);
    set("DAGDECK_MAP_INDEX", &key.task.map_index.to_string());
    set(process_table::TOKEN_VARIABLE, launch.token.as_str());
    let dates = [
        ("DAGDECK_LOGICAL_DATE", run.logical_date),
        ("DAGDECK_DATA_INTERVAL_START", run.data_interval_start),
        ("DAGDECK_DATA_INTERVAL_END", run.data_interval_end),
        ("AIRFLOW_CTX_LOGICAL_DATE", run.logical_date),
    ];
    for (name, date) in dates {
        if let Some(date) = date {
            set(name, &context::iso(date));
        }
    }
    set("AIRFLOW_CTX_DAG_ID", key.task.dag_id.as_str());
    set("AIRFLOW_CTX_TASK_ID", key.task.task_id.as_str());
    set("AIRFLOW_CTX_DAG_RUN_ID", key.task.dag_run_id.as_str());
    set("AIRFLOW_CTX_TRY_NUMBER", &try_number);
    let (parent, root) = openlineage::parents(&deck.openlineage.namespace, run, key);
    set("OPENLINEAGE_PARENT_ID", &parent);
    set("OPENLINEAGE_ROOT_PARENT_ID", &root);
    let own = task.env.iter().map(|(name, text)| (name.clone(), Value::String(text.clone())));
    for (name, value) in render(&own.collect(), context)? {
        env.insert(name, as_text(value));
    }
    Ok(env)
}

/// Finds the connections that the arguments name: by the key `connection`, or as the scheme of a
/// URI such as `lake:incoming/`.
pub(super) fn connections<'a>(
    deck: &'a Deck,
    args: &Map<String, Value>,
) -> Result<Vec<&'a ConnectionSpec>, Outcome> {
    let mut found: IndexMap<&str, &ConnectionSpec> = IndexMap::new();
    if let Some(Value::String(name)) = args.get("connection") {
        let spec = deck.connections.get(name).ok_or_else(|| {
            unknown("connection", name, deck.connections.keys().map(String::as_str))
        })?;
        found.insert(&spec.name, spec);
    }
    for text in args.values().flat_map(texts) {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        if let Some(spec) = scheme.and_then(|scheme| deck.connections.get(scheme)) {
            found.insert(&spec.name, spec);
        }
    }
    Ok(found.into_values().collect())
}

pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(items) => items.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn dataset_order(
    deck: &Deck,
    task: &TaskSpec,
    args: &Map<String, Value>,
) -> Result<Option<DatasetOrder>, Outcome> {
    let key = task.operator.keys().iter().find(|key| key.kind == KeyKind::Dataset);
    let Some(value) = key.and_then(|key| args.get(key.name)) else { return Ok(None) };
    let Value::String(name) = value else {
        return Err(Outcome::fatal(format!("`dataset` is `{value}`, not the name of a data set")));
    };
    let spec = deck
        .datasets
        .get(name)
        .ok_or_else(|| unknown("data set", name, deck.datasets.keys().map(String::as_str)))?;
    let (path, uri) = match &spec.uri {
        AssetUri::File(path) => (deck.project.join(Path::new(path)), None),
        other => (PathBuf::new(), Some(other.as_text())),
    };
    let assets = match &uri {
        None => assets_at(deck, &path),
        Some(uri) => {
            let is_it = |spec: &&AssetSpec| spec.uri.as_text() == *uri;
            deck.assets.values().filter(is_it).map(|spec| spec.name.clone()).collect()
        }
    };
    let (name, table) = (spec.name.clone(), spec.table.clone());
    Ok(Some(DatasetOrder { name, path, uri, table, assets }))
}

/// Returns the assets that a file is.
fn assets_at(deck: &Deck, path: &Path) -> Vec<AssetName> {
    let assets = deck.assets.values().map(|spec| (spec.name.clone(), spec.uri.as_text()));
    let places = Places::new(deck, &deck.project, &assets.collect::<Vec<_>>());
    let at = dataset::of_file(path);
    places.asset(&at.namespace, &at.name).into_iter().cloned().collect()
}

/// No other try will find it either.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Outcome {
    let known: Vec<&str> = known.collect();
    let near = known.iter().map(|k| (strsim::jaro_winkler(name, k), *k));
    let meant = near.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = match meant {
        Some((_, meant)) => format!("; did you mean `{meant}`?"),
        None => String::new(),
    };
    let all = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Outcome::fatal(format!("there is no {what} `{name}`{hint} (there is: {all})"))
}

/// Keeps what the templates gave, for people to look at. Placeholders stand for secrets. It goes
/// along with the next commit: what a kill takes of it stands in `order.json`.
async fn keep_rendered(shared: &Shared, order: &Order, task: &TaskSpec) {
    let rendered = shown(order.args.clone(), task, &order.env);
    let key = order.key.clone();
    let attempt = order.key.clone();
    let write = move |tx: &Transaction<'_>| store::rendered::put(tx, &key, &rendered);
    let kept = shared.store.write_along(write, move |error| {
        tracing::warn!(%attempt, %error, "could not keep what was rendered");
    });
    if let Err(error) = kept.await {
        tracing::warn!(attempt = %order.key, %error, "could not keep what was rendered");
    }
}

/// Makes of arguments and the task's own part of the environment what is shown of them.
fn shown(
    mut args: Map<String, Value>,
    task: &TaskSpec,
    env: &IndexMap<String, String>,
) -> Map<String, Value> {
    if !task.env.is_empty() {
        let own = task
            .env
            .keys()
            .filter_map(|name| Some((name.clone(), Value::String(env.get(name)?.clone()))));
        args.insert("env".to_owned(), Value::Object(own.collect()));
    }
    args.values_mut().for_each(cut);
    args
}

/// Cuts long texts, with a mark that says so.
pub(super) fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(RENDERED_LEN_MAX) {
                let len = text.chars().count();
                text.truncate(at);
                text.push_str(&format!(" … (cut: {len} characters in all)"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(cut),
        Value::Object(items) => items.values_mut().for_each(cut),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
