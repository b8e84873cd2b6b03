//! Random tables with something to learn in them.

use std::path::Path;

use dagdeck_ml::bench::Table;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Numbers, their classes, and the same of rows that are held out.
pub(crate) struct Data {
    columns: usize,
    learnt: Part,
    held_out: Part,
}

struct Part {
    values: Vec<f32>,
    classes: Vec<u8>,
}

impl Data {
    /// Makes the same numbers each time.
    pub(crate) fn of(rows: usize, held_out: usize, columns: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut part = |rows: usize| {
            let (mut values, mut classes) = (Vec::new(), Vec::new());
            for _ in 0..rows {
                let row: Vec<f32> = (0..columns).map(|_| normal(&mut random)).collect();
                let noise = normal(&mut random);
                classes.push(u8::from(signal(&row) + noise > 0.0));
                values.extend(row);
            }
            Part { values, classes }
        };
        Self { columns, learnt: part(rows), held_out: part(held_out) }
    }

    pub(crate) fn table(&self) -> Table {
        Table::new(&self.learnt.values, self.columns, &self.learnt.classes)
    }

    pub(crate) fn held_out(&self) -> Table {
        Table::new(&self.held_out.values, self.columns, &self.held_out.classes)
    }

    /// Writes all as the other libraries read it.
    pub(crate) fn write(&self, folder: &Path) {
        for (prefix, part) in [("", &self.learnt), ("held_", &self.held_out)] {
            let values: Vec<u8> = part.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            std::fs::write(folder.join(format!("{prefix}values")), values).unwrap();
            std::fs::write(folder.join(format!("{prefix}classes")), &part.classes).unwrap();
        }
    }

    /// Returns the area under the ROC curve of answers to the held-out rows.
    pub(crate) fn auc(&self, answers: &[f64]) -> f64 {
        let mut ranked: Vec<_> = answers.iter().copied().zip(&self.held_out.classes).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut below, mut pairs) = (0_u64, 0_u64);
        for (_, class) in ranked {
            match class {
                0 => below += 1,
                _ => pairs += below,
            }
        }
        let positive = self.held_out.classes.len() as u64 - below;
        pairs as f64 / (below as f64 * positive as f64)
    }
}

/// Half a dozen columns that matter, some of them only together.
fn signal(row: &[f32]) -> f32 {
    row[0] * row[1] + (row[2] * 2.0).sin() + row[3].abs() - 0.8 + 0.5 * row[4] - 0.25 * row[5]
}

/// About normal: twelve uniform numbers.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0
}
