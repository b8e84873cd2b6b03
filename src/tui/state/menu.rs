//! A menu over the screen: entries with a letter each, such as the columns to sort by.

use crate::keymap::Action;

/// What is chosen from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Sorts the list by a column.
    Sort { list: &'static str, field: String, is_descending: bool },
    /// Takes the list as it comes.
    Unsorted { list: &'static str },
    /// Shows a column of the list, or leaves it out; the menu stays.
    Column { list: &'static str, field: String },
    /// Puts text into the clipboard.
    Copy(String),
    /// Does what a key does.
    Do(Action),
    /// Leaves everything as it is.
    Nothing,
}

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The letter that chooses it.
    pub(crate) key: char,
    pub(crate) label: String,
    pub(crate) note: String,
    /// Whether it holds now, of what can be turned on and off.
    pub(crate) is_on: Option<bool>,
    pub(crate) choice: Choice,
}

/// A menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Menu {
    pub(crate) title: String,
    pub(crate) items: Vec<Item>,
    pub(crate) selected: usize,
}

impl Menu {
    /// A menu with nothing in it yet.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), items: Vec::new(), selected: 0 }
    }

    /// Adds an entry under a letter of its label that is still free.
    pub(crate) fn add(
        &mut self,
        label: impl Into<String>,
        note: impl Into<String>,
        is_on: Option<bool>,
        choice: Choice,
    ) {
        let label = label.into();
        let key = self.free_letter(&label);
        self.items.push(Item { key, label, note: note.into(), is_on, choice });
    }

    /// The letters that move in a menu choose nothing.
    fn free_letter(&self, label: &str) -> char {
        let is_free = |c: &char| {
            c.is_ascii_alphanumeric()
                && !matches!(c, 'j' | 'k' | 'q' | 'g' | 'G')
                && !self.items.iter().any(|item| item.key == *c)
        };
        let small = label.chars().map(|c| c.to_ascii_lowercase());
        let large = label.chars().map(|c| c.to_ascii_uppercase());
        small.chain(large).chain('0'..='9').chain('a'..='z').find(is_free).unwrap_or(' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_letter_of_its_own() {
        let mut menu = Menu::new("Sort");
        for label in ["name", "next", "n", "nn", "", "known"] {
            menu.add(label, "", None, Choice::Copy(String::new()));
        }
        let keys: String = menu.items.iter().map(|item| item.key).collect();
        assert_eq!(keys, "neN01o");
    }
}
