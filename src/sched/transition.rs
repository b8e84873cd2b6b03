//! The one table of legal moves of a task instance and of a run.
