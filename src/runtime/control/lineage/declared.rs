//! What definitions and registries say of what comes from what, before anything has run.
//!
//! ```text
//! asset ─inlet, schedule─► dag ─outlet─► asset
//! dag ─model.register, model.promote─► model ─alias─► asset models:/NAME@ALIAS ─► dag ─► endpoint
//! ```

use super::Facts;
use super::graph::{Graph, Reason};
use crate::dag::operator::Operator;
use crate::dag::schedule::{AssetRef, matches_pattern};
use crate::dag::{Dag, TaskSpec};
use crate::runtime::control::{assets, find};
use crate::runtime::engine::Live;
use crate::runtime::places::Places;
use crate::types::AssetName;
use crate::types::io::DATASETS;
use crate::types::view::{DatasetName, LineageKind};

impl Graph {
    pub(super) fn add_nodes(&mut self, live: &Live, facts: &Facts) {
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
            let from =
                self.add(LineageKind::Model, &model.name, Some(model.last_updated_timestamp));
            for (name, uri) in &facts.assets {
                if model_of(uri).is_some_and(|(of, _)| of == model.name) {
                    self.link(&from, &LineageKind::Asset.id(name.as_str()), Reason::known());
                }
            }
        }
    }

    /// Adds the data sets to learn from, each with the file that it is.
    pub(super) fn add_datasets(&mut self, live: &Live, facts: &Facts, places: &Places) {
        for spec in live.deck.datasets.values() {
            let dataset = self.add(LineageKind::Dataset, &spec.name, None);
            let Some(at) = facts.dataset_at(&spec.name) else { continue };
            if let Some(node) = self.nodes.get_mut(&dataset) {
                let own = DatasetName { namespace: DATASETS.into(), name: spec.name.clone() };
                node.datasets.extend([own, at.clone()]);
            }
            if let Some(file) = self.add_place(places, &at.namespace, &at.name, None) {
                self.link(&file, &dataset, Reason::known());
            }
        }
    }

    /// Draws what a definition says.
    pub(super) fn add_dag(&mut self, dag: &Dag, facts: &Facts) {
        let dag_node = LineageKind::Dag.id(dag.dag_id.as_str());
        for task in dag.tasks.values() {
            let task_id = task.task_id.as_str();
            for inlet in &task.inlets {
                let inlet = self.add(LineageKind::Asset, inlet.as_str(), None);
                let reason = Reason::declared(task_id, tells_what_it_reads(task.operator));
                self.link(&inlet, &dag_node, reason);
            }
            for outlet in &task.outlets {
                // What an outlet tells of is seen, whatever the task does.
                let outlet = self.add(LineageKind::Asset, outlet.as_str(), None);
                self.link(&dag_node, &outlet, Reason::declared(task_id, true));
            }
            if let Some(dataset) = dataset_of(task) {
                let dataset = self.add(LineageKind::Dataset, dataset, None);
                self.link(&dataset, &dag_node, Reason::declared(task_id, true));
            }
            for target in self.targets(task, facts) {
                self.link(&dag_node, &target, Reason::known());
            }
        }
        let leaves = assets::expression(dag).map(|e| e.leaves()).unwrap_or_default();
        for leaf in leaves {
            for asset in self.assets_of(leaf, facts) {
                self.link(&asset, &dag_node, Reason::known());
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
            .map(|(name, _)| LineageKind::Asset.id(name.as_str()))
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
            .map(|model| LineageKind::Model.id(&model.name))
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
            is_target.then(|| LineageKind::Asset.id(asset.as_str()))
        }));
        if before == 0 && targets.is_empty() {
            targets.push(self.add(LineageKind::Asset, &format!("models:/{name}@{alias}"), None));
        }
        targets
    }

    /// Adds the versions of models that matter now.
    pub(super) fn add_versions(&mut self, facts: &Facts) {
        for version in &facts.versions {
            let model = self.add(LineageKind::Model, &version.name, None);
            let (name, number) = (&version.name, version.version);
            let made = Some(version.creation_timestamp);
            let shown = format!("{name} v{number}");
            let id = self.add_as(LineageKind::Version, &format!("{name}/{number}"), &shown, made);
            let aliases = version.aliases.iter().map(|alias| format!("@{alias}"));
            let mut words: Vec<String> = aliases.collect();
            self.link(&id, &model, Reason::known());
            if let Some(run) = &version.trained_by {
                // Shown by way of the version, the model needs no edge of its own.
                let dag = self.add(LineageKind::Dag, run.dag_id.as_str(), None);
                self.edges.remove(&(dag.clone(), model));
                self.link(&dag, &id, Reason::known());
            }
            let served = facts.served.iter().find(|s| s.model == *name && s.version == number);
            if let Some(served) = served {
                let endpoint = self.add(LineageKind::Endpoint, name, Some(served.loaded_at));
                if served.weight > 0 {
                    words.push(format!("serves {} %", served.weight));
                    self.link(&id, &endpoint, Reason::known());
                }
            }
            if let Some(node) = self.nodes.get_mut(&id) {
                node.note = words.join(", ");
            }
        }
    }

    /// Adds the models that are served, and the DAGs that deploy them.
    pub(super) fn add_endpoints(&mut self, live: &Live, facts: &Facts) {
        for version in &facts.served {
            let endpoint = self.add(LineageKind::Endpoint, &version.model, Some(version.loaded_at));
            let mut is_deployed = false;
            for dag in live.deck.dags.values() {
                for task in dag.tasks.values().filter(|task| deploys(task, &version.model)) {
                    is_deployed = true;
                    let dag = LineageKind::Dag.id(dag.dag_id.as_str());
                    let reason =
                        Reason { is_known: true, ..Reason::declared(task.task_id.as_str(), true) };
                    self.link(&dag, &endpoint, reason);
                }
            }
            if !is_deployed {
                let model = self.add(LineageKind::Model, &version.model, None);
                self.link(&model, &endpoint, Reason::known());
            }
        }
    }
}

/// Says whether an operator that reads an asset would tell so.
const fn tells_what_it_reads(operator: Operator) -> bool {
    operator.observes() && !matches!(operator, Operator::ModelRegister | Operator::ServingDeploy)
}

/// Returns the data set that a task names without a template.
fn dataset_of(task: &TaskSpec) -> Option<&str> {
    let is_about = matches!(task.operator, Operator::MlTrain | Operator::DatasetValidate);
    let named = task.args.get("dataset")?.as_str()?;
    Some(named).filter(|named| is_about && !named.contains("{{"))
}

/// Takes `models:/NAME@ALIAS` apart.
fn model_of(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix("models:/")?.split_once('@')
}

/// Says whether a task puts a model on the server.
pub(in crate::runtime::control) fn deploys(task: &TaskSpec, model: &str) -> bool {
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
