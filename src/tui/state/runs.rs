//! Which runs a list shows: what its filter says that the daemon looks for among all of them
//! (`state:failed type:scheduled dag:etl since:1d word`), and what is left to be looked for here.

use crate::state::{Level, Screen};
use crate::text::shell;
use crate::types::ask::{Request, RunsOnly};
use crate::types::{DagId, DagRunState, duration};

/// Rows of a page.
pub(crate) const PAGE_LEN: u32 = 300;
/// Pages that are kept of one list.
pub(crate) const PAGES_MAX: u32 = 20;

/// What the daemon is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct RunsQuery {
    pub(crate) dag_id: Option<DagId>,
    pub(crate) state: Option<DagRunState>,
    pub(crate) only: RunsOnly,
}

impl RunsQuery {
    /// Reads the filter of a list of runs; also returns the terms that are left: those against
    /// something, loose ones, and those of a column.
    pub(crate) fn read(level: &Level) -> (Self, String) {
        let mut query = Self::default();
        if let Screen::DagRuns(dag_id) = &level.screen {
            query.dag_id = Some(dag_id.clone());
        }
        query.state = level.attention_only.then_some(DagRunState::Failed);
        let mut left: Vec<&str> = Vec::new();
        for term in level.filter.split_whitespace() {
            if !query.take(term) {
                left.push(term);
            }
        }
        (query, left.join(" "))
    }

    /// Takes a term that the daemon can look for; says whether it is one.
    fn take(&mut self, term: &str) -> bool {
        if term.starts_with(['!', '~']) {
            return false;
        }
        let Some((key, value)) = term.split_once(':').filter(|(key, _)| !key.is_empty()) else {
            self.only.words.push(term.to_lowercase());
            return true;
        };
        match key.to_lowercase().as_str() {
            "state" => value.parse().map(|state| self.state = Some(state)).is_ok(),
            "type" => value.parse().map(|kind| self.only.run_type = Some(kind)).is_ok(),
            "dag" if !value.is_empty() => {
                self.only.dag = Some(value.to_owned());
                true
            }
            "since" => {
                // What is no age is still being typed.
                if let Some(age) = duration::parse(value) {
                    self.only.within_secs = Some(age.as_secs());
                }
                true
            }
            "note" | "conf" if !value.is_empty() => {
                self.only.words.push(value.to_lowercase());
                true
            }
            _ => false,
        }
    }

    /// Says whether nothing is asked for but the runs of a DAG, or of all.
    pub(crate) fn is_plain(&self) -> bool {
        self.state.is_none() && self.only == RunsOnly::default()
    }

    /// Returns the question for a page.
    pub(crate) fn request(&self, page: u32) -> Request {
        Request::ListRuns {
            dag_id: self.dag_id.clone(),
            state: self.state,
            only: self.only.clone(),
            limit: PAGE_LEN,
            offset: page * PAGE_LEN,
        }
    }

    /// Returns the command that lists the same.
    pub(crate) fn command(&self) -> String {
        let mut command = "dagdeck runs list".to_owned();
        let mut add = |words: String| {
            command.push(' ');
            command.push_str(&words);
        };
        if let Some(dag_id) = &self.dag_id {
            add(shell(dag_id.as_str()));
        }
        if let Some(state) = self.state {
            add(format!("--state {state}"));
        }
        if let Some(dag) = &self.only.dag {
            add(format!("--dag-like {}", shell(dag)));
        }
        if let Some(kind) = self.only.run_type {
            add(format!("--type {kind}"));
        }
        if let Some(secs) = self.only.within_secs {
            add(format!("--since {secs}s"));
        }
        for word in &self.only.words {
            add(format!("--match {}", shell(word)));
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::View;
    use crate::types::state::DagRunType;

    fn read(filter: &str) -> (RunsQuery, String) {
        let mut level = Level::new(Screen::Root(View::Runs));
        level.filter = filter.to_owned();
        RunsQuery::read(&level)
    }

    #[test]
    fn what_the_daemon_can_look_for_is_told_from_what_is_left() {
        let (query, left) = read(
            "state:failed dag:etl type:scheduled since:1d12h OOM conf:iris !paused ~ab by:ana",
        );
        assert_eq!(query.state, Some(DagRunState::Failed));
        assert_eq!(query.only.dag.as_deref(), Some("etl"));
        assert_eq!(query.only.run_type, Some(DagRunType::Scheduled));
        assert_eq!(query.only.within_secs, Some(129_600));
        assert_eq!(query.only.words, ["oom", "iris"]);
        assert_eq!(left, "!paused ~ab by:ana");
        assert_eq!(
            query.command(),
            "dagdeck runs list --state failed --dag-like etl --type scheduled --since 129600s \
             --match oom --match iris"
        );
    }

    #[test]
    fn a_term_that_is_still_being_typed_is_looked_for_here() {
        assert_eq!(read("state:fai").1, "state:fai");
        assert!(read("since:").0.is_plain());
        assert!(read("").0.is_plain());
    }
}
