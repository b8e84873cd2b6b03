//! Finds the version that is to answer.

use std::sync::Arc;

use hyper::HeaderMap;

use crate::serving::load;
use crate::serving::refusal::Refusal;
use crate::serving::route::Target;
use crate::serving::shared::Shared;
use crate::serving::sticky;
use crate::serving::table::{Loaded, Table};
use crate::types::FaultKind;

/// Returns the version that a target means now.
pub(crate) async fn resolve(
    shared: &Shared,
    target: &Target,
    headers: &HeaderMap,
) -> Result<Arc<Loaded>, Refusal> {
    let pick = |table: &Table, model: &str| {
        table.pick(model, |sticky| sticky::value(sticky, headers, &shared.guard))
    };
    let table = shared.table.get();
    match target {
        Target::Default => by_default(shared, &table, pick),
        Target::Named(name) if table.models.contains_key(name) => {
            pick(&table, name).ok_or_else(|| {
                Refusal::unavailable(format!("no version of `{name}` takes requests yet"))
            })
        }
        Target::Named(name) => match name.rsplit_once('@') {
            Some((model, alias)) => by_alias(shared, &table, model, alias).await,
            None => Err(unknown_model(&table, name)),
        },
        Target::Version(model, version) => match table.version(model, *version) {
            Some(loaded) => Ok(loaded),
            None if table.models.contains_key(model) => {
                let loaded: Vec<String> = table
                    .all()
                    .filter(|(loaded, _)| loaded.model == *model)
                    .map(|(loaded, _)| loaded.version.to_string())
                    .collect();
                Err(Refusal::not_found(format!(
                    "version {version} of `{model}` is not served (served: {})",
                    if loaded.is_empty() { "none".to_owned() } else { loaded.join(", ") }
                )))
            }
            None => Err(unknown_model(&table, model)),
        },
    }
}

fn by_default(
    shared: &Shared,
    table: &Table,
    pick: impl FnOnce(&Table, &str) -> Option<Arc<Loaded>>,
) -> Result<Arc<Loaded>, Refusal> {
    let Some(model) = shared.default_model(table) else {
        return Err(Refusal::unavailable(
            "no model is loaded; promote one, and `model_serving_pipeline` deploys it",
        ));
    };
    pick(table, model)
        .ok_or_else(|| Refusal::unavailable(format!("the default model `{model}` is not loaded")))
}

async fn by_alias(
    shared: &Shared,
    table: &Table,
    model: &str,
    alias: &str,
) -> Result<Arc<Loaded>, Refusal> {
    match load::by_alias(shared, model, alias).await {
        Ok(Some(loaded)) => Ok(loaded),
        Ok(None) if table.models.contains_key(model) => {
            Err(Refusal::not_found(format!("`{model}` has no alias `{alias}`")))
        }
        Ok(None) => Err(unknown_model(table, model)),
        Err(fault) if fault.kind == FaultKind::NotFound => Err(unknown_model(table, model)),
        Err(fault) => {
            tracing::error!(%fault, model, alias, "an alias could not be followed");
            Err(Refusal::unavailable(format!("`{model}@{alias}` cannot be loaded: {fault}")))
        }
    }
}

fn unknown_model(table: &Table, name: &str) -> Refusal {
    let names: Vec<&str> = table.models.keys().map(String::as_str).collect();
    if names.is_empty() {
        return Refusal::not_found(format!("no model `{name}` is served; none is"));
    }
    let near = names
        .iter()
        .map(|known| (strsim::jaro_winkler(known, name), *known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let meant = near.map(|(_, known)| format!(" (did you mean `{known}`?)")).unwrap_or_default();
    Refusal::not_found(format!("no model `{name}` is served{meant}; served: {}", names.join(", ")))
}
