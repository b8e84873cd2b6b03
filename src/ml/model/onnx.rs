//! A model with its preprocessing as an ONNX file, for programs that know nothing of dagdeck.

use dagdeck_onnx::{Attribute, Element, Writer};

use super::Fitted;
use crate::dag::spec::LearningTask;

/// Writes the file; says why where that cannot be.
///
/// Its inputs are the raw columns by their names, each `[rows, 1]`: `double`, `int64` (whole numbers
/// without gaps), `bool`, `string`. A missing number is NaN, a missing text is empty. Its outputs are
/// `label` (`string`, `[rows]`) and `probabilities` (`double`, `[rows, classes]`, the classes in the order
/// of the signature), or `value` (`double`, `[rows, 1]`).
pub(super) fn write(fitted: &Fitted) -> Result<Vec<u8>, String> {
    let mut to = Writer::new(fitted.family.name);
    let rows = fitted.preprocess.onnx(&fitted.signature.inputs, &mut to)?;
    let outputs = fitted.classes.len().max(1);
    let name = fitted.family.name;
    let answers = fitted.estimator.onnx(&rows, outputs, &mut to);
    let answers = answers.ok_or_else(|| format!("ONNX has no operators for `{name}`"))?;
    match fitted.task {
        LearningTask::Regression => to.output(&answers, "value", Element::Double, &[1]),
        LearningTask::Classification => {
            let along = vec![Attribute::int("axis", 1), Attribute::int("keepdims", 0)];
            let best = to.node(("", "ArgMax"), &[&answers], along);
            let names = to.texts(fitted.classes.iter().map(String::as_str));
            let label = to.node(("", "Gather"), &[&names, &best], Vec::new());
            to.output(&label, "label", Element::Text, &[]);
            to.output(&answers, "probabilities", Element::Double, &[outputs]);
        }
    }
    Ok(to.finish(("dagdeck", env!("CARGO_PKG_VERSION"))))
}
