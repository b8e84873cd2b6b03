//! A schedule for people: in words, and its next firings.

use crate::schedule::{AssetExpression, Cron, Schedule, Timetable};
use crate::types::{Timestamp, duration};

const WEEKLY: [&str; 8] = [
    "every Sunday",
    "every Monday",
    "every Tuesday",
    "every Wednesday",
    "every Thursday",
    "every Friday",
    "every Saturday",
    "every Sunday",
];

impl Schedule {
    /// Says in words when runs come about: `every day at 02:00`.
    pub fn words(&self) -> String {
        match self {
            Self::Manual => "only by hand".to_owned(),
            Self::Time(timetable) => timetable.words(),
            Self::Assets(expression) => changes(expression),
            Self::TimeOrAssets(timetable, expression) => {
                format!("{}, and {}", timetable.words(), changes(expression))
            }
        }
    }
}

fn changes(expression: &AssetExpression) -> String {
    format!("when {} changes", in_words(expression))
}

fn in_words(expression: &AssetExpression) -> String {
    let joined = |parts: &[AssetExpression], word: &str| {
        let part = |part: &AssetExpression| match part {
            AssetExpression::Asset(asset) => asset.as_str().to_owned(),
            many => format!("({})", in_words(many)),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(word)
    };
    match expression {
        AssetExpression::Asset(asset) => asset.as_str().to_owned(),
        AssetExpression::All(parts) => joined(parts, " and "),
        AssetExpression::Any(parts) => joined(parts, " or "),
    }
}

impl Timetable {
    fn words(&self) -> String {
        match self {
            Self::Once => "once".to_owned(),
            Self::Continuous => "always: one run after the other".to_owned(),
            Self::CronTrigger(crons) => {
                crons.iter().map(cron_words).collect::<Vec<_>>().join(", and ")
            }
            Self::CronDataInterval(cron) => cron_words(cron),
            Self::DeltaTrigger(delta) | Self::DeltaDataInterval(delta) => {
                format!("every {}", duration::text(*delta))
            }
        }
    }

    /// Returns the next `count` instants at which runs are due, of which `first` is known to be
    /// the first.
    pub fn firings(&self, first: Timestamp, count: usize) -> Vec<Timestamp> {
        let next = |last: &Timestamp| match self {
            Self::Once | Self::Continuous => None,
            Self::CronTrigger(crons) => {
                crons.iter().filter_map(|cron| cron.next_firing(*last)).min()
            }
            Self::CronDataInterval(cron) => cron.next_firing(*last),
            Self::DeltaTrigger(delta) | Self::DeltaDataInterval(delta) => {
                last.checked_add(*delta).ok()
            }
        };
        std::iter::successors(Some(first), next).take(count).collect()
    }
}

/// Words the shapes that people write; of any other the expression itself says most.
fn cron_words(cron: &Cron) -> String {
    let text = cron.expression();
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return cron.text.clone() };
    let when = (*day, *month, *weekday);
    let zone = match cron.zone() {
        "UTC" => String::new(),
        zone => format!(" ({zone})"),
    };
    let said = match (clock_words(minute, hour), day_words(when)) {
        (Some((clock, true)), Some(days)) => format!("{days} {clock}"),
        (Some((clock, false)), Some("every day")) => clock,
        (Some((clock, false)), Some(days)) => format!("{clock}, {days}"),
        _ => return format!("cron {}", cron.text),
    };
    said + &zone
}

/// Words minute and hour; also says whether they name times of the day.
fn clock_words(minute: &str, hour: &str) -> Option<(String, bool)> {
    let at: Option<u8> = minute.parse().ok();
    let hours: Option<Vec<u8>> = hour.split(',').map(|one| one.parse().ok()).collect();
    Some(match (minute, at, hour, hours) {
        ("*", _, "*", _) => ("every minute".to_owned(), false),
        (_, Some(0), "*", _) => ("every hour".to_owned(), false),
        (_, Some(at), "*", _) => (format!("every hour at :{at:02}"), false),
        (_, None, "*", _) => {
            let step = minute.strip_prefix("*/")?.parse::<u8>().ok()?;
            (format!("every {step} minutes"), false)
        }
        (_, Some(at), _, Some(hours)) => {
            let times: Vec<String> =
                hours.iter().map(|hour| format!("{hour:02}:{at:02}")).collect();
            (format!("at {}", times.join(" and ")), true)
        }
        (_, Some(at), ..) => {
            let step = hour.strip_prefix("*/")?.parse::<u8>().ok()?;
            (format!("every {step} hours at :{at:02}"), false)
        }
        _ => return None,
    })
}

/// Words the day of the month, the month and the day of the week.
fn day_words(when: (&str, &str, &str)) -> Option<&'static str> {
    Some(match when {
        ("*", "*", "*") => "every day",
        ("*", "*", "1-5" | "mon-fri" | "MON-FRI") => "Monday to Friday",
        ("*", "*", "0,6" | "6,0" | "sat,sun") => "Saturday and Sunday",
        ("1", "*", "*") => "on the first of every month",
        ("1", "*/3", "*") => "on the first of every quarter",
        ("1", "1", "*") => "every year on January 1",
        ("*", "*", day) => WEEKLY.get(day.parse::<usize>().ok()?)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn words(text: &str) -> String {
        cron_words(&Cron::parse(text, &TimeZone::UTC).unwrap())
    }

    #[test]
    fn what_people_write_is_worded() {
        for (text, said) in [
            ("@hourly", "every hour"),
            ("@daily", "every day at 00:00"),
            ("@weekly", "every Sunday at 00:00"),
            ("@monthly", "on the first of every month at 00:00"),
            ("@yearly", "every year on January 1 at 00:00"),
            ("*/15 * * * *", "every 15 minutes"),
            ("5 * * * *", "every hour at :05"),
            ("30 2 * * *", "every day at 02:30"),
            ("0 6,18 * * *", "every day at 06:00 and 18:00"),
            ("0 6 * * 1-5", "Monday to Friday at 06:00"),
            ("0 */4 * * *", "every 4 hours at :00"),
            ("*/10 * * * 1-5", "every 10 minutes, Monday to Friday"),
            ("0 2 * * 1", "every Monday at 02:00"),
            ("0 2 13 * 5", "cron 0 2 13 * 5"),
        ] {
            assert_eq!(words(text), said, "{text}");
        }
    }

    #[test]
    fn firings_follow_the_first_one() {
        let cron = Cron::parse("0 2 * * *", &TimeZone::UTC).unwrap();
        let first: Timestamp = "2026-03-01T02:00:00Z".parse().unwrap();
        let next = Timetable::CronDataInterval(cron).firings(first, 3);
        assert_eq!(next[2].to_string(), "2026-03-03T02:00:00Z");
        assert_eq!(Timetable::Once.firings(first, 3), [first]);
    }
}
