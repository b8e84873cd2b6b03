//! A `select` taken apart as far as its list, so that the database itself can be asked what each
//! name in a computed column is. Nothing of the SQL is understood here but where its parts end.
//!
//! ```text
//! with a as (…) select id, pay * 12 as yearly from t where … group by …
//! ── with ─────        ── items ──────────── ─── from ───
//! ```
//! `with … select pay from t where …` is prepared, and the database says which column `pay` is.

/// Names of one statement that the database is asked about.
pub(super) const NAMES_MAX: usize = 200;

/// Words that end the rows that a list is about.
const ENDS: [&str; 8] = ["group", "having", "order", "limit", "window", "offset", "fetch", "for"];
/// Words between selects: which of them a column comes from is not looked into.
const SETS: [&str; 3] = ["union", "intersect", "except"];
/// Words that are no names, as far as they are common.
const WORDS: [&str; 24] = [
    "and", "or", "not", "null", "is", "in", "like", "between", "case", "when", "then", "else",
    "end", "as", "cast", "distinct", "true", "false", "over", "by", "filter", "where", "from",
    "select",
];

/// Its parts.
#[derive(Debug, PartialEq)]
pub(super) struct Select<'a> {
    with: &'a str,
    items: Vec<&'a str>,
    from: &'a str,
}

/// A piece of SQL: where it stands, how deep in brackets, and whether it is a name or a word.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
    depth: usize,
    is_name: bool,
}

impl Piece<'_> {
    fn is(&self, word: &str) -> bool {
        self.is_name && self.text.eq_ignore_ascii_case(word)
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

impl<'a> Select<'a> {
    /// Takes a statement apart; `None` where it is not one plain `select`.
    pub(super) fn of(sql: &'a str) -> Option<Self> {
        let pieces = pieces(sql);
        let top: Vec<Piece<'_>> = pieces.into_iter().filter(|piece| piece.depth == 0).collect();
        if top.iter().any(|piece| SETS.iter().any(|word| piece.is(word))) {
            return None;
        }
        let select = top.iter().position(|piece| piece.is("select"))?;
        let from = top.iter().position(|piece| piece.is("from")).filter(|from| *from > select)?;
        let mut begin = top[select].end();
        if let Some(next) = top.get(select + 1).filter(|p| p.is("distinct") || p.is("all")) {
            begin = next.end();
        }
        let mut items = Vec::new();
        for comma in top[select..from].iter().filter(|piece| piece.text == ",") {
            items.push(sql[begin..comma.start].trim());
            begin = comma.end();
        }
        items.push(sql[begin..top[from].start].trim());
        let ends = |piece: &&Piece<'_>| ENDS.iter().any(|word| piece.is(word));
        let end = top[from..].iter().find(ends).map_or(sql.len(), |piece| piece.start);
        let (with, from) = (&sql[..top[select].start], &sql[top[from].start..end]);
        Some(Self { with, items, from })
    }

    /// Returns the item that makes a column, where that is certain: a `*` stands for many.
    pub(super) fn item(&self, column: usize, columns: usize) -> Option<&'a str> {
        fn is_star(item: &&str) -> bool {
            item.ends_with('*')
        }
        let (first, last) =
            (self.items.iter().position(is_star), self.items.iter().rposition(is_star));
        let at = match (first, last) {
            (Some(first), _) if column < first => column,
            (_, Some(last)) => {
                let after = self.items.len().checked_sub(columns.checked_sub(column)?)?;
                (after > last).then_some(after)?
            }
            _ if self.items.len() == columns => column,
            _ => return None,
        };
        self.items.get(at).copied()
    }

    /// Returns what asks the database which column a name in the list is.
    pub(super) fn question(&self, name: &str) -> String {
        // The line breaks end comments.
        format!("{}\nselect {name}\n{}", self.with, self.from)
    }
}

/// Returns the names in an item, each once: `pay`, `t.pay`, `"my pay"`; functions and what it is
/// called are left out.
pub(super) fn names(item: &str) -> Vec<&str> {
    let pieces = pieces(item);
    let called = pieces.iter().rposition(|piece| piece.depth == 0 && piece.is("as"));
    let pieces = &pieces[..called.unwrap_or(pieces.len())];
    let mut found: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        if !pieces[at].is_name {
            at += 1;
            continue;
        }
        let begin = at;
        while pieces.get(at + 1).is_some_and(|piece| piece.text == ".")
            && pieces.get(at + 2).is_some_and(|piece| piece.is_name)
        {
            at += 2;
        }
        let name = &item[pieces[begin].start..pieces[at].end()];
        at += 1;
        let is_function = pieces.get(at).is_some_and(|piece| piece.text == "(");
        let is_word = WORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
        if !is_function && !is_word && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Cuts SQL into names, words and single signs; texts, numbers and comments are left out.
fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let bytes = sql.as_bytes();
    let mut pieces = Vec::new();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        let rest = &sql[at..];
        let (len, is_piece, is_name) = match byte {
            b'\'' => (quoted(rest, '\''), false, false),
            b'"' => (quoted(rest, '"'), true, true),
            b'`' => (quoted(rest, '`'), true, true),
            b'-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), false, false),
            b'/' if rest.starts_with("/*") => {
                (rest.find("*/").map_or(rest.len(), |end| end + 2), false, false)
            }
            b'0'..=b'9' => (word(rest), false, false),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => (word(rest), true, true),
            byte => (1, !byte.is_ascii_whitespace(), false),
        };
        if *byte == b')' {
            depth = depth.saturating_sub(1);
        }
        if is_piece {
            pieces.push(Piece { text: &rest[..len], start: at, depth, is_name });
        }
        if *byte == b'(' {
            depth += 1;
        }
        at += len;
    }
    pieces
}

/// Returns how long a quoted text is; the quote in it is doubled.
fn quoted(text: &str, quote: char) -> usize {
    let mut signs = text.char_indices().skip(1).peekable();
    while let Some((at, sign)) = signs.next() {
        if sign == quote {
            match signs.peek() {
                Some((_, next)) if *next == quote => drop(signs.next()),
                _ => return at + sign.len_utf8(),
            }
        }
    }
    text.len()
}

fn word(text: &str) -> usize {
    let is_of_it = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '$';
    let first = text.chars().next().map_or(1, char::len_utf8);
    text.find(|sign| !is_of_it(sign)).unwrap_or(text.len()).max(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_select_is_taken_apart() {
        let sql = "with a as (select x, y from t) select distinct id, coalesce(pay, 0) * 12 as \
                   yearly -- , not this\n from a where name = 'from, it''s' group by id";
        let found = Select::of(sql).unwrap();
        assert_eq!(found.with, "with a as (select x, y from t) ");
        assert_eq!(found.items[0], "id");
        assert!(found.items[1].starts_with("coalesce(pay, 0) * 12 as yearly"));
        assert_eq!(found.items.len(), 2, "{found:?}");
        assert_eq!(found.from, "from a where name = 'from, it''s' ");
        assert!(found.question("pay").ends_with("select pay\nfrom a where name = 'from, it''s' "));
        assert_eq!(Select::of("select 1"), None, "it comes from nothing");
        assert_eq!(Select::of("select a from t union select b from u"), None);
        assert_eq!(Select::of("values (1)"), None);
    }

    #[test]
    fn names_are_found_and_words_and_functions_are_not() {
        assert_eq!(names("salary * 12 as yearly_salary"), ["salary"]);
        assert_eq!(names("round(t.pay, 2)"), ["t.pay"]);
        assert_eq!(names("\"my pay\" || ' pay ' || `x` || 1e3"), ["\"my pay\"", "`x`"]);
        assert_eq!(names("case when a is null then b else a end as c"), ["a", "b"]);
        assert_eq!(names("cast(a as real) as b"), ["a", "real"], "the database knows no `real`");
        assert_eq!(names("count(*)"), [""; 0]);
    }

    #[test]
    fn a_star_leaves_certain_what_is_before_and_behind_it() {
        let select = |sql: &'static str| Select::of(sql).unwrap();
        let star = select("select *, a + 1 as b from t");
        assert_eq!(star.item(4, 5), Some("a + 1 as b"));
        assert_eq!(star.item(2, 5), None);
        let middle = select("select x, t.*, y from t");
        assert_eq!((middle.item(0, 9), middle.item(8, 9)), (Some("x"), Some("y")));
        assert_eq!(middle.item(4, 9), None);
        let plain = select("select a, b from t");
        assert_eq!((plain.item(1, 2), plain.item(1, 3)), (Some("b"), None));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(sql in "\\PC{0,80}") {
            if let Some(select) = Select::of(&sql) {
                for column in 0..4 {
                    select.item(column, 4).map(names);
                }
            }
            names(&sql);
        }

        #[test]
        fn no_sql_breaks_it(parts in prop::collection::vec(
            prop::sample::select(vec!["select", "from", "(", ")", ",", "'", "\"", "--", "/*", "*",
                "a", ".", "as", "\n", "group", "é", "with"]), 0..24)) {
            let sql = parts.join(" ");
            if let Some(select) = Select::of(&sql) {
                prop_assert!(!select.items.is_empty());
            }
            names(&sql);
        }
    }
}
