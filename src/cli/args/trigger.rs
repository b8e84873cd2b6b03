//! What the commands take that make a run.

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::args::value::param;
use crate::types::Timestamp;

/// What a trigger takes.
#[derive(Debug, Args)]
pub struct TriggerArgs {
    pub dag_id: String,

    /// A param of the run; the value is read as JSON where it parses as such, else as text;
    /// `grid.a=3` sets one key of a param that is a table
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = param)]
    pub params: Vec<(String, Value)>,

    /// All params at once: a table of JSON, a file that holds one, or - for standard input;
    /// --param goes over it
    #[arg(long, value_name = "FILE|-|JSON")]
    pub conf: Option<String>,

    /// The run's id; one is made where none is given
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,

    /// The instant the run stands for, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub logical_date: Option<Timestamp>,

    /// A note that is kept with the run
    #[arg(long)]
    pub note: Option<String>,

    /// Which part of its assets the run is about, such as 2026-03-10
    #[arg(long, value_name = "KEY")]
    pub partition_key: Option<String>,
}

impl TriggerArgs {
    /// Returns the params as one table, over what `--conf` gave; of two with one name the last
    /// counts.
    pub fn over(&self, mut conf: Map<String, Value>) -> Map<String, Value> {
        conf.extend(self.params.iter().cloned());
        conf
    }
}

/// Options of `trigger`.
#[derive(Debug, Args)]
pub struct TriggerCommand {
    #[command(flatten)]
    pub args: TriggerArgs,

    /// Check the params and say what the run would do, without making it
    #[arg(long)]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::cli::args::{Cli, Command};

    #[test]
    fn the_last_of_two_params_counts() {
        let cli = Cli::try_parse_from(["dagdeck", "trigger", "d", "-p", "a=1", "-p", "a=2"]);
        let Some(Command::Trigger(TriggerCommand { args, .. })) = cli.unwrap().command else {
            panic!("a trigger")
        };
        assert_eq!(Value::Object(args.over(Map::new())), json!({"a": 2}));
    }
}
