//! A bucket of S3, or of a server that speaks as S3 does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut, S3CopyIfNotExists};
use object_store::{BackoffConfig, ClientOptions, HeaderMap, HeaderValue, RetryConfig};

use super::transport::Transport;
use crate::connection::http::client::Trust;
use crate::connection::{OpenConnection, chain, http};
use crate::dag::s3::S3Spec;

/// How long somebody is ready to wait for a server that is unwell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A task: a server that starts anew is waited for.
    Work,
    /// A look, which comes again.
    Look,
}

impl Patience {
    fn retries(self) -> RetryConfig {
        let (max_retries, secs) = match self {
            Self::Work => (5, 60),
            Self::Look => (1, 5),
        };
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        };
        RetryConfig { backoff, max_retries, retry_timeout: Duration::from_secs(secs) }
    }
}

/// A bucket that is open.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) spec: S3Spec,
    pub(super) s3: AmazonS3,
    /// The same, with `If-None-Match: *` in all that it asks: the crate has no other way to say
    /// it when an upload of several parts is completed.
    pub(super) create_only: AmazonS3,
    /// Where it is remembered what the server honours.
    pub(super) memory: Option<PathBuf>,
}

impl Bucket {
    /// Opens it; nothing is asked yet.
    pub(super) fn open(
        spec: S3Spec,
        project: &Path,
        patience: Patience,
        memory: Option<PathBuf>,
    ) -> Result<Self, String> {
        let ca_file = spec.ca_file.as_ref().map(|path| project.join(path));
        let trust = match &ca_file {
            Some(path) => Trust::File(path),
            None => Trust::of(&spec.bucket_url()),
        };
        let client = http::client::new(trust).map_err(|error| chain(&error))?;
        let transport = Transport(client);
        let plain = build(&spec, &transport, patience, ClientOptions::new())?;
        let only_new = (hyper::header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        let headers = HeaderMap::from_iter([only_new]);
        let options = ClientOptions::new().with_default_headers(headers);
        let create_only = build(&spec, &transport, patience, options)?;
        Ok(Self { spec, s3: plain, create_only, memory })
    }

    /// Returns the whole key of one below the prefix.
    pub(super) fn below(&self, key: &str) -> String {
        match self.spec.prefix.as_str() {
            "" => key.to_owned(),
            prefix => format!("{prefix}/{key}"),
        }
    }

    /// Returns what of a whole key is below the prefix.
    pub(super) fn above<'a>(&self, whole: &'a str) -> &'a str {
        let rest = whole.strip_prefix(&self.spec.prefix);
        rest.map_or(whole, |rest| rest.strip_prefix('/').unwrap_or(rest))
    }
}

/// Reads what a connection says.
pub(super) fn spec(connection: &OpenConnection) -> Result<S3Spec, String> {
    let find = |key: &'static str| connection.options.get(key).map(String::as_str);
    S3Spec::read(&connection.url, find).map_err(|problems| {
        let told = problems.iter().map(|problem| problem.message.as_str());
        told.collect::<Vec<_>>().join("; ")
    })
}

fn build(
    spec: &S3Spec,
    transport: &Transport,
    patience: Patience,
    options: ClientOptions,
) -> Result<AmazonS3, String> {
    let url = spec.bucket_url();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&spec.bucket)
        .with_region(&spec.region)
        // Whole: the crate takes it for the address of the bucket.
        .with_endpoint(&url)
        .with_virtual_hosted_style_request(true)
        .with_allow_http(url.starts_with("http://"))
        .with_retry(patience.retries())
        .with_client_options(options)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
        .with_http_connector(transport.clone());
    builder = match &spec.keys {
        Some(keys) => {
            builder = builder
                .with_access_key_id(&keys.access_key_id)
                .with_secret_access_key(&keys.secret_access_key);
            match &keys.session_token {
                Some(token) => builder.with_token(token),
                None => builder,
            }
        }
        None => builder.with_skip_signature(true),
    };
    builder.build().map_err(|error| chain(&error))
}
