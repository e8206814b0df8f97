use serde::{Deserialize, Serialize};

use crate::facts::{Baskets, dense};
use crate::params::{Season, Window};

/// What sold in the window that was open at day zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeasonRecord {
    /// The window.
    pub(crate) name: String,
    /// Orders on its days, of every year, per product.
    pub(crate) inside: Vec<u32>,
}

/// Bounds of s_j.
const LEAST: f64 = 0.5;
const MOST: f64 = 2.0;

impl SeasonRecord {
    /// The shortest window that is open on `today` and in which something was sold; none where γ is 0.
    pub(crate) fn freeze(baskets: &Baskets, products: usize, today: i32, season: &Season) -> Option<Self> {
        if season.gamma == 0.0 {
            return None;
        }
        let mut open: Vec<&Window> = season.windows.iter().filter(|one| one.holds(today)).collect();
        open.sort_by_key(|window| window.length());
        let inside = |window: &Window| {
            let mut inside = vec![0; products];
            let (mut day, mut holds) = (i32::MIN, false);
            for basket in 0..dense(baskets.len()) {
                // Baskets stand in the order of their days.
                if baskets.day(basket) != day {
                    day = baskets.day(basket);
                    holds = window.holds(day);
                }
                if holds {
                    for &item in baskets.items(basket) {
                        inside[item as usize] += 1;
                    }
                }
            }
            inside
        };
        open.into_iter().find_map(|window| {
            let inside: Vec<u32> = inside(window);
            inside.iter().any(|&sold| sold > 0).then(|| Self {
                name: window.name.clone(),
                inside,
            })
        })
    }

    /// s_j per product, given its orders on all days.
    pub(crate) fn lifts(&self, counts: &[u32], shrink: f64) -> Vec<f64> {
        let sum = |of: &[u32]| of.iter().map(|&count| f64::from(count)).sum::<f64>();
        let usual = sum(&self.inside) / sum(counts).max(1.0);
        let lift = |(&inside, &count): (&u32, &u32)| {
            let share = (f64::from(inside) + shrink * usual) / (f64::from(count) + shrink);
            (share / usual).clamp(LEAST, MOST)
        };
        self.inside.iter().zip(counts).map(lift).collect()
    }
}

/// `1 + γ (s − 1)`.
pub(crate) fn factor(gamma: f64, lift: f64) -> f64 {
    1.0 + gamma * (lift - 1.0)
}
