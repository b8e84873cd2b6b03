//! With what an attempt logs to the tracker over the control listener: the address, and a pass that
//! says which attempt bears it. A pass opens MLflow's routes and nothing else, and only while the
//! attempt is under way. It is signed with the deck's token, which no attempt gets. Where pipelines
//! track at another server (`[tracking] uri`), scripts are told of that one instead.

use serde::{Deserialize, Serialize};

use crate::dag::tracking::{Login, TrackingServer};
use crate::runtime::attempt::{Order, Private};
use crate::tracking::run::attempt;
use crate::types::{AttemptKey, LaunchToken};
use crate::web::Token;

/// What MLflow's client reads.
const URI: &str = "MLFLOW_TRACKING_URI";
const TOKEN: &str = "MLFLOW_TRACKING_TOKEN";
const EXPERIMENT: &str = "MLFLOW_EXPERIMENT_NAME";
const USERNAME: &str = "MLFLOW_TRACKING_USERNAME";
const PASSWORD: &str = "MLFLOW_TRACKING_PASSWORD";
const CONTEXT: &str = "MLFLOW_RUN_CONTEXT";

/// How a pass begins, so that it is known by sight.
const PREFIX: &str = "attempt.";

/// Who bears a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub key: AttemptKey,
    pub token: LaunchToken,
}

impl Pass {
    /// Writes it: what it says in hex, then the signature.
    pub fn write(&self, by: &Token) -> String {
        let said = serde_json::to_vec(self).unwrap_or_default();
        let said: String = said.iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = by.sign(&said);
        format!("{PREFIX}{said}.{signature}")
    }

    /// Reads one that was signed with the same token.
    pub fn read(text: &str, by: &Token) -> Option<Self> {
        let (said, signature) = text.strip_prefix(PREFIX)?.split_once('.')?;
        if !by.has_signed(said, signature) {
            return None;
        }
        let digits = said.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        serde_json::from_slice(&bytes?).ok()
    }
}

/// Where attempts find the tracker; there is none without a control listener over TCP.
#[derive(Debug, Clone)]
pub struct TrackingDoor {
    /// `HOST:PORT` of the control listener.
    address: String,
    key: Token,
}

impl TrackingDoor {
    /// Makes it of where the listener is bound.
    pub fn new(address: std::net::SocketAddr, key: Token) -> Self {
        let port = address.port();
        let address = match address.ip() {
            // Bound to all addresses, it is reached by that of the machine itself.
            ip if ip.is_unspecified() && ip.is_ipv4() => format!("127.0.0.1:{port}"),
            ip if ip.is_unspecified() => format!("[::1]:{port}"),
            _ => address.to_string(),
        };
        Self { address, key }
    }

    /// What MLflow's client needs; nothing on another machine, from where the address may lead
    /// nowhere.
    fn told(&self, order: &Order) -> Vec<(&'static str, String)> {
        if order.slurm.is_some() {
            return Vec::new();
        }
        let pass = Pass { key: order.key.clone(), token: order.token.clone() }.write(&self.key);
        vec![(URI, format!("http://{}", self.address)), (TOKEN, pass)]
    }
}

/// Hands an attempt what MLflow's client needs to log where pipelines track. A task that names
/// another server is left alone.
pub(crate) fn hand(
    door: Option<&TrackingDoor>,
    server: Option<&TrackingServer>,
    order: &Order,
    private: &mut Private,
) {
    let is_script = matches!(order.operator.as_str(), "command" | "python");
    if !is_script || order.env.contains_key(URI) {
        return;
    }
    let mut told = match (server, door) {
        (Some(server), _) => told_of(server, order),
        (None, Some(door)) => door.told(order),
        (None, None) => Vec::new(),
    };
    if told.is_empty() {
        return;
    }
    told.push((EXPERIMENT, order.key.task.dag_id.to_string()));
    for (name, value) in told {
        if matches!(name, TOKEN | PASSWORD) {
            private.mask.push(value.clone());
        }
        if !order.env.contains_key(name) {
            private.env.insert(name.to_owned(), value);
        }
    }
}

/// What MLflow's client reads of another server. Its runs name their task, for MLflow's client puts
/// the tags of `MLFLOW_RUN_CONTEXT` on each.
fn told_of(server: &TrackingServer, order: &Order) -> Vec<(&'static str, String)> {
    let mut told = vec![(URI, server.uri.clone())];
    match &server.login {
        Some(Login::Token(token)) => told.push((TOKEN, token.reveal().to_owned())),
        Some(Login::Password { username, password }) => {
            told.push((USERNAME, username.reveal().to_owned()));
            told.push((PASSWORD, password.reveal().to_owned()));
        }
        None => {}
    }
    let tags: serde_json::Map<_, _> = attempt::tags(&order.key)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    told.push((CONTEXT, serde_json::Value::Object(tags).to_string()));
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TaskInstanceKey;

    fn pass() -> Pass {
        let task = TaskInstanceKey {
            dag_id: "été \"x\"".into(),
            dag_run_id: "r.1".into(),
            task_id: "fit".into(),
            map_index: -1,
        };
        Pass { key: AttemptKey { task, try_number: 2 }, token: "t-1".into() }
    }

    #[test]
    fn a_pass_is_read_by_whoever_signed_it_and_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let own = Token::load_or_create(&dir.path().join("own")).unwrap();
        let other = Token::load_or_create(&dir.path().join("other")).unwrap();
        let text = pass().write(&own);
        assert_eq!(Pass::read(&text, &own), Some(pass()));
        assert_eq!(Pass::read(&text, &other), None);
        assert!(!text.contains(own.as_str()));
        let (said, signature) = text[PREFIX.len()..].split_once('.').unwrap();
        let turned = format!("{PREFIX}{}.{signature}", said.replace('7', "6"));
        for forged in [turned.as_str(), "", "attempt.", "attempt..", own.as_str()] {
            assert_eq!(Pass::read(forged, &own), None, "{forged}");
        }
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_this_machine() {
        let dir = tempfile::tempdir().unwrap();
        let key = Token::load_or_create(&dir.path().join("own")).unwrap();
        for (bound, reached) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            let door = TrackingDoor::new(bound.parse().unwrap(), key.clone());
            assert_eq!(door.address, reached);
        }
    }
}
