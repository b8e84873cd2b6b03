//! The projects that a deck can be on: this folder, one of a profile, one behind SSH.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::cli::command::daemon;
use crate::cli::config::{Config, Profile, Target};
use crate::cli::env;
use crate::cli::error::CliError;
use crate::client::tunnel::{Keeper, SshTarget, Tunnels};
use crate::daemon::spawn;
use crate::runtime::Layout;
use crate::runtime::layout::file_name;
use crate::tui::{Banner, Connected, Connector, Daemon, Later, SessionFile, Site, session_problem};
use crate::types::{Fault, FaultKind};

/// The file of a session, in a folder of state.
const SESSION: &str = "deck-session.json";
/// A larger one was not written by a deck.
const SESSION_BYTES_MAX: u64 = 1 << 20;

/// Reaches projects; cheap to copy.
#[derive(Debug, Clone)]
pub struct Sites {
    profiles: Arc<Vec<Profile>>,
    tunnels: Tunnels,
    /// Lines that were laid, to be ended with the deck.
    keepers: Arc<Mutex<Vec<Keeper>>>,
    /// Begin where the last deck was left.
    restores: bool,
}

impl Sites {
    pub fn new(config: &Config, restores: bool) -> Self {
        let tunnels = Tunnels { program: "ssh".into(), runtime_dir: env::runtime_home() };
        Self {
            profiles: Arc::new(config.profiles.values().cloned().collect()),
            tunnels,
            keepers: Arc::default(),
            restores,
        }
    }

    /// Returns the names of the profiles.
    pub fn names(&self) -> Vec<String> {
        self.profiles.iter().map(|profile| profile.name.clone()).collect()
    }

    /// Finds a profile.
    pub fn profile(&self, name: &str) -> Result<&Profile, Fault> {
        self.profiles.iter().find(|profile| profile.name == name).ok_or_else(|| {
            let names = self.profiles.iter().map(|profile| profile.name.as_str());
            Fault::not_found(format!("there is no profile `{name}`"))
                .hint(crate::dag::suggest::hint(name, "profiles", names))
        })
    }

    /// Reaches the daemon of a project; `may_ask`: ssh may use the terminal.
    pub async fn reach(&self, target: &Target, may_ask: bool) -> Result<Connected, Fault> {
        match target {
            Target::Folder(folder) => self.reach_folder(folder).await,
            Target::Ssh(target) => self.reach_ssh(target, may_ask).await,
        }
    }

    async fn reach_folder(&self, folder: &Path) -> Result<Connected, Fault> {
        let folder = folder.canonicalize().map_err(|error| {
            Fault::not_found(format!("open the project folder `{}`", folder.display()))
                .caused_by(Some(&error))
        })?;
        let layout = Layout::new(&folder);
        daemon::require_project(&layout).map_err(|error| error.fault)?;
        let options = daemon::options(&layout, None, None).map_err(|error| error.fault)?;
        let client = spawn::ensure(layout.project(), &options.executable, &[]).await?;
        let site = Site {
            name: folder.display().to_string(),
            session: Some(self.session(layout.state_dir().join(SESSION))),
            folder: Some(folder),
            ..Site::default()
        };
        Ok(Connected { daemon: Arc::new(client), site })
    }

    async fn reach_ssh(&self, target: &SshTarget, may_ask: bool) -> Result<Connected, Fault> {
        let (daemon, keeper) = self.tunnels.open(target, may_ask).await?;
        self.keepers.lock().await.push(keeper);
        let folder = remote_state(target)?;
        let site = Site {
            name: target.name(),
            session: Some(self.session(folder.join(SESSION))),
            ..Site::default()
        };
        Ok(Connected { daemon: Arc::new(daemon) as Arc<dyn Daemon>, site })
    }

    /// Reaches the daemon of a profile.
    async fn reach_profile(&self, name: &str, may_ask: bool) -> Result<Connected, Fault> {
        let profile = self.profile(name)?.clone();
        let Connected { daemon, site } = self.reach(&profile.target, may_ask).await?;
        Ok(Connected { daemon, site: named(site, profile) })
    }

    /// Reads the last session; what cannot be read is left, with a line in the log.
    fn session(&self, path: PathBuf) -> SessionFile {
        let read = || -> Result<String, String> {
            let size = std::fs::metadata(&path).map_err(|error| error.to_string())?.len();
            if size > SESSION_BYTES_MAX {
                return Err("it is too large".to_owned());
            }
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            session_problem(&text).map_or(Ok(text), Err)
        };
        let text = match read() {
            Ok(text) => Some(text).filter(|_| self.restores),
            Err(problem) if path.exists() => {
                tracing::warn!(path = %path.display(), problem, "the last session is not used");
                None
            }
            Err(_) => None,
        };
        SessionFile { path, text }
    }

    /// Ends what was begun to reach projects.
    pub async fn close(self) {
        for keeper in self.keepers.lock().await.drain(..) {
            keeper.close().await;
        }
    }
}

impl Connector for Sites {
    fn connect(&self, profile: &str) -> Later<Connected> {
        let (sites, profile) = (self.clone(), profile.to_owned());
        // The deck has the terminal: ssh cannot ask anything there.
        Box::pin(async move { sites.reach_profile(&profile, false).await })
    }
}

/// Adds what a profile says of its project.
pub fn named(site: Site, profile: Profile) -> Site {
    let banner: Option<Banner> = profile.banner;
    Site { profile: Some(profile.name), banner, read_only: profile.read_only, ..site }
}

/// Makes the folder of what is kept here about a project elsewhere.
pub fn remote_state(target: &SshTarget) -> Result<PathBuf, Fault> {
    use std::os::unix::fs::DirBuilderExt as _;
    let home = env::state_home().ok_or_else(|| {
        Fault::new(FaultKind::Unavailable, "there is no home folder to keep the session in")
            .hint("set HOME, or XDG_STATE_HOME")
    })?;
    let folder = home.join("dagdeck").join(file_name(&target.name()));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| {
        CliError::io(&format!("make the folder `{}`", folder.display()), &error).fault
    })?;
    Ok(folder)
}
