//! The steps themselves, each told once.

use super::{Walk, short};
use crate::store::{StoreError, dag_run};
use crate::tracking::standing;
use crate::types::Timestamp;
use crate::types::io::{DATASETS, DatasetRef};
use crate::types::run::DagRunKey;
use crate::types::serving::ServedVersion;
use crate::types::view::{LineageKind, TraceKind, TraceStep};

impl Walk<'_> {
    /// Adds a run unless it is there; returns when it began.
    pub(super) fn run_step(
        &mut self,
        run: &DagRunKey,
        depth: u32,
    ) -> Result<Option<Option<Timestamp>>, StoreError> {
        if !self.runs.insert((run.dag_id.to_string(), run.dag_run_id.to_string())) {
            return Ok(None);
        }
        let found = dag_run::get(self.conn, &run.dag_id, &run.dag_run_id)?;
        let began = found.as_ref().map(|run| run.start_date.unwrap_or(run.run_after));
        let state = found.as_ref().map(|run| run.state.to_string());
        let step = TraceStep {
            depth,
            kind: TraceKind::Run,
            name: format!("{} {}", run.dag_id, run.dag_run_id),
            text: state.unwrap_or_else(|| "no longer kept".to_owned()),
            when: began,
            node: Some(LineageKind::Dag.id(run.dag_id.as_str())),
            run: found.is_some().then(|| run.clone()),
        };
        Ok(self.push(step).then_some(began))
    }

    /// Adds data unless it is there.
    pub(super) fn data_step(&mut self, data: &DatasetRef, depth: u32, more: Option<&str>) -> bool {
        let Some(place) = self.ground.places.of(&data.namespace, &data.name) else { return false };
        let id = place.kind.id(&place.name);
        if !self.nodes.insert(id.clone()) {
            return false;
        }
        let mut words = Vec::new();
        words.extend(data.rows.map(|rows| format!("{rows} rows")));
        words.extend(data.bytes.map(|bytes| format!("{bytes} bytes")));
        words.extend(more.map(str::to_owned));
        words.extend(data.digest.as_ref().map(|digest| format!("digest {}", short(digest))));
        let is_set = data.namespace == DATASETS;
        self.push(TraceStep {
            depth,
            kind: if is_set { TraceKind::Dataset } else { TraceKind::Data },
            name: if is_set {
                place.shown
            } else {
                format!("{} {}", place.kind.as_str(), place.shown)
            },
            text: words.join(", "),
            when: None,
            node: Some(id),
            run: None,
        })
    }

    /// Adds a version unless it is there, and goes on from it.
    pub(super) fn version_step(
        &mut self,
        name: &str,
        version: u32,
        depth: u32,
        goes_down: bool,
    ) -> Result<(), StoreError> {
        let id = LineageKind::Version.id(&format!("{name}/{version}"));
        if !self.nodes.insert(id.clone()) {
            return Ok(());
        }
        let found = standing::version(self.conn, name, version)?;
        let aliases = found.iter().flat_map(|found| &found.aliases);
        let mut words: Vec<String> = aliases.map(|alias| format!("@{alias}")).collect();
        words.extend(
            self.share(name, version).map(|share| format!("answers {share} % of requests")),
        );
        let step = TraceStep {
            depth,
            kind: TraceKind::Version,
            name: format!("{name} v{version}"),
            text: words.join(", "),
            when: found.map(|found| found.creation_timestamp),
            node: Some(id.clone()),
            run: None,
        };
        match self.push(step) {
            false => Ok(()),
            true if goes_down => self.used_version(&id, depth + 1),
            true => self.made_version(&id, depth + 1),
        }
    }

    pub(super) fn endpoint_step(&mut self, model: &str, version: Option<u32>, depth: u32) {
        let id = LineageKind::Endpoint.id(model);
        if !self.nodes.insert(id.clone()) {
            return;
        }
        let versions = self.ground.served.iter().filter(|s| s.model == model && s.weight > 0);
        let shares: Vec<String> = versions
            .map(|s| format!("v{} answers {} % of requests", s.version, s.weight))
            .collect();
        let text = match (shares.is_empty(), version) {
            (true, _) => "answers nothing now".to_owned(),
            (false, _) => shares.join(", "),
        };
        self.push(TraceStep {
            depth,
            kind: TraceKind::Endpoint,
            name: model.to_owned(),
            text,
            when: None,
            node: Some(id),
            run: None,
        });
    }

    /// Returns the share of requests that a version answers now.
    pub(super) fn share(&self, model: &str, version: u32) -> Option<u8> {
        let is_it = |s: &&ServedVersion| s.model == model && s.version == version && s.weight > 0;
        self.ground.served.iter().find(is_it).map(|served| served.weight)
    }
}
