//! Pipelines that are exported as ONNX, as scikit-learn's are by skl2onnx.

use dagdeck_onnx::{Graph, Input, Kind, Tensor};

use super::{Engine, ForeignError, Read, column, number};
use crate::batch::Batch;
use crate::model::{ColumnSpec, DataType};
use crate::preprocess::Cell;

/// Reads a file.
pub(super) fn read(bytes: &[u8]) -> Result<Read, ForeignError> {
    let fault = |fault: String| ForeignError::Format { format: "ONNX", fault };
    let graph = Graph::read(bytes).map_err(|error| fault(error.to_string()))?;
    let spans = spans(graph.inputs()).map_err(fault)?;
    let columns = columns(graph.inputs(), &spans);
    let (answer, classes) = meaning(&graph, &spans, columns.len()).map_err(fault)?;
    Ok(Read { engine: Box::new(Pipeline { graph, spans, answer }), columns, classes })
}

/// How many columns each input takes, in their order.
fn spans(inputs: &[Input]) -> Result<Vec<usize>, String> {
    let width = |input: &Input| match input.width {
        Some(width) => Ok(width),
        // A list of one value a row.
        None if inputs.len() > 1 => Ok(1),
        None => Err(format!("input `{}` does not say how many columns it takes", input.name)),
    };
    inputs.iter().map(width).collect()
}

/// Inputs of one column bear its name; the columns of a matrix have none.
fn columns(inputs: &[Input], spans: &[usize]) -> Vec<ColumnSpec> {
    let mut columns = Vec::new();
    for (input, span) in inputs.iter().zip(spans) {
        for _ in 0..*span {
            let name = match span {
                1 if inputs.len() > 1 => input.name.clone(),
                _ => format!("f{}", columns.len()),
            };
            let data_type = match input.kind {
                None => DataType::String,
                Some(Kind::Float | Kind::Double) => DataType::Double,
                Some(Kind::Int) => DataType::Long,
                Some(Kind::Bool) => DataType::Boolean,
            };
            // Only a fraction can be missing: there is a NaN for it.
            let required = data_type != DataType::Double;
            columns.push(ColumnSpec { data_type, required, ..column(name) });
        }
    }
    columns
}

/// Which output is the answer.
#[derive(Debug, Clone, Copy)]
struct Answer {
    output: usize,
    /// How many numbers it has a row.
    width: usize,
}

/// Asks the graph once to see what it answers; returns the classes, where those are meant.
fn meaning(
    graph: &Graph,
    spans: &[usize],
    columns: usize,
) -> Result<(Answer, Vec<String>), String> {
    let blank = tensors(graph, spans, &Batch::of_zeros(columns));
    let outputs = graph.run(blank).map_err(|error| error.to_string())?;
    let width = |tensor: &Tensor| tensor.shape().iter().product::<usize>();
    if let Some(classes) = graph.classes() {
        let scores = |tensor: &Tensor| {
            let fraction = matches!(tensor, Tensor::Numbers(Kind::Float | Kind::Double, _));
            fraction && width(tensor) == classes.len()
        };
        let output = outputs.iter().position(scores).ok_or_else(|| {
            format!("no output has a number for each of its {} classes", classes.len())
        })?;
        return Ok((Answer { output, width: classes.len() }, classes.to_vec()));
    }
    match &outputs[..] {
        [one @ Tensor::Numbers(..)] if width(one) == 1 => {
            Ok((Answer { output: 0, width: 1 }, Vec::new()))
        }
        [one] => {
            Err(format!("it answers a row with the shape {:?}, and names no classes", one.shape()))
        }
        several => Err(format!("it has {} outputs, and names no classes", several.len())),
    }
}

fn tensors(graph: &Graph, spans: &[usize], batch: &Batch) -> Vec<Tensor> {
    let mut from = 0;
    let mut tensors = Vec::with_capacity(spans.len());
    for (input, span) in graph.inputs().iter().zip(spans) {
        let cells = (0..batch.rows()).flat_map(|row| batch.part(row, from, *span));
        let tensor = match input.kind {
            Some(kind) => Tensor::rows(kind, cells.map(number).collect(), *span),
            None => Tensor::texts(cells.map(text).collect(), *span),
        };
        tensors.extend(tensor);
        from += span;
    }
    tensors
}

fn text(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => text.to_owned(),
        Cell::Number(_) | Cell::Boolean(_) | Cell::Date(_) | Cell::Missing => String::new(),
    }
}

#[derive(Debug)]
struct Pipeline {
    graph: Graph,
    spans: Vec<usize>,
    answer: Answer,
}

impl Engine for Pipeline {
    fn answer(&self, batch: &Batch) -> Result<Vec<f64>, String> {
        let Answer { output, width } = self.answer;
        let outputs = self.graph.run(tensors(&self.graph, &self.spans, batch));
        let outputs = outputs.map_err(|error| error.to_string())?;
        let answers = outputs.get(output).and_then(Tensor::as_numbers);
        let answers: Vec<f64> = answers.ok_or("its answer is no number")?.iter().copied().collect();
        if answers.len() != batch.rows() * width {
            return Err(format!("{} numbers for {} rows", answers.len(), batch.rows()));
        }
        Ok(answers)
    }
}
