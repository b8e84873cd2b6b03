//! Runs plugins: programs with arguments, never a shell.

use std::io::{self, BufRead, Read, Write};
use std::process::{Command, Stdio};

use crate::message::Call;

/// How much of what a plugin prints is looked at for its last line.
const SAID_MAX: u64 = 64 * 1024;

fn command(call: &Call) -> Command {
    let mut command = Command::new(&call.program);
    command.args(&call.args).envs(call.variables.iter().map(|(name, value)| (name, value)));
    command
}

fn not_started(call: &Call, error: &io::Error) -> String {
    format!("failed to start `{}`: {error}", call.program)
}

/// Runs a plugin on the terminal and waits for enter, so that what it printed can be read.
pub(super) fn on_terminal(call: &Call) -> Result<Option<i32>, String> {
    let status = command(call).status().map_err(|error| not_started(call, &error))?;
    let code = status.code();
    let word = code.map_or("was ended by a signal".to_owned(), |code| format!("exit code {code}"));
    let mut out = io::stdout();
    let _ = write!(out, "\n{}: {word}; press enter to go back to the deck ", call.name);
    let _ = out.flush();
    let _ = io::stdin().lock().read_line(&mut String::new());
    Ok(code)
}

/// Runs a plugin without the terminal; returns its exit code and the last line that it printed.
pub(super) fn beside(call: &Call) -> Result<(Option<i32>, String), String> {
    let mut command = command(call);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(call, &error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let errors = std::thread::spawn(move || stderr.map(last_line).unwrap_or_default());
    let said = stdout.map(last_line).unwrap_or_default();
    let errors = errors.join().unwrap_or_default();
    let status = child.wait().map_err(|error| error.to_string())?;
    let said = if status.success() || errors.is_empty() { said } else { errors };
    Ok((status.code(), said))
}

/// Reads to the end, so that the program never waits for its reader, and keeps the last line of
/// what was read first.
fn last_line(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.by_ref().take(SAID_MAX).read_to_end(&mut bytes);
    let _ = io::copy(&mut pipe, &mut io::sink());
    let text = String::from_utf8_lossy(&bytes);
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(program: &str, args: &[&str]) -> Call {
        Call {
            name: "p".to_owned(),
            program: program.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            variables: vec![("DAGDECK_DAG".to_owned(), "a b".to_owned())],
            background: true,
        }
    }

    #[test]
    fn a_plugin_tells_its_last_line_and_its_exit_code() {
        let script = "echo one; echo \"$DAGDECK_DAG\"; echo oops >&2; exit $1";
        let ran = |code| beside(&call("sh", &["-c", script, "sh", code])).unwrap();
        assert_eq!(ran("0"), (Some(0), "a b".to_owned()));
        assert_eq!(ran("3"), (Some(3), "oops".to_owned()));
        assert!(beside(&call("/nowhere", &[])).unwrap_err().contains("start `/nowhere`"));
    }

    #[test]
    fn what_is_selected_is_one_argument_and_never_a_shells() {
        let ran = beside(&call("printf", &["%s", "$(id); `id` 'x"])).unwrap();
        assert_eq!(ran.1, "$(id); `id` 'x");
    }
}
