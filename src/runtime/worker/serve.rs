//! The worker's door: one daemon after the other, the latest counts.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::sync::mpsc;

use crate::runtime::attempt::AttemptFolder;
use crate::runtime::worker::tell::tell_on;
use crate::runtime::worker::wire::{self, FromWorker, PROTOCOL, ToWorker};
use crate::runtime::worker::{IDLE, Wish, Worker, lock_of};
use crate::web::bind::{self, Accept};

/// How often the worker looks at what is not told to it.
const LOOK: Duration = Duration::from_secs(2);

/// Serves until nothing is held and nobody is connected for a while.
pub(super) async fn serve(worker: &Worker, socket: &Path) -> io::Result<()> {
    let listener = bind::unix(socket).await.map_err(io::Error::other)?;
    tracing::info!(pid = worker.shared.own.pid, "the worker serves");
    loop {
        let pause = if lock_of(&worker.shared.hands).is_empty() { IDLE } else { LOOK };
        tokio::select! {
            accepted = listener.accept() => {
                let worker = worker.clone();
                match accepted.and_then(|arrival| arrival()) {
                    Ok(stream) => drop(tokio::spawn(async move {
                        if let Err(error) = converse(&worker, stream).await {
                            tracing::warn!(%error, "the daemon could not be followed");
                        }
                        worker.shared.let_go.notify_one();
                    })),
                    Err(error) => tracing::warn!(%error, "could not let a daemon in"),
                }
            }
            () = worker.shared.let_go.notified() => {}
            () = tokio::time::sleep(pause) => {
                worker.shared.oom_kills.look();
                if !worker.is_needed() {
                    tracing::info!("the worker is not needed any more");
                    return Ok(());
                }
            }
        }
    }
}

async fn converse(
    worker: &Worker,
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
) -> io::Result<()> {
    let (from, mut to) = tokio::io::split(stream);
    let mut from = BufReader::new(from);
    let Some(ToWorker::Hello { protocol, launcher }) = wire::receive(&mut from).await? else {
        return Err(io::Error::other("it did not say hello"));
    };
    let welcome = FromWorker::Welcome { protocol: PROTOCOL, pid: worker.shared.own.pid };
    wire::send(&mut to, &welcome).await?;
    if protocol != PROTOCOL {
        return Err(io::Error::other(format!("it speaks protocol {protocol}")));
    }
    let (sender, told) = mpsc::unbounded_channel();
    *lock_of(&worker.shared.launcher) = Some(launcher.into());
    let own = sender.clone();
    *lock_of(&worker.shared.daemon) = Some(sender);
    let writing = tokio::spawn(tell_on(to, told));
    let read = async {
        while let Some(message) = wire::receive(&mut from).await? {
            obey(worker, message);
        }
        io::Result::Ok(())
    }
    .await;
    writing.abort();
    let mut daemon = lock_of(&worker.shared.daemon);
    if daemon.as_ref().is_some_and(|latest| latest.same_channel(&own)) {
        *daemon = None;
    }
    read
}

fn obey(worker: &Worker, message: ToWorker) {
    match message {
        // Once is enough.
        ToWorker::Hello { .. } => {}
        ToWorker::Launch { order, handover } => {
            let (token, folder) = (order.token.clone(), order.folder.clone());
            worker.take(token, AttemptFolder::new(folder), Wish::Launch(order, handover));
        }
        ToWorker::Adopt { token, folder, mask } => {
            worker.take(token, AttemptFolder::new(folder), Wish::Adopt(mask));
        }
        ToWorker::Kill { token, folder } => {
            worker.take(token, AttemptFolder::new(folder), Wish::Kill);
        }
    }
}
