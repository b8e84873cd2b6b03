//! Which node somebody means.

use super::graph::Graph;
use crate::dag::suggest;
use crate::types::Fault;
use crate::types::view::{LineageKind, LineageNode};

/// So many of those that may be meant are named.
const MEANT_MAX: usize = 6;

impl Graph {
    /// Finds a node: an asset by its name, anything by its id, by its name, by the name that
    /// OpenLineage has for it, or by the end of its path.
    pub(super) fn find(&self, wanted: &str) -> Result<&str, Fault> {
        let asset = LineageKind::Asset.id(wanted);
        if let Some((id, _)) =
            self.nodes.get_key_value(&asset).or_else(|| self.nodes.get_key_value(wanted))
        {
            return Ok(id);
        }
        for fits in [is_named, is_end_of] as [fn(&LineageNode, &str) -> bool; 2] {
            let found: Vec<&str> = self
                .nodes
                .values()
                .filter(|node| fits(node, wanted))
                .map(|node| node.id.as_str())
                .collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(one),
                several => return Err(ambiguous(wanted, several)),
            }
        }
        Err(self.unknown(wanted))
    }

    fn unknown(&self, wanted: &str) -> Fault {
        let names = self.nodes.values().flat_map(|node| [node.name.as_str(), node.id.as_str()]);
        let hint = match suggest::closest(wanted, names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                "`dagdeck assets lineage` shows what there is, `-o json` with the ids".to_owned()
            }
        };
        Fault::not_found(format!("there is no `{wanted}` in the lineage")).hint(hint)
    }
}

fn ambiguous(wanted: &str, found: &[&str]) -> Fault {
    let named: Vec<String> = found.iter().take(MEANT_MAX).map(|id| format!("`{id}`")).collect();
    let more = if found.len() > MEANT_MAX { ", …" } else { "" };
    Fault::invalid(format!("`{wanted}` may be {} things", found.len()))
        .hint(format!("say which: {}{more}", named.join(", ")))
}

fn is_named(node: &LineageNode, wanted: &str) -> bool {
    let uri = match node.kind {
        LineageKind::Version => wanted.strip_prefix("models:/"),
        LineageKind::Model => wanted.strip_prefix("models:/"),
        LineageKind::File => wanted.strip_prefix("file:"),
        _ => None,
    };
    let own = node.id.split_once(':').map_or("", |(_, name)| name);
    [Some(wanted), uri].into_iter().flatten().any(|wanted| node.name == wanted || own == wanted)
        || node.datasets.iter().any(|at| at.name == wanted)
}

fn is_end_of(node: &LineageNode, wanted: &str) -> bool {
    let ends = |name: &str| {
        name.strip_suffix(wanted).is_some_and(|before| before.ends_with(['/', '.', ':']))
    };
    let is_data = matches!(
        node.kind,
        LineageKind::Asset | LineageKind::File | LineageKind::Object | LineageKind::Table
    );
    is_data && (ends(&node.name) || node.datasets.iter().any(|at| ends(&at.name)))
}
