//! The engine with a real store, real definitions and real processes: to the end, through stops,
//! kills and failing commits.

pub(crate) mod bench;
mod callbacks;
mod commit;
mod in_daemon;
pub(crate) mod kill;
mod mapping;
mod project;
mod recovery;
mod run;
mod waiting;
mod worker;
mod xcom;
