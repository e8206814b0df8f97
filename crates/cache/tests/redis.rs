//! What only a server can do wrong: be away, silent, full, read-only, or of the wrong kind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "redis/connect.rs"]
mod connect;
#[path = "redis/entries.rs"]
mod entries;
#[path = "redis/outage.rs"]
mod outage;
#[path = "redis/refusal.rs"]
mod refusal;
#[path = "redis/server.rs"]
mod server;
