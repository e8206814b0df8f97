use serde::{Deserialize, Serialize};

/// What shoppers' answers to companions they were shown are worth; the formula stands at [`crate::Feedback`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feedback {
    /// η: at place `p` a companion is looked at `1/p^η` times as often as at the first.
    pub examination: f64,
    /// κ: looks that the slot's prior is worth.
    pub prior: f64,
    /// Worth of a cart in clicks.
    pub cart: f64,
    /// Worth of a purchase in clicks.
    pub purchase: f64,
    /// The least that a score is multiplied by.
    pub least: f64,
    /// The most that a score is multiplied by.
    pub most: f64,
    /// Days before day zero that count.
    pub days: u32,
}

impl Default for Feedback {
    fn default() -> Self {
        Self {
            examination: 0.7,
            prior: 50.0,
            cart: 2.0,
            purchase: 4.0,
            least: 0.5,
            most: 2.0,
            days: 90,
        }
    }
}
