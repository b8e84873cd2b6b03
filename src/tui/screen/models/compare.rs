//! Two versions side by side: metrics with which way they went, params, data, code, size.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::rows::models as rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::metric::{is_same, rank};
use crate::types::view::ModelVersionView;
use crate::widget::paint;

/// Cells of a value.
const VALUE: usize = 16;
/// Cells of a name.
const NAME: usize = 22;
/// What a difference and the word that judges it take.
const VERDICT: usize = 19;

/// Draws the comparison as a screen of its own.
pub(crate) fn draw_page(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    left: &(String, u32),
    right: &(String, u32),
) {
    let find = |of: &(String, u32)| rows::find(state, &of.0, of.1);
    match (find(left), find(right)) {
        (Some(one), Some(other)) => draw(buf, area, state, [one, other], true),
        (one, _) => {
            let inside = paint::panel(buf, area, "Compare", "", true);
            let absent = if one.is_none() { left } else { right };
            let slot = Slot::Model(absent.0.clone());
            if state.cache.is_new(&slot) {
                return missing(buf, inside, state, &slot);
            }
            let what = format!("{} v{} is gone", absent.0, absent.1);
            paint::empty(buf, inside, &what, &with_keys!(state, "{} goes back", Back));
        }
    }
}

/// Draws two versions beside each other.
pub(super) fn draw(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    [one, other]: [&ModelVersionView; 2],
    is_focused: bool,
) {
    let all = state.level().models.shows_same;
    let title =
        format!("Compare {} v{} ↔ {} v{}", one.name, one.version, other.name, other.version);
    let note = match all {
        true => with_keys!(state, "{} only what differs", OnlyDifferent),
        false => with_keys!(state, "only what differs · {} all", OnlyDifferent),
    };
    let inside = paint::panel(buf, area, &title, &note, is_focused);
    // A column of values gives way before the word that judges them.
    let width = usize::from(inside.width).saturating_sub(NAME + 4 + VERDICT) / 2;
    let width = width.clamp(8, VALUE);
    let mut lines = vec![head(one, other, width)];
    lines.extend(metrics(one, other, all, width));
    lines.extend(texts(one, other).into_iter().filter_map(|(name, before, after)| {
        (all || before != after).then(|| text_line(&name, before, after, width))
    }));
    if lines.len() == 1 {
        lines.push(paint::line("nothing differs", theme::DIM));
    }
    let hidden = lines.len().saturating_sub(usize::from(inside.height));
    let scroll = if is_focused { state.level().scroll } else { 0 };
    paint::put_all(buf, inside, lines, scroll.min(hidden));
}

fn head(one: &ModelVersionView, other: &ModelVersionView, width: usize) -> Line<'static> {
    let title = |version: &ModelVersionView| {
        let alias = version.aliases.first().map(|alias| format!(" {alias}")).unwrap_or_default();
        text::cut(&format!("v{}{alias}", version.version), width)
    };
    paint::line(format!("{:NAME$} {:>width$} {:>width$}", "", title(one), title(other)), theme::DIM)
}

fn metrics(
    one: &ModelVersionView,
    other: &ModelVersionView,
    all: bool,
    width: usize,
) -> Vec<Line<'static>> {
    let names: BTreeSet<&String> =
        one.metrics.iter().chain(&other.metrics).map(|(name, _)| name).collect();
    // A value for each fold compares with nothing.
    let mut names: Vec<&String> =
        names.into_iter().filter(|name| !name.ends_with("_fold")).collect();
    names.sort_by_key(|name| (rank(name), name.as_str()));
    let value = |version: &ModelVersionView, name: &str| {
        version.metrics.iter().find(|(found, _)| found == name).map(|(_, value)| *value)
    };
    names
        .into_iter()
        .map(|name| (name, value(one, name), value(other, name)))
        .filter(|(_, before, after)| all || before != after)
        .map(|(name, before, after)| metric_line(name, before, after, width))
        .collect()
}

fn metric_line(name: &str, before: Option<f64>, after: Option<f64>, width: usize) -> Line<'static> {
    let word = |value: Option<f64>| value.map_or("—".to_owned(), text::figure);
    let row = format!(
        "{:<NAME$} {:>width$} {:>width$}  ",
        text::cut_middle(name, NAME),
        word(before),
        word(after)
    );
    let mut spans = vec![paint::span(row, theme::PLAIN)];
    if let (Some(before), Some(after)) = (before, after) {
        let (told, style) = match theme::gain_mark(name, before, after) {
            Some(mark) => (format!(" {} {}", mark.glyph, mark.word), mark.style),
            None if is_same(before, after) => (" =".to_owned(), theme::DIM),
            None => (String::new(), theme::PLAIN),
        };
        spans.push(paint::span(format!("{:>+10.4}{told}", after - before), style));
    }
    Line::from(spans)
}

type Texts = (String, Option<String>, Option<String>);

/// Returns params, data, code and size of both.
fn texts(one: &ModelVersionView, other: &ModelVersionView) -> Vec<Texts> {
    let names: BTreeSet<&String> =
        one.params.iter().chain(&other.params).map(|(name, _)| name).collect();
    let value = |list: &[(String, String)], name: &str| {
        list.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    };
    let mut texts: Vec<Texts> = names
        .into_iter()
        .map(|name| (name.clone(), value(&one.params, name), value(&other.params, name)))
        .collect();
    let both = |name: &str, of: &dyn Fn(&ModelVersionView) -> Option<String>| {
        (name.to_owned(), of(one), of(other))
    };
    texts.push(both("data", &|version| value(&version.tags, "dagdeck.dataset")));
    texts.push(both("data digest", &|version| {
        value(&version.tags, "dagdeck.dataset_digest").map(|digest| text::cut(&digest, VALUE))
    }));
    texts.push(both("made by", &|version| Some(version.origin.as_ref()?.run.dag_id.to_string())));
    texts.push(both("DAG version", &|version| {
        version.origin.as_ref()?.dag_version_number.map(|number| format!("v{number}"))
    }));
    texts.push(both("size", &|version| version.size_bytes.map(text::bytes)));
    texts
}

fn text_line(
    name: &str,
    before: Option<String>,
    after: Option<String>,
    width: usize,
) -> Line<'static> {
    let verdict = if before == after { ("", theme::DIM) } else { ("≠", theme::WARN) };
    let word =
        |value: Option<String>| text::cut_middle(&value.unwrap_or_else(|| "—".to_owned()), width);
    let row = format!(
        "{:<NAME$} {:>width$} {:>width$}  ",
        text::cut_middle(name, NAME),
        word(before),
        word(after)
    );
    Line::from(vec![
        paint::span(row, theme::PLAIN),
        paint::span(format!("{:>10}", verdict.0), verdict.1),
    ])
}
