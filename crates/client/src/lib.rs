#![doc = include_str!("../README.md")]

mod attempt;
mod bearer;
mod budget;
mod connection;
mod deadline;
mod policy;
mod settings;

pub use connection::Connection;
pub use policy::SERVICE_CONFIG;
pub use settings::{ConnectError, Identity, Settings, Token};
