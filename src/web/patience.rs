//! How long a connection may take for the head of a request. A client that sends it byte by byte
//! is cut off; one that is idle between two requests is not. A connection of HTTP/2, whose heads are
//! pieces among others, is cut off once it has asked nothing for a while.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Counts the beginnings and the ends of answers. Shared by the stream and its service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answering(Arc<(AtomicU64, AtomicU64)>);

impl Answering {
    /// An answer begins; it ends with what is returned.
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.0.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Changes with every beginning and every end.
    fn count(&self) -> u64 {
        let (begun, ended) = &*self.0;
        begun.load(Ordering::Relaxed) + ended.load(Ordering::Relaxed)
    }

    fn is_under_way(&self) -> bool {
        let (begun, ended) = &*self.0;
        begun.load(Ordering::Relaxed) != ended.load(Ordering::Relaxed)
    }
}

/// An answer that is being made.
#[derive(Debug)]
pub(crate) struct UnderWay(Answering);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.1.fetch_add(1, Ordering::Relaxed);
    }
}

/// How HTTP/2 begins; no method of HTTP/1.1 is called so.
const PREFACE: &[u8; 4] = b"PRI ";

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// So many bytes were as HTTP/2 begins.
    Unknown(usize),
    Http1,
    Http2,
}

impl Speaks {
    /// Takes note of what was read.
    fn hear(&mut self, bytes: &[u8]) {
        let Self::Unknown(heard) = self else { return };
        for byte in bytes {
            if PREFACE[*heard] != *byte {
                *self = Self::Http1;
                return;
            }
            *heard += 1;
            if *heard == PREFACE.len() {
                *self = Self::Http2;
                return;
            }
        }
    }
}

/// A stream whose reads fail when the head of a request does not come to an end in time.
pub(crate) struct Patient<I> {
    inner: I,
    answering: Answering,
    patience: Duration,
    idle: Duration,
    speaks: Speaks,
    /// Runs while a head is being read (the first one from the start of the connection), with
    /// the count at which that began; of HTTP/2, while nothing is being answered.
    deadline: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<I> Patient<I> {
    pub(crate) fn new(inner: I, answering: Answering, patience: Duration, idle: Duration) -> Self {
        let deadline = Some((answering.count(), Box::pin(tokio::time::sleep(patience))));
        Self { inner, answering, patience, idle, speaks: Speaks::Unknown(0), deadline }
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
        this.deadline.take_if(|(since, _)| *since != count);
        if this.speaks == Speaks::Http2 && this.deadline.is_none() && !this.answering.is_under_way()
        {
            this.deadline = Some((count, Box::pin(tokio::time::sleep(this.idle))));
        }
        if let Some((_, deadline)) = &mut this.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(cx, buf);
        this.speaks.hear(&buf.filled()[before..]);
        if read.is_ready()
            && this.speaks != Speaks::Http2
            && !this.answering.is_under_way()
            && this.deadline.is_none()
        {
            this.deadline = Some((count, Box::pin(tokio::time::sleep(this.patience))));
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
