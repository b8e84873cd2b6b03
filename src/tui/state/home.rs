//! The first screen beyond its list of DAGs: whether the selection stands in the box of what needs
//! attention, and where.

/// Where the selection stands in the box.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home {
    /// The keys go to the box, not to the list.
    pub(crate) is_in_box: bool,
    /// Kept by key, so that it stays on its thing when others come and go.
    pub(crate) selected: Option<String>,
    /// Where it was, for when its row is gone.
    pub(crate) index: usize,
}

impl Home {
    /// Returns the place of the selection among `keys`.
    pub(crate) fn cursor(&self, keys: &[String]) -> usize {
        let found = self.selected.as_ref().and_then(|key| keys.iter().position(|k| k == key));
        found.unwrap_or_else(|| self.index.min(keys.len().saturating_sub(1)))
    }
}
