//! A served version that drifts, for tests.

use super::before;
use crate::types::drift::{
    ColumnDrift, DriftBin, DriftFigure, DriftFigureKind, DriftLimits, DriftReport,
};

/// Returns a version of iris whose petals grew.
pub(crate) fn report(version: u32) -> DriftReport {
    let columns = vec![
        column("petal_width", false, 0.83, 0.51, true),
        column("species", true, 0.41, 0.3, true),
        column("petal_length", false, 0.22, 0.14, false),
        column("sepal_length", false, 0.05, 0.04, false),
        column("sepal_width", false, 0.01, 0.02, false),
    ];
    DriftReport {
        model: "iris".into(),
        version,
        rows: 12_480,
        since: before(3_400),
        window_secs: 3_600.0,
        limits: DriftLimits::default(),
        trained_rows: 120,
        problem: None,
        columns,
    }
}

fn column(name: &str, is_answer: bool, psi: f64, other: f64, in_trouble: bool) -> ColumnDrift {
    let second = if is_answer { DriftFigureKind::Unseen } else { DriftFigureKind::Ks };
    let figure = |kind, value| DriftFigure { kind, value, limit: 0.2, chance: 0.25 };
    let bins: Vec<DriftBin> = match is_answer {
        true => [("setosa", 0.33, 0.1), ("versicolor", 0.33, 0.2), ("virginica", 0.34, 0.7)]
            .map(|(label, trained, live)| DriftBin { label: label.into(), trained, live })
            .into(),
        false => (1..=10)
            .map(|n| DriftBin {
                label: if n < 10 { format!("≤ {}", f64::from(n) / 4.0) } else { "> 2.25".into() },
                trained: 0.1,
                live: 0.1 + (f64::from(n) - 5.5) / 45.0 * psi,
            })
            .collect(),
    };
    ColumnDrift {
        column: name.into(),
        is_answer,
        rows: 12_480,
        missing: 0.0,
        figures: vec![
            figure(DriftFigureKind::Psi, psi),
            figure(second, other),
            figure(DriftFigureKind::Missing, 0.0),
        ],
        bins,
        trouble_since: in_trouble.then(|| before(600)),
    }
}
