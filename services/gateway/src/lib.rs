#![doc = include_str!("../README.md")]

mod access;
pub mod availability;
mod bundles;
pub mod config;
mod failure;
mod feed;
mod freshness;
mod market;
mod meters;
mod near;
mod page;
mod read;
mod reflection;
mod related;
mod rpc;
mod serve;
mod wire;

pub use config::Config;
pub use serve::{RunError, SERVICE, run, serve};
