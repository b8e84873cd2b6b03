//! When a task may run, given how its upstream tasks ended: Airflow's thirteen rules.

use serde::{Deserialize, Serialize};

/// A trigger rule, in Airflow's spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerRule {
    #[default]
    AllSuccess,
    AllFailed,
    AllDone,
    AllDoneMinOneSuccess,
    AllDoneSetupSuccess,
    OneSuccess,
    OneFailed,
    OneDone,
    NoneFailed,
    NoneFailedMinOneSuccess,
    NoneSkipped,
    AllSkipped,
    Always,
}

impl TriggerRule {
    /// Every rule with its spelling.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::AllSuccess, "all_success"),
        (Self::AllFailed, "all_failed"),
        (Self::AllDone, "all_done"),
        (Self::AllDoneMinOneSuccess, "all_done_min_one_success"),
        (Self::AllDoneSetupSuccess, "all_done_setup_success"),
        (Self::OneSuccess, "one_success"),
        (Self::OneFailed, "one_failed"),
        (Self::OneDone, "one_done"),
        (Self::NoneFailed, "none_failed"),
        (Self::NoneFailedMinOneSuccess, "none_failed_min_one_success"),
        (Self::NoneSkipped, "none_skipped"),
        (Self::AllSkipped, "all_skipped"),
        (Self::Always, "always"),
    ];

    /// Returns the spelling on the wire.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(rule, _)| *rule == self).map_or("all_success", |(_, text)| text)
    }

    /// Finds the rule that is spelled so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, spelled)| *spelled == text).map(|(rule, _)| *rule)
    }
}
