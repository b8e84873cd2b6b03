//! The daemon's socket, spoken to over HTTP/1.1.

/// A daemon behind a socket.
#[derive(Debug, Clone)]
pub struct Remote {}
