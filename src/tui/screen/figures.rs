//! Drawings of what lies beside a run as JSON: confusion matrix, curves, importances, slices.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use serde_json::Value;

use crate::keymap::with_keys;
use crate::rows::tracking::{
    CALIBRATION, CONFUSION, IMPORTANCE, PERMUTATION, PRECISION, ROC, SHAP, SLICES,
};
use crate::screen::missing;
use crate::screen::plots::places;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::TrackingRunId;
use crate::types::view::TrackingRunView;
use crate::widget::chart::{Chart, SERIES_MAX, Series};
use crate::widget::paint;

/// The files that are drawn, in the order in which they are shown.
const DRAWN: [&str; 8] =
    [CONFUSION, IMPORTANCE, ROC, CALIBRATION, SLICES, PERMUTATION, SHAP, PRECISION];

/// Panels at once: in more, a matrix has no room for its columns.
const PANELS_MAX: usize = 4;

/// Returns the files of a run that are drawn.
pub(crate) fn of(run: &TrackingRunView) -> Vec<&'static str> {
    let has = |path: &&&str| run.artifacts.iter().any(|(other, _)| other == **path);
    DRAWN.iter().filter(has).copied().collect()
}

/// Draws as many of them as fit, the first `skip` passed over.
pub(crate) fn grid(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    run: &TrackingRunView,
    skip: usize,
) {
    let files = of(run);
    if files.is_empty() {
        let inside = paint::panel(buf, area, "Model", "", false);
        let how = "ml.train writes a confusion matrix, curves and importances beside its model";
        return paint::empty(buf, inside, "Nothing to draw beside this run", how);
    }
    let skip = skip.min(files.len() - 1);
    let places = places(area, (files.len() - skip).min(PANELS_MAX));
    let hidden = files.len() > places.len();
    for (at, (place, file)) in places.into_iter().zip(&files[skip..]).enumerate() {
        let note = match at == 0 && hidden {
            true => format!("{} of {}", skip + 1, files.len()),
            false => String::new(),
        };
        draw(buf, place, state, &run.run_id, file, &note);
    }
}

fn draw(buf: &mut Buffer, area: Rect, state: &State, run: &TrackingRunId, file: &str, note: &str) {
    let title = match file {
        CONFUSION => "Confusion matrix · rows true, columns predicted",
        ROC => "ROC · true over false positives",
        CALIBRATION => "Calibration · found over predicted",
        PRECISION => "Precision over recall",
        PERMUTATION => "Importance · what mixing up costs",
        SHAP => "Importance · share of SHAP values",
        SLICES => "Slices · the worst first",
        _ => "Importance",
    };
    let inside = paint::panel(buf, area, title, note, false);
    let key = (run.clone(), file.to_owned());
    let Some(artifact) = state.cache.artifact(&key) else {
        return missing(buf, inside, state, &Slot::Artifact(key));
    };
    let read = artifact.text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let drawn = read.and_then(|value| match file {
        CONFUSION => confusion(buf, inside, state, &value),
        IMPORTANCE | PERMUTATION | SHAP => importance(buf, inside, &value),
        SLICES => slices(buf, inside, &value),
        PRECISION => precision(buf, inside, &value),
        ROC => roc(buf, inside, &value),
        _ => calibration(buf, inside, &value),
    });
    if drawn.is_none() {
        paint::empty(buf, inside, "This file is not of the form that is drawn", "");
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| Some(item.as_str()?.to_owned())).collect()
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

/// Shades a cell by its share of its row.
fn shade(share: f64) -> &'static str {
    match share {
        s if s <= 0.0 => "  ",
        s if s < 0.25 => "░░",
        s if s < 0.5 => "▒▒",
        s if s < 0.75 => "▓▓",
        _ => "██",
    }
}

fn confusion(buf: &mut Buffer, area: Rect, state: &State, value: &Value) -> Option<()> {
    let classes = texts(value.get("classes")?)?;
    let rows: Vec<Vec<f64>> =
        value.get("matrix")?.as_array()?.iter().map(numbers).collect::<Option<_>>()?;
    let widest = classes.iter().map(|class| text::width(class)).max().unwrap_or(0);
    let names = widest.clamp(4, 16);
    let cells = widest.clamp(8, 12);
    let shown = (usize::from(area.width).saturating_sub(names + 9) / (cells + 1)).max(1);
    let mut head = vec![Span::raw(" ".repeat(names))];
    let cut = |class: &str, max: usize| text::cut(&text::clean(class), max);
    for class in classes.iter().take(shown) {
        head.push(paint::span(format!(" {:>cells$}", cut(class, cells)), theme::DIM));
    }
    head.push(paint::span(format!(" {:>8}", "recall"), theme::DIM));
    paint::put(buf, area, 0, Line::from(head));
    for (at, (class, row)) in classes.iter().zip(&rows).enumerate() {
        let total: f64 = row.iter().sum();
        let share = |count: f64| if total > 0.0 { count / total } else { 0.0 };
        let mut spans = vec![paint::span(format!("{:<names$}", cut(class, names)), theme::PLAIN)];
        for (column, count) in row.iter().enumerate().take(shown) {
            let style = match (at == column, *count > 0.0) {
                (true, _) => theme::GOOD,
                (false, true) => theme::BAD,
                (false, false) => theme::DIM,
            };
            let figure = cells - 3;
            spans.push(Span::styled(format!(" {} ", shade(share(*count))), style));
            spans.push(paint::span(format!("{count:>figure$.0}"), style));
        }
        let hit = row.get(at).copied().unwrap_or(0.0);
        spans.push(paint::span(format!(" {:>7.1}%", share(hit) * 100.0), theme::DIM));
        paint::put(buf, area, u16::try_from(at + 1).unwrap_or(u16::MAX), Line::from(spans));
    }
    let below = u16::try_from(rows.len() + 1).unwrap_or(u16::MAX);
    if classes.len() > shown {
        let hidden = classes.len() - shown;
        let more = with_keys!(state, "{hidden} more columns: {} on the file shows all", Open);
        paint::put(buf, area, below, paint::line(more, theme::DIM));
    }
    Some(())
}

fn importance(buf: &mut Buffer, area: Rect, value: &Value) -> Option<()> {
    let shares = value.get("importance")?.as_object()?;
    let mut shares: Vec<(&String, f64)> =
        shares.iter().filter_map(|(name, share)| Some((name, share.as_f64()?))).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let names = shares.iter().map(|(name, _)| text::width(name)).max()?.clamp(4, 20);
    let bars = usize::from(area.width).saturating_sub(names + 8).clamp(4, 60);
    let most = shares.first()?.1.max(f64::MIN_POSITIVE);
    let rows = usize::from(area.height);
    let hidden = shares.len().saturating_sub(rows);
    let shown = if hidden > 0 { rows.saturating_sub(1) } else { rows };
    let mut lines: Vec<Line<'static>> = shares
        .iter()
        .take(shown)
        .map(|(name, share)| {
            let full = ((share / most).clamp(0.0, 1.0) * bars as f64).round() as usize;
            let name = text::cut_middle(&text::clean(name), names);
            Line::from(vec![
                paint::span(format!("{name:<names$} "), theme::PLAIN),
                Span::styled("█".repeat(full), theme::ACCENT),
                paint::span(format!(" {:.1}%", share * 100.0), theme::DIM),
            ])
        })
        .collect();
    if hidden > 0 {
        lines.push(paint::line(format!("and {} more columns", hidden + 1), theme::DIM));
    }
    paint::put_all(buf, area, lines, 0);
    Some(())
}

/// Draws each slice with its share of the primary metric.
fn slices(buf: &mut Buffer, area: Rect, value: &Value) -> Option<()> {
    let metric = |of: &Value| {
        let metrics = of.get("metrics")?;
        let named = ["accuracy", "r2"].into_iter();
        named.filter_map(|name| Some((name, metrics.get(name)?.as_f64()?))).next()
    };
    let mut rows: Vec<(String, u64, &str, f64)> = Vec::new();
    for of in value.get("slices")?.as_array()? {
        let name = format!("{}={}", of.get("column")?.as_str()?, of.get("value")?.as_str()?);
        let (metric, figure) = metric(of)?;
        rows.push((text::clean(&name), of.get("rows")?.as_u64()?, metric, figure));
    }
    rows.sort_by(|a, b| a.3.total_cmp(&b.3));
    let names = rows.iter().map(|row| text::width(&row.0)).max()?.clamp(4, 24);
    let bars = usize::from(area.width).saturating_sub(names + 30).clamp(4, 40);
    let lines = rows.iter().map(|(name, count, metric, figure)| {
        let full = (figure.clamp(0.0, 1.0) * bars as f64).round() as usize;
        let name = text::cut_middle(name, names);
        Line::from(vec![
            paint::span(format!("{name:<names$} "), theme::PLAIN),
            Span::styled("█".repeat(full), theme::ACCENT),
            paint::span(format!(" {metric} {figure:.4} "), theme::PLAIN),
            paint::span(format!("{count} rows"), theme::DIM),
        ])
    });
    paint::put_all(buf, area, lines.collect(), 0);
    Some(())
}

/// One class' curve.
struct Curve {
    class: String,
    note: String,
    points: Vec<(f64, f64)>,
}

fn curves(value: &Value, x: &str, y: &str, note: impl Fn(&Value) -> String) -> Option<Vec<Curve>> {
    let curve = |of: &Value| {
        let points = numbers(of.get(x)?)?.into_iter().zip(numbers(of.get(y)?)?);
        let class = of.get("class")?.as_str()?.to_owned();
        Some(Curve { class, note: note(of), points: points.collect() })
    };
    value.get("classes")?.as_array()?.iter().take(SERIES_MAX).map(curve).collect()
}

fn roc(buf: &mut Buffer, area: Rect, value: &Value) -> Option<()> {
    let auc = |of: &Value| {
        of.get("auc").and_then(Value::as_f64).map_or(String::new(), |auc| format!("AUC {auc:.4}"))
    };
    draw_curves(buf, area, &curves(value, "fpr", "tpr", auc)?, true);
    Some(())
}

fn precision(buf: &mut Buffer, area: Rect, value: &Value) -> Option<()> {
    let mean = |of: &Value| {
        let mean = of.get("average_precision").and_then(Value::as_f64);
        mean.map_or(String::new(), |mean| format!("AP {mean:.4}"))
    };
    draw_curves(buf, area, &curves(value, "recall", "precision", mean)?, false);
    Some(())
}

fn calibration(buf: &mut Buffer, area: Rect, value: &Value) -> Option<()> {
    let rows = |of: &Value| {
        let count: f64 = of.get("count").and_then(numbers).unwrap_or_default().iter().sum();
        format!("{count:.0} rows")
    };
    draw_curves(buf, area, &curves(value, "mean_predicted", "fraction_of_positives", rows)?, true);
    Some(())
}

/// Draws curves, some over the diagonal, where chance, or a perfect answer, is.
fn draw_curves(buf: &mut Buffer, area: Rect, curves: &[Curve], over_diagonal: bool) {
    let mut legend = Vec::new();
    let mut series = Vec::new();
    for (at, curve) in curves.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(at).unwrap_or(0));
        let style = Series::style(at);
        if curves.len() > 1 {
            legend.push(Span::styled(format!("{letter} "), style.patch(theme::BOLD)));
        }
        legend.push(paint::span(format!("{} ", text::cut(&curve.class, 12)), theme::PLAIN));
        legend.push(paint::span(format!("{}  ", curve.note), style));
        let letter = (curves.len() > 1).then_some(letter);
        series.push(Series { look: at, letter, mark: None, points: curve.points.clone() });
    }
    paint::put(buf, area, 0, Line::from(legend));
    if over_diagonal {
        series.push(Series::plain(2, vec![(0.0, 0.0), (1.0, 1.0)]));
    }
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let x_label = |x: f64| if x == 0.0 { "0".to_owned() } else { format!("{x:.2}") };
    Chart {
        series: &series,
        x: (0.0, 1.0),
        x_label: &x_label,
        from_zero: true,
        is_log: false,
        cursor: None,
    }
    .draw(buf, below);
}
