//! What was chosen while looking at tracked runs: the run that others are measured by, how charts
//! are drawn. It holds for every experiment until it is changed.

use crate::types::TrackingRunId;
use crate::types::ask::Nesting;

/// Runs of a page.
pub(crate) const PAGE_LEN: u32 = 200;

/// How much of what was before a smoothed line keeps, in the order that the key goes through.
const SMOOTHINGS: [f64; 4] = [0.0, 0.6, 0.9, 0.98];

/// Part of the shown stretch that one step of the cursor covers.
const CURSOR_STEP: f64 = 1.0 / 40.0;

/// The shortest stretch that is zoomed to, as a share of the whole.
const STRETCH_MIN: f64 = 0.01;

/// Which runs of an experiment are shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TrackingQuery {
    pub(crate) experiment: String,
    /// In MLflow's language.
    pub(crate) filter: String,
    pub(crate) order_by: Vec<String>,
    /// Those at the top, those under one of them, or all.
    pub(crate) nesting: Nesting,
    pub(crate) offset: u32,
}

/// What was chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lab {
    /// The page that was turned to; of another query it is the first.
    page: Option<TrackingQuery>,
    pub(crate) baseline: Option<TrackingRunId>,
    pub(crate) only_differences: bool,
    /// Runs that hang under others stand among them.
    pub(crate) is_flat: bool,
    /// The hyperparameter that trials are drawn over, where one was chosen.
    pub(crate) drawn_over: Option<String>,
    pub(crate) chart: ChartView,
}

impl Lab {
    /// Returns the query of the page that was turned to.
    pub(crate) fn paged(&self, query: TrackingQuery) -> TrackingQuery {
        match &self.page {
            Some(page) if (TrackingQuery { offset: 0, ..page.clone() }) == query => page.clone(),
            _ => query,
        }
    }

    /// Turns to another page of the same query.
    pub(crate) fn turn_to(&mut self, query: TrackingQuery, offset: u32) {
        self.page = Some(TrackingQuery { offset, ..query });
    }
}

/// How charts are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ChartView {
    /// Over the time since the first value, not over steps.
    pub(crate) by_time: bool,
    pub(crate) is_log: bool,
    smoothing: usize,
    /// The shown stretch of the x axis, in shares of all of it.
    stretch: (f64, f64),
    /// Where the cursor is, as a share of all of the x axis.
    cursor: Option<f64>,
}

impl Default for ChartView {
    fn default() -> Self {
        Self { by_time: false, is_log: false, smoothing: 0, stretch: (0.0, 1.0), cursor: None }
    }
}

impl ChartView {
    /// Returns the share of what was before that a smoothed line keeps; 0 draws it as it is.
    pub(crate) fn smoothing(&self) -> f64 {
        SMOOTHINGS[self.smoothing % SMOOTHINGS.len()]
    }

    /// Smooths more, or after the most not at all.
    pub(crate) fn smooth_more(&mut self) {
        self.smoothing = (self.smoothing + 1) % SMOOTHINGS.len();
    }

    /// Returns the shown stretch of an axis.
    pub(crate) fn shown(&self, (low, high): (f64, f64)) -> (f64, f64) {
        let at = |share: f64| low + (high - low) * share;
        if high > low { (at(self.stretch.0), at(self.stretch.1)) } else { (low, low + 1.0) }
    }

    /// Returns the cursor's place on an axis.
    pub(crate) fn cursor(&self, (low, high): (f64, f64)) -> Option<f64> {
        self.cursor.map(|share| low + (high - low) * share)
    }

    /// Moves the cursor; it comes at the end or the start of what is shown.
    pub(crate) fn move_cursor(&mut self, forward: bool) {
        let (from, to) = self.stretch;
        let step = (to - from) * if forward { CURSOR_STEP } else { -CURSOR_STEP };
        let moved = match self.cursor {
            Some(share) => share + step,
            None if forward => from,
            None => to,
        };
        self.cursor = Some(moved.clamp(from, to));
    }

    /// Takes the cursor away; says `false` where there was none.
    pub(crate) fn drop_cursor(&mut self) -> bool {
        self.cursor.take().is_some()
    }

    /// Shows half of the stretch, round the cursor or its middle; or twice as much.
    pub(crate) fn zoom(&mut self, closer: bool) {
        let (from, to) = self.stretch;
        let width = (to - from) * if closer { 0.5 } else { 2.0 };
        let width = width.clamp(STRETCH_MIN, 1.0);
        let middle = self.cursor.unwrap_or(f64::midpoint(from, to));
        let from = (middle - width / 2.0).clamp(0.0, 1.0 - width);
        self.stretch = (from, from + width);
    }

    /// Shows all of it.
    pub(crate) fn whole(&mut self) {
        self.stretch = (0.0, 1.0);
    }

    /// Says whether only a stretch is shown.
    pub(crate) fn is_zoomed(&self) -> bool {
        self.stretch != (0.0, 1.0)
    }

    /// Says what differs from how charts are drawn by themselves.
    pub(crate) fn told(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.by_time.then(|| "over time".to_owned()));
        words.extend(self.is_log.then(|| "log scale".to_owned()));
        words.extend((self.smoothing > 0).then(|| format!("smoothed {}", self.smoothing())));
        words.extend(self.is_zoomed().then(|| "zoomed".to_owned()));
        words.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_stays_within_and_comes_back() {
        let mut view = ChartView::default();
        view.move_cursor(true);
        for _ in 0..20 {
            view.zoom(true);
        }
        let (from, to) = view.shown((0.0, 100.0));
        assert!(from >= 0.0 && to <= 100.0 && to - from >= 0.99, "{from} {to}");
        for _ in 0..20 {
            view.zoom(false);
        }
        assert_eq!(view.shown((0.0, 100.0)), (0.0, 100.0));
        assert!(!view.is_zoomed());
    }

    #[test]
    fn the_cursor_stays_in_what_is_shown() {
        let mut view = ChartView::default();
        view.move_cursor(false);
        assert_eq!(view.cursor((0.0, 10.0)), Some(10.0));
        for _ in 0..100 {
            view.move_cursor(false);
        }
        assert_eq!(view.cursor((0.0, 10.0)), Some(0.0));
        assert!(view.drop_cursor() && !view.drop_cursor());
    }

    #[test]
    fn smoothing_goes_round() {
        let mut view = ChartView::default();
        let weights: Vec<f64> = (0..5)
            .map(|_| {
                view.smooth_more();
                view.smoothing()
            })
            .collect();
        assert_eq!(weights, [0.6, 0.9, 0.98, 0.0, 0.6]);
    }
}
