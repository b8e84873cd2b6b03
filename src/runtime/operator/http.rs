//! `http`: one request; the answer is the output. Without `expect` a status below 400 is a
//! success. A failed request may go better the next time: it is tried again.

use super::DaemonContext;
use super::args::Args;
use super::error::OperatorError;
use super::sensor::Expect;
use super::sensor::http::{Answered, TIMEOUT, call};
use crate::sched::Outcome;

pub(super) async fn run(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let expect = Expect::read(args.get("expect"))?;
    let timeout = args.duration_or_none("timeout")?.unwrap_or(TIMEOUT);
    let Answered { status, response } = call(args, &context.private, timeout).await?;
    context.log.say(&format!("the server answers {status}"));
    let is_met = match &expect {
        Some(expect) => expect.is_met(status, &response)?,
        None => status < 400,
    };
    if is_met {
        return Ok(Outcome::output(response));
    }
    let body: String = response["body"].to_string().chars().take(200).collect();
    Err(OperatorError::Passing(format!("the server answers {status}: {body}")))
}
