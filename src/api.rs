//! The control API: the control protocol over HTTP, on the socket and on loopback TCP.
