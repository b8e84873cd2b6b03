//! Opens the deck, starting the project's daemon where none runs.

use std::sync::Arc;

use crate::cli::args::DeckArgs;
use crate::cli::command::daemon;
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::logging;
use crate::runtime::Layout;
use crate::tui::{self, DeckOptions};
use crate::types::{Fault, FaultKind};

/// Opens the deck and returns when the operator leaves it.
pub async fn open(layout: &Layout, args: &DeckArgs) -> Result<u8, CliError> {
    if !env::has_terminal() {
        let fault = Fault::new(FaultKind::Invalid, "open the deck: there is no terminal here")
            .hint("use a command, such as `dagdeck dags list` or `dagdeck up`; see --help");
        return Err(fault.into());
    }
    let options = daemon::options(layout, None, None)?;
    daemon::require_project(layout)?;
    let _guard = logging::start(layout, "deck")?;
    let client = crate::daemon::spawn::ensure(layout.project(), &options.executable, &[]).await?;
    let options = DeckOptions {
        ascii: args.ascii || env::ascii_only(),
        no_colour: env::no_colour(),
        slow_line: env::slow_line(),
        read_only: args.read_only,
        project: layout.project().display().to_string(),
        ..DeckOptions::default()
    };
    tui::run(Arc::new(client), options).await?;
    Ok(0)
}
