//! The deck as a whole: its sections, in an order in which names are known when they are used.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use jiff::tz::TimeZone;

use crate::check::dag::{FAILED_RUNS_MAX, Inherited, dag};
use crate::check::fields::Fields;
use crate::check::names::{DEFAULT_POOL, Declared, Names, declared};
use crate::check::report::Reporter;
use crate::check::schedule::Meaning;
use crate::check::serving::{self, is_address};
use crate::check::system::{Secrets, connection, variable};
use crate::check::task::Defaults;
use crate::check::{Context, asset, openlineage, retention, schedule, slurm, tracking};
use crate::file::{Entry, Node, Span, Table, Written};
use crate::openlineage::OpenLineageSpec;
use crate::partition;
use crate::retention::Retention;
use crate::secret::{self, Lookup};
use crate::serving::ServingSpec;
use crate::settings::Overlay;
use crate::slurm::SlurmSpec;
use crate::spec::{AssetSpec, Deck, XcomLimits};
use crate::tracking::TrackingSpec;

/// Slots of the default pool, as Airflow's.
const DEFAULT_POOL_SLOTS: u32 = 128;

/// Sections that only `dags.toml` itself may have.
const MAIN: [&str; 7] = ["include", "deck", "api", "serving", "slurm", "openlineage", "tracking"];

/// Sections that any file may have.
const SHARED: [&str; 7] =
    ["pool", "connection", "variable", "asset", "asset_alias", "dataset", "dag"];

/// Checks all files (`dags.toml` first). What it returns is whole only where nothing was reported.
pub(super) fn check(
    tables: &[Table],
    project: &Path,
    lookup: Lookup<'_>,
    set: &crate::types::settings::Settings,
    report: &Reporter,
) -> Deck {
    check_sections(report, tables);
    let secrets = Secrets { report, project, lookup };
    let all = |section| declared(report, tables, section);
    let (connections, variables) = (all("connection"), all("variable"));
    let (assets, datasets, dags) = (all("asset"), all("dataset"), all("dag"));
    let aliases = all("asset_alias");
    let connection_specs: IndexMap<_, _> =
        connections.iter().map(|one| (one.name.to_owned(), connection(secrets, *one))).collect();
    let (declared_pools, pools_with_deferred) = pools(report, &all("pool"));
    let mut names = Names {
        connections: connection_specs
            .iter()
            .map(|(name, spec)| (name.clone(), spec.as_ref().map(|spec| spec.kind)))
            .collect(),
        pools: declared_pools.clone(),
        dags: dags.iter().map(|one| (one.name.to_owned(), inside(*one, "task"))).collect(),
        groups: dags.iter().map(|one| (one.name.to_owned(), inside(*one, "group"))).collect(),
        variables: variables.iter().map(|one| one.name.to_owned()).collect(),
        assets: assets.iter().map(|one| (one.name.to_owned(), is_partitioned(*one))).collect(),
        asset_aliases: aliases.iter().map(|one| one.name.to_owned()).collect(),
        datasets: datasets.iter().map(|one| one.name.to_owned()).collect(),
    };
    names.add_settings(set, |text| {
        let found = secret::resolve(text, project, lookup).ok()?;
        Some(found.reveal().to_owned())
    });
    let context = Context { report, names: &names, project };
    let mut settings = settings(context, &tables[0]);
    let slurm = slurm(context, &tables[0], &mut settings.defaults);
    let inherited = Inherited {
        meaning: Meaning {
            timezone: &settings.timezone,
            create_cron_data_intervals: settings.create_cron_data_intervals,
            create_delta_data_intervals: settings.create_delta_data_intervals,
        },
        max_consecutive_failed_dag_runs: settings.max_consecutive_failed_dag_runs,
        defaults: &settings.defaults,
        max_map_length: settings.max_map_length,
    };
    let mut retention = settings.retention;
    let runs = retention.runs;
    retention.dags = dags.iter().filter_map(|one| retention::of_dag(context, runs, *one)).collect();
    let dags = dags.iter().filter_map(|one| dag(context, &inherited, *one));
    let dags = dags.map(|dag| (dag.dag_id.clone(), Arc::new(dag))).collect();
    let asset_specs = checked_assets(context, &assets);
    let aliases = aliases.iter().filter_map(|one| asset::alias(context, *one));
    let datasets = datasets.iter().filter_map(|one| asset::dataset(context, *one));
    let variables = variables.iter();
    let variables =
        variables.filter_map(|one| Some((one.name.to_owned(), variable(secrets, *one)?)));
    Deck {
        dags,
        assets: asset_specs.into_iter().map(|asset| (asset.name.clone(), asset)).collect(),
        asset_aliases: aliases.map(|alias| (alias.name.clone(), alias)).collect(),
        datasets: datasets.map(|dataset| (dataset.name.clone(), dataset)).collect(),
        connections: connection_specs
            .into_iter()
            .filter_map(|(name, spec)| Some((name, spec?)))
            .collect(),
        variables: variables.collect(),
        serving: serving(context, secrets, &tables[0]),
        api_listen: api_listen(context, &tables[0]),
        slurm,
        openlineage: openlineage(secrets, &tables[0]),
        tracking: tracking(secrets, &tables[0]),
        xcom: settings.xcom,
        pools: declared_pools,
        pools_with_deferred,
        retention,
        overlay: Overlay::default(),
        project: project.to_owned(),
        name: settings.name,
        max_active_tasks: settings.max_active_tasks,
        max_map_length: settings.max_map_length,
        timezone: settings.timezone,
        sources: report.sources().iter().map(|source| source.path.clone()).collect(),
        warnings: Vec::new(),
    }
}

/// Says whether the URI of an asset, before it is judged, has partitions.
fn is_partitioned(declared: Declared<'_>) -> bool {
    let uri = declared.node.as_table().and_then(|table| table.0.get("uri"));
    uri.and_then(|entry| entry.node.as_text()).is_some_and(partition::is_partitioned)
}

/// The names of a DAG's tasks or groups, before they are judged.
fn inside(declared: Declared<'_>, section: &str) -> IndexSet<String> {
    let table = declared.node.as_table().and_then(|table| table.0.get(section));
    let table = table.and_then(|entry| entry.node.as_table());
    table.map(|table| table.0.keys().cloned().collect()).unwrap_or_default()
}

/// Reports sections that a file cannot have.
fn check_sections(report: &Reporter, tables: &[Table]) {
    for (file, table) in tables.iter().enumerate() {
        let place = Span { file, start: 0, end: 0 };
        let what = format!("`{}`", report.source(file).shown);
        let mut fields = Fields::new(report, what, table, place);
        let own: &[&'static str] = if file == 0 { &MAIN } else { &[] };
        for section in own.iter().chain(&SHARED) {
            fields.entry(section);
        }
        fields.finish();
    }
}

/// What `[deck]` says.
struct Settings {
    name: String,
    timezone: TimeZone,
    max_active_tasks: u32,
    create_cron_data_intervals: bool,
    create_delta_data_intervals: bool,
    max_consecutive_failed_dag_runs: u32,
    max_map_length: usize,
    defaults: Defaults,
    xcom: XcomLimits,
    retention: Retention,
}

fn settings(context: Context<'_>, main: &Table) -> Settings {
    let empty = Table::default();
    let (table, place) = section(context.report, main, "deck", &empty);
    let mut fields = Fields::new(context.report, "the deck", table, place);
    let folder = context.project.canonicalize().ok();
    let folder = folder.as_deref().and_then(Path::file_name);
    let folder = folder.map(|name| name.to_string_lossy().into_owned());
    let settings = Settings {
        name: fields.owned_text("name").or(folder).unwrap_or_else(|| "deck".to_owned()),
        timezone: schedule::timezone(context, &mut fields, &TimeZone::UTC),
        max_active_tasks: fields.integer("max_active_tasks", 1..=100_000).unwrap_or(16),
        create_cron_data_intervals: fields.flag("create_cron_data_intervals").unwrap_or(false),
        create_delta_data_intervals: fields.flag("create_delta_data_intervals").unwrap_or(false),
        max_consecutive_failed_dag_runs: fields
            .integer("max_consecutive_failed_dag_runs_per_dag", 0..=FAILED_RUNS_MAX)
            .unwrap_or(0),
        max_map_length: max_map_length(&mut fields),
        xcom: xcom(&mut fields),
        defaults: defaults(context, &mut fields),
        retention: retention::of_deck(context, &mut fields),
    };
    fields.finish();
    settings
}

/// As Airflow's default.
fn max_map_length(fields: &mut Fields<'_>) -> usize {
    let given = fields.integer("max_map_length", 1..=1_000_000_i64);
    given.and_then(|length| usize::try_from(length).ok()).unwrap_or(1024)
}

/// `python` of the deck is the one that tasks inherit where `default_args` names none.
fn defaults(context: Context<'_>, fields: &mut Fields<'_>) -> Defaults {
    let python = fields.owned_text("python");
    let mut defaults = Defaults::of(context, fields);
    if let Some(python) = python {
        defaults.python.entry("python").or_insert(python.into());
    }
    defaults
}

fn xcom(fields: &mut Fields<'_>) -> XcomLimits {
    let usual = XcomLimits::default();
    let file_bytes = fields.integer("xcom_file_max_bytes", 0..=1 << 32).unwrap_or(usual.file_bytes);
    let inline_bytes = fields.integer("xcom_max_bytes", 0..=1 << 24).unwrap_or(usual.inline_bytes);
    XcomLimits { inline_bytes, file_bytes }
}

/// Reads `[serving]`.
pub(super) fn serving(context: Context<'_>, secrets: Secrets<'_>, main: &Table) -> ServingSpec {
    let empty = Table::default();
    let (table, place) = section(secrets.report, main, "serving", &empty);
    serving::of_deck(
        context,
        secrets,
        Fields::new(secrets.report, "the model server", table, place),
    )
}

/// Reads `[api]`.
fn api_listen(context: Context<'_>, main: &Table) -> Option<String> {
    let empty = Table::default();
    let (table, place) = section(context.report, main, "api", &empty);
    let mut fields = Fields::new(context.report, "the API", table, place);
    let listen = fields.text("listen");
    if let Some(at) = listen.filter(|at| !is_address(at.text)) {
        let message = format!("`{}` is no address to listen on", at.text);
        let help = "write `127.0.0.1:8080`; port 0 takes any that is free".to_owned();
        context.report.error(at.span, "bad-value", message, help);
    }
    fields.finish();
    listen.map(|at| at.text.to_owned())
}

/// Reads `[slurm]`; its options are what tasks inherit where `default_args` says nothing.
fn slurm(context: Context<'_>, main: &Table, defaults: &mut Defaults) -> SlurmSpec {
    let empty = Table::default();
    let (table, place) = section(context.report, main, "slurm", &empty);
    let mut fields = Fields::new(context.report, "Slurm", table, place);
    let (spec, options) = slurm::of_deck(context, &mut fields);
    fields.finish();
    defaults.placed = std::mem::take(&mut defaults.placed).over(&options);
    spec
}

/// Reads `[openlineage]`.
fn openlineage(secrets: Secrets<'_>, main: &Table) -> OpenLineageSpec {
    let empty = Table::default();
    let (table, place) = section(secrets.report, main, "openlineage", &empty);
    openlineage::of_deck(secrets, Fields::new(secrets.report, "OpenLineage", table, place))
}

/// Reads `[tracking]`.
fn tracking(secrets: Secrets<'_>, main: &Table) -> TrackingSpec {
    let empty = Table::default();
    let (table, place) = section(secrets.report, main, "tracking", &empty);
    tracking::of_deck(secrets, Fields::new(secrets.report, "tracking", table, place))
}

fn section<'a>(
    report: &Reporter,
    main: &'a Table,
    name: &str,
    empty: &'a Table,
) -> (&'a Table, Span) {
    let Some(Entry { key, node }) = main.0.get(name) else {
        return (empty, Span { file: 0, start: 0, end: 0 });
    };
    let table = node.as_table().unwrap_or_else(|| {
        let message = format!("`{name}` is {}; expected a table", node.kind());
        report.error(node.span, "wrong-type", message, format!("write `[{name}]`"));
        empty
    });
    (table, *key)
}

/// Checks the pools; returns beside them those that count what is deferred.
fn pools(
    report: &Reporter,
    declared: &[Declared<'_>],
) -> (IndexMap<String, u32>, BTreeSet<String>) {
    let mut pools = IndexMap::from([(DEFAULT_POOL.to_owned(), DEFAULT_POOL_SLOTS)]);
    let mut with_deferred = BTreeSet::new();
    for pool in declared {
        let Node { value: Written::Table(table), .. } = pool.node else {
            let message = format!("pool `{}` is {}; expected a table", pool.name, pool.node.kind());
            let help = "write `{ slots = 2 }`".to_owned();
            report.error(pool.node.span, "wrong-type", message, help);
            continue;
        };
        let mut fields = Fields::new(report, format!("pool `{}`", pool.name), table, pool.key);
        if !table.0.contains_key("slots") {
            fields.missing("slots", "how many tasks may be in it at once");
        }
        let slots = fields.integer("slots", 1..=100_000);
        if fields.flag("include_deferred").unwrap_or(false) {
            with_deferred.insert(pool.name.to_owned());
        }
        fields.finish();
        // One that is broken is taken for a large one: it has been reported already.
        pools.insert(pool.name.to_owned(), slots.unwrap_or(u32::MAX));
    }
    (pools, with_deferred)
}

/// Checks the assets; two with one URI could not be told apart when it changes.
fn checked_assets(context: Context<'_>, declared: &[Declared<'_>]) -> Vec<AssetSpec> {
    let mut by_uri: HashMap<String, &str> = HashMap::new();
    let mut found = Vec::new();
    for one in declared {
        let Some(asset) = asset::asset(context, *one) else { continue };
        if let Some(first) = by_uri.insert(asset.uri.as_text(), one.name)
            && first != one.name
        {
            let message = format!("assets `{first}` and `{}` have the same URI", one.name);
            context.report.error(one.key, "duplicate-uri", message, None);
        }
        found.push(asset);
    }
    found
}
