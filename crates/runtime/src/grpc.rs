//! Serving gRPC the same way in every process: limits, health, deadlines, traces, metrics, panics, and an
//! end that does not depend on the clients' goodwill.

mod accept;
mod admission;
mod body;
mod call;
mod connection;
mod crowd;
mod deadline;
mod guard;
mod lanes;
mod layer;
pub(crate) mod loopback;
mod serve;
mod services;
mod status;
mod web;

pub use guard::{AnyCaller, Guard, Guarded};
pub use lanes::{Lanes, NoLanes};
pub use layer::{RpcLayer, RpcService};
pub use loopback::{NotLoopback, require as require_loopback};
pub use serve::{ServeError, serve};
pub use services::Services;
pub use web::{Origin, WebConfig};
