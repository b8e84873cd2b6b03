//! Where a version's files come from: a client may name the files of its own run or logged model,
//! another version, or a place outside; it may not name files of this machine, or climb.

use rusqlite::Connection;

use crate::store::{StoreError, row};
use crate::tracking::logged_model;
use crate::tracking::registry::version::{self, NewVersion};
use crate::types::{Fault, TrackingRunId};

/// Refuses a source that is not the version's to name, and fills in what it tells: the run of its
/// logged model, the run and the model of another version.
pub(crate) fn settle(conn: &Connection, new: &mut NewVersion) -> Result<(), StoreError> {
    check_plain(&new.source)?;
    let source = new.source.clone();
    if let Some(rest) = source.strip_prefix("models:/") {
        if is_model_id(rest) {
            let id = rest.split('/').next().unwrap_or(rest);
            if new.model_id.as_deref() != Some(id) {
                return Err(not_of(&source, "model_id"));
            }
        } else {
            take_after(conn, new, rest)?;
        }
    }
    if let Some(model_id) = new.model_id.clone() {
        if source.starts_with("runs:") {
            return Err(not_of(&source, "model_id"));
        }
        if source.starts_with("mlflow-artifacts:") {
            let model = logged_model::of(conn, &model_id)?;
            within(&source, &model.artifact_uri, "model_id")?;
        }
        if new.run_id.is_none() {
            new.run_id = logged_model::of(conn, &model_id)?.source_run_id;
        }
        return Ok(());
    }
    let run_id = new.run_id.as_ref().map(TrackingRunId::as_str);
    if let Some(rest) = source.strip_prefix("runs:/") {
        let named = rest.trim_start_matches('/').split('/').next();
        return if named == run_id { Ok(()) } else { Err(not_of(&source, "run_id")) };
    }
    if source.starts_with("mlflow-artifacts:") {
        let sql = "SELECT artifact_uri FROM runs WHERE run_id = ?1";
        let root: Option<String> = row::first(conn, sql, [run_id], |row| Ok(row.get(0)?))?;
        return within(&source, &root.unwrap_or_default(), "run_id");
    }
    Ok(())
}

/// Takes run and model of the version that a source names: `NAME/VERSION` or `NAME@ALIAS`.
fn take_after(conn: &Connection, new: &mut NewVersion, rest: &str) -> Result<(), StoreError> {
    let of = version::named(conn, rest)?;
    let differs = |given: bool, same: bool| given && !same;
    if differs(new.run_id.is_some(), new.run_id == of.run_id)
        || differs(new.model_id.is_some(), new.model_id == of.model_id)
    {
        let text = format!(
            "Invalid model version source: '{}'. The run_id and model_id request parameters must \
             match the referenced model version.",
            new.source
        );
        return Err(Fault::invalid(text).into());
    }
    new.source = format!("models:/{}/{}", of.name, of.version);
    new.run_id = of.run_id;
    new.model_id = of.model_id;
    Ok(())
}

/// Follows a source to where the files lie; `None` where it leads nowhere that is known here.
pub(crate) fn resolved(conn: &Connection, source: &str) -> Result<Option<String>, StoreError> {
    let uri_of = |sql: &str, rest: &str| -> Result<Option<String>, StoreError> {
        let rest = rest.trim_start_matches('/');
        let (id, path) = rest.split_once('/').unwrap_or((rest, ""));
        let found: Option<String> = row::first(conn, sql, [id], |row| Ok(row.get(0)?))?;
        Ok(found.map(|uri| if path.is_empty() { uri } else { format!("{uri}/{path}") }))
    };
    if let Some(rest) = source.strip_prefix("runs:/") {
        return uri_of("SELECT artifact_uri FROM runs WHERE run_id = ?1", rest);
    }
    match source.strip_prefix("models:/") {
        Some(rest) if is_model_id(rest) => {
            uri_of("SELECT artifact_uri FROM logged_models WHERE model_id = ?1", rest)
        }
        // A source names an earlier version: the way ends.
        Some(rest) => {
            let source = version::named(conn, rest)?.source;
            Ok(resolved(conn, &source)?.or(Some(source)))
        }
        None => Ok(None),
    }
}

fn is_model_id(rest: &str) -> bool {
    let id = rest.split('/').next().unwrap_or(rest);
    id.strip_prefix("m-")
        .is_some_and(|hex| hex.len() == 32 && hex.chars().all(|c| c.is_ascii_hexdigit()))
        && !rest.contains('@')
}

fn within(source: &str, root: &str, id_name: &str) -> Result<(), StoreError> {
    let is_below =
        source.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !root.is_empty() && is_below { Ok(()) } else { Err(not_of(source, id_name)) }
}

fn not_of(source: &str, id_name: &str) -> StoreError {
    let text = format!(
        "Invalid model version source: '{source}'. The {id_name} request parameter must identify \
         the resource that contains the source."
    );
    Fault::invalid(text).into()
}

/// Refuses paths of this machine, and what climbs, however often it is encoded.
fn check_plain(source: &str) -> Result<(), StoreError> {
    let refused = |why: &str| -> Result<(), StoreError> {
        Err(Fault::invalid(format!("Invalid model version source: '{source}'. {why}")).into())
    };
    let scheme = source.split_once(':').map(|(scheme, _)| scheme);
    let is_scheme = |scheme: &str| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    match scheme {
        Some(scheme) if is_scheme(scheme) && !scheme.eq_ignore_ascii_case("file") => {}
        _ => {
            return refused(
                "To use a local path as a model version source, the run_id request parameter has \
                 to be specified and the local path has to be contained within the artifact \
                 directory of the run specified by the run_id.",
            );
        }
    }
    let mut text = source.to_owned();
    for _ in 0..8 {
        if text.contains('\0') || text.split(['/', '\\']).any(|part| part == "..") {
            return refused(
                "If supplying a source as an http, https, local file path, ftp, objectstore, or \
                 mlflow-artifacts uri, an absolute path must be provided without relative path \
                 references present. Please provide an absolute path.",
            );
        }
        let plain = decoded(&text);
        if plain == text {
            return Ok(());
        }
        text = plain;
    }
    refused("It is encoded too often.")
}

/// Decodes `%2e` and the like once.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match byte {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_of_this_machine_or_climbs_is_refused() {
        for source in [
            "/etc/passwd",
            "etc",
            "file:///etc/passwd",
            "C:\\x",
            "mlflow-artifacts:/1/../../x",
            "mlflow-artifacts:/1/%2e%2e/x",
            "s3://b/%252e%252e/x",
            "http://h/..%2f..",
            "s3://b/\0",
        ] {
            assert!(check_plain(source).is_err(), "{source}");
        }
        for source in
            ["s3://b/m", "mlflow-artifacts:/1/ab/artifacts/m", "models:/x/1", "http://h/a..b"]
        {
            assert!(check_plain(source).is_ok(), "{source}");
        }
    }
}
