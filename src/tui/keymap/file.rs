//! The operator's own keys, from a TOML file:
//!
//! ```toml
//! [keys.everywhere]
//! down = ["j", "ctrl-n"]
//!
//! [keys.log]
//! follow = "F"
//! top = ["g t"]         # a chord
//! wrap = "none"         # no key at all
//! ```
//!
//! Places and actions are named as `:keys` lists them. A place's own keys go before those of
//! everywhere.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fuzzy;
use crate::keymap::{Action, BINDINGS, Place, stroke};

/// The name of the table for every place.
const EVERYWHERE: &str = "everywhere";

/// Keys for an action, instead of those that the deck comes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    /// `None` means everywhere.
    pub(crate) place: Option<Place>,
    pub(crate) action: Action,
    /// None of them takes the action's keys away.
    pub(crate) keys: Vec<String>,
    pub(crate) line: usize,
}

/// What is wrong in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) what: String,
    /// What to write instead.
    pub(crate) remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.line, self.what, self.remedy)
    }
}

/// Reads the file: what can be used of it, and everything that is wrong with the rest.
pub(crate) fn read(text: &str) -> (Vec<Own>, Vec<Problem>) {
    let mut reader = Reader { text, own: Vec::new(), problems: Vec::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        reader.tell(at, error.message(), "write it as TOML");
    }
    for (key, value) in root.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref().as_table()) {
            ("keys", Some(places)) => reader.places(places),
            ("keys", None) => reader.tell(key.span().start, "`keys` is no table", TABLES),
            (other, _) => {
                reader.tell(key.span().start, &format!("`{other}` is no table of keys"), TABLES);
            }
        }
    }
    reader.problems.sort_by_key(|problem| problem.line);
    (reader.own, reader.problems)
}

const TABLES: &str = "write [keys.everywhere], or a place: [keys.log]";

struct Reader<'a> {
    text: &'a str,
    own: Vec<Own>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }

    fn tell(&mut self, at: usize, what: &str, remedy: &str) {
        let line = self.line(at);
        self.problems.push(Problem { line, what: what.to_owned(), remedy: remedy.to_owned() });
    }

    fn places(&mut self, places: &DeTable<'_>) {
        for (key, value) in places {
            let at = key.span().start;
            let name = key.get_ref().replace('_', "-");
            let place = Place::ALL.iter().find(|place| place.name() == name).copied();
            if place.is_none() && name != EVERYWHERE {
                let mut known: Vec<String> = Place::ALL.iter().map(|place| place.name()).collect();
                known.push(EVERYWHERE.to_owned());
                self.tell(at, &format!("there is no place `{name}`"), &near(&name, &known));
                continue;
            }
            match value.get_ref().as_table() {
                Some(actions) => actions.iter().for_each(|(key, value)| {
                    self.action(place, key, value);
                }),
                None => self.tell(at, &format!("`keys.{name}` is no table"), TABLES),
            }
        }
    }

    fn action(
        &mut self,
        place: Option<Place>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let at = key.span().start;
        let name = key.get_ref().replace('_', "-");
        let mut bindings = BINDINGS.iter().filter(|binding| binding.action.name() == name);
        let Some(first) = bindings.next() else {
            let known: Vec<String> = BINDINGS.iter().map(|binding| binding.action.name()).collect();
            self.tell(at, &format!("there is no action `{name}`"), &near(&name, &known));
            return;
        };
        let all: Vec<_> = std::iter::once(first).chain(bindings).collect();
        if let Some(place) = place
            && !all.iter().any(|one| one.places.is_empty() || one.places.contains(&place))
        {
            let mut places: Vec<String> =
                all.iter().flat_map(|one| one.places).map(|place| place.name()).collect();
            places.dedup();
            let what = format!("`{name}` does nothing in {}", place.name());
            self.tell(at, &what, &format!("it is for {}", places.join(", ")));
            return;
        }
        if let Some(keys) = self.keys(value) {
            let line = self.line(at);
            self.own.push(Own { place, action: first.action, keys, line });
        }
    }

    fn keys(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        const LIST: &str = "write \"k\", [\"k\", \"g k\"] or \"none\"";
        let written: Vec<(usize, &str)> = match value.get_ref() {
            DeValue::String(one) if one == "none" => return Some(Vec::new()),
            DeValue::String(one) => vec![(value.span().start, one)],
            DeValue::Array(all) => {
                let texts = all.iter().map(|one| Some((one.span().start, one.get_ref().as_str()?)));
                match texts.collect::<Option<Vec<_>>>() {
                    Some(texts) => texts,
                    None => {
                        self.tell(value.span().start, "this is no list of keys", LIST);
                        return None;
                    }
                }
            }
            _ => {
                self.tell(value.span().start, "this is no key", LIST);
                return None;
            }
        };
        let mut keys = Vec::new();
        for (at, text) in written {
            match stroke::read(text) {
                Ok(key) => keys.push(key),
                Err(what) => {
                    let remedy = "keys are `k`, `K`, `ctrl-k`, `alt-k`, `space`, `pageup`, `f5`";
                    self.tell(at, &what, remedy);
                    return None;
                }
            }
        }
        Some(keys)
    }
}

fn near(name: &str, known: &[String]) -> String {
    let nearest = known.iter().min_by_key(|other| fuzzy::distance(name, other));
    match nearest.filter(|other| fuzzy::distance(name, other) <= 3) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "`:keys` lists them".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_for_a_place_and_for_everywhere() {
        let (own, problems) = read(
            "[keys.everywhere]\ndown = [\"j\", \"ctrl-n\"]\nhalf_up = \"none\"\n\n\
             [keys.log]\nfollow = \"F\"\n",
        );
        assert_eq!(problems, []);
        assert_eq!(own.len(), 3);
        assert_eq!((own[0].place, own[0].action, own[0].line), (None, Action::Down, 2));
        assert_eq!(own[0].keys, ["j", "ctrl-n"]);
        assert!(own[1].keys.is_empty());
        assert_eq!(
            (own[2].place, own[2].action, own[2].line),
            (Some(Place::Log), Action::Follow, 6)
        );
    }

    #[test]
    fn everything_wrong_is_told_with_its_line_and_a_remedy() {
        let (own, problems) = read(
            "theme = 1\n[keys.lug]\nfollow = \"F\"\n[keys.log]\nfolow = \"F\"\npause = \"P\"\n\
             wrap = \"hyper-w\"\ntimes = 7\nsearch = [1]\n",
        );
        assert_eq!(own, []);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn broken_toml_is_told_and_what_stands_before_it_is_taken() {
        let (_, problems) = read("[keys.log\nfollow = ");
        assert!(!problems.is_empty());
        assert_eq!(problems[0].line, 1);
    }
}
