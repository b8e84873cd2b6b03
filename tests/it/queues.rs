//! Message channels as assets, against the real servers: each message is one event, also across
//! restarts where the protocol keeps messages.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Project, peer, until};

/// A server that ends with this.
struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts what `arguments` say, of a port and a folder, and waits until it listens.
    fn start(
        variable: &str,
        test: &str,
        arguments: impl Fn(u16, &str) -> Vec<String>,
    ) -> Option<Self> {
        let program = peer(variable, test)?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .args(arguments(port, folder.path().to_str().unwrap()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port, _folder: folder };
        until(|| TcpStream::connect(("127.0.0.1", port)).ok()).expect("the server listens");
        Some(server)
    }

    fn project(&self, scheme: &str, path: &str) -> Project {
        let mut project = Project::with(&format!(
            "[connection.q]\nurl = \"{scheme}://127.0.0.1:{}\"\n\
             [asset.orders]\nuri = \"q:{path}\"\nwatch = true\n\
             [dag.take]\nschedule = {{ assets = \"orders\" }}\n\
             [dag.take.task.t]\noperator = \"command\"\n\
             command = \"echo '{{{{ triggering_asset_events[0].extra.data | tojson }}}}'\"\n",
            self.port
        ));
        project.keep_if_it_fails();
        project
    }

    /// Sends bytes, and returns what comes first.
    fn say(&self, words: &[&[u8]]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut answer = vec![0; 4096];
        let mut length = 0;
        for word in words {
            stream.write_all(word).unwrap();
            length = stream.read(&mut answer).unwrap();
        }
        answer.truncate(length);
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until there are so many events, and returns what their messages hold, oldest first.
fn data(project: &Project, count: usize) -> Vec<Value> {
    let events = || {
        let events = project.json(&["assets", "events", "orders"]);
        let events = events.as_array().unwrap().clone();
        (events.len() >= count).then_some(events)
    };
    let events = until(events).expect("all messages are told of");
    assert_eq!(events.len(), count, "none is told of twice");
    events.iter().rev().map(|event| event["extra"]["data"].clone()).collect()
}

#[test]
fn each_entry_of_a_redis_stream_is_one_event_also_across_restarts() {
    let test = "each_entry_of_a_redis_stream_is_one_event_also_across_restarts";
    let server = Server::start("DAGDECK_TEST_REDIS", test, |port, folder| {
        let port = port.to_string();
        ["--port", &port, "--save", "", "--appendonly", "no", "--dir", folder]
            .map(str::to_owned)
            .to_vec()
    });
    let Some(server) = server else { return };
    let add = |n: u32| {
        let command = format!("XADD orders * n {n}\r\n");
        assert!(server.say(&[command.as_bytes()]).starts_with(b"$"));
    };
    add(1);
    let mut project = server.project("redis", "orders");
    project.up();
    add(2);
    assert_eq!(data(&project, 2)[0]["n"], "1", "what lay there is read, too");
    project.wait_for_runs("take", 2);
    project.kill_daemon();
    add(3);
    project.up();
    add(4);
    let all = data(&project, 4);
    assert_eq!(all.iter().map(|one| one["n"].as_str().unwrap()).collect::<String>(), "1234");
    project.down();
}

#[test]
fn messages_of_a_nats_subject_are_events_while_a_daemon_listens() {
    let test = "messages_of_a_nats_subject_are_events_while_a_daemon_listens";
    let server = Server::start("DAGDECK_TEST_NATS", test, |port, _| {
        ["-a", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec()
    });
    let Some(server) = server else { return };
    let publish = |n: u32| {
        let body = format!("{{\"n\": {n}}}");
        let text = format!("PUB orders.new {}\r\n{body}\r\nPING\r\n", body.len());
        let hello = "CONNECT {\"verbose\":false}\r\nPING\r\n";
        server.say(&[hello.as_bytes(), text.as_bytes()]);
    };
    let mut project = server.project("nats", "orders.*");
    project.up();
    // Who subscribes may not have done so yet: the first that comes through shows that it has.
    let mut sent = 0;
    until(|| {
        sent += 1;
        publish(sent);
        let events = project.json(&["assets", "events", "orders"]);
        (!events.as_array().unwrap().is_empty()).then_some(())
    })
    .expect("a message comes through");
    let before = project.json(&["assets", "events", "orders"]);
    publish(1000);
    let last = until(|| {
        let events = project.json(&["assets", "events", "orders"]);
        let last = events[0].clone();
        (last["extra"]["data"]["n"] == 1000).then_some(last)
    });
    assert_eq!(last.unwrap()["extra"]["subject"], "orders.new");
    assert!(before.as_array().unwrap().len() <= usize::try_from(sent).unwrap());
    project.down();
}

/// Publishes at QoS 1, as a client of its own.
fn publish(server: &Server, topic: &str, body: &str) {
    let connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test";
    let mut packet = vec![0x32, u8::try_from(4 + topic.len() + body.len()).unwrap(), 0];
    packet.push(u8::try_from(topic.len()).unwrap());
    packet.extend(topic.as_bytes());
    packet.extend([0, 7]);
    packet.extend(body.as_bytes());
    let answer = server.say(&[connect, &packet]);
    assert_eq!(answer, [0x40, 2, 0, 7], "the broker has it");
}

#[test]
fn an_mqtt_broker_keeps_messages_for_the_daemon_that_comes_back() {
    let test = "an_mqtt_broker_keeps_messages_for_the_daemon_that_comes_back";
    let server = Server::start("DAGDECK_TEST_MOSQUITTO", test, |port, folder| {
        let path = format!("{folder}/mosquitto.conf");
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n");
        std::fs::write(&path, text).unwrap();
        vec!["-c".to_owned(), path]
    });
    let Some(server) = server else { return };
    let mut project = server.project("mqtt", "plant/+/orders");
    project.up();
    until(|| {
        publish(&server, "plant/a/orders", "{\"n\": 0}");
        let events = project.json(&["assets", "events", "orders"]);
        (!events.as_array().unwrap().is_empty()).then_some(())
    })
    .expect("a message comes through");
    let known = project.json(&["assets", "events", "orders"]);
    project.kill_daemon();
    publish(&server, "plant/b/orders", "{\"n\": 1}");
    publish(&server, "plant/b/orders", "{\"n\": 2}");
    project.up();
    let wanted = known.as_array().unwrap().len();
    let last = until(|| {
        let events = project.json(&["assets", "events", "orders"]);
        let events = events.as_array().unwrap().clone();
        (events[0]["extra"]["data"]["n"] == 2).then_some(events)
    });
    let last = last.expect("what came while nobody listened is told of");
    assert_eq!(last[1]["extra"]["data"]["n"], 1);
    assert_eq!(last[0]["extra"]["subject"], "plant/b/orders");
    let kept = last.iter().filter(|event| event["extra"]["data"]["n"] == 0).count();
    assert!(kept >= wanted && last.len() == kept + 2, "each once");
    project.down();
}
