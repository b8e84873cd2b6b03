//! Towards the files: who wrote what was read, what a version learnt from.

use super::{LOOKED_AT, Walk, name_of, run_of, version_of};
use crate::connection::dataset::FILES;
use crate::store::{StoreError, asset, dag_run, lineage};
use crate::tracking::input;
use crate::tracking::standing::{self, StandingVersion};
use crate::types::asset::{AssetEvent, AssetEventSource};
use crate::types::io::{DATASETS, DatasetRef, MODELS, RUN_TABLES, TRACKED};
use crate::types::lineage::Direction;
use crate::types::run::DagRunKey;
use crate::types::view::{DatasetName, LineageKind, LineageNode, RunInput, TraceKind, TraceStep};
use crate::types::{AssetName, Timestamp};

impl Walk<'_> {
    /// Goes to who wrote what was asked about last, and what told of it.
    pub(super) fn writers(&mut self, node: &LineageNode) -> Result<(), StoreError> {
        if node.kind == LineageKind::Asset {
            let name = AssetName::new(&*node.name);
            for event in asset::events(self.conn, Some(&name), 1)? {
                self.event_upstream(&event, 1)?;
            }
        }
        for at in &node.datasets {
            self.writer_before(at, None, 1)?;
        }
        Ok(())
    }

    /// Goes to the last run that wrote data before it was read.
    pub(super) fn writer_before(
        &mut self,
        at: &DatasetName,
        before: Option<Timestamp>,
        depth: u32,
    ) -> Result<(), StoreError> {
        let dataset = DatasetRef::new(&*at.namespace, &*at.name);
        let wrote = lineage::attempts(self.conn, &dataset, Direction::Wrote, LOOKED_AT)?;
        let last = wrote.into_iter().find(|(_, seen)| before.is_none_or(|before| *seen <= before));
        match last {
            Some((attempt, _)) => self.run_upstream(&run_of(&attempt.task), depth),
            None => Ok(()),
        }
    }

    pub(super) fn event_upstream(
        &mut self,
        event: &AssetEvent,
        depth: u32,
    ) -> Result<(), StoreError> {
        let run = match &event.source {
            AssetEventSource::Task(key) => Some(run_of(key)),
            _ => None,
        };
        let mut text = format!("by {}", event.source);
        if let Some(key) = &event.partition_key {
            text.push_str(&format!(", partition {key}"));
        }
        let told = format!("{} {}: {}", event.name, event.kind.as_str(), event.uri);
        let step = TraceStep {
            depth,
            kind: TraceKind::Event,
            name: told,
            text,
            when: Some(event.timestamp),
            node: Some(LineageKind::Asset.id(event.name.as_str())),
            run: run.clone(),
        };
        if !self.push(step) {
            return Ok(());
        }
        match run {
            Some(run) => self.run_upstream(&run, depth + 1),
            None => Ok(()),
        }
    }

    pub(super) fn run_upstream(&mut self, run: &DagRunKey, depth: u32) -> Result<(), StoreError> {
        let Some(began) = self.run_step(run, depth)? else { return Ok(()) };
        for event in asset::triggering(self.conn, run)? {
            self.event_upstream(&event, depth + 1)?;
        }
        for (_, observed) in lineage::of_run(self.conn, run)? {
            for input in &observed.inputs {
                self.read_by_run(run, input, began, depth + 1)?;
            }
        }
        Ok(())
    }

    pub(super) fn read_by_run(
        &mut self,
        run: &DagRunKey,
        input: &DatasetRef,
        began: Option<Timestamp>,
        depth: u32,
    ) -> Result<(), StoreError> {
        let at = name_of(input);
        match input.namespace.as_str() {
            RUN_TABLES => Ok(()),
            TRACKED => self.writer_before(&at, None, depth),
            MODELS => match version_of(&input.name) {
                Some((name, version)) => self.version_step(name, version, depth, false),
                None => Ok(()),
            },
            _ => {
                // Files that this run itself wrote before lead nowhere else.
                if self.data_step(input, depth, None) {
                    let before = self.ended(run)?.or(began);
                    self.writer_before(&at, before, depth + 1)?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn ended(&self, run: &DagRunKey) -> Result<Option<Timestamp>, StoreError> {
        let found = dag_run::get(self.conn, &run.dag_id, &run.dag_run_id)?;
        Ok(found.and_then(|run| run.end_date))
    }

    /// Goes to what a version was made of: what its run learnt from, which is kept for good, and
    /// the runs, while they are kept.
    pub(super) fn made_version(&mut self, id: &str, depth: u32) -> Result<(), StoreError> {
        let Some((name, version)) = id.split_once(':').and_then(|(_, name)| version_of(name))
        else {
            return Ok(());
        };
        let Some(found) = standing::version(self.conn, name, version)? else { return Ok(()) };
        if let Some(run_id) = &found.run_id {
            for learnt in input::of_run(self.conn, run_id)? {
                self.learnt_from(&learnt, depth)?;
            }
        }
        if let Some(run) = &found.trained_by {
            self.run_upstream(run, depth)?;
        }
        let at = DatasetName { namespace: MODELS.to_owned(), name: format!("{name}/{version}") };
        self.writer_before(&at, None, depth)
    }

    pub(super) fn learnt_from(&mut self, learnt: &RunInput, depth: u32) -> Result<(), StoreError> {
        let set = DatasetRef {
            digest: Some(learnt.digest.clone()),
            rows: Some(learnt.rows),
            ..DatasetRef::new(DATASETS, &*learnt.name)
        };
        let more = format!("{} columns, target {}", learnt.columns.len(), learnt.target);
        if !self.data_step(&set, depth, Some(&more)) {
            return Ok(());
        }
        for event in &learnt.asset_events {
            self.event_upstream(event, depth + 1)?;
        }
        let file =
            DatasetRef { bytes: Some(learnt.bytes), ..DatasetRef::new(FILES, &*learnt.source) };
        if self.data_step(&file, depth + 1, None) {
            self.writer_before(&name_of(&file), None, depth + 2)?;
        }
        Ok(())
    }

    /// Goes to the versions of a model, or only to those that answer.
    pub(super) fn versions_of(&mut self, model: &str, only_served: bool) -> Result<(), StoreError> {
        for version in self.versions(model)? {
            let serves = self.share(model, version.version).is_some();
            if serves || !only_served {
                self.version_step(model, version.version, 1, false)?;
            }
        }
        Ok(())
    }

    pub(super) fn versions(&self, model: &str) -> Result<Vec<StandingVersion>, StoreError> {
        let served = self.ground.served.iter().filter(|served| served.model == model);
        let served: Vec<(String, u32)> =
            served.map(|served| (served.model.clone(), served.version)).collect();
        let found = standing::list(self.conn, &served)?;
        Ok(found.into_iter().filter(|version| version.name == model).collect())
    }
}
