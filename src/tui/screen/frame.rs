//! The frame round every screen: context, tabs or crumbs, banners, the flash line, the hints.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::keymap::{self, Action, Bound, with_keys};
use crate::rows;
use crate::state::feed::GLANCE;
use crate::state::{Level, Link, PromptKind, Screen, State, Tone, View};
use crate::text;
use crate::theme;
use crate::types::run::DagRunKey;
use crate::widget::{dialog, paint};

/// Draws the first row: which deck, whether it is live, what it is doing.
pub(crate) fn context(buf: &mut Buffer, row: Rect, state: &State) {
    let site = &state.options.station.site;
    let name = match state.status() {
        Some(status) => status.deck_name.clone(),
        None if site.name.is_empty() => "dagdeck".to_owned(),
        None => site.name.clone(),
    };
    let mut spans = Vec::new();
    if let Some(banner) = &site.banner {
        let word = format!(" {} ", text::cut(&text::clean(&banner.text), 16));
        spans.push(Span::styled(word, theme::banner(banner.colour)));
    }
    spans.push(Span::styled(
        format!(" {} ", text::cut(&text::clean(&name), 24)),
        theme::REVERSED.patch(theme::BOLD),
    ));
    spans.push(Span::raw(" "));
    let (word, style) = match state.link {
        Link::Live => ("✓ live", theme::GOOD),
        Link::Connecting => ("◌ connecting", theme::WARN),
        Link::Down { .. } => ("✗ daemon gone", theme::BAD.patch(theme::BOLD)),
    };
    spans.push(Span::styled(word, style));
    if state.is_read_only() {
        spans.push(Span::styled("  read-only", theme::WARN));
    }
    if let Some(missed) = state.frozen {
        spans.push(Span::styled(format!("  frozen +{missed}"), theme::WARN.patch(theme::BOLD)));
        spans.push(paint::span(with_keys!(state, " ({})", Freeze), theme::DIM));
    }
    let asked = state.cache.approvals().map_or(0, <[_]>::len);
    if asked > 0 {
        let words = if asked == 1 { "approval" } else { "approvals" };
        spans.push(Span::styled(format!("  ? {asked} {words}"), theme::WARN.patch(theme::BOLD)));
        spans.push(paint::span(with_keys!(state, " ({})", Approvals), theme::DIM));
    }
    let line = Line::from(spans);
    let room = usize::from(row.width).saturating_sub(line.width() + 2);
    paint::put(buf, row, 0, line);
    let mut right = state.now.strftime("%H:%MZ ").to_string();
    if let Some(status) = state.status() {
        let slots = format!("slots {}/{} │ ", status.slots_used, status.slots_total);
        let runs = format!("{} running {} queued │ ", status.runs_running, status.runs_queued);
        // What the left says is never covered: it tells where one is and what one may do.
        for more in [runs, slots] {
            if text::width(&more) + text::width(&right) <= room {
                right = more + &right;
            }
        }
    }
    paint::put_right(buf, row, 0, paint::line(right, theme::DIM));
}

/// Draws the second row: the tabs at the root of a view, the way here below it.
pub(crate) fn tabs(buf: &mut Buffer, row: Rect, state: &State) {
    if state.levels().len() > 1 {
        return crumbs(buf, row, state);
    }
    let mut labels = View::ALL.map(|view| {
        let name = if row.width < 90 { view.short_name() } else { view.name() };
        label_of(state, view).map_or_else(|| name.to_owned(), |key| format!("{key} {name}"))
    });
    // Where the room is short, the last ones are their keys alone: all can be gone to.
    for view in View::ALL.into_iter().rev() {
        let cells: usize = labels.iter().map(|label| text::width(label) + 2).sum();
        if cells < usize::from(row.width) {
            break;
        }
        if let Some(key) = label_of(state, view).filter(|_| view != state.view) {
            labels[view as usize] = key.to_owned();
        }
    }
    let mut x = 1;
    for (view, label) in View::ALL.into_iter().zip(labels) {
        let (label, style) = match view == state.view {
            true => (format!("[{label}]"), theme::KEY),
            false => (format!(" {label} "), theme::PLAIN),
        };
        x = put_part(buf, row, x, Span::styled(label, style), Target::Tab(view));
    }
}

/// Returns the key that goes to a view, where it has one.
fn label_of(state: &State, view: View) -> Option<&str> {
    let shows = |bound: &&Bound| bound.action == Action::Show(view) && !bound.keys.is_empty();
    keymap::valid(state).find(shows).map(Bound::key)
}

/// Draws a part of a row that can be clicked; returns where the next one begins.
fn put_part(buf: &mut Buffer, row: Rect, x: u16, part: Span<'static>, target: Target) -> u16 {
    let width = u16::try_from(part.width()).unwrap_or(u16::MAX);
    let place = Rect { x: row.x.saturating_add(x), width, ..row };
    hit::note(place.intersection(row), target);
    paint::put_at(buf, row, x, 0, Line::from(part));
    x.saturating_add(width)
}

/// Names a node of the lineage shortly.
fn without_kind(id: &str) -> String {
    text::cut_middle(id.split_once(':').map_or(id, |(_, name)| name), 30)
}

fn crumbs(buf: &mut Buffer, row: Rect, state: &State) {
    let mut x = 1;
    let levels = state.levels();
    for (at, level) in levels.iter().enumerate() {
        let name = match &level.screen {
            Screen::Root(view) => view.name().to_owned(),
            Screen::Dag(dag_id) => dag_id.to_string(),
            Screen::DagRuns(dag_id) => format!("{dag_id} runs"),
            Screen::Run(key) => run_crumb(key, &levels[..at], at + 1 == levels.len()),
            Screen::Log(key) => format!("{} log", rows::task_key(key)),
            Screen::DaemonLog => "daemon log".to_owned(),
            Screen::Form(dag_id) => format!("trigger {dag_id}"),
            Screen::Asset(name) => name.to_string(),
            Screen::Compare(left, right) => format!("v{} ↔ v{}", left.1, right.1),
            Screen::AssetWhy(name) => format!("why {name}"),
            Screen::Impact(name) => format!("made of {name}"),
            Screen::Chain(id) => format!("chain of {}", without_kind(id)),
            Screen::Columns(id) => format!("columns of {}", without_kind(id)),
            Screen::Experiment(name) | Screen::Model(name) => name.clone(),
            Screen::TrackingRun(run_id) => match state.cache.tracking_run(run_id) {
                Some(run) => run.run_name.clone(),
                None => text::cut_middle(run_id.as_str(), 13),
            },
            Screen::Trials(_) | Screen::TaskTrials(_) => "trials".to_owned(),
            Screen::LoggedModels(_) => "logged models".to_owned(),
            Screen::LoggedModel(model_id) => match state.cache.logged_model(model_id) {
                Some(model) => model.name.clone(),
                None => text::cut_middle(model_id, 13),
            },
            Screen::Artifact(_, path) => path.clone(),
            Screen::CompareRuns(ids) => format!("compare {}", text::count(ids.len(), "run")),
            Screen::Drift(model, version) => format!("drift of {model} v{version}"),
            Screen::Versions(dag_id) => format!("{dag_id} versions"),
            Screen::Diff(_, from, to) => format!("v{from} → v{to}"),
            Screen::Backfills(dag_id) => format!("{dag_id} backfills"),
            Screen::Backfill(_, id) => format!("backfill {id}"),
            Screen::Operation(id) => format!("operation {id}"),
            Screen::Attention => "Needs attention".to_owned(),
            Screen::Operations => "Operations".to_owned(),
            Screen::Approvals => "Approvals".to_owned(),
            Screen::Commands => "Command log".to_owned(),
            Screen::Definitions => "dags.toml".to_owned(),
        };
        if at > 0 {
            paint::put_at(buf, row, x, 0, Line::styled(" › ", theme::DIM));
            x = x.saturating_add(3);
        }
        let style = if at + 1 == levels.len() { theme::BOLD } else { theme::DIM };
        x = put_part(buf, row, x, paint::span(name, style), Target::Crumb(at));
    }
}

/// Names a run: with its DAG, where the crumb before it does not say that already; in short where
/// another level lies upon it.
fn run_crumb(key: &DagRunKey, before: &[Level], is_last: bool) -> String {
    let run = match is_last {
        true => text::cut_middle(key.dag_run_id.as_str(), 40),
        false => text::run_name(key.dag_run_id.as_str()),
    };
    let is_named = before.last().is_some_and(|level| match &level.screen {
        Screen::Dag(dag_id) => *dag_id == key.dag_id,
        Screen::Run(other) => other.dag_id == key.dag_id,
        _ => false,
    });
    if is_named { run } else { format!("{} › {run}", key.dag_id) }
}

/// Returns the lines that stay until their cause is gone.
pub(crate) fn banners(state: &State) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Link::Down { since } = state.link {
        let secs = text::seconds(since, state.now);
        let text = format!(
            " ✗ daemon gone, reconnecting… ({}); what you see is as it was",
            text::running(secs)
        );
        lines.push(paint::line(text, theme::BAD.patch(theme::BOLD)));
    }
    if let Some(first) = state.definitions().and_then(|d| d.diagnostics.first()) {
        let count = state.definitions().map_or(0, |d| d.diagnostics.len());
        let more = if count > 1 { format!(" (+{} more)", count - 1) } else { String::new() };
        lines.push(Line::from(vec![
            paint::span(with_keys!(state, " {} ", ShowErrors), theme::KEY),
            paint::span(
                format!("✗ {}:{}:{} {}{more}", first.file, first.line, first.column, first.message),
                theme::BAD,
            ),
            paint::span(" · the last good version stays in force", theme::DIM),
        ]));
    }
    lines
}

/// Draws the row above the hints: what is being typed, else what just happened.
pub(crate) fn flash(buf: &mut Buffer, row: Rect, state: &State) {
    if let Some(prompt) = &state.prompt {
        let (word, keys) = match prompt.kind {
            PromptKind::Filter => (" filter /", "/ last  enter keep  esc clear"),
            PromptKind::Search => (" search /", "enter keep  esc clear"),
            PromptKind::GoToTime => (" go to ", "14:03, 2026-03-02T14:03, 10m  enter go"),
            PromptKind::SaveLog => (" save to ", "enter save  esc leave it"),
            PromptKind::PipeLog => (" | ", "enter run  esc leave it"),
        };
        let mut spans = vec![Span::styled(word, theme::KEY)];
        spans.extend(dialog::typed(&prompt.input, usize::from(row.width.saturating_sub(36)), true));
        paint::put(buf, row, 0, Line::from(spans));
        paint::put_right(buf, row, 0, paint::line(format!("{keys} "), theme::DIM));
        return;
    }
    if let Some(flash) = &state.flash {
        let (glyph, style) = match flash.tone {
            Tone::Good => ("✓", theme::GOOD),
            Tone::Info => ("·", theme::ACCENT),
            Tone::Bad => ("✗", theme::BAD),
        };
        let line = Line::from(vec![
            Span::styled(format!(" {glyph} "), style),
            paint::span(&flash.text, style),
        ]);
        paint::put(buf, row, 0, line);
    } else if let unread @ 1.. = state.feed.unread() {
        let more = if unread >= GLANCE as usize { "+" } else { "" };
        let text = with_keys!(state, "{} events ({unread}{more} unread) ", EventRail);
        paint::put_right(buf, row, 0, paint::line(text, theme::DIM));
    }
}
