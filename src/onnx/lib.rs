//! Reads and writes ONNX graphs, and answers rows by them, as scikit-learn's models are exported: the operators of
//! `ai.onnx.ml` and those of `ai.onnx` that pipelines of tables are made of.
//!
//! ```text
//! bytes ─proto─► nodes ─op─► Graph ──run──► tensors
//! Writer ─proto─► bytes
//! ```
//! A graph is checked when it is read: what it does not know is refused then, with its name, and
//! not when somebody asks. Numbers are held as `f64`; a tensor of floats holds what fits into an
//! `f32`, so that a value falls on the same side of a tree's threshold as it does elsewhere.

mod attribute;
mod graph;
mod op;
mod proto;
mod tensor;
#[cfg(test)]
mod tests;
mod trees;
mod writer;

pub use graph::{Graph, Input};
pub use tensor::{Kind, Tensor};
pub use trees::{Branch, Test, Trees};
pub use writer::{Attribute, Element, Value, Writer};

/// What keeps a graph from being read or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    #[error("it is not an ONNX file: {0}")]
    Format(String),
    #[error("operator `{0}` is not known here")]
    UnknownOperator(String),
    #[error("node `{node}` ({operator}): {fault}")]
    Node { node: String, operator: String, fault: String },
    #[error("{0}")]
    Graph(String),
}
