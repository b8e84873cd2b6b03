//! Values that may come from the environment or a file, and never show themselves.

use std::fmt;
use std::path::Path;

/// Resolves `${env:NAME}`.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What marks the name of a value that is not for everyone's eyes, as in Airflow.
const SENSITIVE: [&str; 14] = [
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "credential",
    "keyfile_dict",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "proxies",
    "secret",
    "service_account",
    "token",
];

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Texts that nobody may be shown, the longest first: one may hold another.
#[derive(Debug, Clone, Default)]
pub struct Mask(Vec<String>);

impl Mask {
    pub fn new(mut texts: Vec<String>) -> Self {
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.retain(|text| !text.is_empty());
        Self(texts)
    }

    /// Replaces each of them by `***`.
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }
}

/// A text that may hold `${env:NAME}` or `${file:path}`; resolved where it is used, masked
/// wherever it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    written: String,
    resolved: String,
}

impl Secret {
    /// Pairs what was written with what it stands for.
    pub fn new(written: impl Into<String>, resolved: impl Into<String>) -> Self {
        Self { written: written.into(), resolved: resolved.into() }
    }

    /// Takes a text that refers to nothing.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { resolved: text.clone(), written: text }
    }

    /// Returns what it stands for. Not for logs, tables or screens.
    pub fn reveal(&self) -> &str {
        &self.resolved
    }

    /// Returns what was written, with its references unresolved: fit to be shown.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// Says whether it refers to something that must not be shown.
    pub fn is_secret(&self) -> bool {
        self.written != self.resolved
    }
}

/// A reference that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{reference}` stands for nothing: {reason}")]
pub struct Unresolved {
    pub reference: String,
    /// As diagnostics name it: `bad-secret` or `unresolved-secret`.
    pub code: &'static str,
    pub reason: String,
}

/// Puts in what the references of a text stand for. Relative files start at `project`.
pub fn resolve(text: &str, project: &Path, lookup: Lookup<'_>) -> Result<Secret, Unresolved> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        resolved.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            return Err(unresolved(&rest[start..], "bad-secret", "it lacks its `}`"));
        };
        let reference = &rest[start..=start + length];
        resolved.push_str(&look_up(reference, project, lookup)?);
        rest = &rest[start + reference.len()..];
    }
    resolved.push_str(rest);
    Ok(Secret::new(text, resolved))
}

fn look_up(reference: &str, project: &Path, lookup: Lookup<'_>) -> Result<String, Unresolved> {
    let inner = reference.trim_start_matches("${").trim_end_matches('}');
    let code = "unresolved-secret";
    match inner.split_once(':') {
        Some(("env", name)) => lookup(name)
            .ok_or_else(|| unresolved(reference, code, "the environment has no such variable")),
        Some(("file", path)) => match std::fs::read_to_string(project.join(path)) {
            Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => Err(unresolved(reference, code, &error.to_string())),
        },
        _ => Err(unresolved(reference, "bad-secret", "it names neither `env:` nor `file:`")),
    }
}

fn unresolved(reference: &str, code: &'static str, reason: &str) -> Unresolved {
    Unresolved { reference: reference.to_owned(), code, reason: reason.to_owned() }
}

/// Says whether a value of this name is to be masked.
pub fn is_sensitive_name(name: &str) -> bool {
    let name = name.to_lowercase();
    SENSITIVE.iter().any(|word| name.contains(word))
}

/// Says whether a text is nothing but references: it can be kept and shown as it is.
pub fn is_reference(text: &str) -> bool {
    let mut rest = text.trim();
    while let Some(inside) = rest.strip_prefix("${") {
        let Some((_, after)) = inside.split_once('}') else { return false };
        rest = after;
    }
    rest.is_empty() && !text.trim().is_empty()
}

/// Says whether a URL holds a password, or a parameter that is a secret, in plain text.
pub fn has_plain_password(url: &str) -> bool {
    let shown = shown_url(url);
    shown != url
}

/// Returns a URL with its plain secrets masked: fit to be shown.
pub fn shown_url(url: &str) -> String {
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (url, None),
    };
    let mut shown = shown_authority(before);
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((key, value)) if is_sensitive_name(key) && !is_reference(value) => {
                format!("{key}={MASK}")
            }
            _ => pair.to_owned(),
        });
        shown.push('?');
        shown.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    shown
}

/// Masks `PASSWORD` of `SCHEME://USER:PASSWORD@HOST`.
fn shown_authority(url: &str) -> String {
    match plain_password(url) {
        Some(password) => {
            // The password is a part of the URL, so it lies so far from its beginning.
            let start = password.as_ptr().addr() - url.as_ptr().addr();
            format!("{}{MASK}{}", &url[..start], &url[start + password.len()..])
        }
        None => url.to_owned(),
    }
}

/// Returns `PASSWORD` of `SCHEME://USER:PASSWORD@HOST`, unless it is a reference.
pub fn plain_password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.split(['/', '?']).next().unwrap_or(rest).rsplit_once('@')?;
    // A reference holds a colon of its own.
    let mut depth = 0_u32;
    let colon = user.char_indices().find(|(_, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *c == ':' && depth == 0
    })?;
    let password = &user[colon.0 + 1..];
    (!password.is_empty() && !is_reference(password)).then_some(password)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<String, String> {
        let lookup = |name: &str| (name == "TOKEN").then(|| "tiger".to_owned());
        let found = resolve(text, Path::new("/nowhere"), &lookup);
        found.map(|secret| secret.reveal().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn references_are_resolved_where_they_stand() {
        assert_eq!(resolved("a ${env:TOKEN} b").unwrap(), "a tiger b");
        assert!(resolved("${env:NONE}").unwrap_err().contains("no such variable"));
        assert!(resolved("${file:none}").unwrap_err().contains("stands for nothing"));
        assert!(resolved("${TOKEN}").unwrap_err().contains("neither"));
        assert!(resolved("${env:TOKEN").unwrap_err().contains("lacks its"));
    }

    #[test]
    fn names_that_airflow_masks_are_sensitive() {
        for name in ["DB_PASSWORD", "api_key", "github_token", "my_secret", "service_account"] {
            assert!(is_sensitive_name(name), "{name}");
        }
        assert!(!is_sensitive_name("region"));
    }

    #[test]
    fn only_what_is_all_reference_is_no_plain_secret() {
        assert!(is_reference("${env:A}") && is_reference("${env:A}${file:b}"));
        for text in ["", "x", "x${env:A}", "${env:A}x", "${env:A"] {
            assert!(!is_reference(text), "{text}");
        }
    }

    #[test]
    fn a_plain_password_in_a_url_is_masked() {
        assert_eq!(shown_url("http://u:pw@h/x"), "http://u:***@h/x");
        assert_eq!(shown_url("http://h/x?token=abc&a=1"), "http://h/x?token=***&a=1");
        for url in ["http://u:${env:A}@h", "http://${env:U}:${env:P}@h/", "sqlite:a.db", "log:"] {
            assert_eq!(shown_url(url), url);
        }
        assert!(has_plain_password("http://${env:U}:pw@h"));
    }
}
