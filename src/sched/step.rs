//! The scheduler's one function.

use crate::change::Change;
use crate::decision::Decision;
use crate::draft::Draft;
use crate::effect::Effect;
use crate::explain;
use crate::input::{Input, Rejected, Reply};
use crate::state::State;
use crate::types::Timestamp;
use crate::types::event::Event;

/// What one input led to. The changes are to be committed before the effects are acted on and
/// the events told.
#[derive(Debug, Clone)]
#[must_use]
pub struct Decided {
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    pub events: Vec<Event>,
    pub reply: Reply,
}

/// Takes one input. Rejects before the first change.
pub fn step(state: &mut State, now: Timestamp, input: Input) -> Result<Decided, Rejected> {
    if let Input::Explain(subject) = &input {
        let reply = Reply::Why(explain::why(state, now, subject));
        return Ok(Draft::default().close(reply));
    }
    let mut decision = Decision::new(state, now);
    let reply = decision.take(input)?;
    decision.catch_up();
    decision.settle();
    let reply = decision.close_operation(reply);
    let reply = decision.as_it_stands(reply);
    Ok(decision.draft.close(reply))
}

impl Decision<'_> {
    fn take(&mut self, input: Input) -> Result<Reply, Rejected> {
        match input {
            Input::Command(command) => self.command(command),
            Input::Report(report) => self.report(report),
            Input::AssetChanged(spec) => {
                Ok(Reply::AssetEvent(self.note_asset_change(spec).map(Box::new)))
            }
            Input::Trouble(report) => {
                self.note_trouble(*report);
                Ok(Reply::Done)
            }
            Input::DefinitionsLoaded(deck) => {
                self.state.deck = deck;
                self.adopt_deck();
                Ok(Reply::Done)
            }
            // Answered before anything is decided.
            Input::Explain(_) => Ok(Reply::Done),
            Input::BackfillRead { dag_id, token, read } => {
                self.backfill_read(&dag_id, &token, read);
                Ok(Reply::Done)
            }
            Input::Tick => {
                self.tick();
                Ok(Reply::Done)
            }
        }
    }

    /// Answers with the run as the whole step leaves it: it may have begun, even ended.
    fn as_it_stands(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Run(run) => match self.draft.run(&run.key()) {
                Some(now) => Reply::Run(Box::new(now.clone())),
                None => Reply::Run(run),
            },
            Reply::Done
            | Reply::Operated(_)
            | Reply::Why(_)
            | Reply::Backfill(_)
            | Reply::AssetEvent(_) => reply,
        }
    }
}
