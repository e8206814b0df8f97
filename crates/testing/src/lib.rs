#![doc = include_str!("../README.md")]

mod authority;
mod client;
pub mod damage;
mod guardian;
mod issuer;
#[cfg(feature = "otlp")]
pub mod otlp;
mod port;
pub mod postgres;
mod process;
mod program;
mod proxy;
mod redis;
mod sqlite;
mod wait;

pub use authority::{Authority, Certificate};
pub use client::never_begun;
pub use issuer::{Signing, TokenKey, jwks};
pub use port::free_port;
pub use postgres::{PostgresServer, TestDatabase, postgres};
pub use process::Process;
pub use proxy::{Fault, FaultProxy};
pub use redis::RedisServer;
pub use sqlite::sqlite_url;
pub use wait::{wait_for, wait_until};
