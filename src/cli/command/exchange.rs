//! JSON files that settings are exported to and imported from; `-` is the standard input or
//! output.

use std::io::Read;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::types::Fault;

/// Writes a table of settings.
pub(super) fn export<T: Serialize>(
    file: &Path,
    count: usize,
    body: &T,
    output: &mut Output,
) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(body).map_err(|error| Fault::internal(&error))?;
    if file == Path::new("-") {
        output.line(&text);
        return Ok(());
    }
    std::fs::write(file, text + "\n")
        .map_err(|source| CliError::io(&format!("write `{}`", file.display()), &source))?;
    let body = serde_json::json!({ "exported": count });
    output.answer(&body, |_| format!("{count} written to {}", file.display()));
    Ok(())
}

/// Reads a table of settings.
pub(super) fn import<T: DeserializeOwned>(file: &Path, shape: &str) -> Result<T, CliError> {
    let failed = |source| CliError::io(&format!("read `{}`", file.display()), &source);
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = std::fs::read_to_string(file).map_err(failed)?;
    }
    serde_json::from_str(&text).map_err(|error| {
        Fault::invalid(format!("read `{}`: it is not what `export` writes", file.display()))
            .caused_by(Some(&error))
            .hint(format!("write {shape}"))
            .into()
    })
}

/// Says that there is no setting of a name.
pub(super) fn missing<'a>(
    kind: &str,
    name: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> CliError {
    let hint = match crate::dag::suggest::closest(name, names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("`dagdeck {kind}s list` shows what there is"),
    };
    Fault::not_found(format!("there is no {kind} `{name}`")).hint(hint).into()
}
