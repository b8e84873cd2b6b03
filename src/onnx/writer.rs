//! Puts a graph together and writes it as a file: the other direction.
//!
//! Values are named by whoever makes them: [`Writer::node`] and the constants return a [`Value`] to
//! hand on.

use prost::Message;

use crate::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSet, Shape, TensorProto,
    TensorType, ValueInfo, ValueType,
};
use crate::tensor::{BOOL, DOUBLE, FLOAT, INT64, STRING};

/// The format, and the sets of operators, that every runtime of the last years reads.
const IR_VERSION: i64 = 8;
const OPERATORS: [(&str, i64); 2] = [("", 17), ("ai.onnx.ml", 3)];

/// `AttributeProto.type`.
const OF_FLOAT: i32 = 1;
const OF_INT: i32 = 2;
const OF_TEXT: i32 = 3;
const OF_TENSOR: i32 = 4;
const OF_INTS: i32 = 7;
const OF_TEXTS: i32 = 8;

/// What the elements of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Float,
    Double,
    Int,
    Bool,
    Text,
}

impl Element {
    fn number(self) -> i32 {
        match self {
            Self::Float => FLOAT,
            Self::Double => DOUBLE,
            Self::Int => INT64,
            Self::Bool => BOOL,
            Self::Text => STRING,
        }
    }
}

/// A value of the graph, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(String);

/// An attribute of a node.
#[derive(Debug)]
pub struct Attribute(AttributeProto);

impl Attribute {
    fn named(name: &str, kind: i32) -> AttributeProto {
        AttributeProto { name: name.to_owned(), kind, ..AttributeProto::default() }
    }

    pub fn int(name: &str, i: i64) -> Self {
        Self(AttributeProto { i, ..Self::named(name, OF_INT) })
    }

    pub fn float(name: &str, f: f32) -> Self {
        Self(AttributeProto { f, ..Self::named(name, OF_FLOAT) })
    }

    pub fn text(name: &str, text: &str) -> Self {
        Self(AttributeProto { s: text.as_bytes().to_vec(), ..Self::named(name, OF_TEXT) })
    }

    pub fn ints(name: &str, ints: Vec<i64>) -> Self {
        Self(AttributeProto { ints, ..Self::named(name, OF_INTS) })
    }

    pub fn texts<'a>(name: &str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let strings = texts.into_iter().map(|text| text.as_bytes().to_vec()).collect();
        Self(AttributeProto { strings, ..Self::named(name, OF_TEXTS) })
    }

    /// A list of numbers, as `f64`.
    pub fn doubles(name: &str, values: Vec<f64>) -> Self {
        let tensor = numbers(Element::Double, &[values.len()], values);
        Self(AttributeProto { t: Some(tensor), ..Self::named(name, OF_TENSOR) })
    }
}

/// A graph in the making.
#[derive(Debug, Default)]
pub struct Writer {
    graph: GraphProto,
    values: usize,
}

impl Writer {
    pub fn new(name: &str) -> Self {
        let graph = GraphProto { name: name.to_owned(), ..GraphProto::default() };
        Self { graph, values: 0 }
    }

    /// Declares an input of so many columns, and as many rows as there are.
    pub fn input(&mut self, name: &str, element: Element, width: usize) -> Value {
        self.graph.input.push(declared(name, element, &[width]));
        Value(name.to_owned())
    }

    /// Declares that a value is answered under a name; `widths`: its dimensions beyond the rows.
    pub fn output(&mut self, value: &Value, name: &str, element: Element, widths: &[usize]) {
        let node = NodeProto {
            input: vec![value.0.clone()],
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: "Identity".to_owned(),
            ..NodeProto::default()
        };
        self.graph.node.push(node);
        self.graph.output.push(declared(name, element, widths));
    }

    /// Adds numbers that stay as they are, as `f64`.
    pub fn doubles(&mut self, shape: &[usize], values: Vec<f64>) -> Value {
        self.constant(numbers(Element::Double, shape, values))
    }

    /// Adds whole numbers that stay as they are.
    pub fn ints(&mut self, values: &[i64]) -> Value {
        self.constant(TensorProto {
            dims: vec![length(values.len())],
            data_type: INT64,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        })
    }

    /// Adds `rows · weights + start`; the weights are rows by `width`, one row for each column of
    /// `rows`.
    pub fn line(
        &mut self,
        rows: &Value,
        (weights, width): (Vec<f64>, usize),
        start: Vec<f64>,
    ) -> Value {
        let weights = self.doubles(&[weights.len() / width.max(1), width], weights);
        let start = self.doubles(&[1, width], start);
        let product = self.node(("", "MatMul"), &[rows, &weights], Vec::new());
        self.node(("", "Add"), &[&product, &start], Vec::new())
    }

    /// Adds texts that stay as they are.
    pub fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> Value {
        let string_data: Vec<Vec<u8>> =
            texts.into_iter().map(|text| text.as_bytes().to_vec()).collect();
        self.constant(TensorProto {
            dims: vec![length(string_data.len())],
            data_type: STRING,
            string_data,
            ..TensorProto::default()
        })
    }

    /// Adds a node with one output, which it returns.
    pub fn node(
        &mut self,
        (domain, operator): (&str, &str),
        inputs: &[&Value],
        attributes: Vec<Attribute>,
    ) -> Value {
        let output = self.name();
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: vec![output.clone()],
            name: format!("{operator}_{output}"),
            op_type: operator.to_owned(),
            domain: domain.to_owned(),
            attribute: attributes.into_iter().map(|attribute| attribute.0).collect(),
        });
        Value(output)
    }

    /// Changes what the elements of a value are.
    pub fn cast(&mut self, value: &Value, element: Element) -> Value {
        let to = Attribute::int("to", i64::from(element.number()));
        self.node(("", "Cast"), &[value], vec![to])
    }

    /// Adds the softmax of each row.
    pub fn softmax(&mut self, rows: &Value) -> Value {
        self.node(("", "Softmax"), &[rows], vec![Attribute::int("axis", 1)])
    }

    /// Writes the file; `producer` is the program and its version.
    pub fn finish(self, (name, version): (&str, &str)) -> Vec<u8> {
        let set = |(domain, version): (&str, i64)| OperatorSet { domain: domain.into(), version };
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: name.to_owned(),
            producer_version: version.to_owned(),
            graph: Some(self.graph),
            opset_import: OPERATORS.map(set).to_vec(),
        };
        model.encode_to_vec()
    }

    fn constant(&mut self, tensor: TensorProto) -> Value {
        let name = self.name();
        self.graph.initializer.push(TensorProto { name: name.clone(), ..tensor });
        Value(name)
    }

    fn name(&mut self) -> String {
        self.values += 1;
        format!("v{}", self.values)
    }
}

fn length(length: usize) -> i64 {
    i64::try_from(length).expect("what is in memory can be counted")
}

fn numbers(element: Element, shape: &[usize], double_data: Vec<f64>) -> TensorProto {
    TensorProto {
        dims: shape.iter().copied().map(length).collect(),
        data_type: element.number(),
        double_data,
        ..TensorProto::default()
    }
}

fn declared(name: &str, element: Element, widths: &[usize]) -> ValueInfo {
    let rows = Dimension { dim_value: 0, dim_param: "rows".to_owned() };
    let fixed = |width: &usize| Dimension { dim_value: length(*width), dim_param: String::new() };
    let dim = std::iter::once(rows).chain(widths.iter().map(fixed)).collect();
    let tensor = TensorType { elem_type: element.number(), shape: Some(Shape { dim }) };
    let value_type = Some(ValueType { tensor: Some(tensor) });
    ValueInfo { name: name.to_owned(), value_type }
}
