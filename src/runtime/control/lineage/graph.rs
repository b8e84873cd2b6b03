//! The graph itself: nodes by their ids, and for each pair of them how it is known that data flows.

use std::collections::{BTreeMap, BTreeSet};

use super::reach::{self, Reached};
use crate::types::Timestamp;
use crate::types::ask::LineageReach;
use crate::types::view::{LineageEdge, LineageKind, LineageNode, LineageView, LinkStanding};

/// An answer holds no more nodes than these, whoever asks for how many.
pub(super) const NODES_MAX: u32 = 5_000;
/// So many tasks of an edge are named.
const BY_MAX: usize = 8;

/// Why there is an edge.
#[derive(Debug, Clone, Default)]
pub(super) struct Reason {
    /// An inlet or an outlet says so.
    pub(super) is_declared: bool,
    /// Its task would tell if it did so.
    pub(super) is_told: bool,
    /// It needs no declaration.
    pub(super) is_known: bool,
    pub(super) seen: Option<Timestamp>,
    pub(super) by: BTreeSet<String>,
}

impl Reason {
    /// It needs no declaration.
    pub(super) fn known() -> Self {
        Self { is_known: true, ..Self::default() }
    }

    /// A task declares it.
    pub(super) fn declared(task: &str, is_told: bool) -> Self {
        Self {
            is_declared: true,
            is_told,
            by: BTreeSet::from([task.to_owned()]),
            ..Self::default()
        }
    }

    /// Somebody did so.
    pub(super) fn seen(by: String, at: Timestamp) -> Self {
        Self { seen: Some(at), by: BTreeSet::from([by]), ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        self.is_declared |= other.is_declared;
        self.is_told |= other.is_told;
        self.is_known |= other.is_known;
        self.seen = self.seen.max(other.seen);
        self.by.extend(other.by);
    }

    fn standing(&self) -> LinkStanding {
        match (self.is_declared, self.seen.is_some()) {
            (true, true) => LinkStanding::Both,
            _ if self.is_known => LinkStanding::Known,
            (true, false) if self.is_told => LinkStanding::Declared,
            (true, false) => LinkStanding::Untold,
            (false, true) => LinkStanding::Seen,
            (false, false) => LinkStanding::Known,
        }
    }
}

/// From one node to another.
pub(super) type Edges = BTreeMap<(String, String), Reason>;

#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: BTreeMap<String, LineageNode>,
    pub(super) edges: Edges,
}

impl Graph {
    /// Adds a node unless it is there; returns its id.
    pub(super) fn add(&mut self, kind: LineageKind, name: &str, last: Option<Timestamp>) -> String {
        self.add_as(kind, name, name, last)
    }

    /// As `add`, of a node that is shown under another name than it is found by.
    pub(super) fn add_as(
        &mut self,
        kind: LineageKind,
        name: &str,
        shown: &str,
        last: Option<Timestamp>,
    ) -> String {
        let id = kind.id(name);
        let node = self.nodes.entry(id.clone()).or_insert_with(|| LineageNode {
            id: id.clone(),
            kind,
            name: shown.to_owned(),
            last: None,
            state: None,
            freshness: None,
            is_paused: false,
            hop: 0,
            hidden: (0, 0),
            datasets: Vec::new(),
            note: String::new(),
        });
        node.last = node.last.max(last);
        id
    }

    /// Adds a reason why data flows.
    pub(super) fn link(&mut self, from: &str, to: &str, reason: Reason) {
        self.edges.entry((from.to_owned(), to.to_owned())).or_default().add(reason);
    }

    /// Returns what leads to a node and what it leads to.
    pub(super) fn around(&self, id: &str, reach: LineageReach) -> Reached {
        let limit = reach.limit.unwrap_or(NODES_MAX).min(NODES_MAX);
        reach::around(&self.edges, id, LineageReach { limit: Some(limit), ..reach })
    }

    /// Returns the nodes around one, or, without one, all that an answer holds, and the edges
    /// between them. DAGs that no data flows through are left out.
    pub(super) fn view(&self, around: Option<(&str, LineageReach)>) -> LineageView {
        let tied: BTreeSet<&String> = self.edges.keys().flat_map(|(from, to)| [from, to]).collect();
        let is_tied = |node: &&LineageNode| {
            !matches!(node.kind, LineageKind::Dag | LineageKind::Job) || tied.contains(&node.id)
        };
        let total = self.nodes.values().filter(is_tied).count();
        let reached = around.map(|(id, reach)| self.around(id, reach));
        let shown = self.nodes.values().filter(is_tied).filter_map(|node| match &reached {
            None => Some(node.clone()),
            Some(reached) => reached.hops.get(&node.id).map(|hop| LineageNode {
                hop: *hop,
                hidden: reached.hidden.get(&node.id).copied().unwrap_or_default(),
                ..node.clone()
            }),
        });
        let nodes: Vec<LineageNode> = shown.take(NODES_MAX as usize).collect();
        let ids: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
        let is_shown = |id: &String| ids.contains(id.as_str());
        let edges = self.edges.iter().filter(|((from, to), _)| is_shown(from) && is_shown(to));
        let edges = edges.map(|((from, to), reason)| LineageEdge {
            from: from.clone(),
            to: to.clone(),
            standing: reason.standing(),
            last_seen: reason.seen,
            by: reason.by.iter().take(BY_MAX).cloned().collect(),
        });
        let edges = edges.collect();
        LineageView { edges, nodes, total, focus: around.map(|(id, _)| id.to_owned()) }
    }
}

#[cfg(test)]
mod tests;
