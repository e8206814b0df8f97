use tandem_domain::clock::DAY_MS;

use super::{Counter, MAX_BASKETS, ONE, generated_flag};
use crate::facts::Journeys;

/// Counts what visitors bought after they viewed the anchor, at most `days` after they viewed it last.
pub(crate) fn count_journeys(counter: &mut Counter, anchor: u32, journeys: &Journeys, days: u32) {
    let window = i64::from(days).saturating_mul(DAY_MS);
    for viewing in journeys.viewings(anchor).iter().take(MAX_BASKETS) {
        let flag = generated_flag(journeys.is_generated(viewing.visitor));
        for bought in journeys.bought(viewing.visitor) {
            let time = bought.last_ms;
            if time >= viewing.first_ms && time <= viewing.last_ms.saturating_add(window) {
                let halvings = viewing.halvings.max(bought.halvings);
                counter.add(bought.product, ONE >> halvings, flag);
            }
        }
    }
}
