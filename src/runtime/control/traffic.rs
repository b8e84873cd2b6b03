//! Changes of how a model's requests are divided, and of its rollout. What is wanted of a rollout is
//! written first; the attempt whose it is does it.

use rusqlite::Connection;

use crate::runtime::control::{ControlParts, user};
use crate::store::serving::rollout::{self, Kept, Pending};
use crate::store::{StoreError, task_instance};
use crate::types::ask::Answer;
use crate::types::event::Event;
use crate::types::serving::{RolloutState, RolloutWish, TrafficChange};
use crate::types::{Fault, Timestamp};

/// Carries out a change.
pub(super) async fn change(
    parts: &ControlParts,
    model: String,
    change: TrafficChange,
) -> Result<Answer, Fault> {
    match change {
        TrafficChange::Rollout { wish } => steer(parts, model, wish).await,
        TrafficChange::Weights { weights } => {
            not_while_rolled_out(parts, &model).await?;
            for (version, _) in weights.iter().filter(|(_, weight)| *weight > 0) {
                parts.serving.load(&model, *version).await?;
            }
            parts.serving.set_traffic(&model, weights).await?;
            Ok(Answer::Done)
        }
        change @ TrafficChange::Sticky { .. } => {
            parts.serving.change_traffic(&model, change).await?;
            Ok(Answer::Done)
        }
        change @ TrafficChange::Shadow { .. } => {
            not_while_rolled_out(parts, &model).await?;
            parts.serving.change_traffic(&model, change).await?;
            Ok(Answer::Done)
        }
    }
}

/// Refuses what the rollout of a model would take back at its next step.
async fn not_while_rolled_out(parts: &ControlParts, model: &str) -> Result<(), Fault> {
    let (name, now) = (model.to_owned(), parts.clock.now());
    let open = parts.store.write(move |tx| open(tx, &name, now)).await?;
    let Some(Kept { rollout, .. }) = open else { return Ok(()) };
    let text = format!("version {} of `{model}` is being rolled out", rollout.version);
    Err(Fault::conflict(text)
        .hint(format!("abort it first: dagdeck serving rollout {model} abort")))
}

async fn steer(parts: &ControlParts, model: String, wish: RolloutWish) -> Result<Answer, Fault> {
    let (name, now, user) = (model.clone(), parts.clock.now(), user::name());
    let steered = parts.store.write(move |tx| {
        let Some(mut kept) = open(tx, &name, now)? else { return Ok(Err(None)) };
        if let Err(why) = apply(&mut kept, wish, &user, now) {
            return Ok(Err(Some(why)));
        }
        rollout::put(tx, &kept).map(Ok)
    });
    match steered.await? {
        Ok(()) => {
            parts.publisher.publish(Event::ServingChanged);
            Ok(Answer::Done)
        }
        Err(why) => {
            let why = why.unwrap_or("none is under way");
            Err(Fault::conflict(format!("steer the rollout of `{model}`: {why}")))
        }
    }
}

/// Returns the rollout that is under way; ends one whose attempt is no more (it was cancelled while
/// no daemon ran).
fn open(conn: &Connection, model: &str, now: Timestamp) -> Result<Option<Kept>, StoreError> {
    let Some(kept) = rollout::of(conn, model)?.filter(|kept| kept.rollout.state.is_open()) else {
        return Ok(None);
    };
    if task_instance::is_unfinished(conn, &kept.token)? {
        return Ok(Some(kept));
    }
    let reason = Some("its task has ended".to_owned());
    rollout::end(conn, model, (RolloutState::RolledBack, reason), now)?;
    Ok(None)
}

fn apply(
    kept: &mut Kept,
    wish: RolloutWish,
    user: &str,
    now: Timestamp,
) -> Result<(), &'static str> {
    let left_ms = kept.rollout.left_ms(now);
    let rollout = &mut kept.rollout;
    if kept.wish == Some(Pending::Abort) {
        return Err("it goes back already");
    }
    match (wish, rollout.state) {
        (RolloutWish::Pause, RolloutState::Paused) => return Err("it is paused already"),
        (RolloutWish::Resume, RolloutState::Running) => return Err("it is not paused"),
        (RolloutWish::Pause, _) => {
            rollout.state = RolloutState::Paused;
            rollout.reason = Some(format!("paused by {user}"));
            (rollout.ends_at, rollout.left_ms) = (None, left_ms);
        }
        (RolloutWish::Resume, _) => {
            let left = i64::try_from(left_ms.unwrap_or(0)).unwrap_or(i64::MAX);
            let ends_at = now.as_millisecond().saturating_add(left);
            rollout.state = RolloutState::Running;
            rollout.reason = None;
            rollout.ends_at = Timestamp::from_millisecond(ends_at).ok();
            rollout.left_ms = None;
        }
        (RolloutWish::Advance, _) => kept.wish = Some(Pending::Advance),
        (RolloutWish::Abort, _) => {
            kept.wish = Some(Pending::Abort);
            rollout.reason = Some(format!("aborted by {user}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::LaunchToken;
    use crate::types::serving::RolloutView;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn running() -> Kept {
        let rollout = RolloutView {
            model: "iris".into(),
            version: 4,
            previous: Some(3),
            percents: vec![10, 100],
            step: 0,
            state: RolloutState::Running,
            ends_at: Some(at(100)),
            left_ms: None,
            started_at: at(0),
            ended_at: None,
            reason: None,
            task: String::new(),
        };
        Kept { rollout, token: LaunchToken::from("token"), wish: None }
    }

    #[test]
    fn a_pause_keeps_the_time_that_is_left_and_gives_it_back() {
        let mut kept = running();
        assert_eq!(apply(&mut kept, RolloutWish::Resume, "ada", at(40)), Err("it is not paused"));
        apply(&mut kept, RolloutWish::Pause, "ada", at(40)).unwrap();
        let rollout = &kept.rollout;
        assert_eq!((rollout.state, rollout.ends_at), (RolloutState::Paused, None));
        assert_eq!(rollout.left_ms(at(9_000)), Some(60_000));
        assert_eq!(rollout.reason.as_deref(), Some("paused by ada"));
        let again = apply(&mut kept, RolloutWish::Pause, "ada", at(50));
        assert_eq!(again, Err("it is paused already"));
        apply(&mut kept, RolloutWish::Resume, "ada", at(9_000)).unwrap();
        assert_eq!((kept.rollout.ends_at, kept.rollout.left_ms), (Some(at(9_060)), None));
    }

    #[test]
    fn what_goes_back_is_not_steered_any_more() {
        let mut kept = running();
        apply(&mut kept, RolloutWish::Advance, "ada", at(1)).unwrap();
        assert_eq!(kept.wish, Some(Pending::Advance));
        apply(&mut kept, RolloutWish::Abort, "ada", at(2)).unwrap();
        assert_eq!(kept.wish, Some(Pending::Abort));
        for wish in [RolloutWish::Advance, RolloutWish::Pause, RolloutWish::Abort] {
            assert_eq!(apply(&mut kept, wish, "bob", at(3)), Err("it goes back already"));
        }
        assert_eq!(kept.rollout.reason.as_deref(), Some("aborted by ada"));
    }
}
