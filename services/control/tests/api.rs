//! The API over real databases: every test runs on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "api/house.rs"]
mod house;
#[path = "api/samples.rs"]
mod samples;
#[path = "api/shown.rs"]
mod shown;

#[path = "api/catalog.rs"]
mod catalog;
#[path = "api/category_rules.rs"]
mod category_rules;
#[path = "api/conflicts.rs"]
mod conflicts;
#[path = "api/dead_letters.rs"]
mod dead_letters;
#[path = "api/events.rs"]
mod events;
#[path = "api/fixed_bundles.rs"]
mod fixed_bundles;
#[path = "api/links.rs"]
mod links;
#[path = "api/nonsense.rs"]
mod nonsense;
#[path = "api/operations.rs"]
mod operations;
#[path = "api/repeats.rs"]
mod repeats;
#[path = "api/schema.rs"]
mod schema;
#[path = "api/shops.rs"]
mod shops;
#[path = "api/standing.rs"]
mod standing;
#[path = "api/stock.rs"]
mod stock;
#[path = "api/surfaces.rs"]
mod surfaces;
#[path = "api/tokens.rs"]
mod tokens;
#[path = "api/trace.rs"]
mod trace;
#[path = "api/users.rs"]
mod users;
