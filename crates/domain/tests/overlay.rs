//! What a list shows, against a naive recomputation and one rule at a time.

#[path = "overlay/explore.rs"]
mod explore;
#[path = "overlay/laws.rs"]
mod laws;
#[path = "overlay/links.rs"]
mod links;
#[path = "overlay/naive.rs"]
mod naive;
#[path = "overlay/order.rs"]
mod order;
#[path = "overlay/samples.rs"]
mod samples;
#[path = "overlay/stock.rs"]
mod stock;
#[path = "overlay/world.rs"]
mod world;
