use serde::{Deserialize, Serialize};

use super::check::{InvalidRecord, holds, same_length};
use crate::facts::{Baskets, dense};
use crate::params::{Season, Window};

/// What sold in the window that was open at day zero, before it opened this time: of its own first days it would learn
/// what happens to sell, not what sells in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeasonRecord {
    /// The window.
    pub(crate) name: String,
    /// Orders on its days in earlier years, per product.
    inside: Vec<u32>,
    /// Orders on all days before it opened, per product.
    before: Vec<u32>,
}

/// Bounds of s_j.
const LEAST: f64 = 0.5;
const MOST: f64 = 2.0;

impl SeasonRecord {
    /// The shortest window that is open on `today` and in which something was sold before it opened; none where γ is 0.
    pub(crate) fn freeze(baskets: &Baskets, products: usize, today: i32, season: &Season) -> Option<Self> {
        if season.gamma == 0.0 {
            return None;
        }
        let mut open: Vec<&Window> = season.windows.iter().filter(|one| one.holds(today)).collect();
        open.sort_by_key(|window| window.length());
        let mut records = open
            .into_iter()
            .map(|window| Self::of(window, baskets, products, today));
        records.find(|record| record.inside.iter().any(|&sold| sold > 0))
    }

    fn of(window: &Window, baskets: &Baskets, products: usize, today: i32) -> Self {
        let mut record = Self {
            name: window.name.clone(),
            inside: vec![0; products],
            before: vec![0; products],
        };
        let opened = opened(window, today);
        let (mut day, mut holds) = (i32::MIN, false);
        for basket in 0..dense(baskets.len()) {
            // Baskets stand in the order of their days.
            if baskets.day(basket) >= opened {
                break;
            }
            if baskets.day(basket) != day {
                day = baskets.day(basket);
                holds = window.holds(day);
            }
            for &item in baskets.items(basket) {
                record.before[item as usize] += 1;
                record.inside[item as usize] += u32::from(holds);
            }
        }
        record
    }

    /// Whether a build could have written it, for products that sold so often.
    pub(super) fn check(&self, sold: &[u32]) -> Result<(), InvalidRecord> {
        let columns = [
            ("season.before", &self.before, sold, "more than purchases.counts"),
            (
                "season.inside",
                &self.inside,
                &self.before[..],
                "more than season.before",
            ),
        ];
        for (field, counts, most, why) in columns {
            same_length(field, counts.len(), most.len())?;
            holds(
                field,
                counts.iter().zip(most).all(|(count, most)| count <= most),
                why,
            )?;
        }
        let is_open = self.inside.iter().any(|&inside| inside > 0);
        holds("season.inside", is_open, "a window in which nothing was sold")
    }

    /// s_j per product.
    pub(crate) fn lifts(&self, shrink: f64) -> Vec<f64> {
        let sum = |of: &[u32]| of.iter().map(|&count| f64::from(count)).sum::<f64>();
        let usual = sum(&self.inside) / sum(&self.before).max(1.0);
        let lift = |(&inside, &count): (&u32, &u32)| {
            let share = (f64::from(inside) + shrink * usual) / (f64::from(count) + shrink);
            (share / usual).clamp(LEAST, MOST)
        };
        self.inside.iter().zip(&self.before).map(lift).collect()
    }
}

/// The day on which a window that is open on `today` opened; of one that never closes, a day before any order.
fn opened(window: &Window, today: i32) -> i32 {
    /// No year of either calendar is longer.
    const YEAR: i32 = 385;
    let first = (today - YEAR..today).rev().take_while(|&day| window.holds(day));
    match first.last() {
        Some(day) if day == today - YEAR => i32::MIN,
        day => day.unwrap_or(today),
    }
}

/// `1 + γ (s − 1)`.
pub(crate) fn factor(gamma: f64, lift: f64) -> f64 {
    1.0 + gamma * (lift - 1.0)
}
