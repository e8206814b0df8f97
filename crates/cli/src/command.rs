//! One room per command.

pub mod build;
pub mod cache;
pub mod demo;
pub mod dev;
pub mod export;
pub mod generations;
pub mod import;
pub mod offline;
pub mod query;
pub mod stock;
