//! Where the operator stands in the panes of models.

/// A pane of the models view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ModelPane {
    #[default]
    Registry,
    Version,
    History,
}

impl ModelPane {
    /// Every pane, in the order of tab.
    pub(crate) const ALL: [Self; 3] = [Self::Registry, Self::Version, Self::History];
}

/// The panes of models on one level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Models {
    pub(crate) pane: ModelPane,
    /// A comparison shows also what is the same in both.
    pub(crate) shows_same: bool,
}
