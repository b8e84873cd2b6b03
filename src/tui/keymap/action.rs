//! What keys do, by name.

use crate::state::View;

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
    Test,
    OlderRun,
    NewerRun,
    OpenTask,
    TaskDetails,
    Follow,
    Wrap,
    Times,
    Search,
    NextMatch,
    PreviousMatch,
    OlderTry,
    NewerTry,
    EventRail,
    Prune,
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
    Promote,
    Rollback,
}

impl Action {
    /// Returns the name that a keymap file has for it: `half_down`, `show_runs`.
    pub(crate) fn name(self) -> String {
        let mut name = String::new();
        let mut is_inside = false;
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && is_inside {
                name.push('_');
            }
            if c.is_alphanumeric() {
                name.push(c.to_ascii_lowercase());
                is_inside = true;
            }
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_with_underscores() {
        assert_eq!(Action::Down.name(), "down");
        assert_eq!(Action::HalfDown.name(), "half_down");
        assert_eq!(Action::Show(View::Runs).name(), "show_runs");
    }
}
