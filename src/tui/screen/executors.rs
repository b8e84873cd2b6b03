//! Where attempts run: what this machine and the cluster have in hand, which workers there are and
//! died, and whether the cluster answers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap::{scroll_note, with_keys};
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::executor::{ExecutorsView, SlurmView, WorkerView, WorkersHeard};
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
    let workers_of = text::count(view.workers.workers.len(), "worker");
    let mut lines = vec![paint::pair("local", format!("{}, {workers_of}", view.local.words()))];
    lines.extend(workers(state, &view.workers, width));
    match &view.slurm {
        Some(slurm) => lines.extend(cluster(state, slurm, width)),
        None => lines.push(paint::pair("slurm", "no task has executor = \"slurm\"")),
    }
    lines
}

fn workers(state: &State, heard: &WorkersHeard, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(trouble) = &heard.trouble {
        let since = text::running(text::seconds(trouble.since, state.now));
        let said = format!("✗ none starts for {since}: {}", trouble.why);
        let said = text::wrap_words(&said, width);
        lines.extend(said.into_iter().map(|piece| paint::line(piece, theme::BAD)));
    }
    let died = heard.recent_deaths(state.now);
    if let Some(last) = died.last() {
        let (times, ago) = (text::count(died.len(), "death"), text::ago(state.now, last.at));
        let said = format!("! {times}, worker {} {ago}", last.pid);
        let said = text::wrap_words(&said, width);
        lines.extend(said.into_iter().map(|piece| paint::line(piece, theme::WARN)));
    }
    lines
}

/// Says what a worker does.
pub(crate) fn standing(state: &State, worker: &WorkerView) -> Line<'static> {
    let up = text::running(text::seconds(worker.since, state.now));
    let held = text::count(worker.attempts as usize, "attempt");
    let (what, style) = match worker.is_current {
        true => ("takes new ones", theme::PLAIN),
        false => ("finishes what it has", theme::DIM),
    };
    paint::line(format!("{held}, {what}, up {up}, build {}", worker.build), style)
}

/// Draws a worker over the screen.
pub(crate) fn popup(buf: &mut Buffer, area: Rect, state: &State, pid: u32, scroll: usize) {
    let width = area.width.saturating_sub(4).min(90);
    let lines = in_full(state, pid, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = paint::popup(buf, area, width, height);
    let hidden = lines.len().saturating_sub(usize::from(height.saturating_sub(2)));
    let title = format!("Worker {pid}");
    let inside = paint::panel(buf, place, &title, &scroll_note(state, hidden), true);
    paint::put_all(buf, inside, lines, scroll.min(hidden));
}

fn in_full(state: &State, pid: u32, width: usize) -> Vec<Line<'static>> {
    let Some(heard) = state.cache.executors().map(|view| &view.workers) else { return Vec::new() };
    let mut lines = Vec::new();
    match heard.workers.iter().find(|worker| worker.pid == pid) {
        Some(worker) => {
            let version = worker.version.as_deref().unwrap_or("older than what says it");
            let up = text::running(text::seconds(worker.since, state.now));
            lines.push(paint::pair("since", format!("{}, up {up}", text::instant(worker.since))));
            lines.push(paint::pair("version", version));
            lines.push(paint::pair("build", &worker.build));
            lines.push(paint::pair("in hand", text::count(worker.attempts as usize, "attempt")));
            lines.push(paint::line("", theme::PLAIN));
            let about = match worker.is_current {
                true => with_keys!(
                    state,
                    "It takes new attempts. It outlives the daemon. {} has a new one take its                      place: it finishes what it has, and nothing is lost.",
                    ReplaceWorker
                ),
                false => "It takes no new attempts: it finishes what it has, and ends.".to_owned(),
            };
            let about = text::wrap_words(&about, width);
            lines.extend(about.into_iter().map(|piece| paint::line(piece, theme::DIM)));
        }
        None => lines.push(paint::line("It has ended.", theme::DIM)),
    }
    if !heard.deaths.is_empty() {
        lines.push(paint::line("WORKERS THAT DIED", theme::DIM));
    }
    for death in heard.deaths.iter().rev() {
        let ago = text::ago(state.now, death.at);
        let said = format!("  worker {} {ago}: {}", death.pid, death.words());
        let said = text::wrap_words(&said, width);
        lines.extend(said.into_iter().map(|piece| paint::line(piece, theme::WARN)));
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
