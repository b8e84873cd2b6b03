//! The server, and what stands between it and those who ask.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dagdeck::connection::OpenConnection;
use dagdeck::connection::object::{Lake, Manner, Patience, Root};
use serde_json::{Value, json};

use crate::support::peer;

/// A server of S3 that ends with this value.
pub(super) struct Server {
    child: Child,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    pub(super) said: Value,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one that asks who one is, with a bucket `lake`; says in the list of skipped tests
    /// why where it cannot be.
    pub(super) fn start(test: &str) -> Option<Self> {
        Self::with(test, &[])
    }

    pub(super) fn with(test: &str, options: &[&str]) -> Option<Self> {
        let python = peer("DAGDECK_TEST_MOTO", test)?;
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/s3/server.py");
        let mut command = Command::new(python);
        command.arg(script);
        for option in options {
            command.arg(option);
            if *option == "--tls" {
                command.arg(folder.path());
            }
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap();
        let server = Self { child, talk: Mutex::new((input, output)), said, folder };
        server.call("create_bucket", json!({ "Bucket": "lake" }));
        Some(server)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn endpoint(&self) -> &str {
        self.said["endpoint"].as_str().unwrap()
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.said[name].as_str().unwrap().to_owned()
    }

    /// Has boto3 ask the server.
    #[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
    pub(super) fn call(&self, call: &str, args: Value) -> Value {
        let mut talk = self.talk.lock().unwrap();
        let (input, output) = &mut *talk;
        writeln!(input, "{}", json!({ "call": call, "args": args })).unwrap();
        input.flush().unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("error").is_none(), "{call}: {answer}");
        answer["ok"].clone()
    }

    pub(super) fn put(&self, key: &str, text: &str) {
        self.call("put_object", json!({ "Bucket": "lake", "Key": key, "Body": text }));
    }

    pub(super) fn get(&self, key: &str) -> String {
        let got = self.call("get_object", json!({ "Bucket": "lake", "Key": key }));
        got["Body"].as_str().unwrap().to_owned()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        let listed = self.call("list_objects_v2", json!({ "Bucket": "lake" }));
        let objects = listed["Contents"].as_array().cloned().unwrap_or_default();
        objects.iter().map(|object| object["Key"].as_str().unwrap().to_owned()).collect()
    }

    /// Uploads of several parts that were begun and neither completed nor ended.
    pub(super) fn uploads(&self) -> usize {
        let listed = self.call("list_multipart_uploads", json!({ "Bucket": "lake" }));
        listed["Uploads"].as_array().map_or(0, Vec::len)
    }

    /// What `dags.toml` says of it.
    pub(super) fn toml(&self, endpoint: &str) -> String {
        let ca = match self.said["ca_file"].as_str() {
            Some(path) => format!("ca_file = \"{path}\"\n"),
            None => String::new(),
        };
        format!(
            "[connection.lake]\nurl = \"s3://lake\"\nendpoint = \"{endpoint}\"\n\
             access_key_id = \"{}\"\nsecret_access_key = \"${{file:s3.key}}\"\n{ca}",
            self.text("access_key_id")
        )
    }

    pub(super) fn connection(&self, more: &[(&str, &str)]) -> OpenConnection {
        let mut options: BTreeMap<String, String> = BTreeMap::new();
        for key in ["endpoint", "access_key_id", "secret_access_key", "ca_file"] {
            if let Some(value) = self.said[key].as_str() {
                options.insert(key.to_owned(), value.to_owned());
            }
        }
        options.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        OpenConnection { name: "lake".into(), url: "s3://lake".into(), options }
    }

    /// Opens the bucket, with other options than the server's own.
    pub(super) fn lake(&self, more: &[(&str, &str)]) -> Lake {
        self.open(&self.connection(more), Patience::Work)
    }

    pub(super) fn open(&self, connection: &OpenConnection, patience: Patience) -> Lake {
        let manner = Manner { project: self.folder.path(), patience, memory: None };
        Root::of(connection, self.folder.path()).unwrap().open("lake", manner).unwrap()
    }

    /// Ends it at once, as a machine that loses its power.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line to the server that can be cut.
pub(super) struct Line {
    pub(super) endpoint: String,
    left: Arc<AtomicUsize>,
    cut: Arc<AtomicUsize>,
}

/// Which way the bytes go that are counted.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    Up,
    Down,
}

impl Line {
    /// Carries connections to the server, and cuts the one over which byte `after` goes, once.
    pub(super) fn new(server: &Server, way: Way, after: usize) -> Self {
        let target = server.endpoint().rsplit('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (left, cut) = (Arc::new(AtomicUsize::new(after)), Arc::new(AtomicUsize::new(0)));
        let counters = (Arc::clone(&left), Arc::clone(&cut));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&target) else {
                    let _ = client.shutdown(Shutdown::Both);
                    continue;
                };
                let pair = |one: &TcpStream, other: &TcpStream| {
                    (one.try_clone().unwrap(), other.try_clone().unwrap())
                };
                let (up, down) = (pair(&client, &server), pair(&server, &client));
                let counted = |this: Way| (this == way).then(|| counters.clone());
                let (of_up, of_down) = (counted(Way::Up), counted(Way::Down));
                std::thread::spawn(move || carry(up, of_up));
                std::thread::spawn(move || carry(down, of_down));
            }
        });
        Self { endpoint, left, cut }
    }

    /// How often it was cut.
    pub(super) fn cuts(&self) -> usize {
        self.cut.load(Ordering::SeqCst)
    }

    /// How many bytes may still go before it is cut.
    pub(super) fn left(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.left)
    }
}

type Counters = (Arc<AtomicUsize>, Arc<AtomicUsize>);

fn carry((mut from, mut to): (TcpStream, TcpStream), counters: Option<Counters>) {
    let mut piece = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if let Some((left, cut)) = &counters
            && cut.load(Ordering::SeqCst) == 0
        {
            let before = left.load(Ordering::SeqCst);
            left.store(before.saturating_sub(read), Ordering::SeqCst);
            if read >= before && cut.fetch_add(1, Ordering::SeqCst) == 0 {
                break;
            }
        }
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Waits for what the bucket says.
pub(super) fn block_on<R>(work: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
