//! Opens listeners. A unix socket is private: it lies in a folder of mode 0700, has mode 0600,
//! and answers only its owner and root.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::types::Fault;

/// How long a socket's path may be for the kernel, its end included (`sun_path`).
const SOCKET_PATH_LEN_MAX: usize = 108;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("listen on `{address}`: address in use")]
    InUse { address: String },
    #[error("listen on `{address}`: not allowed")]
    Denied { address: String },
    #[error("listen on `{address}`: not an address of this machine")]
    NotHere { address: String },
    #[error("listen on `{address}`: not an address (such as `127.0.0.1:8080`)")]
    Address { address: String },
    #[error("listen on `{address}`")]
    Io { address: String, source: io::Error },
}

impl BindError {
    fn new(address: impl Into<String>, source: io::Error) -> Self {
        let address = address.into();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            io::ErrorKind::PermissionDenied => Self::Denied { address },
            io::ErrorKind::AddrNotAvailable => Self::NotHere { address },
            io::ErrorKind::InvalidInput => Self::Address { address },
            _ => Self::Io { address, source },
        }
    }
}

impl From<BindError> for Fault {
    fn from(error: BindError) -> Self {
        match &error {
            BindError::Address { .. } => Self::invalid(error.to_string()),
            BindError::InUse { .. } => Self::conflict(error.to_string()),
            BindError::Denied { .. } | BindError::NotHere { .. } | BindError::Io { .. } => {
                Self::unavailable(error.to_string()).caused_by(std::error::Error::source(&error))
            }
        }
    }
}

/// Binds `HOST:PORT`; port 0 takes a free one.
pub async fn tcp(address: &str) -> Result<TcpListener, BindError> {
    let has_port = address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !has_port {
        return Err(BindError::Address { address: address.to_owned() });
    }
    TcpListener::bind(address).await.map_err(|error| BindError::new(address, error))
}

/// Binds a unix socket that only its owner may use. A socket that nobody answers behind is
/// taken away first.
pub async fn unix(path: &Path) -> Result<PrivateSocket, BindError> {
    let fail = |error| BindError::new(path.display().to_string(), error);
    let reach = Reach::of(path).map_err(fail)?;
    let listener = match UnixListener::bind(reach.path()) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if UnixStream::connect(reach.path()).await.is_ok() {
                return Err(fail(error));
            }
            std::fs::remove_file(path).map_err(fail)?;
            UnixListener::bind(reach.path()).map_err(fail)?
        }
        bound => bound.map_err(fail)?,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    Ok(PrivateSocket { listener, uid: rustix::process::getuid().as_raw() })
}

/// Connects to a unix socket, however long its path is.
pub async fn connect(path: &Path) -> io::Result<UnixStream> {
    let reach = Reach::of(path)?;
    UnixStream::connect(reach.path()).await
}

/// A unix socket's listener that lets in its owner and root.
#[derive(Debug)]
pub struct PrivateSocket {
    listener: UnixListener,
    uid: u32,
}

/// A connection that came in, to be opened on the thread that serves it: that is the one which is
/// woken when something comes.
pub type Arrival<I> = Box<dyn FnOnce() -> io::Result<I> + Send>;

/// Where connections come from.
pub trait Accept: Send + Sync + 'static {
    type Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static;

    /// Waits for a connection that may come in.
    fn accept(&self) -> impl Future<Output = io::Result<Arrival<Self::Io>>> + Send;
}

impl Accept for TcpListener {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<Arrival<TcpStream>> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Small answers would wait for the peer's delayed acknowledgement otherwise.
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        Ok(Box::new(move || TcpStream::from_std(stream)))
    }
}

impl Accept for PrivateSocket {
    type Io = UnixStream;

    async fn accept(&self) -> io::Result<Arrival<UnixStream>> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let uid = stream.peer_cred()?.uid();
            if uid == self.uid || uid == 0 {
                let stream = stream.into_std()?;
                return Ok(Box::new(move || UnixStream::from_std(stream)));
            }
            tracing::warn!(uid, "another user was turned away at the socket");
        }
    }
}

/// A way to name a socket that the kernel takes: a path that is too long is reached through a
/// handle of its folder.
struct Reach {
    path: PathBuf,
    _folder: Option<std::fs::File>,
}

impl Reach {
    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() < SOCKET_PATH_LEN_MAX {
            return Ok(Self { path: path.to_owned(), _folder: None });
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Self { path: path.to_owned(), _folder: None });
        };
        let folder = std::fs::File::open(parent)?;
        let fd = std::os::fd::AsRawFd::as_raw_fd(&folder);
        Ok(Self {
            path: PathBuf::from(format!("/proc/self/fd/{fd}")).join(name),
            _folder: Some(folder),
        })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_socket_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.sock");
        let _socket = unix(&path).await.unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.sock");
        drop(unix(&path).await.unwrap());
        assert!(path.exists(), "the file outlives its listener");
        let live = unix(&path).await.unwrap();
        assert!(matches!(unix(&path).await, Err(BindError::InUse { .. })));
        drop(live);
    }

    #[tokio::test]
    async fn a_path_longer_than_the_kernel_takes_works() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let path = deep.join("daemon.sock");
        let socket = unix(&path).await.unwrap();
        let (server, client) = tokio::join!(socket.accept(), connect(&path));
        assert!(server.is_ok() && client.is_ok());
        assert_eq!(mode(&path), 0o600);
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let first = tcp("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap().to_string();
        let error = tcp(&address).await.unwrap_err();
        assert_eq!(error.to_string(), format!("listen on `{address}`: address in use"));
    }

    #[tokio::test]
    async fn what_is_not_an_address_is_refused() {
        for text in ["8080", "127.0.0.1", "127.0.0.1:99999", ":80"] {
            assert!(matches!(tcp(text).await, Err(BindError::Address { .. })), "{text}");
        }
    }
}
