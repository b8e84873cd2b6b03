//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(dagdeck::cli::main())
}
