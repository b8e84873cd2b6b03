//! Values as numbers of bins.
//!
//! As LightGBM does: neighbouring values share a bin until it has `min_data_in_bin` rows, and where
//! there are more values than bins, until it has its share of the rows; a value that alone has more
//! than that is a bin of its own. Borders are half-way between bins, found on at most
//! [`SAMPLE`] rows. Missing values are the last bin of a column that has any.

use std::ops::Range;

use rayon::prelude::*;

use super::Params;
use crate::preprocess::Matrix;
use crate::random::{Random, Stream};

/// Rows that borders are found on, LightGBM's `bin_construct_sample_cnt`.
const SAMPLE: usize = 200_000;

/// The borders between the bins of a column, ascending; a value on a border is above it.
#[derive(Debug)]
pub(super) struct Column {
    borders: Vec<f32>,
    pub(super) has_missing: bool,
}

impl Column {
    /// Returns the number of bins of values.
    pub(super) fn values(&self) -> usize {
        self.borders.len() + 1
    }

    /// Returns the value below which are all values of the bins up to `bin`.
    pub(super) fn cut_after(&self, bin: usize) -> f32 {
        // Above all bins: such a cut parts the missing values from the others.
        self.borders.get(bin).copied().unwrap_or(f32::MAX)
    }

    fn bins(&self) -> usize {
        self.values() + usize::from(self.has_missing)
    }

    fn code(&self, value: f32) -> usize {
        if value.is_nan() {
            return self.values();
        }
        self.borders.partition_point(|border| *border <= value)
    }
}

/// A matrix of bins.
#[derive(Debug)]
pub(super) struct Binned {
    pub(super) columns: Vec<Column>,
    /// Where each column's bins begin among those of all, and the number of all.
    offsets: Vec<usize>,
    pub(super) codes: Codes,
}

/// A byte a value where that is enough; one column after the other.
#[derive(Debug)]
pub(super) enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

impl Binned {
    pub(super) fn of(matrix: &Matrix, params: &Params) -> Self {
        let sample = sample(matrix.len(), params.seed);
        let columns: Vec<Column> = (0..matrix.width())
            .into_par_iter()
            .map(|column| column_of(matrix, column, &sample, params))
            .collect();
        let mut offsets = vec![0];
        for column in &columns {
            offsets.push(offsets.last().copied().unwrap_or_default() + column.bins());
        }
        // Bins were limited to what fits.
        let codes = match columns.iter().all(|column| column.bins() <= 1 << 8) {
            true => Codes::Narrow(encode(matrix, &columns, |code| code as u8)),
            false => Codes::Wide(encode(matrix, &columns, |code| code as u16)),
        };
        Self { columns, offsets, codes }
    }

    /// Returns the number of columns.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Returns the number of bins of all columns.
    pub(super) fn bins(&self) -> usize {
        self.offsets[self.width()]
    }

    /// Returns a column's bins among those of all.
    pub(super) fn column(&self, column: usize) -> Range<usize> {
        self.offsets[column]..self.offsets[column + 1]
    }
}

fn sample(rows: usize, seed: u64) -> Vec<usize> {
    if rows <= SAMPLE {
        return (0..rows).collect();
    }
    // One of each stretch of rows: without repeats, and in order.
    let mut random = Random::new(seed, Stream::Bins);
    let start = |part: usize| part * rows / SAMPLE;
    (0..SAMPLE).map(|n| start(n) + random.below(start(n + 1) - start(n))).collect()
}

fn column_of(matrix: &Matrix, column: usize, sample: &[usize], params: &Params) -> Column {
    let has_missing = matrix.rows().any(|row| row[column].is_nan());
    let values = sample.iter().map(|row| matrix.row(*row)[column] as f32);
    let mut values: Vec<f32> = values.filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    // One of the bins is for the missing values.
    let most = (params.max_bin - usize::from(has_missing)).max(1);
    Column { borders: borders(&distinct(&values), values.len(), most, params), has_missing }
}

fn encode<C: Send>(
    matrix: &Matrix,
    columns: &[Column],
    code: impl Fn(usize) -> C + Sync,
) -> Vec<C> {
    let of_column = |at: usize| {
        let (column, code) = (&columns[at], &code);
        matrix.rows().map(move |row| code(column.code(row[at] as f32)))
    };
    (0..columns.len()).into_par_iter().flat_map_iter(of_column).collect()
}

/// Returns each value once, with the number of rows that have it.
fn distinct(sorted: &[f32]) -> Vec<(f32, usize)> {
    sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect()
}

fn borders(distinct: &[(f32, usize)], rows: usize, most: usize, params: &Params) -> Vec<f32> {
    let least = params.min_data_in_bin;
    if distinct.len() <= most {
        let mut full = Fill::default();
        return between(distinct, |(_, count), _| full.takes(count, least as f64));
    }
    let most = most.min(rows / least.max(1)).max(1);
    let mut share = Share::of(distinct, rows, most);
    let mut made = 0;
    between(distinct, |this, next| {
        let is_end = made + 1 < most && share.ends(this, next);
        made += usize::from(is_end);
        is_end
    })
}

/// Returns a border between two neighbours wherever a bin ends between them.
fn between(
    distinct: &[(f32, usize)],
    mut ends: impl FnMut((f32, usize), (f32, usize)) -> bool,
) -> Vec<f32> {
    let pairs = distinct.windows(2).filter(|pair| ends(pair[0], pair[1]));
    pairs.map(|pair| middle(pair[0].0, pair[1].0)).collect()
}

/// The rows in the bin that is being filled.
#[derive(Default)]
struct Fill(usize);

impl Fill {
    /// Adds rows, and says whether the bin is full with them; the next one is empty then.
    fn takes(&mut self, rows: usize, least: f64) -> bool {
        self.0 += rows;
        let is_full = self.0 as f64 >= least;
        if is_full {
            self.0 = 0;
        }
        is_full
    }
}

/// Deals rows out to bins evenly, but for values that have more than a bin's share.
struct Share {
    fill: Fill,
    big: f64,
    mean: f64,
    rows_left: usize,
    bins_left: usize,
}

impl Share {
    fn of(distinct: &[(f32, usize)], rows: usize, most: usize) -> Self {
        let big = rows as f64 / most as f64;
        let (mut rows_left, mut bins_left) = (rows, most);
        for (_, count) in distinct.iter().filter(|(_, count)| *count as f64 >= big) {
            rows_left -= count;
            bins_left = bins_left.saturating_sub(1);
        }
        let mut share = Self { fill: Fill::default(), big, mean: 0.0, rows_left, bins_left };
        share.mean = share.even();
        share
    }

    fn even(&self) -> f64 {
        self.rows_left as f64 / self.bins_left.max(1) as f64
    }

    fn ends(&mut self, this: (f32, usize), next: (f32, usize)) -> bool {
        let is_big = |(_, count): (f32, usize)| count as f64 >= self.big;
        let (this_big, next_big) = (is_big(this), is_big(next));
        if !this_big {
            self.rows_left -= this.1;
        }
        let least = match (this_big, next_big) {
            (true, _) => 0.0,
            (false, true) => (self.mean * 0.5).max(1.0),
            (false, false) => self.mean,
        };
        let ends = self.fill.takes(this.1, least);
        if ends && !this_big {
            self.bins_left = self.bins_left.saturating_sub(1);
            self.mean = self.even();
        }
        ends
    }
}

/// Returns the middle, above `below` and not above `above` even where rounding would have it.
fn middle(below: f32, above: f32) -> f32 {
    let middle = below / 2.0 + above / 2.0;
    if middle > below && middle <= above { middle } else { above }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32], max_bin: usize, min_data_in_bin: usize) -> Vec<f32> {
        let params = Params { max_bin, min_data_in_bin, ..super::super::boost::tests::PARAMS };
        let mut values = values.to_vec();
        values.sort_unstable_by(f32::total_cmp);
        borders(&distinct(&values), values.len(), max_bin, &params)
    }

    #[test]
    fn neighbours_share_a_bin_until_it_has_enough_rows() {
        let values = [4.0, 1.0, 2.0, 2.0, 3.0, 9.0];
        assert_eq!(of(&values, 255, 1), [1.5, 2.5, 3.5, 6.5]);
        assert_eq!(of(&values, 255, 3), [2.5]);
        assert!(of(&[7.0; 5], 255, 1).is_empty());
        assert!(of(&[], 255, 1).is_empty());
    }

    #[test]
    fn more_values_than_bins_are_dealt_out_evenly_and_a_frequent_one_is_a_bin() {
        let even: Vec<f32> = (0..100_u8).map(f32::from).collect();
        assert_eq!(of(&even, 4, 1), [24.5, 49.5, 74.5]);
        let mut values = even;
        values.extend([50.0; 300]);
        let found = of(&values, 4, 1);
        assert!(found.contains(&49.5) && found.contains(&50.5), "{found:?}");
        assert!(found.len() <= 3, "{found:?}");
    }

    #[test]
    fn neighbouring_floats_are_parted_still() {
        let next = 1.0_f32.next_up();
        assert_eq!(of(&[1.0, next], 255, 1), [next]);
    }

    #[test]
    fn a_value_is_below_the_cut_after_its_bin_and_missing_ones_are_the_last_bin() {
        let matrix = Matrix::new(vec![1.0, 2.0, f64::NAN, 3.0], 1);
        let params = Params { min_data_in_bin: 1, ..super::super::boost::tests::PARAMS };
        let binned = Binned::of(&matrix, &params);
        let Codes::Narrow(codes) = &binned.codes else { panic!("a byte is enough") };
        assert_eq!(*codes, [0, 1, 3, 2]);
        assert_eq!(binned.offsets, [0, 4]);
        let column = &binned.columns[0];
        assert_eq!([0, 1, 2].map(|bin| column.cut_after(bin)), [1.5, 2.5, f32::MAX]);
    }

    #[test]
    fn many_bins_take_two_bytes_a_value() {
        let matrix = Matrix::new((0..600).map(f64::from).collect(), 1);
        let params =
            Params { min_data_in_bin: 1, max_bin: 1_000, ..super::super::boost::tests::PARAMS };
        let binned = Binned::of(&matrix, &params);
        let Codes::Wide(codes) = &binned.codes else { panic!("a byte is not enough") };
        assert!(codes.iter().copied().eq(0..600));
    }
}
