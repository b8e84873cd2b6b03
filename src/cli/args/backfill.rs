//! Commands about backfills.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::cli::args::value::{JsonObject, json_object, param};
use crate::cli::command::backfill::date;
use crate::types::Timestamp;
use crate::types::backfill::{BackfillId, MAX_ACTIVE_RUNS};
use crate::types::state::ReprocessBehavior;

/// Commands about backfills.
#[derive(Debug, Subcommand)]
pub enum BackfillCommand {
    /// Begin a backfill
    Create(BackfillArgs),
    /// List backfills, newest first
    List {
        /// Of this DAG only
        dag_id: Option<String>,
        #[arg(long, default_value_t = 25)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show a backfill with its dates, the last one first
    Show {
        backfill_id: BackfillId,
        #[arg(long, default_value_t = 25)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Make and begin no more of its runs; those that run go on
    Pause { backfill_id: BackfillId },
    /// Go on
    Unpause { backfill_id: BackfillId },
    /// End it; runs that wait have failed, those that run go on
    Cancel { backfill_id: BackfillId },
}

/// What a backfill takes.
#[derive(Debug, Args)]
pub struct BackfillArgs {
    pub dag_id: String,

    /// The first logical date, such as 2026-01-01 (midnight in UTC) or 2026-01-01T06:00:00Z
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub from_date: Timestamp,

    /// The last logical date, inclusive
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub to_date: Timestamp,

    /// Which dates that have a run are run again: none, failed, completed
    #[arg(long, visible_alias = "reprocess-behavior", default_value = "none")]
    pub reprocess: ReprocessBehavior,

    /// The newest date first
    #[arg(long)]
    pub run_backwards: bool,

    /// How many of its runs run at once
    #[arg(long, value_name = "N", default_value_t = MAX_ACTIVE_RUNS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_active_runs: u32,

    /// The conf of its runs, as a JSON object
    #[arg(long, visible_alias = "dag-run-conf", value_name = "JSON", value_parser = json_object)]
    pub run_conf: Option<JsonObject>,

    /// A param of its runs; the value is read as JSON where it parses as such, else as text
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = param)]
    pub params: Vec<(String, Value)>,

    /// Show what would be done with each date, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl BackfillArgs {
    /// Returns the conf, single params over the whole; `None` where neither is given.
    pub fn conf(&self) -> Option<Map<String, Value>> {
        if self.run_conf.is_none() && self.params.is_empty() {
            return None;
        }
        let mut conf = self.run_conf.clone().map(|JsonObject(conf)| conf).unwrap_or_default();
        conf.extend(self.params.iter().cloned());
        Some(conf)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::cli::args::{Cli, Command};

    #[test]
    fn single_params_of_a_backfill_go_over_its_conf() {
        let args = |more: &[&str]| {
            let given = ["dagdeck", "backfill", "create", "d", "--from-date", "2026-01-01"];
            let to = ["--to-date", "2026-01-02"];
            let cli = Cli::try_parse_from(given.iter().chain(&to).chain(more));
            match cli.map(|cli| cli.command) {
                Ok(Some(Command::Backfill(BackfillCommand::Create(args)))) => Ok(args),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.to_string()),
            }
        };
        assert_eq!(args(&[]).unwrap().conf(), None);
        let conf = args(&["--run-conf", r#"{"a": 1, "b": 2}"#, "-p", "b=3"]).unwrap().conf();
        assert_eq!(conf.map(Value::Object), Some(json!({"a": 1, "b": 3})));
        assert!(args(&["--run-conf", "[1]"]).unwrap_err().contains("no JSON object"));
        assert!(args(&["--reprocess", "some"]).unwrap_err().contains("some"));
        assert!(args(&["--max-active-runs", "0"]).unwrap_err().contains("1..=10000"));
    }
}
