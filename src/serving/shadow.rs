//! A version that gets copies of requests. It answers them on a thread of its own, after the client
//! was answered; its answers are compared with those that were given, and nobody gets them.

mod figures;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::ml::model::InputError;
use crate::ml::{Answers, Batch, Signature};
use crate::serving::lane::{Lane, Mouth};
use crate::serving::table::Loaded;
use crate::serving::tap::Seen;
use crate::types::serving::ShadowView;
use crate::types::time::instant;

use self::figures::{Compared, Figures};

/// A version with its copies.
pub(crate) struct Shadow {
    pub(crate) loaded: Arc<Loaded>,
    /// Of the model's requests, 1 to 100.
    pub(crate) percent: u8,
    figures: Arc<Figures>,
    /// `None` where no thread could be started: all copies are dropped then.
    lane: Option<Lane<Arc<Seen>>>,
}

impl Shadow {
    /// Starts its thread; it ends when nobody holds the shadow any more.
    pub(crate) fn start(loaded: Arc<Loaded>, percent: u8) -> Arc<Self> {
        let figures = Arc::new(Figures::default());
        let (own, kept) = (Arc::clone(&loaded), Arc::clone(&figures));
        let lane = Lane::start("shadow", move |mouth: Mouth<Arc<Seen>>| {
            while let Some(seen) = mouth.take() {
                kept.add(answer(&own, &seen), instant());
            }
        });
        if let Err(error) = &lane {
            tracing::error!(%error, model = loaded.model, "no thread for copies of requests");
        }
        Arc::new(Self { loaded, percent, figures, lane: lane.ok() })
    }

    /// Gives it a copy, where there is room.
    pub(crate) fn offer(&self, bytes: usize, seen: Arc<Seen>) {
        match &self.lane {
            Some(lane) => lane.offer(bytes, seen),
            None => self.figures.count_undelivered(),
        }
    }

    /// Tells how it does.
    pub(crate) fn view(&self) -> ShadowView {
        ShadowView {
            version: self.loaded.version,
            percent: self.percent,
            dropped: self.lane.as_ref().map_or(0, Lane::dropped) + self.figures.undelivered(),
            ..self.figures.view(instant())
        }
    }
}

/// Answers a copy and compares; `None` where it could not.
fn answer(own: &Loaded, seen: &Seen) -> (Option<Compared>, std::time::Duration) {
    let begin = instant();
    // A model that fails takes nothing but its own count with it.
    let answered = catch_unwind(AssertUnwindSafe(|| predict(own, seen)));
    let took = begin.elapsed();
    let compared = match answered {
        Ok(Ok(answers)) => Some(Compared::of(seen, own.predictor.classes(), &answers)),
        Ok(Err(error)) => {
            tracing::debug!(%error, version = own.version, "a copy was not answered");
            None
        }
        Err(_) => {
            tracing::error!(model = own.model, version = own.version, "a model failed on a copy");
            None
        }
    };
    (compared, took)
}

fn predict(own: &Loaded, seen: &Seen) -> Result<Answers, InputError> {
    let theirs = seen.loaded.predictor.signature();
    let signature = own.predictor.signature();
    if takes_the_same(signature, theirs) {
        return own.predictor.answer(&seen.batch);
    }
    // It may take the columns in another order, or less of them.
    let record = |row| {
        let mut record = seen.batch.record(theirs, row);
        record.retain(|name, _| signature.inputs.iter().any(|column| column.name == *name));
        serde_json::Value::Object(record)
    };
    let rows: Vec<_> = (0..seen.batch.rows()).map(record).collect();
    own.predictor.answer(&Batch::of_json(signature, &rows)?)
}

fn takes_the_same(own: &Signature, theirs: &Signature) -> bool {
    let alike = |(a, b): (&crate::ml::model::ColumnSpec, &crate::ml::model::ColumnSpec)| {
        a.name == b.name && a.data_type == b.data_type && (!a.required || b.required)
    };
    own.inputs.len() == theirs.inputs.len() && own.inputs.iter().zip(&theirs.inputs).all(alike)
}
