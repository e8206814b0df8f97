//! The API over real caches: most tests run on the in-process cache and on a Redis of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "api/shop.rs"]
mod shop;
#[path = "api/shown.rs"]
mod shown;
#[path = "api/slowed.rs"]
mod slowed;
#[path = "api/world.rs"]
mod world;

#[path = "api/attach.rs"]
mod attach;
#[path = "api/bundles.rs"]
mod bundles;
#[path = "api/callers.rs"]
mod callers;
#[path = "api/faults.rs"]
mod faults;
#[path = "api/feedback.rs"]
mod feedback;
#[path = "api/filters.rs"]
mod filters;
#[path = "api/low_stock.rs"]
mod low_stock;
#[path = "api/near.rs"]
mod near;
#[path = "api/nonsense.rs"]
mod nonsense;
#[path = "api/race.rs"]
mod race;
#[path = "api/related.rs"]
mod related;
#[path = "api/standing.rs"]
mod standing;
#[path = "api/stock.rs"]
mod stock;
#[path = "api/tokens.rs"]
mod tokens;
#[path = "api/trace.rs"]
mod trace;
