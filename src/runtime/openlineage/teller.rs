//! Tells what the outbox holds, in order, until it is dropped. Nothing waits for it.
//!
//! ```text
//! follow (on, off) ─► due ─► facts ─► events ─► send ─► taken ─┐
//!                      ▲                          └ later: wait │
//!                      └────────── woken by an event ◄──────────┘
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::dag::openlineage::{OpenLineageSpec, Transport};
use crate::dag::secret::Mask;
use crate::runtime::act::secrets_of;
use crate::runtime::engine::Live;
use crate::runtime::openlineage::transport::{AT_ONCE, Channel, Verdict, target};
use crate::runtime::openlineage::{event, facts, is_told};
use crate::runtime::publish::Publisher;
use crate::store::openlineage::outbox::{self, EventType, Subject};
use crate::store::{Store, StoreError};
use crate::types::event::NumberedEvent;
use crate::types::view::OpenLineageView;

/// How many events are made at once.
const BATCH: u32 = 100;

/// After an event of the engine others come: they are told together.
const PACE: Duration = Duration::from_millis(50);

/// How long after something went wrong it is tried again, for the first time and at most.
pub const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// What a teller is made of.
pub struct TellerParts {
    pub project: PathBuf,
    pub store: Store,
    pub live: watch::Receiver<Arc<Live>>,
    pub publisher: Publisher,
    /// Whether what happens is written down already.
    pub is_followed: bool,
    /// How long after something went wrong it is tried again: doubled each time, up to a minute.
    pub again: Duration,
}

/// Tells until it is dropped.
#[derive(Debug)]
pub struct Teller {
    /// How far it is; `None`: nobody is told.
    pub view: watch::Receiver<Option<OpenLineageView>>,
    task: tokio::task::AbortHandle,
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Teller {
    /// Starts to tell what the deck in force says; follows its changes.
    pub fn start(parts: TellerParts) -> Self {
        let (sender, view) = watch::channel(None);
        let events = parts.publisher.subscribe();
        let work = Work { parts, view: sender, events, sent: 0, lost: 0 };
        Self { view, task: tokio::spawn(work.run()).abort_handle() }
    }
}

struct Work {
    parts: TellerParts,
    view: watch::Sender<Option<OpenLineageView>>,
    events: broadcast::Receiver<NumberedEvent>,
    sent: u64,
    lost: u64,
}

impl Work {
    async fn run(mut self) {
        let mut live = self.parts.live.clone();
        loop {
            let now = live.borrow_and_update().clone();
            let spec = now.deck.openlineage.clone();
            if let Err(error) = self.follow(is_told(&now.deck)).await {
                tracing::warn!(%error, "write down what is to be told as OpenLineage");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            let other = |live: &Arc<Live>| live.deck.openlineage != spec;
            let is_over = match &spec.transport {
                None => {
                    self.view.send_replace(None);
                    live.wait_for(other).await.is_err()
                }
                Some(transport) => tokio::select! {
                    () = self.tell(&spec, transport) => true,
                    changed = live.wait_for(other) => changed.is_err(),
                },
            };
            if is_over {
                return;
            }
        }
    }

    async fn follow(&mut self, is_on: bool) -> Result<(), StoreError> {
        if self.parts.is_followed != is_on {
            self.parts.store.write(move |tx| outbox::follow(tx, is_on)).await?;
            self.parts.is_followed = is_on;
        }
        Ok(())
    }

    /// Tells until the engine is gone.
    async fn tell(&mut self, spec: &OpenLineageSpec, transport: &Transport) {
        tracing::info!(
            target = target(transport),
            namespace = spec.namespace,
            "telling OpenLineage"
        );
        let mut again = self.parts.again;
        let mut channel = None;
        loop {
            // What comes from here on wakes it again.
            while self.events.try_recv().is_ok() {}
            match self.round(transport, &mut channel).await {
                Ok(Round::Nothing) => {
                    again = self.parts.again;
                    match self.events.recv().await {
                        Ok(_) | Err(RecvError::Lagged(_)) => tokio::time::sleep(PACE).await,
                        Err(RecvError::Closed) => return,
                    }
                }
                Ok(Round::Told) => again = self.parts.again,
                Err(problem) => {
                    self.show(transport, Some(&problem)).await;
                    tracing::warn!(target = target(transport), problem, "OpenLineage is not told");
                    tokio::time::sleep(again).await;
                    again = (again * 2).min(AGAIN_MAX);
                }
            }
        }
    }

    /// Sends what is due, as much as is read at once.
    async fn round(
        &mut self,
        transport: &Transport,
        channel: &mut Option<Channel>,
    ) -> Result<Round, String> {
        let store = self.parts.store.clone();
        let cut = store
            .write(|tx| outbox::cut(tx, outbox::LEN_MAX))
            .await
            .map_err(|error| error.to_string())?;
        if cut > 0 {
            self.lost += cut as u64;
            tracing::warn!(cut, "too many events wait for OpenLineage: the oldest are gone");
        }
        let due = self.read_due().await.map_err(|error| error.to_string())?;
        let channel = match channel {
            Some(open) => open,
            None => channel.insert(Channel::open(transport, &self.parts.project)?),
        };
        if due.is_empty() {
            self.show(transport, None).await;
            return Ok(Round::Nothing);
        }
        for group in groups(due) {
            self.send(channel, group).await?;
        }
        self.show(transport, None).await;
        Ok(Round::Told)
    }

    /// Sends a group, and forgets what was taken of it.
    async fn send(&mut self, channel: &Channel, group: Vec<Ready>) -> Result<(), String> {
        let events: Vec<Value> = group.iter().filter_map(|one| one.event.clone()).collect();
        let mut verdicts = channel.send(&events).await.into_iter();
        tracing::trace!(step = "lineage sent");
        let (mut taken, mut later) = (Vec::new(), None);
        let (mut sent, mut lost) = (0, 0);
        for one in &group {
            // Of a run that was deleted nobody is told any more.
            match one.event.as_ref().and_then(|_| verdicts.next()) {
                None => {}
                Some(Verdict::Taken) => sent += 1,
                Some(Verdict::Refused(why)) => {
                    tracing::warn!(event = one.id, why, "an event was refused for good");
                    lost += 1;
                }
                Some(Verdict::Later(why)) => {
                    later.get_or_insert(why);
                    continue;
                }
            }
            taken.push(one.id);
        }
        if !taken.is_empty() {
            let write = move |tx: &rusqlite::Transaction<'_>| outbox::taken(tx, &taken);
            self.parts.store.write(write).await.map_err(|error| error.to_string())?;
        }
        self.sent += sent;
        self.lost += lost;
        later.map_or(Ok(()), Err)
    }

    async fn read_due(&self) -> Result<Vec<Ready>, StoreError> {
        let deck = Arc::clone(&self.parts.live.borrow().deck);
        let read = move |conn: &rusqlite::Connection| {
            let due = outbox::due(conn, BATCH)?;
            let secrets = Mask::new(secrets_of(&deck));
            let mask = |text: &str| secrets.hide(text);
            let mut ready = Vec::with_capacity(due.len());
            for one in due {
                let (id, subject) = (one.id, one.subject.clone());
                let is_end = one.event_type != EventType::Start;
                let found = facts::of(conn, &deck, one)?;
                let event = found.map(|facts| event::of(&facts, &deck, &mask));
                ready.push(Ready { id, subject, is_end, event });
            }
            in_order(&mut ready);
            Ok(ready)
        };
        self.parts.store.read(read).await
    }

    async fn show(&self, transport: &Transport, problem: Option<&str>) {
        let waiting = self.parts.store.read(outbox::waiting).await.unwrap_or_default();
        let view = OpenLineageView {
            target: target(transport),
            sent: self.sent,
            waiting,
            lost: self.lost,
            problem: problem.map(str::to_owned),
        };
        self.view.send_if_modified(|shown| {
            let is_news = shown.as_ref() != Some(&view);
            *shown = Some(view);
            is_news
        });
    }
}

/// What a round came to.
enum Round {
    Nothing,
    Told,
}

/// An event that is ready to be sent; `None`: its run is gone.
struct Ready {
    id: i64,
    subject: Subject,
    is_end: bool,
    event: Option<Value>,
}

/// Puts the end of a run behind the tries that one commit has brought to an end with it: there the
/// run is written first.
fn in_order(due: &mut [Ready]) {
    let mut at = 0;
    while let Some((one, rest)) = due[at..].split_first() {
        let is_run = |other: &Ready| matches!(other.subject, Subject::Run(_));
        let mut behind = None;
        if one.is_end && is_run(one) {
            let of_run = |other: &&Ready| other.subject.run() == one.subject.run();
            let until = rest.iter().position(|other| of_run(&other) && is_run(other));
            let tries = &rest[..until.unwrap_or(rest.len())];
            behind = tries.iter().rposition(|other| of_run(&other));
        }
        match behind {
            Some(last) => due[at..=at + 1 + last].rotate_left(1),
            None => at += 1,
        }
    }
}

/// Parts what is due so that those of a group may arrive in any order: none is of the same try as
/// another, and none of the run whose tries others are.
fn groups(due: Vec<Ready>) -> Vec<Vec<Ready>> {
    let mut groups: Vec<Vec<Ready>> = Vec::new();
    for one in due {
        match groups.last_mut().filter(|group| group.len() < AT_ONCE && fits(group, &one)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

fn fits(group: &[Ready], one: &Ready) -> bool {
    let are_tries = |other: &Ready| {
        matches!((&one.subject, &other.subject), (Subject::Try(_), Subject::Try(_)))
    };
    group.iter().all(|other| match are_tries(other) {
        true => one.subject != other.subject,
        false => one.subject.run() != other.subject.run(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::key;
    use crate::types::AttemptKey;
    use crate::types::run::DagRunKey;

    fn of_run(id: i64, run: &str, is_end: bool) -> Ready {
        let subject = Subject::Run(DagRunKey { dag_id: "d".into(), dag_run_id: run.into() });
        Ready { id, subject, is_end, event: None }
    }

    fn of_try(id: i64, run: &str, task: &str, is_end: bool) -> Ready {
        let task = key("d", run, task);
        let subject = Subject::Try(AttemptKey { task, try_number: 1 });
        Ready { id, subject, is_end, event: None }
    }

    fn ids(due: &[Ready]) -> Vec<i64> {
        due.iter().map(|one| one.id).collect()
    }

    #[test]
    fn a_run_ends_after_its_tries_and_before_it_goes_on() {
        let mut due = [
            of_run(1, "r", true),
            of_try(2, "other", "t", true),
            of_try(3, "r", "t", false),
            of_try(4, "r", "t", true),
            of_run(5, "r", false),
            of_try(6, "r", "t", false),
            of_run(7, "r", true),
        ];
        in_order(&mut due);
        assert_eq!(ids(&due), [2, 3, 4, 1, 5, 6, 7]);
    }

    #[test]
    fn what_goes_at_once_may_arrive_in_any_order() {
        let due = vec![
            of_run(1, "r", false),
            of_try(2, "r", "a", false),
            of_try(3, "r", "b", false),
            of_try(4, "r", "a", true),
            of_run(5, "s", false),
            of_run(6, "r", true),
        ];
        let parts: Vec<Vec<i64>> = groups(due).iter().map(|group| ids(group)).collect();
        assert_eq!(parts, [vec![1], vec![2, 3], vec![4, 5], vec![6]]);
    }
}
