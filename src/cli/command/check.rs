//! `check`: the errors of `dags.toml`, all at once, without a daemon.

use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::dag;
use crate::runtime::Layout;
use crate::store::settings;
use crate::types::view::DiagnosticView;

/// Checks the definitions: 0 where they are right, 2 where they are not.
pub fn check(layout: &Layout, output: &mut Output) -> Result<u8, CliError> {
    let lookup = env::lookup();
    // What operators have set at run time may be named as well.
    let settings = settings::peek(&layout.database());
    match dag::load(layout.project(), &|name| lookup(name), &settings) {
        Ok(deck) => {
            let warnings: Vec<DiagnosticView> = deck.warnings.iter().map(Into::into).collect();
            let body = serde_json::json!({
                "ok": true, "dags": deck.dags.len(), "errors": [], "warnings": warnings,
            });
            output.answer(&body, |_| {
                let drawn = deck.warnings.iter().map(|warning| format!("{}\n", warning.drawing));
                let drawn: String = drawn.collect();
                format!("{drawn}dags.toml is right: {} DAGs", deck.dags.len())
            });
            Ok(0)
        }
        Err(diagnostics) => {
            let errors: Vec<DiagnosticView> = diagnostics.0.iter().map(Into::into).collect();
            let body = serde_json::json!({ "ok": false, "errors": errors });
            output.answer(&body, |_| {
                let count = errors.len();
                let s = if count == 1 { "" } else { "s" };
                format!("{diagnostics}\n{count} error{s}")
            });
            Ok(2)
        }
    }
}
