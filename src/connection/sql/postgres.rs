//! PostgreSQL: `postgres://USER@HOST:PORT/DATABASE`, one session at a time.
//!
//! Options of the connection: `password`, `connect_timeout`, `statement_timeout`, `sslmode`,
//! `sslrootcert`; the last two may stand in the URL, as libpq has them. A session says dates as ISO
//! and instants in UTC, and asks the server to look after its client: a statement whose client was
//! killed ends there too.

use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config};

use crate::connection::sql::tls::{Mode, Tls};
use crate::connection::{ConnectionError, OpenConnection};
use crate::types::duration;

/// How long a server may take to take a session on.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to try to tell a server that nobody waits for it any more.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
/// A peer that says nothing for so long is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

const URL: &str = "`postgres://USER@HOST:PORT/DATABASE`";

/// What every session begins with. Servers before 14, and on systems without such a call, cannot
/// look whether their client is still there.
const BEGINNING: &str = "
    set timezone = 'UTC';
    set datestyle = 'ISO, YMD';
    set intervalstyle = 'iso_8601';
    set bytea_output = 'hex';
    do $$ begin
        perform set_config('client_connection_check_interval', '2s', false);
    exception when others then null;
    end $$;";

/// Where to connect, and how.
pub struct Target {
    name: String,
    config: Config,
    tls: Tls,
    statement_timeout: Option<Duration>,
}

/// What a server and its database go by, as OpenLineage has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `postgres://HOST:PORT`
    pub namespace: String,
    pub database: String,
}

impl Place {
    fn of(config: &Config) -> Self {
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        Self { namespace: format!("postgres://{host}:{port}"), database: database.to_owned() }
    }
}

/// Reads from a connection's URL what its tables go by; `None` where it is none.
pub fn place(connection: &OpenConnection) -> Option<Place> {
    let config: Config = without_ssl(&connection.url).0.parse().ok()?;
    (!config.get_hosts().is_empty()).then(|| Place::of(&config))
}

/// A session of a server. Ends when it is dropped.
pub struct Session {
    pub client: Client,
    canceller: Canceller,
    driver: JoinHandle<()>,
}

/// Tells the server to give up what a session asked for.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    tls: Tls,
}

impl Target {
    /// Reads the connection's URL and options. Relative paths start at `project`; `application` is
    /// what the server's list of sessions shows.
    pub fn read(
        connection: &OpenConnection,
        project: &Path,
        application: &str,
    ) -> Result<Self, ConnectionError> {
        let name = connection.name.clone();
        let (url, ssl) = without_ssl(&connection.url);
        let wrong_url = || ConnectionError::Url { name: name.clone(), expected: URL };
        let mut config: Config = url.parse().map_err(|_| wrong_url())?;
        if config.get_hosts().is_empty() || config.get_user().is_none() {
            return Err(wrong_url());
        }
        if let Some(password) = connection.options.get("password") {
            config.password(password);
        }
        let option = |key| connection.options.get(key).map(String::as_str);
        let stretch = |key: &'static str| {
            let expected = "a stretch of time such as `30s`";
            let read = |text| {
                let wrong = ConnectionError::Setting { name: name.clone(), key, expected };
                duration::parse(text).ok_or(wrong)
            };
            option(key).map(read).transpose()
        };
        let connect_timeout = stretch("connect_timeout")?;
        if let Some(timeout) = connect_timeout {
            config.connect_timeout(timeout);
        } else if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.application_name(application).keepalives_idle(KEEPALIVE);
        let tls = tls(connection, project, &ssl, &mut config)?;
        Ok(Self { statement_timeout: stretch("statement_timeout")?, name, config, tls })
    }

    /// Opens a session. Needs a runtime: the session is driven beside whoever uses it.
    pub async fn connect(&self) -> Result<Session, ConnectionError> {
        let failed = |error| self.failed(error);
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(failed)?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a session of PostgreSQL ended");
            }
        });
        client.batch_execute(BEGINNING).await.map_err(failed)?;
        if let Some(timeout) = self.statement_timeout {
            let sql = format!("set statement_timeout = {}", timeout.as_millis());
            client.batch_execute(&sql).await.map_err(failed)?;
        }
        let canceller = Canceller { token: client.cancel_token(), tls: self.tls.clone() };
        Ok(Session { client, canceller, driver })
    }

    /// Returns the namespace and the name that a table of this server goes by, as OpenLineage has
    /// them: `postgres://HOST:PORT`, `DATABASE.SCHEMA.TABLE`.
    pub fn dataset(&self, schema: &str, table: &str) -> (String, String) {
        let Place { namespace, database } = Place::of(&self.config);
        (namespace, format!("{database}.{schema}.{table}"))
    }

    /// What stays so (a wrong password, no such database) is told apart from what passes.
    fn failed(&self, error: tokio_postgres::Error) -> ConnectionError {
        let name = self.name.clone();
        match error.as_db_error() {
            Some(refused) if is_lasting(refused.code()) => {
                ConnectionError::Refused { name, reason: refused.message().to_owned() }
            }
            Some(passing) => {
                ConnectionError::Open { name, source: passing.message().to_owned().into() }
            }
            None => ConnectionError::Open { name, source: error.into() },
        }
    }
}

impl Session {
    /// Returns what can end the session's statements from beside.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Ends it, and waits (not for long) until the server has been told.
    pub async fn end(self) {
        drop(self.client);
        let _ = tokio::time::timeout(CANCEL_TIMEOUT, self.driver).await;
    }
}

impl Canceller {
    /// Has the server give up what it works at. What is not told within two seconds is found out by
    /// the server itself.
    pub async fn cancel(&self) {
        let told = self.token.cancel_query(self.tls.clone());
        match tokio::time::timeout(CANCEL_TIMEOUT, told).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "could not cancel a statement"),
            Err(_) => tracing::warn!("could not cancel a statement in time"),
        }
    }
}

fn is_lasting(code: &SqlState) -> bool {
    // invalid authorization, no such database, not permitted, bad parameter
    ["28", "3D", "42", "22"].iter().any(|class| code.code().starts_with(class))
}

/// What the URL says about TLS.
#[derive(Default)]
struct Ssl {
    mode: Option<String>,
    root_certificate: Option<String>,
}

/// Takes out of the URL what the client does not know of.
fn without_ssl(url: &str) -> (String, Ssl) {
    let mut ssl = Ssl::default();
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), ssl) };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => ssl.mode = Some(mode.to_owned()),
            Some(("sslrootcert", path)) => ssl.root_certificate = Some(path.replace("%2F", "/")),
            _ => kept.push(pair),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{base}{query}"), ssl)
}

fn tls(
    connection: &OpenConnection,
    project: &Path,
    ssl: &Ssl,
    config: &mut Config,
) -> Result<Tls, ConnectionError> {
    let name = || connection.name.clone();
    let option = |key| connection.options.get(key).map(String::as_str);
    let mode = option("sslmode").or(ssl.mode.as_deref()).unwrap_or("prefer");
    let mode = Mode::named(mode).ok_or_else(|| ConnectionError::Setting {
        name: name(),
        key: "sslmode",
        expected: "one of `disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`",
    })?;
    config.ssl_mode(mode.wanted());
    let failed = |source: std::io::Error| ConnectionError::Open {
        name: name(),
        source: format!("trust the certificates of `sslrootcert`: {source}").into(),
    };
    let root = option("sslrootcert").or(ssl.root_certificate.as_deref());
    let pem = root
        .filter(|_| mode != Mode::Disable)
        .map(|path| std::fs::read(project.join(path)))
        .transpose()
        .map_err(failed)?;
    Tls::new(mode, pem.as_deref()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(url: &str, options: &[(&str, &str)]) -> Result<Target, String> {
        let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let connection =
            OpenConnection { name: "w".into(), url: url.into(), options: options.collect() };
        Target::read(&connection, Path::new("/p"), "test").map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_that_leads_nowhere_is_refused_without_showing_it() {
        for url in ["postgres://", "postgres://h/db", "postgres:///db", "postgres://u:pw@h:x/db"] {
            let text = read(url, &[]).err().unwrap();
            assert_eq!(
                text,
                "the URL of connection `w` is not `postgres://USER@HOST:PORT/DATABASE`"
            );
        }
    }

    #[test]
    fn options_are_read_and_named_where_they_are_wrong() {
        let target =
            read("postgres://u@h:5433/db?sslmode=disable", &[("statement_timeout", "90s")]);
        let target = target.unwrap();
        assert_eq!(target.statement_timeout, Some(Duration::from_secs(90)));
        assert_eq!(Place::of(&target.config).namespace, "postgres://h:5433");
        assert_eq!(target.config.get_ssl_mode(), tokio_postgres::config::SslMode::Disable);
        let text = read("postgres://u@h/db", &[("connect_timeout", "soon")]).err().unwrap();
        assert!(text.starts_with("`connect_timeout` of connection `w` is not a stretch"), "{text}");
        let text = read("postgres://u@h/db?sslmode=maybe", &[]).err().unwrap();
        assert!(text.starts_with("`sslmode` of connection `w` is not one of `disable`"), "{text}");
    }

    #[test]
    fn what_the_url_says_about_tls_is_taken_out_of_it() {
        let (url, ssl) = without_ssl(
            "postgres://u@h/db?sslmode=verify-full&application_name=x&sslrootcert=a%2Fb",
        );
        assert_eq!(url, "postgres://u@h/db?application_name=x");
        assert_eq!(ssl.mode.as_deref(), Some("verify-full"));
        assert_eq!(ssl.root_certificate.as_deref(), Some("a/b"));
        let options = BTreeMap::new();
        let open = OpenConnection { name: "w".into(), url, options };
        assert!(Target::read(&open, Path::new("/p"), "test").is_ok());
    }
}
