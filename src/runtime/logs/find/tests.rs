//! Searches over a log that is longer than a block.

use super::*;
use crate::types::log::LogLevel;

/// 20,000 lines of a second each, every thousandth an error.
fn log() -> (tempfile::TempDir, PathBuf, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("task.log");
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut text = String::new();
    for n in 0..20_000_i64 {
        let time = start + jiff::SignedDuration::from_secs(n);
        let level = if n % 1000 == 999 { "\u{1b}[31mERROR\u{1b}[0m" } else { "INFO" };
        text.push_str(&format!(
            "{} out  {level} step {n} of the work\n",
            time.strftime("%FT%T%.3fZ")
        ));
    }
    std::fs::write(&path, &text).unwrap();
    (dir, path, text)
}

/// Searches on until something is found or nothing is left; returns the line.
fn line(
    path: &Path,
    text: &str,
    query: &LogQuery,
    mut offset: u64,
    backwards: bool,
) -> Option<String> {
    let pattern = || query.pattern.as_deref().map(|pattern| compile(pattern).unwrap());
    loop {
        let search = Search { query: query.clone(), offset, backwards };
        let found = Finder { path, search: &search, pattern: pattern() }.look().unwrap();
        if let Some(at) = found.at {
            let line = text[usize::try_from(at).unwrap()..].lines().next().unwrap();
            return Some(line.to_owned());
        }
        if found.is_end {
            return None;
        }
        assert_ne!(found.next_offset, offset, "it does not get on");
        offset = found.next_offset;
    }
}

fn query(pattern: Option<&str>, level: Option<LogLevel>, since: Option<&str>) -> LogQuery {
    LogQuery {
        pattern: pattern.map(str::to_owned),
        level,
        since: since.map(|since| since.parse().unwrap()),
    }
}

#[test]
fn a_pattern_is_found_in_both_directions_however_far_it_is() {
    let (_dir, path, text) = log();
    let find = |pattern: &str, offset, backwards| {
        line(&path, &text, &query(Some(pattern), None, None), offset, backwards)
    };
    assert!(find("step 19999 ", 0, false).unwrap().contains("step 19999 of"));
    assert!(find("step 3 ", u64::MAX, true).unwrap().contains("step 3 of"));
    // The pattern is held against what was said, not against the time before it.
    assert!(find("^INFO step 0 ", 0, false).is_some());
    assert!(find("^ERROR step 999 ", 0, false).is_some(), "colours are not in the way");
    assert_eq!(find("nowhere", 0, false), None);
    assert_eq!(find("nowhere", u64::MAX, true), None);
}

#[test]
fn levels_are_gone_through_one_by_one() {
    let (_dir, path, text) = log();
    let errors = query(None, Some(LogLevel::Error), None);
    let first = line(&path, &text, &errors, 0, false).unwrap();
    assert!(first.contains("step 999 "), "{first}");
    let after = text.find("step 1000 ").unwrap() as u64;
    assert!(line(&path, &text, &errors, after, false).unwrap().contains("step 1999 "));
    assert!(line(&path, &text, &errors, after, true).unwrap().contains("step 999 "));
    assert_eq!(line(&path, &text, &errors, 500, true), None);
}

#[test]
fn a_time_is_gone_to_and_bounds_what_is_searched() {
    let (_dir, path, text) = log();
    let find = |query: &LogQuery, backwards| {
        line(&path, &text, query, if backwards { u64::MAX } else { 0 }, backwards)
    };
    for (since, step) in [
        ("2025-01-01T00:00:00Z", "step 0 "),
        ("2026-01-01T00:00:00.500Z", "step 1 "),
        ("2026-01-01T01:00:00Z", "step 3600 "),
        ("2026-01-01T05:33:19Z", "step 19999 "),
    ] {
        let found = find(&query(None, None, Some(since)), false).unwrap();
        assert!(found.contains(step), "{since}: {found}");
    }
    assert_eq!(find(&query(None, None, Some("2026-01-02T00:00:00Z")), false), None);
    let bounded = query(Some("step 10 "), None, Some("2026-01-01T01:00:00Z"));
    assert_eq!(find(&bounded, false), None);
    assert_eq!(find(&bounded, true), None);
}

#[test]
fn what_cannot_be_searched_is_said_so() {
    let fault = compile("(").unwrap_err();
    assert!(fault.message.contains("unclosed group"), "{fault}");
    assert!(compile("(a{1000}){1000}").is_err());
    let search = Search { query: query(Some("x"), None, None), offset: 0, backwards: false };
    let nowhere = Finder { path: Path::new("/nonexistent"), search: &search, pattern: None };
    assert!(nowhere.look().unwrap().is_end);
}

#[test]
fn a_block_that_is_looked_through_as_a_whole_gives_the_same_lines_as_line_by_line() {
    let text: String = (0..200)
        .map(|n| {
            format!("2026-01-01T00:00:{:02}.000Z out  Step {n}\r\n\nerror: größe {n}\n", n % 60)
        })
        .collect();
    let block = Block { from: 7, bytes: text.into_bytes() };
    let patterns = [
        "Step 1",
        "(?i)STEP 19",
        "error|Step",
        "r.*ße 7",
        "nowhere",
        "out",
        "x*",
        "[a-z]+:",
        "\u{7}?",
    ];
    for pattern in patterns {
        let pattern = compile(pattern).unwrap();
        for (backwards, level) in [(false, None), (true, None), (true, Some(log::LogLevel::Error))]
        {
            let query = query(Some(pattern.as_str()), level, None);
            let search = Search { query, offset: 0, backwards };
            let finder =
                Finder { path: Path::new(""), search: &search, pattern: Some(pattern.clone()) };
            assert!(holds_anywhere(pattern.as_str()));
            let whole = finder.pick(block.lines_with(block.plain().unwrap(), &pattern));
            assert_eq!(whole, finder.pick(block.lines()), "{pattern} {backwards}");
        }
    }
    assert!(!holds_anywhere("^Step") && !holds_anywhere(r"\bStep"));
}
