//! Who is launched next, where more could be than the limits allow.
//!
//! ```text
//! lane (a run's tasks of one pool and width) ─► gate (a pool and a width) ─► the next task
//!      open while the run has room                room is asked when it is chosen from
//! ```
//! The heaviest task goes first. Among DAGs whose heaviest waiting tasks weigh the same, the one
//! with the fewest task instances in flight; among those, the one that has waited longest for a
//! turn. So a DAG with nothing in flight waits for at most one launch of each other DAG of its
//! weight, however many tasks those have. Within a DAG the older run goes first, and of one run
//! the tasks as the graph orders them.
//!
//! A launch costs O(log n) in the number of lanes: only what it changed is looked at again. All
//! gates are looked at, of which there are as many as pools (times the widths in use).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::index::{Lane, Ready};
use crate::types::{DagId, Timestamp};

/// Where lanes of one pool and width wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Gate {
    pub(super) pool: String,
    pub(super) pool_slots: u32,
}

/// Where a DAG stands in a gate; the first in order has the next turn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    priority_weight: Reverse<i64>,
    in_flight: u32,
    /// When it was its turn last.
    turn: u64,
    run_after: Timestamp,
    dag_id: DagId,
}

/// What waits in one gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Waiting {
    /// The first task of each open lane.
    heads: BTreeMap<DagId, BTreeSet<(Ready, Lane)>>,
    ranks: BTreeMap<DagId, Rank>,
    order: BTreeSet<Rank>,
}

/// All that waits for its turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fair {
    gates: BTreeMap<Gate, Waiting>,
    heads: BTreeMap<Lane, Ready>,
    pub(super) turns: Turns,
}

/// Of each DAG, when it was its turn last. Not to be recomputed: after a restart all begin anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turns {
    last: BTreeMap<DagId, u64>,
    count: u64,
}

impl Turns {
    /// Notes that it was a DAG's turn.
    pub(super) fn take(&mut self, dag_id: &DagId) {
        self.count += 1;
        self.last.insert(dag_id.clone(), self.count);
    }

    /// Forgets DAGs that are gone.
    pub(super) fn retain(&mut self, is_known: impl Fn(&DagId) -> bool) {
        self.last.retain(|dag_id, _| is_known(dag_id));
    }
}

impl Fair {
    /// Takes note of the first task of a lane; `None` where it is empty or its run has no room.
    pub(super) fn set_head(&mut self, lane: &Lane, head: Option<Ready>) {
        let gate = Gate { pool: lane.pool.clone(), pool_slots: lane.pool_slots };
        let old = match &head {
            Some(head) => self.heads.insert(lane.clone(), head.clone()),
            None => self.heads.remove(lane),
        };
        if old == head {
            return;
        }
        let waiting = self.gates.entry(gate).or_default();
        let heads = waiting.heads.entry(lane.dag_id.clone()).or_default();
        if let Some(old) = old {
            heads.remove(&(old, lane.clone()));
        }
        if let Some(head) = head {
            heads.insert((head, lane.clone()));
        }
    }

    /// Puts a DAG where it belongs in every gate.
    pub(super) fn rank(&mut self, dag_id: &DagId, in_flight: u32) {
        let turn = self.turns.last.get(dag_id).copied().unwrap_or(0);
        for waiting in self.gates.values_mut() {
            waiting.rank(dag_id, in_flight, turn);
        }
        self.gates.retain(|_, waiting| !waiting.heads.is_empty());
    }

    /// Returns the task whose turn it is, among the gates that have room.
    pub(super) fn next(&self, has_room: impl Fn(&Gate) -> bool) -> Option<&Ready> {
        let open = self.gates.iter().filter(|(gate, _)| has_room(gate));
        let firsts = open.filter_map(|(_, waiting)| {
            let rank = waiting.order.first()?;
            let (ready, _) = waiting.heads.get(&rank.dag_id)?.first()?;
            Some((rank, ready))
        });
        firsts.min().map(|(_, ready)| ready)
    }
}

impl Waiting {
    fn rank(&mut self, dag_id: &DagId, in_flight: u32, turn: u64) {
        let first = self.heads.get(dag_id).map(|heads| heads.first().map(|(ready, _)| ready));
        let rank = first.flatten().map(|ready| Rank {
            priority_weight: ready.priority_weight,
            in_flight,
            turn,
            run_after: ready.run_after,
            dag_id: dag_id.clone(),
        });
        if first == Some(None) {
            self.heads.remove(dag_id);
        }
        let old = match &rank {
            Some(rank) => self.ranks.insert(dag_id.clone(), rank.clone()),
            None => self.ranks.remove(dag_id),
        };
        if old == rank {
            return;
        }
        if let Some(old) = old {
            self.order.remove(&old);
        }
        self.order.extend(rank);
    }
}
