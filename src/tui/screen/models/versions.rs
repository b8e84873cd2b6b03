//! The versions of one model with the figures of their runs.

use ratatui::text::Line;

use crate::rows::models as rows;
use crate::screen::experiments::{main_metrics, metric};
use crate::screen::models::version::{gates_cell, traffic};
use crate::text;
use crate::theme;
use crate::types::metric::{Better, better};
use crate::types::view::ModelVersionView;
use crate::widget::list::{Field, List, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, right};

/// Describes the list of the versions of a model, with the metrics that say most of `all`.
pub(crate) fn list(name: &str, all: &[ModelVersionView]) -> List<'static, ModelVersionView> {
    let metrics = main_metrics(all.iter().map(|version| version.metrics.as_slice()));
    let mut list = List::new("model versions", format!("Versions of {name}"), rows::key_of)
        .words(|version| format!("v{} {}", version.version, version.aliases.join(" ")))
        .field(
            Field::new("version", fixed("VER", 5, 0), |_, version: &ModelVersionView| {
                paint::line(format!("v{}", version.version), theme::PLAIN)
            })
            .sorted_down(|_, version| Value::number(f64::from(version.version))),
        )
        .field(
            Field::new("aliases", growing("ALIASES", 12, 0), |_, version: &ModelVersionView| {
                paint::line(version.aliases.join(","), theme::ACCENT)
            })
            .sorted(|_, version| version.aliases.first().map_or(Value::Nothing, Value::text)),
        )
        .field(Field::words("model", growing("MODEL", 12, 1), theme::PLAIN, family))
        .field(Field::new("gates", right("GATES", 5, 1), |_, version: &ModelVersionView| {
            gates_cell(version)
        }));
    for (at, name) in metrics.into_iter().enumerate() {
        list = list.field(metric_field(name, 2 + u8::try_from(at).unwrap_or(9)));
    }
    list.field(Field::new("traffic", right("TRAFFIC", 7, 1), |look, version: &ModelVersionView| {
        paint::line(traffic(look.state, version), theme::GOOD)
    }))
    .field(Field::ago(
        "made",
        right("MADE", 8, 0),
        theme::DIM,
        |version: &ModelVersionView| Some(version.creation_timestamp),
    ))
}

fn family(version: &ModelVersionView) -> String {
    let found = version.params.iter().find(|(name, _)| name == "model");
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn metric_field(name: String, rank: u8) -> Field<'static, ModelVersionView> {
    let (title, sorted) = (text::cut(&name, 9), name.clone());
    let is_less = better(&name) == Some(Better::Less);
    let field = Field::new(
        name.clone(),
        right("", 9, rank),
        move |_, version: &ModelVersionView| -> Line<'static> {
            paint::line(metric(&version.metrics, &name), theme::PLAIN)
        },
    )
    .titled(title);
    let value = move |_: &crate::state::State, version: &ModelVersionView| {
        let found = version.metrics.iter().find(|(other, _)| *other == sorted);
        Value::number(found.map(|(_, value)| *value).filter(|value| value.is_finite()))
    };
    if is_less { field.sorted(value) } else { field.sorted_down(value) }
}
