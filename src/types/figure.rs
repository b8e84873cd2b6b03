//! Metrics on the wire: JSON has no NaN and no infinity, so these are texts, as in proto JSON
//! and MLflow: `"NaN"`, `"Infinity"`, `"-Infinity"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that need not be finite.
#[derive(Debug, Clone, Copy)]
struct Figure(f64);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(Self(value)),
            Written::Text(text) => match text.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                _ => Err(serde::de::Error::custom(format!("`{text}` is not a number"))),
            },
        }
    }
}

/// Of one value.
pub mod single {
    use super::{Deserialize, Deserializer, Figure, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Figure(*value).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Figure::deserialize(deserializer).map(|figure| figure.0)
    }
}

/// Of lists of (key, value).
pub mod pairs {
    use super::{Deserialize, Deserializer, Figure, Serialize, Serializer};

    pub fn serialize<S: Serializer>(
        list: &[(String, f64)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let list: Vec<(&str, Figure)> =
            list.iter().map(|(key, value)| (key.as_str(), Figure(*value))).collect();
        list.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, f64)>, D::Error> {
        let list = Vec::<(String, Figure)>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|(key, value)| (key, value.0)).collect())
    }
}

/// Of lists of (key, before, after).
pub mod before_after {
    use super::{Deserialize, Deserializer, Figure, Serialize, Serializer};

    type Line = (String, Option<f64>, Option<f64>);

    pub fn serialize<S: Serializer>(list: &[Line], serializer: S) -> Result<S::Ok, S::Error> {
        let list: Vec<(&str, Option<Figure>, Option<Figure>)> = list
            .iter()
            .map(|(key, before, after)| (key.as_str(), before.map(Figure), after.map(Figure)))
            .collect();
        list.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Line>, D::Error> {
        let list = Vec::<(String, Option<Figure>, Option<Figure>)>::deserialize(deserializer)?;
        let plain = |figure: Option<Figure>| figure.map(|figure| figure.0);
        Ok(list.into_iter().map(|(key, b, a)| (key, plain(b), plain(a))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Wire {
        #[serde(with = "pairs")]
        metrics: Vec<(String, f64)>,
        #[serde(with = "before_after")]
        plan: Vec<(String, Option<f64>, Option<f64>)>,
    }

    #[test]
    fn figures_that_json_lacks_survive_the_wire() {
        let values = [0.5, 3.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let metrics = values.iter().map(|value| ("m".to_owned(), *value)).collect();
        let plan = values.iter().map(|value| ("m".to_owned(), None, Some(*value))).collect();
        let text = serde_json::to_string(&Wire { metrics, plan }).unwrap();
        assert!(text.contains(r#"["m",0.5],["m",3.0],["m","NaN"],["m","Infinity"]"#), "{text}");
        let back: Wire = serde_json::from_str(&text).unwrap();
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(back.metrics.into_iter().map(|m| m.1).collect()), bits(values.to_vec()));
        assert!(back.plan.iter().all(|(_, before, after)| before.is_none() && after.is_some()));
    }

    #[test]
    fn a_text_that_is_no_number_is_refused() {
        assert!(serde_json::from_str::<Wire>(r#"{"metrics":[["m","x"]],"plan":[]}"#).is_err());
        assert!(serde_json::from_str::<Wire>(r#"{"metrics":[["m",1]],"plan":[]}"#).is_ok());
    }
}
