//! A trigger form, made from a DAG's params: one field a param, checked while it is typed.

use serde_json::{Map, Value};

use crate::text;
use crate::types::view::{DagDetailView, ParamProblem, TriggerPlan};
use crate::types::{DagId, Timestamp};

pub(crate) mod date;
pub(crate) mod field;
pub(crate) mod kind;
pub(crate) mod list;

pub(crate) use field::{Field, plain};
pub(crate) use kind::Kind;
pub(crate) use list::{Editor, List, Pick};

/// Places of the fields below `Advanced`.
pub(crate) const RUN_ID: usize = 0;
pub(crate) const LOGICAL_DATE: usize = 1;
pub(crate) const NOTE: usize = 2;
pub(crate) const PARTITION_KEY: usize = 3;
/// The options of the command that stand for what is advanced.
const OPTIONS: [(usize, &str); 4] = [
    (RUN_ID, "run-id"),
    (LOGICAL_DATE, "logical-date"),
    (NOTE, "note"),
    (PARTITION_KEY, "partition-key"),
];

/// What the daemon said of the form as it stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Check {
    #[default]
    Unchecked,
    Good(TriggerPlan),
    Problems(Vec<ParamProblem>),
    Failed(String),
}

/// Where the focus can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Field(usize),
    /// The line that opens and closes what is advanced.
    Advanced,
    AdvancedField(usize),
    Trigger,
    Cancel,
}

/// What lies over the form.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one at a time")]
pub(crate) enum Over {
    List(List),
    Editor(Editor),
}

/// The form of one DAG; kept when it is left, as a draft.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) dag_id: DagId,
    pub(crate) fields: Vec<Field>,
    /// The run's id, its logical date, a note.
    pub(crate) advanced: Vec<Field>,
    pub(crate) is_open: bool,
    pub(crate) focus: Stop,
    pub(crate) over: Option<Over>,
    pub(crate) check: Check,
    /// What the daemon said of the run's id.
    pub(crate) id_problem: Option<String>,
    /// Fences answers to checks of an older state of the form.
    pub(crate) generation: u64,
    /// Trigger was pressed and not answered yet.
    pub(crate) is_sent: bool,
    /// Trigger was pressed once: from then on what is missing is told everywhere.
    pub(crate) was_tried: bool,
    /// When something was last changed in it.
    pub(crate) edited_at: Option<Timestamp>,
}

impl Form {
    /// Makes the form of `dag`, with `conf` over the defaults.
    pub(crate) fn new(dag: &DagDetailView, conf: Option<&Map<String, Value>>) -> Self {
        let mut form = Self {
            dag_id: dag.dag.dag_id.clone(),
            fields: fields(dag),
            advanced: advanced(),
            is_open: false,
            focus: Stop::Trigger,
            over: None,
            check: Check::default(),
            id_problem: None,
            generation: 0,
            is_sent: false,
            was_tried: false,
            edited_at: None,
        };
        form.focus = form.stops()[0];
        if let Some(conf) = conf {
            form.lay_over(conf);
        }
        form
    }

    /// Puts values in, each into its field; names without one are left out.
    fn lay_over(&mut self, conf: &Map<String, Value>) {
        for (name, value) in conf {
            for at in 0..self.fields.len() {
                if self.fields[at].name == *name {
                    self.put(at, value.clone());
                }
            }
        }
    }

    /// Puts the defaults in, and a conf over them.
    pub(crate) fn reset(&mut self, conf: &Map<String, Value>) {
        for at in 0..self.fields.len() {
            match self.fields[at].default.clone() {
                Some(default) => self.put(at, default),
                None => {
                    self.fields[at].input = tui_input::Input::default();
                    self.fields[at].value = None;
                }
            }
        }
        self.lay_over(conf);
    }

    /// Puts a value into a field; into tabs, by opening the one that it fits.
    pub(crate) fn put(&mut self, at: usize, value: Value) {
        let Some(field) = self.fields.get_mut(at) else { return };
        if let Kind::Tabs(schemas) = &field.kind {
            let fitting = schemas.iter().position(|schema| kind::may_fit(schema, &value));
            field.at = fitting.unwrap_or(field.at);
            self.turn(at);
        } else {
            field.set(value);
        }
    }

    /// Makes the field below tabs the one of the open tab.
    pub(crate) fn turn(&mut self, at: usize) {
        let Some(tabs) = self.fields.get(at) else { return };
        let below = below_tabs(tabs);
        if let (Some(below), Some(place)) = (below, self.fields.get_mut(at + 1)) {
            *place = below;
        }
    }

    /// Returns where the focus can stand, in the order of tab.
    pub(crate) fn stops(&self) -> Vec<Stop> {
        let mut stops: Vec<Stop> = (0..self.fields.len()).map(Stop::Field).collect();
        stops.push(Stop::Advanced);
        if self.is_open {
            stops.extend((0..self.advanced.len()).map(Stop::AdvancedField));
        }
        stops.extend([Stop::Trigger, Stop::Cancel]);
        stops
    }

    /// Moves the focus, round and round; a day that was counted from now is written out.
    pub(crate) fn move_focus(&mut self, backward: bool) {
        if let Some(field) = self.focused_mut() {
            field.settle();
        }
        let stops = self.stops();
        let here = stops.iter().position(|stop| *stop == self.focus).unwrap_or(0);
        let next = (here + if backward { stops.len() - 1 } else { 1 }) % stops.len();
        self.focus = stops[next];
    }

    /// Returns the field with the focus.
    pub(crate) fn focused(&self) -> Option<&Field> {
        match self.focus {
            Stop::Field(at) => self.fields.get(at),
            Stop::AdvancedField(at) => self.advanced.get(at),
            Stop::Advanced | Stop::Trigger | Stop::Cancel => None,
        }
    }

    /// Returns the field with the focus, to be changed.
    pub(crate) fn focused_mut(&mut self) -> Option<&mut Field> {
        match self.focus {
            Stop::Field(at) => self.fields.get_mut(at),
            Stop::AdvancedField(at) => self.advanced.get_mut(at),
            Stop::Advanced | Stop::Trigger | Stop::Cancel => None,
        }
    }

    /// Returns what differs from the defaults, or why it cannot be read.
    pub(crate) fn conf(&self) -> Result<Map<String, Value>, (usize, String)> {
        let mut conf = Map::new();
        for (at, field) in self.fields.iter().enumerate() {
            let value = field.read().map_err(|problem| (at, problem))?;
            if let Some(value) = value
                && field.is_changed()
            {
                conf.insert(field.name.clone(), value);
            }
        }
        Ok(conf)
    }

    /// Returns all params as they stand, but for secrets and what cannot be read.
    pub(crate) fn params(&self) -> Map<String, Value> {
        let shown =
            self.fields.iter().filter(|field| !matches!(field.kind, Kind::Tabs(_) | Kind::Secret));
        shown.filter_map(|field| Some((field.name.clone(), field.read().ok()??))).collect()
    }

    /// Returns what is given below `Advanced`.
    pub(crate) fn given(&self, at: usize) -> Option<String> {
        let value = self.advanced.get(at)?.read().ok()??;
        value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Returns what is wrong with a field, by its own reading or the daemon's.
    pub(crate) fn problem(&self, at: usize) -> Option<String> {
        let field = self.fields.get(at)?;
        if matches!(field.kind, Kind::Tabs(_)) {
            return None;
        }
        let said = match &self.check {
            Check::Problems(problems) => problems.iter().find(|p| p.param == field.name),
            _ => None,
        };
        match (field.read(), said) {
            (Err(problem), _) => Some(problem),
            // Nobody has come to it yet.
            (Ok(None), _) if !field.is_touched && !self.was_tried => None,
            (Ok(None), _) if field.is_required() => Some("is required".to_owned()),
            (Ok(_), said) => said.map(|problem| problem.message.clone()),
        }
    }

    /// Returns what is wrong with a field below `Advanced`.
    pub(crate) fn advanced_problem(&self, at: usize) -> Option<String> {
        let read = self.advanced.get(at)?.read();
        read.err().or_else(|| self.id_problem.clone().filter(|_| at == RUN_ID))
    }

    /// Returns the first field with a problem, and the problem with the field's name.
    pub(crate) fn first_problem(&self) -> Option<(Stop, String)> {
        let of_field = |at: usize| {
            let problem = self.problem(at)?;
            Some((Stop::Field(at), format!("{}: {problem}", self.fields[at].name)))
        };
        let of_advanced = |at: usize| {
            let problem = self.advanced_problem(at)?;
            Some((Stop::AdvancedField(at), format!("{}: {problem}", self.advanced[at].name)))
        };
        let fields = (0..self.fields.len()).find_map(of_field);
        fields.or_else(|| (0..self.advanced.len()).find_map(of_advanced))
    }

    /// Returns the command that does the same; secrets are left to the shell.
    pub(crate) fn command(&self) -> String {
        let mut command = format!("dagdeck trigger {}", text::shell(self.dag_id.as_str()));
        for field in self.fields.iter().filter(|field| field.is_changed()) {
            let Ok(Some(value)) = field.read() else { continue };
            if field.kind == Kind::Secret {
                let variable: String =
                    field.name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
                command.push_str(&format!(" -p {}=\"${variable}\"", text::shell(&field.name)));
                continue;
            }
            let value = match &value {
                // A text that reads as JSON would be taken as such: it keeps its quotes.
                Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
                other => other.to_string(),
            };
            command.push_str(&format!(" -p {}", text::shell(&format!("{}={value}", field.name))));
        }
        for (at, option) in OPTIONS {
            if let Some(given) = self.given(at) {
                command.push_str(&format!(" --{option} {}", text::shell(&given)));
            }
        }
        command
    }

    /// Counts the params that differ from their defaults.
    pub(crate) fn changed_count(&self) -> usize {
        self.fields.iter().filter(|field| field.is_changed()).count()
    }
}

/// Makes the fields in the order of the schema, those of one section together.
fn fields(dag: &DagDetailView) -> Vec<Field> {
    let mut made: Vec<Field> = Vec::new();
    let properties = dag.params_schema.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let default = dag.params.get(name).or_else(|| schema.get("default")).cloned();
        made.push(Field::new(name, schema, default));
    }
    for (name, default) in &dag.params {
        if !made.iter().any(|field| field.name == *name) {
            made.push(Field::new(name, &Value::Null, Some(default.clone())));
        }
    }
    let mut sections: Vec<String> = Vec::new();
    for field in &made {
        if !sections.contains(&field.section) {
            sections.push(field.section.clone());
        }
    }
    made.sort_by_key(|field| sections.iter().position(|section| *section == field.section));
    let with_below = |field: Field| {
        let below = below_tabs(&field);
        std::iter::once(field).chain(below)
    };
    made.into_iter().flat_map(with_below).collect()
}

/// Makes the field of the open tab.
fn below_tabs(tabs: &Field) -> Option<Field> {
    let Kind::Tabs(schemas) = &tabs.kind else { return None };
    let schema = schemas.get(tabs.at)?;
    let default = tabs.default.clone().filter(|default| kind::may_fit(schema, default));
    let mut field = Field::new(&tabs.name, schema, default);
    field.section.clone_from(&tabs.section);
    field.is_below_tabs = true;
    Some(field)
}

fn advanced() -> Vec<Field> {
    let text = |name: &str, format: &str, about: &str| {
        let schema = serde_json::json!({"type": "string", "format": format, "description": about});
        Field::new(name, &schema, None)
    };
    vec![
        text("run id", "", "empty: one is made"),
        text("logical date", "date-time", "the instant the run stands for; empty: now"),
        text("note", "", "kept with the run"),
        text("partition key", "", "which part of its assets the run is about"),
    ]
}

#[cfg(test)]
mod tests;
