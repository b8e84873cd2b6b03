//! Listeners (unix socket, TCP, TLS), the token, limits and error bodies: what every door over HTTP
//! shares.
//!
//! ```text
//! bind ─► Door: accept ─► (a thread) ─► patience (slow heads) ─► hyper ─► the door's service
//!           └── close: no new requests, those in flight end, at most `Limits::drain` long
//! ```

pub mod bind;
pub mod body;
pub mod door;
pub mod fault;
mod patience;
pub mod threads;
pub mod tls;
pub mod token;

pub use bind::{BindError, PrivateSocket};
pub use door::{Door, Limits};
pub use threads::Threads;
pub use tls::Tls;
pub use token::Token;
