//! Listeners (unix socket, TCP on loopback), the token, limits and error bodies: what every door
//! over HTTP shares.
