//! Executors for the simulated machine. They follow the rules of the real ones: a report is the
//! truth, a claim fences, and what was never claimed may be launched.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::watch;

use super::world::World;
use crate::runtime::attempt::{AttemptReport, Claim};
use crate::runtime::blocking::blocking;
use crate::runtime::executor::{AFTER_RESTART, Adopted, Ended, Executor, Held, Prepared};
use crate::sched::Outcome;
use crate::types::executor::TryPlace;
use crate::types::{AttemptKey, Clock, LaunchToken};

/// Runs attempts as processes of the simulated machine.
pub(super) struct OnMachine(pub(super) Arc<World>);

/// Runs attempts inside the daemon.
pub(super) struct Inside(pub(super) Arc<World>);

impl Executor for OnMachine {
    fn launch(&self, attempt: Prepared) -> BoxFuture<'static, Ended> {
        launch(self.0.clone(), attempt.held).boxed()
    }

    fn adopt(&self, held: Held) -> BoxFuture<'static, Adopted> {
        adopt(self.0.clone(), held).boxed()
    }

    fn running(&self) -> Vec<(AttemptKey, LaunchToken)> {
        self.0.running()
    }
}

async fn launch(world: Arc<World>, held: Held) -> Ended {
    super::a_while().await;
    let spawn_fails = {
        let mut inner = world.lock();
        let rate = inner.rates.spawn_fails;
        !inner.is_calm && inner.dice.chance(rate)
    };
    if spawn_fails {
        return Ended::Finished(Outcome::failed("no more processes"));
    }
    let (pid, mut ended) = world.spawn(&held.key, &held.token, &held.folder);
    tracing::trace!(step = "spawned", attempt = %held.key);
    held.started(Some(pid), TryPlace::default()).await;
    let cancelled = tokio::select! {
        biased;
        () = held.until_cancelled() => true,
        _ = ended.wait_for(|ended| *ended) => false,
    };
    if cancelled {
        return end(&world, pid, ended).await;
    }
    if let Some(outcome) = held.reported().await {
        return Ended::Finished(outcome);
    }
    // Another process may have claimed the token: a launch by a daemon that was killed.
    if held.folder.claimed(&held.token).is_some_and(|claim| claim.pid != pid)
        && let Adopted::Ended(ended) = adopt(world, held).await
    {
        return ended;
    }
    Ended::Finished(Outcome::failed("it ended without a report"))
}

async fn end(world: &World, pid: u32, mut ended: watch::Receiver<bool>) -> Ended {
    world.end_process(pid);
    // An error says that it has ended.
    let _ = ended.wait_for(|ended| *ended).await;
    Ended::Cancelled
}

async fn adopt(world: Arc<World>, held: Held) -> Adopted {
    if let Some(outcome) = held.reported().await {
        return Adopted::Ended(Ended::Finished(outcome));
    }
    let Some(claim) = held.folder.claimed(&held.token) else {
        return match *held.cancelled.borrow() {
            true => Adopted::Ended(Ended::Cancelled),
            false => Adopted::Unstarted,
        };
    };
    Adopted::Ended(watch_over(&world, &held, &claim).await)
}

async fn watch_over(world: &World, held: &Held, claim: &Claim) -> Ended {
    let Some(mut ended) = world.process_of(claim) else {
        return lost(held, "the machine was started anew").await;
    };
    if !*ended.borrow() {
        let place = TryPlace { adopted: Some(AFTER_RESTART.into()), ..TryPlace::default() };
        held.started(Some(claim.pid), place).await;
    }
    let cancelled = tokio::select! {
        biased;
        () = held.until_cancelled() => true,
        _ = ended.wait_for(|ended| *ended) => false,
    };
    match cancelled {
        true => end(world, claim.pid, ended).await,
        false => lost(held, "its process is gone and left no report").await,
    }
}

async fn lost(held: &Held, reason: &str) -> Ended {
    match held.reported().await {
        Some(outcome) => Ended::Finished(outcome),
        None if *held.cancelled.borrow() => Ended::Cancelled,
        None => Ended::Lost(reason.to_owned()),
    }
}

impl Executor for Inside {
    fn launch(&self, attempt: Prepared) -> BoxFuture<'static, Ended> {
        work_inside(self.0.clone(), attempt.held).boxed()
    }

    fn adopt(&self, held: Held) -> BoxFuture<'static, Adopted> {
        async move { held.left_behind().await }.boxed()
    }

    fn running(&self) -> Vec<(AttemptKey, LaunchToken)> {
        Vec::new()
    }
}

async fn work_inside(world: Arc<World>, held: Held) -> Ended {
    let allowed = world.lock().ledger.spawns(&held.token);
    world.demand(allowed);
    held.started(None, TryPlace::default()).await;
    super::a_while().await;
    if *held.cancelled.borrow() {
        return Ended::Cancelled;
    }
    tracing::trace!(step = "worked", attempt = %held.key);
    let outcome = Outcome::output(json!(null));
    let report = AttemptReport {
        token: held.token.clone(),
        finished_at: world.now(),
        outcome: outcome.clone(),
    };
    let (folder, token) = (held.folder.clone(), held.token.clone());
    // A report that cannot be written costs a second run after a crash.
    if let Ok(Ok(())) = blocking(move || folder.write_report(&report)).await {
        world.lock().ledger.reported.insert(token, outcome.clone());
    }
    Ended::Finished(outcome)
}
