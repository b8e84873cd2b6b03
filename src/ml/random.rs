//! Random choices that are the same for a seed on every machine and in every version.
//!
//! The generator is ChaCha with 8 rounds; what is made of its numbers is written here, because
//! the algorithms of `rand` may change between versions, and with them every recorded figure.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What random numbers are for: each purpose has a stream of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Split,
    Folds,
    /// One for each tree, so that they may be grown in any order.
    Tree(u32),
    /// Rows that early stopping is judged by.
    Validation,
    /// Which values a column is given when its importance is asked.
    Permutation,
    /// One for each trial of a search.
    Trial(u32),
    Bootstrap,
    /// Folds of what an estimator calibrates itself by.
    Calibration,
    /// Rows that the borders of bins are found on.
    Bins,
}

/// A stream of random choices.
#[derive(Debug, Clone)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// Starts a stream of a seed.
    pub(crate) fn new(seed: u64, stream: Stream) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(match stream {
            Stream::Split => 0,
            Stream::Folds => 1,
            Stream::Validation => 3,
            Stream::Permutation => 4,
            Stream::Bootstrap => 5,
            Stream::Calibration => 6,
            Stream::Bins => 7,
            Stream::Tree(number) => (1 << 40) + u64::from(number),
            Stream::Trial(number) => (2 << 40) + u64::from(number),
        });
        Self(generator)
    }

    /// Returns a number below `end`; the bias is under one in 2⁶⁴ / `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * end as u128;
        // The upper half of the product is below `end`, which is a usize.
        (wide >> 64) as usize
    }

    /// Returns a number from 0 and below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        // The 53 bits that a float holds.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Brings `items` into random order (Fisher and Yates, from the end).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
