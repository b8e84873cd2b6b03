//! Where keys are valid.

use crate::keymap::action::kebab;
use crate::rows;
use crate::state::lineage::AssetPane;
use crate::state::models::ModelPane;
use crate::state::{Pane, Screen, State, View};
use crate::update::assets::pane_of;

macro_rules! places {
    ($($place:ident),+ $(,)?) => {
        /// Where a key is valid.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Place {
            $($place),+
        }

        impl Place {
            /// Every place.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$place),+];

            /// Returns the name that a keymap file has for it: `dag-page`.
            pub(crate) fn name(self) -> String {
                kebab(&format!("{self:?}"))
            }
        }
    };
}

places! {
    Dags,
    Attention,
    DagPage,
    Runs,
    Tasks,
    Graph,
    Log,
    Form,
    Assets,
    Lineage,
    AssetDetails,
    AssetWhy,
    Impact,
    Chain,
    Columns,
    Experiments,
    TrackingRuns,
    TrackingRun,
    Trials,
    LoggedModels,
    LoggedModel,
    Artifact,
    CompareRuns,
    Models,
    ModelPage,
    ModelDetails,
    Compare,
    Serving,
    Drift,
    Events,
    System,
    Errors,
    Versions,
    Diff,
    Backfills,
    BackfillPage,
    Approvals,
    Operations,
    OperationPage,
    Commands,
}

/// Returns where the operator is, as far as keys are concerned.
pub(crate) fn place(state: &State) -> Place {
    let level = state.level();
    match &level.screen {
        Screen::Root(View::Dags) if rows::attention::is_in_box(state) => Place::Attention,
        Screen::Attention => Place::Attention,
        Screen::Root(View::Dags) => Place::Dags,
        Screen::Root(View::Runs) | Screen::DagRuns(_) => Place::Runs,
        Screen::Root(View::Assets) | Screen::Asset(_) => match pane_of(state) {
            AssetPane::Tree => Place::Assets,
            AssetPane::Lineage => Place::Lineage,
            AssetPane::Details => Place::AssetDetails,
        },
        Screen::AssetWhy(_) => Place::AssetWhy,
        Screen::Impact(_) => Place::Impact,
        Screen::Chain(_) => Place::Chain,
        Screen::Columns(_) => Place::Columns,
        Screen::Root(View::Experiments) => Place::Experiments,
        Screen::Root(View::Models) => match level.models.pane {
            ModelPane::Registry => Place::Models,
            ModelPane::Version | ModelPane::History => Place::ModelDetails,
        },
        Screen::Compare(..) => Place::Compare,
        Screen::Root(View::Serving) => Place::Serving,
        Screen::Drift(..) => Place::Drift,
        Screen::Root(View::Events) => Place::Events,
        Screen::Root(View::System) => Place::System,
        Screen::Dag(_) => Place::DagPage,
        Screen::Run(_) => match level.pane {
            Pane::Tasks => Place::Tasks,
            Pane::Graph => Place::Graph,
            Pane::Log => Place::Log,
        },
        Screen::Log(_) | Screen::DaemonLog => Place::Log,
        Screen::Form(_) => Place::Form,
        Screen::Experiment(_) => Place::TrackingRuns,
        Screen::TrackingRun(_) => Place::TrackingRun,
        Screen::Trials(_) | Screen::TaskTrials(_) => Place::Trials,
        Screen::LoggedModels(_) => Place::LoggedModels,
        Screen::LoggedModel(_) => Place::LoggedModel,
        Screen::Artifact(..) => Place::Artifact,
        Screen::CompareRuns(_) => Place::CompareRuns,
        Screen::Model(_) => Place::ModelPage,
        Screen::Definitions => Place::Errors,
        Screen::Versions(_) => Place::Versions,
        Screen::Diff(..) => Place::Diff,
        Screen::Backfills(_) => Place::Backfills,
        Screen::Backfill(..) => Place::BackfillPage,
        Screen::Operations => Place::Operations,
        Screen::Operation(_) => Place::OperationPage,
        Screen::Commands => Place::Commands,
        Screen::Approvals => Place::Approvals,
    }
}
