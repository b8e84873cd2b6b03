//! What Airflow's own timetables have answered (`tests/airflow/timetables.json`): ours answer
//! the same.

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
struct Data {
    walks: Vec<Case>,
    frozen: Vec<Case>,
    by_hand: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    timetable: String,
    #[serde(default)]
    crons: Vec<String>,
    timezone: Option<String>,
    delta_secs: Option<u64>,
    now: Option<String>,
    earliest: Option<String>,
    latest: Option<String>,
    #[serde(default)]
    catchup: bool,
    last: Option<Answer>,
    at: Option<String>,
    #[serde(default)]
    runs: Vec<Option<Answer>>,
    next: Option<Answer>,
    by_hand: Option<Answer>,
}

/// An instant, the two ends of an interval, or `error` where Airflow fails.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Answer {
    One(String),
    Two(String, String),
}

impl From<DataInterval> for Answer {
    fn from(found: DataInterval) -> Self {
        let (start, end) = (found.start.to_string(), found.end.to_string());
        if start == end { Self::One(start) } else { Self::Two(start, end) }
    }
}

impl Answer {
    fn is_error(&self) -> bool {
        *self == Self::One("error".to_owned())
    }

    fn interval(&self) -> DataInterval {
        let (start, end) = match self {
            Self::One(at) => (at, at),
            Self::Two(start, end) => (start, end),
        };
        DataInterval { start: utc(start), end: utc(end) }
    }
}

fn data() -> Data {
    serde_json::from_str(include_str!("../../../../tests/airflow/timetables.json")).unwrap()
}

fn utc(text: &str) -> Timestamp {
    at(&format!("{}Z", text.trim_end_matches('Z')))
}

impl Case {
    fn timetable(&self) -> Timetable {
        let zone = self.timezone.as_deref().unwrap_or("UTC");
        let mut crons: Vec<Cron> = self.crons.iter().map(|text| cron(text, zone)).collect();
        let delta = std::time::Duration::from_secs(self.delta_secs.unwrap_or(0));
        match self.timetable.as_str() {
            "cron_trigger" => Timetable::CronTrigger(crons),
            "cron_data_interval" => Timetable::CronDataInterval(crons.remove(0)),
            "delta_trigger" => Timetable::DeltaTrigger(delta),
            "delta_data_interval" => Timetable::DeltaDataInterval(delta),
            "once" => Timetable::Once,
            "continuous" => Timetable::Continuous,
            other => panic!("{other}"),
        }
    }

    fn restriction(&self) -> Restriction {
        Restriction {
            earliest: self.earliest.as_deref().map(utc),
            latest: self.latest.as_deref().map(utc),
            catchup: self.catchup,
        }
    }

    fn now(&self) -> Timestamp {
        utc(self.now.as_deref().unwrap())
    }
}

#[test]
fn runs_follow_each_other_as_in_airflow() {
    let cases = data().walks;
    assert!(cases.len() > 500);
    let mut runs = 0;
    for case in cases {
        let (timetable, within) = (case.timetable(), case.restriction());
        let (mut now, mut last) = (case.now(), None);
        for expected in &case.runs {
            if expected.as_ref().is_some_and(Answer::is_error) {
                // Airflow stops here; ours goes on.
                assert!(timetable.next(last, &within, now).is_some(), "{case:?}");
                break;
            }
            let found = timetable.next(last, &within, now);
            assert_eq!(found.map(Answer::from), *expected, "after {last:?} of {case:#?}");
            let Some(interval) = found else { break };
            last = found;
            now = now.max(interval.end);
            runs += 1;
        }
    }
    assert!(runs > 10_000, "{runs}");
}

#[test]
fn at_any_instant_the_next_run_is_airflows() {
    let cases = data().frozen;
    assert!(cases.len() > 500);
    for case in cases {
        if case.next.as_ref().is_some_and(Answer::is_error) {
            continue;
        }
        let last = case.last.as_ref().map(Answer::interval);
        let found = case.timetable().next(last, &case.restriction(), case.now());
        assert_eq!(found.map(Answer::from), case.next, "{case:#?}");
    }
}

#[test]
fn a_run_by_hand_covers_what_it_covers_in_airflow() {
    let cases = data().by_hand;
    assert!(cases.len() > 100);
    for case in cases {
        let found = case.timetable().by_hand(utc(case.at.as_deref().unwrap()));
        assert_eq!(Some(Answer::from(found)), case.by_hand, "{case:#?}");
    }
}
