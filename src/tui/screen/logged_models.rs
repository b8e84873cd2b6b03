//! Logged models: those of an experiment or of a run, and one of them in full.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use serde_json::Value;

use crate::keymap::with_keys;
use crate::rows::{self, logged};
use crate::screen::experiments::{main_metrics, metric};
use crate::screen::{filtered_out, missing};
use crate::state::level::LoggedOf;
use crate::state::{Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::view::LoggedModelView;
use crate::widget::list::{Field, List, Shown, Value as Sorted};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// From this width on the selected model stands beside the list.
const WIDE: u16 = 120;

/// Metrics that have columns.
const METRICS_MAX: usize = 2;

/// Draws the list, and where there is room the selected model.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, of: &LoggedOf) {
    let level = state.level();
    let all = state.cache.logged_models(of);
    let models = logged::models(state, level, of);
    let selected = rows::place(level, &models);
    let (place, beside) = if area.width >= WIDE {
        let parts = [Constraint::Percentage(58), Constraint::Min(0)];
        let [place, beside] = Layout::horizontal(parts).areas(area);
        (place, Some(beside))
    } else {
        (area, None)
    };
    let list = list(all.unwrap_or_default());
    let title = list.title(state, level, models.len(), all.map_or(0, <[_]>::len));
    let title =
        title.replacen("Logged models", &format!("Logged models of {}", named(state, of)), 1);
    let inside = paint::panel(buf, place, &title, &position(selected, models.len()), true);
    if let Some(beside) = beside {
        draw_beside(buf, beside, state, models.get(selected).copied());
    }
    match all {
        None => missing(buf, inside, state, &logged::slot(of)),
        Some([]) => {
            let how = "MLflow's log_model logs one; ml.train keeps its model with its run";
            paint::empty(buf, inside, "No logged models", how);
        }
        Some(_) if models.is_empty() => {
            filtered_out(buf, inside, state, "No logged model passes the filter");
        }
        Some(_) => list.draw(buf, inside, state, &models, &Shown::focused(level, selected)),
    }
}

/// Names whose logged models are shown.
pub(crate) fn named(state: &State, of: &LoggedOf) -> String {
    match of {
        LoggedOf::Experiment(name) => name.clone(),
        LoggedOf::Run(run_id) => match state.cache.tracking_run(run_id) {
            Some(run) => run.run_name.clone(),
            None => text::cut_middle(run_id.as_str(), 13),
        },
    }
}

fn draw_beside(buf: &mut Buffer, area: Rect, state: &State, model: Option<&LoggedModelView>) {
    let Some(model) = model else {
        paint::panel(buf, area, "Model", "", false);
        return;
    };
    let note = with_keys!(state, "{} opens", Open);
    let inside = paint::panel(buf, area, &format!("Model {}", model.name), &note, false);
    // What its folder says comes a moment later.
    let model = state.cache.logged_model(&model.model_id).unwrap_or(model);
    paint::put_all(buf, inside, lines(state, model, usize::from(inside.width)), 0);
}

/// Draws one logged model in full.
pub(crate) fn draw_page(buf: &mut Buffer, area: Rect, state: &State, model_id: &str) {
    let Some(model) = state.cache.logged_model(model_id) else {
        let inside = paint::panel(buf, area, model_id, "", true);
        return missing(buf, inside, state, &Slot::LoggedModel(model_id.to_owned()));
    };
    let note = with_keys!(state, "{} {} scroll", Down, Up);
    let inside = paint::panel(buf, area, &format!("Model {}", model.name), &note, true);
    let lines = lines(state, model, usize::from(inside.width));
    let hidden = lines.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, lines, state.level().scroll.min(hidden));
}

/// Describes the list.
pub(crate) fn list(all: &[LoggedModelView]) -> List<'static, LoggedModelView> {
    let key = |model: &LoggedModelView| model.model_id.clone();
    let mut list = List::new("logged models", "Logged models", key)
        .words(words)
        .field(
            Field::new("status", fixed("S", 1, 0), |_, model: &LoggedModelView| {
                Line::from(paint::glyph(mark(model)))
            })
            .sorted(|_, model| Sorted::text(&model.status)),
        )
        .field(Field::words(
            "model",
            growing("MODEL", 16, 0),
            theme::PLAIN,
            |model: &LoggedModelView| text::clean(&model.name),
        ))
        .field(Field::words(
            "type",
            growing("TYPE", 10, 3),
            theme::DIM,
            |model: &LoggedModelView| text::clean(model.model_type.as_deref().unwrap_or("—")),
        ));
    let names = main_metrics(all.iter().map(|model| model.metrics.as_slice()));
    for (at, name) in (0..).zip(names.into_iter().take(METRICS_MAX)) {
        let (title, sorted) = (text::cut(&name, 12), name.clone());
        let field =
            Field::new(name.clone(), right("", 10, 4 + at), move |_, model: &LoggedModelView| {
                paint::line(metric(&model.metrics, &name), theme::PLAIN)
            });
        let value = move |_: &State, model: &LoggedModelView| {
            let found = model.metrics.iter().find(|(other, _)| *other == sorted);
            Sorted::number(found.map(|(_, value)| *value).filter(|value| value.is_finite()))
        };
        list = list.field(field.titled(title).sorted_down(value));
    }
    list.field(Field::words(
        "registered",
        growing("REGISTERED", 12, 1),
        theme::ACCENT,
        |model: &LoggedModelView| registered(model).unwrap_or_else(|| "—".to_owned()),
    ))
    .field(Field::ago("made", right("MADE", 8, 0), theme::DIM, |model: &LoggedModelView| {
        Some(model.creation_timestamp)
    }))
}

/// Shows whether the files of a model are there.
pub(crate) fn mark(model: &LoggedModelView) -> Mark {
    let as_a_run = match model.status.as_str() {
        "READY" => "FINISHED",
        "PENDING" => "RUNNING",
        other => other,
    };
    let word = match model.status.as_str() {
        "READY" => "ready",
        "PENDING" => "its files are still to come",
        _ => "failed",
    };
    Mark { word, ..theme::tracking_mark(as_a_run) }
}

/// Names the versions that a model is.
pub(crate) fn registered(model: &LoggedModelView) -> Option<String> {
    let versions = model.registrations.iter();
    let versions: Vec<String> =
        versions.map(|(name, version)| format!("{name} v{version}")).collect();
    (!versions.is_empty()).then(|| versions.join(", "))
}

fn words(model: &LoggedModelView) -> String {
    let kind = model.model_type.as_deref().unwrap_or_default();
    let registered = registered(model).unwrap_or_default();
    let mut words =
        format!("{} {} {kind} {registered} {}", model.name, model.model_id, model.status);
    for (name, value) in model.params.iter().chain(&model.tags) {
        words.push_str(&format!(" {name}:{value}"));
    }
    words
}

/// Returns all that is known of a model, line by line.
fn lines(state: &State, model: &LoggedModelView, width: usize) -> Vec<Line<'static>> {
    let mut status = paint::worded(mark(model)).to_vec();
    let when = text::ago(state.now, model.creation_timestamp);
    status.push(paint::span(format!("  {when}"), theme::DIM));
    let mut lines = vec![Line::from(status), paint::pair("id", &model.model_id)];
    let dash = || "—".to_owned();
    let kind = model.model_type.clone().unwrap_or_else(dash);
    lines.push(paint::pair("type", text::clean(&kind)));
    let flavors = (!model.flavors.is_empty()).then(|| model.flavors.join(", "));
    lines.push(paint::pair("flavors", text::clean(&flavors.unwrap_or_else(dash))));
    lines.push(paint::pair("registered", registered(model).unwrap_or_else(dash)));
    let run = model.source_run_id.as_ref().map(|run| match state.cache.tracking_run(run) {
        Some(run) => run.run_name.clone(),
        None => run.to_string(),
    });
    lines.push(paint::pair("run", run.unwrap_or_else(dash)));
    let pairs = |list: &[(String, String)]| -> Vec<(String, String)> {
        list.iter().map(|(name, value)| (name.clone(), text::clean(value))).collect()
    };
    let metrics = model.metrics.iter().map(|(name, value)| (name.clone(), text::figure(*value)));
    part(&mut lines, "Metrics", metrics.collect(), width);
    part(&mut lines, "Params", pairs(&model.params), width);
    part(&mut lines, "Tags", pairs(&model.tags), width);
    for (title, key) in [("Takes", "inputs"), ("Answers", "outputs")] {
        part(&mut lines, title, columns(model.signature.as_ref(), key), width);
    }
    let files = model.files.iter().map(|(path, size)| (path.clone(), text::bytes(*size)));
    part(&mut lines, "Files", files.collect(), width);
    lines
}

/// Adds a part with its title, where it has something.
fn part(lines: &mut Vec<Line<'static>>, title: &str, pairs: Vec<(String, String)>, width: usize) {
    if pairs.is_empty() {
        return;
    }
    lines.push(Line::default());
    lines.push(paint::line(title, theme::BOLD));
    let names = pairs.iter().map(|(name, _)| text::width(name)).max().unwrap_or(0);
    let names = names.clamp(8, (width / 2).max(8));
    for (name, value) in pairs {
        let name = text::cut_middle(&text::clean(&name), names);
        lines.push(Line::from(vec![
            paint::span(format!(" {name:<names$} "), theme::DIM),
            paint::span(text::cut(&value, width.saturating_sub(names + 2)), theme::PLAIN),
        ]));
    }
}

/// Returns the columns of one side of a signature, each with its type.
fn columns(signature: Option<&Value>, key: &str) -> Vec<(String, String)> {
    let list = signature.and_then(|signature| signature.get(key)).and_then(Value::as_array);
    let column = |of: &Value| {
        let said = |key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let shape = of.get("tensor-spec").and_then(|spec| spec.get("shape"));
        let shape = shape.map(|shape| format!(" {shape}")).unwrap_or_default();
        let is_optional = of.get("required").and_then(Value::as_bool) == Some(false);
        let optional = if is_optional { " · optional" } else { "" };
        let name = said("name");
        let name = if name.is_empty() { "(no name)".to_owned() } else { name };
        (name, format!("{}{shape}{optional}", text::clean(&said("type"))))
    };
    list.map(|list| list.iter().map(column).collect()).unwrap_or_default()
}
