//! How long a connection may take for the head of a request. A client that sends it byte by byte
//! is cut off; one that is idle between two requests is not.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Counts the beginnings and ends of answers: odd while a request is being answered. Shared by
/// the stream and its service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answering(Arc<AtomicU64>);

impl Answering {
    pub(crate) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream whose reads fail when the head of a request does not come to an end in time.
pub(crate) struct Patient<I> {
    inner: I,
    answering: Answering,
    patience: Duration,
    /// Runs while a head is being read (the first one from the start of the connection), with
    /// the count at which that began.
    head: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<I> Patient<I> {
    pub(crate) fn new(inner: I, answering: Answering, patience: Duration) -> Self {
        let head = Some((answering.count(), Box::pin(tokio::time::sleep(patience))));
        Self { inner, answering, patience, head }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Patient<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let count = this.answering.count();
        this.head.take_if(|(since, _)| *since != count);
        if let Some((_, head)) = &mut this.head
            && head.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let read = Pin::new(&mut this.inner).poll_read(cx, buf);
        let is_answering = count % 2 == 1;
        if read.is_ready() && !is_answering && this.head.is_none() {
            this.head = Some((count, Box::pin(tokio::time::sleep(this.patience))));
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
