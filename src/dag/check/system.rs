//! Connections, variables and what in them comes from outside the file.

use indexmap::IndexMap;

use crate::check::fields::{Fields, Text};
use crate::check::names::Declared;
use crate::check::report::Reporter;
use crate::file::{Table, Written};
use crate::mail::{self, MailSpec};
use crate::problem::ConnectionProblem;
use crate::s3::{self, S3Spec};
use crate::secret::{self, Secret};
use crate::spec::{ConnectionKind, ConnectionSpec};
use crate::suggest;
use crate::types::duration;

/// Resolves `${env:NAME}` and `${file:path}`.
#[derive(Clone, Copy)]
pub(super) struct Secrets<'a> {
    pub(super) report: &'a Reporter,
    pub(super) project: &'a std::path::Path,
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
}

/// Checks `[connection.*]`; a broken one is `None`.
pub(super) fn connection(secrets: Secrets<'_>, declared: Declared<'_>) -> Option<ConnectionSpec> {
    let what = format!("connection `{}`", declared.name);
    let Some(table) = declared.node.as_table() else {
        let message = format!("{what} is {}; expected a table", declared.node.kind());
        let help = format!("write `[connection.{}]` and `url = …`", declared.name);
        secrets.report.error(declared.node.span, "wrong-type", message, help);
        return None;
    };
    let mut fields = Fields::new(secrets.report, what, table, declared.key);
    let help = "such as `url = \"sqlite:data/warehouse.db\"`";
    let written = fields.needed_text("url", help);
    let mut options = IndexMap::new();
    for (key, entry) in table.0.iter().filter(|(key, _)| *key != "url") {
        let text = match &entry.node.value {
            Written::Text(text) => text.as_str(),
            Written::Bool(flag) => {
                if *flag {
                    "true"
                } else {
                    "false"
                }
            }
            _ => {
                fields.wrong_type(key, &entry.node, "text");
                continue;
            }
        };
        let at = Text { text, span: entry.node.span };
        if let Some(secret) = secrets.resolve(at) {
            options.insert(key.clone(), secret);
        }
    }
    let written = written?;
    let url = secrets.resolve(written)?;
    let kind = connection_kind(secrets.report, written, &url)?;
    if kind == ConnectionKind::Postgres {
        postgres_options(secrets.report, table, &options);
    }
    let find = |key: &'static str| options.get(key).map(Secret::reveal);
    let checked = match kind {
        ConnectionKind::Bucket => {
            Some((s3::KEYS, S3Spec::read(url.reveal(), find).err().unwrap_or_default()))
        }
        ConnectionKind::Smtp => {
            Some((mail::KEYS, MailSpec::read(url.reveal(), find).err().unwrap_or_default()))
        }
        _ => None,
    };
    if let Some((keys, problems)) = checked {
        tell(secrets.report, &fields, (table, written), keys, problems);
    }
    Some(ConnectionSpec { name: declared.name.to_owned(), url, kind, options })
}

/// Tells what is wrong with a connection whose keys are all known, its URL (`written`) among them.
/// Others may have keys of any name, for tasks to read.
fn tell(
    report: &Reporter,
    fields: &Fields<'_>,
    (table, written): (&Table, Text<'_>),
    keys: &[&str],
    problems: Vec<ConnectionProblem>,
) {
    for (key, entry) in table.0.iter().filter(|(key, _)| *key != "url") {
        if !keys.contains(&key.as_str()) {
            let message = format!("{} has no key `{key}`", fields.what());
            let help = suggest::hint(key, "keys", keys.iter().copied());
            report.error(entry.key, "unknown-key", message, help);
        }
    }
    for problem in problems {
        let entry = problem.key.and_then(|key| table.0.get(key));
        // What could not be resolved has been reported.
        if entry.is_some() && problem.code == "missing-key" {
            continue;
        }
        let place = match (problem.key, entry) {
            (Some(_), Some(entry)) => entry.node.span,
            (Some(_), None) => fields.place(),
            (None, _) => written.span,
        };
        let message = format!("{}: {}", fields.what(), problem.message);
        report.error(place, problem.code, message, problem.help.to_owned());
    }
}

/// What a connection to PostgreSQL may say beside its URL.
const POSTGRES_OPTIONS: &[&str] =
    &["password", "connect_timeout", "statement_timeout", "sslmode", "sslrootcert"];
/// As libpq has them.
const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

fn postgres_options(report: &Reporter, table: &Table, options: &IndexMap<String, Secret>) {
    for (key, value) in options {
        let Some(entry) = table.0.get(key) else { continue };
        let value = value.reveal();
        match key.as_str() {
            "connect_timeout" | "statement_timeout" if duration::parse(value).is_none() => {
                let help = "write a stretch of time such as `30s` or `5m`".to_owned();
                let message = format!("`{key}` is no stretch of time");
                report.error(entry.node.span, "bad-value", message, help);
            }
            "sslmode" if !SSL_MODES.contains(&value) => {
                let help = format!("allowed: {}", suggest::list(SSL_MODES));
                report.error(entry.node.span, "bad-value", "`sslmode` is none".to_owned(), help);
            }
            known if POSTGRES_OPTIONS.contains(&known) => {}
            unknown => {
                let names = POSTGRES_OPTIONS.iter().copied();
                let help = suggest::hint(unknown, "options", names);
                let message = format!("PostgreSQL has no option `{unknown}` here");
                report.error(entry.key, "unknown-key", message, help);
            }
        }
    }
}

/// Checks an entry of `[variable]`.
pub(super) fn variable(secrets: Secrets<'_>, declared: Declared<'_>) -> Option<Secret> {
    match &declared.node.value {
        Written::Text(text) => secrets.resolve(Text { text, span: declared.node.span }),
        Written::Integer(number) => Some(Secret::plain(number.to_string())),
        Written::Float(number) => Some(Secret::plain(number.to_string())),
        Written::Bool(flag) => Some(Secret::plain(flag.to_string())),
        Written::Datetime(at) => Some(Secret::plain(at.to_string())),
        Written::List(_) | Written::Table(_) => {
            let name = declared.name;
            let message = format!("variable `{name}` is {}; expected text", declared.node.kind());
            let help = format!("write `[variable]` and `{name} = \"…\"`");
            secrets.report.error(declared.node.span, "wrong-type", message, help);
            None
        }
    }
}

/// Tells by its scheme what a URL leads to. Does not show what came from outside.
fn connection_kind(report: &Reporter, written: Text<'_>, url: &Secret) -> Option<ConnectionKind> {
    let kind = ConnectionKind::of_url(url.reveal());
    if kind.is_none() {
        let help = "write `sqlite:PATH`, `postgres://USER@HOST:PORT/DATABASE`, `file:FOLDER`, \
                    `s3://BUCKET`, `log:`, `https://…` or `smtp://HOST`"
            .to_owned();
        let message = format!("`{}` leads to nothing that is known", url.as_written());
        report.error(written.span, "bad-url", message, help);
    }
    kind
}

impl Secrets<'_> {
    /// Puts in what the references of a text stand for; `None` where one stands for nothing.
    pub(super) fn resolve(self, at: Text<'_>) -> Option<Secret> {
        match secret::resolve(at.text, self.project, self.lookup) {
            Ok(found) => Some(found),
            Err(error) => {
                self.refuse(at, &error.reference, error.code, &error.reason);
                None
            }
        }
    }

    fn refuse(self, at: Text<'_>, reference: &str, code: &'static str, reason: &str) {
        let help = "write `${env:NAME}` or `${file:path}`; of the environment, that of the \
                    daemon counts"
            .to_owned();
        let span = self.report.within(at.span, reference);
        self.report.error(span, code, format!("`{reference}` stands for nothing: {reason}"), help);
    }
}
