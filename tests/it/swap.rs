//! Versions change under load: no request is dropped, each is answered by one of the versions.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::Project;

/// Clients with a connection each that they keep.
const CLIENTS: usize = 4;

/// A connection that is kept.
pub(crate) struct Kept {
    addr: String,
    stream: BufReader<TcpStream>,
    /// The server said that it will close the connection.
    pub(crate) is_closing: bool,
}

impl Kept {
    pub(crate) fn open(addr: &str) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { addr: addr.to_owned(), stream: BufReader::new(stream), is_closing: false }
    }

    /// Asks for a prediction; returns the version that answered, and what it said.
    pub(crate) fn predict(&mut self) -> (String, String) {
        let answer = self.try_predict().unwrap();
        assert!(!self.is_closing);
        answer
    }

    /// As `predict`; an error says that the connection was closed before anything was answered.
    pub(crate) fn try_predict(&mut self) -> std::io::Result<(String, String)> {
        let body = "[[5.1,3.5,1.4,0.2]]";
        let request = format!(
            "POST /predict HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut head = BTreeMap::new();
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        assert!(line.starts_with("HTTP/1.1 200 "), "{line:?} {head:?}");
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            head.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut body = vec![0; head["content-length"].parse().unwrap()];
        self.stream.read_exact(&mut body).unwrap();
        self.is_closing = head.get("connection").is_some_and(|told| told == "close");
        Ok((head["x-model-version"].clone(), String::from_utf8(body).unwrap()))
    }
}

/// Predicts until told to stop; returns how often each version answered.
fn load(addr: &str, stop: &AtomicBool) -> BTreeMap<String, u64> {
    let mut kept = Kept::open(addr);
    let mut answers = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        let (version, body) = kept.predict();
        assert!(body.contains("\"label\":\"setosa\""), "{body}");
        *answers.entry(version).or_default() += 1;
        // Leaves the machine to what is tested.
        std::thread::sleep(Duration::from_millis(1));
    }
    answers
}

#[test]
fn promotes_rollbacks_and_edits_under_load_drop_no_request() {
    let mut project = Project::sample();
    project.up();
    for (count, model) in [(1, "model=xgboost"), (2, "model=logistic_regression")] {
        project.run(&["run", "mlops_pipeline", "-p", model]).ok();
        project.wait_for_runs("model_serving_pipeline", count);
    }
    let addr = project.serving();
    let stop = AtomicBool::new(false);
    let answers: Vec<BTreeMap<String, u64>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| load(&addr, &stop))).collect();
        let deployed = std::panic::catch_unwind(|| change_versions(&project));
        stop.store(true, Ordering::SeqCst);
        let answers = clients.into_iter().map(|client| client.join().unwrap()).collect();
        deployed.unwrap();
        answers
    });
    for client in answers {
        assert_eq!(client.keys().collect::<Vec<_>>(), ["1", "2"], "{client:?}");
    }
    project.down();
}

/// Back, forth, back, with an edit of the definitions between.
fn change_versions(project: &Project) {
    project.run(&["models", "rollback", "iris"]).ok();
    project.wait_for_runs("model_serving_pipeline", 3);
    let text = std::fs::read_to_string(project.path("dags.toml")).unwrap();
    project.write("dags.toml", text.replace("name = \"practice\"", "name = \"edited\""));
    project.run(&["models", "promote", "iris", "2"]).ok();
    project.wait_for_runs("model_serving_pipeline", 4);
    project.run(&["models", "rollback", "iris"]).ok();
    let runs = project.wait_for_runs("model_serving_pipeline", 5);
    assert!(runs.iter().all(|run| run["state"] == "success"), "{runs:?}");
}
