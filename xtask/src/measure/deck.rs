//! The deck's first paint, in a pseudo-terminal that `script` (util-linux) makes.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::scratch::Scratch;

/// What the first screen shows of the sample project.
const SHOWN: &str = "basic_dag_example";

const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the deck some times; returns the median of how long it took until its DAGs were shown.
pub(super) fn first_paint(scratch: &Scratch) -> Result<Duration, String> {
    super::median(5, || paint(scratch))
}

fn paint(scratch: &Scratch) -> Result<Duration, String> {
    let (binary, dir) = (scratch.binary.display(), scratch.dir.display());
    let deck = format!("stty rows 24 cols 80 && exec '{binary}' --project '{dir}'");
    let start = Instant::now();
    let mut terminal = Command::new("script")
        .args(["-qec", &deck, "/dev/null"])
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("start `script`: {e}"))?;
    let shown = watch(&mut terminal, start);
    if let Some(stdin) = &mut terminal.stdin {
        let _ = stdin.write_all(b"q");
    }
    let _ = terminal.kill();
    let _ = terminal.wait();
    shown
}

fn watch(terminal: &mut Child, start: Instant) -> Result<Duration, String> {
    let mut stdout = terminal.stdout.take().ok_or("`script` says nothing")?;
    let (told, seen) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let mut bytes = [0; 65536];
        while let Ok(count @ 1..) = stdout.read(&mut bytes) {
            text += &String::from_utf8_lossy(&bytes[..count]);
            if text.contains(SHOWN) {
                // An error says that nobody waits any more.
                let _ = told.send(start.elapsed());
            }
        }
    });
    seen.recv_timeout(PATIENCE).map_err(|_| format!("the deck never showed `{SHOWN}`"))
}
