//! How soon the server of a bundle gives its first answer, and what memory it needs.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::scratch::Scratch;
use super::{PATIENCE, Sheet, load, median, process};

/// Starts that are measured.
const STARTS: usize = 10;

/// Bundles the model that is in production, and measures its server.
pub(super) fn bundle(scratch: &Scratch, sheet: &mut Sheet) -> Result<(), String> {
    let target = scratch.dir.join("bundle");
    let to = target.to_string_lossy().into_owned();
    scratch.run(&["bundle", "iris@production", "--to", &to])?;
    let mut bytes = 0;
    let took = median(STARTS, || {
        let (took, resident) = first_answer(scratch, &format!("{to}/rootfs/srv"))?;
        bytes = bytes.max(resident);
        Ok(took)
    })?;
    sheet.limited("serve, start until its first answer", took, "50 ms", 50.0);
    let mb = bytes as f64 / 1e6;
    sheet.figure("serve, resident", format!("{mb:.1} MB"), Some(("60 MB", mb < 60.0)));
    Ok(())
}

fn first_answer(scratch: &Scratch, folder: &str) -> Result<(Duration, u64), String> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.map_err(|error| error.to_string())?.to_string();
    let start = Instant::now();
    let server = scratch
        .command(&["serve", folder, "--listen", &address])
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("start the server: {error}"))?;
    let server = Ended(server);
    while !load::answers(&address) {
        if start.elapsed() > PATIENCE {
            return Err("the server does not answer".to_owned());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok((start.elapsed(), process::resident_bytes(server.0.id())?))
}

/// A process that ends with its measurement.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
