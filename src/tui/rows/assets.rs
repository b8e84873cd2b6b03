//! Assets as a tree by the `/` in their names, and what the panes beside it are about.

use crate::screen::assets::{impact, tree};
use crate::state::lineage::AssetPane;
use crate::state::{Level, Screen, Slot, State};
use crate::types::AssetName;
use crate::types::ask::LineageReach;
use crate::types::freshness::{AssetEventView, AssetWhy, Freshness};
use crate::types::view::{AssetView, LineageNode, LineageView};

/// With more assets than these, groups are closed until somebody opens them.
const OPEN_MAX: usize = 40;
/// Nodes that are drawn at most; the nearest are kept.
const NODES_MAX: u32 = 60;
/// Lines of an impact list at most.
const IMPACT_MAX: u32 = 1000;

/// A row of the tree.
#[derive(Debug)]
pub(crate) enum AssetRow<'a> {
    Group {
        /// With the `/` at its end.
        path: String,
        name: String,
        depth: usize,
        assets: usize,
        stale: usize,
        is_open: bool,
    },
    Asset {
        asset: &'a AssetView,
        /// The name below the group.
        name: &'a str,
        depth: usize,
    },
}

impl<'a> AssetRow<'a> {
    /// Returns the asset, where it is one.
    pub(crate) const fn asset(&self) -> Option<&'a AssetView> {
        match self {
            Self::Group { .. } => None,
            Self::Asset { asset, .. } => Some(asset),
        }
    }

    /// Returns what the selection is kept by.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Group { path, .. } => path.clone(),
            Self::Asset { asset, .. } => asset.name.to_string(),
        }
    }
}

/// Returns what an asset is found by.
pub(crate) fn words(asset: &AssetView) -> String {
    let mut words = format!("{} {} {}", asset.name, asset.uri, freshness_word(asset.freshness));
    for producer in &asset.producers {
        words.push_str(&format!(" by:{}", producer.dag_id));
    }
    for dag_id in &asset.scheduled_dags {
        words.push_str(&format!(" starts:{dag_id}"));
    }
    if asset.watch {
        words.push_str(" watched");
    }
    words
}

/// Returns the word of a state.
pub(crate) const fn freshness_word(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Fresh => "fresh",
        Freshness::Never => "never",
        Freshness::Stale => "stale",
    }
}

/// Returns the rows: the tree, or, where an order was chosen, all assets in it under their whole
/// names. An order within each group alone would not tell which of all is the oldest.
pub(crate) fn tree<'a>(state: &'a State, level: &Level) -> Vec<AssetRow<'a>> {
    let all = state.cache.assets().unwrap_or_default();
    let mut all: Vec<&AssetView> = all
        .iter()
        .filter(|asset| !level.attention_only || asset.freshness != Freshness::Fresh)
        .collect();
    all.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    let flat =
        all.iter().map(|asset| AssetRow::Asset { asset, name: asset.name.as_str(), depth: 0 });
    let list = tree::list();
    let flat: Vec<AssetRow<'a>> = list.arrange(state, level, flat);
    if list.is_sorted(state) {
        return flat;
    }
    let assets: Vec<&AssetView> = flat.iter().filter_map(AssetRow::asset).collect();
    let is_open = !level.filter.is_empty() || assets.len() <= OPEN_MAX;
    let mut rows = Vec::with_capacity(assets.len());
    grow(&assets, 0, 0, &|path| is_open != level.toggled.contains(path), &mut rows);
    rows
}

/// Adds the rows of assets that share the first `skip` bytes of their names.
fn grow<'a>(
    assets: &[&'a AssetView],
    skip: usize,
    depth: usize,
    opens: &dyn Fn(&str) -> bool,
    rows: &mut Vec<AssetRow<'a>>,
) {
    let head = |asset: &AssetView| asset.name.as_str()[skip..].find('/').map(|at| skip + at + 1);
    let mut left = assets;
    while let Some(first) = left.first() {
        let name = first.name.as_str();
        let group = head(first).map(|end| &name[..end]);
        let len = group.map_or(1, |path| {
            left.iter().take_while(|asset| asset.name.as_str().starts_with(path)).count()
        });
        let (members, rest) = left.split_at(len);
        left = rest;
        match group.filter(|path| members.len() > 1 && path.len() < name.len()) {
            Some(path) => {
                let is_open = opens(path);
                rows.push(AssetRow::Group {
                    path: path.to_owned(),
                    name: path[skip..].trim_end_matches('/').to_owned(),
                    depth,
                    assets: members.len(),
                    stale: members.iter().filter(|a| a.freshness == Freshness::Stale).count(),
                    is_open,
                });
                if is_open {
                    grow(members, path.len(), depth + 1, opens, rows);
                }
            }
            None => rows.extend(members.iter().map(|asset| AssetRow::Asset {
                asset,
                name: &asset.name.as_str()[skip..],
                depth,
            })),
        }
    }
}

/// Returns the selected row of the tree.
pub(crate) fn selected<'a>(state: &'a State, level: &Level) -> Option<AssetRow<'a>> {
    let rows = tree(state, level);
    let keys: Vec<String> = rows.iter().map(AssetRow::key).collect();
    rows.into_iter().nth(level.cursor(&keys))
}

/// Returns an asset by its name.
pub(crate) fn find<'a>(state: &'a State, name: &AssetName) -> Option<&'a AssetView> {
    state.cache.assets()?.iter().find(|asset| asset.name == *name)
}

/// Returns the asset that the level is about, whatever is selected in its lineage.
fn own<'a>(state: &'a State, level: &Level) -> Option<&'a AssetView> {
    match &level.screen {
        Screen::Asset(name) | Screen::AssetWhy(name) | Screen::Impact(name) => find(state, name),
        _ => match selected(state, level)? {
            AssetRow::Asset { asset, .. } => Some(asset),
            AssetRow::Group { .. } => None,
        },
    }
}

/// Returns the asset that keys and details are about: in the lineage the selected node.
pub(crate) fn shown(state: &State) -> Option<&AssetView> {
    let level = state.level();
    match node(state) {
        Some(node) if level.lineage.pane != AssetPane::Tree => {
            let name = node.id.strip_prefix("asset:")?;
            find(state, &AssetName::new(name))
        }
        _ => own(state, level),
    }
}

/// Says whether the selection is a node of the lineage: its pane, or what stands beside it.
pub(crate) fn is_in_lineage(state: &State) -> bool {
    let level = state.level();
    let has_panes = matches!(level.screen, Screen::Root(_) | Screen::Asset(_));
    has_panes && level.lineage.pane != AssetPane::Tree
}

/// Returns the id of the node in the middle of the lineage.
pub(crate) fn focus(state: &State, level: &Level) -> Option<String> {
    let own = || own(state, level).map(|asset| format!("asset:{}", asset.name));
    level.lineage.focus.clone().or_else(own)
}

/// Returns what the lineage pane is drawn from.
pub(crate) fn lineage_slot(state: &State) -> Option<Slot> {
    let level = state.level();
    let hops = Some(level.lineage.hops);
    let reach = LineageReach { up: hops, down: hops, limit: Some(NODES_MAX) };
    Some(Slot::Lineage(focus(state, level)?, reach))
}

/// Returns what the list of what is made of an asset is drawn from.
pub(crate) fn impact_slot(name: &AssetName) -> Slot {
    let reach = LineageReach { up: Some(0), down: None, limit: Some(IMPACT_MAX) };
    Slot::Lineage(format!("asset:{name}"), reach)
}

/// Returns the lineage that is drawn.
pub(crate) fn lineage(state: &State) -> Option<&LineageView> {
    state.cache.lineage(&lineage_slot(state)?)
}

/// Returns the selected node: where the cursor is, else the middle.
pub(crate) fn node(state: &State) -> Option<&LineageNode> {
    let level = state.level();
    let lineage = lineage(state)?;
    let at = |id: &String| lineage.nodes.iter().find(|node| node.id == *id);
    let cursor = level.lineage.cursor.as_ref().and_then(at);
    cursor.or_else(|| at(&focus(state, level)?))
}

/// Returns all that is made of an asset.
pub(crate) fn impact_all<'a>(
    state: &'a State,
    name: &AssetName,
) -> impl Iterator<Item = &'a LineageNode> {
    let lineage = state.cache.lineage(&impact_slot(name));
    let nodes = lineage.map(|lineage| lineage.nodes.as_slice()).unwrap_or_default();
    nodes.iter().filter(|node| node.hop > 0)
}

/// Returns the nodes that are made of an asset as they are shown, by themselves the nearest first.
pub(crate) fn impact<'a>(
    state: &'a State,
    level: &Level,
    name: &AssetName,
) -> Vec<&'a LineageNode> {
    let mut nodes: Vec<&LineageNode> = impact_all(state, name).collect();
    nodes.sort_by_key(|node| node.hop);
    impact::list(name).arrange(state, level, nodes)
}

/// Returns the events of the shown asset.
pub(crate) fn events(state: &State) -> Option<&[AssetEventView]> {
    state.cache.asset_events(Some(&shown(state)?.name))
}

/// Returns the selected event.
pub(crate) fn event(state: &State) -> Option<&AssetEventView> {
    let events = events(state)?;
    events.get(state.level().lineage.event.min(events.len().saturating_sub(1)))
}

/// Returns why the shown asset is old, where it is.
pub(crate) fn why(state: &State) -> Option<&AssetWhy> {
    state.cache.asset_why(&shown(state)?.name)
}
