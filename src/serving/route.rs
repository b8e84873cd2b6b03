//! Paths of the model server.

use hyper::Method;

use crate::serving::protocol::Protocol;
use crate::serving::refusal::Refusal;

/// What there is, for those who lost their way.
pub(crate) const ROUTES: [&str; 27] = [
    "POST /predict",
    "POST /models/{name}/predict",
    "POST /models/{name}@{alias}/predict",
    "POST /models/{name}/versions/{version}/predict",
    "POST /invocations",
    "POST /models/{name}/invocations",
    "POST /models/{name}@{alias}/invocations",
    "POST /models/{name}/versions/{version}/invocations",
    "POST /outcomes",
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /v2/models/{name}[/versions/{version}][/ready|/stats]",
    "POST /v2/models/{name}[/versions/{version}]/infer",
    "GET /v2/models/stats",
    "POST /v2/repository/index",
    "POST /v2/repository/models/{name}/load|unload",
    "GET /models",
    "GET /docs",
    "GET /docs.json",
    "GET /schema.json",
    "GET /metrics",
    "GET /healthz",
    "GET /livez",
    "GET /readyz",
    "GET /ping, /health, /version",
    "GET /",
];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Predict(Target, Protocol),
    Oip(OipRoute),
    /// What came of predictions.
    Outcomes,
    Models,
    /// The page.
    Page,
    Docs,
    Schema,
    Metrics,
    Healthz,
    Livez,
    Readyz,
    /// MLflow's.
    Ping,
    Version,
    Index,
}

impl Route {
    /// Says whether it only tells whether the server lives and is ready.
    pub(crate) fn is_health(&self) -> bool {
        matches!(
            self,
            Self::Healthz
                | Self::Livez
                | Self::Readyz
                | Self::Ping
                | Self::Oip(OipRoute::Live | OipRoute::Ready)
        )
    }
}

/// What the Open Inference Protocol has beside predictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OipRoute {
    Server,
    Live,
    Ready,
    Model(Target),
    ModelReady(Target),
    /// Of one model, or of all.
    Stats(Option<Target>),
    Index,
    Load(String),
    Unload(String),
}

/// Who is to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Default,
    /// A model, or `model@alias`.
    Named(String),
    Version(String, u32),
}

/// Finds the route; refuses with 404 and 405.
pub(crate) fn find(method: &Method, path: &str) -> Result<Route, Refusal> {
    let route = match path {
        "/predict" => Route::Predict(Target::Default, Protocol::Rows),
        _ => by_parts(path)?,
    };
    let posted = matches!(
        route,
        Route::Predict(..)
            | Route::Outcomes
            | Route::Oip(OipRoute::Index | OipRoute::Load(_) | OipRoute::Unload(_))
    );
    let (fits, allow) = match posted {
        true => (method == Method::POST, "POST"),
        false => (method == Method::GET || method == Method::HEAD, "GET, HEAD"),
    };
    if !fits {
        let error = format!("`{path}` does not take {method}; it takes {allow}");
        let status = hyper::StatusCode::METHOD_NOT_ALLOWED;
        return Err(Refusal { allow: Some(allow), ..Refusal::new(status, error) });
    }
    Ok(route)
}

fn by_parts(path: &str) -> Result<Route, Refusal> {
    let parts: Vec<String> = match path.split('/').skip(1).map(decode).collect() {
        Some(parts) => parts,
        None => return Err(Refusal::bad_request(format!("the path `{path}` is not UTF-8"))),
    };
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let found = match parts.as_slice() {
        ["v2", rest @ ..] => oip(rest)?,
        ["invocations"] => Some(Route::Predict(Target::Default, Protocol::Invocations)),
        ["models", of @ .., "predict"] => {
            target(of)?.map(|target| Route::Predict(target, Protocol::Rows))
        }
        ["models", of @ .., "invocations"] => {
            target(of)?.map(|target| Route::Predict(target, Protocol::Invocations))
        }
        ["outcomes"] => Some(Route::Outcomes),
        ["models"] => Some(Route::Models),
        ["docs"] => Some(Route::Page),
        ["docs.json"] => Some(Route::Docs),
        ["schema.json"] => Some(Route::Schema),
        ["metrics"] => Some(Route::Metrics),
        ["healthz"] => Some(Route::Healthz),
        ["livez"] => Some(Route::Livez),
        ["readyz"] => Some(Route::Readyz),
        ["ping" | "health"] => Some(Route::Ping),
        ["version"] => Some(Route::Version),
        [""] => Some(Route::Index),
        _ => None,
    };
    found.ok_or_else(|| {
        Refusal::not_found(format!("there is no `{path}`; there are {}", ROUTES.join(", ")))
    })
}

/// Reads `{name}` or `{name}/versions/{version}`.
fn target(parts: &[&str]) -> Result<Option<Target>, Refusal> {
    match parts {
        [name] if !name.is_empty() => Ok(Some(Target::Named((*name).to_owned()))),
        [name, "versions", version] if !name.is_empty() => match version.parse() {
            Ok(version) => Ok(Some(Target::Version((*name).to_owned(), version))),
            Err(_) => Err(Refusal::not_found(format!("version `{version}` is not a number"))),
        },
        _ => Ok(None),
    }
}

/// Reads what follows `/v2`.
fn oip(parts: &[&str]) -> Result<Option<Route>, Refusal> {
    let route = match parts {
        [] | [""] => OipRoute::Server,
        ["health", "live"] => OipRoute::Live,
        ["health", "ready"] => OipRoute::Ready,
        ["models", "stats"] => OipRoute::Stats(None),
        ["repository", "index"] => OipRoute::Index,
        ["repository", "models", name, "load"] => OipRoute::Load((*name).to_owned()),
        ["repository", "models", name, "unload"] => OipRoute::Unload((*name).to_owned()),
        ["models", of @ .., "infer"] => {
            let target = target(of)?;
            return Ok(target.map(|target| Route::Predict(target, Protocol::Infer)));
        }
        ["models", of @ .., "ready"] if !of.is_empty() => match target(of)? {
            Some(target) => OipRoute::ModelReady(target),
            None => return Ok(None),
        },
        ["models", of @ .., "stats"] => match target(of)? {
            Some(target) => OipRoute::Stats(Some(target)),
            None => return Ok(None),
        },
        ["models", of @ ..] => match target(of)? {
            Some(target) => OipRoute::Model(target),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Route::Oip(route)))
}

/// Undoes percent-encoding; `None` where that gives no UTF-8.
fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_model_is_found() {
        let named = |name: &str| Target::Named(name.to_owned());
        for (path, target, protocol) in [
            ("/predict", Target::Default, Protocol::Rows),
            ("/models/iris/predict", named("iris"), Protocol::Rows),
            ("/models/iris@production/predict", named("iris@production"), Protocol::Rows),
            ("/models/my%20iris%2Fb/predict", named("my iris/b"), Protocol::Rows),
            ("/models/iris/versions/3/predict", Target::Version("iris".into(), 3), Protocol::Rows),
            ("/invocations", Target::Default, Protocol::Invocations),
            (
                "/models/iris@production/invocations",
                named("iris@production"),
                Protocol::Invocations,
            ),
            ("/v2/models/iris/infer", named("iris"), Protocol::Infer),
            ("/v2/models/stats/infer", named("stats"), Protocol::Infer),
            ("/v2/models/a/versions/3/infer", Target::Version("a".into(), 3), Protocol::Infer),
        ] {
            assert_eq!(
                find(&Method::POST, path).unwrap(),
                Route::Predict(target, protocol),
                "{path}"
            );
        }
    }

    #[test]
    fn a_wrong_path_lists_the_routes() {
        for path in [
            "/predictt",
            "/models//predict",
            "/models/iris",
            "/predict/",
            "//",
            "",
            "/v2/nothing",
            "/v2/models",
            "/v2/models//infer",
            "/v2/models/a/b/infer",
        ] {
            let refusal = find(&Method::GET, path).unwrap_err();
            assert_eq!(refusal.status.as_u16(), 404, "{path}");
            assert!(refusal.error.contains("POST /predict"), "{path}");
        }
        let refusal = find(&Method::POST, "/models/iris/versions/x/predict").unwrap_err();
        assert_eq!(refusal.status.as_u16(), 404);
        assert_eq!(find(&Method::GET, "/%ff").unwrap_err().status.as_u16(), 400);
        assert_eq!(find(&Method::GET, "/%f").unwrap_err().status.as_u16(), 404);
    }

    #[test]
    fn a_wrong_method_says_which_are_right() {
        let refusal = find(&Method::GET, "/predict").unwrap_err();
        assert_eq!((refusal.status.as_u16(), refusal.allow), (405, Some("POST")));
        let refusal = find(&Method::DELETE, "/healthz").unwrap_err();
        assert_eq!((refusal.status.as_u16(), refusal.allow), (405, Some("GET, HEAD")));
    }
}
