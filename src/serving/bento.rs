//! What BentoML's clients ask before they call: the routes, each with the arguments it takes.

use prometheus::proto::{LabelPair, Metric, MetricFamily};
use serde_json::{Value, json};

use crate::serving::docs;
use crate::serving::shared::Shared;
use crate::serving::table::Table;

/// Writes `/schema.json`: `predict` of the default model, and `predict_NAME` of each.
pub(crate) fn schema(shared: &Shared, table: &Table) -> Value {
    let mut routes = Vec::new();
    let default = shared.default_model(table);
    let main = default.as_ref().and_then(|model| table.main_version(model));
    if let Some(loaded) = main {
        routes.push(route("predict", "/predict", &docs::rows_schema(&*loaded.predictor)));
    }
    for model in table.models.keys() {
        let Some(loaded) = table.main_version(model) else { continue };
        let path = format!("/models/{}/predict", docs::encode(model));
        let rows = docs::rows_schema(&*loaded.predictor);
        routes.push(route(&format!("predict_{}", attribute(model)), &path, &rows));
    }
    json!({"name": "dagdeck", "type": "service", "routes": routes})
}

fn route(name: &str, path: &str, rows: &Value) -> Value {
    json!({
        "name": name,
        "route": path,
        "doc": "Answers rows: lists in the order of the signature, records, or columns.",
        "batchable": false,
        "is_task": false,
        "input": {
            "type": "object",
            "title": "Input",
            "properties": {"rows": rows},
            "required": ["rows"],
        },
        "output": {"type": "array", "title": "Answers", "items": docs::answer_schema()},
    })
}

/// A name that an attribute in Python can have.
fn attribute(model: &str) -> String {
    model.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Our figures with the name under which BentoML's servers have them, and what they say of it.
const FIGURES: [(&str, &str, &str); 3] = [
    (
        "dagdeck_serving_requests_total",
        "bentoml_service_request_total",
        "Requests for predictions, as BentoML names them",
    ),
    (
        "dagdeck_serving_in_flight",
        "bentoml_service_request_in_progress",
        "Requests that are being answered, as BentoML names them",
    ),
    (
        "dagdeck_serving_request_duration_seconds",
        "bentoml_service_request_duration_seconds",
        "Seconds from a request's head to its answer, as BentoML names them",
    ),
];

/// Gives figures once more under BentoML's names and labels, so that its dashboards work: made of
/// ours when they are asked for, at no cost for a request.
pub(crate) fn figures(ours: &[MetricFamily]) -> Vec<MetricFamily> {
    let named = |family: &MetricFamily| {
        let (_, name, help) = FIGURES.iter().find(|(ours, ..)| *ours == family.name())?;
        let mut renamed = family.clone();
        renamed.set_name((*name).to_owned());
        renamed.set_help((*help).to_owned());
        renamed.mut_metric().iter_mut().for_each(relabel);
        Some(renamed)
    };
    ours.iter().filter_map(named).collect()
}

fn relabel(metric: &mut Metric) {
    let value = |name: &str| {
        let label = metric.get_label().iter().find(|label| label.name() == name);
        label.map(|label| label.value().to_owned())
    };
    let (model, version, code) = (value("model"), value("version"), value("code"));
    let endpoint = match model.as_deref() {
        None | Some("") => "/predict".to_owned(),
        Some(model) => format!("/models/{}/predict", docs::encode(model)),
    };
    let service = model.filter(|model| !model.is_empty()).unwrap_or_else(|| "dagdeck".to_owned());
    let mut labels = vec![("endpoint", endpoint)];
    labels.extend(code.map(|code| ("http_response_code", code)));
    labels.push(("service_name", service));
    labels.push(("service_version", version.unwrap_or_default()));
    let pair = |(name, value): (&str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value);
        pair
    };
    metric.set_label(labels.into_iter().map(pair).collect());
}
