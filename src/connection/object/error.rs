//! What a lake said, in words that say what to do. Servers answer with codes in XML, the crate
//! with the URL of the request around them; neither is shown.

use crate::connection::chain;

/// Whether it helps to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LakeFault {
    /// There is no such object.
    Missing,
    /// It exists already, and was not to be replaced.
    Exists,
    /// It changed under the hands of the reader.
    Changed,
    /// Keys, rights, names: nothing that passes by itself.
    Refused,
    /// A connection that broke, a server that is overworked.
    Passing,
}

/// Something that a lake would not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct LakeError {
    /// Such as ``read `lake:a.csv` ``.
    pub what: String,
    pub why: String,
    pub fault: LakeFault,
    /// As the server has it, such as `NoSuchBucket`.
    pub code: Option<String>,
}

impl LakeError {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>, fault: LakeFault) -> Self {
        Self { what: what.into(), why: why.into(), fault, code: None }
    }

    pub(super) fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let fault = match error.kind() {
            ErrorKind::NotFound => LakeFault::Missing,
            ErrorKind::AlreadyExists => LakeFault::Exists,
            ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::InvalidFilename
            | ErrorKind::ReadOnlyFilesystem => LakeFault::Refused,
            _ => LakeFault::Passing,
        };
        Self::new(what, error.to_string(), fault)
    }

    /// Names what the crate says. `place` is the bucket or the folder as people know it.
    pub(super) fn named(what: impl Into<String>, place: &str, error: &object_store::Error) -> Self {
        let text = chain(error);
        let code = between(&text, "<Code>", "</Code>").map(str::to_owned);
        let of_code = code.as_deref().and_then(|code| of_code(code, place, &text));
        let (why, fault) = of_code.unwrap_or_else(|| of_kind(error, place, &text));
        Self { what: what.into(), why, fault, code }
    }
}

/// What the codes of S3 mean to whoever reads them.
fn of_code(code: &str, place: &str, text: &str) -> Option<(String, LakeFault)> {
    let refused = |why: String| Some((why, LakeFault::Refused));
    let passing = |why: &str| Some((why.to_owned(), LakeFault::Passing));
    match code {
        "NoSuchBucket" => refused(format!("there is no bucket `{place}`")),
        "NoSuchKey" => Some(("there is no such object".to_owned(), LakeFault::Missing)),
        "AccessDenied" | "AllAccessDisabled" => {
            refused(format!("the keys have no right to do this in `{place}` (AccessDenied)"))
        }
        "InvalidAccessKeyId" => {
            refused("the server knows no such `access_key_id` (InvalidAccessKeyId)".to_owned())
        }
        "SignatureDoesNotMatch" => refused(
            "the `secret_access_key` does not belong to the `access_key_id` \
             (SignatureDoesNotMatch)"
                .to_owned(),
        ),
        "InvalidToken" | "ExpiredToken" | "TokenRefreshRequired" => {
            refused(format!("the `session_token` is not valid any more ({code})"))
        }
        "RequestTimeTooSkewed" => passing(
            "the clock of this machine and that of the server differ by too much: set it, or let \
             it be set (RequestTimeTooSkewed)",
        ),
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "IllegalLocationConstraintException" => {
            let region = between(text, "<Region>", "</Region>");
            let meant = region.map_or_else(String::new, |region| format!("; it is in `{region}`"));
            refused(format!("`{place}` is not in the `region` of the connection{meant} ({code})"))
        }
        "SlowDown" | "ServiceUnavailable" | "InternalError" | "RequestTimeout" | "503" => {
            passing(&format!("the server is overworked or unwell ({code})"))
        }
        "EntityTooLarge" => refused("the object is larger than the server takes".to_owned()),
        "NoSuchUpload" => passing("the server has forgotten the upload (NoSuchUpload)"),
        "BadDigest" | "XAmzContentSHA256Mismatch" | "InvalidDigest" => {
            passing(&format!("what arrived is not what was sent ({code})"))
        }
        _ => None,
    }
}

fn of_kind(error: &object_store::Error, place: &str, text: &str) -> (String, LakeFault) {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => ("there is no such object".to_owned(), LakeFault::Missing),
        Error::AlreadyExists { .. } => ("it exists already".to_owned(), LakeFault::Exists),
        Error::Precondition { .. } | Error::NotModified { .. } => {
            ("it has changed meanwhile".to_owned(), LakeFault::Changed)
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            let why = format!("the keys have no right to do this in `{place}`");
            (why, LakeFault::Refused)
        }
        Error::InvalidPath { source } => (source.to_string(), LakeFault::Refused),
        Error::NotSupported { .. } | Error::NotImplemented { .. } => {
            ("the server does not know how".to_owned(), LakeFault::Refused)
        }
        _ => (transport(text), LakeFault::Passing),
    }
}

/// Keeps of a long story its end, which says what happened.
fn transport(text: &str) -> String {
    if text.contains("redirect without LOCATION") {
        return "the server sends us elsewhere: is the `region` right?".to_owned();
    }
    if let Some(message) = between(text, "<Message>", "</Message>") {
        return message.to_owned();
    }
    let end = ["HTTP error: ", " - ", "client error (Connect): "];
    let end = end.iter().find_map(|mark| text.rsplit_once(mark)).map_or(text, |(_, end)| end);
    const SHOWN_MAX: usize = 300;
    end.chars().take(SHOWN_MAX).collect::<String>().trim().to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found.trim()).filter(|found| !found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, more: &str) -> LakeError {
        let body = format!(
            "Server returned non-2xx status code: 403 Forbidden: <Error><Code>{code}</Code>\
             <Message>no</Message>{more}<StringToSign>AWS4 tiger</StringToSign></Error>"
        );
        let error = object_store::Error::Generic { store: "S3", source: body.into() };
        LakeError::named("read `lake:a.csv`", "s3://lake", &error)
    }

    #[test]
    fn codes_are_said_in_words_and_nothing_of_the_answer_is_shown() {
        let cases = [
            ("NoSuchBucket", "no bucket `s3://lake`", LakeFault::Refused),
            ("InvalidAccessKeyId", "no such `access_key_id`", LakeFault::Refused),
            ("SignatureDoesNotMatch", "`secret_access_key` does not belong", LakeFault::Refused),
            ("AccessDenied", "no right", LakeFault::Refused),
            ("ExpiredToken", "`session_token`", LakeFault::Refused),
            ("RequestTimeTooSkewed", "clock of this machine", LakeFault::Passing),
            ("SlowDown", "overworked", LakeFault::Passing),
        ];
        for (code, words, fault) in cases {
            let error = said(code, "");
            assert!(error.why.contains(words), "{code}: {error}");
            assert_eq!((error.fault, error.code.as_deref()), (fault, Some(code)));
            assert!(!error.to_string().contains("tiger"), "{error}");
        }
        let elsewhere = said("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>");
        assert!(elsewhere.why.contains("it is in `eu-west-1`"), "{elsewhere}");
    }

    #[test]
    fn a_code_that_is_not_known_is_told_by_its_message() {
        assert_eq!(said("Odd", "").to_string(), "read `lake:a.csv`: no");
    }
}
