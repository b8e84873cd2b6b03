//! A graph: nodes in the order in which they are computed, over numbered values.

use std::collections::HashMap;

use prost::Message;

use crate::OnnxError;
use crate::attribute::Attributes;
use crate::op::{self, Op};
use crate::proto::{GraphProto, ModelProto, NodeProto, ValueInfo};
use crate::tensor::{Kind, Tensor, kind};

/// A file larger than this is not a model of tables.
const BYTES_MAX: usize = 1 << 30;
const NODES_MAX: usize = 10_000;
/// The newest format that is known.
const IR_VERSION_MAX: i64 = 13;

/// What a graph takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub name: String,
    /// `None`: texts.
    pub kind: Option<Kind>,
    /// How many columns, where it is said.
    pub width: Option<usize>,
}

/// A model, ready to answer.
#[derive(Debug)]
pub struct Graph {
    inputs: Vec<Input>,
    /// The places of the inputs, and of what is answered.
    input_places: Vec<usize>,
    outputs: Vec<(String, usize)>,
    /// By place; `None` where a value is computed.
    constants: Vec<Option<Tensor>>,
    nodes: Vec<Node>,
    classes: Option<Vec<String>>,
}

#[derive(Debug)]
struct Node {
    name: String,
    operator: String,
    op: Box<dyn Op>,
    inputs: Vec<Option<usize>>,
    /// `None`: nobody asks for it.
    outputs: Vec<Option<usize>>,
}

impl Graph {
    /// Reads an ONNX file.
    pub fn read(bytes: &[u8]) -> Result<Self, OnnxError> {
        if bytes.len() > BYTES_MAX {
            return Err(OnnxError::Graph(format!("it is larger than {BYTES_MAX} bytes")));
        }
        let model =
            ModelProto::decode(bytes).map_err(|error| OnnxError::Format(error.to_string()))?;
        let graph = model.graph.ok_or_else(|| OnnxError::Format("it holds no graph".to_owned()))?;
        if model.ir_version > IR_VERSION_MAX {
            let found = model.ir_version;
            let what = format!("its format {found} is newer than is known ({IR_VERSION_MAX})");
            return Err(OnnxError::Graph(what));
        }
        Builder::default().build(&graph)
    }

    /// What it takes, in order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The names of what it answers, in order.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|(name, _)| name.as_str())
    }

    /// The classes in the order of their scores, where a node says them.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// Answers: a tensor for each input, then a tensor for each output.
    pub fn run(&self, given: Vec<Tensor>) -> Result<Vec<Tensor>, OnnxError> {
        if given.len() != self.inputs.len() {
            let (found, needed) = (given.len(), self.inputs.len());
            return Err(OnnxError::Graph(format!("{found} inputs where {needed} are needed")));
        }
        let mut values: Vec<Option<Tensor>> = vec![None; self.constants.len()];
        for (place, tensor) in self.input_places.iter().zip(given) {
            values[*place] = Some(tensor);
        }
        for node in &self.nodes {
            let find = |place: &Option<usize>| {
                place.and_then(|at| values[at].as_ref().or(self.constants[at].as_ref()))
            };
            let inputs: Vec<Option<&Tensor>> = node.inputs.iter().map(find).collect();
            let found = node.op.run(&inputs).map_err(|fault| node.fault(fault))?;
            for (place, tensor) in node.outputs.iter().zip(found) {
                if let Some(place) = place {
                    values[*place] = Some(tensor);
                }
            }
        }
        self.outputs
            .iter()
            .map(|(name, at)| {
                let found = values[*at].as_ref().or(self.constants[*at].as_ref()).cloned();
                found.ok_or_else(|| OnnxError::Graph(format!("output `{name}` was not computed")))
            })
            .collect()
    }
}

impl Node {
    fn fault(&self, fault: String) -> OnnxError {
        let (node, operator) = (self.name.clone(), self.operator.clone());
        OnnxError::Node { node, operator, fault }
    }
}

/// A graph on its way.
#[derive(Default)]
struct Builder {
    places: HashMap<String, usize>,
    constants: Vec<(usize, Tensor)>,
    classes: Option<Vec<String>>,
}

impl Builder {
    fn build(mut self, graph: &GraphProto) -> Result<Graph, OnnxError> {
        if graph.node.len() > NODES_MAX {
            return Err(OnnxError::Graph(format!("it has more than {NODES_MAX} nodes")));
        }
        for tensor in &graph.initializer {
            let place = self.define(&tensor.name)?;
            let read = Tensor::read(tensor).map_err(|fault| {
                OnnxError::Graph(format!("the initial value `{}`: {fault}", tensor.name))
            })?;
            self.constants.push((place, read));
        }
        // Old files name their initial values among the inputs.
        let given: Vec<&ValueInfo> =
            graph.input.iter().filter(|info| !self.places.contains_key(&info.name)).collect();
        let inputs: Vec<Input> = given.iter().map(|info| input(info)).collect::<Result<_, _>>()?;
        let input_places: Vec<usize> =
            given.iter().map(|info| self.define(&info.name)).collect::<Result<_, _>>()?;
        let nodes = graph.node.iter().map(|node| self.node(node)).collect::<Result<_, _>>()?;
        let outputs: Vec<(String, usize)> = graph
            .output
            .iter()
            .map(|info| Ok((info.name.clone(), self.place(&info.name)?)))
            .collect::<Result<_, OnnxError>>()?;
        if outputs.is_empty() || inputs.is_empty() {
            return Err(OnnxError::Graph("it takes or answers nothing".to_owned()));
        }
        let mut constants = vec![None; self.places.len()];
        for (place, tensor) in self.constants {
            constants[place] = Some(tensor);
        }
        Ok(Graph { inputs, input_places, outputs, nodes, constants, classes: self.classes })
    }

    fn node(&mut self, proto: &NodeProto) -> Result<Node, OnnxError> {
        let domain = match proto.domain.as_str() {
            "ai.onnx" => "",
            domain => domain,
        };
        let operator = match domain {
            "" => proto.op_type.clone(),
            domain => format!("{domain}.{}", proto.op_type),
        };
        let op = op::build(domain, &proto.op_type, Attributes::of(proto))
            .ok_or_else(|| OnnxError::UnknownOperator(operator.clone()))?
            .map_err(|fault| OnnxError::Node {
                node: proto.name.clone(),
                operator: operator.clone(),
                fault,
            })?;
        if let Some(classes) = op.classes() {
            // What comes last names them for people: a map of labels after a classifier.
            self.classes = Some(classes.to_vec());
        }
        // An input must have been computed before: so nothing goes in circles.
        let some = |name: &String| !name.is_empty();
        let inputs =
            proto.input.iter().map(|name| some(name).then(|| self.place(name)).transpose());
        let inputs = inputs.collect::<Result<_, _>>()?;
        let outputs = proto.output.iter();
        let outputs = outputs.map(|name| some(name).then(|| self.define(name)).transpose());
        let outputs = outputs.collect::<Result<_, _>>()?;
        Ok(Node { name: proto.name.clone(), operator, op, inputs, outputs })
    }

    fn place(&self, name: &str) -> Result<usize, OnnxError> {
        let missing = || OnnxError::Graph(format!("nothing computes `{name}` before it is needed"));
        self.places.get(name).copied().ok_or_else(missing)
    }

    fn define(&mut self, name: &str) -> Result<usize, OnnxError> {
        let place = self.places.len();
        match self.places.insert(name.to_owned(), place) {
            None => Ok(place),
            Some(_) => Err(OnnxError::Graph(format!("`{name}` is computed twice"))),
        }
    }
}

fn input(info: &ValueInfo) -> Result<Input, OnnxError> {
    let tensor = info.value_type.as_ref().and_then(|found| found.tensor.as_ref());
    let of = |fault: &str| OnnxError::Graph(format!("input `{}`: {fault}", info.name));
    let tensor = tensor.ok_or_else(|| of("it is no tensor"))?;
    let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    if dims.len() > 2 {
        return Err(of("it has more than two dimensions: only tables are answered"));
    }
    Ok(Input {
        name: info.name.clone(),
        kind: kind(tensor.elem_type).map_err(|fault| of(&fault))?,
        width: dims.get(1).and_then(|dim| usize::try_from(dim.dim_value).ok()).filter(|w| *w > 0),
    })
}
