//! Commands about the tasks of runs, and which of them are listed.

use clap::{Args, Subcommand};

use crate::cli::args::value::task_state;
use crate::cli::args::{ClearArgs, NoteArgs, ReachArgs, WhichTasks};
use crate::cli::columns::TaskColumn;
use crate::types::TaskInstanceState;

/// Which task instances are meant.
#[derive(Debug, Args)]
pub struct TaskListArgs {
    /// In this state only, such as failed, running, up_for_retry
    #[arg(long, value_parser = task_state)]
    pub state: Option<TaskInstanceState>,
    /// Of this DAG only
    #[arg(long, value_name = "DAG")]
    pub dag: Option<String>,
    /// Of this task only; needs --dag
    #[arg(long, value_name = "TASK", requires = "dag")]
    pub task: Option<String>,
    /// In this pool only
    #[arg(long)]
    pub pool: Option<String>,
    /// Of this operator only
    #[arg(long)]
    pub operator: Option<String>,
    #[arg(long, default_value_t = 25)]
    pub limit: u32,
    /// Go on where a page ended (its `next`)
    #[arg(long, value_name = "NEXT")]
    pub before: Option<i64>,
    /// Further columns, such as executor,hostname,pid
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub columns: Vec<TaskColumn>,
}

/// Commands about the tasks of runs.
#[derive(Debug, Subcommand)]
pub enum TasksCommand {
    /// List task instances across runs, newest first
    List(TaskListArgs),
    /// Let tasks run again
    Clear {
        #[command(flatten)]
        tasks: WhichTasks,
        #[command(flatten)]
        clear: ClearArgs,
    },
    /// Set how tasks ended: success, failed or skipped
    Mark {
        state: TaskInstanceState,
        #[command(flatten)]
        tasks: WhichTasks,
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// Write a note on tasks
    Note {
        #[command(flatten)]
        tasks: WhichTasks,
        #[command(flatten)]
        note: NoteArgs,
    },
}

/// `tasks DAG RUN`, or a command about tasks.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct TasksArgs {
    #[arg(required = true)]
    pub dag_id: Option<String>,
    #[arg(required = true)]
    pub dag_run_id: Option<String>,
    /// Further columns, such as executor,hostname,pid
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub columns: Vec<TaskColumn>,
    #[command(subcommand)]
    pub command: Option<TasksCommand>,
}
