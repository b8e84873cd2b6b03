//! `>= 0.8`: a comparison with a bound, as gates and roll-out strategies write it.

use std::fmt;

use serde_json::Value;

/// How a figure is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
    Unequal,
}

impl Sign {
    /// Longer signs first: `>=` begins with `>`.
    const ALL: [(Self, &'static str); 7] = [
        (Self::AtLeast, ">="),
        (Self::AtMost, "<="),
        (Self::Unequal, "!="),
        (Self::Equal, "=="),
        (Self::Above, ">"),
        (Self::Below, "<"),
        (Self::Equal, "="),
    ];

    fn text(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
            Self::Equal => "=",
            Self::Unequal => "!=",
        }
    }

    /// Returns what holds where this does not.
    fn opposite(self) -> Self {
        match self {
            Self::AtLeast => Self::Below,
            Self::Above => Self::AtMost,
            Self::AtMost => Self::Above,
            Self::Below => Self::AtLeast,
            Self::Equal => Self::Unequal,
            Self::Unequal => Self::Equal,
        }
    }
}

/// A bound that a figure meets or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Condition {
    sign: Sign,
    bound: f64,
}

impl Condition {
    /// Reads `>= 0.8`; a bare number is taken as `>=`. `None`: it is neither.
    pub(super) fn parse(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Number(number) => {
                return Some(Self { sign: Sign::AtLeast, bound: number.as_f64()? });
            }
            Value::String(text) => text.trim(),
            _ => return None,
        };
        let signed = Sign::ALL
            .iter()
            .find_map(|(sign, written)| text.strip_prefix(written).map(|rest| (*sign, rest)));
        let (sign, bound) = signed.unwrap_or((Sign::AtLeast, text));
        let bound = bound.trim().parse().ok().filter(|bound: &f64| bound.is_finite())?;
        Some(Self { sign, bound })
    }

    /// Says whether `figure` meets it. A figure that is not a number meets nothing.
    pub(super) fn holds(self, figure: f64) -> bool {
        let Self { sign, bound } = self;
        match sign {
            Sign::AtLeast => figure >= bound,
            Sign::Above => figure > bound,
            Sign::AtMost => figure <= bound,
            Sign::Below => figure < bound,
            #[allow(clippy::float_cmp, reason = "`=` is what was asked for")]
            Sign::Equal => figure == bound,
            #[allow(clippy::float_cmp, reason = "`!=` is what was asked for")]
            Sign::Unequal => !figure.is_nan() && figure != bound,
        }
    }

    /// Says what a figure does that fails: `0.71 < 0.8`.
    pub(super) fn failing(self, figure: f64) -> String {
        let sign = if figure.is_nan() { "is not" } else { self.sign.opposite().text() };
        format!("{} {sign} {}", number(figure), number(self.bound))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sign.text(), number(self.bound))
    }
}

/// Writes a figure with at most four places.
pub(super) fn number(figure: f64) -> String {
    let text = format!("{figure:.4}");
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(text: &str) -> Condition {
        Condition::parse(&json!(text)).unwrap()
    }

    #[test]
    fn every_sign_is_read_and_written() {
        for text in [">= 0.8", "> 0.8", "<= 0.8", "< 0.8", "= 0.8", "!= 0.8"] {
            assert_eq!(condition(text).to_string(), text);
        }
        assert_eq!(condition("==-0.01").to_string(), "= -0.01");
        assert_eq!(Condition::parse(&json!(0.5)).unwrap().to_string(), ">= 0.5");
        assert_eq!(condition("0.5").to_string(), ">= 0.5");
        for wrong in [json!("~ 1"), json!(">= much"), json!(""), json!(null), json!(">= nan")] {
            assert_eq!(Condition::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bounds_hold_or_not() {
        assert!(condition(">= 0.8").holds(0.8));
        assert!(!condition("> 0.8").holds(0.8));
        assert!(condition("<= 1").holds(1.0));
        assert!(!condition("< 1").holds(1.0));
        assert!(condition("= 2").holds(2.0));
        assert!(!condition("!= 2").holds(2.0));
        assert!(!condition("!= 2").holds(f64::NAN));
        assert!(!condition(">= 0").holds(f64::NAN));
    }

    #[test]
    fn a_failing_figure_is_told_with_the_opposite_sign() {
        assert_eq!(condition(">= 0.8").failing(0.71), "0.71 < 0.8");
        assert_eq!(condition("> 0.01").failing(0.01), "0.01 <= 0.01");
        assert_eq!(condition(">= 0").failing(f64::NAN), "NaN is not 0");
        assert_eq!(number(-0.000_01), "0");
        assert_eq!(number(120.0), "120");
    }
}
