//! Opens the deck: on this folder's project, on that of a profile, or on one behind SSH.

use std::path::{Path, PathBuf};
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
use crate::tui::{self, Colours, Connected, DeckOptions, Station, Surroundings};
use crate::types::{DagId, DagRunId, Fault, FaultKind};

/// Where to begin, in place of where the last deck was left: a run, or the runs of a DAG.
pub type Begin = Option<(DagId, Option<DagRunId>)>;

/// Opens the deck and returns when the operator leaves it.
pub async fn open(cli: &Cli, begin: Begin, output: &mut Output) -> Result<u8, CliError> {
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
    let result = show(connected, args, (&config, settings, begin), &sites).await;
    sites.close().await;
    result.map(|()| 0)
}

async fn show(
    Connected { daemon, site }: Connected,
    args: &DeckArgs,
    (config, settings, begins_at): (&Config, Settings, Begin),
    sites: &Sites,
) -> Result<(), CliError> {
    let is_first = site.session.as_ref().is_some_and(|session| !session.path.exists());
    let found = env::surroundings();
    let surroundings = Surroundings {
        may_probe: found.may_probe && !args.no_probe,
        has_sync: found.has_sync && !args.no_sync,
        ..found
    };
    let options = DeckOptions {
        ascii: settings.ascii.value,
        colours: env::colours(args.color.as_deref().and_then(Colours::from_name)),
        surroundings,
        fps: settings.fps.value,
        theme: Some(settings.theme.value).filter(|name| name != "auto"),
        theme_file: settings.theme_file.value.as_deref().map(text_of).transpose()?,
        keymap: settings.keymap.value.as_deref().map(text_of).transpose()?,
        notify: settings.notify.value,
        read_only: settings.read_only.value,
        station: Station {
            profiles: sites.names(),
            connector: Some(Arc::new(sites.clone())),
            editor: settings.editor.value,
            pager: settings.pager.value,
            plugins: config.plugins.clone(),
            begins_at,
            leaves_mouse: !settings.mouse.value,
            offers_tour: is_first && settings.tour.value && !args.fresh,
            site,
        },
    };
    tui::run(daemon, options).await?;
    Ok(())
}

/// Reads a file that the settings name: its path as it is shown, and its text.
fn text_of(path: &Path) -> Result<(String, String), Fault> {
    let shown = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((shown, text)),
        Err(error) => Err(Fault::invalid(format!("read `{shown}`"))
            .caused_by(Some(&error))
            .hint("`dagdeck config` shows which setting names it")),
    }
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
