//! What came from what: assets, DAGs, models and the endpoints that serve them.
//!
//! ```text
//! asset ─inlet, schedule─► dag ─outlet─► asset
//! dag ─model.register, model.promote─► model ─alias─► asset models:/NAME@ALIAS ─► dag ─► endpoint
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::dag::operator::Operator;
use crate::dag::schedule::{AssetRef, matches_pattern};
use crate::dag::{Dag, TaskSpec};
use crate::runtime::control::assets::{self, Summary};
use crate::runtime::control::freshness::{Judge, Known, Runs};
use crate::runtime::control::{ControlParts, find};
use crate::runtime::engine::Live;
use crate::runtime::promotion::off_thread;
use crate::tracking::registry;
use crate::types::ask::{Answer, LineageReach};
use crate::types::serving::ServedVersion;
use crate::types::view::{LineageKind, LineageNode, LineageView, ModelView};
use crate::types::{AssetName, Fault, Timestamp};

mod reach;

/// Returns all of it, or what lies around one asset or one node.
pub(super) async fn show(
    parts: &ControlParts,
    asset: Option<AssetName>,
    node: Option<String>,
    reach: LineageReach,
) -> Result<Answer, Fault> {
    let live = parts.live();
    let lineage = all(parts, &live).await?;
    let id = match (&asset, node) {
        (Some(name), _) => id_of(&LineageKind::Asset, name.as_str()),
        (None, Some(node)) => node,
        (None, None) => return Ok(Answer::Lineage(lineage.view(None))),
    };
    if !lineage.nodes.contains_key(&id) {
        return Err(match asset {
            Some(name) => find::no_asset(&live, &name),
            None => Fault::not_found(format!("there is no `{id}` in the lineage"))
                .hint("`dagdeck assets lineage -o json` shows the ids that there are"),
        });
    }
    let around = reach::around(&lineage.edges, &id, reach);
    Ok(Answer::Lineage(lineage.view(Some(&around))))
}

/// Counts the assets that are made of one.
pub(super) async fn downstream_assets(
    parts: &ControlParts,
    name: &AssetName,
) -> Result<usize, Fault> {
    let lineage = all(parts, &parts.live()).await?;
    let id = id_of(&LineageKind::Asset, name.as_str());
    let reach = LineageReach { up: Some(0), ..LineageReach::default() };
    let found = reach::around(&lineage.edges, &id, reach);
    let is_asset =
        |id: &&String| lineage.nodes.get(*id).is_some_and(|node| node.kind == LineageKind::Asset);
    Ok(found.keys().filter(is_asset).count().saturating_sub(1))
}

async fn all(parts: &ControlParts, live: &Live) -> Result<Lineage, Fault> {
    let facts = facts(parts, live).await?;
    let mut lineage = Lineage::default();
    lineage.add_nodes(live, &facts);
    for dag in live.deck.dags.values() {
        lineage.add_dag(dag, &facts);
    }
    lineage.add_endpoints(live, &facts);
    lineage.judge_assets(live, &facts);
    Ok(lineage)
}

/// What the lineage is drawn from, beside the definitions.
struct Facts {
    summary: Summary,
    /// Every asset with its URI.
    assets: Vec<(AssetName, String)>,
    runs: Runs,
    models: Vec<ModelView>,
    served: Vec<ServedVersion>,
    now: Timestamp,
}

async fn facts(parts: &ControlParts, live: &Live) -> Result<Facts, Fault> {
    let (summary, runs) = assets::happened(parts, live).await?;
    let store = parts.store.clone();
    let models = off_thread(move || registry::list(&store).map_err(Fault::from)).await?;
    // A model server that does not answer serves nothing.
    let served = parts.serving.status().await.map(|status| status.versions).unwrap_or_default();
    let (assets, now) = (assets::known(&live.deck, &summary), parts.clock.now());
    Ok(Facts { assets, summary, runs, models, served, now })
}

#[derive(Default)]
struct Lineage {
    nodes: BTreeMap<String, LineageNode>,
    edges: BTreeSet<(String, String)>,
}

impl Lineage {
    fn add_nodes(&mut self, live: &Live, facts: &Facts) {
        for (name, _) in &facts.assets {
            let last = facts.summary.get(name).map(|(event, _)| event.timestamp);
            self.add(LineageKind::Asset, name.as_str(), last);
        }
        for dag_id in live.deck.dags.keys() {
            let id = self.add(LineageKind::Dag, dag_id.as_str(), None);
            let last_run = facts.runs.get(dag_id).and_then(|runs| runs.last());
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            node.is_paused = find::dag_state(live, dag_id).is_some_and(|state| state.is_paused);
            if let Some(run) = last_run {
                node.last = Some(run.start_date.unwrap_or(run.run_after));
                node.state = Some(run.state);
            }
        }
        for model in &facts.models {
            self.add(LineageKind::Model, &model.name, Some(model.last_updated_timestamp));
            for (name, uri) in &facts.assets {
                if model_of(uri).is_some_and(|(of, _)| of == model.name) {
                    let from = id_of(&LineageKind::Model, &model.name);
                    self.edges.insert((from, id_of(&LineageKind::Asset, name.as_str())));
                }
            }
        }
    }

    /// Draws what a definition says.
    fn add_dag(&mut self, dag: &Dag, facts: &Facts) {
        let dag_node = id_of(&LineageKind::Dag, dag.dag_id.as_str());
        for task in dag.tasks.values() {
            for inlet in &task.inlets {
                let inlet = self.add(LineageKind::Asset, inlet.as_str(), None);
                self.edges.insert((inlet, dag_node.clone()));
            }
            for outlet in &task.outlets {
                let outlet = self.add(LineageKind::Asset, outlet.as_str(), None);
                self.edges.insert((dag_node.clone(), outlet));
            }
            for target in self.targets(task, facts) {
                self.edges.insert((dag_node.clone(), target));
            }
        }
        let leaves = assets::expression(dag).map(|e| e.leaves()).unwrap_or_default();
        for leaf in leaves {
            for asset in self.assets_of(leaf, facts) {
                self.edges.insert((asset, dag_node.clone()));
            }
        }
    }

    /// Returns the assets that a schedule waits for; a pattern that none fits yet stands for
    /// itself.
    fn assets_of(&mut self, leaf: &AssetRef, facts: &Facts) -> Vec<String> {
        let fits = |(name, uri): &&(AssetName, String)| leaf.matches(name, uri);
        let found: Vec<String> = facts
            .assets
            .iter()
            .filter(fits)
            .map(|(name, _)| id_of(&LineageKind::Asset, name.as_str()))
            .collect();
        match leaf {
            _ if !found.is_empty() => found,
            AssetRef::Name(name) => vec![self.add(LineageKind::Asset, name.as_str(), None)],
            AssetRef::UriPattern(pattern) => vec![self.add(LineageKind::Asset, pattern, None)],
        }
    }

    /// Returns what a task of the registry makes: models, and assets of models that are not
    /// registered yet.
    fn targets(&mut self, task: &TaskSpec, facts: &Facts) -> Vec<String> {
        let moves_alias = match task.operator {
            Operator::ModelPromote | Operator::ModelRollback => true,
            Operator::ModelRegister => false,
            _ => return Vec::new(),
        };
        let name = pattern_of(task, "name").unwrap_or_else(|| "*".to_owned());
        let mut targets: Vec<String> = facts
            .models
            .iter()
            .filter(|model| matches_pattern(&name, &model.name))
            .map(|model| id_of(&LineageKind::Model, &model.name))
            .collect();
        if !moves_alias {
            return targets;
        }
        let alias = pattern_of(task, "alias").unwrap_or_else(|| "production".to_owned());
        let is_registered = |model: &str| facts.models.iter().any(|m| m.name == model);
        let before = targets.len();
        targets.extend(facts.assets.iter().filter_map(|(asset, uri)| {
            let (model, of) = model_of(uri)?;
            let is_target = matches_pattern(&name, model)
                && matches_pattern(&alias, of)
                && !is_registered(model);
            is_target.then(|| id_of(&LineageKind::Asset, asset.as_str()))
        }));
        if before == 0 && targets.is_empty() {
            targets.push(self.add(LineageKind::Asset, &format!("models:/{name}@{alias}"), None));
        }
        targets
    }

    /// Adds the models that are served, and the DAGs that deploy them.
    fn add_endpoints(&mut self, live: &Live, facts: &Facts) {
        for version in &facts.served {
            let endpoint = self.add(LineageKind::Endpoint, &version.model, None);
            if let Some(node) = self.nodes.get_mut(&endpoint) {
                node.last = node.last.max(Some(version.loaded_at));
            }
            let mut deployers = Vec::new();
            for dag in live.deck.dags.values() {
                if dag.tasks.values().any(|task| deploys(task, &version.model)) {
                    deployers.push(id_of(&LineageKind::Dag, dag.dag_id.as_str()));
                }
            }
            if deployers.is_empty() {
                deployers.push(self.add(LineageKind::Model, &version.model, None));
            }
            self.edges.extend(deployers.into_iter().map(|from| (from, endpoint.clone())));
        }
    }

    /// Adds a node unless it is there; returns its id.
    fn add(&mut self, kind: LineageKind, name: &str, last: Option<Timestamp>) -> String {
        let id = id_of(&kind, name);
        self.nodes.entry(id.clone()).or_insert_with(|| LineageNode {
            id: id.clone(),
            kind,
            name: name.to_owned(),
            last,
            state: None,
            freshness: None,
            is_paused: false,
            hop: 0,
            hidden: (0, 0),
        });
        id
    }

    fn judge_assets(&mut self, live: &Live, facts: &Facts) {
        let Facts { assets, summary, runs, now, .. } = facts;
        let mut judge = Judge::new(Known {
            deck: &live.deck,
            dag_states: &live.dag_states,
            assets,
            summary,
            runs,
            now: *now,
        });
        for node in self.nodes.values_mut().filter(|node| node.kind == LineageKind::Asset) {
            node.freshness = Some(judge.freshness(&AssetName::new(node.name.as_str())));
        }
    }

    /// Returns the nodes that are wanted, all without a choice, and the edges between them. DAGs
    /// that no data flows through are left out.
    fn view(self, wanted: Option<&BTreeMap<String, i32>>) -> LineageView {
        let is_wanted = |id: &str| wanted.is_none_or(|wanted| wanted.contains_key(id));
        let all: BTreeSet<&String> = self.edges.iter().flat_map(|(from, to)| [from, to]).collect();
        let is_tied = |node: &LineageNode| node.kind != LineageKind::Dag || all.contains(&node.id);
        let total = self.nodes.values().filter(|node| is_tied(node)).count();
        let mut nodes: Vec<LineageNode> = self
            .nodes
            .values()
            .filter(|node| is_wanted(&node.id) && is_tied(node))
            .cloned()
            .collect();
        if let Some(wanted) = wanted {
            for node in &mut nodes {
                node.hop = wanted.get(&node.id).copied().unwrap_or(0);
                node.hidden = reach::hidden(&self.edges, &node.id, is_wanted);
            }
        }
        let edges: Vec<(String, String)> = self
            .edges
            .iter()
            .filter(|(from, to)| is_wanted(from) && is_wanted(to))
            .cloned()
            .collect();
        LineageView { nodes, edges, total }
    }
}

fn id_of(kind: &LineageKind, name: &str) -> String {
    let kind = match kind {
        LineageKind::Asset => "asset",
        LineageKind::Dag => "dag",
        LineageKind::Model => "model",
        LineageKind::Endpoint => "endpoint",
    };
    format!("{kind}:{name}")
}

/// Takes `models:/NAME@ALIAS` apart.
fn model_of(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix("models:/")?.split_once('@')
}

/// Says whether a task puts a model on the server.
pub(super) fn deploys(task: &TaskSpec, model: &str) -> bool {
    if task.operator != Operator::ServingDeploy {
        return false;
    }
    let Some(pattern) = pattern_of(task, "model") else { return true };
    let named = pattern.strip_prefix("models:/").unwrap_or(&pattern);
    let named = named.split(['@', '/']).next().unwrap_or(named);
    matches_pattern(named, model)
}

/// Returns an argument with `*` for each template in it.
fn pattern_of(task: &TaskSpec, key: &str) -> Option<String> {
    let mut rest = task.args.get(key)?.as_str()?;
    let mut pattern = String::new();
    while let Some((before, inside)) = rest.split_once("{{") {
        pattern.push_str(before);
        pattern.push('*');
        rest = inside.split_once("}}").map_or("", |(_, after)| after);
    }
    pattern.push_str(rest);
    Some(pattern)
}

#[cfg(test)]
mod tests;
