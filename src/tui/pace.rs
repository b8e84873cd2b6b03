//! When the next frame is drawn: what a key changed at once, what came by itself a few times a
//! second, less often where the line is slow.

use std::time::{Duration, Instant};

use crate::DeckOptions;

/// Between two frames that no key asked for.
const LOCAL: Duration = Duration::from_millis(33);
const REMOTE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_millis(500);

/// Between two frames that keys asked for: held down they repeat faster than anyone sees.
const KEYS: Duration = Duration::from_millis(8);

/// A frame that took longer to leave waits for a full line.
const SLOW: Duration = Duration::from_millis(20);

/// What a frame is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    Nothing,
    /// Something came by itself.
    News,
    /// The operator did something.
    Input,
}

/// Keeps the time between frames.
#[derive(Debug)]
pub(crate) struct Pace {
    /// As short as it may get.
    shortest: Duration,
    interval: Duration,
    drawn_at: Option<Instant>,
    wanted: Wanted,
}

impl Pace {
    /// Starts with a frame that is wanted at once.
    pub(crate) fn new(options: &DeckOptions) -> Self {
        let usual = if options.surroundings.is_remote { REMOTE } else { LOCAL };
        let shortest = match options.fps {
            Some(fps) => Duration::from_secs(1) / u32::from(fps.max(1)),
            None => usual,
        };
        Self { shortest, interval: shortest, drawn_at: None, wanted: Wanted::Input }
    }

    /// A frame is wanted.
    pub(crate) fn want(&mut self, wanted: Wanted) {
        self.wanted = self.wanted.max(wanted);
    }

    /// Returns how long the frame that is wanted has to wait; `None` where none is.
    pub(crate) fn pause(&self, now: Instant) -> Option<Duration> {
        let interval = match self.wanted {
            Wanted::Nothing => return None,
            Wanted::News => self.interval,
            Wanted::Input => KEYS.min(self.interval),
        };
        let since = self.drawn_at.map(|at| now.saturating_duration_since(at));
        Some(since.map_or(Duration::ZERO, |since| interval.saturating_sub(since)))
    }

    /// A frame was begun at `at` and took so long to leave.
    pub(crate) fn drawn(&mut self, at: Instant, flush: Duration) {
        self.drawn_at = Some(at);
        self.wanted = Wanted::Nothing;
        self.interval = if flush > SLOW {
            (self.interval * 2).min(LONGEST.max(self.shortest))
        } else {
            (self.interval / 2).max(self.shortest)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Surroundings;
    use crate::types::time;

    const MS: Duration = Duration::from_millis(1);

    fn pace(is_remote: bool, fps: Option<u16>) -> Pace {
        let surroundings = Surroundings { is_remote, ..Surroundings::default() };
        Pace::new(&DeckOptions { surroundings, fps, ..DeckOptions::default() })
    }

    #[test]
    fn news_wait_for_the_interval_and_keys_only_for_the_floor() {
        let mut pace = pace(false, None);
        let start = time::instant();
        assert_eq!(pace.pause(start), Some(Duration::ZERO), "the first frame");
        pace.drawn(start, MS);
        assert_eq!(pace.pause(start), None, "nothing is wanted");
        pace.want(Wanted::News);
        assert_eq!(pace.pause(start + 3 * MS), Some(30 * MS));
        pace.want(Wanted::Input);
        assert_eq!(pace.pause(start + 3 * MS), Some(5 * MS));
        pace.want(Wanted::News);
        assert_eq!(pace.pause(start + 9 * MS), Some(Duration::ZERO));
    }

    #[test]
    fn a_slow_line_gets_fewer_frames_and_more_again_when_it_is_quick() {
        let mut pace = pace(true, None);
        let start = time::instant();
        let mut intervals = Vec::new();
        for flush in [25, 25, 25, 25, 1, 1, 1, 1] {
            pace.drawn(start, flush * MS);
            pace.want(Wanted::News);
            intervals.push(pace.pause(start).unwrap().as_millis());
        }
        assert_eq!(intervals, [200, 400, 500, 500, 250, 125, 100, 100]);
    }

    #[test]
    fn the_option_rules_how_often() {
        let mut pace = pace(true, Some(10));
        let start = time::instant();
        pace.drawn(start, MS);
        pace.want(Wanted::News);
        assert_eq!(pace.pause(start), Some(100 * MS));
        let mut slow = super::tests::pace(false, Some(1));
        slow.drawn(start, 90 * MS);
        slow.want(Wanted::News);
        assert_eq!(slow.pause(start), Some(1000 * MS));
    }
}
