#![doc = include_str!("../README.md")]

pub mod admin;
pub mod auth;
pub mod backoff;
pub mod config;
pub mod grpc;
pub mod instance;
pub mod lifecycle;
mod panics;
pub mod readiness;
pub mod status;
pub mod tasks;
pub mod telemetry;
pub mod tls;

/// An error of any kind, on its way to the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
