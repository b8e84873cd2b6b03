//! Block after block: read, answered on all cores, written in order.

use std::ops::Range;

use rayon::prelude::*;

use super::block::Block;
use super::input::Input;
use super::target::{Target, Writing};
use crate::connection::{closest, did_you_mean};
use crate::ml::batch::{Builder, Rules};
use crate::ml::model::InputError;
use crate::ml::{Answers, Predictor, Signature};
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::extract::BadRow;

/// Rows that are in memory at once.
const BLOCK_ROWS: usize = 16_384;
/// Rows that one thread answers at a time.
const PART_ROWS: usize = 1_024;
/// After so many rows it is told how far it has come.
const TELL_EVERY: u64 = 1_000_000;

/// Rows of a block, as far as they fit, with their answers.
pub(super) struct Part {
    /// Their places in the block.
    pub(super) kept: Vec<usize>,
    pub(super) answers: Answers,
    /// As they are written to a file.
    pub(super) text: Vec<u8>,
    bad: Vec<(usize, String)>,
}

/// Answers all rows; `bad` is asked what to do of each that does not fit. Returns how many were
/// answered.
pub(super) fn score(
    model: &dyn Predictor,
    input: &mut Input,
    target: &mut Target,
    bad: &mut dyn FnMut(&BadRow<'_>) -> Result<(), OperatorError>,
    tell: &mut dyn FnMut(u64),
) -> Result<u64, OperatorError> {
    let places = places(model.signature(), input.names())?;
    let writing = Writing::new(input.names(), model.classes(), target.format())?;
    target.begin(&writing)?;
    let mut done = 0;
    loop {
        let block = input.read(BLOCK_ROWS)?;
        if block.len() == 0 {
            return Ok(done);
        }
        let starts = (0..block.len()).step_by(PART_ROWS).collect::<Vec<_>>();
        let parts: Vec<Result<Part, OperatorError>> = starts
            .into_par_iter()
            .map(|start| {
                let rows = start..(start + PART_ROWS).min(block.len());
                part(model, &places, &block, rows, &writing)
            })
            .collect();
        for part in parts {
            let part = part?;
            for (row, reason) in &part.bad {
                let raw = || block.row(*row).iter().map(|held| block.shown(*held).into_owned());
                bad(&BadRow {
                    source: input.source(),
                    unit: input.unit(),
                    position: block.positions[*row],
                    raw: raw().collect(),
                    reason,
                })?;
            }
            target.put(&writing, &block, &part)?;
            let before = done / TELL_EVERY;
            done += part.kept.len() as u64;
            if done / TELL_EVERY > before {
                tell(done);
            }
        }
    }
}

/// Finds where the model's columns stand, in its order.
fn places(signature: &Signature, names: &[String]) -> Result<Vec<Option<usize>>, OperatorError> {
    let place = |name: &str| names.iter().position(|known| known == name);
    signature
        .inputs
        .iter()
        .map(|column| match place(&column.name) {
            None if column.required => {
                let meant = closest(&column.name, names.iter().map(String::as_str));
                Err(OperatorError::fatal(format!(
                    "the input has no column `{}`, which the model takes{} (it has {})",
                    column.name,
                    did_you_mean(meant.as_deref()),
                    names.join(", ")
                )))
            }
            place => Ok(place),
        })
        .collect()
}

fn part(
    model: &dyn Predictor,
    places: &[Option<usize>],
    block: &Block,
    rows: Range<usize>,
    writing: &Writing,
) -> Result<Part, OperatorError> {
    let readable =
        |row: &usize| block.unreadable.binary_search_by_key(row, |(place, _)| *place).is_err();
    let unreadable = block.unreadable.iter().filter(|(place, _)| rows.contains(place)).cloned();
    let mut bad: Vec<(usize, String)> = unreadable.collect();
    let mut kept: Vec<usize> = rows.filter(readable).collect();
    let answers = match answer(model, places, block, &kept) {
        Ok(answers) => answers,
        // One row, or some, does not fit: each is tried alone.
        Err(InputError::Model { fault }) => return Err(OperatorError::fatal(fault)),
        Err(_) => {
            kept.retain(|row| match answer(model, places, block, &[*row]) {
                Ok(_) => true,
                Err(fault) => {
                    bad.push((*row, fault.what()));
                    false
                }
            });
            bad.sort_by_key(|(row, _)| *row);
            answer(model, places, block, &kept)
                .map_err(|fault| OperatorError::fatal(fault.to_string()))?
        }
    };
    let text = writing.text(block, &kept, &answers);
    Ok(Part { kept, answers, text, bad })
}

fn answer(
    model: &dyn Predictor,
    places: &[Option<usize>],
    block: &Block,
    rows: &[usize],
) -> Result<Answers, InputError> {
    let mut builder = Builder::new(model.signature(), Rules::default());
    builder.add_rows(rows.len())?;
    for (at, row) in rows.iter().enumerate() {
        let cells = block.row(*row);
        for (column, place) in places.iter().enumerate() {
            if let Some(place) = *place {
                let data_type = builder.data_type(column);
                builder.set(at, column, block.given(cells[place], data_type));
            }
        }
    }
    let batch = builder.finish().map_err(|mut faults| faults.swap_remove(0))?;
    model.answer(&batch)
}
