//! What people say of models and versions.

use rusqlite::Connection;

use crate::runtime::control::{ControlParts, user};
use crate::store::StoreError;
use crate::tracking::registry::{record, version};
use crate::types::ask::{Answer, ModelChange};
use crate::types::event::Event;
use crate::types::{Fault, Timestamp};

/// Changes a model, or one of its versions.
pub(super) async fn change(
    parts: &ControlParts,
    name: String,
    of: Option<u32>,
    change: ModelChange,
) -> Result<Answer, Fault> {
    let (now, user) = (parts.clock.now(), user::name());
    parts
        .store
        .write(move |tx| match of {
            Some(version) => change_version(tx, (&name, version), &change, &user, now),
            None => change_model(tx, &name, &change, &user, now),
        })
        .await?;
    parts.publisher.publish(Event::TrackingChanged);
    Ok(Answer::Done)
}

fn change_model(
    tx: &Connection,
    name: &str,
    change: &ModelChange,
    user: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        ModelChange::Describe { description } => {
            record::describe(tx, name, Some(description), now).map(drop)
        }
        ModelChange::SetTag { key, value } => record::set_tag(tx, name, key, value),
        ModelChange::DeleteTag { key } => record::delete_tag(tx, name, key),
        ModelChange::DeleteAlias { alias } => {
            let taken = version::delete_alias(tx, (name, alias), user, now)?;
            let text = format!("no version of model `{name}` bears the alias `{alias}`");
            taken.map(drop).ok_or_else(|| Fault::not_found(text).into())
        }
        ModelChange::Rename { new_name } => record::rename(tx, name, new_name, now).map(drop),
        ModelChange::Delete => record::delete(tx, name),
        ModelChange::SetStage { .. } => Err(Fault::invalid("a stage is of a version").into()),
    }
}

fn change_version(
    tx: &Connection,
    of: (&str, u32),
    change: &ModelChange,
    user: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        ModelChange::Describe { description } => {
            version::describe(tx, of, Some(description), now).map(drop)
        }
        ModelChange::SetTag { key, value } => version::set_tag(tx, of, key, value),
        ModelChange::DeleteTag { key } => version::delete_tag(tx, of, key),
        ModelChange::SetStage { stage, archive_existing } => {
            version::transition_stage(tx, of, stage, *archive_existing, now).map(drop)
        }
        ModelChange::Delete => version::delete(tx, of, user, now),
        ModelChange::DeleteAlias { .. } | ModelChange::Rename { .. } => {
            Err(Fault::invalid("aliases and names are a model's, not a version's").into())
        }
    }
}
