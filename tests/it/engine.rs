//! The engine with a real store, real definitions and real processes: to the end, through stops,
//! kills and failing commits.

mod bench;
mod callbacks;
mod commit;
mod in_daemon;
mod kill;
mod mapping;
mod project;
mod recovery;
mod run;
mod waiting;
mod worker;
mod xcom;
