use tandem_domain::clock::DAY_MS;

use super::{Counter, MAX_BASKETS, ONE, generated_flag};
use crate::facts::Journeys;

/// Counts what visitors bought after they viewed the anchor, at most `days` after they viewed it last.
pub(crate) fn count_journeys(counter: &mut Counter, anchor: u32, journeys: &Journeys, days: u32) {
    let window = i64::from(days).saturating_mul(DAY_MS);
    for viewing in journeys.viewings(anchor).iter().take(MAX_BASKETS) {
        let flag = generated_flag(journeys.is_generated(viewing.visitor));
        for &(item, time) in journeys.bought(viewing.visitor) {
            if time >= viewing.first_ms && time <= viewing.last_ms.saturating_add(window) {
                counter.add(item, ONE, flag);
            }
        }
    }
}
