//! The deck: state, message, update, effect, view. Knows only `client` and `types`.

use crate::client::Client;
use crate::types::Fault;

/// How to open the deck.
#[derive(Debug, Clone, Default)]
pub struct DeckOptions {
    /// Draw with ASCII only.
    pub ascii: bool,
    /// Draw without colours (`NO_COLOR`).
    pub no_colour: bool,
    /// The line is slow: draw at most ten times a second.
    pub slow_line: bool,
    /// Refuse what changes state.
    pub read_only: bool,
    /// Shown in the top line.
    pub project: String,
}

/// Opens the deck on the terminal and returns when the operator leaves. The terminal is restored
/// whatever happens.
pub async fn run(_client: Client, _options: DeckOptions) -> Result<(), Fault> {
    todo!("tui helper")
}
