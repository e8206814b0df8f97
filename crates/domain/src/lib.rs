#![doc = include_str!("../README.md")]

pub mod bundle;
pub mod catalog;
pub mod change;
pub mod clock;
pub mod edge;
pub mod event;
pub mod feed;
pub mod generation;
pub mod id;
pub mod link;
pub mod money;
pub mod principal;
pub mod relation;
pub mod stock;
pub mod surface;
