//! RunEvents of OpenLineage 2-0-2, named as Airflow's provider names them: the job of a DAG is
//! `DAG`, of a task `DAG.TASK`, and a task's run has the DAG's run as its parent and root.
//!
//! An event says the same however often it is made: nothing of it is taken from a clock.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::dag::{Dag, Deck};
use crate::runtime::openlineage::dataset;
use crate::runtime::openlineage::facts::{Attempt, Facts};
use crate::runtime::openlineage::run_id;
use crate::store::openlineage::outbox::EventType;
use crate::types::Timestamp;
use crate::types::ids::UNMAPPED;
use crate::types::io::{CheckResult, ColumnRef, DatasetRef, OnFail, RUN_TABLES};
use crate::types::view::DatasetName;

/// Who tells.
const PRODUCER: &str = concat!("urn:dagdeck:", env!("CARGO_PKG_VERSION"));

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// Facets, each with the version of its schema that is written here.
const PARENT: (&str, &str) = ("1-2-0", "ParentRunFacet");
const NOMINAL_TIME: (&str, &str) = ("1-0-1", "NominalTimeRunFacet");
const ERROR_MESSAGE: (&str, &str) = ("1-0-1", "ErrorMessageRunFacet");
const PROCESSING_ENGINE: (&str, &str) = ("1-1-1", "ProcessingEngineRunFacet");
const TAGS: (&str, &str) = ("1-0-0", "TagsRunFacet");
const JOB_TYPE: (&str, &str) = ("2-0-4", "JobTypeJobFacet");
const DOCUMENTATION: (&str, &str) = ("1-1-0", "DocumentationJobFacet");
const OWNERSHIP: (&str, &str) = ("1-0-1", "OwnershipJobFacet");
const SCHEMA_OF_DATASET: (&str, &str) = ("1-2-0", "SchemaDatasetFacet");
const COLUMN_LINEAGE: (&str, &str) = ("1-2-0", "ColumnLineageDatasetFacet");
const DATA_SOURCE: (&str, &str) = ("1-0-1", "DatasourceDatasetFacet");
const OUTPUT_STATISTICS: (&str, &str) = ("1-0-2", "OutputStatisticsOutputDatasetFacet");
const ASSERTIONS: (&str, &str) = ("1-1-0", "DataQualityAssertionsDatasetFacet");

/// Makes the event; `mask` takes secrets out of what people wrote or programs said.
pub(super) fn of(facts: &Facts, deck: &Deck, mask: &dyn Fn(&str) -> String) -> Value {
    let namespace = deck.openlineage.namespace.as_str();
    let (run_id, job) = match &facts.attempt {
        Some(attempt) => {
            (run_id::of_try(namespace, &facts.run, &attempt.key), run_id::job_of_task(&attempt.key))
        }
        None => (run_id::of_run(namespace, &facts.run), facts.run.dag_id.to_string()),
    };
    let (inputs, outputs) = datasets(facts, deck);
    json!({
        "eventType": facts.due.event_type.as_str(),
        "eventTime": time(facts.due.event_time),
        "run": {"runId": run_id, "facets": run_facets(facts, namespace, mask)},
        "job": {"namespace": namespace, "name": job, "facets": job_facets(facts)},
        "inputs": inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
    })
}

fn run_facets(facts: &Facts, namespace: &str, mask: &dyn Fn(&str) -> String) -> Value {
    let mut facets = Map::new();
    let run = &facts.run;
    if let Some(start) = run.data_interval_start.or(run.logical_date) {
        let mut nominal = Map::from_iter([("nominalStartTime".to_owned(), time(start).into())]);
        if let Some(end) = run.data_interval_end {
            nominal.insert("nominalEndTime".to_owned(), time(end).into());
        }
        put(&mut facets, "nominalTime", NOMINAL_TIME, Value::Object(nominal));
    }
    let engine = json!({"version": env!("CARGO_PKG_VERSION"), "name": "dagdeck"});
    put(&mut facets, "processing_engine", PROCESSING_ENGINE, engine);
    let mut tags = vec![("dag_run_id", run.dag_run_id.to_string())];
    let mut error = facts.error.clone();
    if let Some(attempt) = &facts.attempt {
        let id = run_id::of_run(namespace, run);
        let parent = json!({
            "run": {"runId": id},
            "job": {"namespace": namespace, "name": run.dag_id},
            "root": {
                "run": {"runId": id},
                "job": {"namespace": namespace, "name": run.dag_id},
            },
        });
        put(&mut facets, "parent", PARENT, parent);
        tags.push(("try_number", attempt.key.try_number.to_string()));
        if attempt.key.task.map_index != UNMAPPED {
            tags.push(("map_index", attempt.key.task.map_index.to_string()));
        }
        if let Some(task) = facts.task() {
            tags.push(("operator", task.operator.name().to_owned()));
        }
        error = failure(facts, attempt);
    }
    if let Some(message) = error {
        let message = json!({"message": mask(&message), "programmingLanguage": "UNKNOWN"});
        put(&mut facets, "errorMessage", ERROR_MESSAGE, message);
    }
    let tags = tags.into_iter();
    let tags = tags.map(|(key, value)| json!({"key": key, "value": value, "source": "dagdeck"}));
    put(&mut facets, "tags", TAGS, json!({"tags": tags.collect::<Vec<_>>()}));
    Value::Object(facets)
}

/// Says why a try did not succeed.
fn failure(facts: &Facts, attempt: &Attempt) -> Option<String> {
    if !matches!(facts.due.event_type, EventType::Fail | EventType::Abort) {
        return None;
    }
    let told = attempt.row.as_ref().and_then(|row| row.error.clone());
    Some(told.unwrap_or_else(|| "the task failed".to_owned()))
}

fn job_facets(facts: &Facts) -> Value {
    let mut facets = Map::new();
    let kind = if facts.attempt.is_some() { "TASK" } else { "DAG" };
    let job_type = json!({"processingType": "BATCH", "integration": "DAGDECK", "jobType": kind});
    put(&mut facets, "jobType", JOB_TYPE, job_type);
    let Some(dag) = facts.dag.as_deref() else { return Value::Object(facets) };
    if let Some((text, content_type)) = documentation(facts, dag) {
        let documentation = json!({"description": text, "contentType": content_type});
        put(&mut facets, "documentation", DOCUMENTATION, documentation);
    }
    if let Some(owner) = &dag.owner {
        put(&mut facets, "ownership", OWNERSHIP, json!({"owners": [{"name": owner}]}));
    }
    Value::Object(facets)
}

fn documentation<'a>(facts: &'a Facts, dag: &'a Dag) -> Option<(&'a str, &'static str)> {
    let markdown = |text: &'a Option<String>| Some((text.as_deref()?, "text/markdown"));
    match &facts.attempt {
        Some(_) => markdown(&facts.task()?.doc_md),
        None => markdown(&dag.doc_md).or(Some((dag.description.as_deref()?, "text/plain"))),
    }
}

/// What a job reads or writes, by namespace and name.
#[derive(Default)]
struct Sets(BTreeMap<DatasetName, Seen>);

#[derive(Default)]
struct Seen {
    columns: Vec<ColumnRef>,
    rows: Option<u64>,
    bytes: Option<u64>,
    checks: Vec<CheckResult>,
}

impl Sets {
    fn add(&mut self, deck: &Deck, known: &DatasetRef) {
        let seen = self.0.entry(dataset::of_seen(deck, known)).or_default();
        seen.rows = known.rows.or(seen.rows);
        seen.bytes = known.bytes.or(seen.bytes);
        if !known.columns.is_empty() {
            seen.columns.clone_from(&known.columns);
        }
    }
}

/// Returns what a try reads and writes: what its task says, and what it did.
fn datasets(facts: &Facts, deck: &Deck) -> (Vec<Value>, Vec<Value>) {
    let (mut inputs, mut outputs) = (Sets::default(), Sets::default());
    if let Some(task) = facts.task() {
        for inlet in &task.inlets {
            inputs.0.entry(dataset::of_asset(deck, inlet)).or_default();
        }
        for outlet in &task.outlets {
            outputs.0.entry(dataset::of_asset(deck, outlet)).or_default();
        }
    }
    if let Some(attempt) = &facts.attempt {
        attempt.observed.inputs.iter().for_each(|one| inputs.add(deck, one));
        attempt.observed.outputs.iter().for_each(|one| outputs.add(deck, one));
        for check in &attempt.observed.checks {
            let name = format!("{}.{}", attempt.key.task.dag_id, check.table);
            let checked = DatasetName { namespace: RUN_TABLES.to_owned(), name };
            inputs.0.entry(checked).or_default().checks.push(check.clone());
        }
    }
    (
        inputs.0.iter().map(|(name, seen)| input(name, seen)).collect(),
        outputs.0.iter().map(|(name, seen)| output(deck, name, seen)).collect(),
    )
}

fn input(DatasetName { namespace, name }: &DatasetName, seen: &Seen) -> Value {
    let mut own = Map::new();
    if !seen.checks.is_empty() {
        let assertions = seen.checks.iter().map(assertion).collect::<Vec<_>>();
        put(&mut own, "dataQualityAssertions", ASSERTIONS, json!({"assertions": assertions}));
    }
    let facets = dataset_facets(namespace, seen);
    json!({"namespace": namespace, "name": name, "facets": facets, "inputFacets": own})
}

fn output(deck: &Deck, DatasetName { namespace, name }: &DatasetName, seen: &Seen) -> Value {
    let mut facets = dataset_facets(namespace, seen);
    let fields: Map<String, Value> =
        seen.columns.iter().filter_map(|one| column_lineage(deck, one)).collect();
    if !fields.is_empty() {
        put(&mut facets, "columnLineage", COLUMN_LINEAGE, json!({"fields": fields}));
    }
    let mut own = Map::new();
    let mut statistics = Map::new();
    for (key, figure) in [("rowCount", seen.rows), ("size", seen.bytes)] {
        if let Some(figure) = figure {
            statistics.insert(key.to_owned(), figure.into());
        }
    }
    if !statistics.is_empty() {
        put(&mut own, "outputStatistics", OUTPUT_STATISTICS, Value::Object(statistics));
    }
    json!({"namespace": namespace, "name": name, "facets": facets, "outputFacets": own})
}

fn dataset_facets(namespace: &str, seen: &Seen) -> Map<String, Value> {
    let mut facets = Map::new();
    if namespace.contains("://") {
        let source = json!({"name": namespace, "uri": namespace});
        put(&mut facets, "dataSource", DATA_SOURCE, source);
    }
    if !seen.columns.is_empty() {
        let fields = seen.columns.iter().map(|column| match column.column_type.as_str() {
            "" => json!({"name": column.name}),
            known => json!({"name": column.name, "type": known}),
        });
        let fields = fields.collect::<Vec<_>>();
        put(&mut facets, "schema", SCHEMA_OF_DATASET, json!({"fields": fields}));
    }
    facets
}

fn column_lineage(deck: &Deck, column: &ColumnRef) -> Option<(String, Value)> {
    if column.origins.is_empty() {
        return None;
    }
    let inputs = column.origins.iter().map(|origin| {
        let from = DatasetRef::new(&origin.namespace, &origin.name);
        let DatasetName { namespace, name } = dataset::of_seen(deck, &from);
        let subtype = if origin.computed { "TRANSFORMATION" } else { "IDENTITY" };
        json!({
            "namespace": namespace,
            "name": name,
            "field": origin.column,
            "transformations": [{"type": "DIRECT", "subtype": subtype}],
        })
    });
    Some((column.name.clone(), json!({"inputFields": inputs.collect::<Vec<_>>()})))
}

fn assertion(check: &CheckResult) -> Value {
    let severity = if check.on_fail == OnFail::Warn { "warn" } else { "error" };
    let mut assertion = json!({
        "assertion": check.expect,
        "success": check.passed,
        "severity": severity,
        "actual": check.value.to_string(),
        "content": check.expect,
        "contentType": "sql",
    });
    if let Some(figures) = &check.figures {
        assertion["description"] = figures.clone().into();
    }
    assertion
}

fn put(facets: &mut Map<String, Value>, key: &str, (version, name): (&str, &str), facet: Value) {
    let mut whole = Map::new();
    whole.insert("_producer".to_owned(), PRODUCER.into());
    let url = format!("https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}");
    whole.insert("_schemaURL".to_owned(), url.into());
    if let Value::Object(own) = facet {
        whole.extend(own);
    }
    facets.insert(key.to_owned(), Value::Object(whole));
}

/// With six digits of the second, always: as text, times are in order.
fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}
