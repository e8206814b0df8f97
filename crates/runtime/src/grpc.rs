//! Serving gRPC the same way in every process: limits, health, deadlines, traces, metrics, panics, and an
//! end that does not depend on the clients' goodwill.

mod body;
mod call;
mod connection;
mod deadline;
mod guard;
mod layer;
pub(crate) mod loopback;
mod serve;
mod services;
mod status;

pub use deadline::Deadline;
pub use guard::{Guard, Guarded};
pub use layer::{RpcLayer, RpcService};
pub use loopback::{NotLoopback, require as require_loopback};
pub use serve::serve;
pub use services::Services;
