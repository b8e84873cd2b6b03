//! Stories of schedules.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(text: &str, timezone: &str) -> Cron {
    Cron::parse(text, timezone).unwrap()
}

fn interval(cron: &Cron, after: &str, not_before: Option<&str>) -> (String, String) {
    let found = cron.next_interval(at(after), not_before.map(at)).unwrap();
    (found.start.to_string(), found.end.to_string())
}

fn pair(start: &str, end: &str) -> (String, String) {
    (start.to_owned(), end.to_owned())
}

#[test]
fn the_next_interval_is_the_one_that_ends_next() {
    let daily = cron("@daily", "UTC");
    let expected = pair("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z");
    assert_eq!(interval(&daily, "2026-01-05T12:00:00Z", None), expected);
    // An interval that ends at `after` has been dealt with.
    assert_eq!(interval(&daily, "2026-01-05T00:00:00Z", None), expected);
}

#[test]
fn the_first_interval_starts_at_the_first_firing_not_before_the_start_date() {
    let daily = cron("0 2 * * *", "UTC");
    let expected = pair("2026-01-10T02:00:00Z", "2026-01-11T02:00:00Z");
    for start in ["2026-01-09T12:00:00Z", "2026-01-10T02:00:00Z"] {
        assert_eq!(interval(&daily, "2026-01-01T00:00:00Z", Some(start)), expected);
        assert_eq!(interval(&daily, "2026-01-10T12:00:00Z", Some(start)), expected);
    }
    let later = pair("2026-02-01T02:00:00Z", "2026-02-02T02:00:00Z");
    assert_eq!(interval(&daily, "2026-02-01T02:00:00Z", Some("2026-01-10T00:00:00Z")), later);
}

#[test]
fn intervals_follow_each_other_without_gaps() {
    for text in ["*/15 * * * *", "0 3 * * 1-5", "@monthly", "0,30 8-10 1 * *", "0 0 29 2 *"] {
        let cron = cron(text, "Europe/Berlin");
        let mut last = cron.next_interval(at("2026-03-20T09:10:00Z"), None).unwrap();
        assert!(last.start <= at("2026-03-20T09:10:00Z"), "{text}: {last:?}");
        for _ in 0..50 {
            let next = cron.next_interval(last.end, None).unwrap();
            assert_eq!(next.start, last.end, "{text}");
            assert!(next.end > next.start);
            last = next;
        }
    }
}

#[test]
fn a_day_in_berlin_has_23_hours_in_spring_and_25_in_autumn() {
    let daily = cron("@daily", "Europe/Berlin");
    let hours = |after: &str| {
        let found = daily.next_interval(at(after), None).unwrap();
        found.end.duration_since(found.start).as_hours()
    };
    assert_eq!(hours("2026-03-28T12:00:00Z"), 24);
    assert_eq!(hours("2026-03-29T12:00:00Z"), 23);
    assert_eq!(hours("2026-03-30T12:00:00Z"), 24);
    assert_eq!(hours("2026-10-25T12:00:00Z"), 25);
    assert_eq!(
        interval(&daily, "2026-03-29T12:00:00Z", None),
        pair("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")
    );
}

#[test]
fn a_firing_that_the_clock_leaps_over_still_comes_once_a_day() {
    let nightly = cron("30 2 * * *", "Europe/Berlin");
    for (from, to) in [("2026-03-27T00:00:00Z", 4), ("2026-10-23T00:00:00Z", 4)] {
        let mut after = at(from);
        let end = at(from) + jiff::SignedDuration::from_hours(24 * to);
        let mut firings = Vec::new();
        while let Some(next) = nightly.next_firing(after).filter(|next| *next < end) {
            firings.push(next.to_string());
            after = next;
        }
        assert_eq!(firings.len(), 4, "{firings:?}");
    }
}

#[test]
fn a_leap_day_is_waited_for_and_the_end_of_time_is_no_panic() {
    let leap = cron("0 0 29 2 *", "UTC");
    let found = interval(&leap, "2096-03-01T00:00:00Z", None);
    assert_eq!(found, pair("2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"));
    assert_eq!(leap.next_firing(at("9998-01-01T00:00:00Z")), None);
}

#[test]
fn what_is_no_cron_expression_says_why() {
    let error = |text: &str| Cron::parse(text, "UTC").unwrap_err();
    assert_eq!(error("@fortnightly"), CronError::UnknownPreset("@fortnightly".to_owned()));
    assert_eq!(error("0 2 * *"), CronError::FieldCount(4));
    assert_eq!(error("0 2 * * * UTC"), CronError::FieldCount(6));
    assert_eq!(error("0 0 30 2 *"), CronError::NeverFires);
    let CronError::Malformed(reason) = error("61 2 * * *") else { panic!("malformed") };
    assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
}

fn expression(text: &str) -> AssetExpression {
    AssetExpression::parse(text).unwrap()
}

#[test]
fn and_binds_closer_than_or() {
    let seen = |names: &'static [&str]| move |leaf: &AssetRef| names.contains(&leaf.as_str());
    let loose = expression("a | b & c");
    assert!(loose.is_satisfied(&seen(&["a"])));
    assert!(!loose.is_satisfied(&seen(&["b"])));
    let grouped = expression("(a | b) & c");
    assert!(!grouped.is_satisfied(&seen(&["a"])));
    assert!(grouped.is_satisfied(&seen(&["b", "c"])));
}

#[test]
fn an_expression_prints_as_it_is_read() {
    for (written, printed) in [
        ("a", "a"),
        ("a&(b|c)", "a & (b | c)"),
        ("(a & b) | c", "a & b | c"),
        ("((a))|models:/*@production", "a | models:/*@production"),
    ] {
        assert_eq!(Schedule::Assets(expression(written)).summary(), printed);
        assert_eq!(expression(printed), expression(written));
    }
    assert_eq!(Schedule::Manual.summary(), "manual");
    assert_eq!(Schedule::Cron(cron("@daily", "UTC")).summary(), "@daily");
}

#[test]
fn a_broken_expression_says_where() {
    for (text, message, start) in [
        ("", "expected the name of an asset, found the end", 0),
        ("a &", "expected the name of an asset, found the end", 3),
        ("a b", "expected `&`, `|` or the end, found `b`", 2),
        ("(a | b", "expected `)`, found the end", 6),
        ("a | & b", "expected the name of an asset, found `&`", 4),
        ("a)", "expected `&`, `|` or the end, found `)`", 1),
    ] {
        let error = AssetExpression::parse(text).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.start), (message, start), "{text}");
    }
}

#[test]
fn a_leaf_matches_by_name_or_by_pattern_of_uri() {
    let name = AssetName::from("iris_model");
    let uri = "models:/iris@production";
    assert!(AssetRef::parse("iris_model").matches(&name, uri));
    assert!(!AssetRef::parse("iris").matches(&name, uri));
    for (pattern, expected) in [
        ("models:/*@production", true),
        ("models:/iris@production", true),
        ("models:/*@staging", false),
        ("models:/*", true),
        ("models:/*i*s@*tion", true),
        ("models:/iris", false),
        ("models:/iris@production*x", false),
    ] {
        assert_eq!(AssetRef::parse(pattern).matches(&name, uri), expected, "{pattern}");
    }
    // The parts may not overlap.
    assert!(!matches_pattern("ab*ba", "aba"));
}
