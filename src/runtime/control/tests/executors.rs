//! The executors: what is in their hands, and a cluster that does not answer.

use super::world::World;
use super::*;
use crate::store::sample::at;
use crate::types::attention::AttentionKind;
use crate::types::executor::{ExecutorsView, Silence, SlurmHeard};

async fn executors(world: &World) -> ExecutorsView {
    match world.ask(Request::ListExecutors).await {
        Answer::Executors(view) => view,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_deck_without_slurm_shows_the_local_executor_alone() {
    let world = World::new();
    assert_eq!(executors(&world).await, ExecutorsView::default());
}

#[tokio::test]
async fn a_silent_cluster_is_shown_and_needs_attention_while_attempts_wait() {
    let world = World::new();
    let silence = Some(Silence { since: at(900), why: "squeue took more than 5 s".into() });
    let heard =
        SlurmHeard { is_asked: true, heard_at: Some(at(890)), silence, ..Default::default() };
    world.slurm.send_replace(heard.clone());
    assert_eq!(executors(&world).await.slurm.unwrap().heard, heard);
    let found = |answer| match answer {
        Answer::Attention(items) => {
            items.into_iter().find(|item| item.kind == AttentionKind::Executor)
        }
        other => panic!("{other:?}"),
    };
    let item = found(world.ask(Request::ListAttention).await).unwrap();
    assert_eq!(item.since, Some(at(900)));
    assert!(item.text.ends_with("squeue took more than 5 s"), "{}", item.text);
    world.slurm.send_modify(|heard| heard.is_asked = false);
    assert_eq!(found(world.ask(Request::ListAttention).await), None);
}
