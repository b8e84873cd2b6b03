//! The registry: models with their versions below them.

use std::iter::once;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows::models::{self as rows, ModelRow};
use crate::screen::experiments::{main_metrics, metric};
use crate::screen::models::version::{gates_cell, traffic};
use crate::screen::{filtered_out, first, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::metric::{Better, better};
use crate::types::view::ModelVersionView;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{growing, position, right};

pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let level = state.level();
    let shown = rows::tree(state, level);
    let keys: Vec<String> = shown.iter().map(ModelRow::key).collect();
    let selected = level.cursor(&keys);
    let (list, all) = (list(state), state.cache.models());
    let models = rows::models(state, level).len();
    let title = list.title(state, level, models, all.map_or(0, <[_]>::len));
    let inside = paint::panel(buf, area, &title, &position(selected, shown.len()), is_focused);
    if all.is_none() {
        return missing(buf, inside, state, &Slot::Models);
    }
    if shown.is_empty() && !level.filter.is_empty() {
        return filtered_out(buf, inside, state, "No model passes the filter");
    }
    if shown.is_empty() {
        let how = first::by_training(state, "a model.register task makes one");
        return paint::empty(buf, inside, "No registered models yet", &how);
    }
    let shown_as = Shown { is_focused, ..Shown::focused(level, selected) };
    list.draw(buf, inside, state, &shown, &shown_as);
}

/// Describes the list: models, and below each its versions, which an order that is chosen puts in
/// order among themselves. A flat list of all versions would not be whole: those of a closed model
/// are not fetched.
pub(crate) fn list<'a>(state: &State) -> List<'a, ModelRow<'a>> {
    let main = main_of(state);
    let metric_title = main.as_ref().map_or("METRIC".to_owned(), |name| name.to_uppercase());
    List::new("models", "Models", ModelRow::key)
        .words(rows::words)
        .field(
            Field::new("model", growing("MODEL", 11, 0), |_, row: &ModelRow<'a>| name(row)).sorted(
                |_, row| match row {
                    ModelRow::Model { model, .. } => Value::text(&model.name),
                    ModelRow::Version(version) => Value::number(f64::from(version.version)),
                },
            ),
        )
        .field(
            Field::new("alias", growing("ALIAS", 12, 0), |_, row: &ModelRow<'a>| aliases(row))
                .sorted(|_, row| {
                    let alias = match row {
                        ModelRow::Model { model, .. } => {
                            model.aliases.first().map(|(name, _)| name)
                        }
                        ModelRow::Version(version) => version.aliases.first(),
                    };
                    alias.map_or(Value::Nothing, Value::text)
                }),
        )
        .field(metric_field(main).titled(text::cut(&metric_title, 8)))
        .field(
            Field::new("age", right("AGE", 4, 0), |look, row: &ModelRow<'a>| {
                let ago = text::ago(look.state.now, row.changed());
                paint::line(ago.trim_end_matches(" ago"), theme::DIM)
            })
            .sorted_down(|_, row| Value::time(row.changed())),
        )
        .field(Field::new("gates", right("GATES", 5, 1), |_, row: &ModelRow<'a>| {
            row.version().map(gates_cell).unwrap_or_default()
        }))
        .field(Field::new("traffic", right("TRAFFIC", 7, 2), |look, row: &ModelRow<'a>| {
            let told = row.version().map(|version| traffic(look.state, version));
            paint::line(told.unwrap_or_default(), theme::GOOD)
        }))
        .field(Field::words("run", growing("RUN", 14, 3), theme::DIM, |row: &ModelRow<'a>| {
            let origin = row.version().and_then(|version| version.origin.as_ref());
            origin.map(|made| text::run_name(made.run.dag_run_id.as_str())).unwrap_or_default()
        }))
}

/// The metric of each version that says most; `main` where all have it.
fn metric_field<'a>(main: Option<String>) -> Field<'a, ModelRow<'a>> {
    let is_less = main.as_deref().and_then(better) == Some(Better::Less);
    let told = |row: &ModelRow<'a>| {
        row.version()
            .and_then(|version| main_metrics(once(&version.metrics[..])).into_iter().next())
    };
    let field = Field::new("metric", right("METRIC", 9, 0), move |_, row: &ModelRow<'a>| {
        let Some(version) = row.version() else { return Line::default() };
        let name = told(row);
        let figure = name.map_or("—".to_owned(), |name| metric(&version.metrics, &name));
        paint::line(figure, theme::PLAIN)
    });
    let value = move |_: &State, row: &ModelRow<'a>| {
        let name = main.clone().or_else(|| told(row));
        let metrics = row.version().map(|version| version.metrics.as_slice()).unwrap_or_default();
        let found = metrics.iter().find(|(other, _)| Some(other) == name.as_ref());
        Value::number(found.map(|(_, value)| *value).filter(|value| value.is_finite()))
    };
    if is_less { field.sorted(value) } else { field.sorted_down(value) }
}

/// Returns the metric that all versions which were fetched are told by.
fn main_of(state: &State) -> Option<String> {
    let models = rows::open(state, state.level());
    let details = models.iter().filter_map(|model| state.cache.model(&model.name));
    let versions: Vec<&ModelVersionView> = details.flat_map(|model| &model.versions).collect();
    let metrics = versions.iter().map(|version| version.metrics.as_slice());
    let found = main_metrics(metrics).into_iter().next()?;
    let has = |version: &&ModelVersionView| version.metrics.iter().any(|(name, _)| *name == found);
    versions.iter().all(has).then_some(found)
}

fn name(row: &ModelRow<'_>) -> Line<'static> {
    match row {
        ModelRow::Model { model, is_open } => {
            let fold = if *is_open { "▾" } else { "▸" };
            paint::line(format!("{fold} {}", model.name), theme::BOLD)
        }
        ModelRow::Version(version) => paint::line(format!("   v{}", version.version), theme::PLAIN),
    }
}

/// Tells the aliases; of a model that is open only how many versions it has.
fn aliases(row: &ModelRow<'_>) -> Line<'static> {
    match row {
        ModelRow::Version(version) => paint::line(version.aliases.join(","), theme::ACCENT),
        ModelRow::Model { model, is_open } if *is_open || model.aliases.is_empty() => {
            let count = usize::try_from(model.version_count).unwrap_or(0);
            paint::line(text::count(count, "version"), theme::DIM)
        }
        ModelRow::Model { model, .. } => {
            let told = model.aliases.iter().map(|(alias, version)| format!("{alias} v{version}"));
            paint::line(told.collect::<Vec<_>>().join("  "), theme::ACCENT)
        }
    }
}
