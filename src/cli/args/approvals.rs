//! Commands about what people are asked.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::args::value::param;

/// Commands about what people are asked.
#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// List what waits for an answer, newest first
    List {
        /// Of this DAG only
        dag_id: Option<String>,
        /// Also what was answered, or is asked no more
        #[arg(long)]
        all: bool,
        #[arg(long, default_value_t = 25)]
        limit: u32,
    },
    /// Show the last question of a task, and its answer
    Show {
        dag_id: String,
        dag_run_id: String,
        task_id: String,
        /// Which element, where the task is mapped
        #[arg(long, value_name = "N")]
        map_index: Option<i32>,
    },
    /// Answer a question; that can be done once
    Answer(AnswerArgs),
}

/// What an answer takes.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    pub dag_id: String,
    pub dag_run_id: String,
    pub task_id: String,

    /// What is chosen; several times where several may be
    #[arg(long, value_name = "CHOICE", required = true)]
    pub choose: Vec<String>,

    /// A field of the form; the value is read as JSON where it parses as such, else as text
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = param)]
    pub params: Vec<(String, Value)>,

    /// Which element, where the task is mapped
    #[arg(long, value_name = "N")]
    pub map_index: Option<i32>,
}
