//! What surrounds the deck: where its project is, how the operator's own programs are called,
//! other projects to go to, plugins, the last session.

use std::path::PathBuf;
use std::sync::Arc;

use crate::daemon::Connector;
use crate::types::{DagId, DagRunId};

/// What surrounds the deck; the CLI finds it out.
#[derive(Debug, Clone, Default)]
pub struct Station {
    /// Where the deck is, which changes when the operator goes to another project.
    pub site: Site,
    /// The profiles that can be gone to, in the order of the file.
    pub profiles: Vec<String>,
    /// Goes there; `None` where the deck cannot.
    pub connector: Option<Arc<dyn Connector>>,
    /// The editor and its arguments; empty where there is none.
    pub editor: Vec<String>,
    /// The pager and its arguments; empty where there is none.
    pub pager: Vec<String>,
    /// The operator's own commands.
    pub plugins: Vec<Plugin>,
    /// Begin at this run, or at the runs of this DAG, in place of where the last deck was left.
    pub begins_at: Option<(DagId, Option<DagRunId>)>,
    /// Leave the mouse to the terminal, until the operator says otherwise.
    pub leaves_mouse: bool,
    /// Offer the tour: the deck was never opened here before.
    pub offers_tour: bool,
}

/// A project, here or elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The project's folder, where it is on this machine.
    pub folder: Option<PathBuf>,
    /// The profile's name, where the project was named by one.
    pub profile: Option<String>,
    /// Stands first in the top line, so that nobody mistakes where they are.
    pub banner: Option<Banner>,
    /// Refuse what changes state.
    pub read_only: bool,
    /// Shown until the daemon says its name.
    pub name: String,
    /// Where the session is kept; `None` where it is not.
    pub session: Option<SessionFile>,
}

/// A word in a band of colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    pub text: String,
    pub colour: BannerColour,
}

/// The colours of a band; the word tells as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BannerColour {
    #[default]
    Red,
    Yellow,
    Green,
    Blue,
    Magenta,
    Cyan,
}

impl BannerColour {
    /// Every colour with its name.
    pub const ALL: [(&str, Self); 6] = [
        ("red", Self::Red),
        ("yellow", Self::Yellow),
        ("green", Self::Green),
        ("blue", Self::Blue),
        ("magenta", Self::Magenta),
        ("cyan", Self::Cyan),
    ];
}

/// The file of a session, and what the last deck left in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFile {
    pub path: PathBuf,
    /// `None`: there was none, or it is not to be used.
    pub text: Option<String>,
}

/// A command of the operator's own, with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    pub name: String,
    /// As the keymap writes keys.
    pub key: String,
    /// Where it is valid, by the names of [`crate::place_names`]; empty means everywhere.
    pub places: Vec<String>,
    /// The line in the help and the word in the hint row.
    pub description: String,
    /// The program and its arguments, with `$DAG` and the like in them; never a shell's line.
    pub command: Vec<String>,
    /// Run it beside the deck and tell how it ended, in place of giving it the terminal.
    pub background: bool,
    /// Ask before.
    pub confirm: bool,
    /// Ask for a name typed before; not there in a read-only deck.
    pub dangerous: bool,
    /// Asked for before, each a `$NAME` of its own.
    pub inputs: Vec<PluginInput>,
}

/// Something that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInput {
    pub name: String,
    pub kind: PluginInputKind,
    pub default: Option<String>,
    pub description: String,
}

/// What may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginInputKind {
    Text,
    Number,
    /// One of these.
    Choice(Vec<String>),
}

/// The `$NAMES` that the selection gives to plugins.
pub const PLUGIN_VARIABLES: [&str; 9] =
    ["PROJECT", "PROFILE", "DAG", "RUN", "TASK", "TRY", "ASSET", "MODEL", "VERSION"];
