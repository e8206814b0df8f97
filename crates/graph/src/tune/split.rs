use serde::{Deserialize, Serialize};

use crate::facts::{Baskets, dense};

/// Parts of a hundred of the baskets that validate.
const HELD_PERCENT: u64 = 15;

/// How the baskets that fit a setting were told from those that judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The latest baskets judge.
    Time,
    /// No time is known: a hash chooses who judges.
    Hash,
}

/// Baskets to fit on, and baskets to judge by.
pub(super) struct Parts {
    pub(super) by: Split,
    pub(super) train: Baskets,
    /// Numbers in all baskets, ascending.
    pub(super) held: Vec<u32>,
}

/// Splits by time where baskets lie on several days, else by a hash. Baskets stand in an order that rows in any order
/// make the same, so their numbers will do as names.
pub(super) fn split(baskets: &Baskets) -> Parts {
    let total = dense(baskets.len());
    let spans = total > 0 && baskets.day(0) < baskets.day(total - 1);
    let first_held = (u64::from(total) * (100 - HELD_PERCENT) / 100) as u32;
    let is_held = |basket: u32| {
        if spans {
            basket >= first_held
        } else {
            draw(basket, Draw::Split) % 100 < HELD_PERCENT
        }
    };
    Parts {
        by: if spans { Split::Time } else { Split::Hash },
        train: baskets.subset(|basket| !is_held(basket)),
        held: (0..total).filter(|&basket| is_held(basket)).collect(),
    }
}

/// What a number is drawn for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Draw {
    Split = 1,
    Sample,
    Target,
    Seed,
}

/// A seeded number per basket: the finaliser of SplitMix64.
pub(super) fn draw(basket: u32, purpose: Draw) -> u64 {
    let mut x = (u64::from(basket) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (purpose as u64).wrapping_mul(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
