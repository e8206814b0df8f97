//! One anchor's row in, its edge lists out.

mod candidate;
mod closed;
mod diversity;
mod fit;
mod funnel;
mod gate;
mod index;
mod judge;
mod likeness;
mod recipe;
mod selection;

pub(crate) use candidate::Gathering;
pub(crate) use closed::{Scratch, also_viewed, together};
pub(crate) use fit::price_in_band;
pub(crate) use funnel::Refusals;
pub(crate) use recipe::{Seats, gated};
