//! Stories of schedules.

use jiff::tz::TimeZone;

use super::*;

mod airflow;
mod naive;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(text: &str, timezone: &str) -> Cron {
    Cron::parse(text, &TimeZone::get(timezone).unwrap()).unwrap()
}

/// The firings from an instant on, up to another, in the clock of the zone.
fn firings(text: &str, timezone: &str, from: &str, until: &str) -> Vec<String> {
    let (cron, zone) = (cron(text, timezone), TimeZone::get(timezone).unwrap());
    let first = cron.next_firing(at(from));
    let all = std::iter::successors(first, |last| cron.next_firing(*last));
    let all = all.take_while(|firing| *firing <= at(until));
    all.map(|firing| firing.to_zoned(zone.clone()).strftime("%d %H:%M%:z").to_string()).collect()
}

#[test]
fn a_daily_half_past_two_in_berlin_comes_once_on_both_change_days() {
    // In spring the clock leaps from 2:00 to 3:00.
    assert_eq!(
        firings("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z"),
        ["28 02:30+01:00", "29 03:30+02:00", "30 02:30+02:00"]
    );
    // In autumn it shows 2:30 twice: the second time counts.
    assert_eq!(
        firings("30 2 * * *", "Europe/Berlin", "2026-10-23T12:00:00Z", "2026-10-26T12:00:00Z"),
        ["24 02:30+02:00", "25 02:30+01:00", "26 02:30+01:00"]
    );
}

#[test]
fn every_half_hour_follows_the_hours_as_they_pass() {
    assert_eq!(
        firings("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"),
        ["29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00"]
    );
    assert_eq!(
        firings("0 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T02:00:00Z"),
        ["25 02:00+02:00", "25 02:00+01:00", "25 03:00+01:00"]
    );
}

#[test]
fn midnight_comes_also_where_the_clock_leaps_over_it() {
    // In Santiago it goes from midnight to 1:00 on 6 September, and back to 23:00 on 5 April.
    assert_eq!(
        firings("0 0 * * *", "America/Santiago", "2026-09-05T03:00:00Z", "2026-09-07T12:00:00Z"),
        ["05 00:00-04:00", "06 01:00-03:00", "07 00:00-03:00"]
    );
    assert_eq!(
        firings("30 23 * * *", "America/Santiago", "2026-04-03T12:00:00Z", "2026-04-06T03:00:00Z"),
        ["03 23:30-03:00", "04 23:30-04:00"]
    );
}

#[test]
fn what_croniter_reads_is_read_as_it_reads_it() {
    let days = |text: &str| {
        let from = "2026-05-31T23:59:00Z";
        let all = firings(text, "UTC", from, "2026-06-30T23:59:59Z");
        all.iter().map(|firing| firing[..2].parse().unwrap()).collect::<Vec<u8>>()
    };
    assert_eq!(days("0 0 l * *"), [30]);
    assert_eq!(days("0 0 28-l * ?"), [28, 29, 30]);
    assert_eq!(days("0 0 * * fri#2"), [12]);
    assert_eq!(days("0 0 * * l5"), [26]);
    assert_eq!(days("0 0 * JUN SAT-MON"), days("0 0 * 6 6,7,1"));
    // Either of two restricted fields will do.
    assert_eq!(days("0 0 2 * 1"), [1, 2, 8, 15, 22, 29]);
    // From a value to itself is once around.
    assert_eq!(days("0 0 * * 3-3").len(), 30);
    let hours = |text: &str| firings(text, "UTC", "2026-06-01T00:30:00Z", "2026-06-02T00:30:00Z");
    assert_eq!(hours("0 22-2/2 * * *"), ["01 02:00+00:00", "01 22:00+00:00", "02 00:00+00:00"]);
    assert_eq!(hours("0 20/2 * * *"), ["01 20:00+00:00", "01 22:00+00:00"]);
}

#[test]
fn a_leap_day_is_waited_for_and_the_end_of_time_is_no_panic() {
    let leap = cron("0 0 29 2 *", "UTC");
    let interval = Timetable::CronDataInterval(leap.clone()).by_hand(at("2104-03-01T00:00:00Z"));
    assert_eq!(interval.start, at("2096-02-29T00:00:00Z"));
    assert_eq!(interval.end, at("2104-02-29T00:00:00Z"));
    assert_eq!(leap.next_firing(at("9997-01-01T00:00:00Z")), None);
    assert_eq!(cron("@yearly", "UTC").firing_before(at("-009999-01-02T01:59:59Z")), None);
}

#[test]
fn a_schedule_is_read_back_as_it_was() {
    for schedule in [
        Schedule::Manual,
        Schedule::Time(Timetable::Once),
        Schedule::Time(Timetable::CronTrigger(vec![
            cron("0 6 * * *", "Europe/Berlin"),
            cron("@daily", "UTC"),
        ])),
        Schedule::TimeOrAssets(
            Timetable::DeltaDataInterval(std::time::Duration::from_secs(90)),
            expression("a & (b | models:/*@production)"),
        ),
    ] {
        let text = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule, "{text}");
    }
    let gone = r#"{"cron":"0 0 * * *","timezone":"Mars/Olympus"}"#;
    let error = serde_json::from_str::<Cron>(gone).unwrap_err().to_string();
    assert!(error.contains("`Mars/Olympus` is not a time zone"), "{error}");
}

#[test]
fn a_range_goes_the_same_way_back() {
    let range = (at("2026-03-20T08:00:00Z"), at("2026-04-03T07:59:59Z"));
    let zone = "Europe/Berlin";
    let delta = std::time::Duration::from_secs(5_400);
    for timetable in [
        Timetable::CronTrigger(vec![cron("0 * * * *", zone)]),
        Timetable::CronTrigger(vec![cron("30 2 * * *", zone), cron("*/45 1-3 * * *", zone)]),
        Timetable::CronDataInterval(cron("*/30 * * * 1-5", zone)),
        Timetable::CronDataInterval(cron("0 0 30 2-3 *", zone)),
        Timetable::DeltaTrigger(delta),
        Timetable::DeltaDataInterval(delta),
    ] {
        let first = timetable.next_between(range, None);
        let next = |last: &DataInterval| timetable.next_between(range, Some(*last));
        let mut forth: Vec<DataInterval> = std::iter::successors(first, next).collect();
        let last = timetable.prev_between(range, None);
        let prev = |next: &DataInterval| timetable.prev_between(range, Some(next.start));
        let back: Vec<DataInterval> = std::iter::successors(last, prev).collect();
        forth.reverse();
        assert_eq!(back, forth, "{}", timetable.summary());
        assert!(!back.is_empty());
    }
    assert_eq!(Timetable::Once.prev_between(range, None), None);
}

#[test]
fn what_is_no_cron_expression_says_why() {
    let error = |text: &str| Cron::parse(text, &TimeZone::UTC).unwrap_err();
    assert_eq!(error("@fortnightly"), CronError::UnknownPreset("@fortnightly".to_owned()));
    assert_eq!(error("0 2 * *"), CronError::FieldCount(4));
    assert_eq!(error("0 2 * * * UTC"), CronError::FieldCount(6));
    assert_eq!(error("0 0 30 2 *"), CronError::NeverFires);
    for (text, reason) in [
        ("61 2 * * *", "`61` is no minute: it goes from 0 to 59"),
        ("0 x * * *", "`x` is no hour: it is not understood"),
        ("0 0 0 * *", "`0` is no day of the month: it goes from 1 to 31"),
        ("0 0 * * fri#6", "`fri#6` is no day of the week: after `#` stands 1 to 5"),
        ("*/0 * * * *", "`*/0` is no minute: after `/` stands a number from 1 on"),
        ("h * * * *", "`h` is no minute: it is not understood"),
        (
            "0 0 * * 1,fri#2",
            "`1,fri#2` is no day of the week: days with and without `#` cannot be mixed",
        ),
    ] {
        assert_eq!(error(text), CronError::Malformed(reason.to_owned()));
    }
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
    let daily = Timetable::CronTrigger(vec![cron("@daily", "UTC"), cron("0 6 * * 1", "UTC")]);
    assert_eq!(Schedule::Time(daily.clone()).summary(), "@daily, 0 6 * * 1");
    let both = Schedule::TimeOrAssets(daily, expression("a | b"));
    assert_eq!(both.summary(), "@daily, 0 6 * * 1 or a | b");
    let every = Timetable::DeltaTrigger(std::time::Duration::from_secs(5_400));
    assert_eq!(Schedule::Time(every).summary(), "every 1h30m");
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
