//! A form over the screen that asks before something is done: what it is meant for, what may be
//! chosen, and, from a dry run, what it would touch.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::state::form::{Field, Kind};
use crate::state::sheet::try_it::TryIt;
use crate::station::Plugin;
use crate::types::approval::HitlDetail;
use crate::types::operation::{OperationLine, TaskChoice};
use crate::types::run::DagRunKey;
use crate::types::view::AliasPlan;
use crate::types::{AssetName, DagId, Timestamp};

/// Lines that a key moves a plan by.
const SCROLL_LINES: usize = 4;

mod asked;
mod command;
pub(crate) mod try_it;

/// What a sheet does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wish {
    Clear {
        runs: Vec<DagRunKey>,
        tasks: Vec<TaskChoice>,
    },
    MarkTasks {
        runs: Vec<DagRunKey>,
        tasks: Vec<TaskChoice>,
    },
    MarkRuns {
        runs: Vec<DagRunKey>,
    },
    Note {
        runs: Vec<DagRunKey>,
        tasks: Vec<TaskChoice>,
    },
    Delete {
        runs: Vec<DagRunKey>,
        expected: String,
    },
    Cancel {
        runs: Vec<DagRunKey>,
    },
    Undo {
        last: Option<Box<OperationLine>>,
    },
    Backfill {
        dag_id: DagId,
    },
    Slots {
        pool: String,
        description: Option<String>,
    },
    Variable {
        key: String,
        description: Option<String>,
    },
    Connection {
        conn_id: String,
        options: Vec<String>,
        description: Option<String>,
    },
    /// Deletes what retention lets go.
    Prune,
    Answer(Box<HitlDetail>),
    /// Asks a served model; the form stays for its answer.
    TryIt(Box<TryIt>),
    /// Divides a model's requests.
    Split {
        model: String,
        versions: Vec<u32>,
    },
    Emit {
        name: AssetName,
    },
    Alias(Box<AliasMoves>),
    RegisterLogged {
        model_id: String,
    },
    TagLogged {
        model_id: String,
    },
    DeleteLogged {
        model_id: String,
        expected: String,
    },
    /// Run a command of the operator's own.
    Plugin(Box<PluginCall>),
}

impl Wish {
    /// Returns the runs that something is done to; `None` where it is about something else.
    fn runs(&self) -> Option<&[DagRunKey]> {
        match self {
            Self::Clear { runs, .. }
            | Self::MarkTasks { runs, .. }
            | Self::MarkRuns { runs }
            | Self::Note { runs, .. }
            | Self::Delete { runs, .. }
            | Self::Cancel { runs } => Some(runs),
            Self::Undo { .. }
            | Self::Backfill { .. }
            | Self::Slots { .. }
            | Self::Variable { .. }
            | Self::Connection { .. }
            | Self::Prune
            | Self::Emit { .. }
            | Self::Alias(_)
            | Self::RegisterLogged { .. }
            | Self::TagLogged { .. }
            | Self::DeleteLogged { .. }
            | Self::Plugin(_)
            | Self::TryIt(_)
            | Self::Split { .. }
            | Self::Answer(_) => None,
        }
    }
}

/// An alias of a model that is to move.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AliasMoves {
    pub(crate) name: String,
    /// The version to promote; `None`: back to where it stood.
    pub(crate) to: Option<u32>,
    /// What was shown to whoever says yes.
    pub(crate) plan: Option<AliasPlan>,
}

/// A plugin with what its words are filled with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PluginCall {
    pub(crate) plugin: Plugin,
    pub(crate) values: BTreeMap<String, String>,
}

/// What a dry run said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing is tried before.
    #[default]
    None,
    Asking,
    Lines(Vec<String>),
    Refused(String),
}

/// The form.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) title: String,
    pub(crate) intro: Vec<String>,
    pub(crate) fields: Vec<Field>,
    /// A field; or, after the last, the button that does it, then Cancel.
    pub(crate) focus: usize,
    /// The word on the button.
    pub(crate) verb: &'static str,
    pub(crate) wish: Wish,
    pub(crate) plan: Plan,
    /// Fences answers to dry runs of an older state of the form.
    pub(crate) generation: u64,
    pub(crate) opened_at: Timestamp,
    /// Lines of the plan above what is seen, where it is longer than its room.
    pub(crate) scroll: usize,
}

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// The field of what is masked in a connection's URL.
pub(crate) const URL_PASSWORD: &str = "URL password";

/// Names the field of a connection's option: options may have any name, also those of other fields.
pub(crate) fn option_name(option: &str) -> String {
    format!("option {option}")
}

/// Makes a field of what a schema says.
pub(crate) fn field(name: &str, kind: &Value, default: Value) -> Field {
    Field::new(name, kind, Some(default))
}

/// Makes a field that is switched on or off.
pub(crate) fn switch(name: &str, is_on: bool, about: &str) -> Field {
    field(name, &json!({"type": "boolean", "description": about}), json!(is_on))
}

/// Makes a field of one of some words.
pub(crate) fn choice(name: &str, words: &[&str], about: &str) -> Field {
    field(name, &json!({"enum": words, "description": about}), json!(words.first()))
}

/// Makes a field of text.
pub(crate) fn text(name: &str, default: &str, about: &str) -> Field {
    field(name, &json!({"type": "string", "description": about}), json!(default))
}

/// Makes a field of a whole number.
pub(crate) fn whole(name: &str, default: u32, about: &str) -> Field {
    let kind = json!({"type": "integer", "minimum": 0, "description": about});
    field(name, &kind, json!(default))
}

/// Makes the fields of how far an operation reaches.
pub(crate) fn reach_fields(downstream: bool) -> Vec<Field> {
    vec![
        switch("upstream", false, "also the tasks before it"),
        switch("downstream", downstream, "also the tasks after it"),
        switch("past", false, "also runs of earlier logical dates"),
        switch("future", false, "also runs of later logical dates"),
    ]
}

impl Sheet {
    /// Says whether the focus is on the button that does it.
    pub(crate) fn is_on_verb(&self) -> bool {
        self.focus == self.fields.len()
    }

    /// Says whether the focus is on Cancel.
    pub(crate) fn is_on_cancel(&self) -> bool {
        self.focus == self.fields.len() + 1
    }

    /// Says whether the focus is where text is typed.
    pub(crate) fn is_typing(&self) -> bool {
        self.fields.get(self.focus).is_some_and(Field::is_typed)
    }

    /// Says whether the focus is on a day, which has its own use for keys that turn pages.
    pub(crate) fn is_on_date(&self) -> bool {
        let field = self.fields.get(self.focus);
        field.is_some_and(|field| matches!(field.kind, Kind::Date | Kind::DateTime))
    }

    /// Moves through a plan that is longer than its room.
    pub(crate) fn scroll_plan(&mut self, backward: bool) {
        let Plan::Lines(lines) = &self.plan else { return };
        self.scroll = match backward {
            true => self.scroll.saturating_sub(SCROLL_LINES),
            false => (self.scroll + SCROLL_LINES).min(lines.len()),
        };
    }

    /// Moves the focus, round and round.
    pub(crate) fn move_focus(&mut self, backward: bool) {
        let stops = self.fields.len() + 2;
        self.focus = (self.focus + if backward { stops - 1 } else { 1 }) % stops;
    }

    fn value(&self, name: &str) -> Option<Value> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        field.read().ok().flatten()
    }

    fn is_on(&self, name: &str) -> bool {
        self.value(name).and_then(|value| value.as_bool()).unwrap_or(false)
    }

    fn word(&self, name: &str) -> String {
        let value = self.value(name);
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    fn whole(&self, name: &str) -> Result<u32, String> {
        let value = self.value(name).and_then(|value| value.as_u64());
        value
            .and_then(|value| u32::try_from(value).ok())
            .ok_or_else(|| format!("{name} is not a whole number"))
    }

    fn object(&self, name: &str) -> Map<String, Value> {
        match self.value(name) {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        }
    }

    /// Says whether a note is written on the run, not on its tasks.
    fn is_on_run(&self, tasks: &[TaskChoice]) -> bool {
        tasks.is_empty() || self.word("on") == "run"
    }
}
