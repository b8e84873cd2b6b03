//! Splits a command line into words, as a shell would, without being one: nothing is expanded.

/// Returns the words; `None` where a quote is left open.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', Some('"') | None) => word.get_or_insert_default().push(letters.next()?),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together_and_nothing_is_expanded() {
        let words = split(r#"emacsclient -a '' "a b"c \$HOME 'it is' "#).unwrap();
        assert_eq!(words, ["emacsclient", "-a", "", "a bc", "$HOME", "it is"]);
        assert_eq!(split("  "), Some(Vec::new()));
        assert_eq!(split("vi 'x"), None);
    }
}
