//! What a form asks of the daemon: the dry run, then what does it; or why it cannot be done.

use std::collections::BTreeMap;

use crate::state::sheet::{AliasMoves, MASK, Sheet, URL_PASSWORD, Wish, option_name};
use crate::text;
use crate::types::approval::{HitlDetail, Response};
use crate::types::ask::{ModelChange, Prune, Request};
use crate::types::backfill::{BackfillSpec, MAX_ACTIVE_RUNS};
use crate::types::operation::{ClearTasks, MarkTasks, NoteEdit, Operation, Reach};
use crate::types::run::DagRunKey;
use crate::types::serving::TrafficChange;
use crate::types::settings::{Connection, Pool, Variable};
use crate::types::state::{DagRunState, ReprocessBehavior};
use crate::types::{DagId, TaskInstanceState, Timestamp};

/// Of more runs or tasks than this a number is typed before something is done to all of them.
const MANY: usize = 20;

impl Sheet {
    /// Returns what is to be done to runs, where it is that.
    fn operation(&self) -> Result<Option<(Operation, &[DagRunKey])>, String> {
        let Some(runs) = self.wish.runs() else { return Ok(None) };
        let operation = match &self.wish {
            Wish::Clear { tasks, .. } => {
                let clear = ClearTasks {
                    tasks: tasks.clone(),
                    reach: self.reach(),
                    only_failed: self.is_on("only failed"),
                    only_running: false,
                    run_on_latest_version: self.is_on("latest version"),
                };
                Operation::ClearTasks(clear)
            }
            Wish::MarkTasks { tasks, .. } => {
                let state = self.word("state").parse::<TaskInstanceState>();
                let state = state.map_err(|problem| problem.to_string())?;
                let mark = MarkTasks { tasks: tasks.clone(), state, reach: self.reach() };
                Operation::MarkTasks(mark)
            }
            Wish::MarkRuns { .. } => {
                let state = self.word("state").parse::<DagRunState>();
                let state = state.map_err(|problem| problem.to_string())?;
                Operation::MarkRuns { state }
            }
            Wish::Note { tasks, .. } => {
                let note = NoteEdit { text: self.word("note"), append: self.is_on("add a line") };
                match self.is_on_run(tasks) {
                    true => Operation::NoteRuns { note },
                    false => Operation::NoteTasks { tasks: tasks.clone(), note },
                }
            }
            Wish::Delete { .. } => Operation::DeleteRuns,
            _ => return Ok(None),
        };
        Ok(Some((operation, runs)))
    }

    /// Returns what must be typed before it is done: of what is gone for good, and of many at once.
    pub(crate) fn expected(&self) -> Option<String> {
        match &self.wish {
            Wish::Delete { expected, .. } | Wish::DeleteLogged { expected, .. } => {
                Some(expected.clone())
            }
            Wish::Clear { runs, .. } | Wish::MarkRuns { runs } | Wish::Cancel { runs }
                if runs.len() > MANY =>
            {
                Some(text::count(runs.len(), "run"))
            }
            Wish::Clear { tasks, .. } | Wish::MarkTasks { tasks, .. } => {
                let tasks: usize = tasks.iter().map(|task| task.map_indexes.len().max(1)).sum();
                (tasks > MANY).then(|| text::count(tasks, "task"))
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
            Wish::RegisterLogged { model_id } => {
                let name = self.word("name").trim().to_owned();
                if name.is_empty() {
                    return Err("say of which model it is to be a version".to_owned());
                }
                let said = self.word("description").trim().to_owned();
                let description = Some(said).filter(|text| !text.is_empty());
                let model_id = model_id.clone();
                vec![Request::RegisterLoggedModel { name, model_id, description }]
            }
            Wish::TagLogged { model_id } => {
                let (key, value) = (self.word("key").trim().to_owned(), self.word("value"));
                if key.is_empty() {
                    return Err("a tag needs a key".to_owned());
                }
                let change = match self.is_on("take off") {
                    true => ModelChange::DeleteTag { key },
                    false => ModelChange::SetTag { key, value },
                };
                vec![Request::ChangeLoggedModel { model_id: model_id.clone(), change }]
            }
            Wish::DeleteLogged { model_id, .. } => {
                let (model_id, change) = (model_id.clone(), ModelChange::Delete);
                vec![Request::ChangeLoggedModel { model_id, change }]
            }
            Wish::Split { model, versions } => {
                let change = TrafficChange::Weights { weights: self.weights(versions)? };
                vec![Request::ChangeTraffic { model: model.clone(), change }]
            }
            Wish::Emit { name } => {
                vec![Request::EmitAsset {
                    name: name.clone(),
                    uri: None,
                    extra: self.object("extra"),
                    partition_key: Some(self.word("partition_key")).filter(|key| !key.is_empty()),
                    from_api: false,
                }]
            }
            _ => Vec::new(),
        })
    }

    fn reach(&self) -> Reach {
        Reach {
            include_upstream: self.is_on("upstream"),
            include_downstream: self.is_on("downstream"),
            include_past: self.is_on("past"),
            include_future: self.is_on("future"),
        }
    }

    /// Returns (version, percent) as they were typed.
    pub(super) fn weights(&self, versions: &[u32]) -> Result<Vec<(u32, u8)>, String> {
        let mut weights = Vec::with_capacity(versions.len());
        for version in versions {
            let percent = u8::try_from(self.whole(&format!("v{version}"))?);
            let percent = percent.ok().filter(|percent| *percent <= 100);
            weights.push((*version, percent.ok_or("a percent is at most 100")?));
        }
        let sum: u32 = weights.iter().map(|(_, percent)| u32::from(*percent)).sum();
        if sum != 100 {
            return Err(format!("the percents sum to {sum}, not to 100"));
        }
        Ok(weights)
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

    /// Returns the connection as it is to be; what is masked must have been given anew.
    fn connection(
        &self,
        conn_id: &str,
        options: &[String],
        description: Option<&String>,
    ) -> Result<Connection, String> {
        let (mut url, password) = (self.word("url"), self.word(URL_PASSWORD));
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
            options.iter().map(|name| (name.clone(), self.word(&option_name(name)))).collect();
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
        Ok(Prune { dry_run, older_than_secs, ..Prune::default() })
    }

    pub(super) fn response(&self, asked: &HitlDetail) -> Result<Response, String> {
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
}

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

fn cancel(run: &DagRunKey) -> Request {
    Request::CancelRun { dag_id: run.dag_id.clone(), dag_run_id: run.dag_run_id.clone() }
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
}
