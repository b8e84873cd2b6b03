//! States of runs and task instances, in Airflow's spelling.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every state, in order of progress.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the spelling on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownState;

            fn from_str(text: &str) -> Result<Self, UnknownState> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(UnknownState(text.to_owned())),
                }
            }
        }
    };
}

/// A state that nobody spells that way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownState(pub String);

impl fmt::Display for UnknownState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a state", self.0)
    }
}

impl std::error::Error for UnknownState {}

spelled! {
    /// Where a task instance stands; Airflow's "no status" is `None` of an `Option`.
    TaskInstanceState {
        Scheduled = "scheduled",
        Queued = "queued",
        Running = "running",
        Restarting = "restarting",
        Deferred = "deferred",
        UpForRetry = "up_for_retry",
        UpForReschedule = "up_for_reschedule",
        Success = "success",
        Failed = "failed",
        UpstreamFailed = "upstream_failed",
        Skipped = "skipped",
        Removed = "removed",
    }
}

spelled! {
    /// Where a DAG run stands.
    DagRunState {
        Queued = "queued",
        Running = "running",
        Success = "success",
        Failed = "failed",
    }
}

impl TaskInstanceState {
    /// Says whether nothing will happen to it any more by itself.
    pub const fn is_finished(self) -> bool {
        matches!(
            self,
            Self::Success | Self::Failed | Self::UpstreamFailed | Self::Skipped | Self::Removed
        )
    }

    /// Says whether an executor holds an attempt of it.
    pub const fn is_in_flight(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Restarting)
    }

    /// Returns the byte that stands for a state where many are sent.
    pub const fn code(state: Option<Self>) -> char {
        match state {
            None => '.',
            Some(Self::Scheduled) => 'c',
            Some(Self::Queued) => 'q',
            Some(Self::Running) => 'r',
            Some(Self::Restarting) => 'e',
            Some(Self::Deferred) => 'd',
            Some(Self::UpForRetry) => 'y',
            Some(Self::UpForReschedule) => 'h',
            Some(Self::Success) => 's',
            Some(Self::Failed) => 'f',
            Some(Self::UpstreamFailed) => 'u',
            Some(Self::Skipped) => 'k',
            Some(Self::Removed) => 'x',
        }
    }

    /// Returns the state that a byte stands for.
    pub fn from_code(code: char) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| Self::code(Some(*state)) == code)
    }

    /// Ranks states by how much an operator wants to see them, most first: one that stands for
    /// several shows the first of them.
    pub const fn weight(state: Option<Self>) -> u8 {
        match state {
            Some(Self::Failed) => 0,
            Some(Self::UpForRetry) => 1,
            Some(Self::Running | Self::Restarting) => 2,
            Some(Self::Deferred | Self::UpForReschedule) => 3,
            Some(Self::Queued) => 4,
            Some(Self::Scheduled) => 5,
            None => 6,
            Some(Self::UpstreamFailed) => 7,
            Some(Self::Success) => 8,
            Some(Self::Skipped) => 9,
            Some(Self::Removed) => 10,
        }
    }

    /// Says whether an attempt of it is under way, in an executor's hands or waiting for its
    /// trigger: a token is in force.
    pub const fn is_under_way(self) -> bool {
        self.is_in_flight() || matches!(self, Self::Deferred)
    }
}

impl DagRunState {
    /// Says whether the run has ended.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }
}

spelled! {
    /// What brought a run about.
    DagRunType {
        Manual = "manual",
        Scheduled = "scheduled",
        Backfill = "backfill",
        AssetTriggered = "asset_triggered",
        AssetMaterialization = "asset_materialization",
    }
}

spelled! {
    /// Which door the wish for a run came through (Airflow's `DagRunTriggeredByType`).
    TriggeredBy {
        Cli = "cli",
        Operator = "operator",
        RestApi = "rest_api",
        Ui = "ui",
        Test = "test",
        Timetable = "timetable",
        Asset = "asset",
        Backfill = "backfill",
    }
}

spelled! {
    /// What a backfill does with a date that has a run (Airflow's `ReprocessBehavior`).
    ReprocessBehavior {
        None = "none",
        Failed = "failed",
        Completed = "completed",
    }
}

spelled! {
    /// Why a backfill made no run for a date (Airflow's words).
    BackfillDagRunExceptionReason {
        InFlight = "in flight",
        AlreadyExists = "already exists",
        Unknown = "unknown",
    }
}

// The macro's enums have no attributes of their own to mark a default with.
#[allow(clippy::derivable_impls, reason = "the enum is made by a macro")]
impl Default for ReprocessBehavior {
    fn default() -> Self {
        Self::None
    }
}
