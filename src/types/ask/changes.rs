//! Which requests change something.

use crate::ask::{Prune, Request};

impl Request {
    /// Says whether it changes something when it is done: a deck asks before it sends such a one,
    /// and a read-only one never does.
    pub fn changes_state(&self) -> bool {
        match self {
            Self::Operate { dry_run: true, .. } | Self::Prune(Prune { dry_run: true, .. }) => false,
            Self::Shutdown
            | Self::SetPaused { .. }
            | Self::Trigger(_)
            | Self::CancelRun { .. }
            | Self::ClearTasks { .. }
            | Self::Operate { .. }
            | Self::Undo { .. }
            | Self::CreateBackfill(_)
            | Self::SetBackfillPaused { .. }
            | Self::CancelBackfill { .. }
            | Self::AnswerApproval(_)
            | Self::EmitAsset { .. }
            | Self::ReceiveLineage { .. }
            | Self::Promote { .. }
            | Self::Rollback { .. }
            | Self::RegisterModel { .. }
            | Self::ChangeModel { .. }
            | Self::ChangeLoggedModel { .. }
            | Self::RegisterLoggedModel { .. }
            | Self::SetVariables { .. }
            | Self::DeleteVariable { .. }
            | Self::SetConnections { .. }
            | Self::DeleteConnection { .. }
            | Self::SetPools { .. }
            | Self::DeletePool { .. }
            | Self::ReplaceWorker
            | Self::ChangeTraffic { .. }
            | Self::Prune(_) => true,
            Self::Status
            | Self::Definitions
            | Self::ListAttention
            | Self::Pulse
            | Self::ListExecutors
            | Self::BriefRun { .. }
            | Self::ListDags
            | Self::ShowDag { .. }
            | Self::ListDagVersions { .. }
            | Self::ListOperations { .. }
            | Self::ShowOperation { .. }
            | Self::Explain(_)
            | Self::DiffDagVersions { .. }
            | Self::PlanTrigger { .. }
            | Self::ListRuns { .. }
            | Self::ShowRun { .. }
            | Self::ShowGrid { .. }
            | Self::ListCallbacks { .. }
            | Self::ShowTask { .. }
            | Self::ListTaskInstances(_)
            | Self::ListVariables
            | Self::ListConnections
            | Self::TestConnection { .. }
            | Self::ListPools
            | Self::ReadLog { .. }
            | Self::ReadDaemonLog { .. }
            | Self::SearchLog { .. }
            | Self::PlanBackfill(_)
            | Self::ListBackfills { .. }
            | Self::ShowBackfill { .. }
            | Self::ListXcoms { .. }
            | Self::GetXcom { .. }
            | Self::ListApprovals { .. }
            | Self::ShowApproval { .. }
            | Self::ListAssets
            | Self::ShowLineage { .. }
            | Self::ListColumns { .. }
            | Self::TraceLineage { .. }
            | Self::ExplainAsset { .. }
            | Self::ListAssetEvents { .. }
            | Self::ListAssetChecks { .. }
            | Self::ListPartitions { .. }
            | Self::ListExperiments
            | Self::ListTrackingRuns { .. }
            | Self::ShowTrackingRun { .. }
            | Self::ListTrials { .. }
            | Self::GetMetricHistory { .. }
            | Self::ReadArtifact { .. }
            | Self::ListModels
            | Self::ListLoggedModels { .. }
            | Self::ShowLoggedModel { .. }
            | Self::ShowModel { .. }
            | Self::PlanPromote { .. }
            | Self::PlanRollback { .. }
            | Self::ServingStatus
            | Self::ServingDrift { .. }
            | Self::Predict(_)
            | Self::ListEvents { .. } => false,
        }
    }
}
