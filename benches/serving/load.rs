//! Requests as fast as answers come, on connections that are kept. One thread asks on all of them, so
//! that the load itself takes as little of the machine as it can.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::Server;

/// What was seen of a server.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

pub(crate) struct Load<'a> {
    pub(crate) server: &'a Server,
    pub(crate) connections: usize,
    pub(crate) lasting: Duration,
}

impl Load<'_> {
    pub(crate) fn run(&self) -> Seen {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let start = Instant::now();
        let mut took: Vec<Duration> = runtime.block_on(async {
            let until = start + self.lasting;
            let clients = (0..self.connections).map(|_| client(self.server.clone_target(), until));
            let clients: Vec<_> = clients.map(tokio::spawn).collect();
            let mut all = Vec::new();
            for client in clients {
                all.append(&mut client.await.unwrap());
            }
            all
        });
        let per_second = took.len() as f64 / start.elapsed().as_secs_f64();
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        Seen { per_second, p50: at(0.5), p99: at(0.99) }
    }
}

/// Where to ask, and what.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) path: &'static str,
    pub(crate) body: &'static str,
}

impl Target {
    fn request(&self) -> String {
        let Self { address, path, body } = self;
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Asks once; `None` where that is not answered with 200.
    pub(crate) fn ask(&self) -> Option<()> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(&self.address).ok()?;
        stream.write_all(self.request().as_bytes()).ok()?;
        let mut first = [0; 12];
        stream.read_exact(&mut first).ok()?;
        (&first == b"HTTP/1.1 200").then_some(())
    }
}

async fn client(target: Target, until: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(&target.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = target.request();
    let mut buffer = Vec::with_capacity(4096);
    let mut took = Vec::with_capacity(100_000);
    loop {
        let begin = Instant::now();
        if begin >= until {
            return took;
        }
        stream.write_all(request.as_bytes()).await.unwrap();
        buffer.clear();
        while !is_whole(&buffer) {
            assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "the server hung up");
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer));
        took.push(begin.elapsed());
    }
}

/// Says whether head and body of an answer are there.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let name = b"content-length:";
    let found = bytes[..head].windows(name.len()).position(|at| at.eq_ignore_ascii_case(name));
    let value = &bytes[found.expect("an answer has a length") + name.len()..head];
    let digits = value.iter().skip_while(|byte| **byte == b' ').take_while(|b| b.is_ascii_digit());
    let length = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    bytes.len() >= head + 4 + length
}
