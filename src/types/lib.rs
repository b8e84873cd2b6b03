//! The vocabulary that every layer shares: ids, states, times, faults and what the doors say.
//!
//! Only std, serde and jiff below this point. Nothing here reads a disk, a socket or (but for
//! `time`) a clock.

pub mod approval;
pub mod ask;
pub mod asset;
pub mod attention;
pub mod backfill;
pub mod callback;
pub mod deadline;
pub mod deferral;
pub mod drift;
pub mod duration;
pub mod event;
pub mod executor;
pub mod fault;
pub mod figure;
pub mod freshness;
pub mod gate;
pub mod grid;
pub mod ids;
pub mod io;
pub mod lineage;
pub mod log;
pub mod metric;
pub mod operation;
pub mod packed;
pub mod progress;
pub mod run;
pub mod search;
pub mod serving;
pub mod settings;
pub mod state;
mod strip;
pub mod time;
pub mod trouble;
pub mod view;
pub mod why;
pub mod xcom;

pub use fault::{Fault, FaultKind};
pub use ids::{
    AssetName, AttemptKey, DagId, DagRunId, GroupId, LaunchToken, MapIndex, TaskId,
    TaskInstanceKey, TrackingRunId, TryNumber,
};
pub use state::{DagRunState, TaskInstanceState};
pub use time::{Clock, Timestamp};
