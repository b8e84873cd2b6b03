//! How many files the worker may have open: each attempt takes two pipes and a handle of its
//! process. It takes what the kernel allows; its children get what there was before.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::dag::limits::TaskLimits;

/// The limit that this process began with.
pub(super) struct OpenFiles {
    before: Rlimit,
}

impl OpenFiles {
    /// Raises the limit as far as it goes.
    pub(super) fn raise() -> Self {
        let before = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: before.maximum, maximum: before.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
        Self { before }
    }

    /// Gives a child the limit that there was before, unless its task has its own.
    pub(super) fn give_back(&self, child: u32, limits: TaskLimits) {
        let pid = i32::try_from(child).ok().and_then(Pid::from_raw);
        if limits.open_files.is_none() && pid.is_some() {
            // An error says that it has ended.
            let _ = prlimit(pid, Resource::Nofile, self.before.clone());
        }
    }
}
