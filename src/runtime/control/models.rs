//! Registered models, and the moves of their aliases.

use crate::runtime::control::experiments::tracked;
use crate::runtime::control::{ControlParts, assets, user};
use crate::runtime::promotion;
use crate::store::{Store, asset};
use crate::tracking::registry::{self, MoveAlias};
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::view::AliasPlan;

/// Answers what concerns models.
pub(super) async fn answer(parts: &ControlParts, request: Request) -> Result<Answer, Fault> {
    match request {
        Request::ListModels => tracked(parts, registry::list).await.map(Answer::Models),
        Request::ShowModel { name } => {
            let model = tracked(parts, move |store| registry::show(store, &name)).await?;
            Ok(Answer::Model(Box::new(model)))
        }
        Request::PlanPromote { name, version, alias } => {
            let plan = move |store: &Store| registry::plan(store, &name, &alias, version);
            let plan = tracked(parts, plan).await?;
            with_started_dags(parts, plan).await
        }
        Request::PlanRollback { name, alias } => {
            let plan = move |store: &Store| {
                let version = registry::rollback_target(store, &name, &alias)?;
                registry::plan(store, &name, &alias, version)
            };
            let plan = tracked(parts, plan).await?;
            with_started_dags(parts, plan).await
        }
        Request::Promote { name, version, alias, expected_current } => {
            let to = Target { name, alias, version };
            move_alias(parts, to, expected_current, "promote").await
        }
        Request::Rollback { name, alias, expected_current } => {
            let (model, of) = (name.clone(), alias.clone());
            let target = move |store: &Store| registry::rollback_target(store, &model, &of);
            let version = tracked(parts, target).await?;
            let to = Target { name, alias, version };
            move_alias(parts, to, expected_current, "rollback").await
        }
        other => Err(Fault::invalid(format!("`{other:?}` is not answered here"))),
    }
}

/// Where an alias is to go.
struct Target {
    name: String,
    alias: String,
    version: u32,
}

async fn move_alias(
    parts: &ControlParts,
    to: Target,
    expected_current: Option<u32>,
    action: &'static str,
) -> Result<Answer, Fault> {
    let Target { name, alias, version } = to;
    let wish = MoveAlias {
        name: name.clone(),
        alias,
        version,
        expected_current: Some(expected_current),
        user: user::name(),
        action,
        now: parts.clock.now(),
    };
    promotion::move_alias(&parts.store, &parts.handle, &parts.publisher, wish).await?;
    let bearer = tracked(parts, move |store| registry::version(store, &name, version)).await?;
    Ok(Answer::ModelVersion(Box::new(bearer)))
}

async fn with_started_dags(parts: &ControlParts, mut plan: AliasPlan) -> Result<Answer, Fault> {
    let queued = parts.read(asset::queued).await?;
    let stands_there = plan.from.as_ref().is_some_and(|from| from.version == plan.to.version);
    if !stands_there {
        let uri = format!("models:/{}@{}", plan.name, plan.alias);
        plan.starts_dags = assets::started_by(&parts.live(), &uri, &queued);
    }
    Ok(Answer::AliasPlan(Box::new(plan)))
}
