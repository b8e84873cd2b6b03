//! What a list's filter asks for, a term after the other: `word`, `!word`, `key:value`, `~loose`.

use crate::fuzzy;

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    is_wanted: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Word(String),
    Loose(String),
    Field(String, String),
}

/// A filter that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    terms: Vec<Term>,
}

impl Filter {
    /// Reads what was typed. A term that is only its sign asks for nothing yet.
    pub(crate) fn new(typed: &str) -> Self {
        let terms = typed.to_lowercase();
        let terms = terms.split_whitespace().filter_map(|term| {
            let (is_wanted, term) = match term.strip_prefix('!') {
                Some(rest) => (false, rest),
                None => (true, term),
            };
            let what = match (term.strip_prefix('~'), term.split_once(':')) {
                (Some(loose), _) => What::Loose(loose.to_owned()),
                (None, Some((key, value))) if !key.is_empty() => {
                    What::Field(key.to_owned(), value.to_owned())
                }
                (None, _) => What::Word(term.to_owned()),
            };
            let is_empty = matches!(&what, What::Word(text) | What::Loose(text) if text.is_empty());
            (!is_empty).then_some(Term { is_wanted, what })
        });
        Self { terms: terms.collect() }
    }

    /// Says whether everything passes.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Says whether a row passes: every term must hold. `words` are what the row is found by,
    /// `field` tells the text of one of its columns by name.
    pub(crate) fn admits(&self, words: &str, field: &dyn Fn(&str) -> Option<String>) -> bool {
        let words = words.to_lowercase();
        self.terms.iter().all(|term| {
            let holds = match &term.what {
                What::Word(word) => words.contains(word),
                What::Loose(letters) => {
                    words.split_whitespace().any(|word| fuzzy::has(word, letters))
                }
                What::Field(key, value) => {
                    words.contains(&format!("{key}:{value}"))
                        || field(key).is_some_and(|text| text.to_lowercase().contains(value))
                }
            };
            holds == term.is_wanted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(filter: &str, words: &str) -> bool {
        let field = |key: &str| (key == "schedule").then(|| "@daily".to_owned());
        Filter::new(filter).admits(words, &field)
    }

    #[test]
    fn every_term_must_hold() {
        assert!(admits("ETL !paused", "etl_example tag:data"));
        assert!(!admits("ETL !paused", "etl_example paused"));
        assert!(!admits("etl", "mlops"));
        assert!(admits("tag:data schedule:dai", "etl_example tag:data"));
        assert!(!admits("!tag:data", "etl_example tag:data"));
        assert!(!admits("owner:ana", "etl_example"));
        assert!(admits("~ele", "etl_example tag:data"));
        assert!(!admits("!~ele", "etl_example tag:data"));
        assert!(!admits("~xq", "etl_example tag:data"));
    }

    #[test]
    fn a_sign_alone_asks_for_nothing_yet() {
        for typed in ["", "!", "~", "!~", "  "] {
            assert!(Filter::new(typed).is_empty(), "{typed}");
        }
        assert!(admits(":", "a:b"), "a colon is a word too");
    }
}
