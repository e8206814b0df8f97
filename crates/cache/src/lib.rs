#![doc = include_str!("../README.md")]

pub mod codec;
pub mod error;
pub mod port;
pub mod segment;
