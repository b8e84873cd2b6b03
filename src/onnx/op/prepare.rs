//! What prepares columns: scales, fills, encodes, joins.

use std::collections::HashMap;

use ndarray::{ArrayD, Axis, IxDyn, concatenate};

use super::classes::Classes;
use super::shape::Identity;
use super::{Built, Op, boxed, input, ints, numbers, table};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};

pub(super) fn build(name: &str, attributes: Attributes<'_>) -> Option<Built> {
    Some(match name {
        "Scaler" => scaler(attributes),
        "Imputer" => imputer(attributes),
        "Normalizer" => normalizer(attributes),
        "Binarizer" => boxed(Binarizer { threshold: attributes.float("threshold", 0.0) }),
        "OneHotEncoder" => one_hot(attributes),
        "LabelEncoder" => label_encoder(attributes),
        "FeatureVectorizer" => boxed(FeatureVectorizer),
        "ArrayFeatureExtractor" => boxed(ArrayFeatureExtractor),
        "ZipMap" => Classes::read(attributes).map(|classes| Box::new(ZipMap(classes)) as _),
        _ => return None,
    })
}

/// Names scores for people; the scores are what is passed on.
#[derive(Debug)]
struct ZipMap(Classes);

impl Op for ZipMap {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        Identity.run(inputs)
    }

    fn classes(&self) -> Option<&[String]> {
        Some(self.0.names())
    }
}

fn scaler(attributes: Attributes<'_>) -> Built {
    boxed(Scaler { offset: attributes.floats("offset")?, scale: attributes.floats("scale")? })
}

/// One value for all columns, or one each.
fn of_column(values: &[f64], column: usize, none: f64) -> Result<f64, String> {
    match values {
        [] => Ok(none),
        [one] => Ok(*one),
        all => all.get(column).copied().ok_or_else(|| format!("column {column} of {}", all.len())),
    }
}

#[derive(Debug)]
struct Scaler {
    offset: Vec<f64>,
    scale: Vec<f64>,
}

impl Op for Scaler {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let mut rows = table(numbers(inputs, 0)?.1)?.to_owned();
        for (at, mut column) in rows.columns_mut().into_iter().enumerate() {
            let offset = of_column(&self.offset, at, 0.0)?;
            let scale = of_column(&self.scale, at, 1.0)?;
            column.mapv_inplace(|value| (value - offset) * scale);
        }
        Ok(vec![Tensor::numbers(Kind::Float, rows.into_dyn())])
    }
}

fn imputer(attributes: Attributes<'_>) -> Built {
    let whole = attributes.ints("imputed_value_int64s");
    let fill = match whole.is_empty() {
        true => attributes.floats("imputed_value_floats")?,
        false => whole.iter().map(|value| *value as f64).collect(),
    };
    let replaced = match whole.is_empty() {
        true => attributes.float("replaced_value_float", 0.0),
        false => attributes.int("replaced_value_int64", 0) as f64,
    };
    boxed(Imputer { fill, replaced })
}

#[derive(Debug)]
struct Imputer {
    fill: Vec<f64>,
    replaced: f64,
}

impl Op for Imputer {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (kind, values) = numbers(inputs, 0)?;
        let mut rows = table(values)?.to_owned();
        for (at, mut column) in rows.columns_mut().into_iter().enumerate() {
            let fill = of_column(&self.fill, at, 0.0)?;
            let goes =
                |value: f64| value == self.replaced || (value.is_nan() && self.replaced.is_nan());
            column.mapv_inplace(|value| if goes(value) { fill } else { value });
        }
        Ok(vec![Tensor::numbers(kind, rows.into_dyn())])
    }
}

fn normalizer(attributes: Attributes<'_>) -> Built {
    let norm: fn(&[f64]) -> f64 = match attributes.text("norm", "MAX").as_str() {
        "MAX" => |row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "L1" => |row| row.iter().map(|value| value.abs()).sum(),
        "L2" => |row| row.iter().map(|value| value * value).sum::<f64>().sqrt(),
        other => return Err(format!("the norm `{other}` is not known here")),
    };
    boxed(Normalizer { norm })
}

#[derive(Debug)]
struct Normalizer {
    norm: fn(&[f64]) -> f64,
}

impl Op for Normalizer {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let mut rows = table(numbers(inputs, 0)?.1)?.to_owned();
        for mut row in rows.rows_mut() {
            let norm = (self.norm)(&row.to_vec());
            // What is nothing stays nothing.
            if norm != 0.0 {
                row.mapv_inplace(|value| value / norm);
            }
        }
        Ok(vec![Tensor::Numbers(Kind::Float, rows.into_dyn())])
    }
}

#[derive(Debug)]
struct Binarizer {
    threshold: f64,
}

impl Op for Binarizer {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (kind, values) = numbers(inputs, 0)?;
        let found = values.mapv(|value| f64::from(u8::from(value > self.threshold)));
        Ok(vec![Tensor::numbers(kind, found)])
    }
}

/// A value, as categories and labels are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Text(String),
    /// The bits, of which a missing number has always the same.
    Number(u64),
}

impl Key {
    fn number(value: f64) -> Self {
        Self::Number(if value.is_nan() { f64::NAN } else { value + 0.0 }.to_bits())
    }
}

fn keys(tensor: &Tensor) -> Vec<Key> {
    match tensor {
        Tensor::Numbers(_, values) => values.iter().map(|value| Key::number(*value)).collect(),
        Tensor::Texts(values) => values.iter().map(|text| Key::Text(text.clone())).collect(),
    }
}

/// The keys that the attributes list: texts, whole numbers, or others.
fn listed(attributes: Attributes<'_>, names: [&str; 3]) -> Result<Vec<Key>, String> {
    let [texts, whole, others] = names;
    let mut keys: Vec<Key> = attributes.texts(texts).into_iter().map(Key::Text).collect();
    keys.extend(attributes.ints(whole).iter().map(|value| Key::number(*value as f64)));
    keys.extend(attributes.floats(others)?.into_iter().map(Key::number));
    Ok(keys)
}

fn one_hot(attributes: Attributes<'_>) -> Built {
    let listed = listed(attributes, ["cats_strings", "cats_int64s", ""])?;
    let places: HashMap<Key, usize> = listed.into_iter().zip(0..).collect();
    boxed(OneHotEncoder { places, zeros: attributes.int("zeros", 1) != 0 })
}

#[derive(Debug)]
struct OneHotEncoder {
    places: HashMap<Key, usize>,
    /// What is not known sets no indicator; else it is an error.
    zeros: bool,
}

impl Op for OneHotEncoder {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let width = self.places.len();
        let mut found = Vec::with_capacity(values.shape().iter().product::<usize>() * width);
        for key in keys(values) {
            let from = found.len();
            found.resize(from + width, 0.0);
            match self.places.get(&key) {
                Some(at) => found[from + at] = 1.0,
                None if self.zeros => {}
                None => return Err(format!("the category {key:?} is not known")),
            }
        }
        let shape = [values.shape(), &[width]].concat();
        let found = ArrayD::from_shape_vec(IxDyn(&shape), found);
        Ok(vec![Tensor::numbers(Kind::Float, found.map_err(|error| error.to_string())?)])
    }
}

fn label_encoder(attributes: Attributes<'_>) -> Built {
    let keys = listed(attributes, ["keys_strings", "keys_int64s", "keys_floats"])?;
    let values = listed(attributes, ["values_strings", "values_int64s", "values_floats"])?;
    if keys.len() != values.len() || keys.is_empty() {
        return Err(format!("{} keys and {} values", keys.len(), values.len()));
    }
    let default = match values.first() {
        Some(Key::Text(_)) => Key::Text(attributes.text("default_string", "_Unused")),
        _ if attributes.ints("values_int64s").is_empty() => {
            Key::number(attributes.float("default_float", -0.0))
        }
        _ => Key::number(attributes.int("default_int64", -1) as f64),
    };
    let kind = match attributes.ints("values_int64s").is_empty() {
        true => Kind::Float,
        false => Kind::Int,
    };
    boxed(LabelEncoder { values: keys.into_iter().zip(values).collect(), default, kind })
}

#[derive(Debug)]
struct LabelEncoder {
    values: HashMap<Key, Key>,
    default: Key,
    kind: Kind,
}

impl Op for LabelEncoder {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let given = input(inputs, 0)?;
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for key in keys(given) {
            match self.values.get(&key).unwrap_or(&self.default) {
                Key::Text(text) => texts.push(text.clone()),
                Key::Number(bits) => numbers.push(f64::from_bits(*bits)),
            }
        }
        let shape = IxDyn(given.shape());
        let found = match texts.is_empty() {
            true => ArrayD::from_shape_vec(shape, numbers)
                .map(|values| Tensor::numbers(self.kind, values)),
            false => ArrayD::from_shape_vec(shape, texts).map(Tensor::Texts),
        };
        Ok(vec![found.map_err(|error| error.to_string())?])
    }
}

#[derive(Debug)]
struct FeatureVectorizer;

impl Op for FeatureVectorizer {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let tables = (0..inputs.len()).map(|at| table(numbers(inputs, at)?.1));
        let tables: Vec<_> = tables.collect::<Result<_, _>>()?;
        let joined = concatenate(Axis(1), &tables).map_err(|error| error.to_string())?;
        Ok(vec![Tensor::numbers(Kind::Float, joined.into_dyn())])
    }
}

/// Takes some of the last dimension.
#[derive(Debug)]
struct ArrayFeatureExtractor;

impl Op for ArrayFeatureExtractor {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let places = ints(inputs, 1)?.ok_or("its input 1 is missing")?;
        let width = values.shape().last().copied().unwrap_or(0);
        let places = places.iter().map(|at| {
            let at = usize::try_from(*at).ok().filter(|at| *at < width);
            at.ok_or_else(|| format!("a column beyond the {width}"))
        });
        let places: Vec<usize> = places.collect::<Result<_, _>>()?;
        // A list comes back as one row, as it does elsewhere.
        Ok(vec![match values {
            Tensor::Numbers(kind, values) => Tensor::Numbers(*kind, pick(values, &places)),
            Tensor::Texts(values) => Tensor::Texts(pick(values, &places)),
        }])
    }
}

fn pick<T: Clone>(values: &ArrayD<T>, places: &[usize]) -> ArrayD<T> {
    let last = Axis(values.ndim().saturating_sub(1));
    let found = values.select(last, places);
    if found.ndim() == 1 { found.insert_axis(Axis(0)) } else { found }
}
