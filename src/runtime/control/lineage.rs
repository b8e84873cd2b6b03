//! What came from what: assets, files, tables, data sets, DAGs, models and the endpoints that
//! serve them. One graph of what definitions say and of what was seen.
//!
//! ```text
//! declared: inlets, outlets, schedules, aliases ─┐
//! seen: what attempts read and wrote             ├─► Graph ─► around one node ─► view
//! told: links of jobs elsewhere                 ─┘
//! ```

use crate::runtime::control::ControlParts;
use crate::runtime::control::assets::{self, Summary};
use crate::runtime::control::freshness::{Judge, Known, Runs};
use crate::runtime::engine::Live;
use crate::runtime::promotion::off_thread;
use crate::store;
use crate::tracking::registry;
use crate::tracking::standing::{self, StandingVersion};
use crate::types::ask::{Answer, LineageReach};
use crate::types::lineage::SeenDataset;
use crate::types::serving::ServedVersion;
use crate::types::view::{DatasetName, LineageKind, ModelView};
use crate::types::{AssetName, Fault, Timestamp};

mod declared;
mod find;
mod graph;
mod places;
mod reach;
mod seen;

pub(super) use declared::deploys;
use graph::Graph;
use places::Places;

/// Links that are looked at, those that were seen last.
const LINKS_MAX: u32 = 20_000;

/// Returns all of it, or what lies around one node.
pub(super) async fn show(
    parts: &ControlParts,
    of: Option<String>,
    reach: LineageReach,
) -> Result<Answer, Fault> {
    let graph = all(parts, &parts.live()).await?;
    let id = of.map(|wanted| graph.find(&wanted)).transpose()?;
    Ok(Answer::Lineage(graph.view(id.map(|id| (id, reach)))))
}

/// Counts the assets that are made of one.
pub(super) async fn downstream_assets(
    parts: &ControlParts,
    name: &AssetName,
) -> Result<usize, Fault> {
    let graph = all(parts, &parts.live()).await?;
    let id = LineageKind::Asset.id(name.as_str());
    let found = graph.around(&id, LineageReach { up: Some(0), ..LineageReach::default() });
    let is_asset =
        |id: &&String| graph.nodes.get(*id).is_some_and(|node| node.kind == LineageKind::Asset);
    Ok(found.hops.keys().filter(is_asset).count().saturating_sub(1))
}

async fn all(parts: &ControlParts, live: &Live) -> Result<Graph, Fault> {
    let facts = facts(parts, live).await?;
    let places = Places::new(&live.deck, parts.layout.project(), &facts.assets);
    let mut graph = Graph::default();
    graph.add_nodes(live, &facts);
    graph.add_datasets(live, &facts, &places);
    for dag in live.deck.dags.values() {
        graph.add_dag(dag, &facts);
    }
    graph.add_links(&facts.links, &places);
    graph.add_versions(&facts);
    graph.add_endpoints(live, &facts);
    graph.judge_assets(live, &facts);
    Ok(graph)
}

/// What the lineage is drawn from, beside the definitions.
struct Facts {
    summary: Summary,
    /// Every asset with its URI.
    assets: Vec<(AssetName, String)>,
    runs: Runs,
    models: Vec<ModelView>,
    versions: Vec<StandingVersion>,
    served: Vec<ServedVersion>,
    links: Vec<SeenDataset>,
    /// Where each data set to learn from lies.
    datasets: Vec<(String, DatasetName)>,
    now: Timestamp,
}

impl Facts {
    fn dataset_at(&self, name: &str) -> Option<&DatasetName> {
        self.datasets.iter().find(|(of, _)| of == name).map(|(_, at)| at)
    }
}

async fn facts(parts: &ControlParts, live: &Live) -> Result<Facts, Fault> {
    let (summary, runs) = assets::happened(parts, live).await?;
    let store = parts.store.clone();
    let models = off_thread(move || registry::list(&store).map_err(Fault::from)).await?;
    // A model server that does not answer serves nothing.
    let served = parts.serving.status().await.map(|status| status.versions).unwrap_or_default();
    let serving: Vec<(String, u32)> = served.iter().map(|s| (s.model.clone(), s.version)).collect();
    let read = move |conn: &rusqlite::Connection| {
        Ok((store::lineage::links(conn, LINKS_MAX)?, standing::list(conn, &serving)?))
    };
    let (links, versions) = parts.read(read).await?;
    let (assets, now) = (assets::known(&live.deck, &summary), parts.clock.now());
    let datasets = datasets(live, parts.layout.project());
    Ok(Facts { summary, assets, runs, models, versions, served, links, datasets, now })
}

fn datasets(live: &Live, project: &std::path::Path) -> Vec<(String, DatasetName)> {
    use crate::connection::dataset::of_file;
    use crate::dag::spec::AssetUri;
    let at = |uri: &AssetUri| match uri {
        AssetUri::File(path) => Some(of_file(&project.join(path))),
        AssetUri::Connection { .. } | AssetUri::Model { .. } | AssetUri::Other(_) => None,
    };
    let specs = live.deck.datasets.values();
    specs.filter_map(|spec| Some((spec.name.clone(), at(&spec.uri)?))).collect()
}

impl Graph {
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
}

#[cfg(test)]
mod tests;
