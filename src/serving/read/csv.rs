//! Rows in CSV, the names of the columns in the first line.

use crate::ml::Signature;
use crate::ml::batch::{Batch, Builder, Given, Rules};
use crate::serving::refusal::{Refusal, Refused};

/// Reads a table.
pub(crate) fn rows(body: &[u8], signature: &Signature, rules: Rules) -> Result<Batch, Refused> {
    let mut builder = Builder::new(signature, rules);
    read(body, &mut builder).map_err(Refused::unread)?;
    builder.finish().map_err(|faults| Refused::by_version(&faults))
}

fn read(body: &[u8], builder: &mut Builder<'_>) -> Result<(), Refusal> {
    let mut reader = csv::ReaderBuilder::new().from_reader(body);
    let header = reader.headers().map_err(|error| broken(&error))?;
    let mut places: Vec<Option<usize>> = Vec::with_capacity(header.len());
    for (nth, name) in header.iter().enumerate() {
        // Of pandas's index, which has no name, and other columns nothing is known.
        let place = if name.is_empty() { None } else { builder.column(0, nth, name) };
        if place.is_some() && places.contains(&place) {
            return Err(Refusal::bad_request(format!("the header names `{name}` twice")));
        }
        places.push(place);
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| broken(&error))? {
        builder.add_rows(1).map_err(|fault| Refusal::of_input(&fault))?;
        let row = builder.rows() - 1;
        for (field, place) in record.iter().zip(&places) {
            if let Some(column) = *place {
                builder.set(row, column, Given::of_text(field, builder.data_type(column)));
            }
        }
    }
    match builder.rows() {
        0 => Err(Refusal::bad_request("the CSV holds no rows below its header")),
        _ => Ok(()),
    }
}

fn broken(error: &csv::Error) -> Refusal {
    Refusal::bad_request(format!("the CSV is broken: {error}"))
}
