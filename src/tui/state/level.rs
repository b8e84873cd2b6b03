//! Where the operator stands: a view and the levels drilled into.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::state::filter::Filter;
use crate::state::lineage::Lineage;
use crate::state::models::Models;
use crate::types::backfill::BackfillId;
use crate::types::run::DagRunKey;
use crate::types::{AssetName, DagId, TaskInstanceKey, TrackingRunId};

/// A top view, by its digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum View {
    Dags,
    Runs,
    Assets,
    Experiments,
    Models,
    Serving,
    Events,
    System,
}

impl View {
    /// Every view in the order of the digits.
    pub(crate) const ALL: [Self; 8] = [
        Self::Dags,
        Self::Runs,
        Self::Assets,
        Self::Experiments,
        Self::Models,
        Self::Serving,
        Self::Events,
        Self::System,
    ];

    /// Returns the name in the tabs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dags => "DAGs",
            Self::Runs => "Runs",
            Self::Assets => "Assets",
            Self::Experiments => "Experiments",
            Self::Models => "Models",
            Self::Serving => "Serving",
            Self::Events => "Events",
            Self::System => "System",
        }
    }

    /// Returns the name that fits eighty columns.
    pub(crate) const fn short_name(self) -> &'static str {
        match self {
            Self::Experiments => "Exps",
            other => other.name(),
        }
    }

    /// Returns the word of the palette.
    pub(crate) fn command(self) -> String {
        self.name().to_ascii_lowercase()
    }
}

/// What a level shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Screen {
    Root(View),
    /// A definition: its graph, params, doc.
    Dag(DagId),
    /// The runs of one DAG.
    DagRuns(DagId),
    /// The versions of a definition.
    Versions(DagId),
    /// What differs between two of them.
    Diff(DagId, u32, u32),
    Backfills(DagId),
    /// One of them with its dates.
    Backfill(DagId, BackfillId),
    /// What needs attention, all of it.
    Attention,
    /// What people are asked.
    Approvals,
    /// What was done to runs.
    Operations,
    /// One of them, with what it did to each task.
    Operation(i64),
    Run(DagRunKey),
    /// The log of a task on the whole screen.
    Log(TaskInstanceKey),
    /// The daemon's own.
    DaemonLog,
    Form(DagId),
    Asset(AssetName),
    /// Why an asset is old.
    AssetWhy(AssetName),
    /// What is made of an asset.
    Impact(AssetName),
    /// The chain from a file to an answer through a node of the lineage, by its id.
    Chain(String),
    /// The columns of a node and where they come from.
    Columns(String),
    Experiment(String),
    TrackingRun(TrackingRunId),
    /// The runs under a tracked run, as trials of a search.
    Trials(TrackingRunId),
    /// Those of the run that a task tracks.
    TaskTrials(TaskInstanceKey),
    LoggedModels(LoggedOf),
    /// One of them, by its id.
    LoggedModel(String),
    /// A file of a tracked run.
    Artifact(TrackingRunId, String),
    /// Tracked runs side by side.
    CompareRuns(Vec<TrackingRunId>),
    Model(String),
    /// Two versions of models, by name and number.
    Compare((String, u32), (String, u32)),
    /// How far a served version has drifted, by the model's name and the number.
    Drift(String, u32),
    /// What this deck has changed.
    Commands,
    /// The errors of `dags.toml` with their drawings.
    Definitions,
}

/// Whose logged models are shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoggedOf {
    Experiment(String),
    Run(TrackingRunId),
}

/// A pane of the run view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pane {
    #[default]
    Tasks,
    Graph,
    Log,
}

impl Pane {
    /// Returns the pane that tab goes to.
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Tasks => Self::Graph,
            Self::Graph => Self::Log,
            Self::Log => Self::Tasks,
        }
    }

    /// Returns the pane that shift-tab goes to.
    pub(crate) const fn before(self) -> Self {
        self.next().next()
    }
}

/// How much of the screen the pane with the cursor takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Zoom {
    #[default]
    Normal,
    /// Most of it.
    Half,
    Full,
}

/// One level with its cursor; the selection is kept by key, so that it stays on its thing when
/// rows come and go.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    pub(crate) screen: Screen,
    pub(crate) selected: Option<String>,
    /// Where the selection was, for when its row is gone.
    pub(crate) index: usize,
    pub(crate) filter: String,
    /// First line shown, on pages of text.
    pub(crate) scroll: usize,
    pub(crate) pane: Pane,
    /// Which part of the page the keys go to, where it has several.
    pub(crate) part: usize,
    /// How many pages of a long list are shown.
    pub(crate) pages: u32,
    pub(crate) zoom: Zoom,
    /// Show only what needs attention.
    pub(crate) attention_only: bool,
    /// Nobody has moved the cursor yet: in a run it goes with what happens.
    pub(crate) is_untouched: bool,
    /// Rows that are open or closed against what they are by themselves.
    pub(crate) toggled: BTreeSet<String>,
    /// Rows that the next operation is meant for.
    pub(crate) marks: BTreeSet<String>,
    /// The range that is being marked.
    pub(crate) range: Option<Range>,
    /// The panes of assets.
    pub(crate) lineage: Lineage,
    /// The panes of models.
    pub(crate) models: Models,
}

/// Rows that are marked as the cursor goes.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    /// The key of the row where it began.
    pub(crate) from: String,
    /// What was marked before.
    pub(crate) others: BTreeSet<String>,
}

impl Level {
    /// Starts at the top of `screen`.
    pub(crate) fn new(screen: Screen) -> Self {
        Self {
            screen,
            selected: None,
            index: 0,
            filter: String::new(),
            scroll: 0,
            pane: Pane::default(),
            part: 0,
            pages: 1,
            zoom: Zoom::Normal,
            attention_only: false,
            is_untouched: true,
            toggled: BTreeSet::new(),
            marks: BTreeSet::new(),
            lineage: Lineage::default(),
            models: Models::default(),
            range: None,
        }
    }

    /// Says whether a row with these words passes the filter.
    pub(crate) fn admits(&self, words: &str) -> bool {
        Filter::new(&self.filter).admits(words, &|_| None)
    }

    /// Returns the place of the selection among `keys`.
    pub(crate) fn cursor(&self, keys: &[String]) -> usize {
        self.selected
            .as_ref()
            .and_then(|selected| keys.iter().position(|key| key == selected))
            .unwrap_or_else(|| self.index.min(keys.len().saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_its_row_when_rows_move() {
        let mut level = Level::new(Screen::Root(View::Dags));
        level.selected = Some("b".to_owned());
        level.index = 1;
        let keys = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        assert_eq!(level.cursor(&keys("abc")), 1);
        assert_eq!(level.cursor(&keys("xyzb")), 3);
        assert_eq!(level.cursor(&keys("a")), 0);
        assert_eq!(level.cursor(&[]), 0);
    }
}
