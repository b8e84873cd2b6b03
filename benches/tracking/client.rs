//! A client that keeps its connection: one request after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

const API: &str = "/api/2.0/mlflow";

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    head: String,
    /// From the first byte of each request to the last one of its answer.
    pub(crate) spent: Duration,
}

impl Client {
    pub(crate) fn new(address: &str, token: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let token = match token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        Self {
            stream: BufReader::new(stream),
            head: format!("Host: {address}\r\n{token}"),
            spent: Duration::ZERO,
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.ask("GET", path, "")
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, &body.to_string())
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Value {
        let request = format!(
            "{method} {API}{path} HTTP/1.1\r\n{}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.head,
            body.len()
        );
        let begin = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.clone();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).unwrap();
        self.spent += begin.elapsed();
        let text = String::from_utf8_lossy(&answer);
        assert!(status.contains(" 200 "), "{method} {path}: {status} {text}");
        serde_json::from_slice(&answer).unwrap()
    }
}
