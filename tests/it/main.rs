//! Tests of the whole: the binary, its doors, and the rules that hold over all files. One test
//! binary, so that it is linked once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, say why on standard error, and wait for real processes"
)]

mod backfill;
mod bad_input;
mod bundle;
mod cli;
mod crash;
mod data;
mod datasets;
mod deck;
mod drift;
mod engine;
mod foreign;
mod layers;
mod lineage;
mod mirror;
mod mlflow;
mod openlineage;
mod peers;
mod postgres;
mod predict;
mod promises;
mod queues;
mod replicas;
mod s3;
mod serving;
mod slurm;
mod soak;
mod ssh;
mod storm;
mod story;
mod support;
mod swap;
mod traffic;
mod trials;
mod watch;
mod wire;
