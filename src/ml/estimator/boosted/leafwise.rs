//! LightGBM's way to boost: trees grown leaf by leaf on histograms of gradients.
//!
//! ```text
//! columns ─bins─► codes ─┐
//! scores ─loss─► gradients ─histogram─► split ─► tree ─► scores …
//! ```
//! What is learnt is written as XGBoost's JSON ([`document`]), so that one reader answers, explains
//! and keeps all boosted trees. Sums are made of blocks of rows in a fixed order: how many threads
//! there are changes no bit.

mod bins;
mod boost;
mod document;
mod histogram;
mod loss;
mod split;
mod tree;

pub(super) use boost::learn;
pub(super) use document::document;

/// What limits the trees, under LightGBM's names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Params {
    pub(super) n_estimators: usize,
    pub(super) num_leaves: usize,
    pub(super) max_depth: Option<usize>,
    pub(super) learning_rate: f64,
    pub(super) min_child_samples: f64,
    pub(super) min_child_weight: f64,
    pub(super) min_split_gain: f64,
    pub(super) subsample: f64,
    pub(super) colsample_bytree: f64,
    pub(super) reg_lambda: f64,
    pub(super) reg_alpha: f64,
    pub(super) max_bin: usize,
    pub(super) min_data_in_bin: usize,
    pub(super) seed: u64,
    /// Rounds without gain on the validation rows after which learning stops.
    pub(super) patience: Option<usize>,
}

/// Rows that one thread takes at a time; a part of what is summed, so it never changes.
const BLOCK: usize = 16_384;

/// Returns how many rows of so many a block has: a sixteenth, or [`BLOCK`] where that is more.
fn block(rows: usize) -> usize {
    rows.div_ceil(16).max(BLOCK)
}
