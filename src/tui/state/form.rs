//! A trigger form, made from a DAG's params: one field a param, checked while it is typed.

use serde_json::{Map, Value};
use tui_input::Input;

use crate::text;
use crate::types::DagId;
use crate::types::view::{DagDetailView, ParamProblem, TriggerPlan};

/// How a param is entered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// One of these, by ◂ ▸.
    Choice(Vec<Value>),
    Bool,
    Integer,
    Number,
    Text,
    /// Any JSON, on one line.
    Json,
}

/// One param.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) default: Option<Value>,
    pub(crate) description: String,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) step: f64,
    /// What is typed; of choices and bools what is chosen.
    pub(crate) input: Input,
    pub(crate) value: Option<Value>,
    /// `null` is a value of it: an empty text means that.
    may_be_null: bool,
}

/// What the daemon said of the form as it stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Check {
    #[default]
    Unchecked,
    Good(TriggerPlan),
    Problems(Vec<ParamProblem>),
    Failed(String),
}

/// The form of one DAG; kept when it is left, as a draft.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) dag_id: DagId,
    pub(crate) fields: Vec<Field>,
    /// A field; or, after the last, the button Trigger, then Cancel.
    pub(crate) focus: usize,
    pub(crate) check: Check,
    /// Fences answers to checks of an older state of the form.
    pub(crate) generation: u64,
    /// Trigger was pressed and not answered yet.
    pub(crate) is_sent: bool,
}

impl Form {
    /// Makes the form of `dag`, with `conf` over the defaults.
    pub(crate) fn new(dag: &DagDetailView, conf: Option<&Map<String, Value>>) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        let properties = dag.params_schema.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let default = dag.params.get(name).or_else(|| schema.get("default")).cloned();
            fields.push(Field::new(name, schema, default));
        }
        for (name, default) in &dag.params {
            if !fields.iter().any(|field| field.name == *name) {
                fields.push(Field::new(name, &Value::Null, Some(default.clone())));
            }
        }
        for (name, value) in conf.into_iter().flatten() {
            if let Some(field) = fields.iter_mut().find(|field| field.name == *name) {
                field.set(value.clone());
            }
        }
        Self {
            dag_id: dag.dag.dag_id.clone(),
            fields,
            focus: 0,
            check: Check::default(),
            generation: 0,
            is_sent: false,
        }
    }

    /// Returns what differs from the defaults, or why it cannot be read.
    pub(crate) fn conf(&self) -> Result<Map<String, Value>, (usize, String)> {
        let mut conf = Map::new();
        for (at, field) in self.fields.iter().enumerate() {
            let value = field.read().map_err(|problem| (at, problem))?;
            if let Some(value) = value
                && field.default.as_ref() != Some(&value)
            {
                conf.insert(field.name.clone(), value);
            }
        }
        Ok(conf)
    }

    /// Returns what is wrong with a field, by its own reading or the daemon's.
    pub(crate) fn problem(&self, at: usize) -> Option<String> {
        let field = self.fields.get(at)?;
        if let Err(problem) = field.read() {
            return Some(problem);
        }
        match &self.check {
            Check::Problems(problems) => {
                problems.iter().find(|p| p.param == field.name).map(|p| p.message.clone())
            }
            _ => None,
        }
    }

    /// Returns the first field with a problem.
    pub(crate) fn first_problem(&self) -> Option<usize> {
        (0..self.fields.len()).find(|at| self.problem(*at).is_some())
    }

    /// Returns the command that does the same.
    pub(crate) fn command(&self) -> String {
        let mut command = format!("dagdeck trigger {}", text::shell(self.dag_id.as_str()));
        for (name, value) in self.conf().unwrap_or_default() {
            let value = match &value {
                // A text that reads as JSON would be taken as such: it keeps its quotes.
                Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
                other => other.to_string(),
            };
            command.push_str(&format!(" -p {}", text::shell(&format!("{name}={value}"))));
        }
        command
    }

    /// Says whether the focus is on Trigger.
    pub(crate) fn is_on_trigger(&self) -> bool {
        self.focus == self.fields.len()
    }

    /// Says whether the focus is on Cancel.
    pub(crate) fn is_on_cancel(&self) -> bool {
        self.focus == self.fields.len() + 1
    }

    /// Moves the focus, round and round.
    pub(crate) fn move_focus(&mut self, backward: bool) {
        let stops = self.fields.len() + 2;
        self.focus = (self.focus + if backward { stops - 1 } else { 1 }) % stops;
    }
}

impl Field {
    /// Makes the field that a JSON Schema asks for.
    pub(crate) fn new(name: &str, schema: &Value, default: Option<Value>) -> Self {
        let types = type_names(schema);
        let may_be_null = types.contains(&"null");
        let kind = match schema.get("enum").and_then(Value::as_array) {
            Some(choices) if !choices.is_empty() => Kind::Choice(choices.clone()),
            _ => kind_of(types.iter().find(|name| **name != "null"), default.as_ref()),
        };
        let figure = |key: &str| schema.get(key).and_then(Value::as_f64);
        let word = |key: &str| schema.get(key).and_then(Value::as_str);
        let (minimum, maximum) = (figure("minimum"), figure("maximum"));
        let step = figure("multipleOf").unwrap_or(match (&kind, minimum, maximum) {
            (Kind::Number, Some(low), Some(high)) => (high - low) / 100.0,
            (Kind::Number, ..) => 0.1,
            _ => 1.0,
        });
        let mut field = Self {
            name: name.to_owned(),
            kind,
            default: default.clone(),
            description: text::clean(word("description").or(word("title")).unwrap_or_default()),
            minimum,
            maximum,
            step,
            input: Input::default(),
            value: None,
            may_be_null,
        };
        if let Some(default) = default {
            field.set(default);
        }
        field
    }

    /// Puts a value in.
    pub(crate) fn set(&mut self, value: Value) {
        let text = match (&self.kind, &value) {
            (Kind::Json, value) => value.to_string(),
            (_, Value::Null) => String::new(),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        };
        self.input = Input::new(text);
        self.value = Some(value);
    }

    /// Says whether text is typed into it.
    pub(crate) fn is_typed(&self) -> bool {
        !matches!(self.kind, Kind::Choice(_) | Kind::Bool)
    }

    /// Returns the value, `None` where none is given, or why the text is not one.
    pub(crate) fn read(&self) -> Result<Option<Value>, String> {
        let typed = self.input.value().trim();
        let parse = |what: &str| match serde_json::from_str::<Value>(typed) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(format!("is not {what}: {error}")),
        };
        if typed.is_empty() && !matches!(self.kind, Kind::Choice(_) | Kind::Bool) {
            return match (&self.kind, &self.default) {
                _ if self.may_be_null => Ok(Some(Value::Null)),
                (Kind::Text, Some(_)) => Ok(Some(Value::String(String::new()))),
                (_, None) => Ok(None),
                (_, Some(_)) => Err("needs a value".to_owned()),
            };
        }
        match self.kind {
            Kind::Choice(_) | Kind::Bool => Ok(self.value.clone()),
            Kind::Text => Ok(Some(Value::String(self.input.value().to_owned()))),
            Kind::Integer => typed
                .parse::<i64>()
                .map(|n| Some(n.into()))
                .map_err(|_| "is not a whole number".to_owned()),
            Kind::Number => match typed.parse::<f64>() {
                Ok(n) if n.is_finite() => self.number(typed, n),
                _ => Err("is not a number".to_owned()),
            },
            Kind::Json => parse("JSON"),
        }
    }

    /// Keeps `1` a whole number and `0.1` a fraction, as they would be in a file.
    fn number(&self, typed: &str, n: f64) -> Result<Option<Value>, String> {
        if let (Ok(whole), Some(Value::Number(default))) = (typed.parse::<i64>(), &self.default)
            && !default.is_f64()
        {
            return Ok(Some(whole.into()));
        }
        Ok(serde_json::Number::from_f64(n).map(Value::Number))
    }

    /// Says whether it differs from the default.
    pub(crate) fn is_changed(&self) -> bool {
        self.read().map_or(true, |value| value != self.default)
    }

    /// Goes to the next or previous choice, switches a bool, or steps a figure.
    pub(crate) fn step(&mut self, backward: bool) {
        match &self.kind {
            Kind::Choice(choices) => {
                let at = choices.iter().position(|choice| Some(choice) == self.value.as_ref());
                let len = choices.len();
                let next = match (at, backward) {
                    (None, _) => 0,
                    (Some(at), true) => (at + len - 1) % len,
                    (Some(at), false) => (at + 1) % len,
                };
                let choice = choices[next].clone();
                self.set(choice);
            }
            Kind::Bool => {
                let on = self.value.as_ref().and_then(Value::as_bool).unwrap_or(false);
                self.set(Value::Bool(!on));
            }
            Kind::Integer | Kind::Number => self.step_figure(backward),
            Kind::Text | Kind::Json => {}
        }
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

    /// Says what may be entered: `integer 0 … 200`.
    pub(crate) fn rule(&self) -> String {
        let name = match &self.kind {
            Kind::Choice(choices) => return format!("one of {}", choices.len()),
            Kind::Bool => "yes or no",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Text => "text",
            Kind::Json => "JSON",
        };
        match (self.minimum, self.maximum) {
            (Some(low), Some(high)) => {
                format!("{name} {} … {}", text::figure(low), text::figure(high))
            }
            (Some(low), None) => format!("{name} ≥ {}", text::figure(low)),
            (None, Some(high)) => format!("{name} up to {}", text::figure(high)),
            (None, None) => name.to_owned(),
        }
    }
}

fn type_names(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn kind_of(name: Option<&&str>, default: Option<&Value>) -> Kind {
    match (name.copied(), default) {
        (Some("boolean"), _) | (None, Some(Value::Bool(_))) => Kind::Bool,
        (Some("integer"), _) => Kind::Integer,
        (Some("number"), _) => Kind::Number,
        (Some("string"), _) | (None, Some(Value::String(_))) => Kind::Text,
        (None, Some(Value::Number(n))) => {
            if n.is_f64() {
                Kind::Number
            } else {
                Kind::Integer
            }
        }
        _ => Kind::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "reads better at the calls")]
    fn field(schema: Value, default: Value) -> Field {
        Field::new("p", &schema, Some(default))
    }

    #[test]
    fn each_type_of_a_schema_gets_its_way_of_entering() {
        let kind = |schema: Value| field(schema, Value::Null).kind;
        assert!(matches!(kind(json!({"enum": ["a", "b"]})), Kind::Choice(_)));
        assert_eq!(kind(json!({"type": "boolean"})), Kind::Bool);
        assert_eq!(kind(json!({"type": ["null", "integer"]})), Kind::Integer);
        assert_eq!(kind(json!({"type": "number"})), Kind::Number);
        assert_eq!(kind(json!({"type": "string"})), Kind::Text);
        assert_eq!(kind(json!({"type": "object"})), Kind::Json);
        assert_eq!(kind(json!({"type": "array"})), Kind::Json);
        assert_eq!(kind(json!({})), Kind::Json);
        assert_eq!(field(json!({}), json!(3)).kind, Kind::Integer);
    }

    #[test]
    fn choices_go_round_and_figures_stop_at_their_bounds() {
        let mut choice = field(json!({"enum": ["a", "b"]}), json!("a"));
        choice.step(false);
        assert_eq!(choice.read(), Ok(Some(json!("b"))));
        choice.step(false);
        assert_eq!(choice.read(), Ok(Some(json!("a"))));
        let mut trials = field(json!({"type": "integer", "minimum": 0, "maximum": 1}), json!(0));
        trials.step(true);
        assert_eq!(trials.read(), Ok(Some(json!(0))));
        trials.step(false);
        trials.step(false);
        assert_eq!(trials.read(), Ok(Some(json!(1))));
        let mut rate = field(json!({"type": "number"}), json!(0.0));
        for _ in 0..3 {
            rate.step(false);
        }
        assert_eq!(rate.input.value(), "0.3");
    }

    #[test]
    fn what_is_not_a_value_is_told_on_its_field() {
        let mut whole = field(json!({"type": "integer"}), json!(1));
        whole.input = Input::new("1.5".to_owned());
        assert_eq!(whole.read(), Err("is not a whole number".to_owned()));
        whole.input = Input::new(String::new());
        assert_eq!(whole.read(), Err("needs a value".to_owned()));
        let mut object = field(json!({"type": "object"}), json!({}));
        object.input = Input::new("{\"a\":".to_owned());
        assert!(object.read().unwrap_err().starts_with("is not JSON"));
        let mut number = field(json!({"type": "number"}), json!(1.0));
        number.input = Input::new("inf".to_owned());
        assert!(number.read().is_err());
    }

    #[test]
    fn null_is_given_by_leaving_a_nullable_field_empty() {
        let mut depth = field(json!({"type": ["integer", "null"]}), json!(3));
        depth.input = Input::new(String::new());
        assert_eq!(depth.read(), Ok(Some(Value::Null)));
        assert!(depth.is_changed());
    }
}
