//! What a connection to a mail server says: `smtp://[USER@]HOST[:PORT]` or `smtps://…`, and its keys.
//! Read here by the check and by whoever sends, so that both mean the same.

use std::fmt;
use std::net::IpAddr;

use crate::problem::ConnectionProblem;

/// The keys beside `url`.
pub const KEYS: &[&str] = &["from", "to", "username", "password", "starttls", "ca_file"];

/// How the way to the server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// TLS from the first byte (`smtps://`).
    Wrapped,
    /// STARTTLS; a server that does not offer it gets no mail.
    StartTls,
    /// Nothing: on this machine, or where `starttls = "never"` says so.
    Plain,
}

/// A mail server, and whose mail goes to whom.
#[derive(Clone, PartialEq, Eq)]
pub struct MailSpec {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub login: Option<(String, String)>,
    pub from: String,
    /// One or more.
    pub to: Vec<String>,
    /// Whom to trust instead of those whom the machine trusts; relative to the project.
    pub ca_file: Option<String>,
}

impl fmt::Debug for MailSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailSpec({}:{})", self.host, self.port)
    }
}

const URL_HELP: &str = "write `smtp://HOST[:PORT]` or `smtps://HOST[:PORT]`";
const ADDRESS_HELP: &str =
    "write `name@example.org`; more than one in `to` are put apart by commas";

impl MailSpec {
    /// Reads a URL and what `option` finds of the keys, or says all that is wrong.
    pub fn read<'a>(
        url: &str,
        option: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Result<Self, Vec<ConnectionProblem>> {
        let mut problems = Vec::new();
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let is_wrapped = scheme == "smtps";
        let rest = rest.trim_end_matches('/');
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let usual = if is_wrapped { 465 } else { 587 };
        let (host, port) = host_and_port(place, usual).unwrap_or_else(|| {
            let message = "the URL names no mail server".to_owned();
            problems.push(ConnectionProblem {
                key: None,
                code: "bad-url",
                message,
                help: URL_HELP,
            });
            (String::new(), usual)
        });
        let tls = match (is_wrapped, option("starttls")) {
            (true, None) => MailTls::Wrapped,
            (false, None | Some("required")) if !is_here(&host) => MailTls::StartTls,
            (false, Some("required")) => MailTls::StartTls,
            (false, None | Some("never")) => MailTls::Plain,
            (true, Some(_)) => {
                let message = "`starttls` is of `smtp://`: `smtps://` is private from the start";
                problems.push(of("starttls", "conflicting-keys", message, "leave one of both out"));
                MailTls::Wrapped
            }
            (false, Some(_)) => {
                let help = "write `required`, or `never` for a server that has none";
                problems.push(of("starttls", "bad-value", "`starttls` is none", help));
                MailTls::StartTls
            }
        };
        let login = login(user, &option, &mut problems);
        if login.is_some() && tls == MailTls::Plain && !is_here(&host) {
            let message = "a password would go over the net for everybody to read";
            problems.push(of("starttls", "bad-value", message, "leave `starttls` out"));
        }
        let from = address("from", &option, &mut problems).into_iter().next();
        let to = address("to", &option, &mut problems);
        let ca_file = option("ca_file").map(str::to_owned);
        match from {
            Some(from) if problems.is_empty() => {
                Ok(Self { host, port, tls, login, from, to, ca_file })
            }
            _ => Err(problems),
        }
    }
}

fn of(
    key: &'static str,
    code: &'static str,
    message: &str,
    help: &'static str,
) -> ConnectionProblem {
    ConnectionProblem { key: Some(key), code, message: message.to_owned(), help }
}

fn host_and_port(place: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port))
            if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) =>
        {
            (host, port.parse().ok().filter(|port| *port > 0)?)
        }
        _ => (place, usual),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_host =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
    is_host.then(|| (host.to_owned(), port))
}

/// Says whether a host is this machine.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn login<'a>(
    user: Option<&str>,
    option: &impl Fn(&'static str) -> Option<&'a str>,
    problems: &mut Vec<ConnectionProblem>,
) -> Option<(String, String)> {
    let (user, inside) =
        match user.map(|user| user.split_once(':').map_or((user, None), |(u, p)| (u, Some(p)))) {
            Some((user, password)) => (Some(user), password),
            None => (None, None),
        };
    match (option("username").or(user), option("password").or(inside)) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user.to_owned(), password.to_owned())),
        (Some(_), None) => {
            let help = "give it as `${env:NAME}` or `${file:path}`";
            problems.push(of("password", "missing-key", "a user without a password", help));
            None
        }
        (None, Some(_)) => {
            let help = "write `username = \"…\"`";
            problems.push(of("username", "missing-key", "a password without a user", help));
            None
        }
    }
}

/// Reads addresses, put apart by commas.
fn address<'a>(
    key: &'static str,
    option: &impl Fn(&'static str) -> Option<&'a str>,
    problems: &mut Vec<ConnectionProblem>,
) -> Vec<String> {
    let Some(written) = option(key) else {
        let message = format!("mail needs `{key}`");
        problems.push(ConnectionProblem {
            key: Some(key),
            code: "missing-key",
            message,
            help: ADDRESS_HELP,
        });
        return Vec::new();
    };
    let found: Vec<String> = written.split(',').map(|one| one.trim().to_owned()).collect();
    let is_address = |text: &String| {
        let is_part = |part: &str| {
            !part.is_empty()
                && !part
                    .contains(|c: char| c.is_whitespace() || c.is_control() || "<>@,;".contains(c))
        };
        text.split_once('@').is_some_and(|(name, host)| is_part(name) && is_part(host))
    };
    if !found.iter().all(is_address) || (key == "from" && found.len() > 1) {
        let message = format!("`{key}` is no address");
        problems.push(ConnectionProblem {
            key: Some(key),
            code: "bad-value",
            message,
            help: ADDRESS_HELP,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, options: &[(&'static str, &'static str)]) -> Result<MailSpec, Vec<String>> {
        let find = |key: &'static str| {
            options.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
        };
        MailSpec::read(url, find)
            .map_err(|all| all.into_iter().map(|problem| problem.message).collect())
    }

    const WHOM: [(&str, &str); 2] = [("from", "deck@example.org"), ("to", "a@b.c, d@e.f")];

    #[test]
    fn what_is_not_said_is_the_safe_way() {
        let spec = read("smtp://mail.example.org", &WHOM).unwrap();
        assert_eq!((spec.port, spec.tls, spec.to.len()), (587, MailTls::StartTls, 2));
        let spec = read("smtps://ada:pw@mail.example.org:4650/", &WHOM).unwrap();
        assert_eq!((spec.port, spec.tls), (4650, MailTls::Wrapped));
        assert_eq!(spec.login, Some(("ada".into(), "pw".into())));
        let spec = read("smtp://127.0.0.1:2525", &WHOM).unwrap();
        assert_eq!((spec.port, spec.tls), (2525, MailTls::Plain));
        let spec = read("smtp://[::1]:25", &WHOM).unwrap();
        assert_eq!((spec.host.as_str(), spec.port, spec.tls), ("::1", 25, MailTls::Plain));
    }

    #[test]
    fn all_that_is_wrong_is_told_and_no_value_shown() {
        let wrong = read("smtp://", &[("to", "nobody"), ("password", "hunter2")]).unwrap_err();
        assert_eq!(
            wrong,
            [
                "the URL names no mail server",
                "a password without a user",
                "mail needs `from`",
                "`to` is no address",
            ]
        );
        let [from, to] = WHOM;
        let never = ("starttls", "never");
        let login = [("username", "a"), ("password", "b")];
        let wrong = read("smtp://mail.org", &[from, to, never, login[0], login[1]]).unwrap_err();
        assert_eq!(wrong, ["a password would go over the net for everybody to read"]);
        assert!(read("smtp://localhost", &[from, to, never, login[0], login[1]]).is_ok());
        assert!(read("smtp://mail.org", &[from, to, ("starttls", "maybe")]).is_err());
        assert!(read("smtps://mail.org", &[from, to, never]).is_err());
        assert!(read("smtp://mail.org:0", &WHOM).is_err());
        assert!(read("smtp://mail.org", &[("from", "a@b\r\nBcc: x@y"), to]).is_err());
        assert!(read("smtp://ada@mail.org", &WHOM).is_err());
    }
}
