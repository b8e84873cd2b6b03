//! What the worker tells the daemon, gathered: a task that ends at once is told of once, and what
//! is told at the same time goes in one write.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::runtime::worker::wire::{self, End, FromWorker, Start};
use crate::types::{LaunchToken, time};

/// How long the news that an attempt has started waits for the news that it has ended.
const PATIENCE: Duration = Duration::from_millis(10);

/// How many messages go in one write.
const MESSAGES_MAX: usize = 64;

/// What there is to tell.
pub(super) enum Told {
    Started { token: LaunchToken, pid: u32, holder: u32, at: Instant },
    Ended { token: LaunchToken, end: End },
}

/// Writes what comes until there is nobody to tell, or nobody who could.
pub(super) async fn tell_on(
    mut to: impl AsyncWrite + Unpin,
    mut told: UnboundedReceiver<Told>,
) -> io::Result<()> {
    let (mut starts, mut frames, mut messages) = (Starts::default(), Vec::new(), Vec::new());
    loop {
        tokio::select! {
            count = told.recv_many(&mut messages, MESSAGES_MAX) => if count == 0 {
                return Ok(());
            },
            () = starts.wait() => {}
        }
        frames.clear();
        for message in messages.drain(..) {
            match message {
                Told::Started { token, pid, holder, at } => starts.hold(token, (pid, holder, at)),
                Told::Ended { token, end } => {
                    let start = starts.take(&token);
                    wire::add(&mut frames, &FromWorker::Ended { token, end, start })?;
                }
            }
        }
        while let Some((token, start)) = starts.next_due() {
            wire::add(&mut frames, &FromWorker::Started { token, start })?;
        }
        to.write_all(&frames).await?;
    }
}

/// Starts that are not told yet.
#[derive(Default)]
struct Starts {
    held: HashMap<LaunchToken, (u32, u32, Instant)>,
    /// Those and some that are told, in the order in which they are due.
    due: VecDeque<(Instant, LaunchToken)>,
}

impl Starts {
    fn hold(&mut self, token: LaunchToken, start: (u32, u32, Instant)) {
        self.held.insert(token.clone(), start);
        self.due.push_back((time::instant() + PATIENCE, token));
    }

    fn take(&mut self, token: &LaunchToken) -> Option<Start> {
        let (pid, holder, at) = self.held.remove(token)?;
        Some(Start { pid, holder, ago: at.elapsed() })
    }

    /// Waits until one is due, for ever where there is none.
    async fn wait(&self) {
        match self.due.front() {
            Some((due, _)) => tokio::time::sleep_until((*due).into()).await,
            None => std::future::pending().await,
        }
    }

    fn next_due(&mut self) -> Option<(LaunchToken, Start)> {
        let now = time::instant();
        while self
            .due
            .front()
            .is_some_and(|(due, token)| *due <= now || !self.held.contains_key(token))
        {
            let (_, token) = self.due.pop_front()?;
            if let Some(start) = self.take(&token) {
                return Some((token, start));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::sched::Outcome;

    #[tokio::test]
    async fn a_start_is_told_with_the_end_that_comes_at_once_and_else_by_itself() {
        let (sender, told) = unbounded_channel();
        let (here, there) = tokio::io::duplex(1 << 16);
        let at = time::instant();
        let end = || End::Finished(Outcome::output(serde_json::json!(1)));
        let started = |token: &str, pid| Told::Started { token: token.into(), pid, holder: 1, at };
        let ended = |token: &str| Told::Ended { token: token.into(), end: end() };
        for message in [started("short", 1), ended("short"), started("long", 2), ended("other")] {
            sender.send(message).ok().unwrap();
        }
        let telling = tokio::spawn(tell_on(here, told));
        let mut there = BufReader::new(there);
        let mut heard = Vec::new();
        while heard.len() < 3 {
            heard.push(wire::receive::<FromWorker>(&mut there).await.unwrap().unwrap());
        }
        let short = matches!(&heard[0], FromWorker::Ended { token, start: Some(start), .. }
            if token.as_str() == "short" && start.pid == 1);
        assert!(short, "{:?}", heard[0]);
        assert!(matches!(&heard[1], FromWorker::Ended { start: None, .. }), "{:?}", heard[1]);
        let long = matches!(&heard[2], FromWorker::Started { token, start }
            if token.as_str() == "long" && start.ago >= PATIENCE);
        assert!(long, "{:?}", heard[2]);
        sender.send(ended("long")).ok().unwrap();
        drop(sender);
        let last = wire::receive::<FromWorker>(&mut there).await.unwrap().unwrap();
        assert!(matches!(last, FromWorker::Ended { start: None, .. }), "{last:?}");
        telling.await.unwrap().unwrap();
    }
}
