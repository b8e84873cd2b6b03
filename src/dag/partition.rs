//! Parts of an asset that its URI names: of `lake:readings/{date}.csv` the object
//! `lake:readings/2026-03-10.csv` is the partition `2026-03-10`.
//!
//! A name stands for one or more characters of one part of the path, `*` for any, `**` for any
//! parts. `{year}`, `{month}`, `{day}` and `{hour}` next to each other make one date of the key
//! (`2026-03-10T09`); other names stand beside each other with `|` between them, as the composite
//! keys of Airflow's mappers.

/// A key is no longer than this, as Airflow's.
pub const KEY_LEN_MAX: usize = 250;

/// URIs come from outside, too: longer ones are looked at by nobody.
const URI_LEN_MAX: usize = 4096;

/// The names that make one date, with what stands before each but the first.
const TIMES: [(&str, &str); 4] = [("year", ""), ("month", "-"), ("day", "-"), ("hour", "T")];

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `*`
    Any,
    /// `**`
    AnyParts,
    Name(&'a str),
}

/// Returns the names in a pattern, or what is wrong with one.
pub fn names(pattern: &str) -> Result<Vec<&str>, String> {
    let mut names: Vec<&str> = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a `{` is not closed".to_owned());
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("`{{{name}}}` is no name: letters, digits and `_` are allowed"));
        }
        if names.contains(&name) {
            return Err(format!("`{{{name}}}` stands there twice"));
        }
        if before.contains('}') {
            return Err("a `}` has no `{` before it".to_owned());
        }
        if (before.is_empty() && !names.is_empty())
            || before.ends_with('*')
            || behind.starts_with('*')
        {
            return Err(format!("`{{{name}}}` needs a text between it and its neighbour"));
        }
        names.push(name);
        rest = behind;
    }
    if rest.contains('}') {
        return Err("a `}` has no `{` before it".to_owned());
    }
    Ok(names)
}

/// Says whether a URI has partitions.
pub fn is_partitioned(pattern: &str) -> bool {
    pattern.contains('{')
}

/// Returns the pattern with `*` for each name.
pub fn glob(pattern: &str) -> String {
    pieces(pattern)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Any | Piece::Name(_) => "*",
            Piece::AnyParts => "**",
        })
        .collect()
}

/// Returns the key of the partition that a URI is; `None`: the pattern has none, or does not fit.
pub fn key(pattern: &str, uri: &str) -> Option<String> {
    if !is_partitioned(pattern) || uri.len() > URI_LEN_MAX {
        return None;
    }
    let pieces = pieces(pattern);
    let mut values = Vec::new();
    fit(&pieces, uri, &mut values).then(|| joined(&values)).filter(|key| key.len() <= KEY_LEN_MAX)
}

/// Says what is wrong with a key that somebody gives.
pub fn key_problem(key: &str) -> Option<String> {
    if key.trim().is_empty() {
        Some("a partition key is not empty".to_owned())
    } else if key.len() > KEY_LEN_MAX {
        Some(format!("a partition key is {KEY_LEN_MAX} bytes long at most"))
    } else if key.chars().any(char::is_control) {
        Some("a partition key holds no control characters".to_owned())
    } else {
        None
    }
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '*']) {
        let (text, special) = rest.split_at(at);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let (piece, behind) = match special.strip_prefix('{') {
            Some(after) => match after.split_once('}') {
                Some((name, behind)) => (Piece::Name(name), behind),
                None => (Piece::Text(special), ""),
            },
            None => match special.strip_prefix("**") {
                Some(behind) => (Piece::AnyParts, behind),
                None => (Piece::Any, &special[1..]),
            },
        };
        pieces.push(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Fits a text to pieces; the names' values are left in `values`.
fn fit<'a>(pieces: &[Piece<'a>], text: &'a str, values: &mut Vec<(&'a str, &'a str)>) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return text.is_empty() };
    let (least, most) = match piece {
        Piece::Text(wanted) => {
            return text.strip_prefix(wanted).is_some_and(|text| fit(rest, text, values));
        }
        Piece::Any => (0, text.find('/').unwrap_or(text.len())),
        Piece::AnyParts => (0, text.len()),
        Piece::Name(_) => (1, text.find('/').unwrap_or(text.len())),
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    for end in ends.filter(|end| (least..=most).contains(end)) {
        let known = values.len();
        if let Piece::Name(name) = piece {
            values.push((name, &text[..end]));
        }
        if fit(rest, &text[end..], values) {
            return true;
        }
        values.truncate(known);
    }
    false
}

fn joined(values: &[(&str, &str)]) -> String {
    let mut key = String::new();
    let mut next_time = None;
    for (name, value) in values {
        let time = TIMES.iter().position(|(time, _)| time == name);
        let glue = match time {
            Some(at) if Some(at) == next_time => TIMES[at].1,
            _ if key.is_empty() => "",
            _ => "|",
        };
        key.push_str(glue);
        key.push_str(value);
        next_time = time.map(|at| at + 1);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_part_of_the_path() {
        let of = |uri| key("lake:readings/{date}.csv", uri);
        assert_eq!(of("lake:readings/2026-03-10.csv").as_deref(), Some("2026-03-10"));
        for other in ["lake:readings/.csv", "lake:readings/a/b.csv", "lake:readings/a.txt", "x"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(key("lake:readings/*.csv", "lake:readings/a.csv"), None, "it has no partitions");
    }

    #[test]
    fn the_parts_of_a_date_make_one_date() {
        let of = |pattern, uri| key(pattern, uri).unwrap();
        assert_eq!(of("lake:{year}/{month}/x.csv", "lake:2026/03/x.csv"), "2026-03");
        assert_eq!(
            of("lake:y={year}/m={month}/d={day}/*", "lake:y=2026/m=03/d=10/a"),
            "2026-03-10"
        );
        assert_eq!(of("l:{year}-{month}", "l:2026-03"), "2026-03");
        assert_eq!(of("l:{year}/{day}", "l:2026/10"), "2026|10", "not next to each other");
        assert_eq!(of("l:{region}/{year}/{month}.csv", "l:eu/2026/03.csv"), "eu|2026-03");
        assert_eq!(of("l:{year}/{month}/{day}/{hour}/**", "l:2026/03/10/09/x/y"), "2026-03-10T09");
    }

    #[test]
    fn names_are_told_apart_by_what_stands_between_them() {
        assert_eq!(key("f:{a}-{b}.csv", "f:x-y-z.csv").unwrap(), "x|y-z");
        assert_eq!(key("f:**/{a}.csv", "f:x/y/z.csv").unwrap(), "z");
        assert_eq!(key("f:{a}", "f:ä"), Some("ä".into()));
    }

    #[test]
    fn what_is_no_name_is_told() {
        assert_eq!(names("lake:{region}/{date}.csv").unwrap(), ["region", "date"]);
        assert_eq!(names("lake:x/*.csv").unwrap(), [""; 0]);
        let problem = |pattern| names(pattern).unwrap_err();
        assert!(problem("l:{date").contains("not closed"));
        assert!(problem("l:date}").contains("no `{`"));
        assert!(problem("l:{}").contains("no name"));
        assert!(problem("l:{a b}").contains("no name"));
        assert!(problem("l:{a}/{a}").contains("twice"));
        assert!(problem("l:{a}{b}").contains("between"));
        assert!(problem("l:{a}*").contains("between"));
    }

    #[test]
    fn a_glob_has_stars_for_names() {
        assert_eq!(glob("lake:{year}/**/{name}.csv"), "lake:*/**/*.csv");
    }

    #[test]
    fn keys_that_nobody_can_read_are_refused() {
        assert_eq!(key_problem("2026-03-10"), None);
        for bad in ["", "  ", "a\nb", &"x".repeat(251)] {
            assert!(key_problem(bad).is_some(), "{bad:?}");
        }
        assert_eq!(key("f:{a}", &format!("f:{}", "x".repeat(251))), None);
    }
}
