//! The command that does the same as a form.

use crate::plugin;
use crate::state::sheet::{Sheet, Wish};
use crate::text::shell;
use crate::types::approval::HitlDetail;
use crate::types::backfill::MAX_ACTIVE_RUNS;
use crate::types::ids::UNMAPPED;
use crate::types::operation::TaskChoice;
use crate::types::run::DagRunKey;

impl Sheet {
    /// Returns the command that does the same; where runs of several DAGs are meant, one for each.
    pub(crate) fn command(&self) -> String {
        let Some(runs) = self.wish.runs() else { return self.other_command() };
        let mut left = runs.to_vec();
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
                let on_run = self.is_on_run(tasks);
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
            Wish::Split { model, versions } => {
                let weights = self.weights(versions).unwrap_or_default();
                let weights =
                    weights.iter().map(|(version, percent)| format!(" {version}={percent}"));
                format!("dagdeck serving traffic {}{}", shell(model), weights.collect::<String>())
            }
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
            Wish::RegisterLogged { model_id } => {
                let name = shell(self.word("name").trim());
                let mut command = format!("dagdeck models logged-model register {model_id} {name}");
                let description = self.word("description");
                if !description.trim().is_empty() {
                    command.push_str(&format!(" --description {}", shell(description.trim())));
                }
                command
            }
            Wish::TagLogged { model_id } => {
                let key = shell(self.word("key").trim());
                match self.is_on("take off") {
                    true => format!("dagdeck models logged-model untag {model_id} {key}"),
                    false => {
                        let value = shell(&self.word("value"));
                        format!("dagdeck models logged-model tag {model_id} {key} {value}")
                    }
                }
            }
            Wish::DeleteLogged { model_id, .. } => {
                format!("dagdeck models logged-model delete {model_id} --yes")
            }
            Wish::Emit { name } => {
                let mut command = format!("dagdeck assets emit {}", shell(name.as_str()));
                for (key, value) in self.object("extra") {
                    command.push_str(&format!(" -e {}", shell(&format!("{key}={value}"))));
                }
                let key = self.word("partition_key");
                if !key.is_empty() {
                    command.push_str(&format!(" --partition-key {}", shell(&key)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_and_their_elements_are_named_as_the_command_line_takes_them() {
        let tasks = [
            TaskChoice { task_id: "a".into(), map_indexes: vec![] },
            TaskChoice { task_id: "b".into(), map_indexes: vec![3] },
        ];
        assert_eq!(task_flags(&tasks), " -t a -t 'b[3]'");
    }
}
