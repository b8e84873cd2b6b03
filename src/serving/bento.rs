//! What BentoML's clients ask before they call: the routes, each with the arguments it takes.

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
