//! The chain from a file to an answer, walked both ways by the runs that did so: not what may come
//! of what, but what did.
//!
//! ```text
//! data ─attempt read─► run ─attempt wrote─► data, version ─deployed─► endpoint
//!                       └─told of an asset─► event ─started─► run
//! ```

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::runtime::places::Places;
use crate::store::{StoreError, dag_run};
use crate::types::AssetName;
use crate::types::io::DatasetRef;
use crate::types::run::DagRunKey;
use crate::types::serving::ServedVersion;
use crate::types::view::{DatasetName, LineageKind, LineageNode, TraceStep, TraceView};

mod downstream;
mod steps;
mod upstream;

/// Steps of an answer in each direction.
const STEPS_MAX: usize = 300;
/// Steps from what was asked about to the farthest.
const DEPTH_MAX: u32 = 24;
/// Runs that are told of where many did the same: the last ones.
const RUNS_MAX: usize = 8;
/// Attempts and events that are looked at to find them.
const LOOKED_AT: u32 = 200;
/// Characters of a digest that people compare.
const DIGEST_LEN: usize = 12;

/// What is walked through.
pub(super) struct Ground {
    pub(super) places: Places,
    pub(super) served: Vec<ServedVersion>,
}

/// Walks from a node both ways.
pub(super) fn trace(
    conn: &Connection,
    ground: &Ground,
    node: &LineageNode,
) -> Result<TraceView, StoreError> {
    let mut up = Walk::new(conn, ground, node);
    up.upstream_of(node)?;
    let mut down = Walk::new(conn, ground, node);
    down.downstream_of(node)?;
    Ok(TraceView {
        id: node.id.clone(),
        kind: node.kind,
        name: node.name.clone(),
        is_cut: up.is_cut || down.is_cut,
        upstream: up.steps,
        downstream: down.steps,
    })
}

struct Walk<'a> {
    conn: &'a Connection,
    ground: &'a Ground,
    steps: Vec<TraceStep>,
    runs: BTreeSet<(String, String)>,
    nodes: BTreeSet<String>,
    is_cut: bool,
}

impl<'a> Walk<'a> {
    fn new(conn: &'a Connection, ground: &'a Ground, node: &LineageNode) -> Self {
        let nodes = BTreeSet::from([node.id.clone()]);
        Self { conn, ground, steps: Vec::new(), runs: BTreeSet::new(), nodes, is_cut: false }
    }

    fn upstream_of(&mut self, node: &LineageNode) -> Result<(), StoreError> {
        match node.kind {
            LineageKind::Endpoint => self.versions_of(&node.name, true),
            LineageKind::Model => self.versions_of(&node.name, false),
            LineageKind::Version => self.made_version(&node.id, 1),
            LineageKind::Dag => {
                for run in self.last_runs(&node.name)? {
                    self.run_upstream(&run, 1)?;
                }
                Ok(())
            }
            _ => self.writers(node),
        }
    }

    fn downstream_of(&mut self, node: &LineageNode) -> Result<(), StoreError> {
        match node.kind {
            LineageKind::Endpoint => Ok(()),
            LineageKind::Model => {
                for version in self.versions(&node.name)? {
                    self.version_step(&version.name, version.version, 1, true)?;
                }
                Ok(())
            }
            LineageKind::Version => self.used_version(&node.id, 1),
            LineageKind::Dag => {
                for run in self.last_runs(&node.name)? {
                    self.run_downstream(&run, 1)?;
                }
                Ok(())
            }
            _ => {
                for at in &node.datasets {
                    self.readers(at, None, 1)?;
                }
                match node.kind {
                    LineageKind::Asset => self.started_by_all(&AssetName::new(&*node.name), 1),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Adds a step, unless there are enough.
    fn push(&mut self, step: TraceStep) -> bool {
        let has_room = self.steps.len() < STEPS_MAX && step.depth <= DEPTH_MAX;
        if has_room {
            self.steps.push(step);
        }
        self.is_cut |= !has_room;
        has_room
    }

    fn last_runs(&self, dag_id: &str) -> Result<Vec<DagRunKey>, StoreError> {
        let dag_id = crate::types::DagId::new(dag_id);
        let runs = dag_run::recent(self.conn, std::slice::from_ref(&dag_id), 3)?.remove(&dag_id);
        let key = |run: crate::types::view::RecentRun| DagRunKey {
            dag_id: dag_id.clone(),
            dag_run_id: run.dag_run_id,
        };
        Ok(runs.unwrap_or_default().into_iter().rev().map(key).collect())
    }
}

fn run_of(task: &crate::types::TaskInstanceKey) -> DagRunKey {
    DagRunKey { dag_id: task.dag_id.clone(), dag_run_id: task.dag_run_id.clone() }
}

fn name_of(data: &DatasetRef) -> DatasetName {
    DatasetName { namespace: data.namespace.clone(), name: data.name.clone() }
}

/// Takes `NAME/VERSION` apart.
fn version_of(name: &str) -> Option<(&str, u32)> {
    let (name, version) = name.rsplit_once('/')?;
    Some((name, version.parse().ok()?))
}

fn short(digest: &str) -> String {
    digest.chars().take(DIGEST_LEN).collect()
}
