//! From requests to domain types: one function per request, which tells everything that is wrong with it at once.

pub(crate) mod catalog;
pub(crate) mod category_rule;
pub(crate) mod dead_letter;
pub(crate) mod event;
mod field;
pub(crate) mod fixed_bundle;
pub(crate) mod link;
pub(crate) mod operation;
mod path;
pub(crate) mod stock;
pub(crate) mod surface;
pub(crate) mod user_erasure;
mod violations;

pub(crate) use path::Path;
pub(crate) use violations::{Violations, bound};
