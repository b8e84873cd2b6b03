//! Opens the form of a model's percents.

use crate::message::Effect;
use crate::rows;
use crate::screen::serving::siblings;
use crate::state::State;
use crate::state::sheet::{self, Wish};
use crate::update::sheet::{Made, show};

/// Opens the form of a model's percents.
pub(crate) fn open(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(here) = rows::served_here(state) else { return };
    let model = here.model.clone();
    let versions: Vec<(u32, u8)> =
        siblings(state).iter().map(|version| (version.version, version.weight)).collect();
    let fields = versions
        .iter()
        .map(|(version, weight)| {
            sheet::whole(&format!("v{version}"), u32::from(*weight), "percent of the requests")
        })
        .collect();
    let made = Made {
        title: format!("Split the traffic of {model}"),
        intro: vec!["Together 100. A version without a percent is let go.".to_owned()],
        fields,
        verb: "Split",
        wish: Wish::Split { model, versions: versions.into_iter().map(|(v, _)| v).collect() },
    };
    show(state, made, effects);
}
