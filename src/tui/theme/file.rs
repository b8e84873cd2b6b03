//! A theme of the operator's own: a TOML file that changes parts and states of a built-in theme.
//!
//! ```toml
//! base = "dark"
//!
//! [parts]
//! cursor = { fg = "black", bg = "bright-yellow" }
//!
//! [states]
//! failed = { fg = "#d55e00", modifiers = ["bold", "underlined"] }
//! ```

use std::fmt;

use ratatui::style::Modifier;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::theme::Colours;
use crate::theme::built_in::{self, Looks, NAMES};
use crate::theme::look::{self, Look, MODIFIERS};
use crate::theme::part::{COUNT, Part, Table};

/// What is wrong in a theme's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) what: String,
    /// What to write instead.
    pub(crate) remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// Reads a theme's file; tells everything that is wrong with it.
pub(crate) fn read(text: &str, colours: Colours) -> Result<Looks, Vec<Problem>> {
    let mut reader = Reader { text, problems: Vec::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        reader.tell(at, "", error.message().to_owned(), "write it as TOML".to_owned());
    }
    let looks = reader.theme(root.get_ref(), colours);
    if reader.problems.is_empty() { Ok(looks) } else { Err(reader.problems) }
}

struct Reader<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn tell(&mut self, at: usize, key: &str, what: String, remedy: String) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.problems.push(Problem { line, key: key.to_owned(), what, remedy });
    }

    fn theme(&mut self, root: &DeTable<'_>, colours: Colours) -> Looks {
        let mut base = NAMES[0];
        if let Some(value) = root.get("base") {
            let name = value.get_ref().as_str().unwrap_or_default();
            match NAMES.iter().find(|known| **known == name) {
                Some(known) => base = known,
                None => self.tell(
                    value.span().start,
                    "base",
                    format!("no built-in theme is `{name}`"),
                    one_of(name, &NAMES),
                ),
            }
        }
        let mut looks = built_in::looks(base, colours).unwrap_or([Look::default(); COUNT]);
        for (key, value) in root {
            match key.get_ref().as_ref() {
                "base" => {}
                "parts" => self.table(Table::Parts, value, &mut looks),
                "states" => self.table(Table::States, value, &mut looks),
                other => {
                    let known = ["base", "parts", "states"];
                    let remedy = one_of(other, &known);
                    self.tell(key.span().start, other, "no such key".to_owned(), remedy);
                }
            }
        }
        looks
    }

    fn table(&mut self, table: Table, value: &Spanned<DeValue<'_>>, looks: &mut Looks) {
        let Some(entries) = value.get_ref().as_table() else {
            let what = "this is no table".to_owned();
            let remedy = format!("begin a line with [{}]", table.name());
            self.tell(value.span().start, table.name(), what, remedy);
            return;
        };
        for (key, value) in entries {
            let name = key.get_ref().as_ref();
            let path = format!("{}.{name}", table.name());
            let Some(part) = Part::ALL.iter().find(|part| part.name() == (table, name)) else {
                let elsewhere = Part::ALL.iter().find(|part| part.name().1 == name);
                let remedy = match elsewhere {
                    Some(part) => format!("it belongs into [{}]", part.name().0.name()),
                    None => {
                        let all = Part::ALL.iter().filter(|part| part.name().0 == table);
                        one_of(name, &all.map(|part| part.name().1).collect::<Vec<_>>())
                    }
                };
                self.tell(key.span().start, &path, "no such name".to_owned(), remedy);
                continue;
            };
            if let Some(look) = looks.get_mut(*part as usize) {
                self.look(&path, value, look);
            }
        }
    }

    fn look(&mut self, path: &str, value: &Spanned<DeValue<'_>>, look: &mut Look) {
        let Some(entries) = value.get_ref().as_table() else {
            let remedy = "write it as { fg = \"red\", modifiers = [\"bold\"] }".to_owned();
            self.tell(value.span().start, path, "this is no table".to_owned(), remedy);
            return;
        };
        for (key, value) in entries {
            let path = format!("{path}.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "fg" => look.fg = self.colour(&path, value).unwrap_or(look.fg),
                "bg" => look.bg = self.colour(&path, value).unwrap_or(look.bg),
                "modifiers" => look.modifiers = self.modifiers(&path, value),
                other => {
                    let remedy = one_of(other, &["fg", "bg", "modifiers"]);
                    self.tell(key.span().start, &path, "no such key".to_owned(), remedy);
                }
            }
        }
    }

    fn colour(
        &mut self,
        path: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<ratatui::style::Color> {
        let written = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            _ => String::new(),
        };
        let colour = look::colour(&written);
        if colour.is_none() {
            self.tell(
                value.span().start,
                path,
                format!("no colour is `{written}`"),
                "a colour is a name such as `bright-red`, a number below 256, `#rrggbb` or `default`"
                    .to_owned(),
            );
        }
        colour
    }

    fn modifiers(&mut self, path: &str, value: &Spanned<DeValue<'_>>) -> Modifier {
        let mut modifiers = Modifier::empty();
        let names = MODIFIERS.map(|(name, _)| name);
        let Some(items) = value.get_ref().as_array() else {
            let remedy = "write it as [\"bold\"]".to_owned();
            self.tell(value.span().start, path, "this is no list".to_owned(), remedy);
            return modifiers;
        };
        for item in items.iter() {
            let name = item.get_ref().as_str().unwrap_or_default();
            match MODIFIERS.iter().find(|(known, _)| *known == name) {
                Some((_, modifier)) => modifiers |= *modifier,
                None => {
                    let what = format!("no modifier is `{name}`");
                    self.tell(item.span().start, path, what, one_of(name, &names));
                }
            }
        }
        modifiers
    }
}

/// Names the one that was probably meant, or all there are.
fn one_of(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .filter(|(distance, _)| *distance <= (name.chars().count() / 3).max(1))
        .min();
    match near {
        Some((_, meant)) => format!("did you mean `{meant}`?"),
        None => format!("one of `{}`", known.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn a_file_changes_what_it_names_and_leaves_the_rest_as_the_base_has_it() {
        let text = r##"
base = "high-contrast"
[parts]
cursor = { bg = 208, fg = "default" }
[states]
failed.fg = "#d55e00"
failed.modifiers = ["underlined", "bold"]
"##;
        let looks = read(text, Colours::True).unwrap();
        let base = built_in::looks("high-contrast", Colours::True).unwrap();
        let failed = looks[Part::Failed as usize];
        assert_eq!(failed.fg, Color::Rgb(0xd5, 0x5e, 0));
        assert_eq!(failed.bg, base[Part::Failed as usize].bg);
        assert_eq!(failed.modifiers, Modifier::UNDERLINED | Modifier::BOLD);
        assert_eq!(looks[Part::Cursor as usize].bg, Color::Indexed(208));
        assert_eq!(looks[Part::Cursor as usize].fg, Color::Reset);
        assert_eq!(looks[Part::Good as usize], base[Part::Good as usize]);
    }

    #[test]
    fn every_part_and_state_can_be_named() {
        for part in Part::ALL {
            let (table, name) = part.name();
            let text = format!("[{}]\n{name} = {{ fg = \"#010203\" }}\n", table.name());
            let looks = read(&text, Colours::True).unwrap();
            assert_eq!(looks[*part as usize].fg, Color::Rgb(1, 2, 3), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key_its_line_and_a_remedy() {
        let text = r#"base = "drak"
colour = 1
[parts]
bda = { fg = "red" }
failed = { fg = "red" }
good = { fg = "redd", modifiers = ["blod"], size = 2 }
warn = "yellow"
[states]
success = { modifiers = "bold" }
"#;
        let problems = read(text, Colours::True).unwrap_err();
        let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
        insta::assert_snapshot!(told.join("\n"));
        let broken = read("[parts\n", Colours::True).unwrap_err();
        assert_eq!(broken[0].line, 1);
    }
}
