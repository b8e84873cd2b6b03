//! The event feed: its last lines, those before them that were scrolled to, and which of them
//! nobody has seen.

use crate::types::event::EventLog;

/// Lines that are kept.
const KEPT: usize = 5000;
/// Lines that are asked for at once, and that are looked at while the feed is not shown.
pub(crate) const PAGE: u32 = 300;
pub(crate) const GLANCE: u32 = 20;

/// The feed, newest first.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    entries: Vec<EventLog>,
    /// The last line that was on the screen.
    seen: Option<i64>,
    /// Older lines are on their way.
    pub(crate) is_loading: bool,
    /// There is nothing before the oldest line.
    pub(crate) is_whole: bool,
}

impl Feed {
    pub(crate) fn entries(&self) -> &[EventLog] {
        &self.entries
    }

    /// Takes the newest lines. Where they do not go on those that are here, they are all there is.
    pub(crate) fn take(&mut self, page: &[EventLog]) {
        let newest = self.entries.first().map(|event| event.id);
        let known = |event: &&EventLog| newest.is_none_or(|newest| event.id > newest);
        let fresh: Vec<EventLog> = page.iter().take_while(known).cloned().collect();
        if fresh.len() == page.len() && fresh.len() >= GLANCE as usize {
            self.entries = fresh;
            self.is_whole = page.len() < GLANCE as usize;
        } else {
            self.entries.splice(0..0, fresh);
        }
        self.entries.truncate(KEPT);
        if self.seen.is_none() {
            self.seen = self.entries.first().map(|event| event.id).or(Some(0));
        }
    }

    /// Takes lines before the oldest one.
    pub(crate) fn take_older(&mut self, page: &[EventLog]) {
        self.is_loading = false;
        self.is_whole = page.len() < PAGE as usize;
        let oldest = self.oldest();
        let older = page.iter().filter(|event| oldest.is_none_or(|oldest| event.id < oldest));
        self.entries.extend(older.cloned());
        if self.entries.len() >= KEPT {
            self.entries.truncate(KEPT);
            self.is_whole = true;
        }
    }

    pub(crate) fn oldest(&self) -> Option<i64> {
        self.entries.last().map(|event| event.id)
    }

    /// Notes that all of it is on the screen.
    pub(crate) fn see(&mut self) {
        if let Some(event) = self.entries.first() {
            self.seen = Some(event.id);
        }
    }

    /// Counts the lines that came since it was on the screen.
    pub(crate) fn unread(&self) -> usize {
        let Some(seen) = self.seen else { return 0 };
        self.entries.iter().take_while(|event| event.id > seen).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::event::Severity;

    fn page(ids: impl Iterator<Item = i64>) -> Vec<EventLog> {
        ids.map(|id| EventLog {
            id,
            when: "2026-01-01T00:00:00Z".parse().unwrap(),
            severity: Severity::Info,
            event: "x".into(),
            dag_id: None,
            dag_run_id: None,
            task_id: None,
            owner: None,
            message: String::new(),
        })
        .collect()
    }

    #[test]
    fn new_lines_come_on_top_older_ones_below_and_a_gap_begins_anew() {
        let mut feed = Feed::default();
        feed.take(&page((1..=400).rev().take(300)));
        assert_eq!((feed.entries().len(), feed.unread(), feed.oldest()), (300, 0, Some(101)));
        feed.take(&page((1..=403).rev().take(300)));
        assert_eq!((feed.entries().len(), feed.unread()), (303, 3));
        feed.take_older(&page((1..=100).rev()));
        assert_eq!((feed.entries().len(), feed.is_whole), (403, true));
        feed.see();
        assert_eq!(feed.unread(), 0);
        feed.take(&page((1..=404).rev().take(20)));
        assert_eq!((feed.entries().len(), feed.unread()), (404, 1), "a glance goes on too");
        feed.take(&page((1000..=2000).rev().take(300)));
        assert_eq!((feed.entries().len(), feed.unread(), feed.is_whole), (300, 300, false));
    }
}
