//! Towards the answers: who read what was written, where a version serves.

use super::{LOOKED_AT, RUNS_MAX, Walk, name_of, run_of, version_of};
use crate::store::{StoreError, asset, lineage};
use crate::types::asset::{AssetEvent, AssetEventSource};
use crate::types::freshness::StartedRun;
use crate::types::io::{ASSETS, DatasetRef, ENDPOINTS, MODELS, RUN_TABLES, TRACKED};
use crate::types::lineage::Direction;
use crate::types::run::DagRunKey;
use crate::types::view::DatasetName;
use crate::types::{AssetName, Timestamp};

impl Walk<'_> {
    /// Goes to the runs that read data after it was written.
    pub(super) fn readers(
        &mut self,
        at: &DatasetName,
        after: Option<Timestamp>,
        depth: u32,
    ) -> Result<(), StoreError> {
        let dataset = DatasetRef::new(&*at.namespace, &*at.name);
        let read = lineage::attempts(self.conn, &dataset, Direction::Read, LOOKED_AT)?;
        let mut runs: Vec<DagRunKey> = Vec::new();
        for (attempt, seen) in read {
            let run = run_of(&attempt.task);
            if after.is_none_or(|after| seen >= after) && !runs.contains(&run) {
                runs.push(run);
            }
        }
        self.some_downstream(&runs, depth)
    }

    pub(super) fn some_downstream(
        &mut self,
        runs: &[DagRunKey],
        depth: u32,
    ) -> Result<(), StoreError> {
        self.is_cut |= runs.len() > RUNS_MAX;
        for run in runs.iter().take(RUNS_MAX) {
            self.run_downstream(run, depth)?;
        }
        Ok(())
    }

    pub(super) fn started_by_all(
        &mut self,
        name: &AssetName,
        depth: u32,
    ) -> Result<(), StoreError> {
        let mut runs: Vec<DagRunKey> = Vec::new();
        for event in asset::events(self.conn, Some(name), LOOKED_AT)? {
            for run in self.started_by(&event)? {
                if !runs.contains(&run) {
                    runs.push(run);
                }
            }
            if runs.len() > RUNS_MAX {
                break;
            }
        }
        self.some_downstream(&runs, depth)
    }

    fn started_by(&self, event: &AssetEvent) -> Result<Vec<DagRunKey>, StoreError> {
        let started = asset::started(self.conn, event.id)?.into_iter();
        let key = |run: StartedRun| DagRunKey { dag_id: run.dag_id, dag_run_id: run.dag_run_id };
        Ok(started.map(key).collect())
    }

    pub(super) fn run_downstream(&mut self, run: &DagRunKey, depth: u32) -> Result<(), StoreError> {
        let Some(began) = self.run_step(run, depth)? else { return Ok(()) };
        for (_, observed) in lineage::of_run(self.conn, run)? {
            for output in &observed.outputs {
                self.written_by_run(output, began, depth + 1)?;
            }
        }
        for name in lineage::assets_of_run(self.conn, run)? {
            self.data_step(&DatasetRef::new(ASSETS, name.as_str()), depth + 1, None);
            let events = asset::events(self.conn, Some(&name), LOOKED_AT)?;
            let own = events.iter().filter(|event| match &event.source {
                AssetEventSource::Task(key) => run_of(key) == *run,
                _ => false,
            });
            for event in own {
                for next in self.started_by(event)? {
                    self.run_downstream(&next, depth + 2)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn written_by_run(
        &mut self,
        output: &DatasetRef,
        began: Option<Timestamp>,
        depth: u32,
    ) -> Result<(), StoreError> {
        let at = name_of(output);
        match output.namespace.as_str() {
            RUN_TABLES => Ok(()),
            TRACKED => self.readers(&at, None, depth),
            MODELS => match version_of(&output.name) {
                Some((name, version)) => self.version_step(name, version, depth, true),
                None => Ok(()),
            },
            ENDPOINTS => {
                self.endpoint_step(&output.name, None, depth);
                Ok(())
            }
            _ => match self.data_step(output, depth, None) {
                true => self.readers(&at, began, depth + 1),
                false => Ok(()),
            },
        }
    }

    pub(super) fn used_version(&mut self, id: &str, depth: u32) -> Result<(), StoreError> {
        let Some((name, version)) = id.split_once(':').and_then(|(_, name)| version_of(name))
        else {
            return Ok(());
        };
        let at = DatasetName { namespace: MODELS.to_owned(), name: format!("{name}/{version}") };
        self.readers(&at, None, depth)?;
        if self.share(name, version).is_some() {
            self.endpoint_step(name, Some(version), depth);
        }
        Ok(())
    }
}
