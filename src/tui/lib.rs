//! The deck: state, message, update, effect, view. Knows only `types`.
//!
//! ```text
//! keys ─────┐                                   ┌─► draw (one write a frame)
//! answers ──┼─► Message ─► update(&mut State) ──┤
//! events ───┤              (pure, no waiting)   └─► Effect ─► asks, timers, clipboard
//! timers ───┘                                                   └──► Message …
//! ```
//!
//! One task owns the state; nothing that it does waits for the daemon.

use std::sync::Arc;

use dagdeck_types as types;

use crate::types::Fault;

mod daemon;
mod editor;
mod effect;
mod export;
mod fuzzy;
mod hit;
mod keymap;
mod message;
mod pace;
mod painter;
mod plugin;
mod rows;
mod run;
mod screen;
mod state;
mod station;
mod terminal;
mod text;
mod theme;
mod update;
mod view;
mod widget;

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(any(test, feature = "bench"))]
#[cfg_attr(not(test), allow(dead_code, reason = "made for tests"))]
#[allow(clippy::unwrap_used, clippy::panic, reason = "made for tests")]
mod sample;
#[cfg(test)]
mod tests;

pub use daemon::{Connected, Connector, Daemon, Later};
pub use export::{GraphNode, graph as draw_graph, state_mark};
pub use plugin::{key_problem, place_names, variables as plugin_variables};
pub use state::session::problem as session_problem;
pub use station::{
    Banner, BannerColour, PLUGIN_VARIABLES, Plugin, PluginInput, PluginInputKind, SessionFile,
    Site, Station,
};
pub use terminal::Surroundings;
pub use theme::Colours;

/// How to open the deck.
#[derive(Debug, Clone, Default)]
pub struct DeckOptions {
    /// Draw with ASCII only.
    pub ascii: bool,
    /// How many colours the terminal has.
    pub colours: Colours,
    /// What stands between the deck and the operator's eyes.
    pub surroundings: Surroundings,
    /// Frames a second at most, where the line does not tell.
    pub fps: Option<u16>,
    /// The theme to begin with; without one the terminal's ground decides between dark and light.
    pub theme: Option<String>,
    /// A theme of the operator's own: the path and the text of its file.
    pub theme_file: Option<(String, String)>,
    /// The DAGs whose failures ring the bell; `*` stands for any part of a name.
    pub notify: Vec<String>,
    /// Refuse what changes state, whatever the site says.
    pub read_only: bool,
    /// Where the project is, and what is about it.
    pub station: Station,
    /// The operator's own keys: the file's name as it is shown, and its text.
    pub keymap: Option<(String, String)>,
}

/// Opens the deck on the terminal and returns when the operator leaves. The terminal is restored
/// whatever happens.
pub async fn run(daemon: Arc<dyn Daemon>, options: DeckOptions) -> Result<(), Fault> {
    run::run(daemon, options).await
}
