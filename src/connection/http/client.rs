//! A client that keeps its connections: HTTP/1.1, over TLS where the URL says so.

use std::path::Path;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::client::HttpRequestBody;

use crate::connection::tls::{self, TlsError};

/// One body for all that is asked: the compiler makes the client once.
pub type HttpsClient = Client<HttpsConnector<HttpConnector>, HttpRequestBody>;

/// How long a server may take to take a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How long a connection that nobody uses is kept: servers close theirs after a minute or so.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Idle connections to one host: as many as an upload uses at once.
const IDLE_LEN_MAX: usize = 4;

/// Whom a client trusts.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// It asks without TLS. A machine without certificates can do that too.
    Nobody,
    /// Whom the machine trusts.
    Machine,
    /// Whom a file of PEM certificates names.
    File(&'a Path),
}

impl Trust<'_> {
    /// What a URL needs.
    pub fn of(url: &str) -> Self {
        if url.starts_with("https:") { Self::Machine } else { Self::Nobody }
    }
}

/// Makes a client. It lives on the runtime that uses it: make one for each.
pub fn new(trust: Trust<'_>) -> Result<HttpsClient, TlsError> {
    let config = match trust {
        Trust::Nobody => tls::of_nobody()?,
        Trust::Machine => tls::of_machine()?,
        Trust::File(path) => tls::of_file(path)?,
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT_MAX));
    tcp.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config.as_ref().clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_LEN_MAX)
        .build(connector))
}
