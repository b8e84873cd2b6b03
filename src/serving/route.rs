//! Paths of the model server.

use hyper::Method;

use crate::serving::refusal::Refusal;

/// What there is, for those who lost their way.
pub(crate) const ROUTES: [&str; 11] = [
    "POST /predict",
    "POST /models/{name}/predict",
    "POST /models/{name}@{alias}/predict",
    "POST /models/{name}/versions/{version}/predict",
    "GET /models",
    "GET /docs.json",
    "GET /metrics",
    "GET /healthz",
    "GET /livez",
    "GET /readyz",
    "GET /",
];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Predict(Target),
    Models,
    Docs,
    Metrics,
    Healthz,
    Livez,
    Readyz,
    Index,
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
    let parts: Vec<String> = match path.split('/').skip(1).map(decode).collect() {
        Some(parts) => parts,
        None => return Err(Refusal::bad_request(format!("the path `{path}` is not UTF-8"))),
    };
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let route = match parts.as_slice() {
        ["predict"] => Route::Predict(Target::Default),
        ["models", name, "predict"] if !name.is_empty() => {
            Route::Predict(Target::Named((*name).to_owned()))
        }
        ["models", name, "versions", version, "predict"] if !name.is_empty() => {
            let Ok(version) = version.parse() else {
                return Err(Refusal::not_found(format!("version `{version}` is not a number")));
            };
            Route::Predict(Target::Version((*name).to_owned(), version))
        }
        ["models"] => Route::Models,
        ["docs.json"] => Route::Docs,
        ["metrics"] => Route::Metrics,
        ["healthz"] => Route::Healthz,
        ["livez"] => Route::Livez,
        ["readyz"] => Route::Readyz,
        [""] => Route::Index,
        _ => {
            let error = format!("there is no `{path}`; there are {}", ROUTES.join(", "));
            return Err(Refusal::not_found(error));
        }
    };
    let (fits, allow) = match route {
        Route::Predict(_) => (method == Method::POST, "POST"),
        _ => (method == Method::GET || method == Method::HEAD, "GET, HEAD"),
    };
    if !fits {
        let error = format!("`{path}` does not take {method}; it takes {allow}");
        let status = hyper::StatusCode::METHOD_NOT_ALLOWED;
        return Err(Refusal { allow: Some(allow), ..Refusal::new(status, error) });
    }
    Ok(route)
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
        let named = |name: &str| Route::Predict(Target::Named(name.to_owned()));
        for (path, route) in [
            ("/predict", Route::Predict(Target::Default)),
            ("/models/iris/predict", named("iris")),
            ("/models/iris@production/predict", named("iris@production")),
            ("/models/my%20iris%2Fb/predict", named("my iris/b")),
            ("/models/iris/versions/3/predict", Route::Predict(Target::Version("iris".into(), 3))),
        ] {
            assert_eq!(find(&Method::POST, path).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn a_wrong_path_lists_the_routes() {
        for path in ["/predictt", "/models//predict", "/models/iris", "/predict/", "//", ""] {
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
