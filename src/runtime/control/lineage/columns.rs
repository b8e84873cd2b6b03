//! Where columns come from: from what each job told of its outputs, step by step upstream.

use std::collections::{BTreeMap, BTreeSet};

use crate::dag::suggest;
use crate::runtime::places::Places;
use crate::types::Fault;
use crate::types::io::{ColumnOrigin, ColumnRef};
use crate::types::lineage::{Direction, SeenDataset};
use crate::types::view::{ColumnStep, ColumnTrace, ColumnsView, DatasetName, LineageNode};

/// Steps that are told of one column.
const STEPS_MAX: usize = 200;
/// Steps that are told in all.
const ALL_STEPS_MAX: usize = 5_000;

/// What is known of the columns of data sets.
pub(super) struct Columns<'a> {
    places: &'a Places,
    /// Who wrote each, the latest first.
    wrote: BTreeMap<(&'a str, &'a str), Vec<&'a SeenDataset>>,
    read: BTreeMap<(&'a str, &'a str), Vec<&'a SeenDataset>>,
}

impl<'a> Columns<'a> {
    /// Takes links, the latest first.
    pub(super) fn new(links: &'a [SeenDataset], places: &'a Places) -> Self {
        let (mut wrote, mut read) = (BTreeMap::new(), BTreeMap::new());
        for link in links.iter().filter(|link| !link.dataset.columns.is_empty()) {
            let side: &mut BTreeMap<_, Vec<&SeenDataset>> = match link.direction {
                Direction::Wrote => &mut wrote,
                Direction::Read => &mut read,
            };
            let key = (link.dataset.namespace.as_str(), link.dataset.name.as_str());
            side.entry(key).or_default().push(link);
        }
        Self { places, wrote, read }
    }

    /// Returns the columns of a node, or one of them.
    pub(super) fn of(
        &self,
        node: &LineageNode,
        column: Option<&str>,
    ) -> Result<ColumnsView, Fault> {
        let mut columns: Vec<(&DatasetName, ColumnRef)> = Vec::new();
        for at in &node.datasets {
            for found in self.known(at) {
                if !columns.iter().any(|(_, known)| known.name == found.name) {
                    columns.push((at, found));
                }
            }
        }
        if let Some(wanted) = column {
            let names: Vec<String> = columns.iter().map(|(_, one)| one.name.clone()).collect();
            columns.retain(|(_, one)| one.name.eq_ignore_ascii_case(wanted));
            if columns.is_empty() {
                return Err(no_column(node, wanted, &names));
            }
        }
        let mut left = ALL_STEPS_MAX;
        let traces = columns.into_iter().map(|(at, column)| {
            let mut origins = Vec::new();
            let mut above = BTreeSet::new();
            let here = (at.namespace.as_str(), at.name.as_str(), column.name.as_str());
            self.climb(here, 1, &mut above, &mut origins, &mut STEPS_MAX.min(left));
            left -= origins.len();
            ColumnTrace { name: column.name, column_type: column.column_type, origins }
        });
        let columns = traces.collect();
        Ok(ColumnsView { id: node.id.clone(), kind: node.kind, name: node.name.clone(), columns })
    }

    /// Returns the columns of a data set: as it was last written, else as it was read.
    fn known(&self, at: &DatasetName) -> Vec<ColumnRef> {
        let key = (at.namespace.as_str(), at.name.as_str());
        if let Some(last) = self.wrote.get(&key).and_then(|links| links.first()) {
            return last.dataset.columns.clone();
        }
        let mut columns: Vec<ColumnRef> = Vec::new();
        for link in self.read.get(&key).into_iter().flatten() {
            for column in &link.dataset.columns {
                match columns.iter_mut().find(|known| known.name == column.name) {
                    Some(known) if known.column_type.is_empty() => *known = column.clone(),
                    Some(_) => {}
                    None => columns.push(column.clone()),
                }
            }
        }
        columns
    }

    /// Adds what a column comes from, and what that comes from.
    fn climb<'b>(
        &'b self,
        here: (&'b str, &'b str, &'b str),
        depth: u32,
        above: &mut BTreeSet<(&'b str, &'b str, &'b str)>,
        steps: &mut Vec<ColumnStep>,
        left: &mut usize,
    ) where
        'a: 'b,
    {
        if !above.insert(here) {
            // It is made of itself: a table that is merged into.
            return;
        }
        for (origin, by) in self.origins(here) {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let place = self.places.of(&origin.namespace, &origin.name);
            steps.push(ColumnStep {
                depth,
                dataset: place.map_or_else(|| origin.name.clone(), |place| place.shown),
                namespace: origin.namespace.clone(),
                name: origin.name.clone(),
                column: origin.column.clone(),
                computed: origin.computed,
                by,
            });
            let next = (origin.namespace.as_str(), origin.name.as_str(), origin.column.as_str());
            self.climb(next, depth + 1, above, steps, left);
        }
        above.remove(&here);
    }

    /// Returns the origins that writers told of a column, each once; where nobody wrote the data,
    /// those that readers told.
    fn origins(
        &self,
        (namespace, name, column): (&str, &str, &str),
    ) -> Vec<(&'a ColumnOrigin, String)> {
        let key = (namespace, name);
        let told = self.wrote.get(&key).or_else(|| self.read.get(&key));
        let mut found: Vec<(&ColumnOrigin, String)> = Vec::new();
        for link in told.into_iter().flatten() {
            let columns = link.dataset.columns.iter().filter(|one| one.name == column);
            for origin in columns.flat_map(|one| &one.origins) {
                if !found.iter().any(|(known, _)| *known == origin) {
                    found.push((origin, link.job.to_string()));
                }
            }
        }
        found
    }
}

fn no_column(node: &LineageNode, wanted: &str, names: &[String]) -> Fault {
    let text = format!("`{}` has no column `{wanted}`", node.name);
    let hint = match suggest::closest(wanted, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "nothing was told of its columns".to_owned(),
        None => format!("it has {}", names.join(", ")),
    };
    Fault::not_found(text).hint(hint)
}
