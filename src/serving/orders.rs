//! Takes orders from the runtime, each on a task of its own: a load holds up no status.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::runtime::promotion::off_thread;
use crate::runtime::serving::ServingOrder;
use crate::serving::ask;
use crate::serving::drift;
use crate::serving::load;
use crate::serving::policy;
use crate::serving::shared::Shared;
use crate::serving::traffic_view;
use crate::types::Fault;
use crate::types::event::{Event, NumberedEvent};

/// How long events are gathered before the replicas are told.
const TOGETHER: Duration = Duration::from_millis(100);

/// How often aliases are looked at when nobody says that they changed.
const FOLLOW_EVERY: Duration = Duration::from_secs(5);

/// Takes orders until it is aborted or nobody can order any more.
pub(crate) async fn run(shared: Arc<Shared>, mut orders: mpsc::Receiver<ServingOrder>) {
    let mut tasks = JoinSet::new();
    while let Some(order) = orders.recv().await {
        let shared = Arc::clone(&shared);
        tasks.spawn(async move { carry_out(&shared, order).await });
        while tasks.try_join_next().is_some() {}
    }
}

/// Follows aliases until it is aborted.
pub(crate) async fn follow(shared: Arc<Shared>) {
    let mut events = shared.publisher.subscribe();
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            event = events.recv() => match event {
                Ok(event) if event.event == Event::TrackingChanged => {
                    tell_replicas(&shared, &mut events).await;
                }
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
        load::follow_aliases(&shared).await;
        policy::follow(&shared).await;
    }
}

/// Tells replicas, which hear of no events, that an alias may have moved. A training brings about
/// hundreds of such events: those that came meanwhile are one.
async fn tell_replicas(shared: &Shared, events: &mut Receiver<NumberedEvent>) {
    if shared.fleet.get().is_some() {
        tokio::time::sleep(TOGETHER).await;
        while !matches!(events.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
        spread(shared).await;
    }
}

// Whoever ordered may have gone away: an answer that nobody takes is no error.
async fn carry_out(shared: &Arc<Shared>, order: ServingOrder) {
    match order {
        ServingOrder::Load { model, version, reply } => {
            let _ = reply.send(load::load(shared, &model, version).await);
        }
        ServingOrder::SetTraffic { model, weights, reply } => {
            let _ = reply.send(set_traffic(shared, &model, weights).await);
        }
        ServingOrder::ChangeTraffic { model, change, reply } => {
            let _ = reply.send(policy::change(shared, &model, change).await);
        }
        ServingOrder::Predict { model, version, rows, reply } => {
            let _ = reply.send(answer(shared, &model, version, rows).await);
        }
        ServingOrder::Ask { wish, reply } => {
            let _ = reply.send(ask::ask(shared, wish).await);
        }
        ServingOrder::Status { reply } => {
            let own = traffic_view::status(shared).await;
            let _ = reply.send(match shared.fleet.get() {
                Some(fleet) => fleet.status(own).await,
                None => own,
            });
        }
        ServingOrder::Drift { model, version, reply } => {
            let _ = reply.send(drift::reports(shared, model.as_deref(), version));
        }
    }
}

/// Keeps the traffic, then puts it in force.
pub(crate) async fn set_traffic(
    shared: &Arc<Shared>,
    model: &str,
    weights: Vec<(u32, u8)>,
) -> Result<(), Fault> {
    let _one_at_a_time = shared.moving.lock().await;
    // Tried on a copy: nothing is kept that cannot be put in force.
    shared.table.get().as_ref().clone().set_traffic(model, &weights)?;
    let kept: Vec<_> = weights.iter().copied().filter(|(_, weight)| *weight > 0).collect();
    let (source, name) = (Arc::clone(&shared.source), model.to_owned());
    off_thread(move || source.keep_traffic(&name, &kept)).await?;
    spread(shared).await;
    shared.table.change(|table| table.set_traffic(model, &weights))?;
    if let Err(fault) = policy::put_in_force(shared, model).await {
        tracing::warn!(%fault, model, "no version gets copies of its requests");
    }
    tracing::info!(model, ?weights, "the traffic was moved");
    shared.publisher.publish(Event::ServingChanged);
    Ok(())
}

/// Has the replicas put in force what was kept.
pub(crate) async fn spread(shared: &Shared) {
    if let Some(fleet) = shared.fleet.get() {
        fleet.sync().await;
    }
}

/// Puts in force what is kept: what a replica does when the daemon has changed it. Versions are
/// loaded before anything changes.
pub(crate) async fn sync(shared: &Arc<Shared>) -> Result<(), Fault> {
    let one_at_a_time = shared.moving.lock().await;
    let source = Arc::clone(&shared.source);
    let kept = by_model(off_thread(move || source.kept_traffic()).await?);
    for (model, weights) in &kept {
        for (version, _) in weights {
            if shared.table.get().version(model, *version).is_none() {
                load::load(shared, model, *version).await?;
            }
        }
    }
    shared.table.change(|table| {
        let gone: Vec<String> = table.models.keys().cloned().collect();
        for model in gone.iter().filter(|model| !kept.iter().any(|(kept, _)| kept == *model)) {
            table.remove(model);
        }
        kept.iter().try_for_each(|(model, weights)| table.set_traffic(model, weights))
    })?;
    drop(one_at_a_time);
    load::follow_aliases(shared).await;
    policy::restore(shared).await
}

/// Takes a model out of service; durable when it returns.
pub(crate) async fn take_out(shared: &Shared, model: &str) -> Result<(), Fault> {
    let _one_at_a_time = shared.moving.lock().await;
    let (source, name) = (Arc::clone(&shared.source), model.to_owned());
    off_thread(move || source.keep_traffic(&name, &[])).await?;
    spread(shared).await;
    shared.table.change(|table| {
        table.remove(model);
        Ok(())
    })?;
    tracing::info!(model, "the model was taken out of service");
    shared.publisher.publish(Event::ServingChanged);
    Ok(())
}

async fn answer(
    shared: &Shared,
    model: &str,
    version: Option<u32>,
    rows: Vec<Value>,
) -> Result<Vec<Value>, Fault> {
    let table = shared.table.get();
    let loaded = match version {
        Some(version) => table.version(model, version),
        None => table.main_version(model),
    };
    let Some(loaded) = loaded else {
        let what = version.map_or_else(String::new, |version| format!("version {version} of "));
        return Err(Fault::not_found(format!("{what}`{model}` is not loaded")));
    };
    off_thread(move || {
        let answers = loaded.predictor.predict(&rows);
        let answers = answers.map_err(|error| Fault::invalid(error.to_string()))?;
        answers
            .iter()
            .map(|answer| serde_json::to_value(answer).map_err(|error| Fault::internal(&error)))
            .collect()
    })
    .await
}

/// Loads what was served when the server last stopped. What cannot be loaded any more leaves its
/// share to the others; each is told in the status.
pub(crate) async fn restore(shared: &Arc<Shared>) -> Result<(), Fault> {
    let source = Arc::clone(&shared.source);
    let kept = off_thread(move || source.kept_traffic()).await?;
    let mut loaded = Vec::with_capacity(kept.len());
    for (model, version, weight) in kept {
        if let Err(fault) = load::load(shared, &model, version).await {
            tracing::error!(%fault, model, version, "a version could not be restored");
            let refusal = crate::serving::refusal::Refusal::unavailable(fault.to_string());
            shared.remember(&refusal, Some((&model, version)));
            continue;
        }
        loaded.push((model, version, weight));
    }
    for (model, mut weights) in by_model(loaded) {
        let total = weights.iter().fold(0_u8, |sum, (_, weight)| sum.saturating_add(*weight));
        if let Some((_, most)) = weights.iter_mut().max_by_key(|(_, weight)| *weight) {
            *most += 100_u8.saturating_sub(total);
        }
        shared.table.change(|table| table.set_traffic(&model, &weights))?;
    }
    let source = Arc::clone(&shared.source);
    shared.arms.restore(off_thread(move || source.outcome_hours()).await?);
    policy::restore(shared).await
}

/// Gathers shares by their models, in the order of these.
fn by_model(kept: Vec<(String, u32, u8)>) -> Vec<(String, Vec<(u32, u8)>)> {
    let mut models: Vec<(String, Vec<(u32, u8)>)> = Vec::new();
    for (model, version, weight) in kept {
        match models.iter_mut().find(|(name, _)| *name == model) {
            Some((_, weights)) => weights.push((version, weight)),
            None => models.push((model, vec![(version, weight)])),
        }
    }
    models
}
