//! What this deck did that can be taken back, and what it took back that can be done again.

use crate::types::DagId;
use crate::types::ask::Request;

/// So many steps are kept.
const STEPS_MAX: usize = 50;

/// Something that can be taken back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// A DAG was paused, or unpaused.
    Pause(DagId, bool),
    /// An operation on runs: its number, what was asked for and what that is called.
    Operation { id: i64, request: Box<Request>, what: &'static str },
}

/// The steps of this deck.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
    undone: Vec<Step>,
    /// The operation, or the undo of one, that the daemon has not answered yet.
    sent: Option<Box<Request>>,
}

impl Steps {
    /// Returns what was done last.
    pub(crate) fn last(&self) -> Option<&Step> {
        self.done.last()
    }

    /// Returns what was taken back last.
    pub(crate) fn last_undone(&self) -> Option<&Step> {
        self.undone.last()
    }

    /// Notes what is being asked for.
    pub(crate) fn sending(&mut self, request: &Request) {
        if matches!(request, Request::Operate { dry_run: false, .. } | Request::Undo { .. }) {
            self.sent = Some(Box::new(request.clone()));
        }
    }

    /// Notes that a DAG is paused now, or is not; the way back from the last step is its undo.
    pub(crate) fn paused(&mut self, dag_id: &DagId, is_paused: bool) {
        let step = Step::Pause(dag_id.clone(), is_paused);
        if self.done.last() == Some(&Step::Pause(dag_id.clone(), !is_paused)) {
            self.undone.extend(self.done.pop());
        } else {
            self.did(step);
        }
    }

    /// Notes that the daemon did what was asked: an operation under a number, or an undo.
    pub(crate) fn answered(&mut self, id: Option<i64>, what: &'static str) {
        match self.sent.take().map(|request| *request) {
            Some(Request::Undo { id: Some(undone) }) => {
                let is_it =
                    |step: &Step| matches!(step, Step::Operation { id, .. } if *id == undone);
                if let Some(at) = self.done.iter().position(is_it) {
                    self.undone.push(self.done.remove(at));
                }
            }
            Some(request @ Request::Operate { .. }) => {
                if let Some(id) = id {
                    self.did(Step::Operation { id, request: Box::new(request), what });
                }
            }
            _ => {}
        }
    }

    fn did(&mut self, step: Step) {
        let is_redo = match (self.undone.last(), &step) {
            (Some(Step::Operation { request, .. }), Step::Operation { request: same, .. }) => {
                request == same
            }
            (undone, step) => undone == Some(step),
        };
        if is_redo {
            self.undone.pop();
        } else {
            self.undone.clear();
        }
        self.done.push(step);
        if self.done.len() > STEPS_MAX {
            self.done.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::operation::Operation;

    fn request() -> Request {
        Request::Operate { operation: Operation::DeleteRuns, runs: Vec::new(), dry_run: false }
    }

    #[test]
    fn an_operation_that_was_undone_can_be_done_again_until_something_else_is_done() {
        let mut steps = Steps::default();
        steps.sending(&request());
        steps.answered(Some(7), "marked");
        assert!(matches!(steps.last(), Some(Step::Operation { id: 7, .. })));
        steps.sending(&Request::Undo { id: Some(7) });
        steps.answered(Some(8), "undid");
        assert!(steps.last().is_none());
        assert!(matches!(steps.last_undone(), Some(Step::Operation { id: 7, .. })));
        steps.sending(&request());
        steps.answered(Some(9), "marked");
        assert!(steps.last_undone().is_none(), "done again");
        let dag_id = DagId::from("etl");
        steps.paused(&dag_id, true);
        steps.paused(&dag_id, false);
        assert_eq!(steps.last_undone(), Some(&Step::Pause(dag_id.clone(), true)));
        steps.paused(&dag_id, true);
        assert!(steps.last_undone().is_none());
    }

    #[test]
    fn an_undo_of_what_another_deck_did_leaves_nothing_to_do_again() {
        let mut steps = Steps::default();
        steps.sending(&Request::Undo { id: Some(3) });
        steps.answered(Some(4), "undid");
        assert!(steps.last_undone().is_none());
    }
}
