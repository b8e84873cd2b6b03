//! How far what a model is asked, and what it answers, lies from what it learnt from.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What is measured of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftFigureKind {
    /// Population stability index over the values that are there: below 0.1 is little, above
    /// 0.25 much.
    Psi,
    /// Kolmogorov and Smirnov's distance of two distributions of numbers, at the edges of the
    /// training data's twentieths: 0 to 1.
    Ks,
    /// By how much more values are missing, as a share of the rows.
    Missing,
    /// By how much more values are of no category that is known, as a share of the values.
    Unseen,
}

impl DriftFigureKind {
    pub const ALL: [Self; 4] = [Self::Psi, Self::Ks, Self::Missing, Self::Unseen];

    /// Returns the word of `dags.toml` and of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Psi => "psi",
            Self::Ks => "ks",
            Self::Missing => "missing",
            Self::Unseen => "unseen",
        }
    }
}

impl fmt::Display for DriftFigureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Above which a figure is trouble.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DriftLimits {
    pub psi: f64,
    pub ks: f64,
    pub missing: f64,
    pub unseen: f64,
    /// With fewer rows in the window nothing is said.
    pub min_rows: u64,
}

impl Default for DriftLimits {
    fn default() -> Self {
        Self { psi: 0.2, ks: 0.2, missing: 0.1, unseen: 0.1, min_rows: 200 }
    }
}

impl DriftLimits {
    pub const fn of(&self, kind: DriftFigureKind) -> f64 {
        match kind {
            DriftFigureKind::Psi => self.psi,
            DriftFigureKind::Ks => self.ks,
            DriftFigureKind::Missing => self.missing,
            DriftFigureKind::Unseen => self.unseen,
        }
    }
}

/// One figure of a column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DriftFigure {
    pub kind: DriftFigureKind,
    pub value: f64,
    /// Above which it is trouble.
    pub limit: f64,
    /// What chance alone exceeds once in a thousand times with as many rows.
    pub chance: f64,
}

impl DriftFigure {
    /// Says whether it is over its limit, and by more than chance.
    pub fn is_crossed(&self) -> bool {
        self.value > self.limit && self.value > self.chance
    }

    /// Says whether it is so far below its limit, or so near to chance, that trouble is over.
    pub fn is_calm(&self) -> bool {
        self.value < self.limit * 0.8 || self.value < self.chance * 0.8
    }
}

/// A part of a column's values: in training, and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftBin {
    /// Such as `≤ 1.7`, `> 5.1`, or a category.
    pub label: String,
    /// Shares of the values that are there, 0 to 1.
    pub trained: f64,
    pub live: f64,
}

/// A column in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    pub column: String,
    /// It is what the model answers, not what it is asked.
    #[serde(default)]
    pub is_answer: bool,
    /// Rows that were counted.
    pub rows: u64,
    /// The share of them without a value.
    pub missing: f64,
    pub figures: Vec<DriftFigure>,
    pub bins: Vec<DriftBin>,
    /// Since when it is told to be in trouble.
    #[serde(default)]
    pub trouble_since: Option<Timestamp>,
}

impl ColumnDrift {
    /// Returns the figure that exceeds its limit most.
    pub fn worst(&self) -> Option<&DriftFigure> {
        let times = |figure: &&DriftFigure| figure.value / figure.limit.max(1e-9);
        self.figures.iter().max_by(|a, b| times(a).total_cmp(&times(b)))
    }

    /// Returns how many times its limit the worst figure is.
    pub fn times(&self) -> f64 {
        self.worst().map_or(0.0, |figure| figure.value / figure.limit.max(1e-9))
    }

    pub fn figure(&self, kind: DriftFigureKind) -> Option<&DriftFigure> {
        self.figures.iter().find(|figure| figure.kind == kind)
    }
}

/// A served version in its window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    pub model: String,
    pub version: u32,
    /// Rows in the window.
    pub rows: u64,
    /// What is counted goes back so far: the window, or to when the version was loaded.
    pub since: Timestamp,
    pub window_secs: f64,
    pub limits: DriftLimits,
    /// Rows that the model learnt from.
    pub trained_rows: u64,
    /// Why there is nothing, or less, to say.
    pub problem: Option<String>,
    /// The worst first.
    pub columns: Vec<ColumnDrift>,
}

impl DriftReport {
    /// Says whether there are enough rows to judge by.
    pub fn is_judged(&self) -> bool {
        self.problem.is_none() && self.rows >= self.limits.min_rows
    }

    /// Returns the column with the greatest index that chance does not explain; `None` where
    /// there are too few rows to say. No column: 0.
    pub fn worst_psi(&self) -> Option<(Option<&str>, f64)> {
        if !self.is_judged() {
            return None;
        }
        let psi = self.columns.iter().filter_map(|column| {
            let figure = column.figure(DriftFigureKind::Psi)?;
            (figure.value > figure.chance).then_some((Some(column.column.as_str()), figure.value))
        });
        Some(psi.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((None, 0.0)))
    }
}
