//! Commands about outputs of tasks.

use clap::Subcommand;

use crate::types::ids::UNMAPPED;
use crate::types::xcom::RETURN_VALUE;

/// Commands about outputs of tasks.
#[derive(Debug, Subcommand)]
pub enum XcomCommand {
    /// List the outputs of a run, or of one of its tasks
    List { dag_id: String, dag_run_id: String, task_id: Option<String> },
    /// Print one output
    Get {
        dag_id: String,
        dag_run_id: String,
        task_id: String,
        /// Which output; what the task returned where none is given
        #[arg(default_value = RETURN_VALUE)]
        key: String,
        /// Of which element of a mapped task
        #[arg(long, value_name = "N", default_value_t = UNMAPPED, allow_negative_numbers = true)]
        map_index: i32,
    },
}
