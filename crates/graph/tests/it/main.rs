//! What a build says, seen from outside.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod attributes;
mod behaviour;
mod degenerate;
mod determinism;
mod feedback;
mod guards;
mod increments;
mod market;
mod oracle;
mod pace;
mod pair;
mod parts;
mod record;
mod returns;
mod rules;
mod season;
mod sets;
mod tuning;
mod upsell;
mod wide;
