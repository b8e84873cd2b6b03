//! Commands about DAGs.

use clap::{Subcommand, ValueEnum};

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Drawn with lines
    Ascii,
    Dot,
    Mermaid,
    Json,
}

/// Commands about DAGs.
#[derive(Debug, Subcommand)]
pub enum DagsCommand {
    /// Write a DAG's graph, or that of one of its runs with the states
    Graph {
        dag_id: String,
        /// The graph that this run runs, with the states of its tasks
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        #[arg(long, value_enum, default_value_t = GraphFormat::Ascii)]
        format: GraphFormat,
    },
    /// Show the states of a DAG's tasks over its last runs, newest right
    Grid {
        dag_id: String,
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Around this run, where it is older
        #[arg(long, value_name = "RUN")]
        around: Option<String>,
    },
    /// List all DAGs
    List,
    /// Show one DAG
    Show { dag_id: String },
    /// List the versions of a DAG, newest first
    Versions {
        dag_id: String,
        #[arg(long, default_value_t = 25)]
        limit: u32,
    },
    /// Show what differs between two versions of a DAG
    Diff {
        dag_id: String,
        /// The older one; the one before TO where none is given
        from: Option<u32>,
        /// The newer one; the last one where none is given
        to: Option<u32>,
    },
    /// Stop scheduling a DAG
    Pause { dag_id: String },
    /// Go on scheduling a DAG
    Unpause { dag_id: String },
}
