//! The control API: the control protocol over HTTP, on the socket and on loopback TCP.
//!
//! | request | answer |
//! |---|---|
//! | `POST /control/v1/ask` | a `Request` as JSON; an `Answer`, or `{"fault": …}` |
//! | `GET /control/v1/events` | server-sent events, a `NumberedEvent` each |
//! | `GET /api/v2/assets`, `GET` and `POST /api/v2/assets/events` | as Airflow's (`assets`) |
//! | `POST /api/v1/lineage` | an event of OpenLineage; 201 (`openlineage`) |
//! | `GET /healthz` | `{"status":"ok"}`; the only one over TCP that needs no token |
//!
//! What the door itself refuses is `{"detail": …}`.

mod assets;
pub mod control;
mod events;
mod mlflow;
mod openlineage;

pub use control::{Guard, open};
