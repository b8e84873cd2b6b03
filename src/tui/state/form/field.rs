//! One param of a form: what it may be, what is typed, what that means.

use serde_json::Value;
use tui_input::Input;

use crate::state::form::date;
use crate::state::form::kind::{self, Kind};
use crate::text;
use crate::types::Timestamp;

/// One param.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) default: Option<Value>,
    pub(crate) description: String,
    /// The heading that it stands under.
    pub(crate) section: String,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) step: f64,
    pub(crate) max_length: Option<usize>,
    pattern: Option<String>,
    min_items: Option<u64>,
    /// What the schema suggests beside what it allows.
    pub(crate) examples: Vec<Value>,
    /// What choices are called, where they are not called by their values.
    labels: Vec<String>,
    /// What is typed; of choices and bools what is chosen.
    pub(crate) input: Input,
    pub(crate) value: Option<Value>,
    /// Where in a set the cursor stands; which of the tabs is open.
    pub(crate) at: usize,
    /// What a day counted from now comes to.
    counted: Option<String>,
    /// Somebody has typed here: what is missing is told only then.
    pub(crate) is_touched: bool,
    /// `null` is a value of it: an empty text means that.
    may_be_null: bool,
    /// It follows the tab above it.
    pub(crate) is_below_tabs: bool,
}

impl Field {
    /// Makes the field that a JSON Schema asks for.
    pub(crate) fn new(name: &str, schema: &Value, default: Option<Value>) -> Self {
        let (kind, labels) = kind::kind_of(schema, default.as_ref());
        let figure = |key: &str| schema.get(key).and_then(Value::as_f64);
        let count = |key: &str| schema.get(key).and_then(Value::as_u64);
        let word = |key: &str| schema.get(key).and_then(Value::as_str);
        let (minimum, maximum) = (figure("minimum"), figure("maximum"));
        let step = figure("multipleOf").unwrap_or(match (&kind, minimum, maximum) {
            (Kind::Number, Some(low), Some(high)) => (high - low) / 100.0,
            (Kind::Number, ..) => 0.1,
            // Of a short range every whole number must be within reach.
            (_, Some(low), Some(high)) if high - low > 1000.0 => ((high - low) / 100.0).round(),
            _ => 1.0,
        });
        let about: Vec<&str> = [word("title"), word("description")].into_iter().flatten().collect();
        let mut field = Self {
            name: name.to_owned(),
            kind,
            default: default.clone(),
            description: text::clean(&about.join(": ")),
            section: text::clean(word("section").unwrap_or_default()),
            minimum,
            maximum,
            step,
            max_length: count("maxLength").and_then(|n| usize::try_from(n).ok()),
            pattern: word("pattern").map(str::to_owned),
            min_items: count("minItems"),
            examples: schema.get("examples").and_then(Value::as_array).cloned().unwrap_or_default(),
            labels,
            input: Input::default(),
            value: None,
            at: 0,
            counted: None,
            is_touched: false,
            may_be_null: kind::type_names(schema).contains(&"null"),
            is_below_tabs: false,
        };
        if let (Kind::Tabs(schemas), Some(default)) = (&field.kind, &default) {
            field.at = schemas.iter().position(|one| kind::may_fit(one, default)).unwrap_or(0);
        }
        if let Some(default) = default {
            field.set(default);
        }
        field
    }

    /// Puts a value in.
    pub(crate) fn set(&mut self, value: Value) {
        let text = match (&self.kind, &value) {
            (Kind::Json | Kind::Set(_), value) => value.to_string(),
            (_, Value::Null) => String::new(),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        };
        self.input = Input::new(text);
        self.value = Some(value);
        self.counted = None;
    }

    /// Says whether text is typed into it.
    pub(crate) const fn is_typed(&self) -> bool {
        !matches!(self.kind, Kind::Choice(_) | Kind::Bool | Kind::Set(_) | Kind::Tabs(_))
    }

    /// Says whether it must be given: it has no default and no way to be left out.
    pub(crate) const fn is_required(&self) -> bool {
        self.default.is_none() && !self.may_be_null && !matches!(self.kind, Kind::Tabs(_))
    }

    /// Returns the value, `None` where none is given, or why the text is not one.
    pub(crate) fn read(&self) -> Result<Option<Value>, String> {
        let typed = self.input.value().trim();
        if !self.is_typed() {
            return Ok(self.value.clone());
        }
        if typed.is_empty() {
            return match (&self.kind, &self.default) {
                _ if self.may_be_null => Ok(Some(Value::Null)),
                (Kind::Text | Kind::Secret, Some(_)) => Ok(Some(Value::String(String::new()))),
                (_, None) => Ok(None),
                (_, Some(_)) => Err("needs a value".to_owned()),
            };
        }
        let text = |text: &str| Ok(Some(Value::String(text.to_owned())));
        // What stands there from the default is right as it is, however it is written.
        let is_default = |text: &str| self.default.as_ref().and_then(Value::as_str) == Some(text);
        match self.kind {
            Kind::Text | Kind::Secret => text(self.input.value()),
            Kind::Date | Kind::DateTime if is_default(typed) => text(typed),
            Kind::Date => match self.counted.clone().or_else(|| date::day(typed, None)) {
                Some(day) => text(&day),
                None => Err("is no day: write 2026-03-02, today or now-1d".to_owned()),
            },
            Kind::DateTime => match self.counted.clone().or_else(|| date::instant(typed, None)) {
                Some(at) => text(&at),
                None => Err("is no instant: write 2026-03-02T09:00Z or now-1h".to_owned()),
            },
            Kind::Integer => typed
                .parse::<i64>()
                .map(|n| Some(n.into()))
                .map_err(|_| "is not a whole number".to_owned()),
            Kind::Number => match typed.parse::<f64>() {
                Ok(n) if n.is_finite() => Ok(self.number(typed, n)),
                _ => Err("is not a number".to_owned()),
            },
            Kind::Json | Kind::Choice(_) | Kind::Bool | Kind::Set(_) | Kind::Tabs(_) => {
                let read = serde_json::from_str::<Value>(typed);
                read.map(Some).map_err(|error| format!("is not JSON: {error}"))
            }
        }
    }

    /// Keeps `1` a whole number and `0.1` a fraction, as they would be in a file.
    fn number(&self, typed: &str, n: f64) -> Option<Value> {
        if let (Ok(whole), Some(Value::Number(default))) = (typed.parse::<i64>(), &self.default)
            && !default.is_f64()
        {
            return Some(whole.into());
        }
        serde_json::Number::from_f64(n).map(Value::Number)
    }

    /// Says whether it differs from the default.
    pub(crate) fn is_changed(&self) -> bool {
        !matches!(self.kind, Kind::Tabs(_))
            && self.read().map_or(true, |value| value != self.default)
    }

    /// Works out days that are counted from `now`.
    pub(crate) fn count_from(&mut self, now: Timestamp) {
        let typed = self.input.value();
        self.counted = match self.kind {
            Kind::Date => date::counted(typed, now).and_then(|_| date::day(typed, Some(now))),
            Kind::DateTime => {
                date::counted(typed, now).and_then(|_| date::instant(typed, Some(now)))
            }
            _ => None,
        };
    }

    /// Writes out what was counted from now, when the field is left.
    pub(crate) fn settle(&mut self) {
        if let Some(counted) = self.counted.take() {
            self.input = Input::new(counted);
        }
    }

    /// Returns what a day counted from now comes to.
    pub(crate) fn counted(&self) -> Option<&str> {
        self.counted.as_deref()
    }

    /// Moves a day by days or months.
    pub(crate) fn move_date(&mut self, by: (i64, i64), now: Timestamp) {
        let has_time = self.kind == Kind::DateTime;
        if let Some(moved) = date::moved(self.input.value(), by, now, has_time) {
            self.input = Input::new(moved);
            self.counted = None;
        }
    }

    /// Goes to the next or previous choice, switches a bool, or steps a figure.
    pub(crate) fn step(&mut self, backward: bool) {
        match &self.kind {
            Kind::Choice(choices) => {
                let at = choices.iter().position(|choice| Some(choice) == self.value.as_ref());
                let next = at.map_or(0, |at| round(at, choices.len(), backward));
                let choice = choices[next].clone();
                self.set(choice);
            }
            Kind::Set(choices) => self.at = round(self.at, choices.len(), backward),
            Kind::Tabs(schemas) => self.at = round(self.at, schemas.len(), backward),
            Kind::Bool => {
                let on = self.value.as_ref().and_then(Value::as_bool).unwrap_or(false);
                self.set(Value::Bool(!on));
            }
            Kind::Integer | Kind::Number => self.step_figure(backward),
            Kind::Text | Kind::Secret | Kind::Json | Kind::Date | Kind::DateTime => {}
        }
    }

    /// Puts the choice under a set's cursor in, or takes it out; what is in keeps the order of the
    /// choices.
    pub(crate) fn toggle(&mut self) {
        let Kind::Set(choices) = &self.kind else { return };
        let Some(here) = choices.get(self.at) else { return };
        let is_in = |choice: &Value| self.has(choice) != (choice == here);
        let chosen: Vec<Value> = choices.iter().filter(|choice| is_in(choice)).cloned().collect();
        self.set(Value::Array(chosen));
    }

    /// Says whether a choice is in the set.
    pub(crate) fn has(&self, choice: &Value) -> bool {
        self.value.as_ref().and_then(Value::as_array).is_some_and(|all| all.contains(choice))
    }

    fn step_figure(&mut self, backward: bool) {
        let now = self.input.value().trim().parse::<f64>().unwrap_or(self.minimum.unwrap_or(0.0));
        let next = if backward { now - self.step } else { now + self.step };
        let next = next
            .max(self.minimum.unwrap_or(f64::NEG_INFINITY))
            .min(self.maximum.unwrap_or(f64::INFINITY));
        let text = if self.kind == Kind::Integer {
            format!("{next:.0}")
        } else {
            // Rounded, so that ten steps of 0.1 make 1 and not 0.9999999999999999.
            format!("{}", (next * 1e9).round() / 1e9)
        };
        self.input = Input::new(text);
    }

    /// Returns how far a figure is from its least to its most value.
    pub(crate) fn share(&self) -> Option<f64> {
        let (low, high) = self.minimum.zip(self.maximum).filter(|(low, high)| low < high)?;
        let now: f64 = self.input.value().trim().parse().ok()?;
        Some(((now - low) / (high - low)).clamp(0.0, 1.0))
    }

    /// Returns what a value is called here.
    pub(crate) fn label(&self, value: &Value) -> String {
        if let Kind::Choice(choices) = &self.kind
            && let Some(at) = choices.iter().position(|choice| choice == value)
            && let Some(label) = self.labels.get(at)
        {
            return label.clone();
        }
        plain(value)
    }

    /// Returns the names of the tabs.
    pub(crate) fn tabs(&self) -> &[String] {
        &self.labels
    }

    /// Says what may be entered: `integer 0 … 200`.
    pub(crate) fn rule(&self) -> String {
        let name = match &self.kind {
            Kind::Choice(choices) => return format!("one of {}", choices.len()),
            Kind::Tabs(schemas) => return format!("one of {} ways", schemas.len()),
            Kind::Set(choices) => {
                return match self.min_items {
                    Some(least) => format!("any of {}, at least {least}", choices.len()),
                    None => format!("any of {}", choices.len()),
                };
            }
            Kind::Bool => "yes or no",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Text => return self.text_rule("text"),
            Kind::Secret => return self.text_rule("secret"),
            Kind::Date => "day",
            Kind::DateTime => "instant",
            Kind::Json => "JSON",
        };
        let name = if self.may_be_null { format!("{name} or empty") } else { name.to_owned() };
        match (self.minimum, self.maximum) {
            (Some(low), Some(high)) => {
                format!("{name} {} … {}", text::figure(low), text::figure(high))
            }
            (Some(low), None) => format!("{name} ≥ {}", text::figure(low)),
            (None, Some(high)) => format!("{name} up to {}", text::figure(high)),
            (None, None) => name,
        }
    }

    fn text_rule(&self, name: &str) -> String {
        let mut rule = name.to_owned();
        if let Some(most) = self.max_length {
            rule.push_str(&format!(" {}/{most}", self.input.value().chars().count()));
        }
        if let Some(pattern) = &self.pattern {
            rule.push_str(&format!(" like {}", text::clean(pattern)));
        }
        rule
    }
}

/// Writes a value as people do: a text without its quotes.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn round(at: usize, len: usize, backward: bool) -> usize {
    (at + if backward { len - 1 } else { 1 }) % len.max(1)
}

#[cfg(test)]
mod tests;
