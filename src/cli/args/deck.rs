//! What the deck takes.

use std::path::PathBuf;

use clap::Args;

use crate::client::tunnel::SshTarget;

/// Options of the deck.
#[derive(Debug, Args)]
pub struct DeckArgs {
    /// Draw the deck with ASCII characters only
    #[arg(long)]
    pub ascii: bool,

    /// Open the deck without the keys that change anything
    #[arg(long)]
    pub read_only: bool,

    /// The theme: auto, dark, light, high-contrast, colour-blind, or the name of --theme-file
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,

    /// A theme of your own
    #[arg(long, value_name = "FILE")]
    pub theme_file: Option<PathBuf>,

    /// Keys of your own
    #[arg(long, value_name = "FILE")]
    pub keymap: Option<PathBuf>,

    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,

    /// Ring when this DAG fails; * stands for any part of a name; may be given several times
    #[arg(long, value_name = "DAG")]
    pub notify: Vec<String>,

    /// Begin at the list of DAGs, not where the last deck was left
    #[arg(long)]
    pub fresh: bool,

    /// Open the deck on the project of this profile of the configuration
    #[arg(long, value_name = "NAME", conflicts_with_all = ["project", "ssh"])]
    pub profile: Option<String>,

    /// Open the deck on a project of another machine, by the system's ssh
    #[arg(long, value_name = "[USER@]HOST:/PATH", conflicts_with = "project")]
    pub ssh: Option<SshTarget>,

    /// The configuration, in place of ~/.config/dagdeck/deck.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How many colours the deck draws with [default: what COLORTERM and TERM tell]
    #[arg(long, value_name = "HOW", value_parser = ["never", "16", "256", "always"])]
    pub color: Option<String>,

    /// Frames a second at most [default: 30, 10 over SSH]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=120))]
    pub fps: Option<u16>,

    /// Ask nothing of the terminal, such as its background
    #[arg(long)]
    pub no_probe: bool,

    /// Do not mark frames for the terminal to draw them at once
    #[arg(long)]
    pub no_sync: bool,
}
