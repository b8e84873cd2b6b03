//! Real peers of the tests: found by what `cargo xtask test` says of them, else the test is skipped
//! and says so. Used by the tests of the library too, which include this file.
#![allow(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test is told by its environment, and says why it did nothing"
)]

use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// Returns the path of a peer's program that the test set-up provides, or records that the test
/// was skipped for want of it (with `CI=true` that is a failure at the end).
pub(crate) fn peer(variable: &str, test: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(PathBuf::from(path));
    }
    eprintln!("skipped: {test} ({variable} is not set; `cargo xtask test` sets it)");
    if let Some(list) = std::env::var_os("DAGDECK_TEST_SKIPPED") {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(file, "{test}: {variable}").unwrap();
    }
    None
}
