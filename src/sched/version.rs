//! The versions of a DAG: each definition that differs from the last one gets the next number.
//! A run keeps the version it began with; what a definition names beyond its DAG (connections,
//! data sets, pools, variables, the model server) is always the deck's that is in force.

use std::sync::Arc;

use crate::change::DagVersion;
use crate::dag::Dag;
use crate::decision::{About, Decision};
use crate::state::LatestVersion;
use crate::types::event::Severity;

impl Decision<'_> {
    /// Returns the number of a definition of the deck in force, and takes note of it where it is
    /// a new version.
    pub(super) fn version_number(&mut self, dag: &Arc<Dag>) -> u32 {
        let latest = self.state.dag_versions.get(&dag.dag_id);
        if let Some(latest) = latest.filter(|latest| latest.dag_version == dag.version) {
            return latest.version_number;
        }
        let version_number = latest.map_or(0, |latest| latest.version_number) + 1;
        let noted = LatestVersion { version_number, dag_version: dag.version.clone() };
        self.state.dag_versions.insert(dag.dag_id.clone(), noted);
        let version = DagVersion { version_number, created_at: self.now, dag: dag.clone() };
        self.draft.insert_dag_version(version);
        if version_number > 1 {
            let about = About(Some(&dag.dag_id), None, None);
            let message = format!("version {version_number} of `{}` is in force", dag.dag_id);
            self.log(Severity::Info, "dag.version", about, None, message);
        }
        version_number
    }
}
