//! What is measured when a gate judges: both models on the rows that the run held out, how far
//! the data have drifted, how fast and how large the model is.

use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ml::train::{HELD_OUT, PROFILE};
use crate::ml::{Comparison, HeldOut, Model, Predictor, Profile};
use crate::types::time;

const MODEL: &str = "model/model.json";
/// Single rows that the time is taken of, at most.
const TIMED_MAX: usize = 500;
/// The bootstrap draws the same for ever.
const SEED: u64 = 42;

/// Which of the names in `require` are measured.
pub(super) const VS_CHAMPION: &str = "vs_champion";
pub(super) const VS_CHAMPION_P: &str = "vs_champion_p";
pub(super) const SLICES: &str = "slices_vs_champion";
pub(super) const DRIFT: &str = "drift";
pub(super) const LATENCY: &str = "latency_ms";
pub(super) const SIZE: &str = "model_bytes";

/// What was measured, or why it could not be; `None` where nobody asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Measured {
    pub(super) comparison: Option<Result<Comparison, String>>,
    /// The column that drifted most, and how far.
    pub(super) drift: Option<Result<(String, f64), String>>,
    /// 99 of 100 single rows are answered within.
    pub(super) latency_ms: Option<Result<f64, String>>,
    pub(super) model_bytes: Option<Result<f64, String>>,
}

/// Who is to be beaten.
pub(super) struct Rival<'a> {
    /// Where its run keeps its files, if it comes from one.
    pub(super) folder: Option<&'a Path>,
    /// Loads it, whoever trained it.
    pub(super) model: &'a dyn Fn() -> Result<Arc<dyn Predictor>, String>,
}

/// Measures what is asked for; `own` is the folder of the run's artifacts.
pub(super) fn measure(own: &Path, champion: Option<&Rival<'_>>, asked: &[&str]) -> Measured {
    let asks = |names: &[&str]| names.iter().any(|name| asked.contains(name));
    let rival = |names: &[&str]| champion.filter(|_| asks(names));
    Measured {
        comparison: rival(&[VS_CHAMPION, VS_CHAMPION_P, SLICES]).map(|rival| compare(own, rival)),
        drift: rival(&[DRIFT]).map(|rival| drift(own, rival)),
        latency_ms: asks(&[LATENCY]).then(|| latency(own)),
        model_bytes: asks(&[SIZE]).then(|| size(own)),
    }
}

fn compare(own: &Path, rival: &Rival<'_>) -> Result<Comparison, String> {
    let held_out: HeldOut = read(own, HELD_OUT)?;
    held_out.compare(&model(own)?, &*(rival.model)()?, SEED)
}

fn drift(own: &Path, rival: &Rival<'_>) -> Result<(String, f64), String> {
    let folder = rival.folder.ok_or("the champion comes from no run")?;
    let own: Profile = read(own, PROFILE)?;
    let farthest = own.drift(&read(folder, PROFILE)?).into_iter().next();
    farthest.ok_or_else(|| "the data have no columns".to_owned())
}

fn latency(own: &Path) -> Result<f64, String> {
    let (held_out, model): (HeldOut, Model) = (read(own, HELD_OUT)?, model(own)?);
    let mut times = Vec::new();
    for row in held_out.rows.into_iter().take(TIMED_MAX) {
        let row = [Value::Array(row)];
        let start = time::instant();
        model.predict(&row).map_err(|error| error.to_string())?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let at = times.len() * 99 / 100;
    times.get(at.min(times.len().saturating_sub(1))).copied().ok_or_else(|| "no rows".to_owned())
}

#[allow(clippy::cast_precision_loss, reason = "a size in bytes, for a comparison")]
fn size(own: &Path) -> Result<f64, String> {
    let metadata = std::fs::metadata(own.join(MODEL));
    metadata.map(|found| found.len() as f64).map_err(|error| format!("`{MODEL}`: {error}"))
}

fn model(folder: &Path) -> Result<Model, String> {
    Model::from_bytes(&bytes(folder, MODEL)?).map_err(|error| error.to_string())
}

fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<T, String> {
    serde_json::from_slice(&bytes(folder, file)?).map_err(|error| format!("`{file}`: {error}"))
}

fn bytes(folder: &Path, file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(folder.join(file)).map_err(|error| format!("read `{file}` of the run: {error}"))
}
