//! A bounded way from requests to a thread that works beside them. Whoever predicts never waits
//! for it: what there is no room for is dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Things that wait, at most.
const LEN_MAX: usize = 1024;

/// Bytes that they take together, at most.
const BYTES_MAX: usize = 32 << 20;

/// How much less than others the threads beside the requests get of the machine, as `nice` has it.
const NICE: i32 = 15;

/// The end of those who predict.
#[derive(Debug)]
pub(crate) struct Lane<T> {
    sender: SyncSender<(usize, T)>,
    held: Arc<AtomicUsize>,
    dropped: AtomicU64,
}

/// The end of the thread.
#[derive(Debug)]
pub(crate) struct Mouth<T> {
    receiver: Receiver<(usize, T)>,
    held: Arc<AtomicUsize>,
}

impl<T: Send + 'static> Lane<T> {
    /// Starts a thread that takes what is put in, until nobody can any more.
    pub(crate) fn start(
        name: &str,
        work: impl FnOnce(Mouth<T>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(LEN_MAX);
        let held = Arc::new(AtomicUsize::new(0));
        let mouth = Mouth { receiver, held: Arc::clone(&held) };
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Of this thread alone, as Linux has it. Where it is not allowed it works as others do.
            let _ = rustix::process::setpriority_process(None, NICE);
            work(mouth);
        })?;
        Ok(Self { sender, held, dropped: AtomicU64::new(0) })
    }

    /// Puts in what takes so many bytes, where there is room.
    pub(crate) fn offer(&self, bytes: usize, thing: T) {
        let has_room = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes <= BYTES_MAX;
        if !has_room || self.sender.try_send((bytes, thing)).is_err() {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts in what somebody waits for; blocks while there is no room. Says `false` where the
    /// thread is no more.
    pub(crate) fn send(&self, thing: T) -> bool {
        self.sender.send((0, thing)).is_ok()
    }

    /// Returns how much there was no room for.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl<T> Mouth<T> {
    /// Takes the next thing; `None` where nobody puts in any more.
    pub(crate) fn take(&self) -> Option<T> {
        self.receiver.recv().ok().map(|taken| self.release(taken))
    }

    /// As `take`, but after a while of waiting there is nothing; an error where nobody puts in any
    /// more.
    pub(crate) fn take_within(&self, patience: Duration) -> Result<Option<T>, RecvTimeoutError> {
        match self.receiver.recv_timeout(patience) {
            Ok(taken) => Ok(Some(self.release(taken))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(over) => Err(over),
        }
    }

    /// Takes the next thing if there is one.
    pub(crate) fn take_now(&self) -> Option<T> {
        self.receiver.try_recv().ok().map(|taken| self.release(taken))
    }

    fn release(&self, (bytes, thing): (usize, T)) -> T {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        thing
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn who_predicts_never_waits_and_what_is_dropped_is_counted() {
        let (go, wait) = channel::<()>();
        let (tell, told) = channel();
        let lane = Lane::start("slow", move |mouth: Mouth<usize>| {
            wait.recv().unwrap();
            while let Some(thing) = mouth.take() {
                tell.send(thing).unwrap();
            }
        })
        .unwrap();
        for thing in 0..LEN_MAX + 10 {
            lane.offer(1, thing);
        }
        assert_eq!(lane.dropped(), 10);
        go.send(()).unwrap();
        let taken: Vec<usize> = told.iter().take(LEN_MAX).collect();
        assert_eq!(taken, (0..LEN_MAX).collect::<Vec<_>>());
        lane.offer(BYTES_MAX + 1, 0);
        assert_eq!(lane.dropped(), 11, "too large for all of the room");
        lane.offer(BYTES_MAX, 7);
        assert_eq!(told.recv(), Ok(7), "the room was given back");
        drop(lane);
        assert!(told.recv().is_err(), "the thread ends");
    }
}
