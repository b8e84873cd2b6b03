//! A second implementation, which walks minute by minute and knows nothing of the first: a year
//! of random expressions in zones of all kinds gives the same firings.

use jiff::{SignedDuration, civil};
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Auckland",
];

/// One field, as sets: `None` is a star.
type Values = Option<Vec<i8>>;

#[derive(Debug, Clone)]
struct Expression {
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
}

impl Expression {
    fn text(&self) -> String {
        let field = |values: &Values| match values {
            None => "*".to_owned(),
            Some(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        };
        let fields = [&self.minutes, &self.hours, &self.days, &self.months, &self.weekdays];
        fields.map(field).join(" ")
    }

    fn matches(&self, shown: civil::DateTime) -> bool {
        let has = |values: &Values, value: i8| values.as_ref().is_none_or(|v| v.contains(&value));
        let by_day = has(&self.days, shown.day());
        let by_weekday = has(&self.weekdays, shown.date().weekday().to_sunday_zero_offset());
        let is_day = match (&self.days, &self.weekdays) {
            (Some(_), Some(_)) => by_day || by_weekday,
            _ => by_day && by_weekday,
        };
        is_day
            && has(&self.months, shown.month())
            && has(&self.hours, shown.hour())
            && has(&self.minutes, shown.minute())
    }

    /// Every minute of a year, one after the other.
    fn firings(&self, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let minute = SignedDuration::from_mins(1);
        let mut found = Vec::new();
        if self.hours.is_some() {
            // What the wall may show, each minute for the last instant that shows it; of a
            // minute that is leapt over, for as much later.
            let mut shown = zone.to_datetime(from);
            let end = zone.to_datetime(until);
            while shown <= end {
                if self.matches(shown) {
                    let ambiguous = zone.to_ambiguous_timestamp(shown);
                    let at = match ambiguous.offset() {
                        jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset,
                        jiff::tz::AmbiguousOffset::Gap { before, .. } => before,
                        jiff::tz::AmbiguousOffset::Fold { after, .. } => after,
                    };
                    let at = at.to_timestamp(shown).unwrap();
                    found.push(at);
                    // It goes on from what the wall shows then.
                    shown = zone.to_datetime(at);
                }
                shown = shown.checked_add(minute).unwrap();
            }
            return found;
        }
        // From firing to firing by a clock that is not changed on the way.
        let (mut at, mut shown) = (from, zone.to_datetime(from));
        while at < until {
            at += minute;
            shown = shown.checked_add(minute).unwrap();
            if self.matches(shown) {
                found.push(at);
                shown = zone.to_datetime(at);
            }
        }
        found
    }
}

fn field(low: i8, high: i8) -> impl Strategy<Value = Values> {
    let some = prop::collection::btree_set(low..=high, 1..4);
    prop_oneof![Just(None), some.prop_map(|values| Some(values.into_iter().collect()))]
}

fn expression() -> impl Strategy<Value = Expression> {
    let night = prop::collection::btree_set(0..4_i8, 1..4);
    let night = night.prop_map(|hours| Some(hours.into_iter().collect::<Vec<i8>>()));
    let hours = prop_oneof![2 => night, 1 => field(0, 23)];
    let months = prop_oneof![2 => Just(None), 1 => field(1, 12)];
    (field(0, 59), hours, field(1, 28), months, field(0, 6)).prop_map(
        |(minutes, hours, days, months, weekdays)| Expression {
            minutes,
            hours,
            days,
            months,
            weekdays,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_year_of_firings_is_what_a_walk_by_minutes_finds(
        expression in expression(),
        zone in prop::sample::select(&ZONES[..]),
    ) {
        let (from, until) = (at("2025-12-31T12:00:00Z"), at("2026-12-31T12:00:00Z"));
        let cron = cron(&expression.text(), zone);
        let zone = TimeZone::get(zone).unwrap();
        let mut naive = expression.firings(&zone, from, until);
        naive.retain(|firing| *firing > from && *firing <= until);
        let first = cron.next_firing(from);
        let all = std::iter::successors(first, |last| cron.next_firing(*last));
        let ours: Vec<Timestamp> = all.take_while(|firing| *firing <= until).collect();
        let differs = naive.iter().zip(&ours).find(|(naive, ours)| naive != ours);
        prop_assert_eq!(differs, None, "{}", expression.text());
        prop_assert_eq!(naive.len(), ours.len(), "{}", expression.text());
        // And the way back is the same.
        let mut before = until;
        for firing in ours.iter().rev().take(50) {
            let found = cron.firing_before(before);
            if *firing < until {
                prop_assert_eq!(found, Some(*firing));
            }
            before = *firing;
        }
    }
}
