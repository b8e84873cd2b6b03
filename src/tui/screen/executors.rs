//! Where attempts run: what this machine and the cluster have in hand, and whether it answers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::executor::{ExecutorsView, SlurmView};
use crate::widget::paint;

/// Rows that it takes in an area of this width, its frame included.
pub(crate) fn height(state: &State, width: u16) -> u16 {
    let inside = usize::from(width).saturating_sub(2);
    let rows = state.cache.executors().map_or(2, |view| lines(state, view, inside).len());
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2)
}

/// Draws them.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let inside = paint::panel(buf, area, "Executors", "", false);
    match state.cache.executors() {
        Some(view) => {
            paint::put_all(buf, inside, lines(state, view, usize::from(inside.width)), 0);
        }
        None => missing(buf, inside, state, &Slot::Executors),
    }
}

fn lines(state: &State, view: &ExecutorsView, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![paint::pair("local", view.local.words())];
    match &view.slurm {
        Some(slurm) => lines.extend(cluster(state, slurm, width)),
        None => lines.push(paint::pair("slurm", "no task has executor = \"slurm\"")),
    }
    lines
}

fn cluster(state: &State, slurm: &SlurmView, width: usize) -> Vec<Line<'static>> {
    let heard = &slurm.heard;
    let mut lines = vec![paint::pair("slurm", slurm.tasks.words())];
    if let Some(silence) = heard.trouble() {
        let since = text::running(text::seconds(silence.since, state.now));
        let said = format!("✗ has not answered for {since}: {}", silence.why);
        let said = text::wrap_words(&said, width);
        lines.extend(said.into_iter().map(|piece| paint::line(piece, theme::BAD)));
        return lines;
    }
    let Some(at) = heard.heard_at else {
        lines.push(paint::pair("controller", "not asked: no job yet"));
        return lines;
    };
    lines.push(paint::pair("controller", format!("answered {}", text::ago(state.now, at))));
    let jobs = &heard.jobs;
    let counts = format!("{} running, {} pending, {} held", jobs.running, jobs.pending, jobs.held);
    lines.push(paint::pair("jobs", counts));
    for waits in &jobs.reasons {
        let said = text::wrap_words(&format!("{} wait: {}", waits.jobs, waits.reason), width);
        lines.extend(said.into_iter().map(|piece| paint::line(piece, theme::WARN)));
    }
    lines
}
