//! To whom runs are told as OpenLineage: `[openlineage]` of `dags.toml`, and the variables that
//! OpenLineage's own clients read, which count over it. Read here and judged once, so that the
//! check and the sender mean the same.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::{Lookup, Secret};

/// As OpenLineage's clients and Airflow have it.
pub const NAMESPACE: &str = "default";

/// As OpenLineage's clients have it.
pub const ENDPOINT: &str = "api/v1/lineage";

/// As OpenLineage's clients have it.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Who is told, and under which name this deck goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLineageSpec {
    /// Of the jobs.
    pub namespace: String,
    pub transport: Option<Transport>,
}

impl Default for OpenLineageSpec {
    fn default() -> Self {
        Self { namespace: NAMESPACE.to_owned(), transport: None }
    }
}

/// How events go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    Http {
        /// `http://HOST[:PORT][/PATH]`, with the endpoint.
        url: String,
        /// Sent as `Authorization: Bearer …`.
        api_key: Option<Secret>,
        timeout: Duration,
    },
    /// A line of JSON each, relative to the project.
    File(PathBuf),
}

/// What says where events go, before it is judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    pub(crate) url: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) api_key: Option<Secret>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) file: Option<String>,
}

/// What is wrong with a wish, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) key: &'static str,
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

impl Wish {
    /// Judges it; nothing that names a place is no transport.
    pub(crate) fn judge(self) -> Result<Option<Transport>, Problem> {
        let problem =
            |key, message: &str, help| Err(Problem { key, message: message.to_owned(), help });
        match (self.url, self.file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => problem(
                "file",
                "events go to a URL or into a file, not to both",
                "leave one of `url` and `file` out",
            ),
            (None, Some(file)) if file.trim().is_empty() => {
                problem("file", "the file has no name", "such as `file = \"lineage.jsonl\"`")
            }
            (None, Some(file)) => Ok(Some(Transport::File(PathBuf::from(file)))),
            (Some(url), None) => {
                if !is_url(&url) {
                    let help = "write `http://HOST[:PORT]` or `https://HOST[:PORT]`; a key goes \
                                into `api_key`";
                    return problem("url", "the URL is no address of a server", help);
                }
                let endpoint = self.endpoint.unwrap_or_else(|| ENDPOINT.to_owned());
                let url = [url.trim_end_matches('/'), endpoint.trim_matches('/')].join("/");
                let timeout = self.timeout.unwrap_or(TIMEOUT);
                Ok(Some(Transport::Http { url, api_key: self.api_key, timeout }))
            }
        }
    }
}

/// What the environment says, of that which it may say at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    pub(crate) is_disabled: bool,
    pub(crate) namespace: Option<String>,
    /// Where it names a place, or says that there is none, it counts in place of the file's.
    pub(crate) transport: Option<Result<Option<Transport>, Problem>>,
}

impl Surroundings {
    /// Reads the variables of OpenLineage's clients.
    pub(crate) fn read(lookup: Lookup<'_>) -> Self {
        let find = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let either = |one: &str, other: &str| find(one).or_else(|| find(other));
        let of_transport = |key: &str| find(&format!("OPENLINEAGE__TRANSPORT__{key}"));
        let kind = of_transport("TYPE").map(|kind| kind.to_lowercase());
        let key = either("OPENLINEAGE_API_KEY", "OPENLINEAGE__TRANSPORT__AUTH__API_KEY")
            .or_else(|| of_transport("AUTH__APIKEY"));
        let wish = Wish {
            url: either("OPENLINEAGE_URL", "OPENLINEAGE__TRANSPORT__URL"),
            endpoint: either("OPENLINEAGE_ENDPOINT", "OPENLINEAGE__TRANSPORT__ENDPOINT"),
            api_key: key.map(|key| Secret::new("${env:OPENLINEAGE_API_KEY}", key)),
            timeout: of_transport("TIMEOUT")
                .and_then(|secs| secs.parse::<f64>().ok())
                .and_then(|secs| Duration::try_from_secs_f64(secs).ok())
                .filter(|timeout| !timeout.is_zero()),
            file: of_transport("LOG_FILE_PATH"),
        };
        let transport = match kind.as_deref() {
            None if wish.url.is_none() && wish.file.is_none() => None,
            None => Some(wish.judge()),
            Some("noop") => Some(Ok(None)),
            Some("http" | "async_http") => Some(Wish { file: None, ..wish }.judge()),
            Some("file") => Some(Wish { url: None, ..wish }.judge()),
            Some(other) => Some(Err(Problem {
                key: "OPENLINEAGE__TRANSPORT__TYPE",
                message: format!("there is no transport `{other}` here"),
                help: "there is `http`, `file` and `noop`",
            })),
        };
        let is_disabled = find("OPENLINEAGE_DISABLED")
            .is_some_and(|flag| matches!(flag.to_lowercase().as_str(), "true" | "1"));
        Self { is_disabled, namespace: find("OPENLINEAGE_NAMESPACE"), transport }
    }
}

/// Takes no user and no query: both would be shown.
pub(crate) fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#');
    rest.is_some_and(|rest| {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        let port = authority.rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok());
        !host.is_empty() && rest.chars().all(fits) && port.unwrap_or(true)
    })
}
