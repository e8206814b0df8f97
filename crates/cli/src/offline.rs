//! Files in, files out: the graph engine without a database.

pub mod edges;
pub mod events;
pub mod header;
pub mod products;
