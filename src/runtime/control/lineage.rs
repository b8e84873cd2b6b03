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
use crate::runtime::control::{ControlParts, find};
use crate::runtime::engine::Live;
use crate::runtime::promotion::off_thread;
use crate::store::{asset, dag_run};
use crate::tracking::registry;
use crate::types::ask::Answer;
use crate::types::serving::ServedVersion;
use crate::types::view::{LineageKind, LineageNode, LineageView, ModelView, RecentRun};
use crate::types::{AssetName, DagId, Fault, Timestamp};

/// Returns all of it, or what is connected with one asset.
pub(super) async fn show(parts: &ControlParts, wanted: Option<AssetName>) -> Result<Answer, Fault> {
    let live = parts.live();
    let facts = facts(parts, &live).await?;
    let mut lineage = Lineage::default();
    lineage.add_nodes(&live, &facts);
    for dag in live.deck.dags.values() {
        lineage.add_dag(dag, &facts);
    }
    lineage.add_endpoints(&live, &facts);
    match wanted {
        None => Ok(Answer::Lineage(lineage.view(|_| true))),
        Some(name) => {
            let id = id_of(&LineageKind::Asset, name.as_str());
            if !lineage.nodes.contains_key(&id) {
                return Err(find::no_asset(&live, &name));
            }
            let connected = lineage.connected(&id);
            Ok(Answer::Lineage(lineage.view(|id| connected.contains(id))))
        }
    }
}

/// What the lineage is drawn from, beside the definitions.
struct Facts {
    summary: Summary,
    /// Every asset with its URI.
    assets: Vec<(AssetName, String)>,
    last_runs: BTreeMap<DagId, Vec<RecentRun>>,
    models: Vec<ModelView>,
    served: Vec<ServedVersion>,
}

async fn facts(parts: &ControlParts, live: &Live) -> Result<Facts, Fault> {
    let dag_ids: Vec<DagId> = live.deck.dags.keys().cloned().collect();
    let read = move |conn: &rusqlite::Connection| {
        Ok((asset::summary(conn)?, dag_run::recent(conn, &dag_ids, 1)?))
    };
    let (summary, last_runs) = parts.read(read).await?;
    let store = parts.store.clone();
    let models = off_thread(move || registry::list(&store).map_err(Fault::from)).await?;
    // A model server that does not answer serves nothing.
    let served = parts.serving.status().await.map(|status| status.versions).unwrap_or_default();
    Ok(Facts { assets: assets::known(live, &summary), summary, last_runs, models, served })
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
            let last_run = facts.last_runs.get(dag_id).and_then(|runs| runs.last());
            if let (Some(run), Some(node)) = (last_run, self.nodes.get_mut(&id)) {
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
        });
        id
    }

    /// Returns what leads to a node, what it leads to, and the node.
    fn connected(&self, id: &str) -> BTreeSet<String> {
        let mut connected = self.reached(id, |(from, to)| (from, to));
        connected.extend(self.reached(id, |(from, to)| (to, from)));
        connected
    }

    fn reached<'a>(
        &'a self,
        id: &str,
        direct: impl Fn(&'a (String, String)) -> (&'a String, &'a String),
    ) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([id.to_owned()]);
        let mut open = vec![id.to_owned()];
        while let Some(at) = open.pop() {
            for edge in &self.edges {
                let (from, to) = direct(edge);
                if *from == at && reached.insert(to.clone()) {
                    open.push(to.clone());
                }
            }
        }
        reached
    }

    /// Returns the nodes that are wanted, and the edges between them. DAGs that no data flows
    /// through are left out.
    fn view(self, wanted: impl Fn(&str) -> bool) -> LineageView {
        let edges: Vec<(String, String)> =
            self.edges.into_iter().filter(|(from, to)| wanted(from) && wanted(to)).collect();
        let tied: BTreeSet<&String> = edges.iter().flat_map(|(from, to)| [from, to]).collect();
        let nodes = self
            .nodes
            .into_values()
            .filter(|node| wanted(&node.id))
            .filter(|node| node.kind != LineageKind::Dag || tied.contains(&node.id))
            .collect();
        LineageView { nodes, edges }
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
fn deploys(task: &TaskSpec, model: &str) -> bool {
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
