//! What the Open Inference Protocol has beside predictions: what there is, whether it is ready,
//! its figures, and the repository.
//!
//! Loading and unloading change what is served: they want the deck's token, as the API does.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::ml::Predictor;
use crate::serving::protocol::infer;
use crate::serving::refusal::Refusal;
use crate::serving::resolve::resolve;
use crate::serving::route::{OipRoute, Target};
use crate::serving::shared::Shared;
use crate::serving::table::{Loaded, Table};
use crate::serving::{load, orders};
use crate::types::{Fault, FaultKind};

/// The alias whose version `load` puts into service.
const PRODUCTION: &str = "production";

/// Answers all that reads; those that change something are answered by [`change`].
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    route: &OipRoute,
) -> Result<Option<Value>, Refusal> {
    let table = shared.table.get();
    Ok(Some(match route {
        OipRoute::Server => json!({
            "name": "dagdeck",
            "version": env!("CARGO_PKG_VERSION"),
            "extensions": ["binary_tensor_data", "model_repository", "statistics"],
        }),
        // The protocol's health is told by the status alone.
        OipRoute::Live => return Ok(None),
        OipRoute::Ready => match table.has_traffic() {
            true => return Ok(None),
            false => return Err(Refusal::unavailable("no model is loaded yet")),
        },
        OipRoute::Model(target) => described(&table, &*look(shared, target).await?),
        OipRoute::ModelReady(target) => {
            look(shared, target).await?;
            return Ok(None);
        }
        OipRoute::Stats(None) => {
            let all: Vec<Value> = table.all().map(|(loaded, _)| figures(&loaded)).collect();
            json!({"model_stats": all})
        }
        OipRoute::Stats(Some(target)) => {
            let loaded = look(shared, target).await?;
            let of_model = table.all().filter(|(other, _)| match target {
                Target::Version(..) => Arc::ptr_eq(other, &loaded),
                Target::Default | Target::Named(_) => other.model == loaded.model,
            });
            let all: Vec<Value> = of_model.map(|(loaded, _)| figures(&loaded)).collect();
            json!({"model_stats": all})
        }
        OipRoute::Index => index(&table),
        OipRoute::Load(model) => {
            put_in(shared, model).await?;
            return Ok(None);
        }
        OipRoute::Unload(model) => {
            take_out(shared, model).await?;
            return Ok(None);
        }
    }))
}

/// Finds a version as a request for it would, without counting as one: of a model by the
/// traffic, the version with the greatest share.
async fn look(shared: &Arc<Shared>, target: &Target) -> Result<Arc<Loaded>, Refusal> {
    if let Target::Named(model) = target
        && let Some(main) = shared.table.get().main_version(model)
    {
        return Ok(main);
    }
    resolve(shared, target, &HeaderMap::new()).await
}

fn described(table: &Table, loaded: &Loaded) -> Value {
    let signature = loaded.predictor.signature();
    let versions: Vec<String> = table
        .all()
        .filter(|(other, _)| other.model == loaded.model)
        .map(|(other, _)| other.version.to_string())
        .collect();
    let inputs: Vec<Value> = signature
        .inputs
        .iter()
        .map(|column| {
            let datatype = infer::datatype(column.data_type);
            json!({"name": column.name, "datatype": datatype, "shape": [-1]})
        })
        .collect();
    json!({
        "name": loaded.model,
        "versions": versions,
        "platform": format!("dagdeck_{}", loaded.predictor.kind()),
        "inputs": inputs,
        "outputs": outputs(&*loaded.predictor),
    })
}

fn outputs(predictor: &dyn Predictor) -> Value {
    let classes = predictor.classes();
    if classes.is_empty() {
        return json!([{"name": infer::VALUE, "datatype": "FP64", "shape": [-1]}]);
    }
    // What the numbers stand for; the protocol's parameters are no lists.
    let names = Value::from(classes.to_vec()).to_string();
    json!([
        {"name": infer::LABEL, "datatype": "BYTES", "shape": [-1]},
        {
            "name": infer::PROBABILITIES, "datatype": "FP64", "shape": [-1, classes.len()],
            "parameters": {"classes": names},
        },
    ])
}

/// Writes figures of a version in the words of the extension `statistics`.
fn figures(loaded: &Loaded) -> Value {
    let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let (requests, errors) = (of(&loaded.requests_total), of(&loaded.errors_total));
    let answered = requests.saturating_sub(errors);
    let ns = of(&loaded.took_us_total).saturating_mul(1000);
    let none = json!({"count": 0, "ns": 0});
    let spent = json!({"count": answered, "ns": ns});
    json!({
        "name": loaded.model,
        "version": loaded.version.to_string(),
        "last_inference": of(&loaded.last_ms),
        "inference_count": of(&loaded.rows_total),
        "execution_count": answered,
        "inference_stats": {
            "success": spent,
            "fail": {"count": errors, "ns": 0},
            "queue": none,
            "compute_input": none,
            "compute_infer": spent,
            "compute_output": none,
            "cache_hit": none,
            "cache_miss": none,
        },
        "batch_stats": [],
        "memory_usage": [],
    })
}

fn index(table: &Table) -> Value {
    let entries: Vec<Value> = table
        .all()
        .map(|(loaded, weight)| {
            let (state, reason) = match weight {
                0 => ("READY", "takes requests by version or alias only"),
                _ => ("READY", ""),
            };
            let version = loaded.version.to_string();
            json!({"name": loaded.model, "version": version, "state": state, "reason": reason})
        })
        .collect();
    Value::from(entries)
}

/// Puts the version at `@production` into service, with all of its model's traffic.
async fn put_in(shared: &Arc<Shared>, model: &str) -> Result<(), Refusal> {
    let loaded = load::by_alias(shared, model, PRODUCTION).await.map_err(|fault| said(&fault))?;
    let Some(loaded) = loaded else {
        return Err(Refusal::bad_request(format!(
            "`{model}` has no alias `{PRODUCTION}`; promote a version first"
        )));
    };
    let version = loaded.version;
    load::load(shared, model, version).await.map_err(|fault| said(&fault))?;
    orders::set_traffic(shared, model, vec![(version, 100)]).await.map_err(|fault| said(&fault))
}

async fn take_out(shared: &Arc<Shared>, model: &str) -> Result<(), Refusal> {
    if !shared.table.get().models.contains_key(model) {
        return Err(Refusal::bad_request(format!("no model `{model}` is loaded")));
    }
    orders::take_out(shared, model).await.map_err(|fault| said(&fault))
}

/// A model that cannot be loaded is the caller's matter: clients repeat what ends with a 5xx.
fn said(fault: &Fault) -> Refusal {
    match fault.kind {
        FaultKind::Internal | FaultKind::Busy => Refusal::unavailable(fault.to_string()),
        _ => Refusal::new(StatusCode::BAD_REQUEST, fault.to_string()),
    }
}
