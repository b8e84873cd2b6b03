//! What a trigger would do: tasks, pools, time, whether it waits; the same as a command; and how
//! it differs from the last run.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::state::form::{Check, Kind, plain};
use crate::state::{Form, State};
use crate::text;
use crate::theme;
use crate::types::view::TriggerPlan;
use crate::widget::paint;

/// Makes the lines, the command always among them.
pub(super) fn lines(state: &State, form: &Form, area: Rect) -> Vec<Line<'static>> {
    let width = usize::from(area.width);
    let mut lines = said(form);
    let is_tall = area.height > 12;
    let command = text::wrap(&form.command(), width.saturating_sub(5));
    let head = if is_tall { 2 } else { 0 };
    // The command must be seen, be it cut: what it does is told above.
    let room = usize::from(area.height).saturating_sub(command.len().min(2) + head).max(1);
    lines.truncate(room);
    if is_tall {
        lines.push(Line::default());
    }
    for (at, part) in command.into_iter().enumerate() {
        let label = if at == 0 { "cli  " } else { "     " };
        lines.push(Line::from(vec![
            paint::span(label, theme::DIM),
            paint::span(part, theme::ACCENT),
        ]));
    }
    if is_tall {
        lines.extend(difference(state, form));
    }
    lines
}

fn said(form: &Form) -> Vec<Line<'static>> {
    let wrong = (0..form.fields.len()).find_map(|at| form.problem(at));
    if wrong.is_some() {
        return vec![paint::line("✗ it cannot run as it stands", theme::BAD)];
    }
    match &form.check {
        Check::Unchecked => vec![paint::line("◌ checking…", theme::DIM)],
        Check::Failed(why) => vec![paint::line(format!("✗ {why}"), theme::BAD)],
        Check::Problems(problems) => {
            let general = problems.iter().filter(|p| form.fields.iter().all(|f| f.name != p.param));
            let mut lines: Vec<Line<'static>> = general
                .map(|p| paint::line(format!("✗ {} {}", p.param, p.message), theme::BAD))
                .collect();
            if lines.is_empty() {
                lines.push(paint::line("fill in what is required", theme::WARN));
            }
            lines
        }
        Check::Good(plan) => good(plan),
    }
}

fn good(plan: &TriggerPlan) -> Vec<Line<'static>> {
    let mut facts = vec![text::count(plan.task_count, "task")];
    for (task, count) in &plan.mapped {
        facts.push(match count {
            Some(count) => format!("{task} × {count}"),
            None => format!("{task} × ?"),
        });
    }
    facts.push(match plan.median_duration {
        Some(secs) => format!("usually {}", text::duration(secs)),
        None => "how long is not known yet".to_owned(),
    });
    let mut lines = vec![Line::from(vec![
        paint::span("✓ ", theme::GOOD),
        paint::span(facts.join(" · "), theme::PLAIN),
    ])];
    let at_most = usize::try_from(plan.max_active_runs).unwrap_or(usize::MAX);
    let active = plan.active_runs;
    lines.push(if active >= at_most {
        let text = format!("! will queue: {active} of at most {at_most} runs are under way");
        paint::line(text, theme::WARN)
    } else {
        paint::line(format!("  begins at once: {active} of at most {at_most} runs"), theme::DIM)
    });
    if !plan.pools.is_empty() {
        let full = plan.pools.iter().any(|need| need.free == 0);
        let pools = plan
            .pools
            .iter()
            .map(|need| format!("{} {}/{} free", need.pool, need.free, need.slots));
        let text = format!(
            "{} pools: {}",
            if full { "!" } else { " " },
            pools.collect::<Vec<_>>().join(" · ")
        );
        lines.push(paint::line(text, if full { theme::WARN } else { theme::DIM }));
    }
    lines
}

/// How the params differ from those of the last run.
fn difference(state: &State, form: &Form) -> Vec<Line<'static>> {
    let runs = state.cache.runs(Some(&form.dag_id)).unwrap_or_default();
    let Some(last) = runs.first() else { return Vec::new() };
    let name = text::run_name(last.dag_run_id.as_str());
    let mut lines = vec![Line::default(), paint::line(format!("against {name}"), theme::BOLD)];
    let params = form.params();
    let before = |name: &str| last.params.get(name).or_else(|| last.conf.get(name));
    let shown = form.fields.iter().filter(|f| !matches!(f.kind, Kind::Tabs(_) | Kind::Secret));
    for field in shown {
        let (was, is) = (before(&field.name), params.get(&field.name));
        if was.is_none() || was == is {
            continue;
        }
        let word = |value: Option<&serde_json::Value>| {
            value.map_or("—".to_owned(), |value| text::cut(&text::clean(&plain(value)), 30))
        };
        lines.push(Line::from(vec![
            paint::span(format!("  {}  ", field.name), theme::PLAIN),
            paint::span(word(was), theme::BAD),
            paint::span(" → ", theme::DIM),
            paint::span(word(is), theme::GOOD),
        ]));
    }
    if lines.len() == 2 {
        lines.push(paint::line("  the same params", theme::DIM));
    }
    lines
}
