//! Definitions: `dags.toml` parsed into types that cannot be wrong, with every error of the file
//! in one report.
//!
//! ```text
//! dags.toml ──file──► as written ──check──► Deck { Dag, AssetSpec, DatasetSpec, … }
//!                          │                          │
//!                          └──► Vec<Diagnostic>       └── graph · schedule · params · template
//! ```

pub mod check;
pub mod deadline;
pub mod diagnostic;
pub mod file;
pub mod flow;
pub mod graph;
pub mod limits;
pub mod mail;
pub mod mapping;
pub mod openlineage;
pub mod operator;
pub mod params;
pub mod partition;
pub mod plan;
pub mod problem;
pub mod retention;
pub mod s3;
pub mod schedule;
pub mod secret;
pub mod serving;
pub mod settings;
pub mod slurm;
pub mod spec;
pub mod suggest;
pub mod template;
pub mod tracking;
pub mod trigger_rule;
pub mod weight;

use dagdeck_types as types;

pub use check::{load, load_serving};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use flow::{Flow, GroupSpec};
pub use spec::{Dag, Deck, TaskSpec};
