//! The command line: parses, assembles, prints, exits. The only place that reads the
//! environment.

/// Runs the command line and returns the process's exit code.
pub fn main() -> u8 {
    0
}
