//! How clients speak: each protocol reads a body into a batch and writes answers in its own way.

pub(crate) mod infer;
pub(crate) mod invocations;
pub(crate) mod rows;

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};

use crate::ml::batch::Rules;
use crate::ml::{Answers, Batch};
use crate::serving::refusal::Refused;
use crate::serving::table::Loaded;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A protocol of predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Our own, which BentoML's clients speak too.
    Rows,
    /// MLflow's scoring.
    Invocations,
    /// The Open Inference Protocol, version 2.
    Infer,
}

/// What was asked, read.
pub(crate) struct Asked {
    pub(crate) batch: Batch,
    form: Form,
}

/// How the answers are to be written.
enum Form {
    Rows,
    Invocations(invocations::Form),
    Infer(infer::Form),
}

/// What is sent back.
pub(crate) struct Reply {
    pub(crate) content_type: HeaderValue,
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    fn json(body: Vec<u8>) -> Self {
        Self { content_type: JSON, header: None, body }
    }
}

impl Protocol {
    /// Reads a request for a version.
    pub(crate) fn read(
        self,
        headers: &HeaderMap,
        body: &Bytes,
        loaded: &Loaded,
        rules: Rules,
    ) -> Result<Asked, Refused> {
        let predictor = &*loaded.predictor;
        match self {
            Self::Rows => {
                let batch = rows::read(body, predictor.signature(), rules)?;
                Ok(Asked { batch, form: Form::Rows })
            }
            Self::Invocations => {
                let (batch, form) = invocations::read(headers, body, predictor, rules)?;
                Ok(Asked { batch, form: Form::Invocations(form) })
            }
            Self::Infer => {
                let (batch, form) = infer::read(headers, body, predictor, rules)?;
                Ok(Asked { batch, form: Form::Infer(form) })
            }
        }
    }
}

impl Asked {
    /// Answers; returns what to send, and the answers themselves.
    pub(crate) fn answer(&self, loaded: &Loaded) -> Result<(Reply, Answers), Refused> {
        let answers = loaded
            .predictor
            .answer(&self.batch)
            .map_err(|fault| Refused::by_version(std::slice::from_ref(&fault)))?;
        loaded.drift.count(&self.batch, &answers);
        Ok((self.write(loaded, &answers), answers))
    }

    fn write(&self, loaded: &Loaded, answers: &Answers) -> Reply {
        match &self.form {
            Form::Rows => Reply::json(rows::write(&loaded.names, answers)),
            Form::Invocations(form) => Reply::json(form.write(&*loaded.predictor, answers)),
            Form::Infer(form) => form.write(loaded, answers),
        }
    }
}
