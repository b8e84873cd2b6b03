//! What attempts here, and jobs elsewhere, were seen to read and write.

use std::collections::BTreeSet;

use super::graph::{Graph, Reason};
use crate::runtime::places::Places;
use crate::types::Timestamp;
use crate::types::io::{ASSETS, DATASETS, ENDPOINTS, MODELS};
use crate::types::lineage::{Direction, JobRef, SeenDataset};
use crate::types::view::{DatasetName, LineageKind};

/// An asset that is many files is known by the names of the last so many.
const PARTS_MAX: usize = 8;

impl Graph {
    /// Adds links, the latest first.
    pub(super) fn add_links(&mut self, links: &[SeenDataset], places: &Places) {
        let learnt = learnt_from(links);
        for link in links {
            let SeenDataset { dataset, direction, last_seen, .. } = link;
            if *direction == Direction::Read
                && learnt.contains(&(&link.job, dataset.namespace.as_str(), dataset.name.as_str()))
            {
                // It goes by way of the data set that the file is.
                continue;
            }
            let changed = (*direction == Direction::Wrote).then_some(*last_seen);
            let Some(data) = self.add_place(places, &dataset.namespace, &dataset.name, changed)
            else {
                continue;
            };
            let (job, by) = self.add_job(link);
            let mut reason = Reason::seen(by, *last_seen);
            reason.is_known = [DATASETS, MODELS, ENDPOINTS].contains(&dataset.namespace.as_str());
            match direction {
                Direction::Read => self.link(&data, &job, reason),
                Direction::Wrote => self.link(&job, &data, reason),
            }
        }
    }

    fn add_job(&mut self, link: &SeenDataset) -> (String, String) {
        match &link.job {
            JobRef::Task { dag_id, task_id } => {
                let dag = self.add(LineageKind::Dag, dag_id.as_str(), None);
                (dag, task_id.to_string())
            }
            JobRef::Foreign { namespace, name } => {
                let full = format!("{namespace}/{name}");
                let job = self.add_as(LineageKind::Job, &full, name, Some(link.last_seen));
                if let Some(node) = self.nodes.get_mut(&job) {
                    node.note = format!("in {namespace}");
                }
                (job, link.source.clone().unwrap_or_else(|| "elsewhere".to_owned()))
            }
        }
    }

    /// Adds the node of a data set; `None`: it has none.
    pub(super) fn add_place(
        &mut self,
        places: &Places,
        namespace: &str,
        name: &str,
        changed: Option<Timestamp>,
    ) -> Option<String> {
        let place = places.of(namespace, name)?;
        let id = self.add_as(place.kind, &place.name, &place.shown, None);
        if let Some(node) = self.nodes.get_mut(&id) {
            // Events tell when an asset changed; of other data there is nothing but this.
            if place.kind != LineageKind::Asset {
                node.last = node.last.max(changed);
            }
            let at = DatasetName { namespace: namespace.to_owned(), name: name.to_owned() };
            let is_news = namespace != ASSETS && !node.datasets.contains(&at);
            if is_news && node.datasets.len() < PARTS_MAX {
                node.datasets.push(at);
            }
        }
        Some(id)
    }
}

/// Returns the files that jobs read because a data set is there.
fn learnt_from(links: &[SeenDataset]) -> BTreeSet<(&JobRef, &str, &str)> {
    let sets = links.iter().filter(|link| link.dataset.namespace == DATASETS);
    let read = sets.filter(|link| link.direction == Direction::Read);
    read.flat_map(|link| {
        let origins = link.dataset.columns.iter().flat_map(|column| &column.origins);
        origins.map(|origin| (&link.job, origin.namespace.as_str(), origin.name.as_str()))
    })
    .collect()
}
