//! One room per relation: candidates of a row in, an edge list out.

mod together;

pub(crate) use together::together;
