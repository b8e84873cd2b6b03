//! `[tracking]`.

use std::time::Duration;

use crate::check::fields::Fields;
use crate::check::system::Secrets;
use crate::openlineage::is_url;
use crate::secret::Secret;
use crate::tracking::{ARTIFACT_MAX_BYTES, Login, TIMEOUT, TrackingServer, TrackingSpec};

/// MLflow's client looks no more often than once a second either.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Checks who gets what is tracked.
pub(super) fn of_deck(secrets: Secrets<'_>, mut fields: Fields<'_>) -> TrackingSpec {
    let usual = TrackingSpec::default();
    let server = server(secrets, &mut fields);
    let is_on = fields.flag("system_metrics").unwrap_or(true);
    let interval = interval(secrets, &mut fields);
    let artifact_max_bytes =
        fields.integer("artifact_max_bytes", 1..=1 << 50).unwrap_or(ARTIFACT_MAX_BYTES);
    fields.finish();
    TrackingSpec {
        server,
        system_metrics: interval.or(usual.system_metrics).filter(|_| is_on),
        artifact_max_bytes,
    }
}

fn interval(secrets: Secrets<'_>, fields: &mut Fields<'_>) -> Option<Duration> {
    let interval = fields.duration("system_metrics_interval")?;
    if interval < INTERVAL_MIN {
        let place = fields.node("system_metrics_interval").map_or(fields.place(), |at| at.span);
        let message = "the machine is looked at no more often than once a second";
        let help = "write `system_metrics_interval = \"10s\"`, or `system_metrics = false`";
        secrets.report.error(place, "bad-value", message.to_owned(), help.to_owned());
    }
    Some(interval)
}

fn server(secrets: Secrets<'_>, fields: &mut Fields<'_>) -> Option<TrackingServer> {
    let written = fields.text("uri");
    let login = login(secrets, fields, written.is_some());
    let timeout = fields.duration("timeout").filter(|timeout| !timeout.is_zero());
    let written = written?;
    let uri = secrets.resolve(written)?.reveal().trim_end_matches('/').to_owned();
    if !is_url(&uri) {
        let message = format!("`{}` is no address of a server of MLflow's", written.text);
        let help = "write `http://HOST[:PORT]` or `https://HOST[:PORT]`; a token goes into `token`, \
                    a name and a password into `username` and `password`";
        secrets.report.error(written.span, "bad-value", message, help.to_owned());
        return None;
    }
    Some(TrackingServer { uri, login, timeout: timeout.unwrap_or(TIMEOUT) })
}

fn login(secrets: Secrets<'_>, fields: &mut Fields<'_>, has_uri: bool) -> Option<Login> {
    let mut resolved = |key| {
        let written = fields.text(key)?;
        secrets.resolve(written)
    };
    let (token, username, password) =
        (resolved("token"), resolved("username"), resolved("password"));
    let mut wrong = |key, message: &str, help: &str| {
        let place = fields.node(key).map_or(fields.place(), |node| node.span);
        secrets.report.error(place, "bad-value", message.to_owned(), help.to_owned());
    };
    if !has_uri {
        let named: [(_, &Option<Secret>); 3] =
            [("token", &token), ("username", &username), ("password", &password)];
        if let Some((key, _)) = named.into_iter().find(|(_, given)| given.is_some()) {
            wrong(key, "there is no server to log in at", "write `uri = \"http://HOST:PORT\"`");
        }
        return None;
    }
    match (token, username, password) {
        (None, None, None) => None,
        (Some(token), None, None) => Some(Login::Token(token)),
        (None, Some(username), Some(password)) => Some(Login::Password { username, password }),
        (Some(_), ..) => {
            let help = "leave `username` and `password` out, or `token`";
            wrong(
                "token",
                "a server is asked with a token or with a password, not with both",
                help,
            );
            None
        }
        (None, Some(_), None) => {
            wrong("username", "a name without a password", "write `password = \"${env:…}\"` too");
            None
        }
        (None, None, Some(_)) => {
            wrong("password", "a password without a name", "write `username = \"…\"` too");
            None
        }
    }
}
