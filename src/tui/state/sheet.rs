//! A form over the screen that asks before something is done: what it is meant for, what may be
//! chosen, and, from a dry run, what it would touch.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::plugin;
use crate::state::form::{Field, Kind};
use crate::state::sheet::try_it::TryIt;
use crate::station::Plugin;
use crate::text::{self as words, shell};
use crate::types::approval::{HitlDetail, Response};
use crate::types::ask::{Prune, Request};
use crate::types::backfill::{BackfillSpec, MAX_ACTIVE_RUNS};
use crate::types::ids::UNMAPPED;
use crate::types::operation::{
    ClearTasks, MarkTasks, NoteEdit, Operation, OperationLine, Reach, TaskChoice,
};
use crate::types::run::DagRunKey;
use crate::types::settings::{Connection, Pool, Variable};
use crate::types::state::{DagRunState, ReprocessBehavior};
use crate::types::view::AliasPlan;
use crate::types::{AssetName, DagId, TaskInstanceState, Timestamp};

/// Of more runs or tasks than this a number is typed before something is done to all of them.
const MANY: usize = 20;
/// Lines that a key moves a plan by.
const SCROLL_LINES: usize = 4;

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
    Emit {
        name: AssetName,
    },
    Alias(Box<AliasMoves>),
    /// Run a command of the operator's own.
    Plugin(Box<PluginCall>),
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

/// What stands in place of a secret.
const MASK: &str = "***";

/// Reads an age such as `90d`.
fn seconds(age: &str) -> Option<f64> {
    let digits = age.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &age[digits.len()..] {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        _ => return None,
    };
    digits.parse::<u32>().ok().map(|amount| f64::from(amount) * unit)
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

    fn alias(&self) -> Result<String, String> {
        let alias = self.word("alias").trim().to_owned();
        if alias.is_empty() { Err("say which alias".to_owned()) } else { Ok(alias) }
    }

    /// Returns the move as it was shown: of the alias that the plan is about, from where it stood
    /// then, with a reason where a gate failed and the model's name typed.
    fn move_alias(&self, moves: &AliasMoves) -> Result<Request, String> {
        let (name, alias) = (moves.name.clone(), self.alias()?);
        let plan = moves.plan.as_ref().filter(|plan| plan.alias == alias);
        let plan = plan.ok_or("not looked yet what that would change")?;
        let reason = Some(self.word("reason").trim().to_owned()).filter(|text| !text.is_empty());
        if moves.to.is_some() && plan.to.fails_a_gate() && reason.is_none() {
            return Err("a gate failed: say in `reason` why it is to go all the same".to_owned());
        }
        if self.word("confirm").trim() != name {
            return Err(format!("type {name} to confirm"));
        }
        let expected_current = plan.from.as_ref().map(|from| from.version);
        Ok(match moves.to {
            Some(version) => Request::Promote { name, version, alias, expected_current, reason },
            None => Request::Rollback { name, alias, expected_current, reason },
        })
    }

    fn object(&self, name: &str) -> Map<String, Value> {
        match self.value(name) {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        }
    }

    fn reach(&self) -> Reach {
        Reach {
            include_upstream: self.is_on("upstream"),
            include_downstream: self.is_on("downstream"),
            include_past: self.is_on("past"),
            include_future: self.is_on("future"),
        }
    }

    /// Returns what is to be done to runs, where it is that.
    fn operation(&self) -> Result<Option<(Operation, &[DagRunKey])>, String> {
        Ok(Some(match &self.wish {
            Wish::Clear { runs, tasks } => {
                let clear = ClearTasks {
                    tasks: tasks.clone(),
                    reach: self.reach(),
                    only_failed: self.is_on("only failed"),
                    only_running: false,
                    run_on_latest_version: self.is_on("latest version"),
                };
                (Operation::ClearTasks(clear), runs)
            }
            Wish::MarkTasks { runs, tasks } => {
                let state = self.word("state").parse::<TaskInstanceState>();
                let state = state.map_err(|problem| problem.to_string())?;
                let mark = MarkTasks { tasks: tasks.clone(), state, reach: self.reach() };
                (Operation::MarkTasks(mark), runs)
            }
            Wish::MarkRuns { runs } => {
                let state = self.word("state").parse::<DagRunState>();
                let state = state.map_err(|problem| problem.to_string())?;
                (Operation::MarkRuns { state }, runs)
            }
            Wish::Note { runs, tasks } => {
                let note = NoteEdit { text: self.word("note"), append: self.is_on("add a line") };
                let on_run = tasks.is_empty() || self.word("on") == "run";
                let operation = match on_run {
                    true => Operation::NoteRuns { note },
                    false => Operation::NoteTasks { tasks: tasks.clone(), note },
                };
                (operation, runs)
            }
            Wish::Delete { runs, .. } => (Operation::DeleteRuns, runs),
            Wish::Cancel { .. }
            | Wish::Undo { .. }
            | Wish::Backfill { .. }
            | Wish::Slots { .. }
            | Wish::Variable { .. }
            | Wish::Connection { .. }
            | Wish::Prune
            | Wish::Emit { .. }
            | Wish::Alias(_)
            | Wish::Plugin(_)
            | Wish::TryIt(_)
            | Wish::Answer(_) => return Ok(None),
        }))
    }

    /// Returns what must be typed before it is done: of what is gone for good, and of many at once.
    pub(crate) fn expected(&self) -> Option<String> {
        match &self.wish {
            Wish::Delete { expected, .. } => Some(expected.clone()),
            Wish::Clear { runs, .. } | Wish::MarkRuns { runs } | Wish::Cancel { runs }
                if runs.len() > MANY =>
            {
                Some(words::count(runs.len(), "run"))
            }
            Wish::Clear { tasks, .. } | Wish::MarkTasks { tasks, .. } => {
                let tasks: usize = tasks.iter().map(|task| task.map_indexes.len().max(1)).sum();
                (tasks > MANY).then(|| words::count(tasks, "task"))
            }
            _ => None,
        }
    }

    /// Returns the question that says what it would do, where there is one.
    pub(crate) fn dry_run(&self) -> Result<Option<Request>, String> {
        if let Some((operation, runs)) = self.operation()? {
            let is_note = matches!(self.wish, Wish::Note { .. });
            let runs = runs.to_vec();
            return Ok((!is_note).then_some(Request::Operate { operation, runs, dry_run: true }));
        }
        match &self.wish {
            Wish::Undo { last: None } => {
                Ok(Some(Request::ListOperations { limit: 50, before_id: None }))
            }
            Wish::Prune => Ok(Some(Request::Prune(self.prune(true)?))),
            Wish::Backfill { dag_id } => Ok(Some(Request::PlanBackfill(self.backfill(dag_id)?))),
            Wish::Alias(moves) => {
                let (name, alias) = (moves.name.clone(), self.alias()?);
                Ok(Some(match moves.to {
                    Some(version) => Request::PlanPromote { name, version, alias },
                    None => Request::PlanRollback { name, alias },
                }))
            }
            _ => Ok(None),
        }
    }

    /// Returns what does it, or why it cannot be done as it stands.
    pub(crate) fn requests(&self) -> Result<Vec<Request>, String> {
        for field in &self.fields {
            field.read().map_err(|problem| format!("{} {problem}", field.name))?;
        }
        if let Some(expected) = self.expected()
            && self.word("confirm").trim() != expected
        {
            return Err(format!("type {expected} to confirm"));
        }
        if let Some((operation, runs)) = self.operation()? {
            return Ok(vec![Request::Operate { operation, runs: runs.to_vec(), dry_run: false }]);
        }
        Ok(match &self.wish {
            Wish::Cancel { runs } => runs.iter().map(cancel).collect(),
            Wish::Undo { last } => {
                let last = last.as_ref().ok_or("there is nothing to undo")?;
                vec![Request::Undo { id: Some(last.id) }]
            }
            Wish::Backfill { dag_id } => vec![Request::CreateBackfill(self.backfill(dag_id)?)],
            Wish::Slots { pool, description } => {
                let (pool, slots) = (pool.clone(), self.whole("slots")?);
                let pools = vec![Pool { pool, slots, description: description.clone() }];
                vec![Request::SetPools { pools }]
            }
            Wish::Variable { key, description } => {
                let (key, value) = (key.clone(), self.word("value"));
                let variables = vec![Variable { key, value, description: description.clone() }];
                vec![Request::SetVariables { variables }]
            }
            Wish::Connection { conn_id, options, description } => {
                let connection = self.connection(conn_id, options, description.as_ref())?;
                vec![Request::SetConnections { connections: vec![connection] }]
            }
            Wish::Prune => vec![Request::Prune(self.prune(false)?)],
            Wish::Answer(asked) => vec![Request::AnswerApproval(self.response(asked)?)],
            Wish::Alias(moves) => vec![self.move_alias(moves)?],
            Wish::Emit { name } => {
                vec![Request::EmitAsset { name: name.clone(), extra: self.object("extra") }]
            }
            _ => Vec::new(),
        })
    }

    /// Returns the connection as it is to be; what is masked must have been given anew.
    fn connection(
        &self,
        conn_id: &str,
        options: &[String],
        description: Option<&String>,
    ) -> Result<Connection, String> {
        let (mut url, password) = (self.word("url"), self.word("password"));
        if url.is_empty() {
            return Err("url is missing".to_owned());
        }
        if url.contains(MASK) {
            if password.is_empty() {
                return Err("type the password: *** in the URL is not it".to_owned());
            }
            url = url.replacen(MASK, &password, 1);
        } else if !password.is_empty() {
            return Err("the URL has no *** for the password to stand in".to_owned());
        }
        let options: BTreeMap<String, String> =
            options.iter().map(|name| (name.clone(), self.word(name))).collect();
        if let Some((name, _)) = options.iter().find(|(_, value)| *value == MASK) {
            return Err(format!("type {name} again: *** is not it"));
        }
        let (conn_id, description) = (conn_id.to_owned(), description.cloned());
        Ok(Connection { conn_id, url, options, description })
    }

    fn prune(&self, dry_run: bool) -> Result<Prune, String> {
        let age = self.word("older than");
        let older_than_secs = match age.trim() {
            "" => None,
            age => Some(seconds(age).ok_or(format!("`{age}` is no age: 90d, 12h, 30m"))?),
        };
        Ok(Prune { dry_run, older_than_secs, dag_id: None })
    }

    fn response(&self, asked: &HitlDetail) -> Result<Response, String> {
        let question = &asked.question;
        let chosen_options: Vec<String> = if question.multiple {
            question.options.iter().filter(|option| self.is_on(option)).cloned().collect()
        } else {
            vec![self.word("choice")]
        };
        if chosen_options.is_empty() {
            return Err("choose at least one".to_owned());
        }
        let params = question.params.keys();
        let params_input =
            params.filter_map(|name| self.value(name).map(|value| (name.clone(), value))).collect();
        Ok(Response { key: asked.key.task.clone(), chosen_options, params_input, user: None })
    }

    fn backfill(&self, dag_id: &DagId) -> Result<BackfillSpec, String> {
        Ok(BackfillSpec {
            dag_id: dag_id.clone(),
            from_date: date(&self.word("from"))?,
            to_date: date(&self.word("to"))?,
            reprocess_behavior: self.word("reprocess").parse().unwrap_or(ReprocessBehavior::None),
            run_backwards: self.is_on("newest first"),
            max_active_runs: self.whole("at once").unwrap_or(MAX_ACTIVE_RUNS).max(1),
            dag_run_conf: None,
            user: None,
        })
    }

    /// Returns the command that does the same; where runs of several DAGs are meant, one for each.
    pub(crate) fn command(&self) -> String {
        let runs = match &self.wish {
            Wish::Clear { runs, .. }
            | Wish::MarkTasks { runs, .. }
            | Wish::MarkRuns { runs }
            | Wish::Note { runs, .. }
            | Wish::Delete { runs, .. }
            | Wish::Cancel { runs } => runs,
            Wish::Undo { .. }
            | Wish::Backfill { .. }
            | Wish::Slots { .. }
            | Wish::Variable { .. }
            | Wish::Connection { .. }
            | Wish::Prune
            | Wish::Emit { .. }
            | Wish::Alias(_)
            | Wish::Plugin(_)
            | Wish::TryIt(_)
            | Wish::Answer(_) => return self.other_command(),
        };
        let mut left = runs.clone();
        left.sort();
        let by_dag = left.chunk_by(|one, other| one.dag_id == other.dag_id);
        by_dag.map(|runs| self.run_command(runs)).collect::<Vec<_>>().join("; ")
    }

    fn flag(&self, name: &str, flag: &str) -> String {
        if self.is_on(name) { format!(" --{flag}") } else { String::new() }
    }

    fn run_command(&self, runs: &[DagRunKey]) -> String {
        let runs = names(runs);
        let reach = ["upstream", "downstream", "past", "future"].map(|name| self.flag(name, name));
        let reach = reach.concat();
        match &self.wish {
            Wish::Clear { tasks, .. } => format!(
                "dagdeck tasks clear {runs}{}{reach}{}{}",
                task_flags(tasks),
                self.flag("only failed", "only-failed"),
                self.flag("latest version", "run-on-latest-version")
            ),
            Wish::MarkTasks { tasks, .. } => {
                let (state, tasks) = (self.word("state"), task_flags(tasks));
                format!("dagdeck tasks mark {state} {runs}{tasks}{reach}")
            }
            Wish::MarkRuns { .. } => format!("dagdeck runs mark {} {runs}", self.word("state")),
            Wish::Note { tasks, .. } => {
                let on_run = tasks.is_empty() || self.word("on") == "run";
                let what = if on_run { "runs" } else { "tasks" };
                let tasks = if on_run { String::new() } else { task_flags(tasks) };
                let (text, add) = (shell(&self.word("note")), self.flag("add a line", "append"));
                format!("dagdeck {what} note {runs}{tasks} --text {text}{add}")
            }
            Wish::Delete { .. } => format!("dagdeck runs delete {runs} --yes"),
            _ => format!("dagdeck runs cancel {runs}"),
        }
    }

    fn other_command(&self) -> String {
        match &self.wish {
            Wish::Undo { last: Some(line) } => format!("dagdeck undo {}", line.id),
            Wish::Backfill { dag_id } => format!(
                "dagdeck backfill create {} --from-date {} --to-date {} --reprocess {}{} \
                 --max-active-runs {}",
                shell(dag_id.as_str()),
                shell(&self.word("from")),
                shell(&self.word("to")),
                self.word("reprocess"),
                self.flag("newest first", "run-backwards"),
                self.whole("at once").unwrap_or(MAX_ACTIVE_RUNS)
            ),
            Wish::Slots { pool, .. } => {
                format!("dagdeck pools set {} {}", shell(pool), self.whole("slots").unwrap_or(0))
            }
            Wish::Variable { key, .. } => {
                format!("dagdeck variables set {} {}", shell(key), shell(&self.word("value")))
            }
            // Secrets stay out of commands that are copied.
            Wish::Connection { conn_id, .. } => {
                format!("dagdeck connections set {} {}", shell(conn_id), shell(&self.word("url")))
            }
            Wish::Prune => match self.word("older than").trim() {
                "" => "dagdeck prune".to_owned(),
                age => format!("dagdeck prune --older-than {}", shell(age)),
            },
            Wish::Answer(asked) => self.answer_command(asked),
            Wish::TryIt(wish) => wish.command(self),
            Wish::Alias(moves) => {
                let (name, alias) = (shell(&moves.name), shell(&self.word("alias")));
                let what = match moves.to {
                    Some(version) => format!("promote {name} {version}"),
                    None => format!("rollback {name}"),
                };
                let mut command = format!("dagdeck models {what} --alias {alias}");
                if !self.word("reason").trim().is_empty() {
                    command.push_str(&format!(" --reason {}", shell(self.word("reason").trim())));
                }
                command
            }
            Wish::Emit { name } => {
                let mut command = format!("dagdeck assets emit {}", shell(name.as_str()));
                for (key, value) in self.object("extra") {
                    command.push_str(&format!(" -e {}", shell(&format!("{key}={value}"))));
                }
                command
            }
            Wish::Plugin(call) => plugin::line(call, &self.fields),
            _ => "dagdeck undo".to_owned(),
        }
    }

    fn answer_command(&self, asked: &HitlDetail) -> String {
        let key = &asked.key.task;
        let mut command = format!(
            "dagdeck approvals answer {} {} {}",
            shell(key.dag_id.as_str()),
            shell(key.dag_run_id.as_str()),
            shell(key.task_id.as_str())
        );
        let Ok(response) = self.response(asked) else { return command };
        for option in &response.chosen_options {
            command.push_str(&format!(" --choose {}", shell(option)));
        }
        for (name, value) in &response.params_input {
            command.push_str(&format!(" -p {}", shell(&format!("{name}={value}"))));
        }
        if key.map_index != UNMAPPED {
            command.push_str(&format!(" --map-index {}", key.map_index));
        }
        command
    }
}

fn cancel(run: &DagRunKey) -> Request {
    Request::CancelRun { dag_id: run.dag_id.clone(), dag_run_id: run.dag_run_id.clone() }
}

/// Names runs as a command takes them: their DAG, then each.
fn names(runs: &[DagRunKey]) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(runs.first().map(|run| shell(run.dag_id.as_str())));
    words.extend(runs.iter().map(|run| shell(run.dag_run_id.as_str())));
    words.join(" ")
}

fn task_flags(tasks: &[TaskChoice]) -> String {
    let mut flags = String::new();
    for task in tasks {
        if task.map_indexes.is_empty() {
            flags.push_str(&format!(" -t {}", shell(task.task_id.as_str())));
        }
        for index in &task.map_indexes {
            flags.push_str(&format!(" -t {}", shell(&format!("{}[{index}]", task.task_id))));
        }
    }
    flags
}

/// Reads a date as the command line does: an instant, or a day from its midnight in UTC.
fn date(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    text.parse::<Timestamp>()
        .or_else(|_| format!("{text}T00:00:00Z").parse::<Timestamp>())
        .map_err(|_| format!("`{text}` is no date: write 2026-01-31"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_or_an_instant() {
        assert_eq!(date("2026-01-31"), Ok("2026-01-31T00:00:00Z".parse().unwrap()));
        assert_eq!(date(" 2026-01-31T06:00:00Z"), Ok("2026-01-31T06:00:00Z".parse().unwrap()));
        assert!(date("yesterday").unwrap_err().contains("is no date"));
    }

    #[test]
    fn tasks_and_their_elements_are_named_as_the_command_line_takes_them() {
        let tasks = [
            TaskChoice { task_id: "a".into(), map_indexes: vec![] },
            TaskChoice { task_id: "b".into(), map_indexes: vec![3] },
        ];
        assert_eq!(task_flags(&tasks), " -t a -t 'b[3]'");
    }
}
