//! Hostile and broken files. What graphs of scikit-learn answer is compared with Python's answers
//! where models of other tools are tested.

use prost::Message;

use crate::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, Shape, TensorProto, TensorType,
    ValueInfo, ValueType,
};
use crate::{Graph, Kind, OnnxError, Tensor};

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: ints.to_vec(), ..Default::default() }
}

fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto { name: name.into(), floats: floats.to_vec(), ..Default::default() }
}

fn texts(name: &str, texts: &[&str]) -> AttributeProto {
    let strings = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    AttributeProto { name: name.into(), strings, ..Default::default() }
}

fn node(domain: &str, op: &str, input: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        input: vec![input.into()],
        output: vec!["out".into()],
        name: "n".into(),
        op_type: op.into(),
        domain: domain.into(),
        attribute,
    }
}

fn value(name: &str, width: i64) -> ValueInfo {
    let dim = vec![Dimension::default(), Dimension { dim_value: width, ..Default::default() }];
    let tensor = TensorType { elem_type: 1, shape: Some(Shape { dim }) };
    ValueInfo { name: name.into(), value_type: Some(ValueType { tensor: Some(tensor) }) }
}

/// A file of one node, from `in` to `out`.
fn file(nodes: Vec<NodeProto>, width: i64) -> Vec<u8> {
    let graph = GraphProto {
        node: nodes,
        name: String::new(),
        initializer: Vec::new(),
        input: vec![value("in", width)],
        output: vec![value("out", 1)],
    };
    ModelProto { ir_version: 10, graph: Some(graph), ..Default::default() }.encode_to_vec()
}

/// A stump: up to 0.5 it answers 1, else 2.
fn stump(change: impl FnOnce(&mut Vec<AttributeProto>)) -> NodeProto {
    let mut attributes = vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[1, 0, 0]),
        floats("nodes_values", &[0.5, 0.0, 0.0]),
        texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        ints("nodes_missing_value_tracks_true", &[1, 0, 0]),
        ints("target_treeids", &[0, 0]),
        ints("target_nodeids", &[1, 2]),
        ints("target_ids", &[0, 0]),
        floats("target_weights", &[1.0, 2.0]),
    ];
    change(&mut attributes);
    node("ai.onnx.ml", "TreeEnsembleRegressor", "in", attributes)
}

fn set(attributes: &mut [AttributeProto], with: AttributeProto) {
    let place = attributes.iter_mut().find(|attribute| attribute.name == with.name);
    *place.unwrap() = with;
}

fn answer(graph: &Graph, row: &[f64]) -> Result<Vec<f64>, OnnxError> {
    let tensor = Tensor::rows(Kind::Float, row.to_vec(), row.len()).unwrap();
    let answers = graph.run(vec![tensor])?;
    Ok(answers[0].as_numbers().unwrap().iter().copied().collect())
}

fn refusal(bytes: &[u8]) -> String {
    Graph::read(bytes).unwrap_err().to_string()
}

#[test]
fn a_tree_is_walked_and_what_is_missing_takes_the_way_that_it_says() {
    let graph = Graph::read(&file(vec![stump(|_| {})], 2)).unwrap();
    assert_eq!(answer(&graph, &[9.0, 0.5]).unwrap(), [1.0]);
    assert_eq!(answer(&graph, &[0.0, 0.6]).unwrap(), [2.0]);
    assert_eq!(answer(&graph, &[0.0, f64::NAN]).unwrap(), [1.0]);
    let fault = answer(&graph, &[0.0]).unwrap_err().to_string();
    assert!(fault.contains("1 columns where 2 are needed"), "{fault}");
}

#[test]
fn what_is_no_tree_is_refused_when_it_is_read() {
    let cases: [(AttributeProto, &str); 7] = [
        (ints("nodes_truenodeids", &[7, 0, 0]), "node 7 of tree 0 is missing"),
        (ints("nodes_truenodeids", &[0, 0, 0]), "its nodes are no trees"),
        (ints("nodes_truenodeids", &[2, 0, 0]), "its nodes are no trees"),
        (ints("nodes_nodeids", &[0, 1, 1]), "not each one of a tree"),
        (floats("nodes_values", &[0.5]), "lists of"),
        (ints("target_ids", &[0, 9]), "score 9 of 1"),
        (texts("nodes_modes", &["BRANCH_MEMBER", "LEAF", "LEAF"]), "`BRANCH_MEMBER` are not known"),
    ];
    for (with, says) in cases {
        let fault = refusal(&file(vec![stump(|attributes| set(attributes, with))], 2));
        assert!(fault.contains(says), "{fault}");
    }
}

#[test]
fn a_file_that_is_cut_is_refused_wherever_it_is_cut() {
    let whole = file(vec![stump(|_| {})], 2);
    for length in 0..whole.len() {
        assert!(Graph::read(&whole[..length]).is_err(), "cut at {length}");
    }
    assert!(refusal(b"<html>").contains("not an ONNX file"), "{}", refusal(b"<html>"));
}

#[test]
fn a_file_from_the_future_and_operators_that_are_not_known_are_named() {
    let newer =
        ModelProto { ir_version: 99, graph: Some(GraphProto::default()), ..Default::default() }
            .encode_to_vec();
    assert!(refusal(&newer).contains("its format 99 is newer"), "{}", refusal(&newer));
    let conv = file(vec![node("", "Conv", "in", Vec::new())], 2);
    assert_eq!(refusal(&conv), "operator `Conv` is not known here");
    let own = file(vec![node("com.acme", "Scaler", "in", Vec::new())], 2);
    assert_eq!(refusal(&own), "operator `com.acme.Scaler` is not known here");
}

#[test]
fn nothing_goes_in_circles_and_nothing_is_computed_twice() {
    let circle = file(vec![node("", "Identity", "out", Vec::new())], 2);
    assert!(refusal(&circle).contains("nothing computes `out` before it is needed"));
    let one = || node("", "Identity", "in", Vec::new());
    assert!(refusal(&file(vec![one(), one()], 2)).contains("`out` is computed twice"));
}

#[test]
fn shapes_that_do_not_fit_are_an_error_and_not_a_panic() {
    let tensor = |dims: &[i64], values: &[f32]| TensorProto {
        dims: dims.to_vec(),
        data_type: 1,
        float_data: values.to_vec(),
        name: "w".into(),
        ..Default::default()
    };
    let with = |op: &str, weights: TensorProto| {
        let mut product = node("", op, "in", Vec::new());
        product.input.push("w".into());
        let graph = GraphProto {
            name: String::new(),
            node: vec![product],
            initializer: vec![weights],
            input: vec![value("in", 2)],
            output: vec![value("out", 1)],
        };
        ModelProto { ir_version: 10, graph: Some(graph), ..Default::default() }.encode_to_vec()
    };
    for op in ["MatMul", "Gemm", "Add", "Reshape", "Gather", "Squeeze", "Where", "Concat"] {
        let graph = Graph::read(&with(op, tensor(&[3], &[5.0, 7.0, 11.0]))).unwrap();
        assert!(answer(&graph, &[1.0, 2.0]).is_err(), "{op}");
    }
    let short = with("Add", tensor(&[2, 1 << 40], &[1.0]));
    assert!(refusal(&short).contains("1 values for the shape"), "{}", refusal(&short));
    let negative = with("Add", tensor(&[-1], &[1.0]));
    assert!(refusal(&negative).contains("a dimension of -1"));
    let elsewhere = with("Add", TensorProto { data_location: 1, ..tensor(&[1], &[]) });
    assert!(refusal(&elsewhere).contains("lies in another file"));
}
