#![doc = include_str!("../README.md")]

pub mod codec;
pub mod error;
pub mod lease;
pub mod memory;
pub mod port;
pub mod redis;
pub mod segment;
mod version;
