//! The executors: what is in their hands, and a cluster that does not answer.

use super::world::World;
use super::*;
use crate::store::sample::at;
use crate::types::attention::AttentionKind;
use crate::types::event::Severity;
use crate::types::executor::{ExecutorsView, Silence, SlurmHeard, WorkerDeath};

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

fn death(secs: i64, attempts: u32) -> WorkerDeath {
    WorkerDeath { at: at(secs), pid: 7, attempts }
}

#[tokio::test]
async fn a_worker_that_died_needs_attention_and_more_so_where_they_keep_dying() {
    let world = World::new();
    let item = async || match world.ask(Request::ListAttention).await {
        Answer::Attention(items) => {
            items.into_iter().find(|item| item.kind == AttentionKind::Executor)
        }
        other => panic!("{other:?}"),
    };
    world.workers.heard.send_modify(|heard| heard.deaths.push(death(100, 1)));
    assert_eq!(item().await, None, "that is long ago");
    world.workers.heard.send_modify(|heard| heard.deaths.push(death(900, 2)));
    let found = item().await.unwrap();
    assert_eq!((found.severity, found.since), (Severity::Warning, Some(at(900))));
    assert!(found.text.starts_with("worker 7 died; the 2 attempts that it held"), "{found:?}");
    world.workers.heard.send_modify(|heard| heard.deaths.extend([death(950, 0), death(990, 0)]));
    let found = item().await.unwrap();
    assert_eq!((found.severity, found.since), (Severity::Error, Some(at(900))));
    assert!(found.text.starts_with("workers keep dying, 3 in 10 minutes"), "{found:?}");
    let trouble = Some(Silence { since: at(995), why: "no such file".into() });
    world.workers.heard.send_modify(|heard| heard.trouble = trouble);
    let found = item().await.unwrap();
    assert!(found.text.ends_with("no such file") && found.since == Some(at(995)), "{found:?}");
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
