//! What a connection to a bucket says: `s3://BUCKET[/PREFIX]` and its keys. Read here by the check
//! and by whoever opens the bucket, so that both mean the same.

use std::fmt;

use crate::problem::ConnectionProblem;

/// The keys beside `url`.
pub const KEYS: &[&str] = &[
    "endpoint",
    "region",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "virtual_hosted_style",
    "anonymous",
    "ca_file",
];

/// As the SDKs: what servers other than Amazon's take unless they are told another.
const REGION: &str = "us-east-1";

/// A bucket, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Spec {
    pub bucket: String,
    /// Below which its keys begin; empty, or without `/` at its ends.
    pub prefix: String,
    /// `http://HOST[:PORT]` or `https://…`; none: Amazon's.
    pub endpoint: Option<String>,
    pub region: String,
    /// None: whatever anyone may read.
    pub keys: Option<S3Keys>,
    /// `BUCKET.HOST/KEY`, not `HOST/BUCKET/KEY`.
    pub virtual_hosted_style: bool,
    /// Whom to trust instead of those whom the machine trusts; relative to the project.
    pub ca_file: Option<String>,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Keys {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Keys(***)")
    }
}

const URL_HELP: &str = "write `s3://BUCKET` or `s3://BUCKET/PREFIX`";
const ENDPOINT_HELP: &str = "write `http://HOST[:PORT]` or `https://HOST[:PORT]`";
const KEYS_HELP: &str = "give both as `${env:NAME}` or `${file:path}`; a bucket that anyone may \
                         read takes `anonymous = true`";

impl S3Spec {
    /// Reads a URL and what `option` finds of the keys, or says all that is wrong.
    pub fn read<'a>(
        url: &str,
        option: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Result<Self, Vec<ConnectionProblem>> {
        let mut problems = Vec::new();
        let (bucket, prefix) = place(url, &mut problems);
        let endpoint = option("endpoint").map(|text| text.trim_end_matches('/').to_owned());
        if endpoint.as_deref().is_some_and(|text| !is_endpoint(text)) {
            let message = "the endpoint is no address of a server";
            problems.push(problem("endpoint", "bad-url", message, ENDPOINT_HELP));
        }
        let region = match (option("region"), &endpoint) {
            (Some(region), _) if is_word(region) => region.to_owned(),
            (Some(_), _) => {
                let message = "the region is no name of a region";
                problems.push(problem("region", "bad-value", message, "such as `eu-central-1`"));
                String::new()
            }
            (None, Some(_)) => REGION.to_owned(),
            (None, None) => {
                let help = "such as `eu-central-1`; a server other than Amazon's has an `endpoint`";
                problems.push(missing("region", help));
                String::new()
            }
        };
        let mut flag = |key| match option(key) {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                let message = format!("`{key}` is neither true nor false");
                problems.push(problem(key, "bad-value", message, "write `true` or `false`"));
                None
            }
        };
        let virtual_hosted_style = flag("virtual_hosted_style");
        let anonymous = flag("anonymous").unwrap_or(false);
        let keys = keys(&option, anonymous, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        // A dot in a bucket's name fits no certificate of its host.
        let usual = endpoint.is_none() && !bucket.contains('.');
        Ok(Self {
            virtual_hosted_style: virtual_hosted_style.unwrap_or(usual),
            bucket,
            prefix,
            endpoint,
            region,
            keys,
            ca_file: option("ca_file").map(str::to_owned),
        })
    }

    /// Returns the place as people may see it: no option is in it.
    pub fn shown(&self) -> String {
        match self.prefix.as_str() {
            "" => format!("s3://{}", self.bucket),
            prefix => format!("s3://{}/{prefix}", self.bucket),
        }
    }

    /// Returns the URL that the bucket answers at.
    pub fn bucket_url(&self) -> String {
        let amazon = || format!("https://s3.{}.amazonaws.com", self.region);
        let endpoint = self.endpoint.clone().unwrap_or_else(amazon);
        match endpoint.split_once("://") {
            Some((scheme, host)) if self.virtual_hosted_style => {
                format!("{scheme}://{}.{host}", self.bucket)
            }
            _ => format!("{endpoint}/{}", self.bucket),
        }
    }
}

fn keys<'a>(
    option: &impl Fn(&'static str) -> Option<&'a str>,
    anonymous: bool,
    problems: &mut Vec<ConnectionProblem>,
) -> Option<S3Keys> {
    let both = (option("access_key_id"), option("secret_access_key"));
    let token = option("session_token");
    if anonymous {
        let given = ["access_key_id", "secret_access_key", "session_token"];
        for key in given.into_iter().filter(|key| option(key).is_some()) {
            let message = format!("`{key}` beside `anonymous`: nobody is asked for");
            problems.push(problem(key, "conflicting-keys", message, "keep one of them"));
        }
        return None;
    }
    for key in ["access_key_id", "secret_access_key"] {
        match option(key) {
            None => problems.push(missing(key, KEYS_HELP)),
            Some("") => problems.push(problem(
                key,
                "bad-value",
                format!("`{key}` is empty"),
                "of the environment, that of the daemon counts",
            )),
            Some(_) => {}
        }
    }
    let (Some(access_key_id), Some(secret_access_key)) = both else { return None };
    Some(S3Keys {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret_access_key.to_owned(),
        session_token: token.filter(|token| !token.is_empty()).map(str::to_owned),
    })
}

/// Splits a URL into its bucket and its prefix.
fn place(url: &str, problems: &mut Vec<ConnectionProblem>) -> (String, String) {
    let rest = url.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let mut wrong = |message: &str| {
        let message = message.to_owned();
        problems.push(ConnectionProblem { key: None, code: "bad-url", message, help: URL_HELP });
    };
    if !is_bucket(bucket) {
        wrong("the URL names no bucket: 3 to 63 small letters, digits, `-` and `.`");
    }
    if !prefix.is_empty() && prefix.split('/').any(|part| ["", ".", ".."].contains(&part)) {
        wrong("the prefix has an empty part, `.` or `..`");
    }
    (bucket.to_owned(), prefix.to_owned())
}

/// Amazon's rule; older names with `_` and capitals are still served.
fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c))
        && name.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
}

fn is_endpoint(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else { return false };
    let (host, port) = match rest.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let is_host = |c: u8| c.is_ascii_alphanumeric() || b"-.[]:_".contains(&c);
    !host.is_empty()
        && host.bytes().all(is_host)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
}

fn missing(key: &'static str, help: &'static str) -> ConnectionProblem {
    problem(key, "missing-key", format!("the bucket lacks its `{key}`"), help)
}

fn problem(
    key: &'static str,
    code: &'static str,
    message: impl Into<String>,
    help: &'static str,
) -> ConnectionProblem {
    ConnectionProblem { key: Some(key), code, message: message.into(), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [(&str, &str); 2] = [("access_key_id", "id"), ("secret_access_key", "tiger")];

    fn read(url: &str, options: &[(&str, &'static str)]) -> Result<S3Spec, Vec<ConnectionProblem>> {
        let find = |key: &str| options.iter().find(|(name, _)| *name == key).map(|one| one.1);
        S3Spec::read(url, find)
    }

    fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        KEYS.iter().chain(more).copied().collect()
    }

    fn codes(
        url: &str,
        options: &[(&str, &'static str)],
    ) -> Vec<(Option<&'static str>, &'static str)> {
        let found = read(url, options).unwrap_err();
        found.into_iter().map(|problem| (problem.key, problem.code)).collect()
    }

    #[test]
    fn a_server_with_an_endpoint_is_asked_by_path() {
        let endpoint = [("endpoint", "http://minio:9000/")];
        let spec = read("s3://lake/raw/in/", &with(&endpoint)).unwrap();
        assert_eq!((spec.bucket.as_str(), spec.prefix.as_str()), ("lake", "raw/in"));
        assert_eq!(
            (spec.region.as_str(), spec.shown().as_str()),
            ("us-east-1", "s3://lake/raw/in")
        );
        assert_eq!(spec.bucket_url(), "http://minio:9000/lake");
        let hosted = [("endpoint", "https://h:9000"), ("virtual_hosted_style", "true")];
        assert_eq!(read("s3://lake", &with(&hosted)).unwrap().bucket_url(), "https://lake.h:9000");
    }

    #[test]
    fn amazon_is_asked_at_the_host_of_the_bucket_in_its_region() {
        let url = |bucket: &str| {
            let region = [("region", "eu-central-1")];
            read(&format!("s3://{bucket}"), &with(&region)).unwrap().bucket_url()
        };
        assert_eq!(url("lake"), "https://lake.s3.eu-central-1.amazonaws.com");
        assert_eq!(url("a.lake"), "https://s3.eu-central-1.amazonaws.com/a.lake");
    }

    #[test]
    fn what_is_missing_is_named_all_at_once() {
        let missing = |key| (Some(key), "missing-key");
        let all = [missing("region"), missing("access_key_id"), missing("secret_access_key")];
        assert_eq!(codes("s3://lake", &[]), all);
        let one = [("endpoint", "http://h"), ("access_key_id", "id")];
        assert_eq!(codes("s3://lake", &one), [missing("secret_access_key")]);
        let anyone = [("anonymous", "true"), ("region", "r")];
        assert_eq!(read("s3://lake", &anyone).unwrap().keys, None);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let region = with(&[("region", "r")]);
        for url in ["s3://", "s3://x", "s3://la ke", "s3://lake/a//b", "s3://lake/../b"] {
            assert_eq!(codes(url, &region), [(None, "bad-url")], "{url}");
        }
        for endpoint in
            ["minio:9000", "ftp://h", "http://", "http://h:0", "http://u:p@h", "http://h/x"]
        {
            let found = codes("s3://lake", &with(&[("endpoint", endpoint)]));
            assert_eq!(found, [(Some("endpoint"), "bad-url")], "{endpoint}");
        }
        let odd = with(&[("region", "r"), ("virtual_hosted_style", "maybe")]);
        assert_eq!(codes("s3://lake", &odd), [(Some("virtual_hosted_style"), "bad-value")]);
        let both = with(&[("region", "r"), ("anonymous", "true")]);
        assert_eq!(codes("s3://lake", &both).len(), 2);
    }

    #[test]
    fn keys_do_not_show_themselves() {
        let spec = read("s3://lake", &with(&[("region", "r")])).unwrap();
        assert!(!format!("{spec:?}").contains("tiger"));
    }
}
