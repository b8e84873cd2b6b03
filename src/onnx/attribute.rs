//! The attributes of a node.

use crate::proto::{AttributeProto, NodeProto};
use crate::tensor::{Tensor, text};

/// A node's attributes, by name.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    node: &'a NodeProto,
}

impl<'a> Attributes<'a> {
    pub(crate) fn of(node: &'a NodeProto) -> Self {
        Self { node }
    }

    fn get(&self, name: &str) -> Option<&'a AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |attribute| attribute.i)
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> f64 {
        f64::from(self.get(name).map_or(default, |attribute| attribute.f))
    }

    pub(crate) fn text(&self, name: &str, default: &str) -> String {
        self.get(name).map_or_else(|| default.to_owned(), |attribute| text(&attribute.s))
    }

    pub(crate) fn ints(&self, name: &str) -> &'a [i64] {
        self.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let all = self.get(name).map_or(&[][..], |attribute| &attribute.strings);
        all.iter().map(|bytes| text(bytes)).collect()
    }

    /// Floats, or the doubles that stand under `name_as_tensor` in their place.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f64>, String> {
        match self.tensor(&format!("{name}_as_tensor"))? {
            Some(Tensor::Numbers(_, values)) => Ok(values.into_iter().collect()),
            Some(Tensor::Texts(_)) => Err(format!("`{name}_as_tensor` holds texts")),
            None => {
                let all = self.get(name).map_or(&[][..], |attribute| &attribute.floats);
                Ok(all.iter().map(|value| f64::from(*value)).collect())
            }
        }
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<Option<Tensor>, String> {
        self.get(name).and_then(|attribute| attribute.t.as_ref()).map(Tensor::read).transpose()
    }
}
