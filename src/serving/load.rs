//! Brings versions into memory: reads, checks what they answer, follows aliases.

use std::sync::Arc;

use serde_json::Value;

use crate::ml::Predictor;
use crate::runtime::promotion::off_thread;
use crate::runtime::serving::SmokeCheck;
use crate::serving::shared::Shared;
use crate::serving::table::Loaded;
use crate::types::Fault;
use crate::types::event::Event;
use crate::types::time::instant;

/// How far a number may be from what was answered after training, in relation to it.
const TOLERANCE: f64 = 1e-6;

/// Loads a version beside what is served and checks it; one that is in memory is checked again.
pub(crate) async fn load(shared: &Shared, model: &str, version: u32) -> Result<SmokeCheck, Fault> {
    let begin = instant();
    let (loaded, is_new) = match shared.table.get().version(model, version) {
        Some(loaded) => (loaded, false),
        None => (read(shared, model, version).await?, true),
    };
    let load_ms = begin.elapsed().as_secs_f64() * 1000.0;
    let check = {
        let loaded = Arc::clone(&loaded);
        off_thread(move || smoke(&loaded)).await?
    };
    if is_new {
        shared.table.change(|table| {
            table.add(loaded);
            Ok(())
        })?;
        shared.publisher.publish(Event::ServingChanged);
    }
    Ok(SmokeCheck { load_ms, ..check })
}

/// Reads a version off the async threads, without serving it.
pub(crate) async fn read(shared: &Shared, model: &str, version: u32) -> Result<Arc<Loaded>, Fault> {
    let (source, name) = (Arc::clone(&shared.source), model.to_owned());
    let read = move || Ok((source.load(&name, version)?, source.profile(&name, version)));
    let (predictor, profile) = off_thread(read).await?;
    Ok(Arc::new(Loaded::new(model, version, predictor, profile.as_ref(), shared.clock.now())))
}

/// Returns the version that an alias stands at, in memory; `None` where there is no such alias.
/// From then on the alias is followed.
pub(crate) async fn by_alias(
    shared: &Shared,
    model: &str,
    alias: &str,
) -> Result<Option<Arc<Loaded>>, Fault> {
    let key = (model.to_owned(), alias.to_owned());
    if let Some(loaded) = shared.table.get().aliases.get(&key) {
        return Ok(Some(Arc::clone(loaded)));
    }
    let _one_at_a_time = shared.resolving.lock().await;
    follow_alias(shared, model, alias).await
}

/// Looks again where the followed aliases stand; a version is loaded before requests go to it.
pub(crate) async fn follow_aliases(shared: &Shared) {
    let followed: Vec<_> = shared.table.get().aliases.keys().cloned().collect();
    for (model, alias) in followed {
        let _one_at_a_time = shared.resolving.lock().await;
        if let Err(fault) = follow_alias(shared, &model, &alias).await {
            tracing::warn!(%fault, model, alias, "the alias was left where it stood");
        }
    }
}

async fn follow_alias(
    shared: &Shared,
    model: &str,
    alias: &str,
) -> Result<Option<Arc<Loaded>>, Fault> {
    let key = (model.to_owned(), alias.to_owned());
    let (source, (name, alias_name)) = (Arc::clone(&shared.source), key.clone());
    let version = off_thread(move || source.by_alias(&name, &alias_name)).await?;
    let table = shared.table.get();
    let before = table.aliases.get(&key).map(|loaded| loaded.version);
    let Some(version) = version else {
        if before.is_some() {
            shared.table.change(|table| {
                table.aliases.remove(&key);
                Ok(())
            })?;
        }
        return Ok(None);
    };
    let loaded = match table.version(model, version) {
        Some(loaded) => loaded,
        None => read(shared, model, version).await?,
    };
    if before != Some(version) {
        shared.table.change(|table| {
            table.aliases.insert(key, Arc::clone(&loaded));
            Ok(())
        })?;
        shared.publisher.publish(Event::ServingChanged);
    }
    Ok(Some(loaded))
}

/// Answers the model's own examples, one at a time.
fn smoke(loaded: &Loaded) -> Result<SmokeCheck, Fault> {
    let begin = instant();
    let examples = loaded.predictor.examples();
    for (i, (record, expected)) in examples.iter().enumerate() {
        let wrong = |what: String| {
            Fault::conflict(format!(
                "check version {} of `{}`: example {i}: {what}",
                loaded.version, loaded.model
            ))
            .hint("the model file is not what was trained; train and register it again")
        };
        let answer = answer_one(&*loaded.predictor, &Value::Object(record.clone()))
            .map_err(|error| wrong(error.to_string()))?;
        if !agree(&answer, expected) {
            return Err(wrong(format!("answers {answer}, but answered {expected} after training")));
        }
    }
    let rows = examples.len();
    let predict_ms = begin.elapsed().as_secs_f64() * 1000.0 / rows.max(1) as f64;
    Ok(SmokeCheck { rows, load_ms: 0.0, predict_ms })
}

fn answer_one(predictor: &dyn Predictor, row: &Value) -> Result<Value, Fault> {
    let answers = predictor
        .predict(std::slice::from_ref(row))
        .map_err(|error| Fault::invalid(error.to_string()))?;
    serde_json::to_value(answers.first()).map_err(|error| Fault::internal(&error))
}

/// Tells whether two answers are the same, numbers within the tolerance.
fn agree(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| agree(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_agree_within_rounding_only() {
        let a = json!({"label": "setosa", "probabilities": {"a": 0.25, "b": [1]}});
        let near = json!({"label": "setosa", "probabilities": {"b": [1.0], "a": 0.250_000_01}});
        let far = json!({"label": "setosa", "probabilities": {"a": 0.2501, "b": [1]}});
        assert!(agree(&a, &near));
        assert!(!agree(&a, &far));
        assert!(!agree(&a, &json!({"label": "virginica"})));
    }
}
