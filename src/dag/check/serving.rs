//! `[serving]`.

use std::path::PathBuf;

use crate::check::Context;
use crate::check::fields::{Fields, Text};
use crate::check::report::Reporter;
use crate::check::system::Secrets;
use crate::file::Span;
use crate::serving::{REPLICAS_MAX, ReplicasSpec, ServingSpec, TlsSpec};
use crate::types::serving::Sticky;

mod traffic;

mod watching;

/// Keys shorter than this are guessed.
const KEY_LEN_MIN: usize = 16;

/// Checks the model server's settings.
pub(super) fn of_deck(
    context: Context<'_>,
    secrets: Secrets<'_>,
    mut fields: Fields<'_>,
) -> ServingSpec {
    let usual = ServingSpec::default();
    let report = secrets.report;
    let listen = fields.text("listen");
    if let Some(at) = listen.filter(|at| !is_address(at.text)) {
        let message = format!("`{}` is no address to listen on", at.text);
        let help = "write `127.0.0.1:3000`; port 0 takes any that is free".to_owned();
        report.error(at.span, "bad-value", message, help);
    }
    let (drift, drift_of) = watching::drift(context, &mut fields);
    let spec = ServingSpec {
        listen: listen.map_or(usual.listen, |at| at.text.to_owned()),
        socket: fields.owned_text("socket").map(PathBuf::from),
        tls: tls(&mut fields),
        max_body_bytes: fields
            .integer("max_body_bytes", 1..=1 << 40)
            .unwrap_or(usual.max_body_bytes),
        max_rows: fields.integer("max_rows", 1..=100_000_000).unwrap_or(usual.max_rows),
        default_model: fields.owned_text("default_model"),
        ignore_unknown: fields.flag("ignore_unknown_columns").unwrap_or(usual.ignore_unknown),
        max_in_flight: fields.integer("max_in_flight", 1..=65_536).unwrap_or(usual.max_in_flight),
        max_queue: fields.integer("max_queue", 0..=1_000_000).unwrap_or(usual.max_queue),
        request_timeout: fields.duration("request_timeout").unwrap_or(usual.request_timeout),
        api_keys: api_keys(secrets, &mut fields),
        rate_limit: fields.integer("rate_limit", 1..=1_000_000_000),
        cors_origins: origins(secrets, &mut fields),
        access_log_every: fields
            .integer("access_log_every", 0..=1_000_000_000)
            .unwrap_or(usual.access_log_every),
        traffic: traffic::of_models(report, &mut fields),
        log: traffic::log(report, &mut fields),
        drift,
        drift_of,
        alert: watching::alert(context, &mut fields),
        replicas: replicas(&mut fields),
    };
    let by_key = spec.traffic.values().any(|traffic| traffic.sticky == Some(Sticky::ApiKey));
    if by_key && spec.api_keys.is_empty() {
        fields.missing("api_keys", "`sticky = \"api_key\"` tells clients apart by them");
    }
    if let (Some(_), Some(entry)) = (&spec.replicas, fields.entry("replicas")) {
        apart(report, &spec, entry.key);
    }
    fields.finish();
    spec
}

/// Refuses what is done by one process that sees all requests.
fn apart(report: &Reporter, spec: &ServingSpec, place: Span) {
    let has_shadow = spec.traffic.values().any(|traffic| traffic.shadow.is_some());
    let one = [(spec.log.is_some(), "[serving.log]"), (has_shadow, "shadow")];
    for (_, what) in one.into_iter().filter(|(is_there, _)| *is_there) {
        let message = format!("`replicas` and `{what}` do not go together");
        let help = "one process is to see all requests: leave one of both out".to_owned();
        report.error(place, "conflicting-keys", message, help);
    }
}

fn replicas(fields: &mut Fields<'_>) -> Option<ReplicasSpec> {
    let count = fields.integer("replicas", 1..=REPLICAS_MAX);
    let nginx = fields.owned_text("nginx").map(PathBuf::from);
    if count.is_none() && nginx.is_some() {
        fields.missing("replicas", "nginx stands in front of them: write `replicas = 2`");
    }
    Some(ReplicasSpec { count: count?, nginx: nginx.unwrap_or_else(|| "nginx".into()) })
}

fn tls(fields: &mut Fields<'_>) -> Option<TlsSpec> {
    let certificate = fields.owned_text("tls_certificate").map(PathBuf::from);
    let key = fields.owned_text("tls_key").map(PathBuf::from);
    match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(TlsSpec { certificate, key }),
        (Some(_), None) => {
            fields.missing("tls_key", "a certificate is of no use without its key, a PEM file");
            None
        }
        (None, Some(_)) => {
            fields.missing("tls_certificate", "a key is of no use without its certificate");
            None
        }
    }
}

/// Reads `api_keys = { name = "${env:NAME}" }`.
fn api_keys(secrets: Secrets<'_>, fields: &mut Fields<'_>) -> Vec<(String, crate::secret::Secret)> {
    let Some((table, _)) = fields.table("api_keys") else { return Vec::new() };
    let mut keys = Vec::with_capacity(table.0.len());
    for (name, entry) in &table.0 {
        let Some(text) = entry.node.as_text() else {
            fields.wrong_type(name, &entry.node, "text, such as `\"${env:WEB_KEY}\"`");
            continue;
        };
        let Some(key) = secrets.resolve(Text { text, span: entry.node.span }) else { continue };
        if !key.is_secret() {
            let message = format!("the key of `{name}` stands in plain text");
            let help = "write `\"${env:NAME}\"` or `\"${file:path}\"`".to_owned();
            secrets.report.error(entry.node.span, "plain-secret", message, help);
        } else if key.reveal().trim().len() < KEY_LEN_MIN {
            let message = format!("the key of `{name}` has less than {KEY_LEN_MIN} characters");
            let help = "make one by `openssl rand -hex 32`".to_owned();
            secrets.report.error(entry.node.span, "bad-value", message, help);
        }
        keys.push((name.clone(), key));
    }
    keys
}

fn origins(secrets: Secrets<'_>, fields: &mut Fields<'_>) -> Vec<String> {
    let origins = fields.texts("cors_origins");
    for origin in &origins {
        let is_origin = origin.text == "*"
            || origin
                .text
                .split_once("://")
                .is_some_and(|(_, host)| !host.is_empty() && !host.contains('/'));
        if !is_origin {
            let message = format!("`{}` is no origin of pages", origin.text);
            let help = "write `https://example.org`, without a path; `*` is any".to_owned();
            secrets.report.error(origin.span, "bad-value", message, help);
        }
    }
    origins.into_iter().map(|origin| origin.text.to_owned()).collect()
}

/// Says whether a text is `HOST:PORT`.
pub(super) fn is_address(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
