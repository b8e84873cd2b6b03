//! What keys do, by name.

use crate::state::View;
use crate::update::ChartKey;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Help,
    Palette,
    Filter,
    Back,
    Leave,
    Quit,
    Down,
    Up,
    Left,
    Right,
    Top,
    Bottom,
    HalfDown,
    HalfUp,
    Open,
    NextPane,
    PreviousPane,
    Zoom,
    Copy,
    Refetch,
    Suspend,
    Mouse,
    Show(View),
    PlaceBefore,
    PlaceAfter,
    OtherView,
    ShowErrors,
    GoAsset,
    GoModel,
    GoEndpoint,
    Attention,
    AttentionBox,
    FailedLog,
    Trigger,
    Pause,
    DagRuns,
    DagPage,
    Clear,
    ClearFailed,
    Cancel,
    Mark,
    Note,
    Delete,
    Undo,
    Redo,
    MarkRow,
    MarkAll,
    MarkRange,
    Sort,
    Columns,
    Why,
    Approvals,
    Answer,
    OpenRun,
    Versions,
    Backfills,
    Backfill,
    EditSetting,
    Edit,
    CommandLog,
    Test,
    OlderRun,
    NewerRun,
    NextFailed,
    PreviousFailed,
    Bars,
    FailedFirst,
    Recentre,
    MoreHops,
    FewerHops,
    MoreDetail,
    LessDetail,
    Turn,
    CriticalPath,
    AllEdges,
    RunPage,
    RunDiff,
    OpenTask,
    TaskDetails,
    Follow,
    Freeze,
    Wrap,
    Times,
    Search,
    NextMatch,
    PreviousMatch,
    OlderTry,
    NewerTry,
    EventRail,
    Prune,
    ReplaceWorker,
    WorkerDetails,
    Answered,
    Operations,
    OpenLog,
    LogWindow(u8),
    LogLevel,
    OnlyMatches,
    NextError,
    PreviousError,
    PrettyJson,
    GoToTime,
    Marker,
    SaveLog,
    PipeLog,
    Beside,
    CopyLines,
    Emit,
    Materialise,
    Impact,
    Chain,
    ColumnOrigins,
    Compare,
    OnlyDifferent,
    Promote,
    Rollback,
    Baseline,
    Flat,
    Trials,
    LoggedModels,
    Register,
    Tag,
    ProducingRun,
    PageBefore,
    PageAfter,
    Chart(ChartKey),
    TryIt,
    /// The next step of a rollout.
    Advance,
    /// The percents of a model's versions.
    Split,
}

impl Action {
    /// Returns the name that a keymap file has for it: `half-down`, `show-runs`.
    pub(crate) fn name(self) -> String {
        kebab(&format!("{self:?}"))
    }
}

/// Writes a name of the code as a keymap file does: `Show(DagRuns)` as `show-dag-runs`.
pub(super) fn kebab(name: &str) -> String {
    let mut written = String::new();
    for c in name.chars().filter(|c| c.is_alphanumeric()) {
        if c.is_ascii_uppercase() && !written.is_empty() {
            written.push('-');
        }
        written.push(c.to_ascii_lowercase());
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_with_dashes() {
        assert_eq!(Action::Down.name(), "down");
        assert_eq!(Action::HalfDown.name(), "half-down");
        assert_eq!(Action::Show(View::Runs).name(), "show-runs");
    }
}
