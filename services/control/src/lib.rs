#![doc = include_str!("../README.md")]

mod access;
pub mod config;
mod convert;
mod desk;
mod handlers;
mod intake;
mod page;
mod parse;
mod reflection;
mod refusal;
mod schema;
mod serve;

pub use config::{Config, SERVICE};
pub use serve::{RunError, run, serve};
