//! What was chosen for each list: its order, its columns, its last filter. Kept whichever level
//! shows the list, and for the next deck.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The order of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sort {
    /// The name of the column.
    pub(crate) field: String,
    pub(crate) is_descending: bool,
}

impl Sort {
    /// Returns the arrow of its direction.
    pub(crate) const fn arrow(&self) -> &'static str {
        if self.is_descending { "↓" } else { "↑" }
    }
}

/// What was chosen for one list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListChoices {
    pub(crate) sort: Option<Sort>,
    /// Columns that are left out, or shown, against what they are by themselves.
    pub(crate) turned: BTreeSet<String>,
    pub(crate) last_filter: String,
}

/// What was chosen, by the name of the list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lists {
    choices: BTreeMap<String, ListChoices>,
}

/// What holds for a list for which nothing was chosen.
static NONE: ListChoices =
    ListChoices { sort: None, turned: BTreeSet::new(), last_filter: String::new() };

impl Lists {
    /// Returns what was chosen for a list.
    pub(crate) fn of(&self, name: &str) -> &ListChoices {
        self.choices.get(name).unwrap_or(&NONE)
    }

    /// Returns it to be changed.
    pub(crate) fn of_mut(&mut self, name: &str) -> &mut ListChoices {
        self.choices.entry(name.to_owned()).or_default()
    }

    /// Sorts a list by a column; by the same again the other way round, a third time as it comes.
    pub(crate) fn sort_by(&mut self, name: &str, field: &str, is_descending: bool) {
        let sort = &mut self.of_mut(name).sort;
        *sort = match sort.take() {
            Some(now) if now.field == field && now.is_descending == is_descending => {
                Some(Sort { is_descending: !is_descending, ..now })
            }
            Some(now) if now.field == field => None,
            _ => Some(Sort { field: field.to_owned(), is_descending }),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_column_again_reverses_and_then_gives_it_up() {
        let mut lists = Lists::default();
        let arrow = |lists: &Lists| lists.of("dags").sort.as_ref().map(Sort::arrow);
        lists.sort_by("dags", "last", true);
        assert_eq!(arrow(&lists), Some("↓"));
        lists.sort_by("dags", "last", true);
        assert_eq!(arrow(&lists), Some("↑"));
        lists.sort_by("dags", "last", true);
        assert_eq!(arrow(&lists), None);
        lists.sort_by("dags", "last", true);
        lists.sort_by("dags", "name", false);
        assert_eq!(arrow(&lists), Some("↑"));
        assert_eq!(lists.of("runs").sort, None);
    }
}
