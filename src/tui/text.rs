//! Text for the screen: made safe, cut to width, and figures in people's words.
//!
//! Everything that comes from outside (names, logs, messages) passes [`clean`] before it is drawn.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::types::Timestamp;

/// Returns the cells that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Makes a line safe to draw: escape sequences, control and direction characters are taken out,
/// tabs become spaces.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => out.push_str("    "),
            '\n' => out.push(' '),
            c if c.is_control() || is_direction(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Skips what follows ESC: a CSI sequence, an OSC string, or one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            for c in chars.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    break;
                }
            }
        }
        Some(']') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' {
                    break;
                }
                if c == '\u{1b}' {
                    chars.next();
                    break;
                }
            }
        }
        _ => {}
    }
}

/// Characters that turn the reading order or join invisibly; they can make a name lie.
fn is_direction(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{61c}'
            | '\u{feff}'
    )
}

/// Cuts to `max` cells, with `…` at the end where something is gone.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    if max == 0 {
        return String::new();
    }
    let mut out = take(text.chars(), max - 1);
    out.push('…');
    out
}

/// Cuts to `max` cells with `…` in the middle, for ids whose ends both matter.
pub(crate) fn cut_middle(text: &str, max: usize) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    if max < 3 {
        return cut(text, max);
    }
    let tail_width = (max - 1) / 2;
    let head = take(text.chars(), max - 1 - tail_width);
    let tail: String = take(text.chars().rev(), tail_width).chars().rev().collect();
    format!("{head}…{tail}")
}

/// Shortens a run's id to what tells it from others: `manual 11-24 03:56:17`.
pub(crate) fn run_name(dag_run_id: &str) -> String {
    let short = || {
        let (kind, date) = dag_run_id.split_once("__")?;
        let (day, time) = date.split_once('T')?;
        let kind = kind.split('_').next()?;
        Some(format!("{kind} {} {}", day.get(5..10)?, time.get(..8)?))
    };
    clean(&short().unwrap_or_else(|| dag_run_id.to_owned()))
}

fn take(chars: impl Iterator<Item = char>, max: usize) -> String {
    let mut used = 0;
    let mut out = String::new();
    for c in chars {
        used += c.width().unwrap_or(0);
        if used > max {
            break;
        }
        out.push(c);
    }
    out
}

/// Breaks a line into pieces of at most `max` cells.
pub(crate) fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let cells = c.width().unwrap_or(0);
        if used + cells > max && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
        used += cells;
    }
    lines
}

/// Breaks prose at spaces into lines of at most `max` cells.
pub(crate) fn wrap_words(text: &str, max: usize) -> Vec<String> {
    let max = max.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > max {
                lines.extend(wrap(&std::mem::take(&mut line), max));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.extend(wrap(&line, max));
    }
    lines
}

/// Breaks a line at spaces where it can and anywhere where it must; keeps every character but the
/// space that it breaks at.
pub(crate) fn wrap_softly(line: &str, max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = line;
    // A cell at least, so that a wide character in a narrow place is no end of it.
    let max = max.max(2);
    loop {
        let piece = take(rest.chars(), max);
        if piece.len() == rest.len() {
            break;
        }
        let taken = match piece.rfind(' ').filter(|at| *at > 0) {
            // The space is the last of this line, where the next word would not have fitted.
            Some(at) if !rest[piece.len()..].starts_with(' ') => at + 1,
            _ => piece.len(),
        };
        lines.push(rest[..taken].trim_end_matches(' ').to_owned());
        rest = rest[taken..].strip_prefix(' ').unwrap_or(&rest[taken..]);
    }
    lines.push(rest.to_owned());
    lines
}

/// Says how long `secs` are: `0.4s`, `41s`, `2m14s`, `1h12m`, `5d03h`.
pub(crate) fn duration(secs: f64) -> String {
    let secs = secs.max(0.0);
    if secs < 9.95 {
        return format!("{secs:.1}s");
    }
    whole_duration(secs.round() as u64)
}

/// As [`duration`] in whole seconds, for figures that move.
pub(crate) fn running(secs: f64) -> String {
    whole_duration(secs.max(0.0) as u64)
}

fn whole_duration(secs: u64) -> String {
    match secs {
        0..60 => format!("{secs}s"),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        3600..86_400 => format!("{}h{:02}m", secs / 3600, secs % 3600 / 60),
        _ => format!("{}d{:02}h", secs / 86_400, secs % 86_400 / 3600),
    }
}

/// Returns the seconds from `from` to `to`.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}

/// Says how long ago `then` was, in one unit: `now`, `12s ago`, `3m ago`, `6h ago`, `5d ago`.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let secs = seconds(then, now);
    if secs < 0.0 {
        return until(now, then);
    }
    if secs < 2.0 { "now".to_owned() } else { format!("{} ago", one_unit(secs as u64)) }
}

/// Says how far off `then` is: `in 46m`.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> String {
    let secs = seconds(now, then);
    if secs < 1.0 { "due".to_owned() } else { format!("in {}", one_unit(secs as u64)) }
}

fn one_unit(secs: u64) -> String {
    match secs {
        0..60 => format!("{secs}s"),
        60..3600 => format!("{}m", secs / 60),
        3600..86_400 => format!("{}h", secs / 3600),
        _ => format!("{}d", secs / 86_400),
    }
}

/// Writes an instant for people: `2026-01-01 12:00:00Z`.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Writes a figure to four significant decimals, without a tail of zeros.
pub(crate) fn figure(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    if value == value.trunc() && size < 1e9 {
        return format!("{value:.0}");
    }
    match size {
        s if !(1e-4..1e7).contains(&s) => format!("{value:.3e}"),
        s if s >= 1000.0 => format!("{value:.1}"),
        s if s >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// Writes what somebody was given: a number as finely as figures are told apart.
pub(crate) fn given(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if value.contains('.') && number.is_finite() => round(number),
        _ => clean(value),
    }
}

/// Writes a figure without the zeros at its end: `0.1`, `4.75`.
pub(crate) fn round(value: f64) -> String {
    let written = figure(value);
    match written.contains('.') && !written.contains('e') {
        true => written.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => written,
    }
}

/// Writes a size: `812 B`, `41.2 KB`, `3.1 MB`.
pub(crate) fn bytes(count: u64) -> String {
    let mut size = count as f64;
    for unit in ["B", "KB", "MB", "GB"] {
        if size < 1000.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

/// Writes a count with its noun: `1 task`, `3 tasks`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Says how much of `all` is `part`, in whole percent.
pub(crate) fn percent(part: u64, all: u64) -> u64 {
    if all == 0 { 100 } else { (u128::from(part) * 100 / u128::from(all)).min(100) as u64 }
}

/// Quotes a word for a POSIX shell where it needs that.
pub(crate) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Draws values as a row of bars, the highest at full height.
pub(crate) fn spark(values: &[f64], cells: usize) -> String {
    let shown = &values[values.len().saturating_sub(cells)..];
    spark_of(shown, shown.iter().copied().fold(0.0_f64, f64::max))
}

/// Draws values as a row of bars, `top` at full height.
pub(crate) fn spark_of(values: &[f64], top: f64) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bar = |value: &f64| {
        let share = if top > 0.0 { value.max(0.0) / top } else { 0.0 };
        BARS[((share * 7.0).round() as usize).min(7)]
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_do_not_reach_the_screen() {
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m\u{202e}b\x07"), "aredb");
        assert_eq!(clean("\u{1b}]0;title\u{7}x\ty"), "x    y");
        assert_eq!(clean("\u{1b}"), "");
    }

    #[test]
    fn ids_are_cut_in_the_middle_and_names_at_the_end() {
        assert_eq!(cut("transform", 6), "trans…");
        assert_eq!(cut_middle("manual__2026-01-01", 9), "manu…1-01");
        assert_eq!(cut_middle("ab", 9), "ab");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("x", 0), "");
    }

    #[test]
    fn a_runs_name_keeps_its_kind_and_its_second() {
        assert_eq!(run_name("manual__2026-11-24T03:56:17.203696+00:00"), "manual 11-24 03:56:17");
        assert_eq!(run_name("asset_triggered__2026-11-24T03:56:17+00:00"), "asset 11-24 03:56:17");
        for other in ["nightly", "a__b", "a__bTc", "é__2026-11-2éT03:56:17"] {
            assert_eq!(run_name(other), other);
        }
    }

    #[test]
    fn durations_and_ages_use_one_or_two_units() {
        assert_eq!(duration(0.42), "0.4s");
        assert_eq!(duration(41.2), "41s");
        assert_eq!(duration(134.0), "2m14s");
        assert_eq!(duration(4320.0), "1h12m");
        assert_eq!(running(9.9), "9s");
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(ago(now, "2026-01-01T11:57:00Z".parse().unwrap()), "3m ago");
        assert_eq!(until(now, "2026-01-01T12:46:00Z".parse().unwrap()), "in 46m");
        assert_eq!(ago(now, "2026-01-01T12:46:00Z".parse().unwrap()), "in 46m");
    }

    #[test]
    fn words_for_the_shell_are_quoted_where_they_need_it() {
        assert_eq!(shell("model=xgboost"), "model=xgboost");
        assert_eq!(shell("hp={\"a\": 1}"), "'hp={\"a\": 1}'");
        assert_eq!(shell("it's"), r"'it'\''s'");
    }

    #[test]
    fn figures_keep_what_matters() {
        assert_eq!(figure(0.96667), "0.9667");
        assert_eq!(figure(21.5), "21.50");
        assert_eq!(figure(3.0), "3");
        assert_eq!(figure(0.000_012), "1.200e-5");
    }

    #[test]
    fn a_line_breaks_at_spaces_where_it_can() {
        assert_eq!(wrap_softly("Publish a total of 170?", 10), ["Publish a", "total of", "170?"]);
        assert_eq!(wrap_softly("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap_softly("  a  b", 10), ["  a  b"]);
        assert_eq!(wrap_softly("", 5), [""]);
        assert_eq!(wrap_softly("日本語 日本", 6), ["日本語", "日本"]);
    }

    #[test]
    fn prose_breaks_at_spaces() {
        assert_eq!(wrap_words("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdef", 4), ["abcd", "ef"]);
    }
}
