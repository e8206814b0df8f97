//! What a build says, seen from outside.

mod attributes;
mod behaviour;
mod degenerate;
mod determinism;
mod market;
mod oracle;
mod returns;
mod sets;
