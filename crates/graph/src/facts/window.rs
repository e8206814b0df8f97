use serde::{Deserialize, Serialize};

/// How far back each signal reaches from day zero, and how much of a long basket counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// Days of views, searches, likes and clicks kept.
    pub view_days: u32,
    /// Days of carts kept.
    pub cart_days: u32,
    /// Days kept of what viewers did in scenes.
    pub scene_days: u32,
    /// Days of purchases kept.
    pub purchase_days: u32,
    /// The most recent products of a session, or of a visitor's views, that count.
    pub view_cap: usize,
    /// The most recent products of an order, cart or scene that count.
    pub purchase_cap: usize,
    /// Joins a customer's orders of so many days into one basket (days counted from 1970, so the borders do not
    /// move with the data). `None`: only the same order is a co-purchase.
    pub same_user_days: Option<u32>,
    /// A purchase counts as "viewed, then bought" up to so many days after the last view.
    pub viewed_then_bought_days: u32,
}

impl Windows {
    /// The largest `view_cap`; a larger one is taken as this.
    pub const LONGEST_SESSION: usize = 10_000;
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            view_days: 90,
            cart_days: 90,
            scene_days: 90,
            purchase_days: 400,
            view_cap: 50,
            purchase_cap: 100,
            same_user_days: None,
            viewed_then_bought_days: 7,
        }
    }
}
