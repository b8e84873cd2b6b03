//! Where the operator stands in the panes of assets, and how much of the lineage is drawn.

/// Hops that are drawn to either side before anybody asks for more.
const HOPS: u32 = 2;
/// More would be the whole graph; the impact list has it.
const HOPS_MAX: u32 = 9;

/// A pane of the assets view, or of the page of one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum AssetPane {
    #[default]
    Tree,
    Lineage,
    Details,
}

/// The panes of assets on one level.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    pub(crate) pane: AssetPane,
    /// The node in the middle, where that is not the selected asset.
    pub(crate) focus: Option<String>,
    /// The selected node, where that is not the focus.
    pub(crate) cursor: Option<String>,
    pub(crate) hops: u32,
    /// The selected event among those of the asset.
    pub(crate) event: usize,
}

impl Default for Lineage {
    fn default() -> Self {
        Self { pane: AssetPane::Tree, focus: None, cursor: None, hops: HOPS, event: 0 }
    }
}

impl Lineage {
    /// Draws one hop more or less.
    pub(crate) fn reach(&mut self, more: bool) {
        self.hops = if more { self.hops + 1 } else { self.hops - 1 }.clamp(1, HOPS_MAX);
    }

    /// Forgets where it was looked at: another asset is selected.
    pub(crate) fn settle(&mut self) {
        self.focus = None;
        self.cursor = None;
        self.event = 0;
    }
}
