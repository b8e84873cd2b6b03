//! TLS over a listener, with HTTP/2 and HTTP/1.1 to agree on. A client that is slow in its handshake holds up nobody: the handshake is
//! part of its own connection, and bounded with the head of the first request.

use std::future::Future as _;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::types::Fault;
use crate::web::bind::{Accept, Arrival};

/// A listener whose connections speak TLS.
pub struct Tls<A> {
    inner: A,
    acceptor: TlsAcceptor,
}

impl<A> std::fmt::Debug for Tls<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl<A> Tls<A> {
    /// Reads a certificate (with those between it and its authority) and its key, PEM files.
    pub fn over(inner: A, certificate: &Path, key: &Path) -> Result<Self, Fault> {
        let unread = |path: &Path, error: &dyn std::fmt::Display| {
            Fault::invalid(format!("read `{}`: {error}", path.display()))
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unread(certificate, &error))?;
        if chain.is_empty() {
            return Err(unread(certificate, &"it holds no certificate"));
        }
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unread(key, &error))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
                .map_err(|error| unread(certificate, &error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { inner, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

impl<A: Accept> Accept for Tls<A> {
    type Io = Secured<A::Io>;

    async fn accept(&self) -> io::Result<Arrival<Self::Io>> {
        let arrival = self.inner.accept().await?;
        let acceptor = self.acceptor.clone();
        Ok(Box::new(move || Ok(Secured::Greeting(Box::new(acceptor.accept(arrival()?))))))
    }
}

/// A connection, from its handshake on.
pub enum Secured<I> {
    Greeting(Box<tokio_rustls::Accept<I>>),
    Open(Box<TlsStream<I>>),
    /// The handshake failed.
    Failed,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Secured<I> {
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<I>>>> {
        if let Self::Greeting(greeting) = self {
            match Pin::new(&mut **greeting).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(stream)) => *self = Self::Open(Box::new(stream)),
                Poll::Ready(Err(error)) => {
                    *self = Self::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        match self {
            Self::Open(stream) => Poll::Ready(Ok(Pin::new(&mut **stream))),
            Self::Greeting(_) | Self::Failed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut().poll_open(cx) {
            Poll::Ready(Ok(stream)) => stream.poll_read(cx, buf),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut().poll_open(cx) {
            Poll::Ready(Ok(stream)) => stream.poll_write(cx, buf),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Open(stream) => Pin::new(&mut **stream).poll_flush(cx),
            // Nothing was written yet.
            Self::Greeting(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Open(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            Self::Greeting(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }
}
