//! Reads `dags.toml` again when it changes; a broken edit leaves the last good version in force.

use std::sync::Arc;

use tokio::sync::watch;

use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::types::view::DefinitionsView;

/// Resolves `${env:NAME}`.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Watches the project's definitions until it is dropped.
#[derive(Debug)]
pub struct Project {
    /// What is wrong with the files as they are now.
    pub definitions: watch::Receiver<DefinitionsView>,
}

/// Starts to watch. `first` is what was found when the daemon loaded the definitions.
pub fn start(
    _layout: Layout,
    _lookup: Lookup,
    _first: DefinitionsView,
    _handle: Handle,
    _publisher: Publisher,
) -> Project {
    todo!("engine helper")
}
