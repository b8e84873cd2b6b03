//! What lies over the form for a while: a list to pick from, or an editor of JSON.

use ratatui_textarea::TextArea;
use serde_json::{Map, Value};
use tui_input::Input;

use crate::fuzzy::Sought;

/// What an entry of the list puts in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pick {
    /// Into the field that the list is for.
    Value(Value),
    /// Into all fields: the conf of a run; what it does not name gets its default.
    Conf(Map<String, Value>),
}

/// A list to pick from.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) title: String,
    /// Which field it is for; none: the whole form.
    pub(crate) field: Option<usize>,
    pub(crate) input: Input,
    pub(crate) selected: usize,
    pub(crate) entries: Vec<(String, Pick)>,
}

impl List {
    /// Starts with nothing typed.
    pub(crate) fn new(title: String, field: Option<usize>, entries: Vec<(String, Pick)>) -> Self {
        Self { title, field, input: Input::default(), selected: 0, entries }
    }

    /// Returns what fits the typed letters, best first.
    pub(crate) fn fitting(&self) -> Vec<&(String, Pick)> {
        let typed = self.input.value();
        let mut sought = Sought::new(typed);
        let mut fitting: Vec<(i32, &(String, Pick))> = self
            .entries
            .iter()
            .filter_map(|entry| Some((sought.score(&entry.0)?, entry)))
            .collect();
        fitting.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        fitting.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Returns the selected entry.
    pub(crate) fn picked(&self) -> Option<&(String, Pick)> {
        let fitting = self.fitting();
        fitting.get(self.selected.min(fitting.len().saturating_sub(1))).copied()
    }
}

/// An editor of JSON: of one field, or of the whole conf.
#[derive(Debug, Clone)]
pub(crate) struct Editor {
    /// Which field it is for; none: the whole conf.
    pub(crate) field: Option<usize>,
    pub(crate) area: TextArea<'static>,
    /// Why what is typed cannot be taken.
    pub(crate) problem: Option<String>,
}

impl Editor {
    /// Starts with a value, laid out over lines.
    pub(crate) fn new(field: Option<usize>, value: &Value) -> Self {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        let mut area = TextArea::from(shown(&text).lines());
        area.set_tab_length(2);
        Self { field, area, problem: None }
    }

    /// Reads what is typed.
    pub(crate) fn read(&self) -> Result<Value, String> {
        serde_json::from_str(&self.area.lines().join("\n")).map_err(|error| error.to_string())
    }
}

/// Writes what cannot be shown as it is by its number: in JSON that is the same text.
fn shown(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let text = c.to_string();
        if c == '\n' || crate::text::clean(&text) == text {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_turn_the_line_round_is_shown_by_its_number_and_read_back() {
        let value = json!({"name": "a\u{202e}b", "n": 1});
        let editor = Editor::new(None, &value);
        assert!(editor.area.lines().iter().all(|line| !line.contains('\u{202e}')));
        assert_eq!(editor.read(), Ok(value));
    }

    #[test]
    fn the_list_narrows_to_what_fits() {
        let entry = |name: &str| (name.to_owned(), Pick::Value(json!(name)));
        let mut list =
            List::new("x".into(), Some(0), ["iris", "titanic", "housing"].map(entry).into());
        list.input = Input::new("tit".to_owned());
        assert_eq!(list.picked().unwrap().0, "titanic");
        list.input = Input::new("zzz".to_owned());
        assert!(list.picked().is_none());
    }
}
