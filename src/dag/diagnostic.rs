//! Errors of `dags.toml`: what, where, what instead, and a drawing of the place.

use std::fmt;

use crate::types::view::DiagnosticView;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// A short stable name, such as `unknown-key`.
    pub code: &'static str,
    pub message: String,
    pub file: String,
    /// From 1; 0 where the file itself is the matter.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub help: Option<String>,
    /// The place drawn, several lines, no colours.
    pub drawing: String,
}

/// All errors of a project's definitions; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, diagnostic) in self.0.iter().enumerate() {
            if nth > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{}", diagnostic.drawing.trim_end())?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl From<&Diagnostic> for DiagnosticView {
    fn from(d: &Diagnostic) -> Self {
        Self {
            code: d.code.to_owned(),
            message: d.message.clone(),
            file: d.file.clone(),
            line: d.line,
            column: d.column,
            help: d.help.clone(),
            drawing: d.drawing.clone(),
        }
    }
}
