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
use crate::runtime::places::Places;
use crate::runtime::promotion::off_thread;
use crate::store;
use crate::tracking::registry;
use crate::tracking::standing::{self, StandingVersion};
use crate::types::ask::{Answer, LineageReach};
use crate::types::lineage::SeenDataset;
use crate::types::serving::ServedVersion;
use crate::types::view::{DatasetName, LineageKind, ModelView};
use crate::types::{AssetName, Fault, Timestamp};

mod columns;
mod declared;
mod find;
mod graph;
mod reach;
mod seen;
mod trace;

use columns::Columns;
pub(super) use declared::deploys;
use graph::Graph;
use trace::Ground;

/// Links that are looked at, those that were seen last.
const LINKS_MAX: u32 = 20_000;

/// Returns all of it, or what lies around one node.
pub(super) async fn show(
    parts: &ControlParts,
    of: Option<String>,
    reach: LineageReach,
) -> Result<Answer, Fault> {
    let (graph, ..) = known(parts).await?;
    let id = of.map(|wanted| graph.find(&wanted)).transpose()?;
    Ok(Answer::Lineage(graph.view(id.map(|id| (id, reach)))))
}

/// Returns the columns of a node, and where each comes from. `NAME.COLUMN` is taken for one column
/// where there is no such node.
pub(super) async fn list_columns(
    parts: &ControlParts,
    of: String,
    column: Option<String>,
) -> Result<Answer, Fault> {
    let (graph, facts, places) = known(parts).await?;
    let (id, column) = match (graph.find(&of), of.rsplit_once('.')) {
        (Err(unknown), Some((name, last))) if column.is_none() => {
            (graph.find(name).map_err(|_| unknown)?, Some(last.to_owned()))
        }
        (found, _) => (found?, column),
    };
    let node = graph.nodes.get(id).ok_or_else(|| Fault::not_found("it is gone"))?;
    let columns = Columns::new(&facts.links, &places);
    columns.of(node, column.as_deref()).map(Answer::Columns)
}

/// Walks from a node both ways, run by run.
pub(super) async fn trace_from(parts: &ControlParts, of: String) -> Result<Answer, Fault> {
    let (graph, facts, places) = known(parts).await?;
    let id = graph.find(&of)?;
    let node = graph.nodes.get(id).ok_or_else(|| Fault::not_found("it is gone"))?.clone();
    let ground = Ground { places, served: facts.served };
    let trace = parts.read(move |conn| trace::trace(conn, &ground, &node)).await?;
    Ok(Answer::Trace(Box::new(trace)))
}

/// Counts the assets that are made of one.
pub(super) async fn downstream_assets(
    parts: &ControlParts,
    name: &AssetName,
) -> Result<usize, Fault> {
    let (graph, ..) = known(parts).await?;
    let id = LineageKind::Asset.id(name.as_str());
    let found = graph.around(&id, LineageReach { up: Some(0), ..LineageReach::default() });
    let is_asset =
        |id: &&String| graph.nodes.get(*id).is_some_and(|node| node.kind == LineageKind::Asset);
    Ok(found.hops.keys().filter(is_asset).count().saturating_sub(1))
}

/// Returns the whole graph, with what it was made of.
async fn known(parts: &ControlParts) -> Result<(Graph, Facts, Places), Fault> {
    let live = &*parts.live();
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
    Ok((graph, facts, places))
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
        let mut judge = Judge::new(Known::of(live, assets, (summary, runs), *now));
        for node in self.nodes.values_mut().filter(|node| node.kind == LineageKind::Asset) {
            node.freshness = Some(judge.freshness(&AssetName::new(node.name.as_str())));
        }
    }
}

#[cfg(test)]
mod tests;
