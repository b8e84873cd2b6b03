//! `model.register`, `model.promote`, `model.rollback`.
//!
//! Each may be run again after a crash: a run has one version under a name, an alias that
//! stands where it shall is not moved, and a rollback notes where it leads before it goes.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::DaemonContext;
use super::args::{Args, unfit};
use super::error::OperatorError;
use super::registered::ask;
use super::{learnt, observed};
use crate::runtime::attempt::folder;
use crate::runtime::promotion;
use crate::sched::Outcome;
use crate::tracking::registry::{self, MoveAlias};
use crate::types::event::Event;
use crate::types::io::{DATASETS, DatasetRef, MODELS, Observed, TRACKED};
use crate::types::view::{DatasetName, ModelVersionView};
use crate::types::{TrackingRunId, time};

/// The alias that is meant where none is named.
pub(super) const ALIAS: &str = "production";

/// Registers a run's model as the next version.
pub(super) async fn register(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let run_id = TrackingRunId::from(args.text("run")?);
    let name = args.text("name")?;
    if name.trim().is_empty() {
        return Err(OperatorError::fatal("`name` is empty"));
    }
    let registered = {
        let (name, run_id) = (name.clone(), run_id.clone());
        ask(&context.store, move |store| registry::register(store, &name, &run_id, time::now()))
            .await?
    };
    context.publisher.publish(Event::TrackingChanged);
    context.log.say(&format!("run {run_id} is `{name}` version {}", registered.version));
    tell(context, &run_id, &registered)?;
    Ok(Outcome::output(json!({ "name": name, "version": registered.version, "run_id": run_id })))
}

/// Tells what a version was made of.
fn tell(
    context: &DaemonContext,
    run_id: &TrackingRunId,
    registered: &ModelVersionView,
) -> Result<(), OperatorError> {
    let set = registered.inputs.first().map(|input| input.name.clone()).unwrap_or_default();
    let at = DatasetName { namespace: DATASETS.to_owned(), name: set };
    let version = DatasetRef {
        columns: learnt::features(&registered.inputs, &at),
        ..DatasetRef::new(MODELS, format!("{}/{}", registered.name, registered.version))
    };
    let told = Observed {
        inputs: vec![DatasetRef::new(TRACKED, run_id.as_str())],
        outputs: vec![version],
        ..Observed::default()
    };
    observed::write(&context.order, &told, &context.log)
}

/// Moves an alias to a version; the asset event follows.
pub(super) async fn promote(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let version = args
        .integer_or_none("version")?
        .ok_or_else(|| OperatorError::fatal("`version` is missing"))?;
    let version = u32::try_from(version)
        .map_err(|_| unfit("version", &json!(version), "the number of a version"))?;
    let wish = wish(context, args, version, "promote")?;
    let (name, alias) = (wish.name.clone(), wish.alias.clone());
    let previous = move_alias(context, wish).await?;
    Ok(Outcome::output(json!({
        "name": name, "version": version, "alias": alias, "previous": previous,
    })))
}

/// The note's name in the attempt's folder.
const NOTE: &str = "rollback.json";

/// Where a rollback leads, noted before the first move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct RollbackNote {
    version: u32,
}

/// Moves an alias back to where it stood before.
pub(super) async fn rollback(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let folder = &context.order.folder;
    let mut wish = wish(context, args, 0, "rollback")?;
    let note = match read_note(&folder.join(NOTE)) {
        Some(note) => note,
        None => {
            let (name, alias) = (wish.name.clone(), wish.alias.clone());
            let version =
                ask(&context.store, move |store| registry::rollback_target(store, &name, &alias))
                    .await?;
            let note = RollbackNote { version };
            // Before the move is, the note is on disk: else a second run would go one back more.
            folder::keep(folder, NOTE, &note)
                .map_err(|error| OperatorError::io("note where the rollback leads", &error))?;
            note
        }
    };
    wish.version = note.version;
    let (name, alias) = (wish.name.clone(), wish.alias.clone());
    let previous = move_alias(context, wish).await?;
    Ok(Outcome::output(json!({
        "name": name, "version": note.version, "alias": alias, "previous": previous,
    })))
}

fn read_note(path: &Path) -> Option<RollbackNote> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn wish(
    context: &DaemonContext,
    args: Args<'_>,
    version: u32,
    action: &'static str,
) -> Result<MoveAlias, OperatorError> {
    Ok(MoveAlias {
        name: args.text("name")?,
        alias: args.text_or_none("alias")?.unwrap_or_else(|| ALIAS.to_owned()),
        version,
        expected_current: None,
        user: context.order.user.clone(),
        action,
        reason: None,
        now: time::now(),
    })
}

/// Moves the alias and returns where it stood before; where it stands there already, what the
/// history says of that.
async fn move_alias(
    context: &DaemonContext,
    wish: MoveAlias,
) -> Result<Option<u32>, OperatorError> {
    let (name, alias, version) = (wish.name.clone(), wish.alias.clone(), wish.version);
    let moved =
        promotion::move_alias(&context.store, &context.handle, &context.publisher, wish).await?;
    if let Some(moved) = moved {
        let from = moved.from_version.map_or("nowhere".into(), |v| format!("version {v}"));
        context.log.say(&format!("`{name}@{alias}` moved from {from} to version {version}"));
        return Ok(moved.from_version);
    }
    context.log.say(&format!("`{name}@{alias}` stands at version {version} already"));
    let model = ask(&context.store, move |store| registry::show(store, &name)).await?;
    let last = model
        .history
        .iter()
        .filter(|moved| moved.alias == alias && moved.to_version == Some(version))
        .max_by_key(|moved| moved.id);
    Ok(last.and_then(|moved| moved.from_version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_finds_its_note_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NOTE);
        assert_eq!(read_note(&path), None);
        folder::keep(folder.path(), NOTE, &RollbackNote { version: 2 }).unwrap();
        assert_eq!(read_note(&path), Some(RollbackNote { version: 2 }));
    }
}
