//! What people want of a rollout whose attempt is no more.

use super::world::World;
use super::*;
use crate::store::serving::rollout::{self, Kept};
use crate::types::LaunchToken;
use crate::types::serving::{RolloutState, RolloutView, RolloutWish, TrafficChange};

fn begun(step: u32) -> Kept {
    let rollout = RolloutView {
        model: "iris".into(),
        version: 4,
        previous: Some(3),
        percents: vec![10, 100],
        step,
        state: RolloutState::Paused,
        ends_at: None,
        left_ms: Some(7),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: None,
        reason: None,
        task: String::new(),
    };
    Kept { rollout, token: LaunchToken::from("gone"), wish: None }
}

#[tokio::test]
async fn a_rollout_whose_task_has_ended_is_over_and_holds_nobody_up() {
    let world = World::new();
    world.parts.store.write(|tx| rollout::put(tx, &begun(0))).await.unwrap();
    let change = TrafficChange::Rollout { wish: RolloutWish::Resume };
    let request = Request::ChangeTraffic { model: "iris".into(), change };
    assert!(request.changes_state());
    let fault = world.refusal(request).await;
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert_eq!(fault.message, "steer the rollout of `iris`: none is under way");
    let kept = world.parts.read(|conn| rollout::of(conn, "iris")).await.unwrap().unwrap();
    assert_eq!(kept.rollout.state, RolloutState::RolledBack);
    assert_eq!(kept.rollout.reason.as_deref(), Some("its task has ended"));
    assert_eq!(kept.rollout.ended_at, Some(world.parts.clock.now()));
}
