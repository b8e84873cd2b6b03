//! The command line: parses, assembles, prints, exits. The only place that reads the
//! environment.

use std::path::Path;

/// Runs the command line and returns the process's exit code.
pub fn main() -> u8 {
    let words: Vec<_> = std::env::args_os().collect();
    match words.as_slice() {
        [_, command, folder] if command == "attempt" => {
            crate::runtime::executor::attempt_main(Path::new(folder))
        }
        _ => 0,
    }
}
