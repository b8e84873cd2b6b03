//! Closes, quiet, bursts and deletions, by a clock of the test.

use super::*;
use crate::types::time;

const A: &str = "/in/a.csv";

fn look(size: u64) -> impl Fn(&Path) -> Seen {
    move |_| Seen::File(Look { mtime_ns: 1, size })
}

fn complete(path: &Path) -> Settled {
    Settled::Complete(path.to_path_buf())
}

fn ms(after: u64) -> Duration {
    Duration::from_millis(after)
}

#[test]
fn a_file_that_is_closed_after_writing_is_complete() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    assert!(!settling.note(now, a, Sign::There));
    assert!(!settling.note(now, a, Sign::Opened));
    assert!(!settling.note(now, a, Sign::Written));
    assert_eq!(settling.next_due(), None, "it waits for the close, however long");
    assert!(!settling.note(now, a, Sign::There), "nor does a scan report it");
    assert_eq!(settling.next_due(), None);
    assert!(settling.note(now, a, Sign::Complete));
}

#[test]
fn a_file_that_was_linked_is_complete_when_it_was_quiet() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::There);
    assert!(settling.due(now + ms(49), look(5)).is_empty());
    assert!(settling.due(now + ms(50), look(5)).is_empty(), "seen once");
    assert_eq!(settling.due(now + ms(100), look(5)), [complete(a)]);
    assert_eq!(settling.next_due(), None);
}

#[test]
fn a_file_that_still_grows_is_waited_for() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::There);
    settling.due(now + ms(50), look(5));
    assert!(settling.due(now + ms(100), look(6)).is_empty());
    assert_eq!(settling.due(now + ms(150), look(6)), [complete(a)]);
}

#[test]
fn a_file_that_a_scan_finds_old_is_complete_as_it_stands() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    let found = Look { mtime_ns: 1, size: 5 };
    settling.found(now, a, found, ms(1000));
    assert_eq!(settling.due(now, look(5)), [complete(a)]);

    settling.found(now, a, found, ms(999));
    settling.note(now, a, Sign::Opened);
    assert!(settling.due(now + ms(49), look(5)).is_empty(), "its writer may be at it");
    assert_eq!(settling.due(now + ms(50), look(5)), [complete(a)]);

    settling.found(now, a, found, ms(1000));
    assert!(settling.due(now, look(6)).is_empty(), "it was written to since");
    settling.forget(a);

    settling.found(now, a, Look { mtime_ns: 1, size: 0 }, ms(10));
    settling.note(now, a, Sign::Opened);
    settling.due(now + ms(1000), look(0));
    assert!(settling.due(now + ms(2000), look(0)).is_empty(), "it waits for its content");

    settling.note(now, a, Sign::Written);
    settling.found(now, a, found, ms(1000));
    assert_eq!(settling.next_due(), None, "it waits for the close");
}

#[test]
fn an_empty_file_that_somebody_has_opened_waits_for_its_content() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::There);
    settling.note(now, a, Sign::Opened);
    settling.due(now + ms(1000), look(0));
    assert!(settling.due(now + ms(2000), look(0)).is_empty());
}

#[test]
fn a_close_that_was_missed_is_made_good_by_quiet() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::Written);
    settling.doubt(now);
    assert!(settling.due(now + ms(1000), look(5)).is_empty());
    assert_eq!(settling.due(now + ms(2000), look(5)), [complete(a)]);
}

#[test]
fn a_file_that_went_away_is_forgotten() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::There);
    assert!(settling.due(now + ms(50), |_| Seen::Nothing).is_empty());
    assert_eq!(settling.next_due(), None);
    settling.note(now, a, Sign::Written);
    settling.note(now, a, Sign::Gone);
    settling.note(now, a, Sign::There);
    assert!(settling.next_due().is_some());
}

#[test]
fn a_file_that_is_closed_again_and_again_is_told_of_once_a_second() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    assert!(settling.note(now, a, Sign::Complete));
    for after in [10, 20, 900] {
        assert!(!settling.note(now + ms(after), a, Sign::Complete));
    }
    assert_eq!(settling.next_due(), Some(now + ms(1000)));
    assert_eq!(settling.due(now + ms(1000), look(0)), [complete(a)]);
    assert!(!settling.note(now + ms(1100), a, Sign::Complete), "from the last time on");
    assert_eq!(settling.due(now + ms(2000), look(5)), [complete(a)]);
    assert!(settling.due(now + ms(9000), look(5)).is_empty());
    assert!(settling.note(now + ms(9000), a, Sign::Complete));
}

#[test]
fn a_file_that_is_being_written_to_again_waits_for_its_close() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::Complete);
    settling.note(now + ms(10), a, Sign::Complete);
    settling.note(now + ms(20), a, Sign::Written);
    assert_eq!(settling.next_due(), None);
    assert!(settling.note(now + ms(1500), a, Sign::Complete));
}

#[test]
fn a_file_that_is_removed_is_gone_when_it_does_not_come_back() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::Gone);
    assert!(settling.due(now + ms(299), |_| Seen::Nothing).is_empty());
    assert_eq!(settling.due(now + ms(300), |_| Seen::Nothing), [Settled::Gone(a.into())]);
    // Removed and written anew.
    settling.note(now, a, Sign::Gone);
    settling.note(now + ms(5), a, Sign::There);
    assert!(settling.note(now + ms(6), a, Sign::Complete));
    assert!(settling.due(now + ms(900), |_| Seen::Nothing).is_empty());
    // And where nobody may look, nothing is said.
    settling.note(now, a, Sign::Gone);
    assert!(settling.due(now + ms(300), |_| Seen::Unclear).is_empty());
}

#[test]
fn a_file_that_came_back_unseen_is_looked_at() {
    let (mut settling, now, a) = (Settling::default(), time::instant(), Path::new(A));
    settling.note(now, a, Sign::Gone);
    assert!(settling.due(now + ms(300), look(5)).is_empty());
    assert_eq!(settling.due(now + ms(350), look(5)), [complete(a)]);
}
