//! Events that other programs tell: checked, and brought into the shape that the store keeps.
//!
//! What is checked is what is used here: who, when, which data sets, their columns. Facets that
//! nobody here knows are kept as they are.

use serde_json::{Map, Value};

use crate::store::openlineage::received::Received;
use crate::types::io::{ColumnOrigin, ColumnRef, DatasetRef};
use crate::types::{Fault, Timestamp};

/// Data sets of one event, and columns of one data set, at most.
const LEN_MAX: usize = 1_000;

/// Characters of a name, at most.
const NAME_LEN_MAX: usize = 2_000;

const EVENT_TYPES: [&str; 6] = ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"];

/// An event that says what it must.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) received: Received,
    pub(crate) inputs: Vec<DatasetRef>,
    pub(crate) outputs: Vec<DatasetRef>,
    /// The job that its parent is, by namespace and name.
    pub(crate) parent: Option<(String, String)>,
}

/// Reads an event of a run, of a job or of a data set; says of one that is none what is wrong,
/// where, and what is to stand there.
pub(crate) fn read(event: Value, received_at: Timestamp) -> Result<Told, Fault> {
    let whole = match &event {
        Value::Object(whole) => At { path: String::new(), fields: whole },
        Value::Array(_) => {
            return Err(wrong("the event", "is a list", "send one event with each request"));
        }
        _ => return Err(wrong("the event", "is no object", "send an event of OpenLineage")),
    };
    let event_time = whole.time("eventTime")?;
    whole.text("producer")?;
    whole.text("schemaURL")?;
    let event_type = whole.event_type()?;
    let run = whole.object("run")?;
    let dataset = whole.object("dataset")?;
    let job = whole.object("job")?;
    let (run_id, parent) = match &run {
        Some(run) => (run.uuid("runId")?, run.parent()?),
        None => (String::new(), None),
    };
    let (job_namespace, job_name) = match &job {
        Some(job) => job.named()?,
        None if run.is_none() && dataset.is_some() => (String::new(), String::new()),
        None => return Err(whole.missing("job", "write `{\"namespace\": …, \"name\": …}`")),
    };
    let (inputs, mut outputs) = (whole.datasets("inputs")?, whole.datasets("outputs")?);
    if let Some(dataset) = dataset {
        outputs.push(dataset.dataset()?);
    }
    let received = Received {
        received_at,
        event_time,
        event_type,
        run_id,
        job_namespace,
        job_name,
        event: Value::Null,
    };
    Ok(Told { received: Received { event, ..received }, inputs, outputs, parent })
}

/// An object of the event, and where it stands.
struct At<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> At<'a> {
    fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn missing(&self, key: &str, help: &str) -> Fault {
        wrong(&format!("`{}`", self.place(key)), "is missing", help)
    }

    fn wrong(&self, key: &str, what: &str, help: &str) -> Fault {
        wrong(&format!("`{}`", self.place(key)), what, help)
    }

    /// A null is as good as nothing: clients write it.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<&'a str, Fault> {
        let help = "write a text";
        match self.get(key) {
            None => Err(self.missing(key, help)),
            Some(Value::String(text)) if text.trim().is_empty() => {
                Err(self.wrong(key, "is empty", help))
            }
            Some(Value::String(text)) if text.chars().count() > NAME_LEN_MAX => {
                let what = format!("is longer than {NAME_LEN_MAX} characters");
                Err(self.wrong(key, &what, "write a shorter one"))
            }
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(key, "is no text", help)),
        }
    }

    fn time(&self, key: &str) -> Result<Timestamp, Fault> {
        let help = "write a time with its offset, such as `2026-03-10T09:00:00Z`";
        let text = self.text(key)?;
        text.parse().map_err(|_| self.wrong(key, &format!("is `{text}`, no time"), help))
    }

    fn uuid(&self, key: &str) -> Result<String, Fault> {
        let text = self.text(key)?;
        let help = "write a UUID, such as `0192b2c4-7d5e-7000-8000-1f2e3d4c5b6a`";
        match uuid::Uuid::parse_str(text) {
            Ok(id) => Ok(id.to_string()),
            Err(_) => Err(self.wrong(key, &format!("is `{text}`, no UUID"), help)),
        }
    }

    fn event_type(&self) -> Result<String, Fault> {
        let Some(value) = self.get("eventType") else { return Ok(String::new()) };
        let known = value.as_str().filter(|text| EVENT_TYPES.contains(text));
        known.map(str::to_owned).ok_or_else(|| {
            let help = format!("there is {}", EVENT_TYPES.join(", "));
            self.wrong("eventType", &format!("is {value}"), &help)
        })
    }

    fn object(&self, key: &str) -> Result<Option<At<'a>>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(At { path: self.place(key), fields })),
            Some(_) => Err(self.wrong(key, "is no object", "write `{…}`")),
        }
    }

    fn list(&self, key: &str) -> Result<Vec<At<'a>>, Fault> {
        let items = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(key, "is no list", "write `[…]`")),
        };
        if items.len() > LEN_MAX {
            let what = format!("has {} entries", items.len());
            return Err(self.wrong(key, &what, &format!("send {LEN_MAX} at most")));
        }
        let at = |(index, item): (usize, &'a Value)| {
            let path = format!("{}[{index}]", self.place(key));
            match item {
                Value::Object(fields) => Ok(At { path, fields }),
                _ => Err(wrong(&format!("`{path}`"), "is no object", "write `{…}`")),
            }
        };
        items.iter().enumerate().map(at).collect()
    }

    fn named(&self) -> Result<(String, String), Fault> {
        Ok((self.text("namespace")?.to_owned(), self.text("name")?.to_owned()))
    }

    fn parent(&self) -> Result<Option<(String, String)>, Fault> {
        let Some(facets) = self.object("facets")? else { return Ok(None) };
        let Some(parent) = facets.object("parent")? else { return Ok(None) };
        match parent.object("job")? {
            Some(job) => job.named().map(Some),
            None => Err(parent.missing("job", "write `{\"namespace\": …, \"name\": …}`")),
        }
    }

    /// Says whether a column is more than what it comes from.
    fn is_computed(&self) -> bool {
        let changes = self.get("transformations").and_then(Value::as_array);
        let is_other = |one: &Value| one.get("subtype").is_some_and(|kind| kind != "IDENTITY");
        changes.is_some_and(|changes| changes.iter().any(is_other))
    }

    fn datasets(&self, key: &str) -> Result<Vec<DatasetRef>, Fault> {
        self.list(key)?.iter().map(At::dataset).collect()
    }

    fn dataset(&self) -> Result<DatasetRef, Fault> {
        let (namespace, name) = self.named()?;
        let mut found = DatasetRef::new(namespace, name);
        if let Some(facets) = self.object("facets")? {
            if let Some(schema) = facets.object("schema")? {
                for field in schema.list("fields")? {
                    let column_type = field.get("type").and_then(Value::as_str).unwrap_or_default();
                    found.columns.push(ColumnRef {
                        name: field.text("name")?.to_owned(),
                        column_type: column_type.to_owned(),
                        origins: Vec::new(),
                    });
                }
            }
            if let Some(lineage) = facets.object("columnLineage")? {
                lineage.add_origins(&mut found.columns)?;
            }
        }
        if let Some(facets) = self.object("outputFacets")?
            && let Some(statistics) = facets.object("outputStatistics")?
        {
            found.rows = statistics.get("rowCount").and_then(Value::as_u64);
            found.bytes = statistics.get("size").and_then(Value::as_u64);
        }
        Ok(found)
    }

    fn add_origins(&self, columns: &mut Vec<ColumnRef>) -> Result<(), Fault> {
        let Some(fields) = self.object("fields")? else { return Ok(()) };
        for name in fields.fields.keys().take(LEN_MAX) {
            let Some(field) = fields.object(name)? else { continue };
            let mut origins = Vec::new();
            for input in field.list("inputFields")? {
                let (namespace, from) = input.named()?;
                let column = input.text("field")?.to_owned();
                let computed = input.is_computed();
                origins.push(ColumnOrigin { namespace, name: from, column, computed });
            }
            match columns.iter_mut().find(|column| column.name == *name) {
                Some(column) => column.origins = origins,
                None => {
                    let (name, column_type) = (name.clone(), String::new());
                    columns.push(ColumnRef { name, column_type, origins });
                }
            }
        }
        Ok(())
    }
}

fn wrong(place: &str, what: &str, help: &str) -> Fault {
    Fault::invalid(format!("{place} {what}")).hint(help)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::sample::at;

    fn event() -> Value {
        json!({
            "eventType": "COMPLETE",
            "eventTime": "2026-03-10T09:00:00.5+01:00",
            "run": {
                "runId": "0192B2C4-7D5E-7000-8000-1f2e3d4c5b6a",
                "facets": {"parent": {
                    "run": {"runId": "0192b2c4-7d5e-7000-8000-1f2e3d4c5b6b"},
                    "job": {"namespace": "default", "name": "etl.transform"},
                }},
            },
            "job": {"namespace": "dbt", "name": "model.orders"},
            "inputs": [{"namespace": "postgres://h:5432", "name": "shop.public.raw"}],
            "outputs": [{
                "namespace": "postgres://h:5432", "name": "shop.public.orders",
                "facets": {
                    "schema": {"fields": [{"name": "id", "type": "int"}, {"name": "total"}]},
                    "columnLineage": {"fields": {
                        "id": {"inputFields": [{
                            "namespace": "postgres://h:5432", "name": "shop.public.raw",
                            "field": "order_id",
                        }]},
                    }},
                },
                "outputFacets": {"outputStatistics": {"rowCount": 7, "size": 70}},
            }],
            "producer": "https://github.com/dbt",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        })
    }

    #[test]
    fn an_event_says_who_made_what_of_what() {
        let told = read(event(), at(0)).unwrap();
        let received = &told.received;
        assert_eq!(received.run_id, "0192b2c4-7d5e-7000-8000-1f2e3d4c5b6a");
        assert_eq!(received.event_time.to_string(), "2026-03-10T08:00:00.5Z");
        assert_eq!((&*received.job_namespace, &*received.job_name), ("dbt", "model.orders"));
        assert_eq!(told.parent, Some(("default".into(), "etl.transform".into())));
        assert_eq!(told.inputs[0].name, "shop.public.raw");
        let output = &told.outputs[0];
        assert_eq!((output.rows, output.bytes), (Some(7), Some(70)));
        assert_eq!(output.columns[0].origins[0].column, "order_id");
        assert_eq!((&*output.columns[1].name, output.columns[1].origins.len()), ("total", 0));
        assert_eq!(received.event, event(), "kept as it came");
    }

    #[test]
    fn a_job_or_a_data_set_may_be_told_of_without_a_run() {
        let mut job = event();
        job.as_object_mut().unwrap().remove("run");
        let told = read(job, at(0)).unwrap();
        assert_eq!((told.received.run_id.as_str(), told.outputs.len()), ("", 1));
        let dataset = json!({
            "eventTime": "2026-03-10T09:00:00Z", "producer": "p", "schemaURL": "s",
            "dataset": {"namespace": "file", "name": "/a.csv"},
        });
        assert_eq!(read(dataset, at(0)).unwrap().outputs[0].name, "/a.csv");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_a_way_out() {
        let refused = |pointer: &str, value: Value| {
            let mut event = event();
            *event.pointer_mut(pointer).unwrap() = value;
            let fault = read(event, at(0)).unwrap_err();
            format!("{}; {}", fault.message, fault.hint.unwrap())
        };
        let time = refused("/eventTime", json!("2026-03-10T09:00:00"));
        assert!(time.starts_with("`eventTime` is `2026-03-10T09:00:00`, no time; write"), "{time}");
        assert_eq!(refused("/producer", Value::Null), "`producer` is missing; write a text");
        assert!(refused("/run/runId", json!("7")).contains("`run.runId` is `7`, no UUID"));
        assert!(refused("/eventType", json!("DONE")).contains("there is START, RUNNING"));
        assert_eq!(refused("/job/name", json!(" ")), "`job.name` is empty; write a text");
        assert!(refused("/job", Value::Null).starts_with("`job` is missing"));
        assert!(refused("/inputs", json!({})).starts_with("`inputs` is no list"));
        assert!(refused("/inputs/0/name", json!(3)).starts_with("`inputs[0].name` is no text"));
        let schema = refused("/outputs/0/facets/schema/fields/1", json!("x"));
        assert!(schema.starts_with("`outputs[0].facets.schema.fields[1]` is no object"));
        let many = vec![json!({"namespace": "n", "name": "x"}); 1_001];
        assert!(refused("/inputs", many.into()).contains("has 1001 entries; send 1000 at most"));
        let long = refused("/job/name", "x".repeat(2_001).into());
        assert!(long.contains("longer than 2000"), "{long}");
        let list = read(json!([event()]), at(0)).unwrap_err();
        assert_eq!(list.hint.unwrap(), "send one event with each request");
    }
}
