//! The two ways to say how an instant is to be written: Python's directives (`%Y`) and
//! pendulum's tokens (`YYYY`).

use minijinja::Error;

use super::{Moment, field, wrong};

/// Turns Python's directives into jiff's, where the two differ.
pub(super) fn from_python(directives: &str, has_zone: bool) -> String {
    let mut out = String::with_capacity(directives.len());
    let mut rest = directives;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let mut chars = after.chars();
        match chars.next() {
            Some('f') => out.push_str("%6f"),
            Some('c') => out.push_str("%a %b %e %H:%M:%S %Y"),
            Some('x') => out.push_str("%m/%d/%y"),
            Some('X') => out.push_str("%H:%M:%S"),
            Some('z' | 'Z') if !has_zone => {}
            Some(directive) => {
                out.push('%');
                out.push(directive);
            }
            None => out.push_str("%%"),
        }
        rest = chars.as_str();
    }
    out + rest
}

/// Pendulum's tokens, longest first, each with its directives; those that directives cannot say
/// are empty here.
const TOKENS: &[(&str, &str)] = &[
    ("SSSSSS", "%6f"),
    ("SSSSS", "%5f"),
    ("YYYY", "%Y"),
    ("MMMM", "%B"),
    ("DDDD", "%j"),
    ("dddd", "%A"),
    ("SSSS", "%4f"),
    ("MMM", "%b"),
    ("DDD", "%-j"),
    ("ddd", "%a"),
    ("SSS", "%3f"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("Do", ""),
    ("dd", ""),
    ("HH", "%H"),
    ("hh", "%I"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("SS", "%2f"),
    ("ZZ", "%z"),
    ("zz", ""),
    ("Qo", ""),
    ("Mo", ""),
    ("Y", "%-Y"),
    ("Q", ""),
    ("M", "%-m"),
    ("D", "%-d"),
    ("d", ""),
    ("E", "%u"),
    ("H", "%-H"),
    ("h", "%-I"),
    ("m", "%-M"),
    ("s", "%-S"),
    ("S", "%1f"),
    ("A", "%p"),
    ("X", ""),
    ("x", ""),
    ("Z", "%:z"),
    ("z", ""),
];

/// Writes an instant by pendulum's tokens; `[…]` is taken as it is.
pub(super) fn by_tokens(at: &Moment, tokens: &str) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = tokens;
    while let Some(first) = rest.chars().next() {
        if let Some((literal, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            out.push_str(literal);
            rest = after;
            continue;
        }
        match TOKENS.iter().find(|(token, _)| rest.starts_with(token)) {
            Some((token, directives)) => {
                out.push_str(&match *directives {
                    "" => special(at, token)?,
                    directives => at.strftime(directives)?,
                });
                rest = &rest[token.len()..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    Ok(out)
}

fn special(at: &Moment, token: &str) -> Result<String, Error> {
    let civil = at.civil();
    let quarter = (civil.month() + 2) / 3;
    Ok(match token {
        "Do" => ordinal(civil.day()),
        "Mo" => ordinal(civil.month()),
        "Qo" => ordinal(quarter),
        "Q" => quarter.to_string(),
        "d" => civil.weekday().to_sunday_zero_offset().to_string(),
        "dd" => at.strftime("%a")?.chars().take(2).collect(),
        "X" => at.aware()?.timestamp().as_second().to_string(),
        "x" => at.aware()?.timestamp().as_millisecond().to_string(),
        "z" => field::zone_name(at.aware()?),
        "zz" => at.strftime("%Z")?,
        _ => return Err(wrong(format!("`{token}` is no token of a format"))),
    })
}

fn ordinal(number: i8) -> String {
    let end = match (number % 10, number % 100) {
        (1, n) if n != 11 => "st",
        (2, n) if n != 12 => "nd",
        (3, n) if n != 13 => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}
