//! What the selection of a row is kept by, and finding the selected one among rows that are there
//! already: a list is not arranged once more for its cursor.

use crate::rows::{approval_key, attention, models, run_key};
use crate::state::Level;
use crate::state::commands::Order;
use crate::types::approval::HitlDetail;
use crate::types::attention::AttentionItem;
use crate::types::backfill::{BackfillDagRunView, BackfillView};
use crate::types::drift::ColumnDrift;
use crate::types::event::EventLog;
use crate::types::operation::OperationLine;
use crate::types::run::DagRun;
use crate::types::serving::ServedVersion;
use crate::types::view::{
    DagVersionView, DagView, ExperimentView, LineageNode, LoggedModelView, ModelVersionView,
    TrackingRunView, TrialView,
};

/// A row that the selection can stay on.
pub(crate) trait Keyed {
    /// Returns what the selection is kept by.
    fn row_key(&self) -> String;

    /// Says whether the selection is kept by `key`.
    fn has_key(&self, key: &str) -> bool {
        self.row_key() == key
    }
}

/// Returns where the cursor stands among `rows`, which are the level's.
pub(crate) fn place<T: Keyed>(level: &Level, rows: &[&T]) -> usize {
    let selected = level.selected.as_ref();
    selected
        .and_then(|key| rows.iter().position(|row| row.has_key(key)))
        .unwrap_or_else(|| level.index.min(rows.len().saturating_sub(1)))
}

/// Returns the selected one of `rows`, which are the level's.
pub(crate) fn selected<'a, T: Keyed>(level: &Level, rows: &[&'a T]) -> Option<&'a T> {
    rows.get(place(level, rows)).copied()
}

/// Returns the keys of `rows`.
pub(crate) fn keys_of<T: Keyed>(rows: &[&T]) -> Vec<String> {
    rows.iter().map(|row| row.row_key()).collect()
}

impl Keyed for DagView {
    fn row_key(&self) -> String {
        self.dag_id.to_string()
    }

    fn has_key(&self, key: &str) -> bool {
        self.dag_id.as_str() == key
    }
}

impl Keyed for DagRun {
    fn row_key(&self) -> String {
        run_key(self)
    }

    fn has_key(&self, key: &str) -> bool {
        key.split_once('\n') == Some((self.dag_id.as_str(), self.dag_run_id.as_str()))
    }
}

impl Keyed for ExperimentView {
    fn row_key(&self) -> String {
        self.name.clone()
    }
}

impl Keyed for TrackingRunView {
    fn row_key(&self) -> String {
        self.run_id.to_string()
    }
}

impl Keyed for LoggedModelView {
    fn row_key(&self) -> String {
        self.model_id.clone()
    }
}

impl Keyed for TrialView {
    fn row_key(&self) -> String {
        self.run_id.to_string()
    }
}

impl Keyed for ModelVersionView {
    fn row_key(&self) -> String {
        models::key_of(self)
    }
}

impl Keyed for LineageNode {
    fn row_key(&self) -> String {
        self.id.clone()
    }
}

impl Keyed for EventLog {
    fn row_key(&self) -> String {
        self.id.to_string()
    }
}

impl Keyed for BackfillDagRunView {
    fn row_key(&self) -> String {
        self.dag_run.sort_ordinal.to_string()
    }
}

impl Keyed for OperationLine {
    fn row_key(&self) -> String {
        self.id.to_string()
    }
}

impl Keyed for Order {
    fn row_key(&self) -> String {
        self.generation.to_string()
    }
}

impl Keyed for HitlDetail {
    fn row_key(&self) -> String {
        approval_key(self)
    }
}

impl Keyed for AttentionItem {
    fn row_key(&self) -> String {
        attention::key(self)
    }
}

impl Keyed for BackfillView {
    fn row_key(&self) -> String {
        self.backfill.id.to_string()
    }
}

impl Keyed for DagVersionView {
    fn row_key(&self) -> String {
        self.version_number.to_string()
    }
}

impl Keyed for ColumnDrift {
    fn row_key(&self) -> String {
        crate::screen::drift::key(self)
    }
}

impl Keyed for ServedVersion {
    fn row_key(&self) -> String {
        format!("{} v{}", self.model, self.version)
    }
}
