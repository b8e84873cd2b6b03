//! Buckets, on a real server of S3 with its authorisation on: `server.py` runs moto.

mod faults;
mod operators;
mod server;
mod transfer;
mod watch;
