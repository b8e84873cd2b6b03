//! Opens the deck, starting the project's daemon where none runs.

use std::sync::Arc;

use crate::cli::args::DeckArgs;
use crate::cli::command::daemon;
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::logging;
use crate::runtime::Layout;
use crate::tui::{self, Colours, DeckOptions, Surroundings};
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
    let found = env::surroundings();
    let surroundings = Surroundings {
        may_probe: found.may_probe && !args.no_probe,
        has_sync: found.has_sync && !args.no_sync,
        ..found
    };
    let options = DeckOptions {
        ascii: args.ascii || surroundings.ascii,
        colours: env::colours(args.color.as_deref().and_then(Colours::from_name)),
        surroundings,
        fps: args.fps,
        read_only: args.read_only,
        project: layout.project().display().to_string(),
        ..DeckOptions::default()
    };
    tui::run(Arc::new(client), options).await?;
    Ok(0)
}
