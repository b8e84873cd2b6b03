//! Opens the deck: on this folder's project, on that of a profile, or on one behind SSH.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::args::{Cli, DeckArgs};
use crate::cli::command::init;
use crate::cli::config::{self, Config, Settings, Target};
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::logging;
use crate::cli::output::Output;
use crate::cli::site::{Sites, named, remote_state};
use crate::runtime::Layout;
use crate::tui::{self, Connected, DeckOptions, Station};
use crate::types::{Fault, FaultKind};

/// Opens the deck and returns when the operator leaves it.
pub async fn open(cli: &Cli, output: &mut Output) -> Result<u8, CliError> {
    if !env::has_terminal() {
        let fault = Fault::new(FaultKind::Invalid, "open the deck: there is no terminal here")
            .hint("use a command, such as `dagdeck dags list` or `dagdeck watch`; see --help");
        return Err(fault.into());
    }
    let args = &cli.deck;
    let config = config::read(args.config.as_deref())?;
    let settings = Settings::resolve(args, &config.settings)?;
    let sites = Sites::new(&config, settings.restore.value);
    let profile = args.profile.as_deref().map(|name| sites.profile(name).cloned()).transpose()?;
    let target = match (&profile, &args.ssh) {
        (Some(profile), _) => profile.target.clone(),
        (None, Some(target)) => Target::Ssh(target.clone()),
        (None, None) => Target::Folder(cli.project.clone()),
    };
    if let Target::Folder(folder) = &target
        && profile.is_none()
        && !init::offer(folder, output)?
    {
        return Ok(2);
    }
    let _guard = logging::start(&home_of(&target)?, "deck")?;
    let mut connected = sites.reach(&target, true).await?;
    if let Some(profile) = profile {
        connected.site = named(connected.site, profile);
    }
    let result = show(connected, args, &config, settings, &sites).await;
    sites.close().await;
    result.map(|()| 0)
}

async fn show(
    Connected { daemon, site }: Connected,
    args: &DeckArgs,
    config: &Config,
    settings: Settings,
    sites: &Sites,
) -> Result<(), CliError> {
    let is_first = site.session.as_ref().is_some_and(|session| !session.path.exists());
    let options = DeckOptions {
        ascii: settings.ascii.value,
        no_colour: env::no_colour(),
        slow_line: env::slow_line(),
        read_only: settings.read_only.value,
        station: Station {
            profiles: sites.names(),
            connector: Some(Arc::new(sites.clone())),
            editor: settings.editor.value,
            pager: settings.pager.value,
            plugins: config.plugins.clone(),
            offers_tour: is_first && settings.tour.value && !args.fresh,
            site,
        },
        ..DeckOptions::default()
    };
    tui::run(daemon, options).await?;
    Ok(())
}

/// Returns whose log the deck writes: the project's, where it is here.
fn home_of(target: &Target) -> Result<Layout, CliError> {
    match target {
        Target::Folder(folder) => {
            let folder: PathBuf = super::project_dir(folder)?;
            let layout = Layout::new(folder);
            super::daemon::require_project(&layout)?;
            Ok(layout)
        }
        Target::Ssh(target) => Ok(Layout::new(remote_state(target)?)),
    }
}
