//! From what is written to what is meant, collecting every diagnostic.

use std::path::Path;

use crate::dag::diagnostic::Diagnostics;
use crate::dag::spec::Deck;

/// Reads `dags.toml` in `project` and what it includes. `lookup` resolves `${env:NAME}`.
pub fn load(
    _project: &Path,
    _lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Deck, Diagnostics> {
    todo!("dag helper")
}
