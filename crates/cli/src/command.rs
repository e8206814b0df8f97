//! One room per command.

pub mod build;
pub mod bundles;
pub mod cache;
pub mod deadletter;
pub mod demo;
pub mod dev;
pub mod export;
pub mod generations;
pub mod import;
pub mod manual;
pub mod offline;
pub mod query;
pub mod reconcile;
pub mod rules;
pub mod stock;
pub mod surface;
pub mod users;
