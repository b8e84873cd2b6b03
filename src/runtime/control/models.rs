//! Registered models, and the moves of their aliases.

use serde_json::Value;

use crate::dag::TaskSpec;
use crate::runtime::control::experiments::tracked;
use crate::runtime::control::{ControlParts, assets, gates, lineage, user};
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
            let mut model = tracked(parts, move |store| registry::show(store, &name)).await?;
            model.versions = gates::add(parts, model.versions).await?;
            let served = parts.serving.status().await.map(|status| status.versions);
            for served in served.unwrap_or_default().iter().filter(|s| s.model == model.model.name)
            {
                let version = model.versions.iter_mut().find(|v| v.version == served.version);
                if let Some(version) = version {
                    version.serves = Some(served.weight);
                }
            }
            Ok(Answer::Model(Box::new(model)))
        }
        Request::PlanPromote { name, version, alias } => {
            let plan = move |store: &Store| registry::plan(store, &name, &alias, version);
            let plan = tracked(parts, plan).await?;
            with_consequences(parts, plan).await
        }
        Request::PlanRollback { name, alias } => {
            let plan = move |store: &Store| {
                let version = registry::rollback_target(store, &name, &alias)?;
                registry::plan(store, &name, &alias, version)
            };
            let plan = tracked(parts, plan).await?;
            with_consequences(parts, plan).await
        }
        Request::Promote { name, version, alias, expected_current, reason } => {
            let to = Target { name, alias, version, reason: said(reason) };
            require_reason(parts, &to).await?;
            move_alias(parts, to, Some(expected_current), "promote").await
        }
        Request::Rollback { name, alias, expected_current, reason } => {
            let (model, of) = (name.clone(), alias.clone());
            let target = move |store: &Store| registry::rollback_target(store, &model, &of);
            let version = tracked(parts, target).await?;
            let to = Target { name, alias, version, reason: said(reason) };
            move_alias(parts, to, Some(expected_current), "rollback").await
        }
        other => Err(Fault::invalid(format!("`{other:?}` is not answered here"))),
    }
}

/// Points an alias at a version wherever it stands, as the other doors of the registry do.
pub(super) async fn point(
    parts: &ControlParts,
    name: String,
    alias: String,
    version: u32,
) -> Result<(), Fault> {
    let to = Target { name, alias, version, reason: None };
    require_reason(parts, &to).await?;
    move_alias(parts, to, None, "promote").await.map(drop)
}

/// Where an alias is to go.
struct Target {
    name: String,
    alias: String,
    version: u32,
    reason: Option<String>,
}

/// Takes blanks for nothing said.
fn said(reason: Option<String>) -> Option<String> {
    reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty())
}

/// Refuses a version that a gate found wanting, unless somebody says why it is to go all the same.
async fn require_reason(parts: &ControlParts, to: &Target) -> Result<(), Fault> {
    if to.reason.is_some() {
        return Ok(());
    }
    let (name, version) = (to.name.clone(), to.version);
    let found = tracked(parts, move |store| registry::version(store, &name, version)).await?;
    let found = gates::add(parts, vec![found]).await?;
    let gates = found.iter().flat_map(|version| &version.gates);
    let failed: Vec<String> = gates
        .filter(|gate| !gate.passed)
        .map(|gate| format!("`{}`: {}", gate.task_id, gate.reason))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let text = format!("v{version} of `{}` failed a gate: {}", to.name, failed.join("; "));
    Err(Fault::conflict(text).hint("say why it is to go all the same: `--reason`"))
}

async fn move_alias(
    parts: &ControlParts,
    to: Target,
    expected_current: Option<Option<u32>>,
    action: &'static str,
) -> Result<Answer, Fault> {
    let Target { name, alias, version, reason } = to;
    let wish = MoveAlias {
        name: name.clone(),
        alias,
        version,
        expected_current,
        user: user::name(),
        action,
        reason,
        now: parts.clock.now(),
    };
    promotion::move_alias(&parts.store, &parts.handle, &parts.publisher, wish).await?;
    let bearer = tracked(parts, move |store| registry::version(store, &name, version)).await?;
    Ok(Answer::ModelVersion(Box::new(bearer)))
}

/// Adds what the gates found, what starts, and what becomes of the requests.
async fn with_consequences(parts: &ControlParts, mut plan: AliasPlan) -> Result<Answer, Fault> {
    let queued = parts.read(asset::queued).await?;
    let stands_there = plan.from.as_ref().is_some_and(|from| from.version == plan.to.version);
    if !stands_there {
        let uri = format!("models:/{}@{}", plan.name, plan.alias);
        plan.starts_dags = assets::started_by(&parts.live(), &uri, &queued);
        plan.traffic = traffic(parts, &plan).await;
    }
    let mut judged = vec![plan.to];
    judged.extend(plan.from);
    let mut judged = gates::add(parts, judged).await?.into_iter();
    plan.to = judged.next().ok_or_else(|| Fault::not_found("the version is gone"))?;
    plan.from = judged.next();
    Ok(Answer::AliasPlan(Box::new(plan)))
}

/// Says what becomes of the requests: who deploys it and how, or that what serves goes on.
async fn traffic(parts: &ControlParts, plan: &AliasPlan) -> Vec<String> {
    let live = parts.live();
    let mut lines = Vec::new();
    for dag_id in &plan.starts_dags {
        let tasks = live.deck.dags.get(dag_id).into_iter().flat_map(|dag| dag.tasks.values());
        let deploying = tasks.filter(|task| lineage::deploys(task, &plan.name));
        lines.extend(
            deploying.map(|task| format!("{dag_id} deploys v{}: {}", plan.to.version, steps(task))),
        );
    }
    if !lines.is_empty() {
        return lines;
    }
    let served = parts.serving.status().await.map(|status| status.versions).unwrap_or_default();
    let served: Vec<String> = served
        .iter()
        .filter(|served| served.model == plan.name && served.weight > 0)
        .map(|served| format!("v{} {} %", served.version, served.weight))
        .collect();
    vec![match served.as_slice() {
        [] => "nothing deploys it: no requests are answered by it".to_owned(),
        served => format!("nothing deploys it: requests go on to {}", served.join(", ")),
    }]
}

/// Tells a strategy as it is written: `10 %, 50 %, 100 % of the requests, 2s each`.
fn steps(task: &TaskSpec) -> String {
    let strategy = task.args.get("strategy").and_then(Value::as_object);
    let canary = strategy.and_then(|strategy| strategy.get("canary")).and_then(Value::as_array);
    let Some(percents) = canary else { return "all requests at once".to_owned() };
    let percents: Vec<String> = percents.iter().map(|percent| format!("{percent} %")).collect();
    let mut text = format!("{} of the requests", percents.join(", "));
    let step = strategy.and_then(|strategy| strategy.get("step")).and_then(Value::as_str);
    if let Some(step) = step {
        text.push_str(&format!(", {step} each"));
    }
    let back = strategy.and_then(|strategy| strategy.get("rollback_if")).and_then(Value::as_object);
    let back: Vec<String> = back
        .into_iter()
        .flatten()
        .map(|(figure, bound)| format!("{figure} {}", bound.as_str().unwrap_or_default()))
        .collect();
    if !back.is_empty() {
        text.push_str(&format!("; back if {}", back.join(" or ")));
    }
    text
}
