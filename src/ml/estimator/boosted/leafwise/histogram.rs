//! Sums of gradients by bin.

use rayon::prelude::*;

use super::bins::{Binned, Codes};

/// The first and the second derivative of the loss of a row.
pub(super) type Gradient = [f32; 2];
/// Sums of both.
pub(super) type Sums = [f64; 2];

/// A sum for each bin of each column, one column after the other.
pub(super) type Histogram = Vec<Sums>;

/// Codes up to which one thread is as fast as more.
const SMALL: usize = 1 << 17;

/// Sums the gradients of some rows, in their order, for some columns; those of others stay zero.
pub(super) fn histogram(
    binned: &Binned,
    columns: &[usize],
    gradients: &[Gradient],
    rows: &[u32],
) -> Histogram {
    match &binned.codes {
        Codes::Narrow(codes) => of_codes(codes, binned, columns, gradients, rows),
        Codes::Wide(codes) => of_codes(codes, binned, columns, gradients, rows),
    }
}

fn of_codes<C: Copy + Into<usize> + Sync>(
    codes: &[C],
    binned: &Binned,
    columns: &[usize],
    gradients: &[Gradient],
    rows: &[u32],
) -> Histogram {
    let mut sums = vec![[0.0; 2]; binned.bins()];
    let mut rest = sums.as_mut_slice();
    let mut tasks = Vec::with_capacity(columns.len());
    for (column, codes) in codes.chunks_exact(gradients.len()).enumerate() {
        let (of_column, others) = rest.split_at_mut(binned.column(column).len());
        rest = others;
        if columns.binary_search(&column).is_ok() {
            tasks.push((codes, of_column));
        }
    }
    // Each column passes them once more: side by side they are read faster than apart.
    let gradients: Vec<Gradient> = rows.iter().map(|row| gradients[*row as usize]).collect();
    let add = |(codes, sums): (&[C], &mut [Sums])| add_column(codes, &gradients, rows, sums);
    match rows.len() * columns.len() <= SMALL {
        true => tasks.into_iter().for_each(add),
        false => tasks.into_par_iter().for_each(add),
    }
    sums
}

fn add_column<C: Copy + Into<usize>>(
    codes: &[C],
    gradients: &[Gradient],
    rows: &[u32],
    sums: &mut [Sums],
) {
    for (row, gradient) in rows.iter().zip(gradients) {
        let code: usize = codes[*row as usize].into();
        let sum = &mut sums[code];
        sum[0] += f64::from(gradient[0]);
        sum[1] += f64::from(gradient[1]);
    }
}

/// Takes from a leaf's sums those of one part; the other part's remain.
pub(super) fn subtract(sums: &mut Histogram, part: &Histogram) {
    for (sum, part) in sums.iter_mut().zip(part) {
        sum[0] -= part[0];
        sum[1] -= part[1];
    }
}
